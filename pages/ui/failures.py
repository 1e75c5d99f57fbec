"""What goes wrong, and what helps: each failure sets data and method with one click, and so does its remedy."""

from dataclasses import dataclass, replace

import streamlit as st

from pages.datasets import cleaning
from pages.datasets.catalog import SAMPLES, TABLES, draw_sample
from pages.datasets.data import Data
from pages.methods import method
from pages.methods.options import Settings
from pages.ui.data_choice import SOURCES, START_SIZE, bundled
from pages.ui.navigation import open_scene
from pages.ui.widgets import start_key

PAGES = {
    "watch": {"algorithm": "kmeans", "k": 3, "start_kmeans": "random", "seed": 1},
    "mixture": {"k": 3, "start_mixture": "random", "mixture_covariance": "full", "mixture_floor": 1e-6, "seed": 1},
    "hierarchy": {"tree_linkage": "single", "tree_metric": "euclidean", "k": 3},
}
"""pages on which something may go wrong or right, with the values of their widgets that all have who say nothing else"""


def _sample(name: str, n: int = 500, **values) -> dict:
    """The values of the widgets of a sample."""
    state = {"source": "sample", "sample": name, "n": n, "data_seed": 0}
    return state | {f"{name}_{s.name}": values.get(s.name, SAMPLES[name].default(s)) for s in SAMPLES[name].settings}


@dataclass(frozen=True)
class Failure:
    title: str
    text: str
    """what to look at, and why it happens"""
    data: dict
    """values of the widgets of the data set"""
    settings: dict
    """values of the widgets of the page that are not as in PAGES"""
    remedy: str
    """what the button says"""
    change: dict
    """values of the widgets after that"""
    after: str
    """what to look at then"""
    page: str = "watch"
    remedy_page: str | None = None
    """where the remedy is seen, if that is another page"""

    def state(self, remedied: bool = False) -> dict:
        """The value of each widget that the failure, or what its remedy makes of it, consists of, by its key."""
        if remedied and self.remedy_page:
            return PAGES[self.remedy_page] | self.data | self.change
        return PAGES[self.page] | self.data | self.settings | (self.change if remedied else {})

    def address(self) -> dict[str, str]:
        """How the address says what widgets of the data set may not be on the screen yet: Streamlit does not put it there."""
        if self.data["source"] == "real":
            return {"source": SOURCES["real"], "table": TABLES[self.data["table"]].title}
        name = self.data["sample"]
        sample = SAMPLES[name]
        keys = {s: f"{name}_{s.name}" for s in sample.settings}
        texts = {key: str(self.data[key]) for s, key in keys.items() if self.data[key] != sample.default(s)}
        texts |= {"sample": sample.title} if name != next(iter(SAMPLES)) else {}
        return texts | ({"n": f"{self.data['n']:,}"} if self.data["n"] != START_SIZE else {})

    def page_of(self, remedied: bool) -> str:
        return (self.remedy_page or self.page) if remedied else self.page


FAILURES = {
    "optimum": Failure(
        "A local optimum",
        "Nine groups, nine centers, and yet: one group is cut in two, while one center has two groups to itself. Every step "
        "lowered the loss and no step can lower it any more, so K-means ends here; from this start the better places are out "
        "of reach.",
        _sample("grid", side=3),
        {"k": 9, "seed": 6},
        "Start with k-means++",
        {"start_kmeans": "k-means++", "seed": 2},
        "k-means++ starts at points far from each other, so each group has a center from the beginning, and the loss ends "
        "lower. Many starts shows how often each way gets there.",
    ),
    "number": Failure(
        "A wrong K",
        "Five groups, three centers: two clusters swallow two groups each. The loss cannot warn of it: it falls with every "
        "further cluster, needed or not.",
        _sample("round", k=5),
        {"k": 3, "seed": 2},
        "Take five",
        {"k": 5, "start_kmeans": "k-means++", "seed": 1},
        "With five centers each group has its own. How many clusters? compares what six criteria say of every K; here they "
        "agree.",
    ),
    "scales": Failure(
        "Unequal scales",
        "Penguins, measured in millimetres and grams. A gram counts as much as a millimetre, and there are thousands of "
        "grams, so K-means sorts the penguins by their weight alone: see the adjusted Rand index against the species.",
        {"source": "real", "table": "penguins", "scaling": "none"},
        {},
        "Standardize the columns",
        {"scaling": "standardize"},
        "Divided by their standard deviations all four columns have a say, and the clusters are the species, nearly.",
    ),
    "outliers": Failure(
        "Outliers",
        "A far point counts by the square of its distance: it pays to give a center to a handful of strays and to let two "
        "groups share one.",
        _sample("outliers", share=0.1),
        {"k": 3, "seed": 6},
        "Take K-medoids",
        {"algorithm": "kmedoids", "kmedoids_metric": "euclidean", "kmedoids_update": "alternating"}
        | {"start_kmedoids": "random"},
        "K-medoids counts distances, not their squares, and its centers are points of the data, so strays lose their pull: "
        "each group has its medoid.",
    ),
    "rings": Failure(
        "Rings",
        "K-means gives each point to the nearest center, so its clusters are parted by straight lines. No two centers can "
        "part a ring from the one around it; it converges, contented, on two halves.",
        _sample("rings"),
        {"k": 2, "seed": 5},
        "Follow the chains",
        {"k": 2},
        "Single linkage joins what is near to any member of a group, so it follows each ring around. What it cannot do is to "
        "part groups that touch.",
        remedy_page="hierarchy",
    ),
    "empty": Failure(
        "An empty cluster",
        "In the first iterations a center loses its last point to its neighbors. The mean of no points is not a number; here "
        "the cluster takes the point that is farthest from its own center, and says so.",
        _sample("spreads", 100),
        {"k": 5, "seed": 30},
        "Start with k-means++",
        {"start_kmeans": "k-means++", "seed": 1},
        "Starting points that are far from each other seldom come to share a group, so no center is squeezed out.",
    ),
    "collapse": Failure(
        "A component collapses",
        "Without a least variance a component shrinks onto a few points: the narrower it is, the higher its density there, so "
        "the log-likelihood runs away, until the end of double precision, and what it reaches says nothing. Watch the loss "
        "fall off a cliff as an ellipse vanishes.",
        _sample("spreads", 50),
        {"k": 6, "mixture_floor": 0.0, "seed": 1},
        "Set a least variance, and fewer components",
        {"mixture_floor": 1e-2, "k": 3},
        "With a least variance no component can be narrower than a tenth of the spread of the data, so the likelihood has an "
        "end; and with three components none is left over to shrink. The loss is that of a model again, without a notice.",
        page="mixture",
    ),
    "dimensions": Failure(
        "High dimension",
        "Three groups in two columns, and four hundred columns of noise. Each adds a little to every distance, so all points "
        "are about equally far from each other, and which center is nearest is chance: the adjusted Rand index is near 0.",
        _sample("noise", 200),
        {"seed": 1},
        "Leave the noise out",
        {"noise_noise": 0},
        "In the two columns that mean something the groups are plain. More columns are not more knowledge: choose them, on "
        "the page Data.",
    ),
    "alike": Failure(
        "All means alike",
        "All components begin in the same place, so every point is shared equally, and every M step gives all of them the "
        "same mean and covariance again: nothing can ever part them. It converges at once, to one Gaussian three times over.",
        _sample("three"),
        {"start_mixture": "alike"},
        "Start at different points",
        {"start_mixture": "k-means++"},
        "From different points the components part, and find the three groups. EM only ever climbs from where it starts.",
        page="mixture",
    ),
    "many": Failure(
        "Too many components",
        "Eight components for three groups: they share the groups out among themselves, slowly, and some lose their points "
        "one after the other, down to a weight of about a single point. The loss is a little lower than with three, but BIC "
        "is higher: the parameters are not worth it.",
        _sample("three"),
        {"k": 8, "mixture_covariance": "tied", "seed": 13},
        "Take three",
        {"k": 3, "seed": 2},
        "Three components, one for each group; compare the BIC. The page How many clusters? does this for every K.",
        page="mixture",
    ),
}
METHOD_OF_PAGE = {"mixture": "mixture", "hierarchy": "tree"}
"""the method that a page is about, where it is about one"""
GALLERY = ("optimum", "number", "scales", "outliers", "rings", "empty", "collapse", "dimensions")
"""those that are shown together"""


def data_of(state: dict) -> Data:
    """The data set that these values of widgets mean."""
    if state["source"] == "real":
        source = bundled(state["table"])
        return cleaning.prepare(source.table, source.title, replace(source.begin, scaling=state["scaling"]), lambda step: None)
    name = state["sample"]
    values = {s.name: state[f"{name}_{s.name}"] for s in SAMPLES[name].settings}
    return draw_sample(name, state["n"], state["data_seed"], values)


def settings_of(failure: Failure, remedied: bool = False) -> Settings:
    """The run that the failure, or its remedy, sets the widgets of its page to."""
    state = failure.state(remedied)
    view = method(state.get("algorithm") or METHOD_OF_PAGE[failure.page_of(remedied)])
    keys = {option.name: f"{view.name}_{option.name}" for option in view.options}
    options = {name: state[key] for name, key in keys.items() if key in state}
    return view.settings(state["k"], state.get(start_key(view)), state.get("seed", 1), **options)


def _shown(page: str) -> tuple[str | None, bool]:
    """Which failure the widgets of this page are set to, and whether it is remedied."""
    for name, failure in FAILURES.items():
        for remedied in (False, True):
            state = failure.state(remedied)
            if failure.page_of(remedied) == page and all(
                key in st.session_state and st.session_state[key] == value for key, value in state.items()
            ):
                return name, remedied
    return None, False


def choose_failure(page: str) -> None:
    """What can go wrong on this page; then as `tell_failure`."""
    offered = [name for name, failure in FAILURES.items() if failure.page == page]
    name, _ = _shown(page)
    st.session_state["failure"] = name if name in offered else None

    def chosen():
        if chosen := st.session_state["failure"]:
            st.session_state.update(FAILURES[chosen].state())

    st.pills(
        "What goes wrong, to be seen",
        offered,
        format_func=lambda name: FAILURES[name].title,
        key="failure",
        on_change=chosen,
    )
    tell_failure(page)


def tell_failure(page: str) -> None:
    """If one is shown, the sentences that explain it and a button for what helps. For when all widgets are drawn."""
    name, remedied = _shown(page)
    if name is None:
        return
    failure = FAILURES[name]
    state, where = failure.state(not remedied), failure.page_of(not remedied)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(failure.after if remedied else failure.text, icon=":material/visibility:")
        st.button(
            "Show it go wrong again" if remedied else failure.remedy,
            icon=":material/undo:" if remedied else ":material/healing:",
            **(
                dict(on_click=st.session_state.update, args=(state,))
                if where == page
                else dict(on_click=open_scene, args=(where, state, failure.address()))
            ),
        )
