"""How sure the parameters of a mixture are: the same fit on resampled data, again and again.

Efron 1979, doi:10.1214/aos/1176344552; for mixtures O'Hagan, Murphy, Scrucca & Gormley 2019, doi:10.1007/s00180-019-00897-9.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from clustering.gaussians import Gaussians
from clustering.mixture import GaussianMixture
from clustering.points import check_points
from clustering.process import State, fit


def bootstrap(
    process: GaussianMixture,
    points,
    parameters: Gaussians,
    rngs: Iterable[np.random.Generator | int],
    *,
    on_step: Callable[[State], None] | None = None,
    **options,
) -> Iterator[Gaussians]:
    """The fit of n points that are drawn from the n points with replacement, once for each generator or seed.

    Parameters
    ----------
    points : (n, d) array
    parameters : Gaussians
        The fit of the points themselves, at which each of the others starts, so that a component keeps its number.
    on_step : function, optional
        Called with the last state of each fit; an exception that it raises ends the work.
    options : as `iterate`

    Raises
    ------
    ValueError
        As `iterate`, when the first one is asked for.

    The standard deviation of a parameter over these fits is its standard error, their quantiles an interval. Weakness: where
    components overlap so much that two change places, or one dies, that says less than it seems.
    """
    points = check_points(points)
    for rng in rngs:
        rows = np.random.default_rng(rng).integers(len(points), size=len(points))
        state = fit(process, points[rows], start=parameters, **options)
        if on_step is not None:
            on_step(state)
        yield state.parameters
