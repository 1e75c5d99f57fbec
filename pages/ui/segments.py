"""The segments of this session: names and edits of the clusters of each run."""

import streamlit as st

from pages.runs.run import Run
from pages.runs.segments import Edit, Segments, segments_of
from pages.ui.widgets import session_cache

EDITS = "segment edits"
"""session key: the edits of each run, by data and settings"""


def _key(run: Run) -> tuple:
    return run.data.key, run.settings


def edits_of(run: Run) -> tuple[Edit, ...]:
    """The edits of the clusters of a run in this session."""
    return st.session_state.get(EDITS, {}).get(_key(run), ())


def current_segments(run: Run) -> Segments:
    """The clusters of a run with the names and edits of this session.

    Raises ValueError if the method has no clusters.
    """
    edits = edits_of(run)
    return session_cache().get(("segments", run.key, edits), lambda: segments_of(run, edits))


def edit(segments: Segments, change: Edit) -> None:
    """Callback: apply an edit, or show why it is impossible on the next run of the page."""
    try:
        segments.edited(change)
    except ValueError as error:
        st.session_state["edit error"] = str(error)
    else:
        st.session_state.setdefault(EDITS, {})[_key(segments.run)] = (*segments.edits, change)


def undo(segments: Segments, count: int = 1) -> None:
    """Callback: take back the last edits."""
    st.session_state[EDITS][_key(segments.run)] = segments.edits[: len(segments.edits) - count]
