"""Properties of clustering methods that the app depends on, similar to scikit-learn's estimator tags."""

from dataclasses import dataclass, field
from typing import Literal

from pages.datasets.data import POINTS

WATCH, COMPARE, RESTARTS, CHOOSE_K, DENSITY = "watch", "compare", "restarts", "choose_k", "density"
EVERYWHERE = frozenset({WATCH, COMPARE, RESTARTS, CHOOSE_K})
"""pages on which an algorithm is chosen, except Density, which is for methods that cluster by density"""


@dataclass(frozen=True)
class Loss:
    """Unit and tolerance of a method's loss."""

    unit: str = ""
    """unit, written after a value"""
    scale: Literal["relative", "absolute"] = "relative"
    """whether the tolerance is relative to the loss or in its unit"""
    tolerance_text: str = "0.01%"
    """the tolerance, for the screen"""
    over_k: bool = True
    """whether losses with different K can be compared"""
    rises: str = ""
    """why it can rise from iteration to iteration, a sentence; empty if it cannot, or if it is obvious"""

    def tolerance(self, best: float) -> float:
        """Largest difference from the best loss at which a run still counts as having reached it."""
        return 1e-4 * (abs(best) if self.scale == "relative" else 1.0)


@dataclass(frozen=True)
class Traits:
    """Properties of a method."""

    data: frozenset[str] = frozenset({POINTS})
    """kinds of data that it works with, one of which suffices, see `Data.kinds`"""
    k: Literal["chosen", "found", "none"] = "chosen"
    """whether the number of clusters is chosen by the user or found by the method, or there are no clusters"""
    k_varies: bool = False
    """whether the number of clusters changes from state to state although the final one is chosen"""
    membership: str | None = None
    """what memberships of points in clusters are called, such as "responsibility"; None for a hard method"""
    center: str | None = "center"
    """name of a cluster center; None if the method has none"""
    cluster: str = "cluster"
    """name of a cluster, such as "component\""""
    loss: Loss | None = field(default_factory=Loss)
    random: bool = True
    """whether the result depends on the random seed"""
    regions: bool = False
    """whether any location, not only the data points, can be assigned to a cluster"""
    pairwise: bool = False
    """whether it needs all pairwise proximities; larger data sets are then subsampled"""
    blocks: bool = False
    """whether it can use all rows of a table on the server; other methods use a random sample"""
    noise: bool = False
    """whether points can remain without a cluster at the end, as noise with the label -1"""
    keeps_numbers: bool = False
    """whether a cluster has the same number in all states; only needed if `k` is "found\", as it holds for the others"""
    weights: bool = False
    """whether it uses weights of rows; other methods ignore them"""
    converges: bool = True
    """whether its iterations approach a result; if false, a run ends when its work is done, and is called finished"""
    moves_points: bool = False
    """whether points move from state to state, see `MethodView.positions`"""

    @property
    def clusters(self) -> bool:
        """Whether the method finds clusters."""
        return self.k != "none"
