"""What the page offers to take away of a run: downloads, and scripts that repeat it. All is made when it is asked for."""

import logging
import re
from collections.abc import Callable
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from pages.datasets.formatting import as_sentence, plain
from pages.export import files, offline, scripts
from pages.export.downloads import distinct_type
from pages.figures import plots
from pages.methods.base import NoScript
from pages.runs.frames import Frame
from pages.runs.run import Run
from pages.ui.buttons import LACKS, copy_link
from pages.ui.widgets import is_own, recent

QUICK = 400_000
"""numbers in a table that is made within a moment"""


def offer(run: Run, picture: go.Figure, frames: list[Frame], key: str = "") -> None:
    """A button with all that can be taken away of this run and of its moving picture. `key` tells several runs apart."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{run.data.title} {run.settings.method} {run.k}").strip("-").lower()
    title = f"{run.view.title}, K = {run.k}: {run.data.title}"
    sentences = [frame.sentence for frame in frames]
    long = run.cells > QUICK and not run.view.traits.pairwise
    with st.popover("Take it away", icon=":material/download:"):
        with st.container(horizontal=True):
            for label, ending, mime, slow, make in (
                ("Assignments, CSV", "assignments.csv", "text/csv", long, partial(files.assignments, run)),
                ("Parameters, CSV", "parameters.csv", "text/csv", False, partial(files.clusters, run)),
                ("Parameters, JSON", "parameters.json", "application/json", False, partial(files.parameters_json, run)),
                ("Whole history, NPZ", "history.npz", "application/octet-stream", long, partial(files.history, run)),
                (
                    "Animation, HTML",
                    "animation.html",
                    "text/html",
                    False,
                    partial(offline.animation, picture, sentences, title),
                ),
                (
                    "Animation, GIF",
                    "animation.gif",
                    "image/gif",
                    True,
                    partial(files.moving_image, run, picture, frames, title),
                ),
            ):
                if slow:
                    make = _made(label, (label, picture.layout.meta, key), make)
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
        copy_link(LACKS if is_own() else "", f"copying taken{key}")
        package = st.segmented_control(
            "As code",
            ["clustering", "scikit-learn"],
            default="clustering",
            required=True,
            key=f"script{key}",
        )
        _show_script(run, scripts.with_clustering if package == "clustering" else scripts.with_scikit_learn)


def _show_script(run: Run, write: Callable[[Run], str]) -> None:
    """The script, or why there is none. One that cannot be written must not take the page down."""
    try:
        code = write(run)
    except NoScript as fault:
        st.info(plain(as_sentence(fault)), icon=":material/info:")
    except Exception:
        logging.getLogger(__name__).exception("no script for %s", run.settings)
        st.info("There is no script for this run.", icon=":material/info:")
    else:
        st.code(code, language="python", height=260)
        if "from clustering" in code:
            st.caption("It runs in the folder of the app, where the package `clustering` is.")
        if scripts.TABLE in code:
            st.caption(f"It reads {scripts.TABLE}, the assignments above, from the folder in which it runs.")


def _made(label: str, what: tuple, make: Callable[[Callable[[float], None]], bytes]) -> bytes | None:
    """What takes longer to make: first a button, then a bar, then the file."""
    store, place = recent(), st.empty()
    what = ("file", *what)
    if what not in store:
        if not place.button(f"Make: {label}", key=f"make {what}", icon=":material/hourglass_top:"):
            return None
        store.get(what, lambda: make(on_share=lambda share: place.progress(share, f"Making: {label}")))
    place.empty()
    return store.get(what, None)
