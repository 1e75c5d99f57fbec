"""Files about a run: tables, parameters, the whole history, and the moving picture.

Everything is made when it is asked for, as bytes; no Streamlit.
"""

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import product

import numpy as np
import plotly.graph_objects as go

from pages.figures import stills
from pages.runs import curves
from pages.runs.frames import Frame
from pages.runs.run import Run

OnProgress = Callable[[float], None]
"""is called with the share that is done; an exception that it raises ends the work"""
ignore_progress: OnProgress = lambda share: None  # noqa: E731
ROWS = 20_000
"""of a table that are written at once"""
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""how a cell begins that a spreadsheet would run as a formula"""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def harmless(text) -> str:
    """The text of a cell, with an apostrophe before what a spreadsheet would run as a formula. Numbers stay numbers."""
    text = str(text)
    return f"'{text}" if text.startswith(DANGEROUS) and not NUMBER.fullmatch(text) else text


def _csv(headers: list[str], columns: list, on_progress: OnProgress = ignore_progress) -> bytes:
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
            on_progress(min(1.0, (start + ROWS) / rows))
        text.flush()
        return out.getvalue()


def coordinate_names(run: Run) -> list[str]:
    """The names of the columns that points and places have coordinates in; none where only proximities are known."""
    return [] if run.data.precomputed is not None else list(run.data.columns)


def assignments_csv(run: Run, on_progress: OnProgress = ignore_progress) -> bytes:
    """A CSV with a row for each point: where it comes from, its columns, its cluster as on the screen, -1 for none, and for a
    soft method its share in each cluster."""
    data, shares = run.data, run.history.last.assignment.shares
    columns = coordinate_names(run)
    headers, parts = ["row"], [data.rows]
    if data.names is not None:
        headers.append("name")
        parts.append([str(name) for name in data.names])
    headers += [*columns, "cluster"]
    parts += [*(data.points.T if columns else ()), np.where(run.numbers < 0, -1, run.numbers + 1)]
    if shares is not None:
        headers += [f"{run.view.traits.share}_{rank + 1}" for rank in range(run.k)]
        parts += list(shares.T[np.argsort(run.ranks)])
    return _csv(headers, parts, on_progress)


def clusters_csv(run: Run) -> bytes:
    """A CSV with a row for each cluster: its number, size and place, and what the method has to say of it."""
    order, columns = np.argsort(run.ranks), coordinate_names(run)
    headers, parts = ["cluster", "size"], [np.arange(1, run.k + 1), run.history.sizes[-1][order]]
    long = []
    for name, values in run.view.cluster_columns(run).items():
        if np.ndim(values) > 1:
            long.append((name, values))
            continue
        headers.append(name)
        parts.append(values[order] if isinstance(values, np.ndarray) else [values[i] for i in order])
    if columns:
        long.insert(0, (run.center_name, run.cluster_centers))
    for name, values in long:
        headers += _names_of_entries(name, values.shape[1:], columns)
        parts += list(values[order].reshape(run.k, math.prod(values.shape[1:])).T)
    return _csv(headers, parts)


def _names_of_entries(name: str, shape: tuple[int, ...], columns: list[str]) -> Iterator[str]:
    """What each number in an array of this shape is called: by columns of the data where it has one for each, else counted."""
    axes = [columns if length == len(columns) else range(1, length + 1) for length in shape]
    return ("_".join(map(str, [name, *entry])) for entry in product(*axes))


def parameters_json(run: Run) -> bytes:
    """The settings of the run, how it ended, and its clusters in the order of the numbers on the screen, as JSON."""
    data, history, settings = run.data, run.history, run.settings
    content = dict(
        method=settings.method,
        k=settings.k,
        start=dict(initialization=settings.start.initialization) | asdict(settings.start),
        seed=settings.seed,
        options=dict(settings.options),
        data=data.title,
        points=len(data.points),
        columns=list(data.columns),
        iterations=history.iterations,
        converged=history.converged,
        loss=history.last.loss,
        loss_is=history.process.loss_name,
        notices=[notice.message(run.ranks + 1) for _, notice in history.unique_notices()],
        clusters=list(_records(run)),
    )
    return json.dumps(content, ensure_ascii=False, indent=2, default=_plain).encode()


def _records(run: Run) -> Iterator[dict]:
    """What is known of each cluster, in the order of the numbers on the screen."""
    columns = run.view.cluster_columns(run)
    for i in np.argsort(run.ranks).tolist():
        record = dict(number=run.ranks[i] + 1, size=run.history.sizes[-1][i])
        record |= {name: values[i] for name, values in columns.items()}
        if coordinate_names(run):
            record[run.center_name] = run.cluster_centers[i]
        yield record


def _plain(value):
    """A number or an array of NumPy as JSON has it."""
    return value.tolist()


def history_npz(run: Run, on_progress: OnProgress = ignore_progress) -> bytes:
    """The whole run as a NumPy archive: what it worked on, and parameters, losses and sizes of each iteration, T + 1 of them.

    Arrays only, so that it loads with `allow_pickle=False`. Clusters are in the order of the method; `numbers` says which
    number each has on the screen.
    """
    history = run.history
    arrays = dict(
        points=run.data.points if run.data.precomputed is None else run.data.precomputed,
        losses=history.losses,
        half_losses=history.half_losses,
        changed=history.changed,
        sizes=_in_one_array(history.sizes),
        labels=history.last.labels,
        numbers=run.ranks + 1,
    )
    arrays |= run.view.arrays(run)
    shares = history.last.assignment.shares
    if shares is not None:
        arrays[_plural(run.view.traits.share)] = shares
    out, done, whole = io.BytesIO(), 0, sum(array.nbytes for array in arrays.values())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as place:
                np.lib.format.write_array(place, array, allow_pickle=False)
            done += array.nbytes
            on_progress(done / whole)
    return out.getvalue()


def _in_one_array(sizes) -> np.ndarray:
    """(T + 1, most) the sizes of the clusters of each iteration, 0 where an iteration has fewer clusters."""
    if isinstance(sizes, np.ndarray):
        return sizes
    most = max(map(len, sizes))
    return np.stack([np.pad(each, (0, most - len(each))) for each in sizes])


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def animation_gif(
    run: Run, picture: go.Figure, frames: list[Frame], title: str, on_progress: OnProgress = ignore_progress
) -> bytes:
    """The moving picture and its loss curve as a GIF."""
    curve = curves.loss_curve(run, frames, "")
    places = [(picture, (0, 40, 640, 430)), (curve, (640, 40, 320, 260))]
    return stills.animated_gif(places, (960, 540), title, [frame.sentence for frame in frames], on_progress)
