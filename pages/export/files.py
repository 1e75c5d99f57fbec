"""Exports of a run as bytes: assignments, parameters of the clusters, all iterations, and a GIF."""

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import product

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import plural_of
from pages.export import offline
from pages.figures import stills
from pages.figures.montage import montage
from pages.runs import curves
from pages.runs.frames import Frame
from pages.runs.run import Run

OnProgress = Callable[[float], None]
"""callback that receives the completed fraction (0 to 1); an exception that it raises stops the export"""
ignore_progress: OnProgress = lambda fraction: None  # noqa: E731
ROWS = 20_000
"""number of table rows written at once"""
FORMULA = re.compile(r"(^|[;\t\r\n])([^\S\t\r\n]*)(?=[=+\-@＝＋－＠])")
"""positions at which a spreadsheet may see the beginning of a formula: also after spaces, and after separators of columns and
lines, because some programs ignore quotation marks"""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def escape_formula(text) -> str:
    """Return the text with an apostrophe wherever a spreadsheet may see a formula. Numbers are unchanged."""
    text = str(text)
    return text if NUMBER.fullmatch(text) else FORMULA.sub(r"\1\2'", text)


def _csv(headers: list[str], columns: list, on_progress: OnProgress = ignore_progress) -> bytes:
    """Return a CSV table with these columns, which are arrays of numbers or lists."""
    out, rows = io.BytesIO(), len(columns[0])
    # with a byte order mark: Excel needs it to recognize UTF-8
    with io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True) as text:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(map(escape_formula, headers))
        for start in range(0, rows, ROWS):
            parts = (column[start : start + ROWS] for column in columns)
            cells = [part.tolist() if isinstance(part, np.ndarray) else map(escape_formula, part) for part in parts]
            writer.writerows(zip(*cells, strict=True))
            on_progress(min(1.0, (start + ROWS) / rows))
        text.flush()
        return out.getvalue()


def coordinate_names(run: Run) -> list[str]:
    """Return the names of the coordinates of points and centers; empty for a distance matrix."""
    return [] if run.data.precomputed is not None else list(run.data.columns)


def assignments_csv(run: Run, on_progress: OnProgress = ignore_progress) -> bytes:
    """Return a CSV table with one row per point: row number in the source, name, columns of the data, weight, and cluster.

    Clusters are numbered as on the screen, from 1; -1 means noise. Soft methods add a column with the membership in each
    cluster. Methods without clusters have columns of their own instead.
    """
    data, columns = run.data, coordinate_names(run)
    headers, parts = ["row"], [data.rows]
    if data.names is not None:
        headers.append("name")
        parts.append([str(name) for name in data.names])
    headers += columns
    parts += list(data.points.T if columns else ())
    if data.row_weights is not None:
        headers.append("weight")
        parts.append(data.row_weights)
    if run.view.traits.clusters:
        headers.append("cluster")
        parts.append(np.where(run.labels_by_rank < 0, -1, run.labels_by_rank + 1))
    if run.memberships is not None:
        headers += [f"{run.view.traits.membership}_{rank + 1}" for rank in range(run.k)]
        parts += list(run.memberships.T[np.argsort(run.ranks)])
    own = run.view.point_columns(run)
    return _csv([*headers, *own], [*parts, *own.values()], on_progress)


def parameters_csv(run: Run) -> bytes:
    """Return a CSV table with one row per cluster: number, size, center, and values that depend on the method.

    If rows have weights, their sum is in place of the size; see `Run.sizes_in`. If the columns were scaled, centers and
    covariances follow in the data's own units.
    Methods without clusters have a table of their own.
    """
    if not run.view.traits.clusters:
        own = run.view.parameter_columns(run)
        return _csv(list(own), list(own.values()))
    order, columns = np.argsort(run.ranks), coordinate_names(run)
    headers, parts = (
        ["cluster", run.size_name.lower().replace(" ", "_")],
        [np.arange(1, run.k + 1), run.sizes_in(-1)[order]],
    )
    wide = []  # values with several columns
    for name, values in run.view.cluster_columns(run).items():
        if np.ndim(values) > 1:
            wide.append((name, values))
            continue
        headers.append(name)
        parts.append(values[order] if isinstance(values, np.ndarray) else [values[i] for i in order])
    if columns:
        wide.insert(0, (run.center_name, run.cluster_centers))
    scaling = run.data.scaling
    in_units = [] if scaling is None else [(name, values, list(scaling.columns)) for name, values in _in_units(run).items()]
    for name, values, axes in [*((name, values, columns) for name, values in wide), *in_units]:
        headers += _entry_names(name, values.shape[1:], axes)
        parts += list(values[order].reshape(run.k, math.prod(values.shape[1:])).T)
    return _csv(headers, parts)


def _in_units(run: Run) -> dict[str, np.ndarray]:
    """Centers and whatever else depends on the scaling, in the data's own units, by singular name."""
    scaling = run.data.scaling
    return {run.center_name: scaling.positions(run.cluster_centers)} | run.view.cluster_columns_in_units(run, scaling)


def _entry_names(name: str, shape: tuple[int, ...], columns: list[str]) -> Iterator[str]:
    """Names of the entries of an array of this shape: axes as long as `columns` have their names, others count from 1."""
    axes = [columns if length == len(columns) else range(1, length + 1) for length in shape]
    return ("_".join(map(str, [name, *entry])) for entry in product(*axes))


def parameters_json(run: Run) -> bytes:
    """Return the settings of the run, its outcome, and its clusters in the order of their numbers on the screen, as JSON.

    Methods without clusters have `parameters` instead, the columns of the table of parameters.
    """
    data, history, settings = run.data, run.history, run.settings
    content = dict(
        method=settings.method,
        k=settings.k,
        start=dict(initialization=settings.start.initialization) | asdict(settings.start),
        seed=settings.seed,
        options=dict(settings.options),
        data=data.title,
        points=data.n,
        columns=list(data.columns),
        iterations=history.iterations,
        converged=history.converged,
        loss=history.last.loss,
        loss_is=history.process.loss_name,
        notices=[notice.message(run.ranks + 1) for _, notice in history.unique_notices()],
    )
    if data.row_weights is not None:
        content["weights"] = dict(column=data.weight_name, used=run.weights is not None)
    if data.scaling is not None:
        content["scaling"] = asdict(data.scaling)
    if run.view.traits.clusters:
        content["clusters"] = list(_records(run))
    else:
        content["parameters"] = run.view.parameter_columns(run)
    return json.dumps(content, ensure_ascii=False, indent=2, default=_plain).encode()


def _records(run: Run) -> Iterator[dict]:
    """Number, size, center, and values that depend on the method, of each cluster in the order on the screen."""
    columns, sizes = run.view.cluster_columns(run), run.sizes_in(-1)
    in_units = {} if run.data.scaling is None else _in_units(run)
    for i in np.argsort(run.ranks).tolist():
        record = {"number": run.ranks[i] + 1, run.size_name.lower().replace(" ", "_"): sizes[i]}
        record |= {name: values[i] for name, values in columns.items()}
        if coordinate_names(run):
            record[run.center_name] = run.cluster_centers[i]
        record |= {f"{name}_in_units": values[i] for name, values in in_units.items()}
        yield record


def _plain(value):
    """A NumPy scalar or array as JSON values."""
    return value.tolist()


def history_npz(run: Run, on_progress: OnProgress = ignore_progress) -> bytes:
    """Return all iterations as an NPZ file: the data, and the parameters, loss and cluster sizes of every state.

    It contains arrays only, so it loads with `allow_pickle=False`. Clusters are in the method's own order; `numbers` contains
    their numbers on the screen.
    """
    history = run.history
    arrays = dict(
        points=run.data.points if run.data.precomputed is None else run.data.precomputed,
        losses=history.losses,
        half_losses=history.half_losses,
    )
    if run.view.traits.clusters:
        arrays |= dict(changed=history.changed, sizes=_padded(history.sizes), labels=run.labels, numbers=run.ranks + 1)
    if run.data.row_weights is not None:
        arrays["row_weights"] = run.data.row_weights
    arrays |= run.view.arrays(run)
    if run.data.scaling is not None:
        arrays |= dict(shift=run.data.scaling.shift, scale=run.data.scaling.scale)
    if run.memberships is not None:
        arrays[plural_of(run.view.traits.membership)] = run.memberships
    out, written, total = io.BytesIO(), 0, sum(array.nbytes for array in arrays.values())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
            written += array.nbytes
            on_progress(written / total)
    return out.getvalue()


def _padded(sizes) -> np.ndarray:
    """Cluster sizes as an array with one row per state, padded with 0 if the number of clusters varies."""
    if isinstance(sizes, np.ndarray):
        return sizes
    width = max(map(len, sizes))
    return np.stack([np.pad(each, (0, width - len(each))) for each in sizes])


def animation_gif(
    run: Run, figure: go.Figure, frames: list[Frame], title: str, on_progress: OnProgress = ignore_progress
) -> bytes:
    """Return the animation and its loss curve as a GIF."""
    curve = curves.curve_of(run, frames, "")
    parts = [(figure, (0, 40, 640, 430)), (curve, (640, 40, 320, 260))]
    return stills.animated_gif(parts, (960, 540), title, [frame.sentence for frame in frames], on_progress)


def sentences_of(names: Sequence[str], frames: Sequence[list[Frame]]) -> list[str]:
    """Return the captions of all frames of several runs, one line for each run; runs with fewer frames keep the last one."""
    return [
        "\n".join(f"{name}: {row[min(i, len(row) - 1)].sentence}" for name, row in zip(names, frames, strict=True))
        for i in range(max(map(len, frames)))
    ]


def comparison_html(
    runs: Sequence[Run], names: Sequence[str], figures: list[go.Figure], frames: Sequence[list[Frame]], title: str
) -> bytes:
    """Return the synchronized animations of several runs, with their loss curves, as one HTML file."""
    shown = [curves.curve_of(run, row, "") for run, row in zip(runs, frames, strict=True)]
    return offline.animation(montage(figures, shown, list(names)), sentences_of(names, frames), title)


def comparison_gif(
    runs: Sequence[Run],
    names: Sequence[str],
    figures: list[go.Figure],
    frames: Sequence[list[Frame]],
    title: str,
    on_progress: OnProgress = ignore_progress,
) -> bytes:
    """Return the synchronized animations of several runs, with their loss curves, as one GIF."""
    n, width = len(runs), max(300, 960 // len(runs))
    parts = [(figure, (i * width, 64, width, 300)) for i, figure in enumerate(figures)]
    for i, (run, row) in enumerate(zip(runs, frames, strict=True)):
        parts.append((curves.curve_of(run, row, ""), (i * width, 370, width, 160)))
    size, sentences = (n * width, 550 + 40 * n), sentences_of(names, frames)
    return stills.animated_gif(parts, size, title, sentences, on_progress, names=names, lines=2 * n)
