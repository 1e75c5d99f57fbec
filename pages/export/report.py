"""A run on paper: what was clustered and how, what came of it, and what has to be known about it. HTML; no Streamlit."""

import base64
import html
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image

from clustering import bic, normalized_mutual_information
from pages.compare.comparison import silhouette_of
from pages.datasets.formatting import number
from pages.figures import palette
from pages.figures.markup import cell, mark, table
from pages.figures.plots import about_colours, about_rings
from pages.figures.stills import Stills
from pages.runs.frames import ending
from pages.runs.run import LOSS_NAMES, MIDDLES, RACERS, STARTS, UPDATES, Run
from pages.ui.run_view import Watched
from pages.ui.widgets import COVARIANCES, FLOOR_NAMES

MOST_COLUMNS = 20
"""of the data that are described, and of the middles"""
STYLE = f"<style>{(Path(__file__).parent / 'report.css').read_text(encoding='utf-8')}</style>"


def report(run: Run, shown: Watched, notices: Sequence[str], link: str) -> str:
    """The report on a run as a piece of HTML.

    `shown` are its pictures, `notices` the sentences about what was unusual, and `link` is where the run is to be seen, or a
    sentence that says why nowhere.
    """
    title = f"{RACERS[run.settings.algorithm]}, K = {run.settings.k}: {run.data.title}"
    parts = [
        f"{STYLE}<article class='report'><h2>{cell(title)}</h2>",
        f"<p>{cell(shown.frames[-1].sentence)}</p>",
        f"<div class='beside'><section><h3>Settings</h3>{_pairs(_settings(run))}</section>",
        f"<section><h3>What came of it</h3>{_pairs(_scores(run))}</section></div>",
        f"<h3>Warnings</h3>{''.join(f'<p>{cell(one)}</p>' for one in notices) or '<p>None.</p>'}",
        f"<h3>The run</h3>{_pictures(shown)}<p>{cell(_about_pictures(run, shown))}</p>",
        f"<h3>Clusters</h3>{_clusters(run)}",
        f"<h3>Data</h3>{_data(run)}",
        f"<h3>To see it again</h3><p>{_linked(link)}</p><p>{date.today():%d %B %Y}</p></article>",
    ]
    return "".join(parts)


def alone(report: str, title: str) -> bytes:
    """The report as a file that needs nothing else."""
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<body style='font-family:sans-serif;background:#fff'>{report}</body></html>"
    ).encode()


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{cell(name)}</dt><dd>{cell(value)}</dd>" for name, value in pairs) + "</dl>"


def _linked(link: str) -> str:
    return (
        f"<a href='{html.escape(link, quote=True)}'>{cell(link)}</a>"
        if link.startswith(("http://", "https://"))
        else cell(link)
    )


def _scores(run: Run) -> list[tuple[str, str]]:
    history, (n, d) = run.history, run.data.points.shape
    loss = float(history.losses[-1])
    told = [("Ended", ending(run)), ("Final loss", f"{number(loss)}, the {LOSS_NAMES[run.settings.algorithm]}")]
    if run.settings.algorithm == "mixture":
        parameters = history.method.parameter_count(d)
        told += [
            ("Log-likelihood", f"{number(-loss * n)} nats, summed over the points"),
            ("BIC", f"{number(bic(-loss * n, parameters, n))}, with {parameters} parameters; smaller is better"),
        ]
    width = silhouette_of(run.data, history.last.labels)
    if width is not None:
        of = "" if len(width.rows) == n else f", over a sample of {len(width.rows):,} points"
        told.append(("Silhouette", f"{width.mean:.3f}{of}; 1 is compact and apart, 0 on the border".replace("-", "−")))
    if run.agreement is not None:
        known = run.data.labels >= 0
        information = normalized_mutual_information(run.data.labels[known], history.last.labels[known])
        told += [
            ("Adjusted Rand index", f"{run.agreement:.3f} against {run.data.label_name}; 1 is the same groups, 0 chance"),
            ("Normalised mutual information", f"{information:.3f} against {run.data.label_name}"),
        ]
    return told


def _settings(run: Run) -> list[tuple[str, str]]:
    settings = run.settings
    told = [("Algorithm", RACERS[settings.algorithm]), ("K", str(settings.k)), ("Start", STARTS[settings.start])]
    if settings.start == "hand":
        told.append(("Placed at", "; ".join(", ".join(f"{value:.6g}" for value in center) for center in settings.centers)))
    if settings.start == "tree":
        told.append(("Tree", f"{settings.merging.linkage} linkage, {settings.merging.metric} metric"))
    told.append(("Seed", str(settings.seed)))
    if settings.algorithm == "kmedoids":
        told += [("Metric", settings.metric), ("Update", UPDATES[settings.update])]
    if settings.algorithm == "mixture":
        told += [
            ("Covariance", COVARIANCES[settings.covariance]),
            ("Least variance", f"{FLOOR_NAMES[settings.floor]} of that of the data"),
        ]
    return told


def _data(run: Run) -> str:
    data = run.data
    n, d = data.points.shape
    if data.given is not None:
        return f"<p>{cell(f'{data.title}: {n:,} × {n:,} {data.given_name}. {data.note}')}</p>"
    told = f"{data.title}: {n:,} points, {d} column{'s' * (d > 1)}. {data.note} {run.note}".strip()
    rows = []
    for name, column in zip(data.columns[:MOST_COLUMNS], data.points.T[:MOST_COLUMNS], strict=True):
        values = column.min(), column.mean(), column.max(), column.std()
        rows.append([name, *(f"{value:.5g}".replace("-", "−") for value in values)])
    more = f"<p>and {d - MOST_COLUMNS:,} more columns.</p>" if d > MOST_COLUMNS else ""
    return f"<p>{cell(told)}</p>" + table(["Column", "Least", "Mean", "Largest", "Deviation"], rows, "Columns", True) + more


def _clusters(run: Run) -> str:
    columns = [] if run.data.given is not None else list(run.data.columns[:MOST_COLUMNS])
    medoids, mixture = run.settings.algorithm == "kmedoids", run.settings.algorithm == "mixture"
    headers = ["Cluster", "Size"] + ["Weight"] * mixture + ["Medoid"] * medoids + columns
    rows = []
    for k in np.argsort(run.ranks):
        rank, parameters = run.ranks[k], run.history.parameters[-1]
        row = [mark(palette.mark_of(rank), palette.color_of(rank), rank + 1), f"{run.history.sizes[-1][k]:,.6g}"]
        row += [f"{parameters.weights[k]:.4f}"] if mixture else []
        row += [run.data.called(parameters[[k]])[0]] if medoids else []
        row += [f"{value:.4g}".replace("-", "−") for value in run.centers[-1][k][: len(columns)]]
        rows.append(row)
    middle = f"<p>The columns are of the {MIDDLES[run.settings.algorithm]}s.</p>" if columns else ""
    return table(headers, rows, "Clusters", True) + middle


def _pictures(shown: Watched) -> str:
    last = len(shown.frames) - 1
    drawn = []
    stills = Stills(shown.picture, 480, 340, fine=True)
    for name, i in (("First", 0), ("Middle", last // 2), ("Last", last)):
        drawn.append(_picture(stills.at(i), f"{name} frame, {i} of {last}: {shown.frames[i].sentence}"))
    drawn.append(_picture(Stills(shown.curve, 480, 340, fine=True).at(last), "Loss after each half-step."))
    return f"<div class='pictures'>{''.join(drawn)}</div>"


def _about_pictures(run: Run, shown: Watched) -> str:
    return " ".join(
        [shown.left_out, about_colours(run.settings.k), about_rings(run.data).replace("; point at it to see which", "")]
    )


def _picture(image: Image.Image, told: str) -> str:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=92, method=2)  # not of few colours: they would go to the greys of many points
    source = "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()
    text = html.escape(told, quote=True)
    return f"<figure><img src='{source}' alt='{text}'><figcaption>{text}</figcaption></figure>"
