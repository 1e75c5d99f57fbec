"""What methods that cluster by density have in common: defaults, scores, and the lines between linked points."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from clustering import density_based_validity, eps_range, suggested_min_points
from clustering.neighborhoods import MATRIX, TREE_METRICS
from pages.datasets.data import Data
from pages.datasets.formatting import format_percentage, minus_signs, pluralize
from pages.datasets.planes import Plane
from pages.figures.hulls import broken_line
from pages.methods.base import Score
from pages.methods.options import Option, Settings, spaced

MAX_SCORED = 5_000
"""points for the score, which takes time quadratic in their number"""
MAX_LINKED = 1_000
"""points between which lines are drawn"""


def min_points_option(least: int, usual: int, meaning: str) -> Option:
    """The number of points that defines a dense place.

    least : smallest value
    usual : smallest default, if there are as many points
    meaning : a sentence that says what the number means
    """

    def default(data: Data, chosen: Mapping[str, Any]) -> int:
        n, d = data.points.shape  # points of a distance matrix count as points in the plane
        return max(suggested_min_points(n, d), min(usual, max(n, least)))

    return Option(
        "min_points",
        "Min points",
        5,
        low=least,
        high=10_000,
        step=1,
        number_for=default,
        short_label=lambda count: f"min {count}",
        help=f"{meaning} Default: the largest of twice the number of columns, the logarithm of the number n of points, and a "
        f"quarter of √n up to 100; but at most n/20{f', and at least {usual}' if usual > least else ''}.",
        width=128,
    )


MIN_POINTS = min_points_option(
    2,
    5,
    "The core distance of a point is the distance to its m-th nearest point, where m is this number and the point itself "
    "counts. Larger values smooth the density.",
)


def cluster_size_option(percent: int) -> Option:
    """The smallest size of a cluster, by default this percentage of the points."""

    def default(data: Data, chosen: Mapping[str, Any]) -> int:
        n = len(data.points)
        return max(2, min(max(5, n * percent // 100), n))

    return Option(
        "min_cluster_size",
        "Min cluster size",
        5,
        low=2,
        high=100_000,
        step=1,
        number_for=default,
        short_label=lambda size: f"size {size}",
        help=f"Smallest number of points of a cluster. Default: {percent}% of the points, and at least 5.",
        width=140,
    )


def radii(data: Data, settings: Settings) -> tuple[float, ...]:
    """Radii between which clusters appear and merge, for the chosen metric and `min_points`; see `eps_range`."""
    metric = dict(settings.options).get("metric", "euclidean")
    on_points = metric in TREE_METRICS
    low, high = eps_range(
        data.points if on_points else data.proximities(metric),
        settings.option("min_points"),
        metric if on_points else MATRIX,
    )
    return spaced(low, high)


SCORE_NOTE = (
    "DBCV: from −1 to 1, larger is better; separation of the clusters relative to their sparsest place, for clusters of any "
    "shape. Noise counts as 0."
)


def scores(run) -> list[Score]:
    """Share of noise, and DBCV if it is defined and there are not too many points."""
    noise = int(np.count_nonzero(run.labels < 0))
    text = f"{noise:,} ({format_percentage(noise / len(run.labels))})"
    found = [Score("Noise", text, "Points that belong to no cluster.", comparable=True)]
    if len(run.labels) <= MAX_SCORED:
        value = run.cached("density-based validity", lambda: density_based_validity(run.data.points, run.labels))
        if np.isfinite(value):
            help = f"Density-based clustering validation (Moulavi et al. 2014, doi:10.1137/1.9781611973440.96). {SCORE_NOTE}"
            found.append(Score("DBCV", minus_signs(f"{value:.3f}"), help, comparable=True))
    return found


def linked_lines(run, plane: Plane, pairs: np.ndarray) -> list[np.ndarray]:
    """For each final cluster the lines between pairs of its points (m, 2); empty if there are too many points."""
    if len(run.labels) > MAX_LINKED:
        return []
    xy = positions(run, plane)
    first, second = run.labels[pairs].T
    return [broken_line(xy[pairs[(first == cluster) & (second == cluster)]]) for cluster in range(run.k)]


def positions(run, plane: Plane) -> np.ndarray:
    """(n, 2) positions of the points in the plane."""
    return run.cached(("positions", plane.names), lambda: plane.positions(run.data.points))


def counts_text(labels: np.ndarray) -> str:
    """Numbers of clusters and noise points, such as "3 clusters; 7 points are noise\""""
    noise = int(np.count_nonzero(labels < 0))
    verb = "is" if noise == 1 else "are"
    return f"{pluralize(int(labels.max()) + 1, 'cluster')}; {pluralize(noise, 'point')} {verb} noise"
