"""What an algorithm is here: a sequence of states. This module runs any algorithm that is one.

A `Process` holds settings, never data, and its `states` are the run. `iterate` checks the data and yields the states, `fit`
returns the last one, `restarts` makes a run from each of many starts, `best_of` returns the last state of the best of them.
Nothing that a process returns is changed later.

`Alternating` is the loop of all methods that lower a loss L(parameters, assignment) by two steps in turn,

    E step   assignment  = argmin over assignments of L(parameters, assignment)
    M step   parameters  = argmin over parameters  of L(parameters, assignment)

so that the loss never rises.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from clustering.notices import ITERATION_LIMIT, LOSS_ROSE, Notice
from clustering.points import is_integer


class Assignment(Protocol):
    """Which cluster each point belongs to. `History` needs a frozen dataclass, so that it can restore `changed`."""

    @property
    def labels(self) -> np.ndarray:
        """(n,) cluster of each point, 0..K-1; -1 is noise or not reached yet. K may differ from state to state."""

    @property
    def shares(self) -> np.ndarray | None:
        """(n, K) share of each point in each cluster for soft methods, rows sum to at most 1; None for hard methods."""

    @property
    def sizes(self) -> np.ndarray:
        """(K,) number of points in each cluster; the sum of its shares for soft methods."""

    @property
    def changed(self) -> int:
        """Number of points whose label differs from that in the complete state before; n in the first."""


class State(NamedTuple):
    """One state of a run. Parameters, assignment and loss belong together: the loss is of exactly these two."""

    phase: str
    """what led to this state: "start", "E", "M", "merge", …"""
    iteration: int
    """0 at the start"""
    parameters: Any
    """immutable by convention: centers (k, d), medoids (k,), Gaussians, …"""
    assignment: Any
    """an `Assignment`, or None where nothing is assigned yet"""
    loss: float | None
    """None where there is none"""
    converged: bool = False
    """True in the last state of a run that ended by itself, not by a limit"""
    notices: tuple[Notice, ...] = ()
    """what is unusual about this state, in sentences"""

    @property
    def labels(self) -> np.ndarray | None:
        """The cluster of each point, (n,) integers, -1 for none; None where nothing is assigned yet."""
        return None if self.assignment is None else self.assignment.labels


class Process(Protocol):
    """An algorithm with its settings. It holds no data, so one object serves many runs, also at the same time."""

    k: int
    """number of clusters"""
    loss_name: str | None
    """what the loss is, with its unit, for people; None where there is none"""
    tol: float
    """the default of `iterate`"""

    def prepare(self, data) -> Any:
        """The checked data with all that is computed once per data set. Prepared data are returned as they are.

        Raises
        ------
        ValueError
            If the data cannot be used, or not with these settings.
        """

    def start(self, prepared, rng: np.random.Generator) -> Any:
        """The first parameters, by the settings of the process."""

    def check_start(self, prepared, start) -> Any:
        """The given first parameters in the form that the process uses, as a copy.

        Raises
        ------
        ValueError
            If they do not fit the data, or the process takes no start.
        """

    def states(
        self,
        prepared,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """The complete states of a run, one for each iteration from 0 on; parameters as `iterate`.

        A complete state has parameters, assignment and loss that belong together. ValueError at the call, not at the first
        state, if the start or a setting cannot be used.
        """

    def between(self, prepared, before: State, after: State) -> tuple[State, ...]:
        """The states between two consecutive complete states, for a picture; they have the iteration number of `after`."""

    def assign(self, prepared, parameters) -> Assignment | None:
        """The assignment of a complete state, computed again from its parameters; `changed` is n."""

    def predict(self, parameters, points) -> np.ndarray:
        """(m,) cluster of each of m points, new or not. Only processes by which every place belongs to a cluster have this."""


class Alternating(ABC):
    """The loop of E and M steps. A subclass is a `Process` with the steps below."""

    tol: float

    @abstractmethod
    def e_step(self, prepared, parameters, before=None) -> tuple[Any, float]:
        """The best assignment and its loss. `before`, the previous assignment of the same run, may save work."""

    @abstractmethod
    def m_step(self, prepared, assignment, parameters) -> Any:
        """The best parameters, as new objects."""

    @abstractmethod
    def half_step_loss(self, prepared, assignment, parameters, new_parameters) -> float:
        """The loss after an M step: of the new parameters with the assignment that they were computed from."""

    @abstractmethod
    def has_converged(self, before: State, parameters, assignment, loss: float, tol: float) -> bool:
        """Whether this state differs so little from the previous one that the run has converged."""

    def notices(self, prepared, parameters, assignment) -> tuple[Notice, ...]:
        """What is unusual about this state."""
        return ()

    def rounding(self, prepared, assignment, loss: float) -> float:
        """By how much the loss of this assignment may seem to rise because of rounding alone."""
        return 1e-12 * abs(loss)

    def states(
        self,
        prepared,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """The states after each E step, before the next M step, with phase "E"; as `Process.states`."""
        tol = self.tol if tol is None else tol
        check_limits(tol, max_iter)
        if start is None:
            parameters = self.start(prepared, np.random.default_rng(rng))
        else:
            parameters = self.check_start(prepared, start)
        return self._states_from(prepared, parameters, tol, max_iter)

    def _states_from(self, prepared, parameters, tol, max_iter) -> Iterator[State]:
        before = None
        for iteration in range(max_iter + 1):
            assignment, loss = self.e_step(prepared, parameters, None if before is None else before.assignment)
            notices = self.notices(prepared, parameters, assignment)
            converged = False
            if before is not None:
                converged = self.has_converged(before, parameters, assignment, loss, tol)
                rise = loss - before.loss
                if rise > 0 and rise > self.rounding(prepared, assignment, before.loss):
                    notices += (_rose(rise, iteration),)
            if iteration == max_iter and not converged:
                notices += (iteration_limit_notice(max_iter),)
            before = State("E", iteration, parameters, assignment, loss, converged, notices)
            yield before
            if converged or iteration == max_iter:
                return
            parameters = self.m_step(prepared, assignment, parameters)

    def between(self, prepared, before: State, after: State) -> tuple[State, ...]:
        """The state after the M step, with phase "M": the new parameters, and the assignment that they were computed from."""
        loss = self.half_step_loss(prepared, before.assignment, before.parameters, after.parameters)
        return (State("M", after.iteration, after.parameters, before.assignment, loss),)

    def assign(self, prepared, parameters):
        """The assignment by one E step; as `Process.assign`."""
        return self.e_step(prepared, parameters)[0]


def check_limits(tol: float, max_iter: int) -> None:
    """Raises ValueError unless tol is at least 0 and max_iter an integer of at least 0."""
    if not is_integer(max_iter) or max_iter < 0:
        raise ValueError(f"max_iter must be an integer of at least 0, got {max_iter}")
    if not tol >= 0:
        raise ValueError(f"tol must be at least 0, got {tol}")


def iteration_limit_notice(max_iter: int) -> Notice:
    """The notice of a run that ended at the limit."""
    text = f"The run was cut off after {max_iter} iterations and had not converged: allow more iterations."
    return Notice(ITERATION_LIMIT, text)


def _rose(rise: float, iteration: int) -> Notice:
    text = (
        f"The loss rose by {rise:.3g} in iteration {iteration}, which these steps should never let happen: a regularization "
        "above zero can do it; otherwise the numbers are beyond double precision."
    )
    return Notice(LOSS_ROSE, text)


def iterate(
    process: Process,
    data,
    *,
    start=None,
    rng: np.random.Generator | int | None = None,
    tol: float | None = None,
    max_iter: int = 300,
) -> Iterator[State]:
    """The complete states of a run, one for each iteration from 0 on.

    Parameters
    ----------
    process : Process
        `KMeans(k)`, `KMedoids(k)`, `GaussianMixture(k)`, `SoftKMeans(k, width)`, `TreeCut(k)`, …
    data : array
        What the process works on: points (n, d), or proximities (n, n) for K-medoids; or what `process.prepare` returned.
    start : parameters, optional
        The first parameters: centers (k, d), medoids (k,) or `Gaussians`. Never changed. By default the process chooses
        them by its `init`.
    rng : numpy.random.Generator or seed, optional
        Used by random starts only; the same seed gives the same run.
    tol : float, optional
        The run ends when the loss falls by no more than this, in the unit of the loss, unless the process says otherwise.
        K-means and K-medoids have 0 as default and end exactly: when nothing changes.
    max_iter : int
        The largest iteration number. A run that is cut off there carries the notice "iteration limit".

    Yields
    ------
    State
        `converged` is True in the last one unless the limit was reached.

    Raises
    ------
    ValueError
        At the call, not at the first state, if the data, the start or a setting cannot be used.
    """
    return process.states(process.prepare(data), start=start, rng=rng, tol=tol, max_iter=max_iter)


def fit(process: Process, data, **options) -> State:
    """The last state of `iterate(process, data, **options)`."""
    state = None
    for state in iterate(process, data, **options):  # noqa: B007
        pass
    return state


class Restart(NamedTuple):
    """One of many runs, with only what is needed to compare runs."""

    start: Any
    """the parameters of iteration 0"""
    losses: np.ndarray
    """(T + 1,) loss of each complete state; NaN where there is none"""
    last: State
    """the last state, whole"""


def restarts(
    process: Process,
    data,
    rngs: Iterable[np.random.Generator | int],
    *,
    on_step: Callable[[State], None] | None = None,
    **options,
) -> Iterator[Restart]:
    """One run from each random start, in order; the data are prepared once.

    Parameters
    ----------
    process, data, options : as `iterate`
    rngs : iterable of generators or seeds
        One for each run, drawn when the run begins. Run i is `fit(process, data, rng=rngs[i])`.
    on_step : function, optional
        Called with each complete state of each run as soon as it is known; an exception that it raises ends the work.

    Yields
    ------
    Restart
        A run begins, with the choice of its start, when it is asked for. Its earlier assignments are not kept.

    Raises
    ------
    ValueError
        As `iterate`, when the first run is asked for.
    """
    prepared = process.prepare(data)
    for rng in rngs:
        losses = []
        for state in iterate(process, prepared, rng=rng, **options):
            if not losses:
                start = state.parameters
            losses.append(state.loss)
            if on_step is not None:
                on_step(state)
        yield Restart(start, np.array(losses, dtype=float), state)


def best_of(runs: int, process: Process, data, *, rng: np.random.Generator | int | None = None, **options) -> State:
    """The last state with the least loss among `runs` runs from independent starts; the first of them on ties.

    Run i draws from the i-th child of `rng` (`Generator.spawn`), so more runs repeat the first ones.

    Raises
    ------
    ValueError
        If `runs` is not an integer of at least 1, if the process has no loss to compare runs by, and as `iterate`.
    """
    if not is_integer(runs) or runs < 1:
        raise ValueError(f"runs must be an integer of at least 1, got {runs}")
    if process.loss_name is None:
        raise ValueError("the best of several runs is the one with the least loss, but this process has no loss")
    children = np.random.default_rng(rng).spawn(runs)
    return min(restarts(process, data, children, **options), key=lambda run: run.last.loss).last
