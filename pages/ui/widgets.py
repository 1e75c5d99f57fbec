"""Inputs: each function draws its widgets and returns what they say as one frozen object."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import plain
from pages.datasets.limits import MOST_CLUSTERS, MOST_COUNTED, MOST_PANELS, MOST_RUNS
from pages.methods import available_methods, initializations
from pages.methods.base import MethodView
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE, ManualStart, NamedStart, NoStart, Start, TreeStart
from pages.methods.traits import CHOOSE_K, COMPARE, RESTARTS, WATCH
from pages.methods.tree_cut import METHOD as TREE_CUT
from pages.runs.cache import RecentCache
from pages.runs.run import Run

SAME = "same"
"""stands for the start that the panels of a comparison share"""
SAME_LABEL = "Shared"
IN_LINK = dict(bind="query-params")
"""keeps the value across pages, and puts it into the address, so that a link shows the same run"""
PERSISTENT = dict(persist_state="session")
"""keeps the value across pages; for what belongs to an uploaded file, which no link can carry"""
PERSISTENT_IN_LINK = IN_LINK | PERSISTENT
"""both, for what only one page has"""
HIGHEST_SEED = 2**31 - 1


def uses_own_data() -> bool:
    """Whether the data in use are a person's own, which no link can hold."""
    return "own" in st.session_state and st.session_state.get("last data") is st.session_state["own"]


def session_cache() -> RecentCache:
    """What this session made lately."""
    return st.session_state.setdefault("recent", RecentCache())


def choose_settings(data: Data) -> Settings:
    """A method and its options, in one row on the page. Centers that are placed by hand are still to be added."""
    with _row():
        return _choose_rest(_choose_method(available_methods(WATCH), "algorithm"), data, WATCH)


def choose_settings_of(view: MethodView, data: Data, page: str) -> Settings:
    """The options of this method, in one row on a page that is about it alone."""
    if st.session_state.get(start_key(view)) == MANUAL.name:  # only on Watch there is a plane to place centers in
        st.session_state[start_key(view)] = view.initializations[0].name
    with _row():
        return _choose_rest(view, data, page)


def _choose_rest(view: MethodView, data: Data, page: str) -> Settings:
    """Everything but the method."""
    k = _choose_k() if view.traits.groups == "chosen" else None
    names = [initialization.name for initialization in view.initializations if page == WATCH or initialization != MANUAL]
    initialization = _choose_initialization("Start", names, start_key(view)) if names else ""
    options = _choose_options(view, data, page)
    start = _choose_start(initialization, data)
    seed = _choose_seed() if view.traits.random else 1
    if initialization:
        _offer_new_start(initialization)
    return view.settings(None if k is None else _at_most(k, data), start, seed, data, **options)


def choose_focus(run: Run) -> tuple[int, int]:
    """A point, by its position, and a cluster, by its number from 0, that formulas and bars are about."""
    n, k = len(run.data.points), max(run.k, 1)
    # what was chosen for larger data or another K
    st.session_state["focus"] = min(st.session_state.get("focus", 1), n)
    st.session_state["focus_cluster"] = min(st.session_state.get("focus_cluster", 1), k)
    point = int(st.number_input("Point", 1, n, key="focus", width=128, help="By its position in the data", **PERSISTENT)) - 1
    what = run.view.traits.cluster.capitalize()
    cluster = int(st.number_input(what, 1, k, key="focus_cluster", width=128, **PERSISTENT)) - 1
    if run.data.names is not None:
        st.caption(plain(run.data.names_of([point])[0]))
    return point, cluster


def choose_starts(data: Data) -> tuple[Settings, list[str], int]:
    """A method, the initializations, and how many runs of each; the seed of the settings is that of the first."""
    with _row():
        view = _choose_fitting_method(RESTARTS, data)
        k = _choose_k()
        options = _choose_options(view, data, RESTARTS)
        runs = int(st.number_input("Runs of each", *MOST_RUNS, 100, 10, key="runs", width=128, **IN_LINK))
        seed = _choose_first_seed()
    names = [initialization.name for initialization in view.initializations if initialization.repeatable]
    chosen = st.multiselect(
        "Ways of starting",
        names,
        default=[name for name in ("random", "k-means++", "maxmin") if name in names],
        format_func=initialization_label,
        key=f"ways_{view.name}",
        **IN_LINK,
    )
    return view.settings(_at_most(k, data), None, seed, data, **options), chosen, runs


def choose_sweep(data: Data) -> tuple[Settings, int, int]:
    """A method, the largest K to try, and how many runs each K is the best of."""
    with _row():
        view = _choose_fitting_method(CHOOSE_K, data)
        options = _choose_options(view, data, CHOOSE_K)
        most = int(st.number_input("K up to", *MOST_COUNTED, 8, key="k_up_to", width=128, **IN_LINK))
        runs = int(st.number_input("Best of so many runs", 1, 50, 10, key="best_of", width=170, **IN_LINK))
        seed = _choose_first_seed()
    return view.settings(3, None, seed, data, **options), most, runs


@dataclass(frozen=True)
class Panel:
    """What is chosen for a panel of the comparison."""

    settings: Settings
    shares_start: bool
    """whether it begins at the same points as the others"""


PANEL_DEFAULTS = (
    ("kmeans", {}),
    ("kmedoids", {"update": "swap"}),
    ("mixture", {}),
    ("mixture", {"covariance": "spherical"}),
)
"""method of each panel and those of its options that are not its defaults, until something else is chosen"""
GIVEN_DEFAULTS = (
    ("kmedoids", {}, SAME),
    ("kmedoids", {"update": "swap"}, SAME),
    ("kmedoids", {"update": "steepest swap"}, SAME),
    ("kmedoids", {}, "build"),
)
"""the same, and the start, if the data are proximities"""


def choose_comparison(data: Data) -> tuple[int, int, str, int]:
    """Number of panels, and what they share unless they say otherwise: K, the initialization and the seed."""
    with _row():
        panels = st.segmented_control(
            "Panels", range(2, MOST_PANELS + 1), default=3, required=True, key="panels", width=140, **IN_LINK
        )
        k = _choose_k()
        initialization = _choose_initialization(
            "Start, the same points for all", [initialization.name for initialization in SEEDED], "start_all", width=230
        )
        seed = _choose_seed()
        st.button("New start", icon=":material/casino:", on_click=_next_seed, help="The next seed, for all panels")
    return panels, _at_most(k, data), initialization, seed


def choose_panel(data: Data, number: int, k: int, seed: int) -> Panel:
    """The method of a panel of the comparison, counted from one, with all else behind a button beside it."""
    ending = panel_ending(data, number)
    default, defaults, begin = (*PANEL_DEFAULTS[number - 1], SAME) if data.given is None else GIVEN_DEFAULTS[number - 1]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", wrap=False):
        view = _choose_method(available_methods(COMPARE, data), f"algorithm{ending}", default, f"Panel {number}", "stretch")
        defaults = defaults if view.name == default else {}
        with st.popover("Options", help="K, start and more, for this panel only"):
            if view.traits.groups == "chosen":
                own = st.number_input(
                    "K of this panel", 1, MOST_CLUSTERS, None, placeholder=f"{k}, as above", key=f"k{ending}", **IN_LINK
                )
                k = int(own or k)
            initialization = ""
            if view.initializations:
                names = [SAME, *(initialization.name for initialization in view.initializations if initialization != MANUAL)]
                first = begin if begin in names else SAME
                initialization = _choose_initialization(
                    "Start of this panel", names, start_key(view, ending), "stretch", first
                )
            options = _choose_options(view, data, COMPARE, ending, defaults, "stretch")
            start = _choose_start(initialization, data, ending, "stretch")
    return Panel(view.settings(min(k, len(data.points)), start, seed, data, **options), initialization == SAME)


def panel_ending(data: Data, number: int) -> str:
    """How the keys of a panel's widgets end: differently for proximities, so that what is chosen for points stays."""
    return f"_{number}" if data.given is None else f"_{number}_given"


def choose_tree(data: Data) -> tuple[dict[str, Any], int]:
    """The options of a hierarchical tree, and the number of groups that its cut leaves."""
    options = _choose_options(TREE_CUT, data, "hierarchy")
    return options, _at_most(_choose_k(), data)


# The parts.


def _row():
    return st.container(horizontal=True, vertical_alignment="bottom", gap="small")


def _choose_method(
    views: dict[str, MethodView], key: str, default: str | None = None, label: str = "Algorithm", width=175
) -> MethodView:
    names = list(views)
    index = names.index(default) if default in names else 0
    name = st.selectbox(label, names, index, format_func=lambda name: views[name].title, key=key, width=width, **IN_LINK)
    return views[name]


def _choose_fitting_method(page: str, data: Data) -> MethodView:
    """One of the methods that can cluster these data."""
    # another key, so that what is chosen for points is still there when points come back
    return _choose_method(available_methods(page, data), "algorithm" if data.given is None else "algorithm_given")


def _choose_k() -> int:
    return int(st.number_input("K, clusters", 1, MOST_CLUSTERS, 3, key="k", width=128, **IN_LINK))


def _at_most(k: int, data: Data) -> int:
    """K, or what there are points for, and then it says so."""
    n = len(data.points)
    if k > n:
        st.warning(
            f"There {'is' if n == 1 else 'are'} only {n} point{'s' * (n > 1)}, so K is {n} here.", icon=":material/info:"
        )
    return min(k, n)


def start_key(view: MethodView, ending: str = "") -> str:
    """The key of the choice of a start."""
    return f"start_{view.name}{ending}"


def _choose_initialization(label: str, names: list[str], key: str, width=160, first: str | None = None) -> str:
    index = names.index(first) if first else 0
    return st.selectbox(label, names, index, format_func=initialization_label, key=key, width=width, **IN_LINK)


def initialization_label(name: str) -> str:
    """What an initialization is called where it is chosen."""
    return SAME_LABEL if name == SAME else initializations()[name].label


def _choose_start(initialization: str, data: Data, ending: str = "", width=None) -> Start | None:
    """The start by this initialization, with widgets for its own options; None for the default or the shared one."""
    if initialization == TREE.name:
        return TreeStart(**_choose_options(TREE_CUT, data, TREE.name, ending, {}, width, of=" of the tree"))
    if initialization == MANUAL.name:
        return ManualStart(())
    if initialization == SAME:
        return None
    return NamedStart(initialization) if initialization else NoStart()


def option_key(view: MethodView, option: Option, data: Data, ending: str = "") -> str:
    """The key of the widget of an option: another one for data whose values or default differ from those of all points."""
    key = f"{view.name}_{option.name}{ending}"
    if option.depends_on(data):
        return f"{key} {option.default_value(data)}"
    apart = option.default_for is not None and data.given is not None and not ending.endswith("_given")
    return f"{key}_given" if apart else key


def _choose_options(
    view: MethodView, data: Data, page: str, ending: str = "", defaults: dict | None = None, width=None, of: str = ""
) -> dict[str, Any]:
    """The values of the options that the method has on this page, a widget for each. Their keys end in `ending`; `defaults`
    are those that are not the method's own, and labels end in `of`."""
    return {
        option.name: _choose_option(view, option, data, ending, (defaults or {}).get(option.name), width, of)
        for option in view.options
        if option.pages is None or page in option.pages
    }


def _choose_option(view: MethodView, option: Option, data: Data, ending: str, default, width, of: str) -> Any:
    default = option.default_value(data) if default is None else default
    look = dict(key=option_key(view, option, data, ending), width=width or option.width, help=option.help)
    look |= PERSISTENT if option.depends_on(data) else IN_LINK
    label = f"{option.label}{of}"
    values = option.values(data)
    if not values:
        kind = type(option.default)
        return kind(st.number_input(label, option.low, option.high, default, option.step, **look))
    names = list(values)
    return st.selectbox(label, names, names.index(default), format_func=values.get, **look)


def _choose_seed() -> int:
    return int(st.number_input("Seed", 0, HIGHEST_SEED, 1, key="seed", width=100, **IN_LINK))


def _choose_first_seed() -> int:
    return int(st.number_input("First seed", 0, HIGHEST_SEED - MOST_RUNS[1], 1, key="first_seed", width=110, **IN_LINK))


def _offer_new_start(initialization: str) -> None:
    same = initializations()[initialization].why_deterministic
    by_hand = "The next seed: puts the centers on other random points, to be dragged from there."
    st.button(
        "New start",
        icon=":material/casino:",
        on_click=_next_seed,
        disabled=bool(same),
        help=same or (by_hand if initialization == MANUAL.name else "The next seed"),
    )


def _next_seed() -> None:
    st.session_state["seed"] = (int(st.session_state["seed"]) + 1) % 2**31
