"""The density of a mixture in the plane and along its axes, as parts of the moving picture of a run. No Streamlit."""

import numpy as np

from clustering import Gaussians
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


def mixtures_in_plane(run: Run, plane: Plane) -> list[Gaussians]:
    """The marginal mixture in the plane, for each state of the history."""
    return run.by_parameters(lambda mixture: mixture.seen_along(plane.axes, plane.origin))


class DensityGround:
    """The density in the plane, as bands between contours, for each state of the history."""

    def __init__(self, run: Run, plane: Plane, extent: tuple[float, float, float, float], log: bool = False):
        self.extent = extent
        self.mixtures = mixtures_in_plane(run, plane)
        self.grid = Grid(extent, GRID)
        # one scale for all states, so that what grows can be seen to grow; by the points, so that no spike sets it
        of_points = self.mixtures[-1].log_density(plane.project(run.data.points))
        self.contours = np.quantile(of_points, 1 - ENCLOSED)
        if log:
            self.contours = np.quantile(of_points, 0.98) - NATS * np.arange(LEVELS)[::-1]

    def source(self, state: int) -> str:
        """The picture of the density in this state, as a data URI."""
        levels = np.searchsorted(self.contours, self.grid.log_density(self.mixtures[state]))
        return paint.bands(levels, len(self.contours), palette.rgb([GROUND])[0])


class DensityMargins:
    """The density along each axis, of every component and of their sum, over a histogram of the points."""

    def __init__(self, run: Run, plane: Plane, extent: tuple[float, float, float, float]):
        self.mixtures = mixtures_in_plane(run, plane)
        self.points = plane.places(run.data.points)
        ends = (extent[:2], extent[2:])[: min(run.data.points.shape[1], 2)]  # a single column has a single margin
        self.axes = [np.linspace(low, high, STEPS) for low, high in ends]
        counts = [np.histogram(self.points[:, i], BINS, axis[[0, -1]]) for i, axis in enumerate(self.axes)]
        self.bars = [(count / len(self.points) / (edges[1] - edges[0]), edges) for count, edges in counts]
        self.tops = [
            1.1 * max(float(bars.max()), float(self._parts(-1, i).sum(axis=0).max())) for i, (bars, _) in enumerate(self.bars)
        ]

    def _parts(self, state: int, i: int) -> np.ndarray:
        """(k, STEPS) the density of each component along axis i, times its weight."""
        weights, means, covariances = self.mixtures[state]
        width = np.sqrt(covariances[:, i, i])[:, None]
        away = (self.axes[i] - means[:, i, None]) / width
        return weights[:, None] * np.exp(-0.5 * away**2) / (np.sqrt(2 * np.pi) * width)

    def still(self) -> list[dict]:
        """The traces of the histograms, which never change."""
        traces = []
        for i, (bars, edges) in enumerate(self.bars):
            # as an area: bars would vanish as soon as the figure moves
            along, up = np.repeat(edges, 2), np.concatenate([[0], np.repeat(bars, 2), [0]])
            x, y = (along, up) if i == 0 else (up, along)
            area = dict(fill="tozeroy" if i == 0 else "tozerox", fillcolor="rgba(140,140,150,0.35)", line=dict(width=0))
            traces.append(dict(type="scatter", mode="lines", x=x, y=y, hoverinfo="skip") | area | self._place(i))
        return traces

    def at(self, state: int) -> list[dict]:
        """The lines in this state: for each axis those of the components, then that of their sum."""
        lines = []
        for i, axis in enumerate(self.axes):
            parts = self._parts(state, i)
            along = np.concatenate([np.append(axis, np.nan)] * len(parts))[:-1]
            up = np.concatenate([parts, np.full((len(parts), 1), np.nan)], axis=1).ravel()[:-1]
            for where, value in ((along, up), (axis, parts.sum(axis=0))):
                value = np.minimum(value, 3 * self.tops[i])  # a component that collapses has no end
                where, value = where.astype(precision(axis[0], axis[-1])), value.astype(precision(0, self.tops[i]))
                lines.append(dict(x=where, y=value) if i == 0 else dict(x=value, y=where))
        return lines

    def traces(self, state: int) -> list[dict]:
        """The lines in this state, with their styles."""
        styles = [dict(color=palette.COLORS[0], width=1.6), dict(color=palette.COLORS[1], width=2.4)]
        return [
            dict(type="scatter", mode="lines", hoverinfo="skip", line=styles[j % 2]) | line | self._place(j // 2)
            for j, line in enumerate(self.at(state))
        ]

    @staticmethod
    def _place(i: int) -> dict:
        return dict(xaxis="x", yaxis="y2") if i == 0 else dict(xaxis="x2", yaxis="y")

    def lay_out(self, layout: dict) -> None:
        """Changes the layout so that there is room for the margins above and to the right of the picture."""
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
