"""Examples in which clustering fails, each with a fix: widget values and explanations."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pages.datasets.catalog import SAMPLES, TABLES, draw_sample
from pages.datasets.data import Data
from pages.methods import method
from pages.methods.options import Settings
from pages.ui.data_choice import DEFAULT_SIZE, SOURCES, bundled
from pages.ui.preparation import points_of_source
from pages.ui.widgets import start_key


@dataclass(frozen=True)
class Scene:
    """A run of a method on a data set, and the page that shows it."""

    data: Mapping[str, Any]
    """values of the widgets that select the data set, by key"""
    k: int = 3
    start: str = "random"
    """name of the initialization"""
    seed: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    """options of the method that differ from the defaults"""
    method: str = "kmeans"
    page: str = "watch"

    @property
    def settings(self) -> Settings:
        """The settings of the run."""
        view = method(self.method)
        start, seed = self.start if view.initializations else None, self.seed if view.traits.random else 1
        return view.settings(self.k, start, seed, **self.options)

    def state(self) -> dict[str, Any]:
        """The widget values that the run depends on, by key."""
        view = method(self.method)
        state = {**self.data, "k": self.k}
        if self.page in view.pages:  # other pages show one method only
            state["algorithm"] = view.name
        if view.initializations:
            state[start_key(view)] = self.start
        if view.traits.random:
            state["seed"] = self.seed
        available = [option for option in view.options if option.pages is None or self.page in option.pages]
        return state | {f"{view.name}_{option.name}": self.settings.option(option.name) for option in available}

    @property
    def query_params(self) -> dict[str, str]:
        """Query parameters of the data widgets that may not be drawn yet; Streamlit does not write these."""
        if self.data["source"] == "real":
            return {"source": SOURCES["real"], "table": TABLES[self.data["table"]].title}
        name = self.data["sample"]
        sample = SAMPLES[name]
        keys = {s: f"{name}_{s.name}" for s in sample.settings}
        texts = {key: f"{self.data[key]:g}" for s, key in keys.items() if self.data[key] != sample.default(s)}
        texts |= {"sample": sample.title} if name != next(iter(SAMPLES)) else {}
        return texts | ({"n": f"{self.data['n']:,}"} if self.data["n"] != DEFAULT_SIZE else {})

    def load(self) -> Data:
        """The data set."""
        if self.data["source"] == "real":
            source = bundled(self.data["table"])
            return points_of_source(source, replace(source.initial, scaling=self.data["scaling"]))
        name = self.data["sample"]
        values = {s.name: self.data[f"{name}_{s.name}"] for s in SAMPLES[name].settings}
        return draw_sample(name, self.data["n"], self.data["data_seed"], values)


def _sample(name: str, n: int = 500, **values) -> dict[str, Any]:
    """Widget values that select a sample."""
    state = {"source": "sample", "sample": name, "n": n, "data_seed": 0}
    return state | {f"{name}_{s.name}": values.get(s.name, SAMPLES[name].default(s)) for s in SAMPLES[name].settings}


@dataclass(frozen=True)
class Failure:
    """A run that fails, and a change that fixes it."""

    title: str
    text: str
    """what to look for, and why it happens"""
    wrong: Scene
    """the run that fails"""
    fix: str
    """label of the button that applies the change"""
    change: Mapping[str, Any]
    """new values of the fields of `wrong` that the fix changes"""
    after: str
    """explanation of the run with this change"""

    def scene(self, fixed: bool = False) -> Scene:
        """The run that fails, or the run with the change."""
        return replace(self.wrong, **self.change) if fixed else self.wrong


FAILURES = {
    "optimum": Failure(
        "Local optimum",
        "There are nine groups and nine centers, but one group is split in two and one center covers two groups. No further "
        "step can lower the loss: K-means has converged to a local optimum and cannot reach a better one from here.",
        Scene(_sample("grid", side=3), k=9, seed=2),
        "Start with k-means++",
        {"start": "k-means++"},
        "k-means++ chooses initial centers far from each other: here each group has a center from the beginning, and the "
        "final loss is lower. The Restarts page shows how often each initialization succeeds.",
    ),
    "number": Failure(
        "Wrong K",
        "There are five groups but three centers, so two clusters each contain two groups. The loss does not reveal this: it "
        "decreases with every additional cluster, whether or not it is needed.",
        Scene(_sample("round", k=5), k=3, seed=2),
        "Use K = 5",
        {"k": 5, "start": "k-means++", "seed": 1},
        "With five centers, each group has its own. The Choose K page compares six criteria over K; here all but the elbow "
        "suggest five.",
    ),
    "scales": Failure(
        "Unequal scales",
        "The penguins are measured in millimeters and grams, and K-means groups them by weight alone. One gram counts as much "
        "as one millimeter, and the weights are in the thousands. See the adjusted Rand index, which compares the clusters "
        "with the species.",
        Scene({"source": "real", "table": "penguins", "scaling": "none"}),
        "Standardize the columns",
        {"data": {"source": "real", "table": "penguins", "scaling": "standardize"}},
        "Each column is divided by its standard deviation, so all four count equally, and the clusters nearly match the "
        "species.",
    ),
    "outliers": Failure(
        "Outliers",
        "One center has moved to a few outliers, and two groups share another center. An outlier contributes its squared "
        "distance to the loss, so this loss is lower than with one center in each group.",
        Scene(_sample("outliers", share=0.1), seed=6),
        "Use K-medoids",
        {"method": "kmedoids"},
        "K-medoids minimizes the sum of distances instead of squared distances, and its centers are data points, so outliers "
        "have less influence: each group has its own medoid.",
    ),
    "tails": Failure(
        "Outliers in a mixture",
        "One component covers only the outliers, so two of the groups share another component. A Gaussian gives points "
        "far away almost no density, so a few outliers would make the likelihood tiny unless a wide component includes them.",
        Scene(_sample("outliers", share=0.1), seed=6, method="mixture"),
        "Use t distributions",
        {"method": "student"},
        "A t distribution has heavier tails than a Gaussian, so outliers fit into each component and count little in its "
        "mean: each group has its own component. Below the plot, the points with the smallest weights are the outliers.",
    ),
    "rings": Failure(
        "Rings",
        "K-means cuts both rings in half. It assigns each point to the nearest center, so the boundary between two clusters "
        "is a straight line, which cannot separate a ring from the one around it.",
        Scene(_sample("rings"), k=2, seed=5),
        "Use DBSCAN",
        {"method": "dbscan", "options": {"min_points": 6, "eps": 0.4}},
        "DBSCAN grows clusters from neighbor to neighbor, so it follows each ring, and it finds their number. The gap between "
        "the rings is wider than the radius eps, so no cluster crosses it.",
    ),
    "moons": Failure(
        "Two moons",
        "K-means cuts across both moons. A straight line between two centers cannot separate curved groups that reach around "
        "each other.",
        Scene(_sample("moons"), k=2),
        "Use DBSCAN",
        {"method": "dbscan", "options": {"min_points": 6, "eps": 0.17}},
        "Each moon is a connected region of high density, so DBSCAN finds it whatever its shape. A few points at the edges "
        "have too few neighbors: they are noise.",
    ),
    "background": Failure(
        "Background noise",
        "Nearly a third of the points are scattered everywhere and belong to no group. K-means must put every point into a "
        "cluster, so the scattered points pull its centers: here two groups share one cluster.",
        Scene(_sample("outliers", share=0.3)),
        "Use DBSCAN",
        {"method": "dbscan", "options": {"min_points": 6, "eps": 0.9}},
        "DBSCAN leaves points in sparse regions without a cluster, gray in the plot. The three groups remain, and nearly all "
        "scattered points are noise.",
    ),
    "densities": Failure(
        "Unequal densities",
        "One group is much less dense than the others. With this radius, DBSCAN calls most of its margin noise and splits off "
        "small clusters. A larger radius would join the dense groups before it fills the sparse one: no single radius suits "
        "both.",
        Scene(_sample("spreads"), method="dbscan", options={"min_points": 6, "eps": 0.5}),
        "Use a Gaussian mixture",
        {"method": "mixture", "start": "k-means++", "options": {}},
        "Each component has its own spread, so a mixture describes wide and narrow groups alike, as long as they are roughly "
        "elliptical.",
    ),
    "empty": Failure(
        "Empty cluster",
        "In the first iteration, a center loses all of its points to its neighbors. The mean of zero points is undefined, so "
        "the center moves to the point that is farthest from its assigned center, and a warning is shown.",
        Scene(_sample("spreads", 100), k=5, seed=30),
        "Start with k-means++",
        {"start": "k-means++", "seed": 5},
        "k-means++ chooses initial centers far from each other, so a center rarely loses all of its points to its neighbors.",
    ),
    "collapse": Failure(
        "Collapsing component",
        "Without a variance floor, a component can shrink onto a few points. The narrower it is, the higher its density at "
        "these points, so the log-likelihood grows without bound and is meaningless. Watch the loss drop as an ellipse "
        "vanishes.",
        Scene(_sample("spreads", 50), k=6, options={"floor": 0.0}, method="mixture", page="mixture"),
        "Set a variance floor and use fewer components",
        {"options": {"floor": 1e-2}, "k": 3},
        "With this variance floor, the standard deviation of a component is at least a tenth of that of the data, so the "
        "likelihood is bounded. With three components, none is left over to shrink.",
    ),
    "dimensions": Failure(
        "High dimension",
        "Two columns contain three groups, but four hundred columns are noise. Each column adds a little to every distance, "
        "so all points are about equally far from each other, and the nearest center is almost random: the adjusted Rand "
        "index is near 0.",
        Scene(_sample("noise", 200)),
        "Remove the noise columns",
        {"data": _sample("noise", 200, noise=0)},
        "In the two informative columns the groups are well separated. More columns do not always add information: select "
        "features on the Data page.",
    ),
    "alike": Failure(
        "Identical means",
        "All components start with the same mean, so all responsibilities are equal, and each update (M) gives all "
        "components the same mean and covariance again. EM converges at once to three identical Gaussians.",
        Scene(_sample("three"), start="alike", method="mixture", page="mixture"),
        "Start at different points",
        {"start": "k-means++"},
        "From different initial means, the components separate and find the three groups. EM is a local search: the result "
        "depends on where it starts.",
    ),
    "many": Failure(
        "Too many components",
        "Eight components slowly divide three groups among themselves; one component keeps little more than one point. The "
        "loss is slightly lower than with three components, but the BIC is higher: the extra parameters are not justified.",
        Scene(_sample("three"), k=8, seed=13, options={"covariance": "tied"}, method="mixture", page="mixture"),
        "Use K = 3",
        {"k": 3, "seed": 2},
        "There is one component per group, and the BIC is lower. The Choose K page compares the BIC of every K.",
    ),
}
GALLERY = (
    *("optimum", "number", "scales", "outliers", "tails", "rings", "moons", "background", "densities"),
    *("empty", "collapse", "dimensions"),
)
"""the failures on the Failures page"""
