"""The tree: hierarchical clustering, merge by merge, and its cut."""

import numpy as np
import streamlit as st

from pages.shared import figures, tree_figures
from pages.shared.choosing import current
from pages.shared.cutting import cut_line
from pages.shared.faults import show_fault
from pages.shared.opening import open_in_race, open_in_watch, opening
from pages.shared.placing import choose_plane
from pages.shared.player import player
from pages.shared.progress import Progress
from pages.shared.results import show_sizes
from pages.shared.runs import ALGORITHMS, Run, Settings
from pages.shared.storyboard import growing
from pages.shared.trees import MOST_ORDERED, Growth, grow
from pages.shared.widgets import MOST_CLUSTERS, choose_tree, recent
from pages.shared.wording import counted, number, plain

CHART = dict(config={"displayModeBar": False})


def choose_height(growth: Growth, k: int, place) -> float:
    """The height of the cut. One that is given leaves so many groups; a number of groups has a height of its own."""

    def cut(height: float) -> None:
        left = growth.merges + 1 - growth.tree.merges_below(height)
        st.session_state["k"] = min(left, MOST_CLUSTERS)
        if left > MOST_CLUSTERS:
            st.session_state["too low"] = height, left
        st.session_state["height of cut"] = height

    low, high = growth.tree.gap(k)
    low, high = max(low, 0.0), min(high, 1.04 * growth.height(growth.merges))
    height = st.session_state.get("height of cut", -1.0)
    if not low <= height < high:  # of another cut
        height = low + (high - low) / 2 if high > low else high
        height = next((rounded for rounded in (float(f"{height:.3g}"),) if low <= rounded < high), height)
    st.session_state["height of cut"] = st.session_state["height"] = height
    with place:
        st.number_input(
            "Cut at height",
            0.0,
            None,
            step=max((high - low) / 4, 1e-12) if high > low else None,
            format="%.4g",
            key="height",
            width=150,
            on_change=lambda: cut(st.session_state["height"]),
            help="Or drag the dashed line in the tree.",
        )
    asked, left = st.session_state.pop("too low", (None, 0))
    if asked is not None:
        st.warning(
            f"A cut at height {number(asked)} leaves {left:,} groups; here are the last {MOST_CLUSTERS}.",
            icon=":material/info:",
        )
    if not high > low:
        st.info(
            f"No height leaves exactly {counted(k, 'group')}: merges {'tie' if high == low else 'are inverted'} there. The "
            "cut takes them in the order in which they were made.",
            icon=":material/info:",
        )
    cut_line(growth, k, height, MOST_CLUSTERS, "tree", st.session_state["tree figures"], cut)
    return height


def draw(run: Run, plane, progress: Progress):
    """The four figures, whose name is kept for what lies over one of them."""
    views = tree_figures.views_of(run.history.prepared)
    name = figures.token("tree", run.key, len(views), plane.names, run.history.prepared.tree.order[:50].tolist())
    st.session_state["tree figures"] = name

    def drawn(share):
        progress.show(0.2 + 0.8 * share, "Drawing the pictures.")

    return recent().get(
        ("tree figures", name),
        lambda: (
            tree_figures.picture(run, views, plane, name, drawn),
            tree_figures.tree(run, views, name),
            tree_figures.heights(run, views, name),
            tree_figures.proximities(run),
        ),
    )


def pace(frames: list) -> list[int]:
    """The last merges, those that matter, are given more time."""
    return [2 if to_come > 40 else 4 if to_come > 12 else 14 for to_come in range(len(frames) - 1, 0, -1)]


def show_numbers(run: Run) -> None:
    growth = run.history.prepared
    with st.container(horizontal=True):
        st.metric(
            "Cophenetic correlation",
            "none" if np.isnan(growth.tree.cophenetic) else f"{growth.tree.cophenetic:.3f}".replace("-", "−"),
            help="How well the heights at which points come together agree with their dissimilarities: 1 is perfectly. It "
            "compares linkages on the same data, and is no measure of how good a cut is.",
            width="content",
        )
        st.metric("Groups", run.settings.k, width="content")
        if run.agreement is not None:
            st.metric(
                "Adjusted Rand index",
                f"{run.agreement:.3f}".replace("-", "−"),
                help=plain(f"Agreement of the cut with the known groups ({run.data.label_name}): 1 is the same, 0 is chance."),
                width="content",
            )
    show_sizes(run)


def hand_on(run: Run) -> None:
    """The cut as a start of other methods, or beside them."""
    st.markdown("**Go on with this cut**")
    settings = run.settings
    with st.container(horizontal=True):
        for algorithm, name in ALGORITHMS.items():
            if run.data.given is not None and algorithm != "kmedoids":
                continue
            st.button(
                f"Start {name if name.startswith('K') else 'a mixture'} from it",
                icon=":material/play_circle:",
                on_click=open_in_watch,
                args=(Settings(algorithm, settings.k, merging=settings.merging), "tree", 1),
            )
        st.button("Race it", icon=":material/view_column:", on_click=open_in_race, args=(settings, run.data))


def tell(growth: Growth) -> None:
    """What has to be known about this tree."""
    if growth.note:
        st.info(growth.note, icon=":material/info:")
    by_means = growth.merging.linkage in ("ward", "centroid", "median")
    if by_means and (growth.data.given is not None or growth.merging.metric != "euclidean"):
        st.info(
            f"{growth.merging.linkage.capitalize()} linkage works with means, so it takes these proximities for Euclidean "
            "distances. If they are not, choose single, complete or average linkage.",
            icon=":material/info:",
        )
    inversions = len(growth.tree.inversions)
    if inversions:
        st.warning(
            f"{counted(inversions, 'inversion')}, ringed in the tree: a merge lower than one of those that it joins. The "
            f"{'mean' if growth.merging.linkage == 'centroid' else 'middle'} of two groups can be nearer to a third one than "
            "they were to each other, as in a triangle of equal sides. Then heights do not say how far groups are apart; a "
            "cut makes all merges before the first one above it. The other four linkages never do this.",
            icon=":material/swap_vert:",
        )


st.title("The tree")
opening()
data = current()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="tree_options"):
    merging, k = choose_tree(data)
    place = st.container(width="content")
    ordered = st.toggle(
        "Optimal leaf order",
        key="ordered",
        persist_state="session",
        help=f"Turns the branches so that neighbouring leaves are as near as the tree allows. Up to {MOST_ORDERED} points, "
        "because it takes time that grows with the third power of their number.",
    )
progress = Progress()
try:
    progress.show(0.1, "Merging.")
    growth = grow(data, merging, recent(), ordered)
except ValueError as fault:
    show_fault(fault)
else:
    k = min(k, growth.merges + 1)
    run = Run(Settings("tree", k, merging=merging), growth.data, growth.cut(k), growth.note)
    tell(growth)
    if ordered and growth.merges >= MOST_ORDERED:
        st.info(
            f"Only up to {MOST_ORDERED} points are put in the optimal order; these are not.",
            icon=":material/info:",
        )
    plane = choose_plane(growth.data)
    picture, tree, heights, proximities = draw(run, plane, progress)
    choose_height(growth, k, place)
    frames = growing(run)
    with st.container(key="stage"):
        left, right = st.columns(2, gap="medium")
    with left:
        with st.container(key="picture"):
            st.plotly_chart(picture, key="tree picture", alt=tree_figures.described(run), **CHART)
        with st.container(key="heights"):
            st.plotly_chart(
                heights,
                key="tree heights",
                alt=f"Height of each merge over the number of groups left, up to {number(growth.height(growth.merges))}.",
                **CHART,
            )
    with right:
        with st.container(key="tree"):
            st.plotly_chart(tree, key="tree tree", alt=tree_figures.described(run), **CHART)
        st.plotly_chart(
            proximities,
            key="tree proximities",
            alt="Heat map of the dissimilarities in the order of the leaves: dark blocks are groups that are close.",
            **CHART,
        )
    with st.container(key="driver"):
        name = figures.token("tree", growth.data.key, merging, ordered)
        player(name, st.session_state["tree figures"], [frames], ["picture"], ["tree", "heights"], pace=pace(frames))
    show_numbers(run)
    hand_on(run)
progress.done()
