"""Record of a whole run. Parameters and losses of all states are stored; assignments are recomputed on demand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from clustering.notices import Notice
from clustering.process import Assignment, Process, State


class AssignmentSummary(NamedTuple):
    """The part of an assignment that is stored. Labels and memberships are recomputed."""

    sizes: np.ndarray
    """(K,) number of points in each cluster; for soft methods the sum of its memberships"""
    changed: int
    """number of points whose label differs from the previous complete state; n in the first one"""


@dataclass(frozen=True, eq=False)
class History:
    """Record of a whole run. T iterations have T + 1 complete states, numbered 0..T, and intermediate states.

    Labels and memberships are not stored, because (n, k) arrays for every state take too much memory; `assignment` and
    `assignment_of_iteration` recompute them. The complete state of an iteration is the last state with that iteration number.
    """

    process: Process
    prepared: Any
    """result of `process.prepare` for the data"""
    states: tuple[State, ...]
    """all states in order: a "start" state with the initial parameters and no assignment, the complete state of iteration 0,
    intermediate states, the complete state of iteration 1, …; assignments are an `AssignmentSummary` or None"""
    last: State
    """last state, including its full assignment"""
    seconds: float
    """time spent in `process.states`, excluding preparation, initialization, intermediate states, recording and `on_step`"""

    @classmethod
    def record(cls, process: Process, data, *, on_step: Callable[[State], None] | None = None, **options) -> "History":
        """Run `iterate(process, data, **options)` and record it.

        Parameters
        ----------
        process, data, options
            As in `iterate`.
        on_step : callable, optional
            Called with each complete state. An exception it raises stops the computation.

        Raises
        ------
        ValueError
            As in `iterate`.
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
        """(T + 1) index into `states` of the complete state of each iteration."""
        return tuple({state.iteration: i for i, state in enumerate(self.states)}.values())

    @cached_property
    def _complete_states(self) -> tuple[State, ...]:
        return tuple(self.states[i] for i in self._complete)

    @property
    def iterations(self) -> int:
        """Number of iterations T, not counting the initialization."""
        return len(self) - 1

    @property
    def converged(self) -> bool:
        """Whether the run converged, rather than stopped at the iteration limit."""
        return self.last.converged

    @cached_property
    def parameters(self) -> tuple:
        """(T + 1) parameters of each complete state."""
        return tuple(state.parameters for state in self._complete_states)

    @cached_property
    def losses(self) -> np.ndarray:
        """(T + 1,) loss of each complete state; NaN if undefined."""
        return np.array([state.loss for state in self._complete_states], dtype=float)

    @cached_property
    def half_losses(self) -> np.ndarray:
        """Loss of each intermediate state, in order; NaN if undefined.

        For methods with E and M steps (T,): the loss of the new parameters with the old assignment.
        """
        complete = set(self._complete)
        between = [state.loss for i, state in enumerate(self.states) if i > self._complete[0] and i not in complete]
        return np.array(between, dtype=float)

    @cached_property
    def changed(self) -> np.ndarray:
        """(T + 1,) number of points whose label changed in each complete state: n in the first, 0 without an assignment."""
        assignments = (state.assignment for state in self._complete_states)
        return np.array([0 if assignment is None else assignment.changed for assignment in assignments])

    @cached_property
    def sizes(self) -> np.ndarray | tuple[np.ndarray, ...]:
        """(T + 1, k) size of each cluster in each complete state; for soft methods the sum of its memberships.

        A tuple of T + 1 arrays if the number of clusters varies.
        """
        assignments = (state.assignment for state in self._complete_states)
        sizes = tuple(np.zeros(0) if assignment is None else assignment.sizes for assignment in assignments)
        return np.array(sizes) if len({len(each) for each in sizes}) == 1 else sizes

    @cached_property
    def notices(self) -> tuple[tuple[Notice, ...], ...]:
        """(T + 1) notices of each complete state."""
        return tuple(state.notices for state in self._complete_states)

    @cached_property
    def positions(self) -> np.ndarray:
        """(number of states,) position of each state on the iteration axis.

        The m states of iteration i > 0 are evenly spaced in (i - 1, i]: the M step of iteration 1 is at 0.5, its E step at 1.
        All states of iteration 0 are at 0.
        """
        numbers = np.array([state.iteration for state in self.states])
        iterations, where, counts = np.unique(numbers, return_inverse=True, return_counts=True)
        missing = np.array(self._complete)[where] - np.arange(len(numbers))
        return np.where(numbers == iterations[0], numbers, numbers - missing / counts[where])

    def assignment(self, i: int) -> Assignment | None:
        """Recompute the assignment of `states[i]` with `process.assign`. Negative i counts from the end.

        An intermediate state has the assignment of the preceding complete state. None if no points are assigned.
        """
        i = range(len(self.states))[i]
        if i < self._complete[0]:
            return None
        complete = max(earlier for earlier in self._complete if earlier <= i)
        if complete == self._complete[-1]:
            return self.last.assignment
        stored = self.states[complete]
        if stored.assignment is None:
            return None
        assignment = self.process.assign(self.prepared, stored.parameters)
        return replace(assignment, changed=stored.assignment.changed)

    def assignment_of_iteration(self, t: int) -> Assignment | None:
        """Recompute the assignment of the complete state of iteration t. Negative t counts from the end."""
        return self.assignment(self._complete[t])

    def unique_notices(self) -> list[tuple[int, Notice]]:
        """Each kind of notice once: the iteration of its first occurrence, and its latest text. In order of occurrence."""
        first: dict[str, int] = {}
        latest: dict[str, Notice] = {}
        for t, notices in enumerate(self.notices):
            for notice in notices:
                first.setdefault(notice.name, t)
                latest[notice.name] = notice
        return [(first[name], latest[name]) for name in first]


def _summarized(state: State) -> State:
    """The state with its assignment replaced with a summary, to free memory."""
    assignment = state.assignment
    if assignment is None:
        return state
    return state._replace(assignment=AssignmentSummary(assignment.sizes, assignment.changed))
