"""Inputs: each function draws its widgets and returns what they say as one frozen object."""

from dataclasses import dataclass

import streamlit as st

from clustering import LINKAGES
from pages.datasets.data import Data
from pages.datasets.formatting import plain
from pages.datasets.limits import MOST_CLUSTERS, MOST_COUNTED, MOST_PANELS, MOST_RUNS
from pages.methods.trees import WARD, Merging
from pages.runs.run import ALGORITHMS, ALONE, FLOORS, RACERS, STARTS, STARTS_OF, UPDATES, Recent, Run, Settings

SAME = "same"
"""stands for the way of starting that the panels of a race share"""
LABELS = {
    "random": "Random points",
    "alike": "All means alike",
    "tree": "The cut of a tree",
    "hand": "By hand",
    SAME: "The same points as the others",
}
COVARIANCES = {
    "full": "Full: any ellipse",
    "tied": "Tied: one for all",
    "diagonal": "Diagonal: upright",
    "spherical": "Spherical: circles",
}
FLOOR_NAMES = {1e-6: "a millionth", 1e-3: "a thousandth", 1e-2: "a hundredth", 0.0: "none"}
SHARED = dict(bind="query-params")
"""keeps the value across pages, and puts it into the address, so that a link shows the same run"""
KEPT = dict(persist_state="session")
"""keeps the value across pages; for what belongs to an uploaded file, which no link can carry"""


LINKED = SHARED | KEPT
"""both, for what only one page has"""


def is_own() -> bool:
    """Whether the data in use are a person's own, which no link can hold."""
    return "own" in st.session_state and st.session_state.get("last data") is st.session_state["own"]


def recent() -> Recent:
    """What this session made lately."""
    return st.session_state.setdefault("recent", Recent())


def choose_settings(data: Data) -> Settings:
    """The algorithm and its options, in one row on the page."""
    with _row():
        algorithm = _choose_algorithm(ALGORITHMS, "algorithm", "kmeans")
        k = _choose_k()
        start = _choose_start("Start", STARTS_OF[algorithm], f"start_{algorithm}")
        options = _choose_options(data, algorithm)
        if start == "tree":
            options["merging"] = _choose_merging(data)
        seed = _choose_seed()
        _offer_new_start(start)
    return Settings(algorithm=algorithm, k=_at_most(k, data), start=start, seed=seed, **options)


def choose_mixture(data: Data) -> Settings:
    """The options of a mixture, in one row on the page."""
    with _row():
        k = _choose_k()
        ways = tuple(way for way in STARTS_OF["mixture"] if way != "hand")
        if st.session_state.get("start_mixture") == "hand":  # on Watch, where there is a plane to place them in
            st.session_state["start_mixture"] = ways[0]
        start = _choose_start("Start", ways, "start_mixture")
        options = _choose_options(data, "mixture")
        if start == "tree":
            options["merging"] = _choose_merging(data)
        floor = st.selectbox(
            "Least variance",
            FLOORS,
            format_func=FLOOR_NAMES.get,
            key="floor",
            width=190,
            help="Regularisation: no component becomes narrower than this share of the variance of the data. Without a bound "
            "the likelihood of a component that shrinks onto a point has no end.",
            **SHARED,
        )
        seed = _choose_seed()
        _offer_new_start(start)
    return Settings("mixture", _at_most(k, data), start, seed, floor=floor, **options)


def choose_focus(run: Run) -> tuple[int, int]:
    """A point, by its position, and a cluster, by its number from 0, that formulas and bars are about."""
    n, k = len(run.data.points), run.settings.k
    # what was chosen for larger data or another K
    st.session_state["focus"] = min(st.session_state.get("focus", 1), n)
    st.session_state["focus_cluster"] = min(st.session_state.get("focus_cluster", 1), k)
    point = int(st.number_input("Point", 1, n, key="focus", width=128, help="By its position in the data", **KEPT)) - 1
    what = "Component" if run.settings.algorithm == "mixture" else "Cluster"
    cluster = int(st.number_input(what, 1, k, key="focus_cluster", width=128, **KEPT)) - 1
    if run.data.names is not None:
        st.caption(plain(run.data.called([point])[0]))
    return point, cluster


def choose_starts(data: Data) -> tuple[Settings, list[str], int]:
    """A method, the ways of starting it, and how many runs of each; the seed of the settings is that of the first."""
    with _row():
        algorithm = _choose_fitting_algorithm(data)
        k = _choose_k()
        options = _choose_options(data, algorithm)
        runs = int(st.number_input("Runs of each", *MOST_RUNS, 100, 10, key="runs", width=128, **SHARED))
        seed = int(st.number_input("First seed", 0, 2**31 - 1 - MOST_RUNS[1], 1, key="first_seed", width=110, **SHARED))
    ways = st.multiselect(
        "Ways of starting",
        [way for way in STARTS_OF[algorithm] if way not in ALONE],
        default=["random", "k-means++", "maxmin"],
        format_func=start_name,
        key=f"ways_{algorithm}",
        **SHARED,
    )
    return Settings(algorithm=algorithm, k=_at_most(k, data), seed=seed, **options), ways, runs


def choose_counting(data: Data) -> tuple[Settings, int, int]:
    """A method, the largest K to try, and how many runs each K is the best of."""
    with _row():
        algorithm = _choose_fitting_algorithm(data)
        options = _choose_options(data, algorithm)
        most = int(st.number_input("K up to", *MOST_COUNTED, 8, key="k_up_to", width=128, **SHARED))
        starts = int(st.number_input("Best of so many runs", 1, 50, 10, key="best_of", width=170, **SHARED))
        seed = int(st.number_input("First seed", 0, 2**31 - 1 - MOST_RUNS[1], 1, key="first_seed", width=110, **SHARED))
    return Settings(algorithm=algorithm, seed=seed, **options), most, starts


@dataclass(frozen=True)
class Panel:
    """What is chosen for a panel of the race."""

    settings: Settings
    shares_start: bool
    """whether it begins at the same points as the others"""


SHARED_STARTS = ("random", "k-means++", "plain k-means++", "maxmin")
"""ways of starting that find points for any algorithm"""
PANEL_DEFAULTS = (
    ("kmeans", "alternating", "full"),
    ("kmedoids", "swap", "full"),
    ("mixture", "alternating", "full"),
    ("mixture", "alternating", "spherical"),
)
"""algorithm, update and covariance of each panel, until something else is chosen"""
GIVEN_DEFAULTS = (("alternating", SAME), ("swap", SAME), ("steepest swap", SAME), ("alternating", "build"))
"""update and start of each panel if the data are proximities"""


def choose_race(data: Data) -> tuple[int, int, str, int]:
    """Number of panels, and what they share unless they say otherwise: K, the way of starting and the seed."""
    with _row():
        panels = st.segmented_control(
            "Panels", range(2, MOST_PANELS + 1), default=3, required=True, key="panels", width=140, **SHARED
        )
        k = _choose_k()
        start = _choose_start("Start, the same points for all", SHARED_STARTS, "start_all", width=230)
        seed = _choose_seed()
        st.button("New start", icon=":material/casino:", on_click=_next_seed, help="The next seed, for all panels")
    return panels, _at_most(k, data), start, seed


def choose_panel(data: Data, number: int, k: int, seed: int) -> Panel:
    """The algorithm of a panel of the race, counted from one, with all else behind a button beside it."""
    algorithm, update, covariance = PANEL_DEFAULTS[number - 1]
    ending, offered, begin = f"_{number}", RACERS, SAME
    if data.given is not None:  # other keys, so that what is chosen for points is still there when points come back
        ending, offered = f"{ending}_given", {name: RACERS[name] for name in ("kmedoids", "tree")}
        algorithm = "kmedoids"
        update, begin = GIVEN_DEFAULTS[number - 1]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", wrap=False):
        algorithm = _choose_algorithm(offered, f"algorithm{ending}", algorithm, f"Panel {number}", "stretch")
        with st.popover("Options", help="K, start and more, for this panel only"):
            own = st.number_input(
                "K of this panel", 1, MOST_CLUSTERS, None, placeholder=f"{k}, as above", key=f"k{ending}", **SHARED
            )
            start = "tree"
            if algorithm != "tree":
                starts = (SAME, *(start for start in STARTS_OF[algorithm] if start != "hand"))
                start = _choose_start("Start of this panel", starts, f"start_{algorithm}{ending}", "stretch", begin)
            options = _choose_options(data, algorithm, ending, update, covariance, width="stretch")
            if start == "tree":
                options["merging"] = _choose_merging(data, f"_{number}", "stretch")
    return Panel(
        Settings(
            algorithm=algorithm,
            k=min(int(own or k), len(data.points)),
            start="random" if start == SAME else start,
            seed=seed,
            **options,
        ),
        start == SAME,
    )


def _row():
    return st.container(horizontal=True, vertical_alignment="bottom", gap="small")


def _choose_algorithm(offered: dict[str, str], key: str, default: str, label: str = "Algorithm", width=175) -> str:
    names = list(offered)
    return st.selectbox(label, names, names.index(default), format_func=offered.get, key=key, width=width, **SHARED)


def _choose_fitting_algorithm(data: Data) -> str:
    """The algorithm, which can only be K-medoids where the data are proximities."""
    if data.given is None:
        return _choose_algorithm(ALGORITHMS, "algorithm", "kmeans")
    # another key, so that what is chosen for points is still there when points come back
    return _choose_algorithm({"kmedoids": ALGORITHMS["kmedoids"]}, "algorithm_given", "kmedoids")


def _choose_k() -> int:
    return int(st.number_input("K, clusters", 1, MOST_CLUSTERS, 3, key="k", width=128, **SHARED))


def _at_most(k: int, data: Data) -> int:
    """K, or what there are points for, and then it says so."""
    n = len(data.points)
    if k > n:
        st.warning(
            f"There {'is' if n == 1 else 'are'} only {n} point{'s' * (n > 1)}, so K is {n} here.", icon=":material/info:"
        )
    return min(k, n)


def _choose_start(label: str, starts: tuple[str, ...], key: str, width=160, begin: str | None = None) -> str:
    index = starts.index(begin) if begin else 0
    return st.selectbox(label, starts, index, format_func=start_name, key=key, width=width, **SHARED)


def start_name(start: str) -> str:
    """A way of starting, as it is called where it is chosen."""
    return LABELS.get(start, STARTS.get(start))


def metric_key(data: Data, key: str) -> str:
    """The key of a choice of metric: another one for data that have metrics of their own."""
    return f"{key} {data.metrics[0]}" if has_own_metrics(data) else key


def has_own_metrics(data: Data) -> bool:
    """Whether their metrics are not those of all points, so that no address can carry the choice."""
    return data.mixed is not None or data.given is not None


def _choose_metric(data: Data, key: str, width, label: str = "Metric") -> str:
    return st.selectbox(
        label,
        data.metrics,
        format_func=str.capitalize,
        key=key,
        width=width,
        **(KEPT if has_own_metrics(data) else SHARED),
    )


def _choose_options(
    data: Data, algorithm: str, ending: str = "", update: str = "alternating", covariance: str = "full", width=None
) -> dict:
    """The options that only this algorithm has. Their keys end in `ending`; `update` and `covariance` are the defaults."""
    if algorithm == "kmedoids":
        return dict(
            metric=_choose_metric(data, metric_key(data, f"metric{ending}"), width or 170),
            update=st.selectbox(
                "Update",
                list(UPDATES),
                list(UPDATES).index(update),
                format_func=lambda u: UPDATES[u].capitalize(),
                key=f"update{ending}",
                width=width or 260,
                **SHARED,
            ),
        )
    if algorithm == "mixture":
        return dict(
            covariance=st.selectbox(
                "Covariance",
                list(COVARIANCES),
                list(COVARIANCES).index(covariance),
                format_func=COVARIANCES.get,
                key=f"covariance{ending}",
                width=width or 170,
                **SHARED,
            )
        )
    return {}


def choose_tree(data: Data) -> tuple[Merging, int]:
    """How a tree is made, and the number of groups that its cut leaves."""
    merging = _choose_merging(data, metric="Metric")
    return merging, _at_most(_choose_k(), data)


def _choose_merging(data: Data, number: str = "", width=170, metric: str = "Metric of the tree") -> Merging:
    keys = tree_keys(data, number)
    linkage = st.selectbox(
        "Linkage",
        list(LINKAGES),
        LINKAGES.index(default_merging(data).linkage),
        format_func=str.capitalize,
        key=keys[0],
        width=width,
        help="Which two groups are the nearest, and merge: by their nearest points (single), their farthest (complete), all "
        "pairs (average), the growth of the sum of squares (Ward), their means (centroid), or middles of middles (median).",
        **SHARED,
    )
    return Merging(linkage, _choose_metric(data, keys[1], width, metric))


def tree_keys(data: Data, number: str = "") -> tuple[str, str]:
    """The keys of the linkage and of the metric of a tree; `number` is that of the panel in a race."""
    given = "_given" if data.given is not None else ""
    return f"linkage{number}{given}", metric_key(data, f"tree_metric{number}{given}")


def default_merging(data: Data) -> Merging:
    # means are no more than a way of speaking where there are only proximities
    return Merging("average" if data.given is not None else WARD.linkage, data.metrics[0])


def _choose_seed() -> int:
    return int(st.number_input("Seed", 0, 2**31 - 1, 1, key="seed", width=100, **SHARED))


def _offer_new_start(start: str) -> None:
    st.button(
        "New start",
        icon=":material/casino:",
        on_click=_next_seed,
        disabled=start in ("build", "tree", "alike"),
        help={
            "build": "Nothing in BUILD is random: every start is the same.",
            "tree": "Nothing in a tree is random: every start is the same.",
            "alike": "Nothing in this is random: every start is the same.",
            "hand": "The next seed: puts the centers on other random points, to be dragged from there.",
        }.get(start, "The next seed"),
    )


def _next_seed() -> None:
    st.session_state["seed"] = (int(st.session_state["seed"]) + 1) % 2**31
