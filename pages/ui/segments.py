"""The segments of this session: names and edits of the clusters of each run."""

import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown
from pages.methods.options import Settings
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
"""maximum number of characters of this parameter"""
EDIT_ERROR = "edit error"
"""session key: why the last edit is impossible, a sentence"""
EXPECTED = "expected edits"
"""session key: the key of a data set, and the edits in an opened project that no run has used yet"""
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
    _apply_expected(run, edits)
    current = edits.get(_key(run), ())
    text = edits_text(current) if current and not uses_own_data() else ""
    if 0 < len(text) <= MAX_TEXT:
        write_parameter(EDITS_IN_LINK, text)
    elif requested:
        del st.query_params[EDITS_IN_LINK]
    return current


def collect_edits(data: Data) -> list[dict]:
    """The edits of all runs with these data, or a sample of them, as in JSON; for projects."""
    found = [
        dict(sample=key.removeprefix(data.key), run=_description(settings), edits=edits_text(edits))
        for (key, settings), edits in st.session_state.get(EDITS, {}).items()
        if edits and re.fullmatch(r"(/\d+)?", key.removeprefix(data.key))
    ]
    key, expected = st.session_state.get(EXPECTED, ("", []))
    return found + expected if key == data.key else found


def expect_edits(data: Data, edits: Any) -> None:
    """Let `edits_of` use these edits, which `collect_edits` collected for the same data; they are not trusted."""
    if isinstance(edits, list):
        st.session_state[EXPECTED] = data.key, [one for one in edits if isinstance(one, dict)]


def _apply_expected(run: Run, edits: dict) -> None:
    """Use the expected edits of a run, unless it has others."""
    key, expected = st.session_state.get(EXPECTED, ("", []))
    now = _description(run.settings)
    for one in list(expected):
        if f"{key}{one.get('sample')}" == run.data.key and _is_described(one.get("run"), now):
            expected.remove(one)
            with suppress(ValueError):
                found = parse_edits(str(one.get("edits")))
                segments_of(run, found)
                edits.setdefault(_key(run), found)


def _is_described(saved: Any, now: dict) -> bool:
    """Whether a description fits settings, which may have options that did not exist when it was saved."""
    if not isinstance(saved, dict) or not isinstance(saved.get("options"), dict):
        return False
    return now == saved | {"options": now["options"]} and now["options"] == now["options"] | saved["options"]


def _description(settings: Settings) -> dict:
    """The settings of a run as in JSON."""
    start = vars(settings.start) | {"initialization": settings.start.initialization}
    content = dict(method=settings.method, k=settings.k, seed=settings.seed, options=dict(settings.options), start=start)
    return json.loads(json.dumps(content, default=str))


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
