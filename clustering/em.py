"""The loop, once.

Every method here lowers a loss L(parameters, assignment) by two steps in turn:

    E step   assignment  = argmin over assignments of L(parameters, assignment)
    M step   parameters  = argmin over parameters  of L(parameters, assignment)

so the loss never rises. `iterate` yields the sequence of states that a method passes through, `fit` its last one,
`best_of` the best last one of several starts. A method is an object with the few functions of `Method`; it holds
settings only, never data, and nothing it returns is changed later.
"""

from collections.abc import Iterator
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
            if rise > method.rounding(prepared, assignment, before.loss):
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


def best_of(restarts: int, method: Method, data, *, rng: np.random.Generator | int | None = None, **options) -> Step:
    """The last step with the least loss among `restarts` runs from independent starts.

    Run i draws from the i-th child of `rng` (`Generator.spawn`), so a larger number of restarts repeats the first ones.

    Raises
    ------
    ValueError
        If `restarts` is not a whole number of at least 1, and as `iterate`.
    """
    if not is_whole(restarts) or restarts < 1:
        raise ValueError(f"restarts must be a whole number of at least 1, got {restarts}")
    prepared = method.prepare(data)
    children = np.random.default_rng(rng).spawn(restarts)
    return min((fit(method, prepared, rng=child, **options) for child in children), key=lambda step: step.loss)
