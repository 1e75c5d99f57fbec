"""Example restart studies, each with its data, settings and an explanation."""

from dataclasses import dataclass, field

from pages.datasets.catalog import TABLES


@dataclass(frozen=True)
class RestartsExample:
    """Many runs on one data set."""

    title: str
    text: str
    """what to look for"""
    data: dict
    """widget values that select the data, by widget key"""
    k: int
    runs: int = 100
    query_params: dict[str, str] = field(default_factory=dict)
    """see `Example`"""
    method: str = "kmeans"
    initializations: tuple[str, ...] = ("random", "plain k-means++", "k-means++", "maxmin")

    def state(self) -> dict:
        """Widget values of the example, by widget key."""
        settings = {"algorithm": self.method, "k": self.k, "runs": self.runs, "first_seed": 1}
        return self.data | settings | {f"ways_{self.method}": list(self.initializations)}


EXAMPLES = {
    "s1": RestartsExample(
        "S1, fifteen groups",
        "Starting from random points often puts two centers in one group and none in another, and later iterations rarely "
        "move a center to another group: only about 3% of the runs from random points find all fifteen. Better "
        "initializations lead to lower losses. The table also shows published results.",
        {"source": "real", "table": "s1", "s1_columns": ["x", "y"], "scaling": "none"},
        15,
        200,
        {"table": TABLES["s1"].title},
    ),
    "grid": RestartsExample(
        "Grid of sixteen groups",
        "The final losses fall into separate levels: at each higher level, one more group has no center of its own, as "
        "counted by the centroid index. In the most frequent solutions, look for a group that is split and a pair of groups "
        "that share a center.",
        {"source": "sample", "sample": "grid", "n": 1_000, "data_seed": 0}
        | {"grid_side": 4, "grid_distance": 6.0, "grid_d": 2},
        16,
    ),
    "uniform": RestartsExample(
        "Uniform noise",
        "There are no groups to find: the runs end in many different solutions, on average within about 5% of the best loss, "
        "and none is frequent. Solutions that do not repeat are a reason to doubt the clusters. The centroid index is too "
        "coarse to show this.",
        {"source": "sample", "sample": "uniform", "n": 500, "data_seed": 0, "uniform_d": 2},
        8,
    ),
}
