"""The Segments page: what the clusters of the current run are, in the columns and units of the original table."""

import streamlit as st

from pages.datasets.formatting import escape_markdown
from pages.runs.profiles import Profiles
from pages.segments import columns, edit, new_rows, one_row, overview, p_values, pictures, rules, stability
from pages.segments.downloads import show_downloads
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.navigation import open_requested_page
from pages.ui.placing import choose_plane, clear_centers, is_manual, with_placed_centers
from pages.ui.progress import Progress
from pages.ui.results import show_notices
from pages.ui.segments import current_segments
from pages.ui.widgets import IN_LINK, choose_settings, session_cache

# label and function of each section
SECTIONS = {
    "overview": ("Overview", overview.show),
    "columns": ("Columns", columns.show),
    "pictures": ("Plots", pictures.show),
    "rules": ("Rules", rules.show),
    "one_row": ("Explain a row", one_row.show),
    "edit": ("Edit", edit.show),
    "stability": ("Stability", stability.show),
    "p_values": ("p-values", p_values.show),
    "new_rows": ("New rows", new_rows.show),
}
st.title("Segments")
open_requested_page()
data = current()
settings = choose_settings(data)
progress = Progress()
try:
    if is_manual(settings):
        settings = with_placed_centers(data, settings, choose_plane(data))
    else:
        clear_centers()
    run = run_view.computed_run(data, settings, progress)
    segments = current_segments(run)
except ValueError as error:
    show_error(error)
else:
    if run.note:
        st.info(escape_markdown(run.note), icon=":material/info:")
    show_notices(run)
    profiles = session_cache().get(("profiles", *segments.key), lambda: Profiles(segments))
    with st.container(horizontal=True, vertical_alignment="center"):
        section = st.segmented_control(
            "Section",
            list(SECTIONS),
            format_func=lambda name: SECTIONS[name][0],
            default="overview",
            required=True,
            key="segments_section",
            label_visibility="collapsed",
            width="content",
            wrap=True,
            **IN_LINK,
        )
        show_downloads(profiles)
    SECTIONS[section][1](profiles)
progress.done()
