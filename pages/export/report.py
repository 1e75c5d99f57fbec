"""The report of a run as HTML: its segments and settings, then plots, clusters and data."""

import base64
import html
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pages.datasets.data import Data
from pages.datasets.formatting import format_number, minus_signs
from pages.export.segment_report import headline, linked, method_and_settings, quality, segment_blocks
from pages.figures.markup import cell, cluster_mark, noise_mark, table
from pages.figures.plots import colors_note, rings_note
from pages.figures.stills import Stills
from pages.methods.base import ResultTable
from pages.methods.metric import distances_name
from pages.methods.starts import ManualStart, TreeStart
from pages.methods.trees import linkage_name
from pages.runs import curves, pixels
from pages.runs.known_groups import NOISE_IS_A_GROUP
from pages.runs.profiles import Profiles
from pages.runs.readings import NONE
from pages.runs.run import Run, silhouette_points
from pages.runs.run_pictures import RunPictures
from pages.runs.segments import segments_of

MAX_COLUMNS = 6
"""maximum number of data columns in the tables, so that they fit the page"""
PLOT_SIZE = 480, 340
"""width and height of a plot in pixels; for printing, images have `OVERSAMPLING` times as many"""
STYLE = f"<style>{(Path(__file__).parent / 'report.css').read_text(encoding='utf-8')}</style>"


def report(
    run: Run, shown: RunPictures, notices: Sequence[str], link: str, profiles: Profiles | None = None, stability: str = ""
) -> str:
    """Return the report of a run as an HTML fragment.

    Parameters
    ----------
    notices : the warnings, as sentences
    link : the address of the run, or a sentence that explains why there is none
    profiles : the profiles of its segments; by default those of its clusters
    stability : sentences about the stability of the segments
    """
    today = date.today()
    written = f"{today:%B} {today.day}, {today.year}"
    if run.view.traits.clusters:
        profiles = profiles or Profiles(segments_of(run))
        method = method_and_settings(profiles.segments, _settings(run))
        before = "<p>The run and its clusters, before they were edited by hand.</p>" if profiles.segments.is_edited else ""
        parts = [
            f"<p class='kind'>{cell(run.title)}. {written}</p><h2>{cell(headline(profiles))}</h2>",
            segment_blocks(profiles),
            f"<h3>Quality</h3>{quality(profiles.segments, notices, stability)}",
            f"<h3>Method and settings</h3><p>{cell(method)} {linked(link)}</p>",
            f"<div class='details'><h3>Run</h3>{before}{_plots(shown, curves.title_of(run), _pairs(_scores(run)))}",
            f"<p>{cell(_plot_notes(run, shown))}</p>{_clusters(run)}<h3>Data</h3>{_data(run)}</div>",
        ]
    else:
        parts = [
            f"<p class='kind'>{written}</p><h2>{cell(run.title)}</h2>",
            f"<p>{cell(shown.frames[-1].sentence)}</p>",
            f"<div class='columns'><section><h3>Settings</h3>{_pairs(_settings(run))}</section>",
            f"<section><h3>Results</h3>{_pairs(_scores(run))}</section></div>",
            f"<h3>Warnings</h3>{''.join(f'<p>{cell(one)}</p>' for one in notices) or '<p>None.</p>'}",
            f"<h3>Run</h3>{_plots(shown, curves.title_of(run))}<p>{cell(_plot_notes(run, shown))}</p>",
            *map(_own_table, run.view.tables(run)),
            f"<h3>Data</h3>{_data(run)}<h3>Link</h3><p>{linked(link)}</p>",
        ]
    return f"{STYLE}<article class='report'>{''.join(parts)}</article>"


def standalone_html(report: str, title: str) -> bytes:
    """Return the report as a complete HTML file."""
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<body style='font-family:sans-serif;background:#fff'>{report}</body></html>"
    ).encode()


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values as an HTML description list."""
    return "<dl>" + "".join(f"<dt>{cell(name)}</dt><dd>{cell(value)}</dd>" for name, value in pairs) + "</dl>"


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
        points = silhouette_points(width, run.labels, run.data.n, weights=run.weights)
        of = f" ({points})" if points else ""
        pairs.append(("Silhouette", minus_signs(f"{width.mean:.3f}{of} (1 = well separated, about 0 = overlapping clusters)")))
    if run.agreement is not None:
        true_labels = run.data.true_labels_name
        noise = f"; {NOISE_IS_A_GROUP}" if (run.labels < 0).any() else ""
        pairs += [
            (
                "Adjusted Rand index",
                f"{minus_signs(f'{run.agreement:.3f}')} vs. the {true_labels}; 1 = identical, 0 = as expected by chance"
                + noise,
            ),
            ("V-measure (normalized mutual information)", f"{run.known_groups.v_measure:.3f} vs. the {true_labels}"),
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


def _columns(data: Data) -> list[str]:
    """The names of the first columns in their own units; empty for a distance matrix."""
    if data.precomputed is not None:
        return []
    return list((data.columns if data.scaling is None else data.scaling.columns)[:MAX_COLUMNS])


def _in_units(data: Data, points: np.ndarray) -> np.ndarray:
    """Points or centers (…, d) in the units of the columns before scaling."""
    return points if data.scaling is None else data.scaling.positions(points)


def _data(run: Run) -> str:
    """A sentence about the data, and a table of their columns if they are points."""
    data = run.data
    n, d = data.n, data.points.shape[1]
    if data.precomputed is not None:
        return f"<p>{cell(f'{data.title}: {n:,} × {n:,} {data.matrix_name}. {data.note}')}</p>"
    text = f"{data.title}: {n:,} points, {d} column{'s' * (d > 1)}. {data.note} {run.note}".strip()
    rows = []
    points = _in_units(data, data.points)
    for name, column in zip(_columns(data), points.T[:MAX_COLUMNS], strict=True):
        values = column.min(), column.mean(), column.max(), column.std()
        rows.append([name, *(_number(value, 5) for value in values)])
    more = f"<p>and {d - MAX_COLUMNS:,} more columns.</p>" if d > MAX_COLUMNS else ""
    return f"<p>{cell(text)}</p>" + table(["Column", "Min", "Mean", "Max", "SD"], rows, "Columns", True) + more


def _clusters(run: Run) -> str:
    """A heading and a table of the clusters: size, values of the method that are single numbers or strings, and center."""
    columns, centers = _columns(run.data), _in_units(run.data, run.cluster_centers)
    values_by_name = {name: values for name, values in run.view.cluster_columns(run).items() if np.ndim(values) == 1}
    headers = ["Cluster", run.size_name, *(name.replace("_", " ").capitalize() for name in values_by_name), *columns]
    rows, sizes = [], run.sizes_in(-1)
    for k in np.argsort(run.ranks):
        rank = run.ranks[k]
        name = cluster_mark(rank, run.number_and_name(rank))
        row = [name, f"{sizes[k]:,.6g}"]
        row += [_cluster_text(values[k]) for values in values_by_name.values()]
        row += [_number(value, 4) for value in centers[k][: len(columns)]]
        rows.append(row)
    noise = int(np.count_nonzero(run.labels < 0))
    if noise:
        rows.append([noise_mark(), f"{noise:,}", *[NONE] * (len(headers) - 2)])
    which = "last column contains" if len(columns) == 1 else f"last {len(columns)} columns contain"
    caption = run.size_note + (f"The {which} coordinates of the cluster {run.center_name}s." if columns else "")
    return f"<h3>Clusters</h3>{table(headers, rows, 'Clusters', True)}{f'<p>{caption}</p>' if caption else ''}"


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


def _number(value: float, digits: int) -> str:
    """A number with this many significant digits, and from 10,000 to a billion without decimals."""
    return minus_signs(f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.{digits}g}")


def _plots(shown: RunPictures, curve_title: str, results: str = "") -> str:
    """The first, middle and last frame of the run, its curve, and its results, which are HTML."""
    last = len(shown.frames) - 1
    figures = []
    stills = Stills(shown.picture, *PLOT_SIZE, fine=True)
    for name, i in (("First", 0), ("Middle", last // 2), ("Last", last)):
        figures.append(_figure(stills.at(i), f"{name} frame ({i} / {last}). {shown.frames[i].sentence}"))
    figures.append(_figure(Stills(shown.curve, *PLOT_SIZE, fine=True).at(last), f"{curve_title}."))
    return f"<div class='plots'>{''.join(figures)}{results}</div>"


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
