"""The report of a run as HTML: settings, results, warnings, plots, clusters and data."""

import base64
import html
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pages.datasets.formatting import format_number, minus_signs
from pages.figures import palette
from pages.figures.markup import cell, mark, table
from pages.figures.plots import colors_note, rings_note
from pages.figures.stills import Stills
from pages.methods.base import ResultTable
from pages.methods.metric import distances_name
from pages.methods.starts import ManualStart, TreeStart
from pages.methods.trees import linkage_name
from pages.runs import pixels
from pages.runs.run import Run
from pages.runs.run_pictures import RunPictures

MAX_COLUMNS = 20
"""maximum number of data columns in the tables"""
PLOT_SIZE = 480, 340
"""width and height of a plot in pixels; for printing, images have `OVERSAMPLING` times as many"""
STYLE = f"<style>{(Path(__file__).parent / 'report.css').read_text(encoding='utf-8')}</style>"


def report(run: Run, shown: RunPictures, notices: Sequence[str], link: str) -> str:
    """Return the report of a run as an HTML fragment.

    `notices` are the warnings, as sentences. `link` is the address of the run, or a sentence that explains why there is none.
    """
    today = date.today()
    parts = [
        f"{STYLE}<article class='report'><h2>{cell(run.title)}</h2>",
        f"<p>{cell(shown.frames[-1].sentence)}</p>",
        f"<div class='columns'><section><h3>Settings</h3>{_pairs(_settings(run))}</section>",
        f"<section><h3>Results</h3>{_pairs(_scores(run))}</section></div>",
        f"<h3>Warnings</h3>{''.join(f'<p>{cell(one)}</p>' for one in notices) or '<p>None.</p>'}",
        f"<h3>Run</h3>{_plots(shown)}<p>{cell(_plot_notes(run, shown))}</p>",
        _clusters(run) if run.view.traits.clusters else "".join(map(_own_table, run.view.tables(run))),
        f"<h3>Data</h3>{_data(run)}",
        f"<h3>Link</h3><p>{_linked(link)}</p><p>{today:%B} {today.day}, {today.year}</p></article>",
    ]
    return "".join(parts)


def standalone_html(report: str, title: str) -> bytes:
    """Return the report as a complete HTML file."""
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<body style='font-family:sans-serif;background:#fff'>{report}</body></html>"
    ).encode()


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values as an HTML description list."""
    return "<dl>" + "".join(f"<dt>{cell(name)}</dt><dd>{cell(value)}</dd>" for name, value in pairs) + "</dl>"


def _linked(link: str) -> str:
    """The text, as a link if it is an address."""
    return (
        f"<a href='{html.escape(link, quote=True)}'>{cell(link)}</a>"
        if link.startswith(("http://", "https://"))
        else cell(link)
    )


def _scores(run: Run) -> list[tuple[str, str]]:
    """How the run ended, its loss, and its scores."""
    pairs = [("Status", run.ending)]
    if run.history.last.loss is not None:
        definition = run.history.process.loss_name.replace(" (", ", ").removesuffix(")")  # no nested parentheses
        pairs.append(("Final loss", f"{format_number(run.history.last.loss)} ({definition})"))
    for score in run.view.scores(run):
        # the unit in parentheses is part of the report's text
        pairs.append((score.name.partition(" (")[0], score.report) if score.report else (score.name, score.text))
    width = run.silhouette
    if width is not None:
        sampled = len(width.rows) < run.data.n
        of = f" (sample of {len(width.rows):,} points)" if sampled else ""
        pairs.append(("Silhouette", minus_signs(f"{width.mean:.3f}{of} (1 = well separated, 0 = on the boundary)")))
    if run.agreement is not None:
        true_labels = run.data.true_labels_name
        pairs += [
            (
                "Adjusted Rand index",
                f"{minus_signs(f'{run.agreement:.3f}')} vs. the {true_labels}; 1 = identical, 0 = as expected by chance",
            ),
            ("Normalized mutual information", f"{run.mutual_information:.3f} vs. the {true_labels}"),
        ]
    return pairs


def _settings(run: Run) -> list[tuple[str, str]]:
    """All settings on which the run depends."""
    settings, view, start = run.settings, run.view, run.settings.start
    pairs = [("Algorithm", view.title)]
    if view.traits.k == "chosen":
        pairs.append(("Clusters (K)", str(settings.k)))
    if view.initializations:
        pairs.append(("Initialization", view.initialization(start.initialization).label))
    if isinstance(start, ManualStart):
        centers = "; ".join(", ".join(f"{value:.6g}" for value in center) for center in start.centers)
        pairs.append(("Initial centers", minus_signs(centers)))
    if isinstance(start, TreeStart):
        pairs.append(("Tree", f"{linkage_name(start.linkage)}, {distances_name(start.metric)}"))
    if view.traits.random:
        pairs.append(("Random seed", str(settings.seed)))
    return pairs + [(option.label, option.label_of(settings.option(option.name))) for option in view.options]


def _data(run: Run) -> str:
    """A sentence about the data, and a table of their columns if they are points."""
    data = run.data
    n, d = data.n, data.points.shape[1]
    if data.precomputed is not None:
        return f"<p>{cell(f'{data.title}: {n:,} × {n:,} {data.matrix_name}. {data.note}')}</p>"
    text = f"{data.title}: {n:,} points, {d} column{'s' * (d > 1)}. {data.note} {run.note}".strip()
    rows = []
    for name, column in zip(data.columns[:MAX_COLUMNS], data.points.T[:MAX_COLUMNS], strict=True):
        values = column.min(), column.mean(), column.max(), column.std()
        rows.append([name, *(minus_signs(f"{value:.5g}") for value in values)])
    more = f"<p>and {d - MAX_COLUMNS:,} more columns.</p>" if d > MAX_COLUMNS else ""
    return f"<p>{cell(text)}</p>" + table(["Column", "Min", "Mean", "Max", "SD"], rows, "Columns", True) + more


def _clusters(run: Run) -> str:
    """A heading and a table of the clusters: size, values of the method that are single numbers or texts, and center."""
    columns = [] if run.data.precomputed is not None else list(run.data.columns[:MAX_COLUMNS])
    values_by_name = {name: values for name, values in run.view.cluster_columns(run).items() if np.ndim(values) == 1}
    headers = ["Cluster", "Size", *(name.replace("_", " ").capitalize() for name in values_by_name), *columns]
    rows = []
    for k in np.argsort(run.ranks):
        rank = run.ranks[k]
        row = [mark(palette.mark_of(rank), palette.color_of(rank), rank + 1), f"{run.history.sizes[-1][k]:,.6g}"]
        row += [_cluster_text(values[k]) for values in values_by_name.values()]
        row += [minus_signs(f"{value:.4g}") for value in run.cluster_centers[k][: len(columns)]]
        rows.append(row)
    coordinates = f"{', '.join(columns)}: coordinates of the cluster {run.center_name}s."
    caption = f"<p>{cell(coordinates)}</p>" if columns else ""
    return f"<h3>Clusters</h3>{table(headers, rows, 'Clusters', True)}{caption}"


def _own_table(result: ResultTable) -> str:
    """A table of the method itself."""
    return (
        f"<h3>{cell(result.title)}</h3>{table(result.headers, result.rows, result.title, True)}<p>{cell(result.caption)}</p>"
    )


def _cluster_text(value: Any) -> str:
    """The text of a table cell: integers with all digits, other numbers with four decimal places."""
    if isinstance(value, str):
        return value
    return minus_signs(f"{value:,}" if isinstance(value, int | np.integer) else f"{value:.4f}")


def _plots(shown: RunPictures) -> str:
    """The first, middle and last frame of the run, and its loss curve."""
    last = len(shown.frames) - 1
    figures = []
    stills = Stills(shown.picture, *PLOT_SIZE, fine=True)
    for name, i in (("First", 0), ("Middle", last // 2), ("Last", last)):
        figures.append(_figure(stills.at(i), f"{name} frame ({i} / {last}). {shown.frames[i].sentence}"))
    if shown.frames[-1].loss is not None:
        figures.append(_figure(Stills(shown.curve, *PLOT_SIZE, fine=True).at(last), "Loss after each E and M step."))
    return f"<div class='plots'>{''.join(figures)}</div>"


def _plot_notes(run: Run, shown: RunPictures) -> str:
    """Sentences about omitted frames, colors and rings."""
    rings = rings_note(run.data).replace("; hover for details", "")
    return " ".join([shown.omitted_note, colors_note(run.k), rings, pixels.NOTE if run.data.all_rows else ""])


def _figure(image: Image.Image, caption: str) -> str:
    """The image with its caption, as an HTML figure."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=92, method=2)  # not a format with a palette, which could lose the colors of small clusters
    source = "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()
    text = html.escape(caption, quote=True)
    return f"<figure><img src='{source}' alt='{text}'><figcaption>{text}</figcaption></figure>"
