"""Figures of the Choose K page."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.choose_k.sweep import BestRun
from pages.choose_k.verdict import INFORMATION, NAMES, Criterion, Verdict
from pages.datasets.formatting import minus_signs, pluralize
from pages.figures import palette
from pages.figures.plots import TIGHT, Figure
from pages.runs.known_groups import NAMES as SCORES
from pages.runs.known_groups import KnownGroups

HEIGHT = 230
LINE, CHOSEN = palette.CURVE, palette.CHOSEN
REFERENCE = "rgba(140,140,150,0.28)"


def curve(criterion: Criterion) -> go.Figure:
    """A criterion over K, with its range (minimum to maximum) on reference data as a gray band and the suggested K marked."""
    ks, values = criterion.ks, criterion.values
    data = []
    if criterion.reference is not None:
        low, high = criterion.reference.min(axis=0), criterion.reference.max(axis=0)
        band = dict(x=np.append(ks, ks[::-1]), y=np.append(high, low[::-1]), fill="toself", fillcolor=REFERENCE)
        data.append(dict(type="scatter", mode="lines", line=dict(width=0), hoverinfo="skip", name="reference data") | band)
    if criterion.samples is not None:
        x = np.repeat(ks, len(criterion.samples))
        dots = dict(x=x, y=criterion.samples.T.ravel(), marker=dict(size=4, color=LINE, opacity=0.35))
        data.append(dict(type="scatter", mode="markers", hoverinfo="skip", name="pairs of subsamples") | dots)
    errors = criterion.standard_errors
    error = None if errors is None else dict(type="data", array=errors, thickness=1.5)
    data.append(
        dict(type="scatter", mode="lines+markers", x=ks, y=values, error_y=error, name=criterion.name)
        | dict(line=dict(color=LINE, width=2.5), marker=dict(size=6, color=LINE))
        | dict(hovertemplate="K = %{x}<br>%{y:.4g}<extra></extra>")
    )
    at = np.flatnonzero(ks == criterion.choice)
    if at.size:
        symbol = "circle" if criterion.supported else "circle-open"
        mark = dict(
            size=13, color=CHOSEN, symbol=symbol, line=dict(width=2.5, color="#ffffff" if criterion.supported else CHOSEN)
        )
        data.append(dict(type="scatter", mode="markers", x=ks[at], y=values[at], hoverinfo="skip", marker=mark))
    return Figure(data, _layout(HEIGHT, ks))


def elbow(criterion: Criterion) -> go.Figure:
    """Losses over K, with a dotted line from the first to the last."""
    figure = curve(criterion)
    ends = [0, -1]
    chord = dict(x=criterion.ks[ends], y=criterion.values[ends], mode="lines", hoverinfo="skip")
    figure.add_scatter(**chord, line=dict(color=palette.NEUTRAL, width=1.5, dash="dot"))
    return figure


def _layout(height: int, ks: np.ndarray) -> dict:
    axis = dict(title=dict(text="Clusters (K)"), zeroline=False, tickvals=ks.tolist(), range=[ks[0] - 0.4, ks[-1] + 0.4])
    return dict(
        height=height, margin=TIGHT, showlegend=False, dragmode=False, xaxis=axis, yaxis=dict(zeroline=False, nticks=5)
    )


def information_criteria(verdict: Verdict) -> go.Figure:
    """Information criteria over K as differences from the best value, with a line for each model."""
    figure = make_subplots(cols=3, subplot_titles=[NAMES[name] for name in INFORMATION], horizontal_spacing=0.06)
    short = verdict.sweep.view.model_option.short_label
    for column, name in enumerate(INFORMATION, 1):
        best = min(verdict.information, key=lambda one: getattr(one, name))
        for i, model in enumerate(verdict.sweep.models):
            line = [(one.k, getattr(one, name) - getattr(best, name)) for one in verdict.information if one.model == model]
            ks, values = zip(*line, strict=True)
            figure.add_scatter(
                row=1,
                col=column,
                x=ks,
                y=values,
                name=short(model),
                legendgroup=short(model),
                showlegend=column == 1,
                mode="lines+markers",
                line=dict(color=palette.series_color(i), width=2),
                marker=dict(symbol=palette.symbol_of(i), size=7),
                hovertemplate=f"{short(model)}, K = %{{x}}<br>best + %{{y:,.1f}}<extra></extra>",
            )
        mark = dict(size=15, symbol="circle-open", color=CHOSEN, line=dict(width=3))
        figure.add_scatter(row=1, col=column, x=[best.k], y=[0], marker=mark, hoverinfo="skip", showlegend=False)
    title = f"{verdict.sweep.view.traits.cluster.capitalize()}s (K)"
    figure.update_xaxes(title=dict(text=title), zeroline=False, tickvals=verdict.ks.tolist())
    figure.update_yaxes(zeroline=False, nticks=5)
    figure.update_layout(height=330, margin=TIGHT | dict(t=30), dragmode=False, legend=dict(orientation="h", y=-0.25, x=0))
    return figure


def known_groups(ks: np.ndarray, scores: list[KnownGroups], groups: int) -> go.Figure:
    """Adjusted Rand index and V-measure over K, with a dotted line at the number of known groups."""
    data = [
        dict(type="scatter", mode="lines+markers", x=ks, y=[getattr(one, name) for one in scores], name=SCORES[name])
        | dict(line=dict(color=LINE, width=2.5, dash=dash), marker=dict(symbol=symbol, size=7))
        | dict(hovertemplate=f"{SCORES[name]}, K = %{{x}}<br>%{{y:.3f}}<extra></extra>")
        for name, dash, symbol in (("adjusted_rand", "solid", "circle"), ("v_measure", "dash", "square"))
    ]
    line = dict(width=1.5, dash="dot", color=palette.NEUTRAL)
    layout = _layout(HEIGHT + 50, ks) | dict(showlegend=True, legend=dict(orientation="h", y=1.02, yanchor="bottom", x=0))
    layout["shapes"] = [dict(type="line", x0=groups, x1=groups, y0=0, y1=1, yref="paper", line=line)]
    return Figure(data, layout)


def silhouettes(best: BestRun, colors: np.ndarray, height: int = 340) -> go.Figure:
    """Silhouette plot: silhouette widths of the points, by cluster and in decreasing order, with a line at the mean."""
    widths = best.silhouette.widths
    labels = best.labels[best.silhouette.rows]
    gap = max(1, len(widths) // 60)
    data, top = [], 0
    for cluster in np.argsort(colors):
        mine = np.sort(widths[labels == cluster])[::-1]
        if not mine.size:
            continue
        y = np.arange(top, top + len(mine))
        color = int(colors[cluster])
        data.append(
            dict(
                type="scatter",
                mode="lines",
                x=np.concatenate([[0], mine, [0]]),
                y=np.concatenate([y[:1], y, y[-1:]]),
                fill="toself",
                line=dict(width=0.5, color=palette.color_of(color), shape="vh"),
                fillcolor=palette.color_of(color),
                hoverinfo="text",
                text=minus_signs(f"cluster {color + 1}: {pluralize(len(mine), 'point')}, mean width {mine.mean():.2f}"),
            )
        )
        top += len(mine) + gap
    mean = best.silhouette.mean
    data.append(
        dict(type="scatter", mode="lines", x=[mean, mean], y=[-gap, top], hoverinfo="skip")
        | dict(line=dict(color=palette.NEUTRAL, width=2, dash="dash"))
    )
    layout = dict(
        height=height,
        margin=TIGHT,
        showlegend=False,
        dragmode=False,
        hovermode="closest",
        xaxis=dict(title=dict(text="silhouette width"), zeroline=True, range=[min(-0.1, widths.min() - 0.05), 1.02]),
        yaxis=dict(range=[top, -gap], showticklabels=False, zeroline=False, title=dict(text="points, by cluster")),
    )
    return Figure(data, layout)


def flow(best_runs: list[BestRun], colors: list[np.ndarray], height: int = 380) -> go.Figure:
    """Sankey diagram: the points that each cluster shares with the clusters for the next K."""
    first_node = np.cumsum([0, *(best.k for best in best_runs)])
    source, target, value, color, hover = [], [], [], [], []
    for i, (before, after) in enumerate(zip(best_runs, best_runs[1:], strict=False)):
        table = np.bincount(before.labels * after.k + after.labels, minlength=before.k * after.k).reshape(before.k, after.k)
        for a, b in zip(*np.nonzero(table), strict=True):
            source.append(int(first_node[i] + a))
            target.append(int(first_node[i + 1] + b))
            value.append(int(table[a, b]))
            red, green, blue = palette.rgb([palette.color_of(colors[i][a])])[0].astype(int)
            color.append(f"rgba({red},{green},{blue},0.35)")
            points = pluralize(int(table[a, b]), "point")
            hover.append(f"{points} from cluster {colors[i][a] + 1} to cluster {colors[i + 1][b] + 1}")
    last = max(len(best_runs) - 1, 1)
    color_numbers = [int(number) for own in colors for number in own]
    node = dict(
        label=["" for _ in color_numbers],
        color=[palette.color_of(number) for number in color_numbers],
        x=[min(max(i / last, 0.001), 0.999) for i, best in enumerate(best_runs) for _ in range(best.k)],
        customdata=[f"K = {best.k}, cluster {n + 1}" for best, own in zip(best_runs, colors, strict=True) for n in own],
        hovertemplate="%{customdata}<br>%{value} points<extra></extra>",
        pad=14,
        thickness=12,
        line=dict(width=0),
    )
    link = dict(
        source=source, target=target, value=value, color=color, customdata=hover, hovertemplate="%{customdata}<extra></extra>"
    )
    titles = [
        dict(text=f"K = {best.k}", x=i / last, y=1.0, xref="paper", yref="paper", yanchor="bottom", showarrow=False)
        | dict(xanchor="left" if i == 0 else "right" if i == last else "center")
        for i, best in enumerate(best_runs)
    ]
    sankey = dict(type="sankey", arrangement="snap", node=node, link=link)
    return go.Figure(dict(data=[sankey], layout=dict(height=height, margin=TIGHT | dict(t=30), annotations=titles)))
