"""What a mixture believes, beyond the colours of points: its density in the plane and along its axes, and what it makes of
each point. Arrays in, arrays and traces out; no Streamlit."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from clustering import (
    Gaussians,
    KMeans,
    SoftMeans,
    bootstrap,
    entropies,
    fit,
    kl_divergence,
    match_clusters,
    soft_kmeans,
)
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.grids import Grid
from pages.figures.plots import precision
from pages.runs.run import Run

GRID = (230, 300)
"""rows and columns in which a density is painted"""
ENCLOSED = np.array([0.98, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
"""the shares of the points that contours enclose, from the outermost on"""
NATS = 1.25
"""between two contours of a log density"""
LEVELS = 12
GROUND = "#6f80a6"
STEPS = 90
"""places at which a margin is drawn"""
BINS = 40


def seen(run: Run, plane: Plane) -> list[Gaussians]:
    """The mixture of each state, as it is seen in the plane: the marginal of the others."""
    return [parameters.seen_along(plane.axes, plane.origin) for parameters in run.history.parameters]


class Density:
    """The density in the plane, as bands between contours."""

    def __init__(self, run: Run, plane: Plane, extent: tuple[float, float, float, float], log: bool = False):
        self.extent = extent
        self.mixtures = seen(run, plane)
        self.grid = Grid(extent, GRID)
        # one scale for all states, so that what grows can be seen to grow; by the points, so that no spike sets it
        of_points = self.mixtures[-1].log_density(plane.project(run.data.points))
        self.contours = np.quantile(of_points, 1 - ENCLOSED)
        if log:
            self.contours = np.quantile(of_points, 0.98) - NATS * np.arange(LEVELS)[::-1]

    def source(self, t: int) -> str:
        """Its picture in state t."""
        levels = np.searchsorted(self.contours, self.grid.log_density(self.mixtures[t]))
        return paint.bands(levels, len(self.contours), palette.rgb([GROUND])[0])


class Margins:
    """The density along each axis: of every component, in one colour, and their sum, over a histogram of the points."""

    def __init__(self, run: Run, plane: Plane, extent: tuple[float, float, float, float]):
        self.mixtures = seen(run, plane)
        self.points = plane.places(run.data.points)
        ends = (extent[:2], extent[2:])[: min(run.data.points.shape[1], 2)]  # a single column has a single margin
        self.axes = [np.linspace(low, high, STEPS) for low, high in ends]
        counts = [np.histogram(self.points[:, i], BINS, axis[[0, -1]]) for i, axis in enumerate(self.axes)]
        self.bars = [(count / len(self.points) / (edges[1] - edges[0]), edges) for count, edges in counts]
        self.tops = [
            1.1 * max(float(bars.max()), float(self._parts(-1, i).sum(axis=0).max())) for i, (bars, _) in enumerate(self.bars)
        ]

    def _parts(self, t: int, i: int) -> np.ndarray:
        """(k, STEPS) the density of each component along axis i, times its weight."""
        weights, means, covariances = self.mixtures[t]
        width = np.sqrt(covariances[:, i, i])[:, None]
        away = (self.axes[i] - means[:, i, None]) / width
        return weights[:, None] * np.exp(-0.5 * away**2) / (np.sqrt(2 * np.pi) * width)

    def still(self) -> list[dict]:
        traces = []
        for i, (bars, edges) in enumerate(self.bars):
            # as an area: bars would vanish as soon as the figure moves
            along, up = np.repeat(edges, 2), np.concatenate([[0], np.repeat(bars, 2), [0]])
            x, y = (along, up) if i == 0 else (up, along)
            area = dict(fill="tozeroy" if i == 0 else "tozerox", fillcolor="rgba(140,140,150,0.35)", line=dict(width=0))
            traces.append(dict(type="scatter", mode="lines", x=x, y=y, hoverinfo="skip") | area | self._place(i))
        return traces

    def at(self, t: int) -> list[dict]:
        """The lines in state t: for each axis those of the components and that of their sum."""
        lines = []
        for i, axis in enumerate(self.axes):
            parts = self._parts(t, i)
            along = np.concatenate([np.append(axis, np.nan)] * len(parts))[:-1]
            up = np.concatenate([parts, np.full((len(parts), 1), np.nan)], axis=1).ravel()[:-1]
            for where, value in ((along, up), (axis, parts.sum(axis=0))):
                value = np.minimum(value, 3 * self.tops[i])  # a component that collapses has no end
                where, value = where.astype(precision(axis[0], axis[-1])), value.astype(precision(0, self.tops[i]))
                lines.append(dict(x=where, y=value) if i == 0 else dict(x=value, y=where))
        return lines

    def traces(self, t: int) -> list[dict]:
        styles = [dict(color=palette.COLORS[0], width=1.6), dict(color=palette.COLORS[1], width=2.4)]
        return [
            dict(type="scatter", mode="lines", hoverinfo="skip", line=styles[j % 2]) | line | self._place(j // 2)
            for j, line in enumerate(self.at(t))
        ]

    @staticmethod
    def _place(i: int) -> dict:
        return dict(xaxis="x", yaxis="y2") if i == 0 else dict(xaxis="x2", yaxis="y")

    def lay_out(self, layout: dict) -> None:
        """Makes room for the margins above and to the right of the picture."""
        main, margin = [0, 0.83], [0.86, 1]
        bare = dict(domain=margin, showticklabels=False, showgrid=False, zeroline=False, fixedrange=True, ticks="")
        layout["yaxis"] |= dict(domain=main)
        layout["yaxis2"] = bare | dict(range=[0, self.tops[0]], anchor="x")
        if len(self.axes) > 1:
            layout["xaxis"] |= dict(domain=main)
            layout["xaxis2"] = bare | dict(range=[0, self.tops[1]], anchor="y")
        if layout["yaxis"].get("scaleanchor"):  # nothing is shown beyond the extent, for which the density is painted
            layout["xaxis"] |= dict(constrain="domain", constraintoward="right")
            layout["yaxis"] |= dict(constrain="domain", constraintoward="top")


@dataclass(frozen=True, eq=False)
class Belief:
    """What the mixture that a run ended with makes of its points."""

    run: Run

    @property
    def mixture(self) -> Gaussians:
        return self.run.history.parameters[-1]

    @cached_property
    def responsibilities(self) -> np.ndarray:
        """(n, k), the components in the order of their numbers"""
        return self.run.history.last.assignment.responsibilities[:, np.argsort(self.run.ranks)]

    @cached_property
    def uncertainty(self) -> np.ndarray:
        """(n,) the entropy of each point's responsibilities, in nats: 0 where it is sure, ln k where all are alike"""
        return entropies(self.responsibilities)

    @cached_property
    def log_density(self) -> np.ndarray:
        """(n,) nats"""
        return self.mixture.log_density(self.run.data.points)

    def way_of(self, point: int) -> np.ndarray:
        """(T + 1, k) the responsibilities of a point in each state, the components in the order of their numbers."""
        x = self.run.data.points[[point]]
        ways = [parameters.responsibilities(x)[0] for parameters in self.run.history.parameters]
        return np.array(ways)[:, np.argsort(self.run.ranks)]

    def least_likely(self, share: float) -> tuple[np.ndarray, float]:
        """The rows of this share of the points that are the least likely, the least likely first, and the log density below
        which they are."""
        count = round(share * len(self.log_density))
        order = np.argsort(self.log_density, kind="stable")
        if count == 0:
            return order[:0], -np.inf
        end = order[min(count, len(order) - 1)]
        return order[:count], float(self.log_density[order[count - 1]] + self.log_density[end]) / 2


class Comparison(NamedTuple):
    """A component that was found, and the one that it was matched with."""

    found: int
    true: int | None
    divergence: float | None
    """KL(true || found) in nats"""


def compared(run: Run) -> list[Comparison]:
    """Each component that was found, in the order of their numbers, with the true one that shares most points with it."""
    truth, found = run.data.truth, run.history.parameters[-1]
    k = max(len(truth.weights), len(found.weights))
    partner = match_clusters(run.history.last.labels, run.data.labels, k)
    rows = []
    for i in np.argsort(run.ranks).tolist():
        j = int(partner[i])
        if j >= len(truth.weights):
            rows.append(Comparison(i, None, None))
            continue
        divergence = kl_divergence(truth.means[j], truth.covariances[j], found.means[i], found.covariances[i])
        rows.append(Comparison(i, j, divergence))
    return rows


@dataclass(eq=False)
class Bootstrap:
    """Fits of resampled data, made one by one, so that the work can be left and gone on with."""

    run: Run
    wanted: int
    made: list[Gaussians] = field(default_factory=list)

    @property
    def missing(self) -> int:
        return self.wanted - len(self.made)

    def go_on(self, watch: Callable[[float, str], None]) -> None:
        """Makes what is missing. `watch` is told the share that is done and what is being done; what it raises ends the work,
        and what was made stays."""
        history = self.run.history
        seeds = [np.random.default_rng([self.run.settings.seed, b]) for b in range(len(self.made), self.wanted)]
        fits = bootstrap(history.method, self.run.data.points, history.parameters[-1], seeds, tol=1e-9, max_iter=2_000)
        for _ in seeds:
            watch(len(self.made) / self.wanted, f"Fit {len(self.made) + 1} of {self.wanted} resampled data sets.")
            self.made.append(next(fits))

    def spread(self, of: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Standard error, and the ends of the 95 % interval, of the "weights" (k,) or "means" (k, d)."""
        values = np.array([getattr(one, of) for one in self.made])
        low, high = np.quantile(values, [0.025, 0.975], axis=0)
        return values.std(axis=0, ddof=1), low, high


@dataclass(frozen=True, eq=False)
class Narrowing:
    """Soft K-means from the same starting means with one width after the other, from wide to narrow, and K-means."""

    run: Run
    """of which the start is taken, and on whose data all is done"""
    widths: np.ndarray
    soft: list[SoftMeans]
    hard: np.ndarray
    """(k, d) the centers of K-means from that start"""

    @cached_property
    def certainty(self) -> np.ndarray:
        """(m,) the mean over the points of the largest responsibility"""
        return np.array([one.responsibilities.max(axis=1).mean() for one in self.soft])

    @cached_property
    def distance(self) -> np.ndarray:
        """(m,) how far the farthest mean is from the center of K-means that has its number"""
        return np.array([np.sqrt(np.square(one.means - self.hard).sum(axis=1)).max() for one in self.soft])


MOST_NARROWED = 2_000
"""points of which soft K-means is shown; of more a sample"""


def narrowing(run: Run, widths: int = 36) -> Narrowing:
    """From so wide that all means meet to so narrow that it is K-means."""
    data = run.data if len(run.data.points) <= MOST_NARROWED else run.data.sample(MOST_NARROWED)
    start = run.history.parameters[0].means
    # below the largest standard deviation in any direction means begin to part (Rose, Gurewitz & Fox 1990)
    spread = float(np.sqrt(np.linalg.eigvalsh(np.atleast_2d(np.cov(data.points.T, bias=True)))[-1])) or 1.0
    widths = spread * np.geomspace(1.5, 0.01, widths)
    hard = fit(KMeans(len(start), init=start), data.points).parameters
    soft = [soft_kmeans(data.points, start, float(width), max_iter=300) for width in widths]
    return Narrowing(replace(run, data=data), widths, soft, hard)
