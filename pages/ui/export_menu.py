"""The export menu of a run: downloads, made on demand, and scripts that repeat it."""

import logging
import re
from collections.abc import Callable
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from pages.datasets.formatting import as_sentence, escape_markdown
from pages.export import files, offline, scripts
from pages.export.downloads import distinct_type
from pages.figures import plots
from pages.methods.base import NoScript
from pages.runs.frames import Frame
from pages.runs.run import Run
from pages.ui.buttons import WITHOUT_DATA, copy_link
from pages.ui.widgets import session_cache, uses_own_data

QUICK = 400_000
"""numbers in a run whose table is made without a progress bar"""


def show_export_menu(run: Run, picture: go.Figure, frames: list[Frame], key: str = "") -> None:
    """Shows a menu of all exports of a run and its moving picture. `key` tells several runs on a page apart."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{run.data.title} {run.settings.method} {run.k}").strip("-").lower()
    sentences = [frame.sentence for frame in frames]
    long = run.cells > QUICK and not run.view.traits.pairwise
    with st.popover("Take it away", icon=":material/download:"):
        with st.container(horizontal=True):
            for label, ending, mime, slow, make in (
                ("Assignments, CSV", "assignments.csv", "text/csv", long, partial(files.assignments_csv, run)),
                ("Parameters, CSV", "parameters.csv", "text/csv", False, partial(files.clusters_csv, run)),
                ("Parameters, JSON", "parameters.json", "application/json", False, partial(files.parameters_json, run)),
                ("Whole history, NPZ", "history.npz", "application/octet-stream", long, partial(files.history_npz, run)),
                (
                    "Animation, HTML",
                    "animation.html",
                    "text/html",
                    False,
                    partial(offline.animation, picture, sentences, run.title),
                ),
                (
                    "Animation, GIF",
                    "animation.gif",
                    "image/gif",
                    True,
                    partial(files.animation_gif, run, picture, frames, run.title),
                ),
            ):
                if slow:
                    make = _file_on_demand(label, (label, picture.layout.meta, key), make)
                if make is not None:
                    st.download_button(
                        label,
                        make,
                        ending if ending == scripts.TABLE else f"{name}-{ending}",
                        distinct_type(mime, plots.token(label, run.key, picture.layout.meta).encode()),
                        key=f"take {label}{key}",
                        on_click="ignore",
                        icon=":material/download:",
                    )
        st.caption(
            "The animation plays without a network. In tables, what a spreadsheet would take for a formula begins with an "
            "apostrophe. The picture is saved beside the player, as it is."
        )
        if not key:
            st.page_link("pages/report/page.py", label="A report of this run, to be printed", icon=":material/description:")
        copy_link(WITHOUT_DATA if uses_own_data() else "", f"copying taken{key}")
        package = st.segmented_control(
            "As code",
            ["clustering", "scikit-learn"],
            default="clustering",
            required=True,
            key=f"script{key}",
        )
        _show_script(run, scripts.with_clustering if package == "clustering" else scripts.with_scikit_learn)


def _show_script(run: Run, write: Callable[[Run], str]) -> None:
    """Shows the script, or why there is none. A script that fails to be written must not break the page."""
    try:
        code = write(run)
    except NoScript as fault:
        st.info(escape_markdown(as_sentence(fault)), icon=":material/info:")
    except Exception:
        logging.getLogger(__name__).exception("no script for %s", run.settings)
        st.info("There is no script for this run.", icon=":material/info:")
    else:
        st.code(code, language="python", height=260)
        if "from clustering" in code:
            st.caption("It runs in the folder of the app, where the package `clustering` is.")
        if scripts.TABLE in code:
            st.caption(f"It reads {scripts.TABLE}, the assignments above, from the folder in which it runs.")


def _file_on_demand(label: str, what: tuple, make: Callable[[Callable[[float], None]], bytes]) -> bytes | None:
    """Shows a button that makes the file, with a progress bar. Returns the file, None as long as it is not made."""
    cache, place = session_cache(), st.empty()
    what = ("file", *what)
    if what not in cache:
        if not place.button(f"Make: {label}", key=f"make {what}", icon=":material/hourglass_top:"):
            return None
        cache.get(what, lambda: make(on_progress=lambda share: place.progress(share, f"Making: {label}")))
    place.empty()
    return cache.get(what, None)
