"""A whole run for an animation: parameters and losses of all states are kept, assignments are computed again on demand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from clustering.notices import Notice
from clustering.process import Assignment, Process, State


class AssignmentSummary(NamedTuple):
    """What is kept of an assignment: labels and shares are computed again."""

    sizes: np.ndarray
    """(K,) number of points in each cluster; the sum of its shares for soft methods"""
    changed: int
    """number of points whose label differs from that in the complete state before; n in the first"""


@dataclass(frozen=True, eq=False)
class History:
    """A whole run. T iterations have T + 1 complete states, numbered 0..T, and the states between these.

    Labels and shares are not kept: a hundred (n, k) arrays take much memory, and `assignment` and `frame` compute any of
    them again. The complete state of an iteration is the last one with its number.
    """

    process: Process
    prepared: Any
    """what `process.prepare` returned for the data"""
    states: tuple[State, ...]
    """all states in order: a "start" state with the first parameters and nothing assigned, the complete state of iteration 0,
    the states between, the complete state of iteration 1, …; assignments are an `AssignmentSummary` or None"""
    last: State
    """the last state with its whole assignment"""
    seconds: float
    """time spent in `process.states`: without preparing, choosing a start, the states between, recording and `on_step`"""

    @classmethod
    def record(cls, process: Process, data, *, on_step: Callable[[State], None] | None = None, **options) -> "History":
        """The history of `iterate(process, data, **options)`.

        Parameters
        ----------
        process, data, options : as `iterate`
        on_step : function, optional
            Called with each complete state as soon as it is known; an exception that it raises ends the work.

        Raises
        ------
        ValueError
            As `iterate`.
        """
        prepared = process.prepare(data)
        states: list[State] = []
        last = None
        run = process.states(prepared, **options)
        seconds, began = 0.0, perf_counter()
        for state in run:
            seconds += perf_counter() - began
            if last is None:
                states.append(State("start", state.iteration, state.parameters, None, None))
            else:
                states += map(_summarized, process.between(prepared, last, state))
            states.append(_summarized(state))
            last = state
            if on_step is not None:
                on_step(state)
            began = perf_counter()
        return cls(process, prepared, tuple(states), last, seconds)

    def __len__(self) -> int:
        """T + 1, the number of complete states."""
        return len(self._complete)

    @cached_property
    def _complete(self) -> tuple[int, ...]:
        """(T + 1) where the complete state of each iteration is among `states`."""
        return tuple({state.iteration: i for i, state in enumerate(self.states)}.values())

    @cached_property
    def _complete_states(self) -> tuple[State, ...]:
        return tuple(self.states[i] for i in self._complete)

    @property
    def iterations(self) -> int:
        """T, the number of iterations after the first complete state."""
        return len(self) - 1

    @property
    def converged(self) -> bool:
        return self.last.converged

    @cached_property
    def parameters(self) -> tuple:
        """(T + 1) parameters of each complete state"""
        return tuple(state.parameters for state in self._complete_states)

    @cached_property
    def losses(self) -> np.ndarray:
        """(T + 1,) loss of each complete state; NaN where there is none"""
        return np.array([state.loss for state in self._complete_states], dtype=float)

    @cached_property
    def half_losses(self) -> np.ndarray:
        """Loss of each state between complete ones, in order, NaN where there is none: for E and M steps (T,), of the new
        parameters with the old assignment"""
        complete = set(self._complete)
        between = [state.loss for i, state in enumerate(self.states) if i > self._complete[0] and i not in complete]
        return np.array(between, dtype=float)

    @cached_property
    def changed(self) -> np.ndarray:
        """(T + 1,) number of points whose label changed in each complete state, n in the first; 0 where nothing is assigned"""
        assignments = (state.assignment for state in self._complete_states)
        return np.array([0 if assignment is None else assignment.changed for assignment in assignments])

    @cached_property
    def sizes(self) -> np.ndarray | tuple[np.ndarray, ...]:
        """(T + 1, k) size of each cluster in each complete state, the sum of its shares for soft methods; a tuple of T + 1
        arrays where the number of clusters differs from state to state"""
        assignments = (state.assignment for state in self._complete_states)
        sizes = tuple(np.zeros(0) if assignment is None else assignment.sizes for assignment in assignments)
        return np.array(sizes) if len({len(each) for each in sizes}) == 1 else sizes

    @cached_property
    def notices(self) -> tuple[tuple[Notice, ...], ...]:
        """(T + 1) notices of each complete state"""
        return tuple(state.notices for state in self._complete_states)

    @cached_property
    def positions(self) -> np.ndarray:
        """(number of states,) where each state stands on an axis of iterations.

        The m states of iteration i > 0 are evenly spaced and end at i: the M step of iteration 1 is at 0.5, its E step at 1.
        All states of iteration 0 are at 0.
        """
        numbers = np.array([state.iteration for state in self.states])
        iterations, where, counts = np.unique(numbers, return_inverse=True, return_counts=True)
        missing = np.array(self._complete)[where] - np.arange(len(numbers))
        return np.where(numbers == iterations[0], numbers, numbers - missing / counts[where])

    def assignment(self, i: int) -> Assignment | None:
        """The assignment of state i of `states` (negative i counts from the end), computed again by `process.assign`.

        That of a state between two complete ones is that of the complete state before it. None where nothing is assigned.
        """
        i = range(len(self.states))[i]
        if i < self._complete[0]:
            return None
        complete = max(earlier for earlier in self._complete if earlier <= i)
        if complete == self._complete[-1]:
            return self.last.assignment
        kept = self.states[complete]
        if kept.assignment is None:
            return None
        assignment = self.process.assign(self.prepared, kept.parameters)
        return replace(assignment, changed=kept.assignment.changed)

    def frame(self, t: int) -> Assignment | None:
        """The assignment of the complete state of iteration t (negative t counts from the end), computed again."""
        return self.assignment(self._complete[t])

    def unique_notices(self) -> list[tuple[int, Notice]]:
        """Each kind of notice once, in its latest form, with the first iteration that had it; in order of appearance."""
        first: dict[str, int] = {}
        latest: dict[str, Notice] = {}
        for t, notices in enumerate(self.notices):
            for notice in notices:
                first.setdefault(notice.name, t)
                latest[notice.name] = notice
        return [(first[name], latest[name]) for name in first]


def _summarized(state: State) -> State:
    """The state with a summary in place of its assignment, which would keep large arrays in memory."""
    assignment = state.assignment
    if assignment is None:
        return state
    return state._replace(assignment=AssignmentSummary(assignment.sizes, assignment.changed))
