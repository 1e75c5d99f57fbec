"""What the app asks instead of a method's name, as scikit-learn's and river's tags."""

from dataclasses import dataclass, field
from typing import Literal

POINTS, PROXIMITIES = "points", "proximities"
WATCH, COMPARE, RESTARTS, CHOOSE_K = "watch", "compare", "restarts", "choose_k"
EVERYWHERE = frozenset({WATCH, COMPARE, RESTARTS, CHOOSE_K})
"""pages on which a method may be chosen"""


@dataclass(frozen=True)
class Loss:
    """What is known of a method's loss beside its name, which the process has."""

    unit: str = ""
    """follows a value in a sentence"""
    scale: Literal["relative", "absolute"] = "relative"
    """whether two losses are the same within a share of them, or within so much of their unit"""
    near: str = "0.01 %"
    """how near a run must come to the best loss to reach it, in words; `tolerance` in numbers"""

    def tolerance(self, best: float) -> float:
        """How far above the best loss another one still reaches it."""
        return 1e-4 * (abs(best) if self.scale == "relative" else 1.0)


@dataclass(frozen=True)
class Traits:
    """What the app asks instead of a method's name."""

    data: frozenset[str] = frozenset({POINTS})
    """which kinds of data it can cluster: of `POINTS`, `PROXIMITIES`"""
    groups: Literal["chosen", "found", "none"] = "chosen"
    """whether the number of clusters is asked for, comes out, or there are no clusters"""
    share: str | None = None
    """what the share of a point in a cluster is called, for a soft method; None for a hard one"""
    center: str | None = "center"
    """what stands for a cluster and is marked in pictures; None where nothing does"""
    cluster: str = "cluster"
    """what a cluster is called"""
    loss: Loss | None = field(default_factory=Loss)
    random: bool = True
    """whether runs differ by their seed"""
    regions: bool = False
    """whether every place belongs to a cluster, not only the points"""
    pairwise: bool = False
    """whether it works on the (n, n) matrix of proximities, or a tree of them, which only a sample of many points can have"""
