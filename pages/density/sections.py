"""Parts of the Density page: the plots, the lines and branches that cut or choose clusters, the player and the results."""

import numpy as np
import streamlit as st

from pages.datasets.formatting import pluralize
from pages.datasets.planes import Plane
from pages.density import figures
from pages.density.cut import clusters_by_radius, with_branch, with_chosen_branches
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.optics import RADIUS
from pages.runs.run import Run
from pages.runs.run_pictures import RunPictures
from pages.ui import run_view
from pages.ui.charts import show_chart
from pages.ui.cutting_line import draw_radius_line
from pages.ui.player import Stage
from pages.ui.progress import Progress
from pages.ui.widgets import IN_LINK, option_key, session_cache

NAMES = ("optics", "hdbscan")
"""methods of the page"""
BRANCHES = "branches"
"""session key: key of a run, and the branches of its tree that were chosen by hand"""


def choose_view() -> MethodView:
    """Choose one of the methods of the page."""
    titles = {name: method(name).title for name in NAMES}
    name = st.segmented_control(
        "Algorithm", NAMES, format_func=titles.get, default=NAMES[0], required=True, key="density_method", **IN_LINK
    )
    return method(name)


def with_choice(run: Run) -> tuple[Run, tuple[int, ...]]:
    """The run with the branches that were chosen by hand as its clusters, and these branches; empty if there are none."""
    key, chosen = st.session_state.get(BRANCHES, (None, ()))
    if key != run.key or not chosen:
        return run, ()
    chosen_run = session_cache().get(("chosen branches", run.key, chosen), lambda: with_chosen_branches(run, chosen))
    return chosen_run, chosen


def show_plots(run: Run, chosen: tuple[int, ...], plane: Plane, progress: Progress) -> RunPictures:
    """Show the plane, and beside it the reachability plot or the condensed tree."""
    shown = run_view.pictures_of(run, plane, progress, ("density", chosen))
    left, right = st.columns(2, gap="medium")
    with left:
        run_view.show_picture(run, shown, "density picture")
        st.caption(
            f"Lines: links within clusters so far. Gray points: noise, or not reached yet.{run_view.colors_and_rings(run)}"
        )
    with right:
        if run.view.name == NAMES[0]:
            _show_order(run, shown)
        else:
            _show_tree(run, shown, chosen)
    return shown


def _show_order(run: Run, shown: RunPictures) -> None:
    """The reachability plot, with a line that sets the radius."""
    figure = session_cache().get(
        ("reachability", shown.name), lambda: figures.reachability_plot(run, shown.frames, shown.name)
    )
    with st.container(key="tree"):
        alt = f"Reachability plot of {pluralize(len(run.labels), 'point')}: valleys are clusters."
        show_chart(figure, key="density order", alt=alt, height="stretch")
    st.caption(
        "Valleys are clusters. Drag the dashed line to cut at a radius; at 0 (no cut), clusters are valleys with steep flanks "
        "(ξ method)."
    )
    _draw_radius_line(run, "tree")


def _draw_radius_line(run: Run, chart: str) -> None:
    """The line over a figure whose vertical axis is the radius."""
    order, key = run.history.parameters[-1].order, option_key(run.view, RADIUS, run.data)
    radii, counts = clusters_by_radius(order.cores, order.reachability)

    def cut(radius: float) -> None:
        st.session_state[key] = float(f"{radius:.4g}")

    radius = run.settings.option(RADIUS.name)
    label = pluralize(run.k, "cluster") if radius else "drag to cut"
    draw_radius_line(radii, counts, radius, label, chart, cut)


def _show_tree(run: Run, shown: RunPictures, chosen: tuple[int, ...]) -> None:
    """The condensed tree, whose branches can be clicked."""
    parameters = run.history.parameters[-1]
    tree = parameters.hierarchy.tree
    key = f"density tree {chosen}"  # with the same key, the last click would be handled again

    def clicked() -> None:
        picked = st.session_state[key]["selection"]["points"]
        if picked and len(picked[0].get("customdata") or ()):
            branch = int(picked[0]["customdata"][0])
            now = chosen or tuple(parameters.clusters.tolist())
            st.session_state[BRANCHES] = run.key, with_branch(tree, now, branch)

    figure = session_cache().get(
        ("condensed tree", shown.name), lambda: figures.condensed_tree_plot(run, shown.frames, shown.name)
    )
    with st.container(key="tree"):
        alt = f"Condensed tree: {len(tree.parents) - 1} branches, of which {run.k} are clusters."
        show_chart(figure, key=key, alt=alt, height="stretch", on_select=clicked, selection_mode="points")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "The width of a branch is its number of points; its area is its stability. Click in the middle of a branch to "
            "select or deselect it as a cluster."
        )
        if chosen:
            st.button("Select automatically", icon=":material/undo:", on_click=st.session_state.pop, args=(BRANCHES, None))


def show_player(run: Run, shown: RunPictures) -> None:
    """Show the player of all animated figures."""
    with run_view.player_panel():
        stage = Stage(run.title, None, f"{run.view.title} has no random start.")
        run_view.show_player(run, shown, stage, ("tree",))


def show_results(run: Run, shown: RunPictures) -> None:
    """Show formulas, the curve and the scores; for OPTICS also the k-distance curve, with the same radius."""
    formulas, _ = run_view.choose_formulas(run, shown)
    left, right = st.columns(2, gap="medium")
    with right:
        run_view.show_results(run, shown, formulas)
    if run.view.name == NAMES[0]:
        with left:
            _show_distances(run)


def _show_distances(run: Run) -> None:
    """The k-distance curve, with a line that sets the radius."""
    cores, count = run.history.parameters[-1].order.cores, run.settings.option("min_points")
    figure = session_cache().get(("k-distances", run.data.key, count), lambda: figures.distance_curve(cores, count))
    with st.container(key="k_distances"):
        alt = f"Core distances in decreasing order, from {np.max(cores):.3g} to {np.min(cores):.3g}."
        show_chart(figure, key="density distances", alt=alt)
    st.caption(
        "Core distances in decreasing order (k-distance plot). Left of a knee are points in sparse places: a radius at the "
        "knee leaves most of them as noise. The dashed line is the same as in the reachability plot."
    )
    _draw_radius_line(run, "k_distances")
