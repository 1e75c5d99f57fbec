"""From anywhere to Watch or to the race, with a certain run in it."""

import streamlit as st

from pages.datasets.data import Data
from pages.methods.trees import Merging
from pages.runs.run import ALGORITHMS, RACERS, STARTS_OF, Settings
from pages.ui.widgets import SAME, default_merging, has_own_metrics, metric_key, start_name, tree_keys

WANTED = "wanted elsewhere"
WATCH = ("pages/watch/page.py", "To this run in Watch", ":material/play_circle:")
RACE = ("pages/compare/page.py", "To the race", ":material/view_column:")
TREE = ("pages/hierarchy/page.py", "To the tree", ":material/account_tree:")
MIXTURE = ("pages/mixture/page.py", "To this mixture", ":material/blur_on:")
PAGES = dict(watch=WATCH, race=RACE, tree=TREE, mixture=MIXTURE)


def open_in_watch(settings: Settings, start: str, seed: int) -> None:
    """For callbacks: sets the widgets of Watch to this run, and `opening` goes there."""
    algorithm = settings.algorithm
    st.session_state.update({"algorithm": algorithm, "k": settings.k, f"start_{algorithm}": start, "seed": int(seed)})
    # as Watch will have them in the address, or it would make a step in the browser's history for each
    first = STARTS_OF[algorithm][0]
    texts = {
        "algorithm": (ALGORITHMS[algorithm], ALGORITHMS["kmeans"]),
        "k": (str(settings.k), "3"),
        f"start_{algorithm}": (start_name(start), start_name(first)),
        "seed": (str(seed), "1"),
    }
    _want(WATCH, texts)


def open_scene(page: str, state: dict, address: dict[str, str]) -> None:
    """For callbacks: sets these widgets of a page to these values, and `opening` goes there.

    `address` has how the address says those that may not be on the screen yet; of all others Streamlit writes it there.
    """
    lacking = {key: (text, "") for key, text in address.items() if key not in st.session_state}
    st.session_state.update(state)
    _want(PAGES[page], lacking)


def open_from_tree(settings: Settings, data: Data) -> None:
    """For callbacks: the same for a run that starts at the cut of a tree, by the metric of that tree where it has one."""
    open_in_watch(settings, "tree", 1)
    texts = st.session_state[WANTED][1]
    state = _state_of_tree(settings.merging, data)
    if settings.algorithm == "kmedoids":
        metric = settings.merging.metric
        state[metric_key(data, "metric")] = metric
        texts |= {} if has_own_metrics(data) or metric == data.metrics[0] else {"metric": metric.capitalize()}
    st.session_state.update(state)
    texts |= _texts_of_tree(settings.merging, data)


def open_in_race(settings: Settings, data: Data) -> None:
    """For callbacks: sets the first panel of the race to this cut of a tree, and the second to a method to compare it with."""
    ending = "_given" if data.given is not None else ""
    rival = "kmedoids" if ending else "kmeans"
    panels = {f"algorithm_1{ending}": "tree", f"algorithm_2{ending}": rival}
    own = {f"k_1{ending}": None, f"k_2{ending}": None, f"start_{rival}_2{ending}": SAME}
    tree = _state_of_tree(settings.merging, data, "_1")
    st.session_state.update({"panels": 2, "k": settings.k} | panels | own | tree)
    texts = {"panels": ("2", "3"), "k": (str(settings.k), "3")}
    texts |= {key: (RACERS[name], "") for key, name in panels.items()}
    _want(RACE, texts)
    st.session_state[WANTED][1].update(_texts_of_tree(settings.merging, data, "_1"))


def _state_of_tree(merging: Merging, data: Data, number: str = "") -> dict[str, str]:
    """The values of the widgets of a tree."""
    return dict(zip(tree_keys(data, number), (merging.linkage, merging.metric), strict=True))


def _texts_of_tree(merging: Merging, data: Data, number: str = "") -> dict[str, str]:
    """Those of these values that stand in the address."""
    (linkage, metric), default = tree_keys(data, number), default_merging(data)
    texts = {linkage: merging.linkage.capitalize()} if merging.linkage != default.linkage else {}
    if not has_own_metrics(data) and merging.metric != default.metric:
        texts[metric] = merging.metric.capitalize()
    return texts


def _want(page: tuple[str, str, str], texts: dict[str, tuple[str, str]]) -> None:
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
    (script, label, icon), texts = wanted
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
