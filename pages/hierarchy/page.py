"""Hierarchical page: agglomerative clustering, merge by merge, and a cut of its tree."""

import streamlit as st

from pages.datasets.limits import MAX_CLUSTERS, MAX_ORDERED_LEAVES
from pages.hierarchy.cut import cut_run
from pages.hierarchy.handover import show_handover
from pages.hierarchy.height import choose_height, cut_at
from pages.hierarchy.notes import show_cut_notes, show_tree_notes
from pages.hierarchy.sections import show_tree_figures, show_tree_numbers, show_tree_player, tree_numbers
from pages.methods.trees import build_tree
from pages.ui.cutting_line import draw_cutting_line
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.failures import show_failure
from pages.ui.navigation import open_requested_page
from pages.ui.placing import choose_plane
from pages.ui.progress import Progress
from pages.ui.results import show_sizes
from pages.ui.widgets import IN_LINK, choose_tree, session_cache

st.title("Hierarchical clustering")
open_requested_page()
data = current()
failure = st.container()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    options, k = choose_tree(data)
    place_of_height = st.container(width="content")
    ordered = st.toggle(
        "Optimal leaf ordering",
        key="ordered",
        help="Orders the leaves so that adjacent ones are as similar as the tree allows. Available for at most "
        f"{MAX_ORDERED_LEAVES} points, because the time grows with the cube of their number.",
        **IN_LINK,
    )
with failure:
    show_failure("hierarchy")
progress = Progress()
try:
    cache = session_cache()
    data_tree = progress.compute(
        ("data tree", data.key, *options.values(), ordered),
        lambda on_progress: build_tree(data, **options, cache=cache, ordered=ordered),
        "Building the tree.",
    )
except ValueError as error:
    show_error(error)
else:
    run = cut_run(data_tree, k)
    with place_of_height:
        height = choose_height(data_tree, run.settings.k)
    with st.container():  # also when empty, so that Streamlit keeps the elements below
        show_cut_notes(run, ordered)
    name, scatter = show_tree_figures(run, choose_plane(data_tree.data), ordered, progress)
    numbers = tree_numbers(run)
    with st.container():
        show_tree_notes(run)
    draw_cutting_line(data_tree, run.settings.k, height, MAX_CLUSTERS, "tree", lambda height: cut_at(data_tree, height))
    show_tree_player(run, name, scatter, numbers)
    show_tree_numbers(run, numbers)
    show_sizes(run, "clusters at the cut")
    show_handover(run)
progress.done()
