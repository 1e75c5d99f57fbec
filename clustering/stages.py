"""Processes without an initialization whose states follow from the data at once, such as DBSCAN."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clustering.notices import Notice
from clustering.process import State, check_limits, iteration_limit_notice


class Staged(ABC):
    """Base of such processes: a subclass has `prepare`, `start`, `assign`, and the functions below. There is no loss."""

    k = None
    loss_name = None
    tol = 0.0

    @abstractmethod
    def stages(self, prepared) -> Sequence[tuple[str, Any]]:
        """Phase and parameters of each state of a complete run, in order."""

    @abstractmethod
    def notices(self, parameters) -> tuple[Notice, ...]:
        """Notices about the result, given the parameters of the last state."""

    def check_start(self, prepared, start):
        """Raise ValueError: there is no initialization."""
        raise ValueError(f"{type(self).__name__} does not accept a start: it has no initialization")

    def states(
        self,
        prepared,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """Iterate over the states, which are the same in every run; `rng` and `tol` are ignored.

        The last state is converged. If `max_iter` ends the run earlier, it is not, and has a notice. Raise ValueError when
        called if `start` is given, and as in `check_limits`.
        """
        check_limits(self.tol if tol is None else tol, max_iter)
        if start is not None:
            self.check_start(prepared, start)
        return self._states(prepared, max_iter)

    def _states(self, prepared, max_iter: int) -> Iterator[State]:
        stages, before = self.stages(prepared), None
        for iteration, (phase, parameters) in enumerate(stages[: max_iter + 1]):
            assignment = self.assign(prepared, parameters)
            if before is not None:
                assignment = replace(assignment, changed=int(np.count_nonzero(assignment.labels != before)))
            converged = iteration == len(stages) - 1
            notices = self.notices(parameters) if converged else ()
            if iteration == max_iter and not converged:
                notices = (iteration_limit_notice(max_iter),)
            yield State(phase, iteration, parameters, assignment, None, converged, notices)
            before = assignment.labels

    def between(self, prepared, before: State, after: State) -> tuple[State, ...]:
        """No intermediate states."""
        return ()
