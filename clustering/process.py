"""Iterative algorithms as sequences of states, and the functions that run them.

A `Process` holds the settings of an algorithm, but no data. Its `states` method yields the states of one run. `iterate`
checks the data and yields the states, `fit` returns the last state, `restarts` runs from several random initializations,
and `best_of` returns the last state of the run with the lowest loss. Returned objects are never modified later.

`Alternating` implements the loop shared by all methods that minimize a loss L(parameters, assignment) by alternating

    E step   assignment  = argmin over assignments of L(parameters, assignment)
    M step   parameters  = argmin over parameters  of L(parameters, assignment)

Neither step can increase the loss.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from clustering.notices import ITERATION_LIMIT, LOSS_ROSE, Notice
from clustering.points import is_integer


class Assignment(Protocol):
    """Assignment of points to clusters. Must be a dataclass for `History`, which sets `changed` with `dataclasses.replace`."""

    @property
    def labels(self) -> np.ndarray | None:
        """(n,) cluster of each point, 0..K-1; -1 for noise or not yet assigned. K may vary between states.

        None if the method has no clusters.
        """

    @property
    def memberships(self) -> np.ndarray | None:
        """(n, K) membership of each point in each cluster, rows sum to at most 1; None for hard methods."""

    @property
    def sizes(self) -> np.ndarray:
        """(K,) number of points in each cluster; for soft methods the sum of its memberships. Empty without clusters.

        The sum of weights, or of memberships times weights, if the points have weights.
        """

    @property
    def changed(self) -> int:
        """Number of points whose label differs from the previous complete state; n in the first one. 0 without clusters."""


class State(NamedTuple):
    """One state of a run. The loss is that of exactly these parameters with exactly this assignment."""

    phase: str
    """step that produced this state: "start", "E", "M", "merge", …"""
    iteration: int
    """iteration number, 0 for the initialization"""
    parameters: Any
    """parameters of the method: centers (k, d), medoids (k,), `Gaussians`, …; must not be modified"""
    assignment: Any
    """an `Assignment`; None if no points are assigned yet, or if the method assigns none"""
    loss: float | None
    """value of the loss; None if undefined"""
    converged: bool = False
    """True in the last state of a run that converged; False if the run stopped at the iteration limit"""
    notices: tuple[Notice, ...] = ()
    """warnings about this state"""

    @property
    def labels(self) -> np.ndarray | None:
        """(n,) cluster of each point, -1 for none; None if no points are assigned."""
        return None if self.assignment is None else self.assignment.labels


class Process(Protocol):
    """An algorithm with its settings. It holds no data, so one object can be used for several runs, even concurrently."""

    k: int | None
    """number of clusters; None if it is found by the method, or if there are no clusters"""
    loss_name: str | None
    """name of the loss with its unit, for display; None if the method has no loss"""
    tol: float
    """default tolerance of `iterate`"""

    def prepare(self, data) -> Any:
        """Check the data and compute everything that depends on the data alone. Prepared data are returned unchanged.

        Raises
        ------
        ValueError
            If the data are invalid, or invalid for these settings.
        """

    def start(self, prepared, rng: np.random.Generator) -> Any:
        """Initial parameters according to the settings."""

    def check_start(self, prepared, start) -> Any:
        """Check user-supplied initial parameters and return them as a copy in the method's own format.

        Raises
        ------
        ValueError
            If they do not match the data, or if the process does not accept initial parameters.
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
        """Iterate over the complete states of a run, one per iteration starting at 0. Parameters as in `iterate`.

        A complete state has parameters, assignment and loss that belong together. Invalid settings or initial parameters
        raise ValueError when the method is called, not when the first state is requested.
        """

    def between(self, prepared, before: State, after: State) -> tuple[State, ...]:
        """Intermediate states between two consecutive complete states, for display; they have `after`'s iteration number."""

    def assign(self, prepared, parameters) -> Assignment | None:
        """Recompute the assignment of a complete state from its parameters; `changed` is n."""

    def predict(self, parameters, points) -> np.ndarray:
        """(m,) cluster of each of m points, seen or new. Optional: only for methods that assign any point to a cluster."""

    def restarts(self, prepared, rngs, *, on_step=None, **options) -> "Iterator[Restart]":
        """Same runs as in `restarts`, computed together to save time. Optional."""


class Alternating(ABC):
    """Base class for methods that alternate E and M steps. Subclasses implement the steps and the rest of `Process`."""

    tol: float

    @abstractmethod
    def e_step(self, prepared, parameters, before=None) -> tuple[Any, float]:
        """Best assignment for these parameters, and its loss. `before`, the previous assignment of the run, may save time."""

    @abstractmethod
    def m_step(self, prepared, assignment, parameters) -> Any:
        """Best parameters for this assignment, as new objects."""

    @abstractmethod
    def m_step_loss(self, prepared, assignment, parameters, new_parameters) -> float:
        """Loss after an M step: that of the new parameters with the assignment they were computed from."""

    @abstractmethod
    def has_converged(self, before: State, parameters, assignment, loss: float, tol: float) -> bool:
        """Whether the run has converged, given the previous state and the current one."""

    def notices(self, prepared, parameters, assignment) -> tuple[Notice, ...]:
        """Warnings about this state."""
        return ()

    def rounding_error(self, prepared, assignment, loss: float) -> float:
        """Largest apparent increase of this loss that rounding errors alone can cause."""
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
        """Iterate over the states after each E step, with phase "E"; see `Process.states`."""
        tol = self.tol if tol is None else tol
        check_limits(tol, max_iter)
        if start is None:
            parameters = self.start(prepared, np.random.default_rng(rng))
        else:
            parameters = self.check_start(prepared, start)
        return self._states_from(prepared, parameters, tol, max_iter)

    def _states_from(self, prepared, parameters, tol, max_iter, before: State | None = None) -> Iterator[State]:
        """The states after `before`, whose M step gave these parameters; by default all states of a run."""
        first = 0 if before is None else before.iteration + 1
        for iteration in range(first, max_iter + 1):
            assignment, loss = self.e_step(prepared, parameters, None if before is None else before.assignment)
            before = self._state(prepared, before, parameters, assignment, loss, iteration, tol, max_iter)
            yield before
            if before.converged or iteration == max_iter:
                return
            parameters = self.m_step(prepared, assignment, parameters)

    def _state(self, prepared, before: State | None, parameters, assignment, loss, iteration, tol, max_iter) -> State:
        """The state after an E step."""
        notices = self.notices(prepared, parameters, assignment)
        converged = False
        if before is not None:
            converged = self.has_converged(before, parameters, assignment, loss, tol)
            rise = loss - before.loss
            if rise > 0 and rise > self.rounding_error(prepared, assignment, before.loss):
                notices += (loss_rose_notice(rise, iteration),)
        if iteration == max_iter and not converged:
            notices += (iteration_limit_notice(max_iter),)
        return State("E", iteration, parameters, assignment, loss, converged, notices)

    def between(self, prepared, before: State, after: State) -> tuple[State, ...]:
        """The state after the M step, with phase "M": the new parameters with the assignment they were computed from."""
        loss = self.m_step_loss(prepared, before.assignment, before.parameters, after.parameters)
        return (State("M", after.iteration, after.parameters, before.assignment, loss),)

    def assign(self, prepared, parameters):
        """Recompute the assignment with one E step; see `Process.assign`."""
        return self.e_step(prepared, parameters)[0]


def check_limits(tol: float, max_iter: int) -> None:
    """Raise ValueError unless tol >= 0 and max_iter is an integer >= 0."""
    if not is_integer(max_iter) or max_iter < 0:
        raise ValueError(f"max_iter must be an integer of at least 0, got {max_iter}")
    if not tol >= 0:
        raise ValueError(f"tol must be at least 0, got {tol}")


def iteration_limit_notice(max_iter: int) -> Notice:
    """Notice for a run that stopped at the iteration limit."""
    text = f"Stopped at the limit of {max_iter} iterations without converging. Allow more iterations."
    return Notice(ITERATION_LIMIT, text)


def loss_rose_notice(rise: float, iteration: int) -> Notice:
    """Notice for a loss that rose by more than rounding errors can explain."""
    text = (
        f"The loss rose by {rise:.3g} in iteration {iteration}, although E and M steps cannot increase it. Possible causes "
        "are a regularization above zero and the limited precision of floating-point numbers."
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
    """Iterate over the complete states of a run, one per iteration starting at 0.

    Parameters
    ----------
    process : Process
        `KMeans(k)`, `KMedoids(k)`, `GaussianMixture(k)`, `SoftKMeans(k, width)`, `TreeCut(k)`, …
    data : array
        Input of the process: points (n, d), or a proximity matrix (n, n) for K-medoids; or the result of `process.prepare`.
        `KMeans` and `GaussianMixture` accept a Dask array or dataframe, see `clustering.blocks`, and `WeightedPoints`.
    start : parameters, optional
        Initial parameters: centers (k, d), medoids (k,) or `Gaussians`; not modified. By default the process chooses
        them according to its `init`.
    rng : numpy.random.Generator or seed, optional
        Used by random initializations only; the same seed gives the same run.
    tol : float, optional
        The run has converged when the loss decreases by at most `tol`, in the unit of the loss, unless the process defines
        it otherwise. The default of K-means and K-medoids is 0: they stop when nothing changes.
    max_iter : int
        Maximum number of iterations. A run that stops there without converging has the notice "iteration limit".

    Yields
    ------
    State
        `converged` is True in the last state unless the limit was reached.

    Raises
    ------
    ValueError
        When called, not at the first state, if the data, the initial parameters or a setting are invalid.
    """
    return process.states(process.prepare(data), start=start, rng=rng, tol=tol, max_iter=max_iter)


def fit(process: Process, data, **options) -> State:
    """Run the process and return its last state, that of `iterate(process, data, **options)`."""
    state = None
    for state in iterate(process, data, **options):  # noqa: B007
        pass
    return state


class Restart(NamedTuple):
    """Summary of one of several runs."""

    start: Any
    """parameters of iteration 0"""
    losses: np.ndarray
    """(T + 1,) loss of each complete state; NaN if undefined"""
    last: State
    """last state, including its assignment"""


def restarts(
    process: Process,
    data,
    rngs: Iterable[np.random.Generator | int],
    *,
    on_step: Callable[[State], None] | None = None,
    **options,
) -> Iterator[Restart]:
    """Run the process once for each random generator, in order; the data are prepared once.

    Parameters
    ----------
    process, data, options
        As in `iterate`.
    rngs : iterable of generators or seeds
        One for each run, consumed when it starts. The last state of run i is `fit(process, data, rng=rngs[i], **options)`.
    on_step : callable, optional
        Called with each complete state of each run. Where the process computes several runs together, called after each
        iteration with the state of one of them, without its assignment. An exception it raises stops the computation.

    Yields
    ------
    Restart
        Runs are computed lazily: one per item requested, or a batch of limited size where the process computes several runs
        together. Assignments before the last are not kept.

    Raises
    ------
    ValueError
        As in `iterate`, when the first run is requested.
    """
    prepared = process.prepare(data)
    together = getattr(process, "restarts", None)
    if together is None:
        yield from separate_runs(process, prepared, rngs, on_step=on_step, **options)
    else:
        yield from together(prepared, rngs, on_step=on_step, **options)


def separate_runs(
    process: Process,
    prepared,
    rngs: Iterable[np.random.Generator | int],
    *,
    on_step: Callable[[State], None] | None = None,
    **options,
) -> Iterator[Restart]:
    """Same as `restarts`, one run after another, for prepared data."""
    for rng in rngs:
        yield summarized(process.states(prepared, rng=rng, **options), on_step)


def summarized(states: Iterable[State], on_step: Callable[[State], None] | None = None) -> Restart:
    """Summary of the run with these states; `on_step` as in `restarts`."""
    losses = []
    for state in states:
        if not losses:
            start = state.parameters
        losses.append(state.loss)
        if on_step is not None:
            on_step(state)
    return Restart(start, np.array(losses, dtype=float), state)


def best_of(runs: int, process: Process, data, *, rng: np.random.Generator | int | None = None, **options) -> State:
    """Last state of the best of several runs from independent initializations: the lowest loss, the first run if tied.

    Run i uses the i-th child of `rng` (`Generator.spawn`), so increasing `runs` keeps the earlier runs.

    Raises
    ------
    ValueError
        If `runs` is not an integer of at least 1, if the process has no loss, and as in `iterate`.
    """
    if not is_integer(runs) or runs < 1:
        raise ValueError(f"runs must be an integer of at least 1, got {runs}")
    if process.loss_name is None:
        raise ValueError("best_of compares runs by their loss, but this process has no loss")
    children = np.random.default_rng(rng).spawn(runs)
    return min(restarts(process, data, children, **options), key=lambda run: run.last.loss).last
