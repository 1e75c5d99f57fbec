"""The tree: hierarchical clustering, merge by merge, and its cut."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import streamlit as st

from pages.datasets.formatting import counted, plain, short
from pages.datasets.limits import MOST_CLUSTERS, MOST_ORDERED
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.hierarchy import figures as tree_figures
from pages.hierarchy import picture as tree_picture
from pages.methods.trees import BY_MEANS, Growth, grow
from pages.runs.frames import growing
from pages.runs.run import ALGORITHMS, Run, Settings
from pages.ui.cutting_line import cut_line
from pages.ui.data_choice import current
from pages.ui.errors import show_fault
from pages.ui.failures import tell_failure
from pages.ui.navigation import open_from_tree, open_in_race, opening
from pages.ui.placing import choose_plane
from pages.ui.player import player
from pages.ui.progress import Progress
from pages.ui.results import show_sizes
from pages.ui.widgets import SHARED, choose_tree, recent

CHART = dict(config={"displayModeBar": False})


def cut_at(growth: Growth, height: float) -> None:
    """Sets the number of groups to what a cut at this height leaves, and keeps the height."""
    left = growth.merges + 1 - growth.tree.merges_below(height)
    st.session_state["k"] = min(left, MOST_CLUSTERS)
    st.session_state["height of cut"] = height
    st.session_state["too low"] = (height, left) if left > MOST_CLUSTERS else None


def height_of(growth: Growth, k: int) -> float:
    """The height that was given, if it leaves k groups, else one that does; where none does, that of the next merge."""
    low, high = growth.tree.gap(k)
    given = st.session_state.get("height of cut")
    if given is not None and low <= given < high:
        return given
    top = float(growth.tree.heights.max())
    low, end = max(low, 0.0), min(high, 1.04 * top or 1.0)
    if not low < end:
        return min(low, end) if low < high else float(growth.tree.heights[growth.merges - k])
    middle = low + (end - low) / 2
    rounded = float(f"{middle:.3g}")
    return rounded if low <= rounded < end else middle


def choose_height(growth: Growth, height: float) -> None:
    def changed():
        if st.session_state["height"] is not None:  # an emptied field means the old height
            cut_at(growth, st.session_state["height"])

    st.session_state["height"] = height
    st.number_input(
        "Cut at height",
        0.0,
        None,
        None,
        step=max(float(f"{growth.tree.heights.max() / 50:.1g}"), 1e-12),
        format="%.4g",
        key="height",
        width=150,
        on_change=changed,
        help="Or drag the dashed line in the tree.",
    )


def tell_of_cut(growth: Growth, k: int) -> None:
    """What has to be known about this cut."""
    asked = st.session_state.pop("too low", None)
    if asked is not None:
        st.warning(
            f"A cut at height {short(asked[0])} leaves {asked[1]:,} groups; here are the last {MOST_CLUSTERS}.",
            icon=":material/info:",
        )
    low, high = growth.tree.gap(k)
    if not low < high:
        st.info(
            f"No height leaves exactly {counted(k, 'group')}: merges {'tie' if high == low else 'are inverted'} there. The "
            "cut takes them in the order in which they were made.",
            icon=":material/info:",
        )
    sizes = growth.cut(k).sizes[-1]
    few = max(2, len(growth.data.points) // 100)
    tiny = int((sizes <= few).sum())
    if growth.merging.linkage == "single" and 1 < k <= len(growth.data.points) // 10 and tiny >= k - 1:
        st.info(
            f"{tiny} of the {k} groups have at most {few} points. By single linkage a chain of points between two groups is "
            "enough to join them early, and what is left to the end is single points far from all others.",
            icon=":material/info:",
        )


def draw(run: Run, plane: Plane, ordered: bool, progress: Progress) -> tuple[str, list]:
    """The name of the figures that move, and all four figures."""
    views = tree_picture.views_of(run.growth)
    name = plots.token("tree", run.key, plane.names, ordered)
    at = cut_frame(run)

    def drawn(share):
        progress.show(0.2 + 0.8 * share, "Drawing the pictures.")

    return name, recent().get(
        ("tree figures", name),
        lambda: [
            tree_picture.picture(run, views, at, plane, name, drawn),
            tree_figures.tree(run, views, at, name),
            tree_figures.heights(run, views, at, name),
            tree_figures.proximities(run),
        ],
    )


def cut_frame(run: Run) -> int:
    """The frame in which the groups of the cut are left."""
    return run.growth.states.index(run.growth.merges + 1 - run.settings.k)


def pace(frames: list) -> list[int]:
    """The last merges, those that matter, are given more time."""
    return [2 if to_come > 40 else 4 if to_come > 12 else 14 for to_come in range(len(frames) - 1, 0, -1)]


def show_numbers(run: Run) -> None:
    growth = run.growth
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
                on_click=open_from_tree,
                args=(replace(settings, algorithm=algorithm), run.data),
            )
        st.button("Race it", icon=":material/view_column:", on_click=open_in_race, args=(settings, run.data))


def tell(growth: Growth) -> None:
    """What has to be known about this tree."""
    if growth.note:
        st.info(growth.note, icon=":material/info:")
    if growth.merging.linkage in BY_MEANS and not growth.is_euclidean:
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
            "they were to each other, as in a triangle of equal sides. So a later merge need not be a higher one; a cut by "
            "height makes all merges before the first one above it. The other four linkages never do this.",
            icon=":material/swap_vert:",
        )


st.title("The tree")
opening()
data = current()
failure = st.container()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    merging, k = choose_tree(data)
    place = st.container(width="content")
    ordered = st.toggle(
        "Optimal leaf order",
        key="ordered",
        help=f"Turns the branches so that neighbouring leaves are as near as the tree allows. Up to {MOST_ORDERED} points, "
        "because it takes time that grows with the third power of their number.",
        **SHARED,
    )
with failure:
    tell_failure("tree")
progress = Progress()
try:
    with st.spinner("Merging", show_time=True) if len(data.points) > 2_000 else nullcontext():
        growth = grow(data, merging, recent(), ordered)
except ValueError as fault:
    show_fault(fault)
else:
    k = min(k, growth.merges + 1)
    run = Run(Settings("tree", k, merging=merging), growth.data, growth.cut(k), growth.note)
    height = height_of(growth, k)
    with place:
        choose_height(growth, height)
    st.session_state["height of cut"] = height
    notes = st.container()  # always there, so that what comes below stays what it is
    with notes:
        tell_of_cut(growth, k)
        if ordered and growth.merges >= MOST_ORDERED:
            st.info(
                f"Only up to {MOST_ORDERED} points are put in the optimal order; these are not.",
                icon=":material/info:",
            )
    plane = choose_plane(growth.data)
    name, (picture, tree, heights, proximities) = draw(run, plane, ordered, progress)
    frames = growing(run)
    above = st.columns(2, gap="medium")
    below = st.columns(2, gap="medium")
    with above[0]:
        with st.container(key="picture"):
            st.plotly_chart(picture, key="tree picture", alt=tree_figures.described(run), **plots.SAVED)
        st.caption(
            (
                "The lines are the merges so far"
                if merging.linkage == "single"
                else f"Outlines are the groups that there are, up to the {tree_picture.OUTLINED} largest"
            )
            + "; the black line joins the two that merge now. A point is grey until it has joined another."
            + plots.about_colours(k)
            + f" {plots.about_rings(growth.data)}"
        )
    with above[1]:
        with st.container(key="tree"):
            st.plotly_chart(tree, key="tree tree", alt=tree_figures.described(run), **CHART)
        st.caption(
            "Each arch is a merge, at its height; at the ground there is a leaf for each point. Drag the dashed line to cut: "
            "what hangs below it is a group, with its colour in the strip."
        )
    with below[0]:
        with st.container(key="heights"):
            st.plotly_chart(
                heights,
                key="tree heights",
                alt=f"Height of each merge over the number of groups left, up to {short(growth.tree.heights.max())}.",
                **CHART,
            )
        st.caption("Where the heights climb steeply, groups that are far apart merge: a cut before that leaves them.")
    with below[1]:
        st.plotly_chart(
            proximities,
            key="tree proximities",
            alt="Heat map of the dissimilarities in the order of the leaves: dark blocks are groups that are close.",
            **CHART,
        )
        st.caption("The dissimilarity of each two leaves, in the order of the tree: dark is near. Frames are the groups.")
    with st.container():
        tell(growth)
    cut_line(growth, k, height, MOST_CLUSTERS, "tree", lambda height: cut_at(growth, height))
    with st.container(key="driver"):
        # the same place in another tree of these points, so that linkages can be compared there
        player(
            plots.token("tree", growth.data.key, len(frames)),
            name,
            [frames],
            ["picture"],
            ["tree", "heights"],
            pace=pace(frames),
            rest=cut_frame(run),
        )
    show_numbers(run)
    hand_on(run)
progress.done()
