"""Navigation between pages: callbacks that set the widgets of another page, and the link that opens it."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.datasets.catalog import SAMPLES, draw_sample
from pages.datasets.data import Data
from pages.methods import available_methods, method
from pages.methods.base import MethodView
from pages.methods.metric import METRIC
from pages.methods.options import Settings
from pages.methods.traits import COMPARE, WATCH
from pages.methods.tree_cut import LINKAGE
from pages.methods.tree_cut import METHOD as TREE_CUT
from pages.ui.data_choice import SOURCES, current
from pages.ui.own_settings import CURRENT_RUN, carry_over
from pages.ui.placing import place_at
from pages.ui.upload import VECTORS
from pages.ui.widgets import SAME, initialization_label, option_key, panel_ending, start_key

REQUEST = "page request"
"""session key: the page to open, and its query parameters"""
PAGES = {
    "watch": ("pages/watch/page.py", "Open on the Watch page", ":material/play_circle:"),
    "compare": ("pages/compare/page.py", "Open on the Compare page", ":material/view_column:"),
    "hierarchy": ("pages/hierarchy/page.py", "Open on the Hierarchical page", ":material/account_tree:"),
    "mixture": ("pages/mixture/page.py", "Open on the Gaussian mixture page", ":material/blur_on:"),
    "data": ("pages/data/page.py", "Open on the Data page", ":material/table_chart:"),
}
"""script, link label and icon of each page that can be requested"""


def open_in_watch(settings: Settings) -> None:
    """Callback: request the Watch page with the method, options, K, initialization and seed of this run."""
    state, texts = _run_state(settings, current())
    carry_over(CURRENT_RUN[0], state)
    _request_page("watch", {})
    st.session_state[REQUEST][1].update(texts)


def open_with_centers(settings: Settings, data: Data, centers: np.ndarray) -> None:
    """Callback: like `open_in_watch`, for a run that is initialized manually with these centers (k, d)."""
    place_at(centers, data, settings)
    open_in_watch(settings)


def open_scene(page: str, state: dict, query_params: dict[str, str]) -> None:
    """Callback: request a page with its widgets set to the values `state`, by key.

    `query_params` contains those of widgets that may not have been drawn yet; Streamlit writes all others itself.
    """
    missing = {key: (text, "") for key, text in query_params.items() if key not in st.session_state}
    carry_over(CURRENT_RUN[0] if page == "watch" else page, state)
    _request_page(page, missing)


def open_own_data(page: str, data: Data, **state) -> None:
    """Callback: use these data on all pages, as the user's own, and request a page with its widgets set to `state`, by key."""
    st.session_state.update({"own": data, VECTORS: data, "source": "own", "input": VECTORS})
    open_scene(page, state, {"source": SOURCES["own"]})


def open_from_tree(settings: Settings, data: Data) -> None:
    """Callback: like `open_in_watch`, for a run that is initialized with the cut of a tree; also sets the tree's options.

    If the method has a metric, it is set to that of the tree.
    """
    open_in_watch(settings)
    metric = {METRIC.name: settings.start.metric}
    state, texts = _options(TREE_CUT, data, metric | {LINKAGE.name: settings.start.linkage})
    own_state, own_texts = _options(method(settings.method), data, metric)
    carry_over(CURRENT_RUN[0], state | own_state)
    st.session_state[REQUEST][1].update(texts | own_texts)


def open_in_comparison(settings: Settings, data: Data) -> None:
    """Callback: request the Compare page with this run in the first panel and another method in the second."""
    first, second = panel_ending(data, 1), panel_ending(data, 2)
    other = next(view for name, view in available_methods(COMPARE, data).items() if name != settings.method)
    panels = {f"algorithm{first}": settings.method, f"algorithm{second}": other.name}
    shared = {f"k{first}": None, f"k{second}": None, start_key(other, second): SAME}
    state, texts = _options(method(settings.method), data, dict(settings.options), first)
    counts = {}
    if settings.k is not None:
        state["k"] = settings.k
        counts["k"] = str(settings.k), "3"
    carry_over("compare", {"panels": 2} | panels | shared | state)
    _request_page("compare", counts | {key: (method(name).title, "") for key, name in panels.items()})
    st.session_state[REQUEST][1].update(texts)


def open_sample_in_watch(sample: str, n: int, seed: int, settings: Settings) -> None:
    """Callback: request the Watch page with this run of a simulated data set; the sample has its default settings."""
    state, texts = _sample_state(sample, n, seed, {})
    run_state, run_texts = _run_state(settings, draw_sample(sample, n, seed, {}))
    open_scene("watch", state | run_state, texts | run_texts)


def open_sample_in_comparison(sample: str, n: int, seed: int, values: dict, k: int, names: Sequence[str]) -> None:
    """Callback: request the Compare page with these methods and their default options, for a simulated data set.

    `values` contains the settings of the sample that differ from its defaults.
    """
    state, texts = _sample_state(sample, n, seed, values)
    data = draw_sample(sample, n, seed, values)
    state |= {"panels": len(names), "k": k}
    texts |= {"panels": str(len(names)), "k": str(k)}
    for i, name in enumerate(names, 1):
        view, ending = method(name), panel_ending(data, i)
        options, option_texts = _options(view, data, dict(view.settings(k, data=data).options), ending)
        state |= {f"algorithm{ending}": name, f"k{ending}": None} | options
        texts |= {f"algorithm{ending}": view.title} | option_texts
        if view.initializations:
            state[start_key(view, ending)] = SAME
    open_scene("compare", state, texts)


def _run_state(settings: Settings, data: Data) -> tuple[dict, dict[str, str]]:
    """Widget values of a run on the Watch page, by key, and the query parameters of those that are not defaults.

    The parameters are those that the page writes: each change of the address would add an entry to the browser history.
    """
    view = method(settings.method)
    chosen = {
        "algorithm": (view.name, view.title, next(iter(available_methods(WATCH)))),
        "seed": (int(settings.seed), str(settings.seed), 1),
    }
    if settings.k is not None:
        chosen["k"] = settings.k, str(settings.k), 3
    if name := settings.start.initialization:
        chosen[start_key(view)] = name, initialization_label(name), view.initializations[0].name
    options, option_texts = _options(view, data, dict(settings.options))
    state = {key: value for key, (value, _, _) in chosen.items()}
    return state | options, {key: text for key, (value, text, default) in chosen.items() if value != default} | option_texts


def _sample_state(sample: str, n: int, seed: int, values: dict) -> tuple[dict, dict[str, str]]:
    """Widget values that select a simulated data set, by key, and the query parameters of those that are not defaults.

    `values` contains the settings of the sample that differ from its defaults.
    """
    settings = {f"{sample}_{one.name}": values.get(one.name, SAMPLES[sample].default(one)) for one in SAMPLES[sample].settings}
    state = {"source": "sample", "sample": sample, "n": n, "data_seed": seed} | settings
    texts = {"sample": SAMPLES[sample].title, "n": f"{n:,}"} | ({"data_seed": str(seed)} if seed else {})
    return state, texts | {f"{sample}_{name}": f"{value:g}" for name, value in values.items()}


def _options(view: MethodView, data: Data, values: dict, ending: str = "") -> tuple[dict, dict[str, str]]:
    """Return the widget values of options, by key, and the query parameters of those that differ from the default.

    `values` contains the values by name of the option; those of options that the method does not have are ignored.
    """
    state, texts = {}, {}
    for option in view.options:
        if option.name not in values:
            continue
        key, value = option_key(view, option, data, ending), values[option.name]
        state[key] = value
        if not option.depends_on(data) and value != option.default_value(data, values):
            texts[key] = option.label_of(value)
    return state, texts


def _request_page(page: str, texts: dict[str, tuple[str, str]]) -> None:
    """Let `open_requested_page` open this page.

    `texts` maps each query parameter to its text and the text of its default; defaults are omitted.
    """
    st.session_state[REQUEST] = page, {key: text for key, (text, default) in texts.items() if text != default}
    st.session_state["opened"] = st.session_state.get("opened", 0) + 1


def open_requested_page() -> None:
    """Open the page that a callback of this module requested, if any. Call it on pages with such callbacks.

    This clicks a link, because `st.switch_page` raises an error if widgets of this page are bound to query parameters.
    """
    request = st.session_state.pop(REQUEST, None)
    if request is None:
        return
    page, texts = request
    script, label, icon = PAGES[page]
    with st.container(key="opening"):
        st.page_link(script, label=label, icon=icon, query_params=texts)
    st.html(
        """<script>{
        const search = setInterval(() => {
            const link = document.querySelector(".st-key-opening a");
            if (!link) return;
            clearInterval(search);
            link.click();
        }, 30);
        setTimeout(() => clearInterval(search), 5000);
        }</script>""",
        unsafe_allow_javascript=True,
    )
    st.stop()
