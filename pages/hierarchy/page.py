"""The tree: hierarchical clustering, merge by merge, and its cut."""

from contextlib import nullcontext

import streamlit as st

from pages.datasets.limits import MOST_CLUSTERS, MOST_ORDERED
from pages.hierarchy.cut import cut_run
from pages.hierarchy.handover import show_handover
from pages.hierarchy.height import choose_height, cut_at
from pages.hierarchy.notes import show_cut_notes, show_tree_notes
from pages.hierarchy.sections import show_tree_figures, show_tree_numbers, show_tree_player
from pages.methods.trees import grow
from pages.ui.cutting_line import cut_line
from pages.ui.data_choice import current
from pages.ui.errors import show_fault
from pages.ui.failures import show_failure
from pages.ui.navigation import opening
from pages.ui.placing import choose_plane
from pages.ui.progress import Progress
from pages.ui.results import show_sizes
from pages.ui.widgets import SHARED, choose_tree, recent

st.title("The tree")
opening()
data = current()
failure = st.container()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    options, k = choose_tree(data)
    place_of_height = st.container(width="content")
    ordered = st.toggle(
        "Optimal leaf order",
        key="ordered",
        help=f"Turns the branches so that neighboring leaves are as near as the tree allows. Up to {MOST_ORDERED} points, "
        "because it takes time that grows with the third power of their number.",
        **SHARED,
    )
with failure:
    show_failure("hierarchy")
progress = Progress()
try:
    with st.spinner("Merging", show_time=True) if len(data.points) > 2_000 else nullcontext():
        growth = grow(data, **options, cache=recent(), ordered=ordered)
except ValueError as fault:
    show_fault(fault)
else:
    run = cut_run(growth, k)
    with place_of_height:
        height = choose_height(growth, run.settings.k)
    with st.container():  # always there, so that what comes below stays what it is
        show_cut_notes(run, ordered)
    name = show_tree_figures(run, choose_plane(growth.data), ordered, progress)
    with st.container():
        show_tree_notes(growth)
    cut_line(growth, run.settings.k, height, MOST_CLUSTERS, "tree", lambda height: cut_at(growth, height))
    show_tree_player(run, name)
    show_tree_numbers(run)
    show_sizes(run)
    show_handover(run)
progress.done()
