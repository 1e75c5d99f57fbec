"""A popover with files: all rows with their segments, and a summary of the segments."""

import re
from collections.abc import Callable
from functools import partial

import streamlit as st

from pages.datasets.formatting import as_sentence, escape_markdown
from pages.export import segment_files
from pages.export.pipeline import pipeline
from pages.export.spreadsheets import MAX_EXCEL_ROWS
from pages.runs.model import model_of
from pages.runs.model_file import to_json
from pages.runs.profiles import Profiles
from pages.runs.segments import Segments
from pages.ui.export_menu import download, export_popover, file_on_demand
from pages.ui.turns import droppable

MAX_QUICK_CELLS = 100_000
"""maximum number of cells of a table that is written without a progress bar"""
MIME_TYPES = {
    "csv": "text/csv",
    "json": "application/json",
    "py": "text/x-python",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""MIME types by file extension"""


def show_downloads(profiles: Profiles) -> None:
    """Show a popover with the files."""
    _downloads(droppable(("profiles", *profiles.segments.key), profiles))


@st.fragment
def _downloads(current: Callable[[], Profiles]) -> None:
    with export_popover(" of segments") as is_open:
        if not is_open:
            return
        profiles = current()
        st.markdown("**All rows with their segments**")
        with st.container(horizontal=True):
            _show_rows(profiles.segments)
        st.markdown("**Summary: sizes, means and shares of categories**")
        with st.container(horizontal=True):
            _download(profiles.segments, "Summary (Excel)", "summary.xlsx", partial(segment_files.summary_excel, profiles))
            _download(profiles.segments, "Summary (CSV)", "summary.csv", partial(segment_files.summary_csv, profiles))
        st.markdown("**Model for new rows, and the whole analysis as a script**")
        with st.container(horizontal=True):
            _show_code(profiles.segments)
        st.caption(_notes(profiles.segments))


def _show_rows(segments: Segments) -> None:
    table = segment_files.whole_table(segments)
    for label, ending, create in (
        ("Rows (Excel)", "segments.xlsx", partial(segment_files.rows_excel, segments)),
        ("Rows (CSV)", "segments.csv", partial(segment_files.rows_csv, segments)),
    ):
        if ending.endswith("xlsx") and len(table) > MAX_EXCEL_ROWS:
            st.info(f"The table has {len(table):,} rows, and an Excel sheet at most {MAX_EXCEL_ROWS:,}: use the CSV file.")
        elif table.size <= MAX_QUICK_CELLS:
            _download(segments, label, ending, create)
        else:
            if file_on_demand(label, segments.key, create, " of segments"):
                _download(segments, label, ending, create)


def _show_code(segments: Segments) -> None:
    """Downloads of the model and of the script, or the reasons why there are none."""
    rows_file = f"{file_name(segments)}-segments.csv"
    for label, ending, create in (
        ("Model (JSON)", "model.json", lambda: to_json(model_of(segments))),
        ("Script (Python)", "pipeline.py", lambda: pipeline(segments, rows_file).encode()),
    ):
        try:
            _download(segments, label, ending, create)
        except ValueError as error:
            st.info(escape_markdown(as_sentence(error)), icon=":material/info:")


def _download(segments: Segments, label: str, ending: str, create: Callable[[], bytes]) -> None:
    """Show a button that downloads a file."""
    mime = MIME_TYPES[ending.rpartition(".")[2]]
    download(label, f"{file_name(segments)}-{ending}", mime, segments.key, create, " of segments")


def file_name(segments: Segments) -> str:
    """The beginning of the names of all files, derived from the title of the data."""
    title = re.sub(r"\.[A-Za-z]{2,7}(\.gz)?$", "", segments.data.title)
    return re.sub(r"[\W_]+", "-", title).strip("-").lower() or "data"


def _notes(segments: Segments) -> str:
    """Sentences about the files."""
    data = segments.data
    notes = ["Rows that are in no segment are included, with the reason."]
    if data.origin is None and data.all_rows is not None:
        notes = [f"The files contain the random sample of {len(data.points):,} of the {data.n:,} rows."]
    if data.scaling is not None and segments.memberships is None:
        notes.append("Distances are those of the scaled columns.")
    notes.append(
        "The model assigns new rows in the section “New rows”. The script repeats the whole analysis with the package "
        "clustering, beginning with reading the data."
    )
    notes.append("CSV cells that look like formulas are prefixed with an apostrophe.")
    return " ".join(notes)
