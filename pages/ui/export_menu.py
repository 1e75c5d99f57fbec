"""The export menu of a run: downloads and scripts."""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from pages.datasets.formatting import as_sentence, escape_markdown
from pages.export import files, offline, scripts
from pages.export.downloads import mime_with_digest
from pages.methods.base import NoScript
from pages.runs.background import OnProgress
from pages.runs.frames import Frame
from pages.runs.run import Run
from pages.ui.buttons import WITHOUT_DATA, copy_link
from pages.ui.progress import computed_meanwhile, is_stopped
from pages.ui.turns import droppable
from pages.ui.widgets import session_cache, uses_own_data

MAX_QUICK_VALUES = 400_000
"""maximum number of values of a run whose tables are created without a progress bar"""


@contextmanager
def export_popover(key: str, label: str = "Export") -> Iterator[bool]:
    """A popover for downloads; yields whether it is open. Use it in a fragment: only that runs when it is opened.

    The files are created when it is opened, and given to Streamlit as bytes. Streamlit drops functions that create files, and
    the files that they created, when a script of any session ends, so that a click would fail now and then.
    """
    menu = st.popover(label, icon=":material/download:", on_change="rerun", key=f"export menu{key}")
    with menu:
        yield menu.open


def download(label: str, name: str, mime: str, content: tuple, create: Callable[[], bytes], key: str = "") -> None:
    """Show a button that downloads the file with this name, or its progress while it is created.

    `content` identifies its content in the cache.
    """
    cache_key = _file_key(label, content)

    def start() -> bool:
        return not is_stopped(cache_key) or _create_button(label, key)

    if not computed_meanwhile(cache_key, lambda on_progress: create(), f"Creating {_in_sentence(label)}.", start):
        return
    data = session_cache().get(cache_key, create)
    st.download_button(
        label,
        data,
        name,
        mime_with_digest(mime, data),
        key=f"download {label}{key}",
        on_click="ignore",
        icon=":material/download:",
    )


def show_export_menu(run: Run, figure: go.Figure, frames: list[Frame], key: str = "") -> None:
    """Show the menu with all exports of a run and its animation. `key` distinguishes the menus of several runs on a page."""
    _export_menu(droppable((f"exported{key}", run.key), run), figure, frames, key)


def show_comparison_export(
    runs: Sequence[Run], names: Sequence[str], figures: list[go.Figure], frames: Sequence[list[Frame]], title: str
) -> None:
    """Show the menu with the animations of several runs as one file."""
    content = tuple(run.key for run in runs), figures[0].meta
    kept = [droppable((f"exported run {i}", run.key), run) for i, run in enumerate(runs)]
    _comparison_menu(kept, names, figures, frames, title, content)


@st.fragment
def _comparison_menu(runs: list[Callable[[], Run]], names, figures, frames, title: str, content: tuple) -> None:
    with export_popover(" comparison", "Export the comparison") as is_open:
        if not is_open:
            return
        parts = [run() for run in runs], names, figures, frames, title
        for label, ending, mime, create in (
            ("Comparison (HTML)", "html", "text/html", files.comparison_html),
            ("Comparison (GIF)", "gif", "image/gif", files.comparison_gif),
        ):
            create = partial(create, *parts)
            if ending != "gif" or file_on_demand(label, content, create):
                download(label, f"comparison.{ending}", mime, content, create)
        st.caption("All runs with their losses and sentences, in step. The HTML file works offline.")


@st.fragment
def _export_menu(run: Callable[[], Run], figure: go.Figure, frames: list[Frame], key: str) -> None:
    with export_popover(key) as is_open:
        if is_open:
            _show_exports(run(), figure, frames, key)


def _show_exports(run: Run, figure: go.Figure, frames: list[Frame], key: str) -> None:
    k = run.k if run.view.traits.clusters else ""
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{run.data.title} {run.settings.method} {k}").strip("-").lower()
    sentences = [frame.sentence for frame in frames]
    exact_names = {scripts.TABLE, *(file.name for file in run.view.files(run))}  # scripts read them
    points_label = "Assignments (CSV)" if run.view.traits.clusters else "Points (CSV)"
    long = run.n_values > MAX_QUICK_VALUES and not run.view.traits.pairwise
    with st.container(horizontal=True):
        for label, ending, mime, slow, create in (
            (points_label, "assignments.csv", "text/csv", long, partial(files.assignments_csv, run)),
            ("Parameters (CSV)", "parameters.csv", "text/csv", False, partial(files.parameters_csv, run)),
            ("Parameters (JSON)", "parameters.json", "application/json", False, partial(files.parameters_json, run)),
            ("All iterations (NPZ)", "history.npz", "application/octet-stream", long, partial(files.history_npz, run)),
            (
                "Animation (HTML)",
                "animation.html",
                "text/html",
                False,
                partial(offline.animation, figure, sentences, run.title),
            ),
            (
                "Animation (GIF)",
                "animation.gif",
                "image/gif",
                True,
                partial(files.animation_gif, run, figure, frames, run.title),
            ),
            *((one.label, one.name, one.mime, False, one.create) for one in run.view.files(run)),
        ):
            content = (run.key, figure.meta)
            if slow and not file_on_demand(label, content, create, key):
                continue
            download(label, ending if ending in exact_names else f"{name}-{ending}", mime, content, create, key)
    st.caption(
        "The HTML animation works offline. CSV cells that look like formulas are prefixed with an apostrophe. To save the "
        "current frame, use the PNG and SVG buttons of the player."
    )
    if not key:
        st.page_link("pages/report/page.py", label="Printable report", icon=":material/description:")
    copy_link(WITHOUT_DATA if uses_own_data() else "", f"copying taken{key}")
    package = st.segmented_control(
        "Code",
        ["clustering", "scikit-learn"],
        default="clustering",
        required=True,
        key=f"script{key}",
    )
    _show_script(run, scripts.with_clustering if package == "clustering" else scripts.with_scikit_learn)


def _show_script(run: Run, write: Callable[[Run], str]) -> None:
    """Show the script, or the reason why there is none. Any other error is logged, so that it does not break the page."""
    try:
        code = write(run)
    except NoScript as error:
        st.info(escape_markdown(as_sentence(error)), icon=":material/info:")
    except Exception:
        logging.getLogger(__name__).exception("no script for %s", run.settings)
        st.info("There is no script for this run.", icon=":material/info:")
    else:
        st.code(code, language="python", height=260)
        if "from clustering" in code:
            st.caption("Needs the package `clustering`: run the script in the app's folder or install the package.")
        if scripts.TABLE in code:
            st.caption(f"Reads the exported table: put {scripts.TABLE} in the working directory.")
        for file in run.view.files(run):
            if file.name in code:
                st.caption(f"Reads an exported file: put {file.name} in the working directory.")


def file_on_demand(label: str, content: tuple, create: Callable[[Callable[[float], None]], bytes], key: str = "") -> bool:
    """Show a button that creates the file for `download`, or its progress. Return whether the file exists."""
    text = f"Creating {_in_sentence(label)}."

    def compute(on_progress: OnProgress) -> bytes:
        return create(on_progress=lambda share: on_progress(share, text))

    try:
        return computed_meanwhile(_file_key(label, content), compute, text, lambda: _create_button(label, key))
    except ValueError as error:
        st.error(escape_markdown(as_sentence(error)), icon=":material/error:")
        return False


def _create_button(label: str, key: str) -> bool:
    return st.button(f"Create {_in_sentence(label)}", key=f"create {label}{key}", icon=":material/hourglass_top:")


def _file_key(label: str, content: tuple) -> tuple:
    return f"file {label}", *content


def _in_sentence(label: str) -> str:
    return f"{label[0].lower()}{label[1:]}"
