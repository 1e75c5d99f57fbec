"""The segments of this session: names and edits of the clusters of each run."""

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown
from pages.runs.resampling import Resampling
from pages.runs.run import Run
from pages.runs.segments import Edit, Segments, edits_text, parse_edits, segments_of
from pages.ui.query_parameters import write_parameter
from pages.ui.widgets import session_cache, uses_own_data

EDITS = "segment edits"
"""session key: the edits of each run, by data and settings"""
EDITS_IN_LINK = "edits"
"""query parameter with the names and edits of the segments"""
MAX_TEXT = 1_500
"""characters of this parameter"""
EDIT_ERROR = "edit error"
"""session key: why the last edit is impossible, a sentence"""
LAST = "last segments"
"""session key: the segments that were named or edited last"""
SELECTED = "selected rows"
"""session key: the key of a data set, and the positions of its selected rows"""


def _key(run: Run) -> tuple:
    return run.data.key, run.settings


def edits_of(run: Run) -> tuple[Edit, ...]:
    """The edits of the clusters of a run in this session, or those in the link, which belong to the first run of the session.

    They are then in the address, unless they are too long or the data were uploaded.
    """
    edits = st.session_state.setdefault(EDITS, {})
    requested = st.query_params.get(EDITS_IN_LINK, "")
    if "edits of link" not in st.session_state:
        st.session_state["edits of link"] = ""
        try:
            found = parse_edits(requested)
            segments_of(run, found)
        except ValueError:
            pass  # the link's warning lists the parameter
        else:
            edits[_key(run)], st.session_state["edits of link"] = found, requested
    current = edits.get(_key(run), ())
    text = edits_text(current) if current and not uses_own_data() else ""
    if 0 < len(text) <= MAX_TEXT:
        write_parameter(EDITS_IN_LINK, text)
    elif requested:
        del st.query_params[EDITS_IN_LINK]
    return current


def current_segments(run: Run) -> Segments:
    """The clusters of a run with the names and edits of this session.

    Raises ValueError if the method has no clusters.
    """
    edits = edits_of(run)
    segments = session_cache().get(("segments", run.key, edits), lambda: segments_of(run, edits))
    last = st.session_state.get(LAST)
    if edits or (last is not None and _key(last.run) == _key(run)):
        st.session_state[LAST] = segments
    return segments


def last_segments(data: Data) -> Segments | None:
    """The segments of these data that were named or edited last; None if there are none."""
    last = st.session_state.get(LAST)
    return last if last is not None and last.edits and last.data.key in (data.key, f"{data.key}/{len(last.labels)}") else None


def named(run: Run) -> Run:
    """The run with the names that were given to its clusters on the Segments page, unless rows were moved there."""
    segments = current_segments(run) if edits_of(run) else None
    if segments is None or segments.is_edited:
        return run
    names = segments.given_names
    return session_cache().get(("named run", run.key, names), lambda: replace(run, given_names=names))


def edit(segments: Segments, change: Edit) -> None:
    """Callback: apply an edit, or show why it is impossible on the next run of the page."""
    try:
        segments.edited(change)
    except ValueError as error:
        st.session_state[EDIT_ERROR] = str(error)
    else:
        st.session_state.setdefault(EDITS, {})[_key(segments.run)] = (*segments.edits, change)


def undo(segments: Segments, count: int = 1) -> None:
    """Callback: take back the last edits."""
    st.session_state[EDITS][_key(segments.run)] = segments.edits[: len(segments.edits) - count]


def show_edit_error() -> None:
    """Show why the last edit was impossible, once."""
    if error := st.session_state.pop(EDIT_ERROR, ""):
        st.error(escape_markdown(error), icon=":material/error:")


def selected_rows(data: Data) -> np.ndarray:
    """Positions of the selected rows of a data set, sorted."""
    key, rows = st.session_state.get(SELECTED, ("", None))
    return rows if key == data.key else np.zeros(0, dtype=np.intp)


def select_rows(data: Data, rows: np.ndarray) -> None:
    """Callback: select these rows of a data set, given by their positions, and no others."""
    st.session_state[SELECTED] = data.key, np.unique(np.asarray(rows, dtype=np.intp))


def resampling_of(segments: Segments, scheme: str, count: int) -> Resampling:
    """The resampling of the data of these segments, with its results so far."""
    key = ("resampling", *segments.key, scheme, count)
    return session_cache().get(key, lambda: Resampling.of(segments, scheme, count))


def known_resampling(segments: Segments) -> Resampling | None:
    """The last resampling of these segments in this session, if it has results; it may not be finished."""
    beginning = ("resampling", *segments.key)
    jobs = [job for key, job in session_cache().items() if key[: len(beginning)] == beginning and job.results]
    return jobs[-1].snapshot() if jobs else None
