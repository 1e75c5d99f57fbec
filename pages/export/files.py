"""What can be taken away of a run: tables, parameters, the whole history, and the moving picture.

Everything is made when it is asked for, as bytes or text; no Streamlit.
"""

import csv
import io
import json
import re
import zipfile

import numpy as np
import plotly.graph_objects as go
import plotly.io

from pages.datasets.formatting import safe
from pages.figures import stills
from pages.runs import curves
from pages.runs.frames import Frame
from pages.runs.run import MIDDLES, Run

WATCH = lambda share: None  # noqa: E731
ROWS = 20_000
"""of a table that are written at once"""
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""how a cell begins that a spreadsheet would run as a formula"""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def harmless(text) -> str:
    """The text of a cell, with an apostrophe before what a spreadsheet would run as a formula. Numbers stay numbers."""
    text = str(text)
    return f"'{text}" if text.startswith(DANGEROUS) and not NUMBER.fullmatch(text) else text


def _csv(headers: list[str], columns: list, watch=WATCH) -> bytes:
    """A table of these columns: arrays of numbers, or lists."""
    out, rows = io.BytesIO(), len(columns[0])
    # the mark at the beginning tells Excel that this is UTF-8
    with io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True) as text:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(map(harmless, headers))
        for start in range(0, rows, ROWS):
            parts = (column[start : start + ROWS] for column in columns)
            cells = [part.tolist() if isinstance(part, np.ndarray) else map(harmless, part) for part in parts]
            writer.writerows(zip(*cells, strict=True))
            watch(min(1.0, (start + ROWS) / rows))
        text.flush()
        return out.getvalue()


def assignments(run: Run, watch=WATCH) -> bytes:
    """A CSV with a row for each point: where it comes from, its columns, its cluster as on the screen, and for a mixture the
    responsibility of each component. `watch` is told the share that is done."""
    data, k = run.data, run.settings.k
    order = np.argsort(run.ranks)
    labels = run.ranks[run.history.last.labels] + 1
    headers = ["row"] + ["name"] * (data.names is not None)
    columns = [] if data.given is not None else list(data.columns)
    headers += columns + ["cluster"]
    parts: list = [data.rows]
    if data.names is not None:
        parts.append([str(name) for name in data.names])
    if columns:
        parts += list(data.points.T)
    parts.append(labels)
    if run.settings.algorithm == "mixture":
        headers += [f"responsibility_{rank + 1}" for rank in range(k)]
        parts += list(run.history.last.assignment.responsibilities.T[order])
    return _csv(headers, parts, watch)


def parameters_table(run: Run) -> bytes:
    """A CSV with a row for each cluster: its number, size and middle; of a mixture weight and covariance too."""
    data, order = run.data, np.argsort(run.ranks)
    middle = MIDDLES[run.settings.algorithm]
    columns = [] if data.given is not None else list(data.columns)
    headers = ["cluster", "size"]
    mixture, medoids = run.settings.algorithm == "mixture", run.settings.algorithm == "kmedoids"
    headers += ["weight"] * mixture + ["medoid_row", "medoid"] * medoids + [f"{middle}_{column}" for column in columns]
    if mixture:
        headers += [f"covariance_{a}_{b}" for a in columns for b in columns]
    rows = []
    for rank, i in enumerate(order.tolist()):
        row = [rank + 1, run.history.sizes[-1][i].item()]
        if mixture:
            row.append(float(run.history.parameters[-1].weights[i]))
        if medoids:
            at = int(run.history.parameters[-1][i])
            row += [int(data.rows[at]), data.called([at])[0]]
        row += run.centers[-1][i].tolist() if columns else []
        if mixture:
            row += run.history.parameters[-1].covariances[i].ravel().tolist()
        rows.append(row)
    return _csv(headers, list(map(list, zip(*rows, strict=True))))


def parameters_json(run: Run) -> bytes:
    """The settings of the run, how it ended, and its parameters in the order of the numbers on the screen, as JSON."""
    data, history, settings, order = run.data, run.history, run.settings, np.argsort(run.ranks)
    last = history.parameters[-1]
    told = dict(
        algorithm=settings.algorithm,
        k=settings.k,
        start=settings.start,
        seed=settings.seed,
        data=data.title,
        points=len(data.points),
        columns=list(data.columns),
        iterations=history.iterations,
        converged=history.converged,
        loss=float(history.losses[-1]),
        loss_is=history.method.loss_name,
        sizes=history.sizes[-1][order].tolist(),
        notices=[notice.told(run.ranks + 1) for _, notice in history.named_notices()],
    )
    if settings.algorithm == "mixture":
        told |= dict(covariance=settings.covariance, least_variance=settings.floor)
        told |= {name: getattr(last, name)[order].tolist() for name in ("weights", "means", "covariances")}
    elif settings.algorithm == "kmedoids":
        told |= dict(metric=settings.metric, update=settings.update, medoid_rows=data.rows[last[order]].tolist())
        told |= dict(medoids=data.called(last[order]))
    else:
        told |= dict(centers=last[order].tolist())
    if settings.algorithm == "tree":
        told |= dict(linkage=settings.merging.linkage, metric=settings.merging.metric)
    return json.dumps(told, ensure_ascii=False, indent=2).encode()


def history(run: Run, watch=WATCH) -> bytes:
    """The whole run as a NumPy archive: what it worked on, and parameters, losses and sizes of each state, T + 1 of them.

    Arrays only, so that it loads with `allow_pickle=False`. Clusters are in the order of the method; `numbers` says which
    number each has on the screen. `watch` is told the share that is done.
    """
    history = run.history
    arrays = dict(
        points=run.data.points if run.data.given is None else run.data.given,
        losses=history.losses,
        half_losses=history.half_losses,
        changed=history.changed,
        sizes=history.sizes,
        labels=history.last.labels,
        numbers=run.ranks + 1,
    )
    if run.settings.algorithm == "mixture":
        for name in ("weights", "means", "covariances"):
            arrays[name] = np.stack([getattr(one, name) for one in history.parameters])
        arrays["responsibilities"] = history.last.assignment.responsibilities
    else:
        arrays["medoids" if run.settings.algorithm == "kmedoids" else "centers"] = np.stack(history.parameters)
    out, done, whole = io.BytesIO(), 0, sum(array.nbytes for array in arrays.values())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as place:
                np.lib.format.write_array(place, array, allow_pickle=False)
            done += array.nbytes
            watch(done / whole)
    return out.getvalue()


def offline(picture: go.Figure, sentences: list[str], title: str, moment: int = 250) -> bytes:
    """The moving picture as one HTML file with all that it needs: it plays without a network.

    `sentences` has one for each frame; `moment` is how long a frame stands, in milliseconds.
    """
    figure = go.Figure(picture)
    figure.layout.updatemenus = None  # what the player of the app needs
    at_once = dict(mode="immediate", transition=dict(duration=0))
    still = at_once | dict(frame=dict(duration=0, redraw=False))
    playing = at_once | dict(fromcurrent=True, frame=dict(duration=moment, redraw=False))
    buttons = [
        dict(label="From the start", method="animate", args=[["0"], still]),
        dict(label="Play", method="animate", args=[None, playing]),
        dict(label="Pause", method="animate", args=[[None], still]),
    ]
    steps = [dict(label=str(i), method="animate", args=[[str(i)], still]) for i in range(len(sentences))]
    below = dict(x=0, y=-0.12, xanchor="left", yanchor="top")
    menu = dict(type="buttons", direction="left", showactive=False, buttons=buttons, pad=dict(t=20))
    slider = dict(
        active=len(steps) - 1,
        steps=steps,
        currentvalue=dict(prefix="step ", font=dict(size=14, color="#31333f")),
        transition=dict(duration=0),
        ticklen=0,
        minorticklen=0,
        font=dict(size=10, color="rgba(0,0,0,0)" if len(steps) > 40 else "#31333f"),  # where there is room for them
        len=1.0,
        pad=dict(t=60),
    )
    figure.update_layout(
        title=dict(text=safe(title)),
        height=700,
        margin=dict(l=50, r=20, t=60, b=180),
        template="plotly_white",
        updatemenus=[menu | below],
        sliders=[slider | below],
    )
    told = json.dumps(sentences).replace("<", "\\u003c")
    script = (
        "const graph = document.getElementById('{plot_id}'), told = document.createElement('p');"
        "told.style.cssText = 'font:600 17px sans-serif;margin:0 3rem';told.setAttribute('aria-live', 'polite');"
        f"graph.before(told);const sentences = {told};"
        "const say = (i) => (told.textContent = sentences[i] ?? '');say(sentences.length - 1);"
        "let shown = sentences.length - 1;"
        "graph.on('plotly_animatingframe', (event) => say((shown = Number(event.name))));"
        # an animation that gives way to another one is no fault
        "addEventListener('unhandledrejection', (event) => event.preventDefault());"
        f"const still = {json.dumps(still)}, playing = {json.dumps(playing)};"
        "let plays = false;graph.on('plotly_animated', () => (plays = false));"
        "graph.on('plotly_buttonclicked', (event) => (plays = event.button.label === 'Play'));"
        "addEventListener('keydown', (event) => {"
        "const by = { ' ': 0, ArrowRight: 1, ArrowLeft: -1 }[event.key];"
        "if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;"
        "event.preventDefault();"
        "const next = Math.max(0, Math.min(sentences.length - 1, shown + by));"
        "if (by) { plays = false; Plotly.animate(graph, [String(next)], still); }"
        "else if (plays) { plays = false; Plotly.animate(graph, [null], still); }"
        "else Plotly.animate(graph, null, { ...playing, fromcurrent: shown < sentences.length - 1 }), (plays = true);"
        "});"
    )
    return plotly.io.to_html(
        figure, include_plotlyjs=True, auto_play=False, post_script=script, config=dict(displayModeBar=False)
    ).encode()


def moving_image(run: Run, picture: go.Figure, frames: list[Frame], title: str, watch=WATCH) -> bytes:
    """The moving picture and its loss curve as a GIF. `watch` is told the share that is done."""
    curve = curves.loss_curve(run, frames, "")
    places = [(picture, (0, 40, 640, 430)), (curve, (640, 40, 320, 260))]
    return stills.animated(places, (960, 540), title, [frame.sentence for frame in frames], watch)
