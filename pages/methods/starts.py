"""Where a run starts: one value that says how its first parameters are chosen."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """A named way of choosing the first parameters, as it is offered."""

    name: str
    label: str
    """in a menu, and in the address of a page"""
    phrase: str
    """completes "Start: 3 centers, placed by …\""""
    repeatable: bool = True
    """whether it can be one of the ways that are compared by many runs"""
    why_fixed: str = ""
    """why another seed gives the same start, in a sentence; empty where it may give another one"""

    @property
    def random(self) -> bool:
        """Whether another seed may give another start."""
        return not self.why_fixed


RANDOM = Way("random", "Random points", "random points")
PLUS_PLUS = Way("k-means++", "k-means++", "k-means++")
PLAIN_PLUS_PLUS = Way("plain k-means++", "k-means++ (single candidate)", "plain k-means++")
MAXMIN = Way("maxmin", "Farthest-first (maximin)", "farthest points (maxmin)")
TREE = Way(
    "tree",
    "Hierarchical clustering",
    "the cut of a tree",
    repeatable=False,
    why_fixed="Nothing in a tree is random: every start is the same.",
)
HAND = Way("hand", "Manual", "hand", repeatable=False)
SEEDED = (RANDOM, PLUS_PLUS, PLAIN_PLUS_PLUS, MAXMIN)
"""ways that find starting points for any method whose clusters have a center"""


@dataclass(frozen=True)
class Named:
    """By a way of this name, with the seed of the run."""

    way: str


@dataclass(frozen=True)
class ByHand:
    """At centers placed by hand."""

    centers: tuple[tuple[float, ...], ...]
    """(k, d)"""
    way = HAND.name


@dataclass(frozen=True)
class AtRows:
    """At these points of the data, which were found for several methods at once."""

    rows: tuple[int, ...]
    """k positions"""
    way: str
    """by which they were found"""


@dataclass(frozen=True)
class CutOf:
    """At the groups that a cut of a hierarchical tree leaves."""

    linkage: str = "ward"
    metric: str = "euclidean"
    way = TREE.name


@dataclass(frozen=True)
class NoStart:
    """For a method that has nothing to start from."""

    way = ""


Start = Named | ByHand | AtRows | CutOf | NoStart
