"""Ready-made comparisons: each sets data and panels with one click, and says what to look at."""

from contextlib import suppress
from dataclasses import dataclass, field

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.datasets.catalog import SAMPLES, TABLES
from pages.methods.trees import WARD
from pages.ui.widgets import COVARIANCES, PANEL_DEFAULTS, SAME


@dataclass(frozen=True)
class RaceExample:
    """A race on a sample."""

    title: str
    text: str
    """what to look at, in two sentences"""
    sample: str
    k: int = 3
    seed: int = 1
    n: int = 500
    values: dict = field(default_factory=dict)
    """settings of the sample that are not its defaults"""
    panels: tuple[tuple[str, dict], ...] = (("kmeans", {}), ("kmedoids", {}), ("mixture", {}))
    """the algorithm of each, and those of its options that are not the defaults"""

    address: dict[str, str] = field(default_factory=dict)
    """as in `choose_example`"""

    def state(self) -> dict:
        """The value of each widget that the example is made of, by its key."""
        sample = SAMPLES[self.sample]
        state = {"source": "sample", "sample": self.sample, "n": self.n, "data_seed": 0}
        state |= {f"{self.sample}_{s.name}": self.values.get(s.name, sample.default(s)) for s in sample.settings}
        state |= {"panels": len(self.panels), "k": self.k, "start_all": "random", "seed": self.seed}
        for i, (algorithm, options) in enumerate(self.panels, 1):
            _, update, covariance = PANEL_DEFAULTS[i - 1]
            state |= {f"algorithm_{i}": algorithm, f"k_{i}": None}
            if algorithm == "tree":
                state |= {f"linkage_{i}": options["linkage"], f"tree_metric_{i}": WARD.metric}
            else:
                state[f"start_{algorithm}_{i}"] = SAME
            if algorithm == "kmedoids":
                state |= {f"metric_{i}": options.get("metric", "euclidean"), f"update_{i}": options.get("update", update)}
            if algorithm == "mixture":
                state[f"covariance_{i}"] = options.get("covariance", covariance)
        return state


_MIXTURE_AND_MEANS = (("kmeans", {}), ("mixture", {"covariance": "spherical"}), ("mixture", {}))
_MEANS_MIXTURE_AND_CHAINS = (("kmeans", {}), ("mixture", {}), ("tree", {"linkage": "single"}))
_CHAINS = {"linkage_3": "Single"}
RACE_EXAMPLES = {
    "round": RaceExample(
        "Equal round groups",
        "All three find the same groups, and the scores differ in nothing that matters. Look at how soon each is done: "
        "K-means after three iterations, because this is the case that it is made for.",
        "round",
    ),
    "stretched": RaceExample(
        "Stretched groups",
        "K-means and K-medoids cut across the stripes, because a far point of the same stripe counts as much as one of the "
        "next; only the mixture has ellipses to turn. Look at the silhouette too: it prefers the wrong answer, for the same "
        "reason.",
        "stretched",
        seed=8,
    ),
    "sizes": RaceExample(
        "Unequal sizes",
        "K-means and K-medoids cut the large group in two, although that is the least loss they can have: a few points far "
        "from a shared center cost less than many points at some distance. The mixture has a weight for each group, so a "
        "small one can stay small.",
        "sizes",
        values={"ratio": 60.0},
        address={"sizes_ratio": "60.0"},
        seed=6,
    ),
    "outliers": RaceExample(
        "Outliers",
        "Both find the same groups, but the means are dragged towards the outliers, because a far point counts by the square "
        "of its distance, and the medoids stand, because it counts by the distance. Compare where the marks are with where "
        "the points are thick.",
        "outliers",
        values={"share": 0.1},
        address={"outliers_share": "0.1"},
        seed=5,
        panels=(("kmeans", {}), ("kmedoids", {})),
    ),
    "overlap": RaceExample(
        "Overlap",
        "K-means draws a hard border through points that could belong to either side, and gives no sign of doubt. The "
        "mixtures say how sure they are: look for the colours that blend between the groups.",
        "overlap",
        seed=3,
        panels=_MIXTURE_AND_MEANS,
        address={"covariance_2": COVARIANCES["spherical"]},
    ),
    "rings": RaceExample(
        "Rings",
        "K-means and the mixture fail: each group that they can describe surrounds a middle, and the two rings have the same "
        "one. Their adjusted Rand index is about 0, although every loss fell and both converged. Single linkage follows "
        "chains of near points, and finds the rings.",
        "rings",
        k=2,
        seed=5,
        panels=_MEANS_MIXTURE_AND_CHAINS,
        address=_CHAINS,
    ),
    "moons": RaceExample(
        "Moons",
        "K-means and the mixture fail again: straight borders and ellipses cannot follow a bend, so each moon loses a tip to "
        "the other. Single linkage does follow it; but see on the page The tree how a few points between the moons would make "
        "one group of both.",
        "moons",
        k=2,
        seed=2,
        panels=_MEANS_MIXTURE_AND_CHAINS,
        address=_CHAINS,
    ),
}


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

    def state(self) -> dict:
        """The value of each widget that the example is made of, by its key."""
        ways = ["random", "plain k-means++", "k-means++", "maxmin"]
        state = {"algorithm": "kmeans", "k": self.k, "runs": self.runs, "first_seed": 1, "ways_kmeans": ways}
        return self.data | state


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


def choose_example(examples: dict[str, RaceExample] | dict[str, StartsExample]) -> None:
    """The ready-made comparisons, and what to look at in the one that is shown. To be called when all widgets are drawn.

    The values of widgets that may not be on the screen yet are not put into the address by Streamlit, so an example has them
    once more in `address`, as they are written there.
    """
    key = f"example {next(iter(examples))}"

    def is_shown(example) -> bool:
        return all(name in st.session_state and st.session_state[name] == value for name, value in example.state().items())

    # also for those who come by a link, and no longer when something was changed
    st.session_state[key] = next((name for name, example in examples.items() if is_shown(example)), None)

    def chosen():
        if name := st.session_state[key]:
            st.session_state.update(examples[name].state())
            for widget, text in examples[name].address.items():
                with suppress(StreamlitAPIException):  # one that is on the screen already writes its value there itself
                    st.query_params[widget] = text

    name = st.pills(
        "Ready-made comparisons",
        list(examples),
        format_func=lambda name: examples[name].title,
        key=key,
        on_change=chosen,
    )
    if name:
        st.info(examples[name].text, icon=":material/visibility:")
