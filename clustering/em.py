"""The loop, once.

Every method here lowers a loss L(parameters, assignment) by two steps in turn:

    E step   assignment  = argmin over assignments of L(parameters, assignment)
    M step   parameters  = argmin over parameters  of L(parameters, assignment)

so the loss never rises. `iterate` yields the sequence of states that a method passes through, `fit` its last one,
`restarts` a run from each of many starts, `best_of` the last state of the best of them. A method is an object with the
few functions of `Method`; it holds settings only, never data, and nothing it returns is changed later.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from clustering.notices import ITERATION_LIMIT, LOSS_ROSE, Notice
from clustering.points import is_whole


class Step(NamedTuple):
    """One state of a run. Parameters, assignment and loss belong together: the loss is that of exactly this picture."""

    iteration: int
    """number of M steps made so far; 0 is the start"""
    parameters: Any
    """centers (k, d), medoids (k,) or Gaussians: those that the E step used"""
    assignment: Any
    """what the E step made of them: has `labels` (n,), `sizes` (k,) and, for mixtures, `responsibilities` (n, k)"""
    loss: float
    """of exactly these parameters and this assignment"""
    converged: bool
    """True on the last step of a run that ended because nothing changed any more"""
    notices: tuple[Notice, ...] = ()
    """what is unusual about this state, in sentences"""

    @property
    def labels(self) -> np.ndarray:
        """The cluster of each point, (n,) integers 0..k-1; for a mixture the most responsible component."""
        return self.assignment.labels


class Method(Protocol):
    k: int
    loss_name: str
    """what the loss is, with its unit, for people"""
    tol: float
    """the default of `iterate`"""

    def prepare(self, data) -> Any:
        """The data checked, with all that is computed once per data set. What it returned before is taken as it is."""

    def start(self, prepared, rng: np.random.Generator) -> Any:
        """The parameters to start from, by this method's `init`."""

    def check_start(self, prepared, start) -> Any:
        """The given parameters as this method keeps them; ValueError where they do not fit the data."""

    def e_step(self, prepared, parameters, before=None) -> tuple[Any, float]:
        """The best assignment and its loss. `before`, the previous assignment of the same run, may save work."""

    def m_step(self, prepared, assignment, parameters) -> Any:
        """The best parameters, as new objects."""

    def half_step_loss(self, prepared, assignment, parameters, new_parameters) -> float:
        """The loss between two E steps: the new parameters with the assignment that they came from."""

    def settled(self, before: Step, parameters, assignment, loss: float, tol: float) -> bool:
        """Whether this state is so much like the previous one that the run is over."""

    def notices(self, prepared, parameters, assignment) -> tuple[Notice, ...]:
        """What is unusual about this state."""

    def rounding(self, prepared, assignment, loss: float) -> float:
        """How much the loss of this assignment may seem to rise by rounding alone."""


def iterate(
    method: Method,
    data,
    *,
    start=None,
    rng: np.random.Generator | int | None = None,
    tol: float | None = None,
    max_iter: int = 300,
) -> Iterator[Step]:
    """The states of a run, one after each E step.

    Parameters
    ----------
    method : Method
        `KMeans(k)`, `KMedoids(k)` or `GaussianMixture(k)`.
    data : array
        What the method works on: points (n, d), or proximities (n, n) for K-medoids; or what `method.prepare` returned.
    start : parameters, optional
        Where to start: centers (k, d), medoids (k,) or `Gaussians`. Never changed. By default the method chooses by its
        `init`.
    rng : numpy.random.Generator or seed, optional
        Used by random starts only; the same seed gives the same run.
    tol : float, optional
        The run ends when the loss falls by no more than this, in the unit of the method's loss. K-means and K-medoids
        have 0 as default and end exactly: when nothing changes.
    max_iter : int
        At most this many M steps. A run that is cut off carries the notice "iteration limit".

    Yields
    ------
    Step
        `converged` is True on the last one unless the limit was reached.

    Raises
    ------
    ValueError
        At the call, not at the first step, if the data, the start or a setting is not usable.
    """
    if not is_whole(max_iter) or max_iter < 0:
        raise ValueError(f"max_iter must be a whole number of at least 0, got {max_iter}")
    tol = method.tol if tol is None else tol
    if not tol >= 0:
        raise ValueError(f"tol must be at least 0, got {tol}")
    prepared = method.prepare(data)
    if start is None:
        parameters = method.start(prepared, np.random.default_rng(rng))
    else:
        parameters = method.check_start(prepared, start)
    return _steps(method, prepared, parameters, tol, max_iter)


def _steps(method, prepared, parameters, tol, max_iter) -> Iterator[Step]:
    before = None
    for iteration in range(max_iter + 1):
        assignment, loss = method.e_step(prepared, parameters, None if before is None else before.assignment)
        notices = method.notices(prepared, parameters, assignment)
        converged = False
        if before is not None:
            converged = method.settled(before, parameters, assignment, loss, tol)
            rise = loss - before.loss
            if rise > 0 and rise > method.rounding(prepared, assignment, before.loss):
                notices += (
                    Notice(
                        LOSS_ROSE,
                        f"The loss rose by {rise:.3g} in iteration {iteration}, which these steps should never let "
                        "happen: a regularisation above zero can do it; otherwise the numbers are beyond double precision.",
                    ),
                )
        if iteration == max_iter and not converged:
            notices += (
                Notice(
                    ITERATION_LIMIT,
                    f"The run was cut off after {max_iter} iterations and had not converged: allow more iterations.",
                ),
            )
        before = Step(iteration, parameters, assignment, loss, converged, notices)
        yield before
        if converged or iteration == max_iter:
            return
        parameters = method.m_step(prepared, assignment, parameters)


def fit(method: Method, data, **options) -> Step:
    """The last step of `iterate(method, data, **options)`."""
    step = None
    for step in iterate(method, data, **options):  # noqa: B007
        pass
    return step


class Restart(NamedTuple):
    """One of many runs, as far as runs are compared: where it began, how its loss fell, and where it ended."""

    start: Any
    """the parameters of iteration 0"""
    losses: np.ndarray
    """(T + 1,) loss of each state, after its E step"""
    last: Step
    """the last state, whole"""


def restarts(
    method: Method,
    data,
    rngs: Iterable[np.random.Generator | int],
    *,
    watch: Callable[[Step], None] | None = None,
    **options,
) -> Iterator[Restart]:
    """One run from each random start, in order; the data are prepared once.

    Parameters
    ----------
    method, data, options : as `iterate`
    rngs : iterable of generators or seeds
        One for each run, taken when it begins. Run i is `fit(method, data, rng=rngs[i])`.
    watch : function, optional
        Called with each step of each run as it comes; what it raises ends the work.

    Yields
    ------
    Restart
        A run is made when it is asked for, its start included. Nothing of it is kept but this: no earlier assignments, no
        half-steps.

    Raises
    ------
    ValueError
        As `iterate`, when the first run is asked for.
    """
    prepared = method.prepare(data)
    for rng in rngs:
        losses = []
        for step in iterate(method, prepared, rng=rng, **options):
            if not losses:
                start = step.parameters
            losses.append(step.loss)
            if watch is not None:
                watch(step)
        yield Restart(start, np.array(losses), step)


def best_of(runs: int, method: Method, data, *, rng: np.random.Generator | int | None = None, **options) -> Step:
    """The last step with the least loss among `runs` runs from independent starts; the first of them on ties.

    Run i draws from the i-th child of `rng` (`Generator.spawn`), so more runs repeat the first ones.

    Raises
    ------
    ValueError
        If `runs` is not a whole number of at least 1, and as `iterate`.
    """
    if not is_whole(runs) or runs < 1:
        raise ValueError(f"runs must be a whole number of at least 1, got {runs}")
    children = np.random.default_rng(rng).spawn(runs)
    return min(restarts(method, data, children, **options), key=lambda run: run.last.loss).last
