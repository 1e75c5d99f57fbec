"""Opens another page with its widgets set to a given run."""

import streamlit as st

from pages.datasets.data import Data
from pages.methods import available_methods, method
from pages.methods.base import MethodView
from pages.methods.metric import METRIC
from pages.methods.options import Settings
from pages.methods.traits import COMPARE, WATCH
from pages.methods.tree_cut import LINKAGE
from pages.methods.tree_cut import METHOD as TREE_CUT
from pages.ui.widgets import SAME, initialization_label, option_key, panel_ending, start_key

WANTED = "wanted elsewhere"
PAGES = {
    "watch": ("pages/watch/page.py", "To this run in Watch", ":material/play_circle:"),
    "compare": ("pages/compare/page.py", "To the race", ":material/view_column:"),
    "hierarchy": ("pages/hierarchy/page.py", "To the tree", ":material/account_tree:"),
    "mixture": ("pages/mixture/page.py", "To this mixture", ":material/blur_on:"),
}


def open_in_watch(settings: Settings) -> None:
    """For callbacks: sets the widgets of Watch to the method, K, start and seed of this run, and `open_requested_page` goes there."""
    view, initialization = method(settings.method), settings.start.initialization
    state = {"algorithm": view.name, "seed": int(settings.seed)}
    # as Watch will have them in the address, or it would make a step in the browser's history for each
    default = next(iter(available_methods(WATCH).values()))
    texts = {"algorithm": (view.title, default.title), "seed": (str(settings.seed), "1")}
    if settings.k is not None:
        state["k"] = settings.k
        texts["k"] = str(settings.k), "3"
    if initialization:
        state[start_key(view)] = initialization
        texts[start_key(view)] = initialization_label(initialization), view.initializations[0].label
    st.session_state.update(state)
    _want("watch", texts)


def open_scene(page: str, state: dict, address: dict[str, str]) -> None:
    """For callbacks: sets these widgets of a page to these values, and `open_requested_page` goes there.

    `address` has the query parameters of widgets that may not be drawn yet; those of all others Streamlit writes.
    """
    lacking = {key: (text, "") for key, text in address.items() if key not in st.session_state}
    st.session_state.update(state)
    _want(page, lacking)


def open_from_tree(settings: Settings, data: Data) -> None:
    """For callbacks: as `open_in_watch`, for a run from the cut of a tree, with the options of that tree.

    A method that has a metric gets that of the tree.
    """
    open_in_watch(settings)
    metric = {METRIC.name: settings.start.metric}
    state, texts = _options(TREE_CUT, data, metric | {LINKAGE.name: settings.start.linkage})
    own_state, own_texts = _options(method(settings.method), data, metric)
    st.session_state.update(state | own_state)
    st.session_state[WANTED][1].update(texts | own_texts)


def open_in_comparison(settings: Settings, data: Data) -> None:
    """For callbacks: sets the first panel of the comparison to this run, and the second to a method to compare it with."""
    first, second = panel_ending(data, 1), panel_ending(data, 2)
    rival = next(view for name, view in available_methods(COMPARE, data).items() if name != settings.method)
    panels = {f"algorithm{first}": settings.method, f"algorithm{second}": rival.name}
    own = {f"k{first}": None, f"k{second}": None, start_key(rival, second): SAME}
    state, texts = _options(method(settings.method), data, dict(settings.options), first)
    counts = {"panels": ("2", "3")}
    if settings.k is not None:
        state["k"] = settings.k
        counts["k"] = str(settings.k), "3"
    st.session_state.update({"panels": 2} | panels | own | state)
    _want("compare", counts | {key: (method(name).title, "") for key, name in panels.items()})
    st.session_state[WANTED][1].update(texts)


def _options(view: MethodView, data: Data, values: dict, ending: str = "") -> tuple[dict, dict[str, str]]:
    """The values of the widgets of these options, by key, and the query parameters of those that are not defaults.

    Values of options that the method does not have are ignored.
    """
    state, texts = {}, {}
    for option in view.options:
        if option.name not in values:
            continue
        key, value = option_key(view, option, data, ending), values[option.name]
        state[key] = value
        if not option.depends_on(data) and value != option.default_value(data):
            texts[key] = option.label_of(value)
    return state, texts


def _want(page: str, texts: dict[str, tuple[str, str]]) -> None:
    """Makes `open_requested_page` go to this page. `texts` has for each query parameter its text and that of the default, left out."""
    st.session_state[WANTED] = page, {key: text for key, (text, default) in texts.items() if text != default}
    st.session_state["opened"] = st.session_state.get("opened", 0) + 1


def open_requested_page() -> None:
    """Goes to the page that a callback of this module asked for, if one did. Must be called on pages with such callbacks.

    It clicks a link: `st.switch_page` would have to clear the address, and refuses to, because the widgets of this page keep
    their values in it.
    """
    wanted = st.session_state.pop(WANTED, None)
    if wanted is None:
        return
    page, texts = wanted
    script, label, icon = PAGES[page]
    with st.container(key="opening"):
        st.page_link(script, label=label, icon=icon, query_params=texts)
    st.html(
        """<script>{
        const looking = setInterval(() => {
            const link = document.querySelector(".st-key-opening a");
            if (!link) return;
            clearInterval(looking);
            link.click();
        }, 30);
        setTimeout(() => clearInterval(looking), 5000);
        }</script>""",
        unsafe_allow_javascript=True,
    )
    st.stop()
