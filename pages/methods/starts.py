"""Where a run starts: one value that says how its first parameters are chosen."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Initialization:
    """A named way of choosing the first parameters, as the app offers it."""

    name: str
    label: str
    """in a menu, and in the address of a page"""
    phrase: str
    """completes "Start: 3 centers, placed by …\""""
    repeatable: bool = True
    """whether it can be one of the initializations that are compared by many runs"""
    why_deterministic: str = ""
    """why another seed gives the same start, in a sentence; empty where it may give another one"""

    @property
    def random(self) -> bool:
        """Whether another seed may give another start."""
        return not self.why_deterministic


RANDOM = Initialization("random", "Random points", "random points")
PLUS_PLUS = Initialization("k-means++", "k-means++", "k-means++")
PLAIN_PLUS_PLUS = Initialization("plain k-means++", "k-means++ (single candidate)", "plain k-means++")
MAXMIN = Initialization("maxmin", "Farthest-first (maximin)", "farthest points (maxmin)")
TREE = Initialization(
    "tree",
    "Hierarchical clustering",
    "the cut of a tree",
    repeatable=False,
    why_deterministic="Nothing in a tree is random: every start is the same.",
)
MANUAL = Initialization("hand", "Manual", "hand", repeatable=False)
SEEDED = (RANDOM, PLUS_PLUS, PLAIN_PLUS_PLUS, MAXMIN)
"""initializations that find starting points for any method whose clusters have a center"""


@dataclass(frozen=True)
class NamedStart:
    """By an initialization of this name, with the seed of the run."""

    initialization: str


@dataclass(frozen=True)
class ManualStart:
    """At centers placed by hand."""

    centers: tuple[tuple[float, ...], ...]
    """(k, d)"""
    initialization = MANUAL.name


@dataclass(frozen=True)
class RowsStart:
    """At these points of the data, which were found for several methods at once."""

    rows: tuple[int, ...]
    """k positions"""
    initialization: str
    """by which they were found"""


@dataclass(frozen=True)
class TreeStart:
    """At the groups that a cut of a hierarchical tree leaves."""

    linkage: str = "ward"
    metric: str = "euclidean"
    initialization = TREE.name


@dataclass(frozen=True)
class NoStart:
    """For a method that has nothing to start from."""

    initialization = ""


Start = NamedStart | ManualStart | RowsStart | TreeStart | NoStart
