"""Ready-made examples of many starts."""

from dataclasses import dataclass, field

from pages.datasets.catalog import TABLES


@dataclass(frozen=True)
class StartsExample:
    """Many starts on these data."""

    title: str
    text: str
    """what to look at, in two sentences"""
    data: dict
    """the value of each widget that chooses them"""
    k: int
    runs: int = 100
    address: dict[str, str] = field(default_factory=dict)
    """as in `choose_example`"""
    method: str = "kmeans"
    initializations: tuple[str, ...] = ("random", "plain k-means++", "k-means++", "maxmin")

    def state(self) -> dict:
        """The value of each widget that the example is made of, by its key."""
        settings = {"algorithm": self.method, "k": self.k, "runs": self.runs, "first_seed": 1}
        return self.data | settings | {f"ways_{self.method}": list(self.initializations)}


STARTS_EXAMPLES = {
    "s1": StartsExample(
        "S1, fifteen groups",
        "Random points put two centers in one group and none in another, and no later step can carry a center across: about "
        "3 % of the runs find all fifteen groups. The better the start, the further left its losses; compare the last columns "
        "of the table with what has been published.",
        {"source": "real", "table": "s1", "s1_columns": ["x", "y"], "scaling": "none"},
        15,
        200,
        {"table": TABLES["s1"].title},
    ),
    "grid": StartsExample(
        "Sixteen on a grid",
        "The losses fall into steps: each step is one more group without a center of its own, as the centroid index says. "
        "Look at the most frequent solutions for the group that is cut in two and the pair that shares a center.",
        {"source": "sample", "sample": "grid", "n": 1_000, "data_seed": 0}
        | {"grid_side": 4, "grid_distance": 6.0, "grid_d": 2},
        16,
    ),
    "uniform": StartsExample(
        "Uniform noise",
        "There is nothing to find: the runs end in many different solutions, within some 5 % of the same loss on average, and "
        "none of them is frequent. When many starts do not come back to the same groups, doubt the groups; the centroid "
        "index, which only counts centers, is too coarse to tell.",
        {"source": "sample", "sample": "uniform", "n": 500, "data_seed": 0, "uniform_d": 2},
        8,
    ),
}
