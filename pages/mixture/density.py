"""Density of a mixture in the plane and along its axes, as background and margins of the animated scatter plot of a run."""

import numpy as np

from clustering import Gaussians
from pages.datasets.columns import histogram
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.grids import Grid
from pages.figures.plots import precision
from pages.runs.run import Run

GRID = (230, 300)
"""rows and columns of the density image"""
ENCLOSED = np.array([0.98, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
"""fractions of the points that the contours enclose, outermost first"""
LOG_STEP = 1.25
"""difference between adjacent contours of the log density, in nats"""
LOG_LEVELS = 12
"""number of contours of the log density"""
MARGIN_STEPS = 90
"""number of positions along an axis at which the margin is evaluated"""
BINS = 40
"""number of bins of the histograms"""


def mixtures_in_plane(run: Run, plane: Plane) -> list[Gaussians]:
    """Marginal mixture in the plane, for each state of the history."""
    return run.by_parameters(lambda mixture: mixture.project(plane.axes, plane.origin))


class DensityBackground:
    """Density in the plane, as bands between contours, for each state of the history."""

    def __init__(self, run: Run, plane: Plane, extent: tuple[float, float, float, float], log: bool = False):
        self.extent = extent
        self.mixtures = mixtures_in_plane(run, plane)
        self.grid = Grid(extent, GRID)
        # the same levels for all states, to show how the density grows; quantiles of the density at the points, so that a
        # spike does not determine them
        log_density_at_points = self.mixtures[-1].log_density(plane.project(run.data.points))
        self.contours = np.quantile(log_density_at_points, 1 - ENCLOSED)
        if log:
            self.contours = np.quantile(log_density_at_points, 0.98) - LOG_STEP * np.arange(LOG_LEVELS)[::-1]

    def source(self, state: int) -> str:
        """Image of the density in this state, as a data URI."""
        levels = np.searchsorted(self.contours, self.grid.log_density(self.mixtures[state]))
        return paint.bands(levels, len(self.contours), palette.rgb([palette.CURVE])[0])


class MarginalDensities:
    """Marginal density of each component and of the mixture along each axis, over a histogram of the points."""

    def __init__(self, run: Run, plane: Plane, extent: tuple[float, float, float, float]):
        self.mixtures = mixtures_in_plane(run, plane)
        self.points = plane.positions(run.data.points)
        ends = (extent[:2], extent[2:])[: min(run.data.points.shape[1], 2)]  # a single column has a single margin
        self.axes = [np.linspace(low, high, MARGIN_STEPS) for low, high in ends]
        counts = [histogram(self.points[:, i], BINS, *ends[i], run.weights) for i in range(len(ends))]
        total = len(self.points) if run.weights is None else run.weights.sum()
        edges = [np.linspace(low, high, BINS + 1) for low, high in ends]
        self.bars = [
            (count / total * BINS / (high - low), edge) for count, edge, (low, high) in zip(counts, edges, ends, strict=True)
        ]
        self.tops = [
            1.1 * max(float(bars.max()), float(self._parts(-1, i).sum(axis=0).max())) for i, (bars, _) in enumerate(self.bars)
        ]

    def _parts(self, state: int, i: int) -> np.ndarray:
        """(k, MARGIN_STEPS) marginal density of each component along axis i, times its weight."""
        weights, means, covariances = self.mixtures[state]
        width = np.sqrt(covariances[:, i, i])[:, None]
        z = (self.axes[i] - means[:, i, None]) / width
        return weights[:, None] * np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * width)

    def static_traces(self) -> list[dict]:
        """Traces of the histograms, the same in all frames."""
        traces = []
        for i, (bars, edges) in enumerate(self.bars):
            # as an area, because bars disappear when Plotly animates the figure
            position, height = np.repeat(edges, 2), np.concatenate([[0], np.repeat(bars, 2), [0]])
            x, y = (position, height) if i == 0 else (height, position)
            area = dict(fill="tozeroy" if i == 0 else "tozerox", fillcolor="rgba(140,140,150,0.35)", line=dict(width=0))
            traces.append(dict(type="scatter", mode="lines", x=x, y=y, hoverinfo="skip") | area | self._place(i))
        return traces

    def at(self, state: int) -> list[dict]:
        """Coordinates of the lines in this state: for each axis the components, then the mixture."""
        lines = []
        for i, axis in enumerate(self.axes):
            parts = self._parts(state, i)
            position = np.concatenate([np.append(axis, np.nan)] * len(parts))[:-1]
            density = np.concatenate([parts, np.full((len(parts), 1), np.nan)], axis=1).ravel()[:-1]
            for x, y in ((position, density), (axis, parts.sum(axis=0))):
                y = np.minimum(y, 3 * self.tops[i])  # the density of a collapsing component is unbounded
                x, y = x.astype(precision(axis[0], axis[-1])), y.astype(precision(0, self.tops[i]))
                lines.append(dict(x=x, y=y) if i == 0 else dict(x=y, y=x))
        return lines

    def traces(self, state: int) -> list[dict]:
        """Traces of the lines in this state."""
        styles = [dict(color=palette.CURVE, width=width) for width in (1.2, 2.8)]
        return [
            dict(type="scatter", mode="lines", hoverinfo="skip", line=styles[j % 2]) | line | self._place(j // 2)
            for j, line in enumerate(self.at(state))
        ]

    @staticmethod
    def _place(i: int) -> dict:
        return dict(xaxis="x", yaxis="y2") if i == 0 else dict(xaxis="x2", yaxis="y")

    def add_axes(self, layout: dict) -> None:
        """Adds the axes of the margins to the layout, above and to the right of the scatter plot."""
        main, margin = [0, 0.83], [0.86, 1]
        bare = dict(domain=margin, showticklabels=False, showgrid=False, zeroline=False, fixedrange=True, ticks="")
        layout["yaxis"] |= dict(domain=main)
        layout["yaxis2"] = bare | dict(range=[0, self.tops[0]], anchor="x")
        if len(self.axes) > 1:
            layout["xaxis"] |= dict(domain=main)
            layout["xaxis2"] = bare | dict(range=[0, self.tops[1]], anchor="y")
        if layout["yaxis"].get("scaleanchor"):  # the density is drawn within the extent only, so nothing beyond it is shown
            layout["xaxis"] |= dict(constrain="domain", constraintoward="right")
            layout["yaxis"] |= dict(constrain="domain", constraintoward="top")
