"""Example comparisons, each with its data, settings and an explanation."""

from dataclasses import dataclass, field

from pages.datasets.catalog import SAMPLES
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.options import Option
from pages.methods.traits import COMPARE
from pages.ui.widgets import PANEL_DEFAULTS, SAME, start_key


@dataclass(frozen=True)
class ComparisonExample:
    """Several methods on one sample."""

    title: str
    text: str
    """what to look for"""
    sample: str
    k: int = 3
    seed: int = 1
    n: int = 500
    values: dict = field(default_factory=dict)
    """settings of the sample that differ from its defaults"""
    panels: tuple[tuple[str, dict], ...] = (("kmeans", {}), ("kmedoids", {}), ("mixture", {}))
    """method of each panel, and its options that differ from the defaults"""

    @property
    def query_params(self) -> dict[str, str]:
        """Query parameters that choose options and sample settings; see `Example`."""
        query_params = {f"{self.sample}_{name}": f"{value:g}" for name, value in self.values.items()}
        for i, (name, options) in enumerate(self.panels, 1):
            view = method(name)
            for option in _offered(view):
                if option.name in options:
                    query_params[_key(view, option, i)] = option.label_of(options[option.name])
        return query_params

    def state(self) -> dict:
        """Widget values of the example, by widget key."""
        sample = SAMPLES[self.sample]
        state = {"source": "sample", "sample": self.sample, "n": self.n, "data_seed": 0}
        state |= {f"{self.sample}_{s.name}": self.values.get(s.name, sample.default(s)) for s in sample.settings}
        state |= {"panels": len(self.panels), "k": self.k, "start_all": "random", "seed": self.seed, "starts": "best"}
        for i, ((name, options), (default_name, default_options)) in enumerate(
            zip(self.panels, PANEL_DEFAULTS, strict=False), 1
        ):
            view = method(name)
            state |= {f"algorithm_{i}": name, f"k_{i}": None}
            if view.initializations:
                state[start_key(view, f"_{i}")] = SAME
            defaults = default_options if name == default_name else {}
            for option in _offered(view):
                state[_key(view, option, i)] = options.get(option.name, defaults.get(option.name, option.default))
        return state


def _offered(view: MethodView) -> list[Option]:
    """The options that a panel shows for this method."""
    return [option for option in view.options if option.pages is None or COMPARE in option.pages]


def _key(view: MethodView, option: Option, panel: int) -> str:
    """Widget key of an option in a panel (numbered from 1)."""
    return f"{view.name}_{option.name}_{panel}"


_K_MEANS_AND_MIXTURES = (("kmeans", {}), ("mixture", {"covariance": "spherical"}), ("mixture", {}))
_K_MEANS_MIXTURE_SINGLE_LINKAGE = (("kmeans", {}), ("mixture", {}), ("tree", {"linkage": "single"}))
EXAMPLES = {
    "three": ComparisonExample(
        "K-means and EM",
        "Both find the three Gaussians: K-means in 8 iterations, EM in 30, but only EM shows by blended colors which points "
        "may belong to either group.",
        "three",
        panels=(("kmeans", {}), ("mixture", {})),
    ),
    "round": ComparisonExample(
        "Equal round groups",
        "All three methods find the same groups, with nearly identical scores. Compare how fast they converge: K-means needs "
        "only three iterations, because equal round groups are its ideal case.",
        "round",
    ),
    "stretched": ComparisonExample(
        "Stretched groups",
        "K-means and K-medoids cut across the stripes because Euclidean distance ignores direction; only the mixture can tilt "
        "its ellipses. The silhouette prefers the wrong clusters, for the same reason.",
        "stretched",
        seed=8,
    ),
    "sizes": ComparisonExample(
        "Unequal sizes",
        "K-means and K-medoids split the large group in two and merge the two smaller ones, and no other clustering has a "
        "lower loss: the few points of the smaller groups, far from their shared center, cost less than many points at a "
        "moderate distance. The mixture estimates a weight for each component, so a small group can stay small.",
        "sizes",
        values={"ratio": 60.0},
        seed=6,
    ),
    "outliers": ComparisonExample(
        "Outliers",
        "Both methods find the same groups, but outliers pull the means away: K-means squares the distances, so distant "
        "points count heavily. K-medoids does not square them, and its medoids stay in place. Compare the positions of the "
        "centers with the dense regions.",
        "outliers",
        values={"share": 0.1},
        seed=5,
        panels=(("kmeans", {}), ("kmedoids", {})),
    ),
    "overlap": ComparisonExample(
        "Overlap",
        "K-means draws a hard boundary through points that could belong to either group and does not show this uncertainty. "
        "The mixtures show it: look for blended colors between the groups.",
        "overlap",
        seed=3,
        panels=_K_MEANS_AND_MIXTURES,
    ),
    "rings": ComparisonExample(
        "Rings",
        "K-means and the mixture fail: they describe a cluster by its center, and both rings have the same one. Their "
        "adjusted Rand index is about 0, although both converged. Single linkage follows chains of neighboring points and "
        "finds the rings.",
        "rings",
        k=2,
        seed=5,
        panels=_K_MEANS_MIXTURE_SINGLE_LINKAGE,
    ),
    "moons": ComparisonExample(
        "Moons",
        "K-means and the mixture fail: straight boundaries and ellipses cannot follow a curve, so moons lose a part to each "
        "other. Single linkage follows both curves, but a few points between the moons would be enough to merge them.",
        "moons",
        k=2,
        seed=2,
        panels=_K_MEANS_MIXTURE_SINGLE_LINKAGE,
    ),
}
