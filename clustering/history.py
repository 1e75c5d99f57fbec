"""What an animation needs of a run: its parameters and losses, kept; its assignments, one E step away."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from clustering.em import Method, Step, iterate
from clustering.notices import Notice


@dataclass(frozen=True, eq=False)
class History:
    """A whole run. T iterations make T + 1 states, numbered 0..T, with T half-steps between them.

    Labels and responsibilities are not kept: a hundred (n, k) arrays are not worth their memory when `frame` makes any of
    them again in one E step.
    """

    method: Method
    prepared: Any
    """what `method.prepare` made of the data"""
    parameters: tuple
    """(T + 1) parameters, of each state"""
    losses: np.ndarray
    """(T + 1,) loss of each state, after its E step"""
    half_losses: np.ndarray
    """(T,) loss after the M step that leads from state t to t + 1, before anyone was assigned anew"""
    changed: np.ndarray
    """(T + 1,) number of points that changed cluster in the E step of each state; n in the first"""
    sizes: np.ndarray
    """(T + 1, k) size of each cluster; fractions for mixtures"""
    notices: tuple[tuple[Notice, ...], ...]
    """(T + 1) notices of each state"""
    last: Step
    """the last state, whole"""
    seconds: float
    """that the E and M steps took: without preparing, choosing a start, and what is done here to record or to watch"""

    @classmethod
    def record(cls, method: Method, data, *, watch: Callable[[Step], None] | None = None, **options) -> "History":
        """The history of `iterate(method, data, **options)`; `watch` is called with each step as it comes."""
        prepared = method.prepare(data)
        steps: list[Step] = []
        half_losses = []
        run = iterate(method, prepared, **options)
        seconds, began = 0.0, perf_counter()
        for step in run:
            seconds += perf_counter() - began
            if steps:
                before = steps[-1]
                half_losses.append(method.half_step_loss(prepared, before.assignment, before.parameters, step.parameters))
                steps[-1] = before._replace(assignment=_Summary(before.assignment))
            steps.append(step)
            if watch is not None:
                watch(step)
            began = perf_counter()
        return cls(
            method=method,
            prepared=prepared,
            parameters=tuple(step.parameters for step in steps),
            losses=np.array([step.loss for step in steps]),
            half_losses=np.array(half_losses),
            changed=np.array([step.assignment.changed for step in steps]),
            sizes=np.array([step.assignment.sizes for step in steps]),
            notices=tuple(step.notices for step in steps),
            last=steps[-1],
            seconds=seconds,
        )

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def iterations(self) -> int:
        """T, the number of M steps made."""
        return len(self) - 1

    @property
    def converged(self) -> bool:
        return self.last.converged

    def frame(self, t: int):
        """The assignment of state t (negative t counts from the end), made anew by one E step."""
        if t in (-1, len(self) - 1):
            return self.last.assignment
        assignment = self.method.e_step(self.prepared, self.parameters[t])[0]
        return replace(assignment, changed=int(self.changed[t]))

    def named_notices(self) -> list[tuple[int, Notice]]:
        """Each kind of notice once, as it was last said, with the first iteration that had it; in order of appearance."""
        first: dict[str, int] = {}
        said: dict[str, Notice] = {}
        for t, notices in enumerate(self.notices):
            for notice in notices:
                first.setdefault(notice.name, t)
                said[notice.name] = notice
        return [(first[name], said[name]) for name in first]


class _Summary:
    """What is kept of an assignment when the run has gone on."""

    def __init__(self, assignment):
        self.changed, self.sizes = assignment.changed, assignment.sizes
