"""The Report page: a printable summary of the current run."""

from urllib.parse import urlencode

import streamlit as st

from pages.export.downloads import mime_with_digest
from pages.export.report import report, standalone_html
from pages.runs import pictures
from pages.runs.profiles import Profiles
from pages.runs.resampling import summary
from pages.ui import run_view
from pages.ui.buttons import print_page
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.links import current_address
from pages.ui.placing import choose_plane, clear_centers, is_manual, with_placed_centers
from pages.ui.progress import Progress
from pages.ui.results import notice_messages
from pages.ui.segments import current_segments, known_resampling, named
from pages.ui.widgets import choose_settings, session_cache, uses_own_data


def link() -> str:
    """The address of the run, or a sentence that explains why there is none."""
    if uses_own_data():
        return "Uploaded data cannot be included in a link."
    base = (st.context.url or "").rstrip("/").removesuffix("/report")
    return f"{base}/?{urlencode(current_address(), doseq=True)}".removesuffix("?")


with st.container(key="controls"):
    st.title("Report")
    st.caption("Summary of the current run, for printing.")
    data = current()
    settings = choose_settings(data)
    progress = Progress()
try:
    with st.container(key="controls_of_plane"):
        plane = choose_plane(data)
    if is_manual(settings):
        settings = with_placed_centers(data, settings, plane)
    else:
        clear_centers()
    run = run_view.computed_run(data, settings, progress)
    segments = current_segments(run) if run.view.traits.clusters else None
except ValueError as error:
    show_error(error)
else:
    shade = plane.shows_all and run.has_regions and st.session_state.get("shade", True)
    with_names = named(run)
    shown = run_view.pictures_of(with_names, plane, progress, shade, background=pictures.Regions if shade else None)
    where = link()
    profiles, stability = None, ""
    if segments is not None:
        profiles = session_cache().get(("profiles", *segments.key), lambda: Profiles(segments))
        job = known_resampling(segments)
        stability = "" if job is None else summary(segments, job)
    page = progress.compute(
        ("report", shown.name, where, profiles and profiles.segments.key, stability),
        lambda on_progress: report(with_names, shown, notice_messages(run), where, profiles, stability),
        "Writing the report.",
    )
    with st.container(key="controls_of_report", horizontal=True):
        print_page()
        file = standalone_html(page, f"Report: {run.data.title}")
        st.download_button(
            "Save as HTML",
            file,
            "report.html",
            mime_with_digest("text/html", file),
            on_click="ignore",
            icon=":material/download:",
        )
    st.html(page)
progress.done()
