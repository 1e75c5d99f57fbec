"""Bootstrap of the parameters of a Gaussian mixture."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from clustering.gaussians import Gaussians
from clustering.mixture import GaussianMixture
from clustering.points import WeightedPoints, check_data
from clustering.process import State, iterate
from clustering.weights import check_weighted


def bootstrap(
    process: GaussianMixture,
    points,
    parameters: Gaussians,
    rngs: Iterable[np.random.Generator | int],
    *,
    on_step: Callable[[State], None] | None = None,
    **options,
) -> Iterator[Gaussians]:
    """Refit the mixture to bootstrap resamples of the points.

    Parameters
    ----------
    process : GaussianMixture
    points : (n, d) array, or WeightedPoints
        A row is drawn together with its weight, with the same probability as every other row.
    parameters : Gaussians
        The fit of the original points. Every refit starts from it, so that components keep their numbers.
    rngs : iterable of generators or seeds
        One for each resample of n points, drawn with replacement.
    on_step : function, optional
        Called with each state of each refit; an exception that it raises ends the bootstrap.
    options : as in `iterate`

    Yields
    ------
    Gaussians
        The parameters of each refit, computed when they are requested.

    Raises
    ------
    ValueError
        As in `iterate`, when the first refit is requested.

    Notes
    -----
    The standard deviation of a parameter over the refits estimates its standard error; its quantiles give a confidence
    interval. Both are unreliable if components overlap so strongly that two of them swap, or if one becomes empty.

    References
    ----------
    Efron 1979, doi:10.1214/aos/1176344552. For mixtures: O'Hagan, Murphy, Scrucca & Gormley 2019,
    doi:10.1007/s00180-019-00897-9.
    """
    weights = None
    if isinstance(points, WeightedPoints):
        points, weights = check_weighted(points, process.k)
    points = check_data(points)
    for rng in rngs:
        rows = np.random.default_rng(rng).integers(len(points), size=len(points))
        sample = points[rows] if weights is None else WeightedPoints(points[rows], weights[rows])
        for state in iterate(process, sample, start=parameters, **options):
            if on_step is not None:
                on_step(state)
        yield state.parameters
