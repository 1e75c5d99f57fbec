"""Ready-made comparisons: each sets data and panels with one click, and says what to look at."""

from dataclasses import dataclass, field

import streamlit as st

from pages.shared.datasets import SAMPLES
from pages.shared.widgets import MOST_PANELS, PANEL_DEFAULTS, SAME


@dataclass(frozen=True)
class Example:
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

    def state(self) -> dict:
        """The value of each widget that the example is made of, by its key."""
        sample = SAMPLES[self.sample]
        state = {"source": "sample", "sample": self.sample, "n": self.n, "data_seed": 0, "scaling": "none"}
        state |= {f"{self.sample}_{s.name}": self.values.get(s.name, sample.default(s)) for s in sample.settings}
        state |= {"panels": len(self.panels), "k": self.k, "start_all": "random", "seed": self.seed}
        for i in range(1, MOST_PANELS + 1):
            algorithm, update, covariance = PANEL_DEFAULTS[i - 1]
            options = {}
            if i <= len(self.panels):
                algorithm, options = self.panels[i - 1]
            state[f"algorithm_{i}"] = algorithm
            state[f"k_{i}"] = options.get("k")
            state[f"start_{algorithm}_{i}"] = options.get("start", SAME)
            if algorithm == "kmedoids":
                state[f"metric_{i}"] = options.get("metric", "euclidean")
                state[f"update_{i}"] = options.get("update", update)
            if algorithm == "mixture":
                state[f"covariance_{i}"] = options.get("covariance", covariance)
        return state


_MIXTURE_AND_MEANS = (("kmeans", {}), ("mixture", {"covariance": "spherical"}), ("mixture", {}))
EXAMPLES = {
    "round": Example(
        "Equal round groups",
        "All three find the same groups, and the scores differ in nothing that matters. Look at how soon each is done: this "
        "is the case that K-means is made for, and the mixture spends its extra iterations on the last digits.",
        "round",
    ),
    "stretched": Example(
        "Stretched groups",
        "K-means and K-medoids cut across the stripes, because a far point of the same stripe counts as much as one of the "
        "next; only the mixture has ellipses to turn. Look at the silhouette too: it prefers the wrong answer, for the same "
        "reason.",
        "stretched",
        seed=3,
    ),
    "sizes": Example(
        "Unequal sizes",
        "K-means and K-medoids cut the large group in two and leave the two small ones together, which lowers their loss. "
        "The mixture has a weight for each group, so that a small one can stay small.",
        "sizes",
        values={"ratio": 30.0},
        seed=10,
    ),
    "outliers": Example(
        "Outliers",
        "The medoids stand in the middle of the groups, because a far point counts by its distance; the means are dragged "
        "outwards, because it counts by the square. The mixture spends a wide component on the outliers.",
        "outliers",
        values={"share": 0.1},
        seed=6,
    ),
    "overlap": Example(
        "Overlap",
        "K-means draws a hard border through points that could belong to either side, and gives no sign of doubt. The "
        "mixtures say how sure they are: look for the colours that blend between the groups.",
        "overlap",
        seed=3,
        panels=_MIXTURE_AND_MEANS,
    ),
    "rings": Example(
        "Rings",
        "All three fail: each group that they can describe surrounds a middle, and the two rings have the same one. The "
        "adjusted Rand index is about 0, although every loss fell and every run converged.",
        "rings",
        k=2,
        seed=5,
    ),
    "moons": Example(
        "Moons",
        "All three fail again: straight borders and ellipses cannot follow a bend, so each moon loses a tip to the other. "
        "Single linkage, which follows chains of near points, would succeed here.",
        "moons",
        k=2,
        seed=2,
    ),
}


def choose_example() -> None:
    """The ready-made comparisons, and what to look at in the one that is shown."""
    shown = st.session_state.get("example")
    if shown in EXAMPLES and any(st.session_state.get(key, value) != value for key, value in EXAMPLES[shown].state().items()):
        st.session_state["example"] = None  # something was changed since
    name = st.pills(
        "Ready-made comparisons",
        list(EXAMPLES),
        format_func=lambda name: EXAMPLES[name].title,
        key="example",
        on_change=_set,
        persist_state="session",
    )
    if name:
        st.info(EXAMPLES[name].text, icon=":material/visibility:")


def _set() -> None:
    name = st.session_state["example"]
    if name:
        st.session_state.update(EXAMPLES[name].state())
