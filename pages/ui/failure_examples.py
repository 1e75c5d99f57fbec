"""Examples of clustering that goes wrong, each with a remedy: the widget values that show them, and what is said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pages.datasets import cleaning
from pages.datasets.catalog import SAMPLES, TABLES, draw_sample
from pages.datasets.data import Data
from pages.methods import method
from pages.methods.options import Settings
from pages.ui.data_choice import SOURCES, START_SIZE, bundled
from pages.ui.widgets import start_key


@dataclass(frozen=True)
class Scene:
    """A page that shows a run of a method on a data set."""

    data: Mapping[str, Any]
    """values of the widgets that choose the data set, by key"""
    k: int = 3
    start: str = "random"
    """name of the initialization"""
    seed: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    """options of the method that are not its defaults"""
    method: str = "kmeans"
    page: str = "watch"

    @property
    def settings(self) -> Settings:
        """The settings of the run."""
        view = method(self.method)
        start, seed = self.start if view.initializations else None, self.seed if view.traits.random else 1
        return view.settings(self.k, start, seed, **self.options)

    def state(self) -> dict[str, Any]:
        """The values of all widgets that the run depends on, by key."""
        view = method(self.method)
        state = {**self.data, "k": self.k}
        if self.page in view.pages:  # others are about one method
            state["algorithm"] = view.name
        if view.initializations:
            state[start_key(view)] = self.start
        if view.traits.random:
            state["seed"] = self.seed
        offered = [option for option in view.options if option.pages is None or self.page in option.pages]
        return state | {f"{view.name}_{option.name}": self.settings.option(option.name) for option in offered}

    @property
    def address(self) -> dict[str, str]:
        """The query parameters of data widgets that may not be drawn yet: Streamlit does not write these."""
        if self.data["source"] == "real":
            return {"source": SOURCES["real"], "table": TABLES[self.data["table"]].title}
        name = self.data["sample"]
        sample = SAMPLES[name]
        keys = {s: f"{name}_{s.name}" for s in sample.settings}
        texts = {key: str(self.data[key]) for s, key in keys.items() if self.data[key] != sample.default(s)}
        texts |= {"sample": sample.title} if name != next(iter(SAMPLES)) else {}
        return texts | ({"n": f"{self.data['n']:,}"} if self.data["n"] != START_SIZE else {})

    def load(self) -> Data:
        """The data set."""
        if self.data["source"] == "real":
            source = bundled(self.data["table"])
            choices = replace(source.begin, scaling=self.data["scaling"])
            return cleaning.prepare(source.table, source.title, choices, lambda step: None)
        name = self.data["sample"]
        values = {s.name: self.data[f"{name}_{s.name}"] for s in SAMPLES[name].settings}
        return draw_sample(name, self.data["n"], self.data["data_seed"], values)


def _sample(name: str, n: int = 500, **values) -> dict[str, Any]:
    """The values of the widgets that choose a sample."""
    state = {"source": "sample", "sample": name, "n": n, "data_seed": 0}
    return state | {f"{name}_{s.name}": values.get(s.name, SAMPLES[name].default(s)) for s in SAMPLES[name].settings}


@dataclass(frozen=True)
class Failure:
    """A run that goes wrong, and the change that remedies it."""

    title: str
    text: str
    """what to look at, and why it happens"""
    wrong: Scene
    remedy: str
    """label of the button that makes the change"""
    change: Mapping[str, Any]
    """fields of `wrong` that the remedy changes, with their new values"""
    after: str
    """what to look at then"""

    def scene(self, remedied: bool = False) -> Scene:
        """The scene that goes wrong, or the remedied one."""
        return replace(self.wrong, **self.change) if remedied else self.wrong


FAILURES = {
    "optimum": Failure(
        "A local optimum",
        "Nine groups, nine centers, and yet: one group is cut in two, while one center has two groups to itself. Every step "
        "lowered the loss and no step can lower it any more, so K-means ends here; from this start the better places are out "
        "of reach.",
        Scene(_sample("grid", side=3), k=9, seed=6),
        "Start with k-means++",
        {"start": "k-means++", "seed": 2},
        "k-means++ starts at points far from each other, so each group has a center from the beginning, and the loss ends "
        "lower. Many starts shows how often each initialization gets there.",
    ),
    "number": Failure(
        "A wrong K",
        "Five groups, three centers: two clusters swallow two groups each. The loss cannot warn of it: it falls with every "
        "further cluster, needed or not.",
        Scene(_sample("round", k=5), k=3, seed=2),
        "Take five",
        {"k": 5, "start": "k-means++", "seed": 1},
        "With five centers each group has its own. How many clusters? compares what six criteria say of every K; here they "
        "agree.",
    ),
    "scales": Failure(
        "Unequal scales",
        "Penguins, measured in millimetres and grams. A gram counts as much as a millimetre, and there are thousands of "
        "grams, so K-means sorts the penguins by their weight alone: see the adjusted Rand index against the species.",
        Scene({"source": "real", "table": "penguins", "scaling": "none"}),
        "Standardize the columns",
        {"data": {"source": "real", "table": "penguins", "scaling": "standardize"}},
        "Divided by their standard deviations all four columns have a say, and the clusters are the species, nearly.",
    ),
    "outliers": Failure(
        "Outliers",
        "A far point counts by the square of its distance: it pays to give a center to a handful of strays and to let two "
        "groups share one.",
        Scene(_sample("outliers", share=0.1), seed=6),
        "Take K-medoids",
        {"method": "kmedoids"},
        "K-medoids counts distances, not their squares, and its centers are points of the data, so strays lose their pull: "
        "each group has its medoid.",
    ),
    "rings": Failure(
        "Rings",
        "K-means gives each point to the nearest center, so its clusters are parted by straight lines. No two centers can "
        "part a ring from the one around it; it converges, contented, on two halves.",
        Scene(_sample("rings"), k=2, seed=5),
        "Follow the chains",
        {"page": "hierarchy", "method": "tree", "options": {"linkage": "single"}},
        "Single linkage joins what is near to any member of a group, so it follows each ring around. What it cannot do is to "
        "part groups that touch.",
    ),
    "empty": Failure(
        "An empty cluster",
        "In the first iterations a center loses its last point to its neighbors. The mean of no points is not a number; here "
        "the cluster takes the point that is farthest from its own center, and says so.",
        Scene(_sample("spreads", 100), k=5, seed=30),
        "Start with k-means++",
        {"start": "k-means++", "seed": 1},
        "Starting points that are far from each other seldom come to share a group, so no center is squeezed out.",
    ),
    "collapse": Failure(
        "A component collapses",
        "Without a least variance a component shrinks onto a few points: the narrower it is, the higher its density there, so "
        "the log-likelihood runs away, until the end of double precision, and what it reaches says nothing. Watch the loss "
        "fall off a cliff as an ellipse vanishes.",
        Scene(_sample("spreads", 50), k=6, options={"floor": 0.0}, method="mixture", page="mixture"),
        "Set a least variance, and fewer components",
        {"options": {"floor": 1e-2}, "k": 3},
        "With a least variance no component can be narrower than a tenth of the spread of the data, so the likelihood has an "
        "end; and with three components none is left over to shrink. The loss is that of a model again, without a notice.",
    ),
    "dimensions": Failure(
        "High dimension",
        "Three groups in two columns, and four hundred columns of noise. Each adds a little to every distance, so all points "
        "are about equally far from each other, and which center is nearest is chance: the adjusted Rand index is near 0.",
        Scene(_sample("noise", 200)),
        "Leave the noise out",
        {"data": _sample("noise", 200, noise=0)},
        "In the two columns that mean something the groups are plain. More columns are not more knowledge: choose them, on "
        "the page Data.",
    ),
    "alike": Failure(
        "All means alike",
        "All components begin in the same place, so every point is shared equally, and every M step gives all of them the "
        "same mean and covariance again: nothing can ever part them. It converges at once, to one Gaussian three times over.",
        Scene(_sample("three"), start="alike", method="mixture", page="mixture"),
        "Start at different points",
        {"start": "k-means++"},
        "From different points the components part, and find the three groups. EM only ever climbs from where it starts.",
    ),
    "many": Failure(
        "Too many components",
        "Eight components for three groups: they share the groups out among themselves, slowly, and some lose their points "
        "one after the other, down to a weight of about a single point. The loss is a little lower than with three, but BIC "
        "is higher: the parameters are not worth it.",
        Scene(_sample("three"), k=8, seed=13, options={"covariance": "tied"}, method="mixture", page="mixture"),
        "Take three",
        {"k": 3, "seed": 2},
        "Three components, one for each group; compare the BIC. The page How many clusters? does this for every K.",
    ),
}
GALLERY = ("optimum", "number", "scales", "outliers", "rings", "empty", "collapse", "dimensions")
"""the failures that their page shows"""
