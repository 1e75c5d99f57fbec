"""Initialization methods, and the start of a run: where its initial parameters come from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Initialization:
    """A named initialization method."""

    name: str
    label: str
    """label in menus and links"""
    phrase: str
    """where the initial centers come from, without the preposition"""
    preposition: str = "from"
    """completes "Start: 3 centers …" together with `phrase`"""
    repeatable: bool = True
    """whether it can be compared on the Restarts page"""
    why_deterministic: str = ""
    """a sentence that explains why the random seed has no effect; empty if it has one"""

    @property
    def random(self) -> bool:
        """Whether the initial parameters depend on the random seed."""
        return not self.why_deterministic


RANDOM = Initialization("random", "Random points", "random data points", "at")
PLUS_PLUS = Initialization("k-means++", "k-means++", "k-means++")
PLAIN_PLUS_PLUS = Initialization("plain k-means++", "k-means++ (single candidate)", "k-means++ (single candidate)")
MAXMIN = Initialization("maxmin", "Farthest-first (maximin)", "farthest-first traversal")
PARALLEL = Initialization("k-means||", "k-means|| (parallel)", "k-means||")
TREE = Initialization(
    "tree",
    "Hierarchical clustering",
    "hierarchical clustering",
    repeatable=False,
    why_deterministic="Hierarchical clustering is deterministic: the start is always the same.",
)
MANUAL = Initialization("hand", "Manual", "manual placement", repeatable=False)
ONLY_SEED = Initialization("", "Random seed", "the random seed")
"""stands for the initialization of a method that has none, but whose steps are random"""
SEEDED = (RANDOM, PLUS_PLUS, PLAIN_PLUS_PLUS, MAXMIN)
"""initializations that select data points as initial centers; they suit any method with centers"""


@dataclass(frozen=True)
class NamedStart:
    """Start from a named initialization, with the random seed of the run."""

    initialization: str


@dataclass(frozen=True)
class ManualStart:
    """Start from centers placed by the user."""

    centers: tuple[tuple[float, ...], ...]
    """(k, d)"""
    initialization = MANUAL.name


@dataclass(frozen=True)
class RowsStart:
    """Start from given data points, shared by the runs of a comparison."""

    rows: tuple[int, ...]
    """positions of the k points"""
    initialization: str
    """name of the initialization that selected them"""


@dataclass(frozen=True)
class TreeStart:
    """Start from the clusters of a hierarchical clustering."""

    linkage: str = "ward"
    metric: str = "euclidean"
    initialization = TREE.name


@dataclass(frozen=True)
class NoStart:
    """The start of a method without initialization."""

    initialization = ""


def start_named(initialization: str) -> NamedStart | NoStart:
    """The start from a named initialization; that of a method without initialization if the name is empty."""
    return NamedStart(initialization) if initialization else NoStart()


Start = NamedStart | ManualStart | RowsStart | TreeStart | NoStart
