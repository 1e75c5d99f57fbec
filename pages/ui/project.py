"""The project of a session: saved as a file, kept for a reloaded tab, and restored."""

import io
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown
from pages.datasets.limits import MAX_DRAWN_POINTS
from pages.datasets.readers import Format
from pages.datasets.readers.files import read_parquet
from pages.export.project import Project, StoredFile, from_parquet, to_parquet, to_zip
from pages.export.tab_store import TabStore, configured_folder, new_token
from pages.ui import tab
from pages.ui.data_choice import BEFORE, RESTORED, SOURCES, SUBSET_ROWS, current, use_only
from pages.ui.export_menu import download
from pages.ui.kept_choices import (
    collect_choices,
    collect_pages,
    collect_settings,
    expect_choices,
    set_pages,
    set_settings,
    unavailable_choices,
)
from pages.ui.placing import EXACT, PLACED
from pages.ui.playlist import collect_playlist, expect_playlist
from pages.ui.preparation import scaling_source
from pages.ui.segments import SELECTED, collect_edits, expect_edits
from pages.ui.text_choice import GENERATED, TEXT_SOURCES
from pages.ui.upload import CHOSEN, INPUTS, PROJECT, SUBSET, VECTORS, root_of_file, root_of_pasted
from pages.ui.widgets import session_cache, uses_own_data

TOKEN = "token of the tab"
"""session key: the secret token under which the project of this session is kept"""
RESUMED, ASKED = "resumed", "asked for the token"
"""session keys: whether the tab has sent its token; whether it was asked for it in this script run"""
LATEST = "project of the session"
"""session key: the project as of the last script run"""
REST = "rest of the project"
"""session key: what is restored after the data"""
ROWS = "rows of the project"
"""session key: a data set and the positions of its rows that are used by the next script run"""
MAX_SELECTED = 20_000
"""maximum number of selected rows that are kept"""
CLEANING_SECONDS = 300
UPLOADS = {"file": ("upload", root_of_file), "text file": ("text upload", partial(root_of_file, kind="text file"))}
"""session key and root of the choices of each uploaded file, by its purpose in projects"""
PASTED = {"pasted": "pasted", "text": "pasted text"}
"""session key of each pasted text, by its purpose in projects"""


@st.cache_resource
def _store() -> TabStore:
    """The store of this process, with a thread that deletes old projects."""
    store = TabStore(configured_folder())

    def clean():
        while True:
            store.drop_old()
            time.sleep(CLEANING_SECONDS)

    threading.Thread(target=clean, name="projects", daemon=True).start()
    return store


# Collecting


def collect(page: str, address: dict[str, list[str]]) -> Project:
    """The project of this session; `page` and `address` are those on the screen. Call it after the page is drawn."""
    session = st.session_state
    files = {purpose: session[key] for purpose, (key, _) in UPLOADS.items() if session.get(key) is not None}
    roots = {purpose: root(files[purpose]) for purpose, (_, root) in UPLOADS.items() if purpose in files}
    for purpose, key in PASTED.items():
        if session.get(key):
            files[purpose] = StoredFile(f"{key}.txt", session[key].encode("utf-8", "replace"))
    if "pasted" in files:
        roots["pasted"] = root_of_pasted(files["pasted"].content)
    state: dict[str, Any] = dict(
        settings=collect_settings(), choices={purpose: collect_choices(root) for purpose, root in roots.items()}
    )
    if pages := collect_pages(page):
        state["pages"] = pages
    if len(drawn := session.get("drawn", ())):
        state["drawn"] = drawn.tolist()
    files |= _generated(state)
    data = current()
    state |= collect_playlist()
    if edits := collect_edits(data):
        state["edits"] = edits
    state |= _marks(data)
    return Project(page, address, state, files)


def _generated(state: dict) -> dict[str, StoredFile]:
    """Data of the session that were not uploaded, pasted or drawn; rows of uploaded tables as row numbers."""
    session, found = st.session_state, {}

    def parquet(purpose: str, data: Data, write: Callable[[Data], bytes] = to_parquet) -> None:
        if data.precomputed is None or write is not to_parquet:
            found[purpose] = session_cache().get(
                (f"project {purpose}", data.key), lambda: StoredFile(f"{purpose}.parquet", write(data))
            )

    own = session.get("own")
    if SUBSET in session:
        before = session.get(BEFORE, {})
        state["before"] = {key: before.get(key) for key in ("source", "input")}
        if before.get("source") == "own" and before.get("input", "file") in INPUTS:
            parquet("rows", session[SUBSET], lambda data: _rows_to_parquet(session[SUBSET_ROWS]))
        else:
            parquet("subset", session[SUBSET])
    if VECTORS in session:
        parquet("vectors", session[VECTORS])
    known = (session.get(SUBSET), session.get(VECTORS))
    if own is not None and own not in known and own.key != session.get(CHOSEN) and scaling_source(own) is None:
        parquet("own", own)
    return found


def _rows_to_parquet(rows: np.ndarray) -> bytes:
    content = io.BytesIO()
    pa.parquet.write_table(pa.table({"row": rows}), content)
    return content.getvalue()


def _marks(data: Data) -> dict[str, Any]:
    """Manually placed centers and selected rows of the data in use."""
    found: dict[str, Any] = {}
    token, positions = st.session_state.get(PLACED, (("",), None))
    if token[0] == data.key and uses_own_data():
        found["centers"] = dict(choices=token[1:], positions=np.asarray(positions).tolist())
    key, centers = st.session_state.get(EXACT, ("", None))
    if key == data.key:
        found["exact_centers"] = np.asarray(centers).tolist()
    key, rows = st.session_state.get(SELECTED, ("", ()))
    if key == data.key and 0 < len(rows) <= MAX_SELECTED:
        found["selected"] = np.asarray(rows).tolist()
    return found


# Restoring


def restore(project: Project) -> None:
    """Set the session to the project, which is not trusted. Call it before any widget is drawn."""
    session, state, files = st.session_state, project.state, project.files
    choices = state.get("choices") if isinstance(state.get("choices"), dict) else {}
    set_settings(state.get("settings"))
    set_pages(state.get("pages"))
    expect_playlist(state.get("playlist"))
    for purpose, (key, root) in UPLOADS.items():
        if purpose in files:
            session[key] = files[purpose]
            expect_choices(root(files[purpose]), choices.get(purpose))
    for purpose, key in PASTED.items():
        if purpose in files:
            session[key] = files[purpose].content.decode("utf-8", "replace")
    if "pasted" in files:
        expect_choices(root_of_pasted(files["pasted"].content), choices.get("pasted"))
    if len(drawn := _numbers(state.get("drawn"), 2)) <= MAX_DRAWN_POINTS:
        session["drawn"] = drawn
    before = state.get("before") if isinstance(state.get("before"), dict) else {}
    before = {"source": before.get("source"), "input": before.get("input")}
    if before["source"] not in list(SOURCES):
        before["source"] = "sample"
    if before["input"] not in list(INPUTS):
        before["input"] = "file"
    for purpose, key in (("own", None), ("vectors", VECTORS), ("subset", SUBSET)):
        if purpose in files:
            data = session_cache().get(("project", purpose), lambda purpose=purpose: _read_data(files[purpose]))
            if data is not None:
                session["own"] = data
                if key is not None:
                    session[key] = data
                if key == SUBSET:
                    session[BEFORE] = before
    session[REST], session[RESTORED] = state, True
    if "rows" in files:
        session["input"] = before["input"]
        session[REST] = state | {"rows": files["rows"].content}


def _read_data(file: StoredFile) -> Data | None:
    try:
        return from_parquet(file.content)
    except ValueError as error:
        st.session_state.setdefault(PROJECT, {})["error"] = str(error)
        return None


def restore_rest() -> None:
    """Restore what belongs to the data of the project, once they are in use. Call it after the data are chosen."""
    state = st.session_state.get(REST)
    if state is None or (st.session_state.get("source") == "own" and "own" not in st.session_state):
        return
    data = current()
    if (content := state.pop("rows", None)) is not None:
        rows = _positions(_read_rows(content), data.n)
        if len(rows) and uses_own_data():
            st.session_state[ROWS] = data, rows
            st.rerun()  # widgets of this run cannot be set anymore
    del st.session_state[REST]
    expect_edits(data, state.get("edits"))
    placed = state.get("centers") if isinstance(state.get("centers"), dict) else {}
    positions, choices = _numbers(placed.get("positions"), 2), placed.get("choices")
    if len(positions) and isinstance(choices, list) and len(choices) == 3 and isinstance(choices[2], list):
        k, seed, names = choices
        st.session_state[PLACED] = (data.key, k, seed, tuple(names)), positions
    exact = _numbers(state.get("exact_centers"), data.points.shape[1])
    if len(exact):
        st.session_state[EXACT] = data.key, exact
    if isinstance(state.get("selected"), list) and len(rows := _positions(state["selected"], data.n)):
        st.session_state[SELECTED] = data.key, rows


def _read_rows(content: bytes) -> np.ndarray:
    try:
        return read_parquet(content, Format("parquet")).columns[0].to_numpy()
    except (ValueError, LookupError):
        return np.zeros(0)


def _positions(rows: Any, n: int) -> np.ndarray:
    """Positions of rows, sorted; none if they are not all valid."""
    try:
        rows = np.unique(np.asarray(rows))
    except (ValueError, TypeError, OverflowError):
        return np.zeros(0, dtype=np.intp)
    is_valid = rows.dtype.kind in "iu" and rows.ndim == 1 and len(rows) and rows[0] >= 0 and rows[-1] < n
    return rows.astype(np.intp) if is_valid else np.zeros(0, dtype=np.intp)


def _numbers(values: Any, d: int) -> np.ndarray:
    """Finite numbers (m, d) in nested lists; none if they are anything else."""
    empty = np.empty((0, d))
    if not isinstance(values, list) or not all(isinstance(row, list) and len(row) == d for row in values):
        return empty
    if not all(type(value) in (int, float) for row in values for value in row):
        return empty
    try:
        numbers = np.array(values, dtype=float).reshape(-1, d)
    except OverflowError:
        return empty
    return numbers if np.isfinite(numbers).all() else empty


# Reloading and opening


def resume(place, requested: dict[str, list[str]]) -> None:
    """Restore the project of a tab that was reloaded or has lost its session. Call it before any widget is drawn.

    `place` is a Streamlit container for an invisible component, and `requested` has the query parameters with which the
    session began. If these need data that a new session does not have, the script ends until the tab has sent its token.
    """
    session = st.session_state
    if ROWS in session:
        use_only(*session.pop(ROWS))
    if PROJECT in session and "project" in session[PROJECT]:
        _open(place, session[PROJECT].pop("project"))
    session[ASKED] = False
    if RESUMED in session:
        return
    own_texts = {label for name, label in TEXT_SOURCES.items() if name not in GENERATED}
    needs_data = requested.get("source") == [SOURCES["own"]] or not own_texts.isdisjoint(requested.get("text", ()))
    waits = needs_data and _has_browser()
    session[ASKED] = waits or tab.QUESTION not in session
    if session[ASKED]:
        with place:
            token = tab.ask(waits)
        if token is None and waits:
            st.caption("Opening your data …")
            st.stop()
    else:
        token = tab.answer()
    if token is None:
        return
    session[RESUMED] = True
    project = _store().load(token) if token else None
    if project is not None:
        session[TOKEN] = token
        if not any(session.get(key) is not None for key in ("own", "upload", "text upload")):
            restore(project)


def _has_browser() -> bool:
    return bool(st.context.headers)


def _open(place, project: Project) -> None:
    """Open a project in this tab: keep it under the token of the tab, and go to its address."""
    token = st.session_state.setdefault(TOKEN, new_token())
    _store().save(token, project)
    query = urlencode(project.address, doseq=True)
    with place:
        tab.give(token, f"{project.page or '.'}{'?' * bool(query)}{query}")
    st.caption("Opening the project …")
    st.stop()


def keep(place, page: str) -> None:
    """Keep the project of this session for a reloaded tab, if links do not contain all of it.

    `page` is the address of the page. Call it after the page is drawn and the query parameters are written.
    """
    session = st.session_state
    address = {name: st.query_params.get_all(name) for name in st.query_params}
    project = session[LATEST] = collect(page, address)
    if not _has_browser():
        return
    if TOKEN in session or project.files or project.state.keys() - {"settings", "choices"}:
        token = session.setdefault(TOKEN, new_token())
        _store().save(token, project)
        if tab.answer() != token and not session[ASKED]:
            with place:
                tab.give(token)


def save_project() -> None:
    """Show a menu that saves the project as a file.

    It is not a fragment, because fragments do not respond while the page waits for a run.
    """
    menu = st.popover("Save project", icon=":material/save:", on_change="rerun", key="project menu")
    with menu:
        if not menu.open:
            return
        if LATEST not in st.session_state:
            st.caption("Wait until this page has finished loading.")
            return
        st.caption(
            "One file with your data, preparation, names of segments and settings. To continue later or on another computer, "
            "open it on the Data page, under Upload."
        )
        project = st.session_state[LATEST]
        title = re.sub(r"[^A-Za-z0-9]+", "-", current().title).strip("-").lower()
        content = (project.description(dict.fromkeys(project.files, "")), *(file.digest for file in project.files.values()))
        try:
            download("Project file", f"{title}-project.zip", "application/zip", content, lambda: to_zip(project))
        except ValueError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")


def warn_of_unavailable_choices(place) -> None:
    """Show which settings of the opened project could not be applied. Call it after the page is drawn."""
    unavailable = unavailable_choices()
    if unavailable:
        with place.container(horizontal=True, vertical_alignment="center"):
            more = f" and {len(unavailable) - 5} more" if len(unavailable) > 5 else ""
            text = f"Ignored unavailable settings in the project: {', '.join(unavailable[:5])}{more}. Defaults are used."
            st.warning(escape_markdown(text), icon=":material/link_off:")
            st.button("Dismiss", key="dismiss project", on_click=unavailable.clear)
