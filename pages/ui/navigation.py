"""From anywhere to another page, with a certain run in it."""

import streamlit as st

from pages.datasets.data import Data
from pages.methods import method, offered
from pages.methods.base import COMPARE, WATCH, MethodView
from pages.methods.metric import METRIC
from pages.methods.options import Settings
from pages.methods.starts import TREE
from pages.methods.tree_cut import LINKAGE
from pages.methods.tree_cut import METHOD as TREE_CUT
from pages.ui.widgets import SAME, option_key, panel_ending, start_key, way_label

WANTED = "wanted elsewhere"
PAGES = {
    "watch": ("pages/watch/page.py", "To this run in Watch", ":material/play_circle:"),
    "compare": ("pages/compare/page.py", "To the race", ":material/view_column:"),
    "hierarchy": ("pages/hierarchy/page.py", "To the tree", ":material/account_tree:"),
    "mixture": ("pages/mixture/page.py", "To this mixture", ":material/blur_on:"),
}


def open_in_watch(settings: Settings, way: str, seed: int) -> None:
    """For callbacks: sets the widgets of Watch to this run from another start, and `opening` goes there."""
    view = method(settings.method)
    _set_run(view, settings, way, seed)


def open_scene(page: str, state: dict, address: dict[str, str]) -> None:
    """For callbacks: sets these widgets of a page to these values, and `opening` goes there.

    `address` has how the address says those that may not be on the screen yet; of all others Streamlit writes it there.
    """
    lacking = {key: (text, "") for key, text in address.items() if key not in st.session_state}
    st.session_state.update(state)
    _want(page, lacking)


def open_from_tree(settings: Settings, data: Data) -> None:
    """For callbacks: sets the widgets of Watch to a run from the cut of a tree, and its metric to that of the tree."""
    view, start = method(settings.method), settings.start
    _set_run(view, settings, TREE.name, 1)
    values = {LINKAGE.name: start.linkage, METRIC.name: start.metric}
    state, texts = _options(TREE_CUT, data, values)
    if METRIC in view.options:
        own = _options(view, data, {METRIC.name: start.metric})
        state, texts = state | own[0], texts | own[1]
    st.session_state.update(state)
    st.session_state[WANTED][1].update(texts)


def open_in_comparison(settings: Settings, data: Data) -> None:
    """For callbacks: sets the first panel of the comparison to this run, and the second to a method to compare it with."""
    first, second = panel_ending(data, 1), panel_ending(data, 2)
    rival = next(view for name, view in offered(COMPARE, data).items() if name != settings.method)
    panels = {f"algorithm{first}": settings.method, f"algorithm{second}": rival.name}
    own = {f"k{first}": None, f"k{second}": None, start_key(rival, second): SAME}
    state, texts = _options(method(settings.method), data, dict(settings.options), first)
    st.session_state.update({"panels": 2, "k": settings.k} | panels | own | state)
    counts = {"panels": ("2", "3"), "k": (str(settings.k), "3")}
    _want("compare", counts | {key: (method(name).title, "") for key, name in panels.items()})
    st.session_state[WANTED][1].update(texts)


def _set_run(view: MethodView, settings: Settings, way: str, seed: int) -> None:
    key = start_key(view)
    st.session_state.update({"algorithm": view.name, "k": settings.k, key: way, "seed": int(seed)})
    # as Watch will have them in the address, or it would make a step in the browser's history for each
    default = next(iter(offered(WATCH).values()))
    texts = {
        "algorithm": (view.title, default.title),
        "k": (str(settings.k), "3"),
        key: (way_label(way), view.ways[0].label),
        "seed": (str(seed), "1"),
    }
    _want("watch", texts)


def _options(view: MethodView, data: Data, values: dict, ending: str = "") -> tuple[dict, dict[str, str]]:
    """The values of the widgets of these options by key, and those of them that stand in the address."""
    state, texts = {}, {}
    for option in view.options:
        if option.name not in values:
            continue
        key, value = option_key(view, option, data, ending), values[option.name]
        state[key] = value
        if not option.is_bound_to(data) and value != option.first(data):
            texts[key] = option.label_of(value)
    return state, texts


def _want(page: str, texts: dict[str, tuple[str, str]]) -> None:
    """That `opening` goes to this page, with these texts in its address that are not the defaults, which stand second."""
    st.session_state[WANTED] = page, {key: text for key, (text, default) in texts.items() if text != default}
    st.session_state["opened"] = st.session_state.get("opened", 0) + 1


def opening() -> None:
    """Goes to the page that is wanted, if one is. To be called on each page that has something to open there.

    By a click on a link: `st.switch_page` would have to clear the address, and refuses to, because the widgets of this page
    keep their values in it.
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
