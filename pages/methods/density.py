"""What methods that cluster by density have in common: defaults, scores, and the lines between linked points."""

import numpy as np

from clustering import density_based_validity
from pages.datasets.data import Data
from pages.datasets.formatting import format_percentage, minus_signs, pluralize
from pages.datasets.planes import Plane
from pages.figures.hulls import links
from pages.methods.base import Score
from pages.methods.options import Option

MAX_POINTS = 20_000
"""points of a run, which takes time quadratic in their number: a few seconds for this many in two dimensions"""
MAX_SCORED = 5_000
"""points for the score, which takes time quadratic in their number"""
MAX_LINKED = 1_000
"""points between which lines are drawn"""
MIN_POINTS = Option(
    "min_points",
    "Points in a core",
    5,
    low=2,
    high=1_000,
    step=1,
    short_label=lambda count: f"cores of {count}",
    default_for=lambda data: min(max(5, 2 * data.points.shape[1]), len(data.points)),
    help="The core distance of a point is the distance to this many nearest points, itself included. Larger values smooth the "
    "density. Default: twice the number of features (Sander et al. 1998, doi:10.1023/A:1009745219419), and at least 5.",
    width=140,
)
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
    xy = run.cached(("positions", plane.names), lambda: plane.positions(run.data.points))
    first, second = run.labels[pairs].T
    return [links(xy[pairs[(first == cluster) & (second == cluster)]]) for cluster in range(run.k)]


def counts_text(labels: np.ndarray) -> str:
    """Numbers of clusters and noise points, such as "3 clusters; 7 points are noise\""""
    noise = int(np.count_nonzero(labels < 0))
    verb = "is" if noise == 1 else "are"
    return f"{pluralize(int(labels.max()) + 1, 'cluster')}; {pluralize(noise, 'point')} {verb} noise"


def default_cluster_size(data: Data) -> int:
    """Smallest cluster by default: 2% of the points, and at least 5."""
    n = len(data.points)
    return min(max(5, n // 50), max(n, 2))
