"""Input widgets shared by several pages. Each function shows widgets and returns their values as an immutable object."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, pluralize
from pages.datasets.limits import MAX_CLUSTERS, MAX_K_RANGE, MAX_PANELS, MAX_RESTARTS_PER_K, RUNS_RANGE
from pages.methods import available_methods, initializations, method
from pages.methods.base import MethodView
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE, ManualStart, Start, TreeStart, start_named
from pages.methods.traits import CHOOSE_K, COMPARE, RESTARTS, WATCH
from pages.methods.tree_cut import METHOD as TREE_CUT
from pages.runs.cache import RecentCache
from pages.runs.random_starts import BEST_OF
from pages.runs.run import Run

SAME = "same"
"""option of the initialization of a run in a comparison: use the shared initialization"""
SAME_LABEL = "Shared"
IN_LINK = dict(bind="query-params")
"""widget arguments: bind the value to a query parameter, so that links contain it and it is kept across pages"""
PERSISTENT = dict(persist_state="session")
"""widget arguments: keep the value across pages, without a query parameter; for uploaded data, which links cannot contain"""
PERSISTENT_IN_LINK = IN_LINK | PERSISTENT
"""both, for widgets that only one page has"""
HIGHEST_SEED = 2**31 - 1


def uses_own_data() -> bool:
    """Whether the current data were uploaded, so that links cannot contain them."""
    return "own" in st.session_state and st.session_state.get("last data") is st.session_state["own"]


def session_cache() -> RecentCache:
    """The cache of this session."""
    return st.session_state.setdefault("recent", RecentCache())


def choose_settings(data: Data) -> Settings:
    """Choose a method and its options, in one row; manual centers are added by `placing.with_placed_centers`."""
    with _row():
        return _choose_rest(_choose_method(available_methods(WATCH), "algorithm"), data, WATCH)


def choose_settings_of(view: MethodView, data: Data, page: str, defaults: dict[str, Any] | None = None) -> Settings:
    """Choose the options of a given method, in one row; for pages about a single method.

    `defaults` override the defaults of options, by name: values, or functions of the values of the options before.
    """
    if st.session_state.get(start_key(view)) == MANUAL.name:  # only the Watch page has a plot to place centers in
        st.session_state[start_key(view)] = view.initializations[0].name
    with _row():
        return _choose_rest(view, data, page, defaults)


def _choose_rest(view: MethodView, data: Data, page: str, defaults: dict[str, Any] | None = None) -> Settings:
    """Choose everything except the method."""
    k = _choose_k() if view.traits.k == "chosen" else None
    names = [initialization.name for initialization in view.initializations if page == WATCH or initialization != MANUAL]
    initialization = _choose_initialization("Initialization", names, start_key(view)) if names else ""
    options = _choose_options(view, data, page, defaults=defaults)
    start = _choose_start(initialization, data)
    seed = _choose_seed() if view.traits.random else 1
    if initialization or view.traits.random:
        _offer_new_start(view, initialization)
    return view.settings(None if k is None else _at_most(k, data), start, seed, data, **options)


def choose_focus(run: Run) -> tuple[int, int]:
    """Choose the point and the cluster that formulas and bar charts refer to; return an index and a rank, both from 0.

    The rank is 0 if the method has no clusters.
    """
    n, k = len(run.data.points), max(run.k, 1)
    # values chosen for a larger data set or K may be out of range
    st.session_state["focus"] = min(st.session_state.get("focus", 1), n)
    st.session_state["focus_cluster"] = min(st.session_state.get("focus_cluster", 1), k)
    by_name = run.data.occurrences is not None
    if by_name:
        names, label = run.data.names_of(slice(None)), run.data.noun.capitalize()
        st.session_state["focus_name"] = names[focused_name(names)]
        point = names.index(st.selectbox(label, names, key="focus_name", width=200, **PERSISTENT))
    else:
        label = run.data.noun.capitalize() if run.data.is_numbered else "Point"
        help = "Position in the prepared data, starting at 1"
        point = int(st.number_input(label, 1, n, key="focus", width=128, help=help, **PERSISTENT)) - 1
    cluster = 0
    if run.view.traits.clusters:
        label = run.view.traits.cluster.capitalize()
        cluster = int(st.number_input(label, 1, k, key="focus_cluster", width=128, **PERSISTENT)) - 1
    if not (by_name or run.data.is_numbered):
        st.caption(escape_markdown(run.data.names_of([point])[0]))
    return point, cluster


def focused_name(names: list[str]) -> int:
    """Position of the chosen name; by default that of a moderately frequent one, as the first names are frequent words."""
    chosen = st.session_state.get("focus_name")
    return names.index(chosen) if chosen in names else len(names) // 4


def choose_starts(data: Data) -> tuple[Settings, list[str], int]:
    """Choose a method, initializations, and the number of runs of each; the settings have the seed of the first run."""
    with _row():
        view = _choose_applicable_method(RESTARTS, data)
        k = _choose_k()
        options = _choose_options(view, data, RESTARTS)
        label = "Runs per initialization" if view.initializations else "Runs"
        runs = int(st.number_input(label, *RUNS_RANGE, 100, 10, key="runs", width=160, **IN_LINK))
        which = "The runs of each initialization" if view.initializations else "The runs"
        seed = _choose_first_seed(f"{which} use this seed and the following ones.")
    chosen = names = [initialization.name for initialization in view.repeatable]
    if view.initializations:
        chosen = st.multiselect(
            "Initialization methods",
            names,
            default=[name for name in ("random", "k-means++", "maxmin") if name in names],
            format_func=initialization_label,
            key=f"ways_{view.name}",
            **IN_LINK,
        )
    return view.settings(_at_most(k, data), None, seed, data, **options), chosen, runs


def choose_sweep(data: Data) -> tuple[Settings, int | None, int]:
    """Choose a method, the largest K, and the number of runs for each K; None and 1 for a method that finds K."""
    max_k, runs = None, 1
    with _row():
        view = _choose_applicable_method(CHOOSE_K, data)
        compared = frozenset() if view.tuned is None else view.tuned.unused | {view.tuned.name}
        options = _choose_options(view, data, CHOOSE_K, without=compared)
        if view.tuned is None:
            max_k = int(st.number_input("Maximum K", *MAX_K_RANGE, 8, key="k_up_to", width=128, **IN_LINK))
            runs = int(st.number_input("Restarts per K", 1, MAX_RESTARTS_PER_K, 10, key="best_of", width=170, **IN_LINK))
        seed = _choose_first_seed(
            "The runs for each K use this seed and the following ones."
            if view.tuned is None
            else "Reference data and subsamples are drawn with this seed."
        )
    return view.settings(3, None, seed, data, **options), max_k, runs


@dataclass(frozen=True)
class Panel:
    """Choices for one run of a comparison."""

    settings: Settings
    shares_start: bool
    """whether it uses the shared initialization"""


PANEL_DEFAULTS = (
    ("kmeans", {}),
    ("mixture", {}),
    ("kmedoids", {"update": "swap"}),
    ("mixture", {"covariance": "spherical"}),
)
"""default method of each run of a comparison, with options that differ from the method's defaults"""
PRECOMPUTED_PANEL_DEFAULTS = (
    ("kmedoids", {}, SAME),
    ("kmedoids", {"update": "swap"}, SAME),
    ("kmedoids", {"update": "steepest swap"}, SAME),
    ("kmedoids", {}, "build"),
)
"""the same for a distance matrix, with the initialization"""


STARTS = {"best": f"Best of {BEST_OF} restarts", "shared": "One shared start"}
"""labels of the random starts of a comparison"""
STARTS_TEXTS = {
    "best": f"Each run is the one with the lowest loss of {BEST_OF} random starts of its own, or of fewer if the data are "
    "large, so that methods are compared, not luck.",
    "shared": "For teaching: all runs start at the same points, so that their steps can be compared. Which of them ends in a "
    "better optimum is a matter of luck.",
}
"""what they are"""


def choose_comparison(data: Data) -> tuple[int, int, int, str, int]:
    """Choose the number of runs, the number of random starts of each, and their shared K, initialization and random seed."""
    with _row():
        panels = st.segmented_control(
            "Runs", range(2, MAX_PANELS + 1), default=2, required=True, key="panels", width=140, **IN_LINK
        )
        k = _choose_k()
        with st.popover(STARTS[st.session_state.get("starts", "best")], help="Random starts and initialization"):
            starts = st.selectbox("Random starts", list(STARTS), format_func=STARTS.get, key="starts", **IN_LINK)
            st.caption(STARTS_TEXTS[starts])
            names = [initialization.name for initialization in SEEDED]
            initialization = _choose_initialization("Shared initialization", names, "start_all", "stretch")
        seed = _choose_seed()
        restarts = BEST_OF if starts == "best" else 1
        st.button(
            "New random start",
            icon=":material/casino:",
            on_click=next_seed,
            args=(restarts,),
            help="Use the next seeds in all runs" if restarts > 1 else "Use the next seed in all runs",
        )
    return panels, restarts, _at_most(k, data), initialization, seed


def choose_panel(data: Data, number: int, k: int, seed: int, narrow: bool) -> Panel:
    """Choose the settings of one run of a comparison; `number` counts from 1. All but the method are in a popover.

    `narrow`: the button of the popover has an icon only.
    """
    ending = panel_ending(data, number)
    default, defaults, initial = (
        (*PANEL_DEFAULTS[number - 1], SAME) if data.precomputed is None else PRECOMPUTED_PANEL_DEFAULTS[number - 1]
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", wrap=False):
        view = _choose_method(available_methods(COMPARE, data), f"algorithm{ending}", default, f"Run {number}", "stretch")
        defaults = defaults if view.name == default else {}
        icon = dict(label="", icon=":material/tune:") if narrow else dict(label="Options")
        with st.popover(**icon, help="Options: K, initialization and more, for this run only"):
            if view.traits.k == "chosen":
                own = st.number_input(
                    "Clusters (K)", 1, MAX_CLUSTERS, None, placeholder=f"same as above ({k})", key=f"k{ending}", **IN_LINK
                )
                k = int(own or k)
            initialization = ""
            if view.initializations:
                names = [SAME, *(initialization.name for initialization in view.initializations if initialization != MANUAL)]
                first = initial if initial in names else SAME
                initialization = _choose_initialization("Initialization", names, start_key(view, ending), "stretch", first)
            options = _choose_options(view, data, COMPARE, ending, defaults, "stretch")
            start = _choose_start(initialization, data, ending, "stretch")
    return Panel(view.settings(min(k, len(data.points)), start, seed, data, **options), initialization == SAME)


def panel_ending(data: Data, number: int) -> str:
    """Suffix of the widget keys of a run; distance matrices have their own, so that choices for points are kept."""
    return f"_{number}" if data.precomputed is None else f"_{number}_given"


def choose_tree(data: Data) -> tuple[dict[str, Any], int]:
    """Choose the options of a hierarchical clustering, and the number of clusters."""
    options = _choose_options(TREE_CUT, data, "hierarchy")
    return options, _at_most(_choose_k(), data)


# Helpers


def _row():
    return st.container(horizontal=True, vertical_alignment="bottom", gap="small")


def _choose_method(
    views: dict[str, MethodView], key: str, default: str | None = None, label: str = "Algorithm", width=175
) -> MethodView:
    names = list(views)
    index = names.index(default) if default in names else 0
    name = st.selectbox(label, names, index, format_func=lambda name: views[name].title, key=key, width=width, **IN_LINK)
    return views[name]


def _choose_applicable_method(page: str, data: Data) -> MethodView:
    """Choose one of the methods that can cluster these data."""
    # distance matrices have their own key, so that the choice for points is kept
    return _choose_method(available_methods(page, data), "algorithm" if data.precomputed is None else "algorithm_given")


def _choose_k() -> int:
    return int(st.number_input("Clusters (K)", 1, MAX_CLUSTERS, 3, key="k", width=128, **IN_LINK))


def _at_most(k: int, data: Data) -> int:
    """Limit K to the number of points, with a warning."""
    n = len(data.points)
    if k > n:
        st.warning(f"Only {pluralize(n, 'point')}, so K is {n}.", icon=":material/info:")
    return min(k, n)


def start_key(view: MethodView, ending: str = "") -> str:
    """Key of the widget for the initialization."""
    return f"start_{view.name}{ending}"


def _choose_initialization(label: str, names: list[str], key: str, width=160, first: str | None = None) -> str:
    index = names.index(first) if first else 0
    return st.selectbox(label, names, index, format_func=initialization_label, key=key, width=width, **IN_LINK)


def initialization_label(name: str) -> str:
    """Label of an initialization in menus."""
    return SAME_LABEL if name == SAME else initializations()[name].label


def _choose_start(initialization: str, data: Data, ending: str = "", width=None) -> Start | None:
    """The start for an initialization, with widgets for its options; None for the shared initialization."""
    if initialization == TREE.name:
        return TreeStart(**_choose_options(TREE_CUT, data, TREE.name, ending, {}, width, suffix=" of the tree"))
    if initialization == MANUAL.name:
        return ManualStart(())
    if initialization == SAME:
        return None
    return start_named(initialization)


def option_key(view: MethodView, option: Option, data: Data, ending: str = "") -> str:
    """Key of the widget of an option; data with different values or defaults of the option have their own keys."""
    key = f"{view.name}_{option.name}{ending}"
    if option.number_for is not None:  # the value in the session follows the default, see `_choose_number`
        return key
    if option.depends_on(data):
        return f"{key} {option.default_value(data)}"
    other_default = option.default_for is not None and option.default_value(data) != option.default
    return f"{key}_given" if other_default and not ending.endswith("_given") else key


def _choose_options(
    view: MethodView,
    data: Data,
    page: str,
    ending: str = "",
    defaults: dict | None = None,
    width=None,
    suffix: str = "",
    without: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Choose the values of a method's options on a page, except for those named in `without`.

    Widget keys end in `ending` and labels in `suffix`. `defaults` are as in `choose_settings_of`.
    """
    shown = [
        option
        for option in view.options
        if (option.pages is None or page in option.pages) and option.applies(data) and option.name not in without
    ]

    values: dict[str, Any] = {}

    def choose(options: list[Option]) -> None:
        for option in options:
            default = (defaults or {}).get(option.name)
            if default is None:
                default = option.default_value(data, values)
            elif callable(default):
                default = default(values)
            values[option.name] = _choose_option(view, option, data, ending, default, width, suffix)

    choose([option for option in shown if not option.advanced])
    advanced = [option for option in shown if option.advanced]
    if advanced:
        with st.popover("More options"):
            choose(advanced)
    return values


def _choose_option(view: MethodView, option: Option, data: Data, ending: str, default, width, suffix: str) -> Any:
    widget = dict(key=option_key(view, option, data, ending), width=width or option.width, help=option.help)
    widget |= PERSISTENT if option.depends_on(data) else IN_LINK
    label = f"{option.label}{suffix}"
    values = option.values(data)
    if not values:
        return _choose_number(option, label, data, default, widget)
    names = list(values)
    return st.selectbox(label, names, names.index(default), format_func=values.get, **widget)


def _choose_number(option: Option, label: str, data: Data, default, widget: dict) -> Any:
    """Choose a number. If its default depends on the data, the value is the new default until the user enters another."""
    kind, step = type(option.default), option.step
    if option.number_for is not None or default != option.default:
        defaults, key = st.session_state.setdefault("defaults", {}), widget["key"]
        if key in st.session_state and st.session_state[key] == defaults.get(key):
            st.session_state[key] = default
        defaults[key] = default
        if kind is float:
            step = _round_step(default / 5)
            widget |= dict(format="%.4g")
    if option.step_for is not None:
        step = _round_step(option.step_for(data))
        widget |= dict(format="%.4g")
    return kind(st.number_input(label, option.low, option.high, default, step, **widget))


def _round_step(size: float) -> float:
    """The largest power of ten up to this size; 1 if it is 0."""
    return float(10.0 ** np.floor(np.log10(size))) if size > 0 else 1.0


def _choose_seed() -> int:
    return int(st.number_input("Random seed", 0, HIGHEST_SEED, 1, key="seed", width=120, **IN_LINK))


def _choose_first_seed(help: str) -> int:
    highest = HIGHEST_SEED - RUNS_RANGE[1]
    return int(st.number_input("First seed", 0, highest, 1, key="first_seed", help=help, width=130, **IN_LINK))


def new_start(settings: Settings) -> tuple[Callable[[], None] | None, str]:
    """Callback that changes to a new random start of a run, and why there is none, a sentence."""
    name, view = settings.start.initialization, method(settings.method)
    why_not = _why_deterministic(view, name)
    if not why_not and not (name or view.traits.random):
        why_not = f"{view.title} has no random start."
    return (None, why_not) if why_not else (next_seed, "")


def _why_deterministic(view: MethodView, initialization: str) -> str:
    """Why the random seed has no effect on a run from this initialization, a sentence; empty if it has one."""
    if view.random_steps or not initialization:
        return ""
    return view.initialization(initialization).why_deterministic


def _offer_new_start(view: MethodView, initialization: str) -> None:
    why_deterministic = _why_deterministic(view, initialization)
    manual = "Use the next seed to place the centers at other random points"
    st.button(
        "New random start",
        icon=":material/casino:",
        on_click=next_seed,
        disabled=bool(why_deterministic),
        help=why_deterministic or (manual if initialization == MANUAL.name else "Use the next seed"),
    )


def next_seed(step: int = 1) -> None:
    """Callback: change to the next random seed, or to one further on."""
    st.session_state["seed"] = (int(st.session_state["seed"]) + step) % 2**31
