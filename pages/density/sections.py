"""Parts of the Density page: the plots, the lines and branches that cut or choose clusters, the player and the results."""

import numpy as np
import streamlit as st

from clustering import CondensedTree
from pages.datasets.data import Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.planes import Plane
from pages.density import figures
from pages.density.cut import branches_of, clusters_by_radius, core_notes, disjoint, with_branch, with_chosen_branches
from pages.methods import available_methods
from pages.methods.density import RADIUS_RULE, DensityView, knee
from pages.methods.traits import DENSITY
from pages.runs.run import Run
from pages.runs.run_pictures import RunPictures
from pages.ui import run_view
from pages.ui.charts import show_chart
from pages.ui.cutting_line import RadiusLabels, draw_radius_line
from pages.ui.player import Stage
from pages.ui.progress import Progress
from pages.ui.query_parameters import is_opening
from pages.ui.results import show_notices
from pages.ui.widgets import IN_LINK, option_key, session_cache

BRANCHES = "branches"
"""key of the widget for the branches of the tree that are chosen by hand, and query parameter"""
TREE_OF_BRANCHES = "tree of branches"
"""session key: key of the run to which the chosen branches belong"""

NAMES = {"order": "reachability plot", "tree": "tree of the clusters at all radii", "distances": "k-distance plot"}
"""names of the figures of `DensityView.figures`"""


def choose_view(data: Data) -> DensityView:
    """Choose one of the methods of the page that work with these data, or any of them if none does."""
    views = available_methods(DENSITY, data) or available_methods(DENSITY)
    # distance matrices have their own key, so that the choice for points is kept
    key = "density_method" if data.precomputed is None else "density_method_given"
    if key not in st.session_state and key not in st.query_params:
        # a link with options of a method, but without a method
        def is_named(view: DensityView) -> bool:
            return any(option_key(view, option, data) in st.query_params for option in view.options)

        if named := next(filter(is_named, views.values()), None):
            st.session_state[key] = named.name
    name = st.segmented_control(
        "Algorithm",
        list(views),
        format_func=lambda name: views[name].title,
        default=next(iter(views)),
        required=True,
        key=key,
        label_visibility="collapsed",
        **IN_LINK,
    )
    return views[name]


def show_plots(run: Run, plane: Plane, progress: Progress) -> tuple[Run, RunPictures]:
    """Show the plane, and beside it the first figure of the method.

    Returns the run, with the clusters that were chosen by hand if there are any, and its figures.
    """
    notices = st.container()
    left, right = st.columns([4, 3], gap="medium")
    with right:
        beside, below = st.container(), st.container()
    chosen: tuple[int, ...] = ()
    if run.view.figures[0] == "tree":
        with below:
            chosen = _choose_branches(run)
        if chosen:
            automatic = run
            run = session_cache().get(("chosen branches", run.key, chosen), lambda: with_chosen_branches(automatic, chosen))
    with notices:  # above the plots, where a warning about the radius is seen while the line is dragged
        show_notices(run)
    shown = run_view.pictures_of(run, plane, progress, ("density", chosen))
    with left:
        point = run_view.focused_point(run)
        run_view.show_picture(run, shown, "density picture", point=point, plane=plane)
        run_view.watch_points(run)
    with beside:
        _show_figure(run.view.figures[0], run, shown, True)
    _offer_radii(run)
    return run, shown


def _note_on_picture(run: Run, plane: Plane, point: int) -> str:
    """What the plane shows, as sentences."""
    circle = run.k > 0 and run.view.neighborhood(run, point, plane) is not None
    name = run.view.neighborhood_name
    around = f" Circle: {name} of the point that is chosen below; click another one." if circle else ""
    if run.view.outlines(run, len(run.history.states) - 1, plane):
        return f"Lines: links within clusters so far. Gray points: noise, or not reached yet.{around}"
    growing = ""
    if run.view.highlights and circle:
        growing = f" Gray area: within the {name} of the core points from which the cluster grows next."
    return f"Gray points: noise, or not reached yet.{growing}{around}"


def _show_figure(kind: str, run: Run, shown: RunPictures, played: bool) -> None:
    """Show one of the figures that `DensityView.figures` names; `played` is whether it is beside the plane and animated."""
    {"order": _show_order, "tree": _show_tree, "distances": _show_distances}[kind](run, shown, played)


def _exists(kind: str, run: Run) -> bool:
    """Whether there is this figure for the data of a run."""
    return {"order": run.view.reachability, "tree": _tree_of}.get(kind, run.view.core_distances)(run) is not None


def _radius_of(run: Run) -> float:
    """The radius at which clusters are cut; 0 if there is none."""
    return 0.0 if run.view.radius is None else run.settings.option(run.view.radius.name)


def _show_order(run: Run, shown: RunPictures, played: bool) -> None:
    """The reachability plot, with a line that sets the radius."""
    order = run.view.reachability(run)
    frames = shown.frames if played else []
    figure = session_cache().get(
        ("reachability", shown.name), lambda: figures.reachability_plot(run, order, frames, shown.name)
    )
    key = "tree" if played else "order"
    with st.container(key=key):
        alt = f"Reachability plot of {pluralize(len(run.labels), 'point')}: valleys are clusters."
        show_chart(figure, key="density order", alt=alt, height="stretch")
    _draw_radius_line(run, key)


def _rounded(radius: float) -> float:
    """A radius as it is set."""
    return float(f"{radius:.4g}")


def _set_radius(run: Run, radius: float) -> None:
    """Callback: set the radius of the method."""
    st.session_state[option_key(run.view, run.view.radius, run.data)] = _rounded(radius)


def _draw_radius_line(run: Run, chart: str) -> None:
    """The line over a figure whose vertical axis is the radius."""
    found = run.view.cluster_ranges(run)
    radii, counts = ([], []) if found is None else clusters_by_radius(*found)
    cores, radius = run.view.core_distances(run), _radius_of(run)
    lowest = float(cores[cores > 0].min(initial=np.inf))  # with a smaller radius no point is a core point
    draw_radius_line(
        RadiusLabels(radii, counts, core_notes(radii, counts, cores)),
        RadiusLabels([radius], [run.k], core_notes([radius], [run.k], cores)) if radius else None,
        lowest if np.isfinite(lowest) else 0.01,
        chart,
        lambda radius: _set_radius(run, radius),
    )


def _choose_branches(run: Run) -> tuple[int, ...]:
    """Choose branches of the tree that are the clusters; none if they are selected automatically."""
    tree = run.history.parameters[-1].hierarchy.tree
    branches = figures.drawn_branches(tree)
    if BRANCHES in st.session_state:
        known = st.session_state.get(TREE_OF_BRANCHES, run.key) == run.key or is_opening()
        kept = disjoint(tree, [branch for branch in st.session_state[BRANCHES] if branch in branches]) if known else ()
        if list(kept) != st.session_state[BRANCHES]:
            st.session_state[BRANCHES] = list(kept)
    st.session_state[TREE_OF_BRANCHES] = run.key
    chosen = st.multiselect(
        "Branches chosen as clusters",
        branches,
        format_func=str,
        key=BRANCHES,
        placeholder="None: selected automatically",
        help="A branch that is chosen replaces those above and below it. Your choice is saved in the page's link. It is "
        "discarded when you change the settings or the data, because the tree changes.",
        **IN_LINK,
    )
    return disjoint(tree, chosen)


def _marks(run: Run) -> dict[str, float]:
    """Radii that are proposed, by name; empty if the method has no radius."""
    if run.view.radius is None:
        return {}
    found = knee(run.view.core_distances(run))
    return ({} if found is None else {"knee": found}) | {"default": run.view.suggested_radius(run)}


def _offer_radii(run: Run) -> None:
    """Buttons that use a proposed radius, if there are any, and one that uses none if the method works without."""
    proposed = {f"Use the {name} ({format_short(radius)})": radius for name, radius in _marks(run).items()}
    if proposed and run.view.radius.low == 0:
        proposed["No cut"] = 0.0
    if not proposed:
        return
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        for label, radius in proposed.items():
            now = _radius_of(run) == _rounded(radius)
            st.button(label, key=f"use {label.split(' (')[0]}", on_click=_set_radius, args=(run, radius), disabled=now)


def _show_tree(run: Run, shown: RunPictures, played: bool) -> None:
    """The condensed tree, whose branches can be clicked."""
    tree, branches = _tree_of(run)
    by_radius, clusters = run.view.radius is not None, tuple(branches.tolist())
    key = f"density tree {clusters}"  # with the same key, the last click would be handled again

    def clicked() -> None:
        picked = st.session_state[key]["selection"]["points"]
        if picked and len(picked[0].get("customdata") or ()):
            st.session_state[BRANCHES] = list(with_branch(tree, clusters, int(picked[0]["customdata"][0])))

    frames = shown.frames if played else []
    figure = session_cache().get(
        ("condensed tree", shown.name),
        lambda: figures.condensed_tree_plot(run, tree, branches, by_radius, frames, shown.name),
    )
    clicks = {} if by_radius else dict(on_select=clicked, selection_mode="points")
    container = "tree" if played else "condensed_tree"
    with st.container(key=container):
        drawn = sum(branch >= 0 for branch in clusters)
        alt = f"Condensed tree: {len(tree.parents) - 1} branches, of which {drawn} are clusters."
        show_chart(figure, key=key, alt=alt, height="stretch", **clicks)
    if by_radius:
        _draw_radius_line(run, container)


def _tree_of(run: Run) -> tuple[CondensedTree, np.ndarray] | None:
    """The tree that the page shows, and the branch of each cluster, -1 for none; None if there is no tree."""
    if run.view.radius is None:
        parameters = run.history.parameters[-1]
        return parameters.hierarchy.tree, parameters.clusters
    found = run.view.core_tree(run)
    return None if found is None else (found.tree, branches_of(found.tree, run.labels, run.k, _radius_of(run)))


def _show_distances(run: Run, shown: RunPictures, played: bool) -> None:
    """The k-distance curve; if the method has a radius, with its knee, the default radius, and a line that sets the radius."""
    cores, marks = run.view.core_distances(run), _marks(run)
    frames = shown.frames if played else []
    figure = session_cache().get(
        ("k-distances", shown.name), lambda: figures.distance_curve(run, cores, _radius_of(run), marks, frames, shown.name)
    )
    key = "tree" if played else "k_distances"
    with st.container(key=key):
        alt = f"Core distances in decreasing order, from {np.max(cores):.3g} to {np.min(cores):.3g}."
        show_chart(figure, key="density distances", alt=alt, height="stretch")
    if run.view.radius is not None:
        _draw_radius_line(run, key)


def _note_on_figure(kind: str, run: Run, played: bool) -> str:
    """What a figure shows, and what can be done with it, as sentences."""
    return {"order": _note_on_order, "tree": _note_on_tree, "distances": _note_on_distances}[kind](run, played)


def _note_on_order(run: Run, played: bool) -> str:
    no_cut = "" if _radius_of(run) else " Now there is no cut: clusters are valleys with steep flanks (ξ)."
    return (
        "Reachability of the points in the order of OPTICS: valleys are clusters. Drag the dashed line to cut at a "
        f"radius.{no_cut}"
    )


def _note_on_tree(run: Run, played: bool) -> str:
    if run.view.radius is None:
        return (
            "The width of a branch is its number of points; its area is its stability. Click in the middle of a branch to "
            "select or deselect it as a cluster."
        )
    least = max(2, run.settings.option("min_points"))
    cut = (
        "Branches that the dashed line crosses are the clusters at this radius and have their colors; drag the line."
        if _radius_of(run)
        else "Now there is no cut, so branches have no colors; drag the dashed line."
    )
    return (
        "Clusters of core points at all radii, the tree of DBSCAN* (Campello et al. 2013): where two branches meet, clusters "
        f"merge. The width of a branch is its number of core points. {cut} Groups of fewer than {least:,} core points are not "
        "drawn."
    )


def _note_on_distances(run: Run, played: bool) -> str:
    if run.view.radius is None:
        return "Core distances in decreasing order (k-distance plot): points in sparse regions come first."
    dots = " Dots have the colors of the clusters so far." if played else ""
    found = (
        "**Knee**: the point of the curve farthest below the line between its ends (Kneedle, Satopää et al. 2011). "
        if "knee" in _marks(run)
        else "The curve has no knee above 0. "
    )
    return (
        f"Core distances in decreasing order (k-distance plot). Points above the dashed line are not core points.{dots} "
        f"{found}**Default**: {RADIUS_RULE}. This radius is preferred over the knee because it takes the clusters into "
        "account, whereas the knee depends only on distances. On most of the simulated data sets, it gives clusters closer to "
        "the true groups."
    )


def show_player(run: Run, shown: RunPictures) -> None:
    """Show the player of all animated figures."""
    with run_view.player_panel():
        stage = Stage(run.title, None, f"{run.view.title} has no random start.")
        run_view.show_player(run, shown, stage, ("tree",))


def show_results(run: Run, shown: RunPictures, plane: Plane) -> None:
    """Show what is in the plots, the other figures of the method, formulas, the curve and the scores."""
    first, *others = run.view.figures
    # below the player, which would cover these notes in a low window
    st.caption(f"{_note_on_picture(run, plane, run_view.focused_point(run))}{run_view.colors_and_rings(run)}")
    st.caption(_note_on_figure(first, run, True))
    formulas, _ = run_view.choose_formulas(run, shown, always=True)
    left, right = st.columns(2, gap="medium")
    for kind in others:
        with left:
            if _exists(kind, run):
                _show_figure(kind, run, shown, False)
                st.caption(_note_on_figure(kind, run, False))
            elif len(run.labels) > (most := run.view.max_points_of(kind, run)):
                st.caption(f"The {NAMES[kind]} is computed for at most {most:,} points.")
    with right:
        run_view.show_results(run, shown, formulas, notices=False)
