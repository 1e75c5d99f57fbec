"""Ready-made comparisons: each sets data and panels with one click, and says what to look at."""

from dataclasses import dataclass, field

from pages.datasets.catalog import SAMPLES
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.options import Option
from pages.methods.traits import COMPARE
from pages.ui.widgets import PANEL_DEFAULTS, SAME, start_key


@dataclass(frozen=True)
class ComparisonExample:
    """A comparison on a sample."""

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
    """the method of each, and those of its options that are not the defaults"""

    @property
    def address(self) -> dict[str, str]:
        """As `Example.address`."""
        address = {f"{self.sample}_{name}": str(value) for name, value in self.values.items()}
        for i, (name, options) in enumerate(self.panels, 1):
            view = method(name)
            for option in _offered(view):
                if option.name in options:
                    address[_key(view, option, i)] = option.label_of(options[option.name])
        return address

    def state(self) -> dict:
        """The value of each widget that the example is made of, by its key."""
        sample = SAMPLES[self.sample]
        state = {"source": "sample", "sample": self.sample, "n": self.n, "data_seed": 0}
        state |= {f"{self.sample}_{s.name}": self.values.get(s.name, sample.default(s)) for s in sample.settings}
        state |= {"panels": len(self.panels), "k": self.k, "start_all": "random", "seed": self.seed}
        for i, ((name, options), (usual, defaults)) in enumerate(zip(self.panels, PANEL_DEFAULTS, strict=False), 1):
            view = method(name)
            state |= {f"algorithm_{i}": name, f"k_{i}": None}
            if view.initializations:
                state[start_key(view, f"_{i}")] = SAME
            of_panel = defaults if name == usual else {}
            for option in _offered(view):
                state[_key(view, option, i)] = options.get(option.name, of_panel.get(option.name, option.default))
        return state


def _offered(view: MethodView) -> list[Option]:
    """The options of the method that a panel has."""
    return [option for option in view.options if option.pages is None or COMPARE in option.pages]


def _key(view: MethodView, option: Option, panel: int) -> str:
    """The key of the widget of an option in a panel, counted from one, on a sample."""
    return f"{view.name}_{option.name}_{panel}"


_MIXTURE_AND_MEANS = (("kmeans", {}), ("mixture", {"covariance": "spherical"}), ("mixture", {}))
_MEANS_MIXTURE_AND_CHAINS = (("kmeans", {}), ("mixture", {}), ("tree", {"linkage": "single"}))
EXAMPLES = {
    "round": ComparisonExample(
        "Equal round groups",
        "All three find the same groups, and the scores differ in nothing that matters. Look at how soon each is done: "
        "K-means after three iterations, because this is the case that it is made for.",
        "round",
    ),
    "stretched": ComparisonExample(
        "Stretched groups",
        "K-means and K-medoids cut across the stripes, because a far point of the same stripe counts as much as one of the "
        "next; only the mixture has ellipses to turn. Look at the silhouette too: it prefers the wrong answer, for the same "
        "reason.",
        "stretched",
        seed=8,
    ),
    "sizes": ComparisonExample(
        "Unequal sizes",
        "K-means and K-medoids cut the large group in two, although that is the least loss they can have: a few points far "
        "from a shared center cost less than many points at some distance. The mixture has a weight for each group, so a "
        "small one can stay small.",
        "sizes",
        values={"ratio": 60.0},
        seed=6,
    ),
    "outliers": ComparisonExample(
        "Outliers",
        "Both find the same groups, but the means are dragged towards the outliers, because a far point counts by the square "
        "of its distance, and the medoids stand, because it counts by the distance. Compare where the marks are with where "
        "the points are thick.",
        "outliers",
        values={"share": 0.1},
        seed=5,
        panels=(("kmeans", {}), ("kmedoids", {})),
    ),
    "overlap": ComparisonExample(
        "Overlap",
        "K-means draws a hard border through points that could belong to either side, and gives no sign of doubt. The "
        "mixtures say how sure they are: look for the colors that blend between the groups.",
        "overlap",
        seed=3,
        panels=_MIXTURE_AND_MEANS,
    ),
    "rings": ComparisonExample(
        "Rings",
        "K-means and the mixture fail: each group that they can describe surrounds a middle, and the two rings have the same "
        "one. Their adjusted Rand index is about 0, although every loss fell and both converged. Single linkage follows "
        "chains of near points, and finds the rings.",
        "rings",
        k=2,
        seed=5,
        panels=_MEANS_MIXTURE_AND_CHAINS,
    ),
    "moons": ComparisonExample(
        "Moons",
        "K-means and the mixture fail again: straight borders and ellipses cannot follow a bend, so each moon loses a tip to "
        "the other. Single linkage does follow it; but see on the page The tree how a few points between the moons would make "
        "one group of both.",
        "moons",
        k=2,
        seed=2,
        panels=_MEANS_MIXTURE_AND_CHAINS,
    ),
}
