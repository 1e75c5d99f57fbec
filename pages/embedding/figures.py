"""Figures of word vectors: similarities by iteration, and the matrix that skip-gram approximates."""

import numpy as np
import plotly.graph_objects as go

from clustering import most_similar, pointwise_mutual_information, unit_vectors
from pages.datasets.formatting import escape_html, truncate
from pages.figures import palette
from pages.figures.plots import MARGIN, TIGHT, Figure, player_layout
from pages.figures.summaries import distinct_names
from pages.runs.frames import Frame
from pages.runs.run import Run

NEIGHBORS = 8
"""number of nearest neighbors of a word that are followed"""
MATRIX_WORDS = 30
"""maximum number of words in the matrices"""
LOWEST = -3.0
"""lowest value of the color scale of the matrices, in nats"""


def neighbor_history(run: Run, frames: list[Frame], word: int, name: str, height: int = 380) -> go.Figure:
    """Cosines of a word with its final nearest neighbors in each iteration, with a line at the current frame.

    `name` identifies the figure for the player.
    """
    neighbors, _ = most_similar(run.data.points, word, NEIGHBORS)
    similarities = np.array([_cosines(parameters.words, word, neighbors) for parameters in run.history.parameters])
    iterations = np.arange(len(similarities))
    traces = [
        dict(
            type="scatter",
            mode="lines",
            x=iterations,
            y=column,
            name=escape_html(truncate(label)),
            line=dict(color=palette.color_of(i), width=2),
            hovertemplate="%{fullData.name}: %{y:.3f}<extra></extra>",
        )
        for i, (label, column) in enumerate(zip(run.data.names_of(neighbors), similarities.T, strict=True))
    ]
    extent = [min(similarities.min(), 0.0) - 0.05, 1.05]
    cursor = dict(type="scatter", mode="lines", hoverinfo="skip", showlegend=False, line=dict(color=palette.NEUTRAL, width=2))
    specs = [dict(name=str(i), traces=[len(traces)], data=[_cursor(frame, extent)]) for i, frame in enumerate(frames)]
    last = float(iterations[-1])
    layout = dict(
        height=height,
        margin=MARGIN,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(title=dict(text="iteration"), range=[-0.03 * last - 0.2, 1.03 * last + 0.2], zeroline=False),
        yaxis=dict(title=dict(text="cosine"), range=extent, zeroline=False),
        legend=dict(orientation="h", x=0, y=1.02, xanchor="left", yanchor="bottom"),
    ) | player_layout(name)
    return Figure([*traces, cursor | _cursor(frames[-1], extent)], layout, specs)


def _cursor(frame: Frame, extent: list[float]) -> dict:
    return dict(x=[frame.position, frame.position], y=extent)


def _cosines(vectors: np.ndarray, word: int, others: np.ndarray) -> np.ndarray:
    own, *rest = unit_vectors(vectors[[word, *others]])
    return np.array(rest) @ own


def matrix_order(run: Run) -> np.ndarray:
    """The most frequent words, at most `MATRIX_WORDS`, by true category or along the first principal component."""
    shown = np.arange(min(len(run.data.points), MATRIX_WORDS))
    centered = run.data.points - run.data.points.mean(axis=0)
    position = centered @ np.linalg.svd(centered, full_matrices=False)[2][0]
    groups = np.zeros(len(shown)) if run.data.labels is None else run.data.labels[shown]
    return shown[np.lexsort((position[shown], groups))]


def matrices(run: Run, height: int = 520) -> go.Figure:
    """Two heat maps: the pointwise mutual information of words and contexts, and the products of their vectors plus ln k."""
    order = matrix_order(run)
    words, contexts = run.history.parameters[-1]
    learned = (words[order] @ contexts[order].T) + np.log(run.history.process.negatives)
    information = pointwise_mutual_information(run.model_input.cooccurrences)[np.ix_(order, order)]
    information[~np.isfinite(information)] = np.nan
    names = distinct_names([escape_html(truncate(name)) for name in run.data.names_of(order)])
    layout = dict(
        height=height,
        margin=TIGHT | dict(t=34),
        coloraxis=dict(
            colorscale=palette.DIVERGING,
            cmin=LOWEST,
            cmax=-LOWEST,
            colorbar=dict(title=dict(text="nats"), thickness=12),
        ),
        annotations=[],
    )
    traces = []
    for i, (title, values) in enumerate((("PMI of the text", information), ("Learned: w·c + ln k", learned))):
        number = "" if i == 0 else "2"
        traces.append(
            dict(
                type="heatmap",
                z=values,
                x=names,
                y=names,
                coloraxis="coloraxis",
                xaxis=f"x{number}",
                yaxis=f"y{number}",
                hoverongaps=False,
                hovertemplate="%{y} with %{x}: %{z:.2f}<extra></extra>",
            )
        )
        axis = dict(type="category", tickfont=dict(size=11), dtick=1, showgrid=False)
        layout[f"xaxis{number}"] = axis | dict(domain=[0.51 * i, 0.49 + 0.51 * i], anchor=f"y{number}", tickangle=-90)
        layout[f"yaxis{number}"] = axis | dict(anchor=f"x{number}", autorange="reversed", showticklabels=i == 0)
        layout["annotations"].append(
            dict(text=title, x=0.245 + 0.51 * i, y=1, xref="paper", yref="paper", yanchor="bottom", showarrow=False)
        )
    return Figure(traces, layout)
