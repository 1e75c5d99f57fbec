"""Figures of the Choose K page."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.choose_k.sweep import Axis, BestRun
from pages.choose_k.verdict import INFORMATION, NAMES, Criterion, KVerdict, OptionVerdict
from pages.datasets.formatting import format_amount, minus_signs, pluralize
from pages.figures import palette
from pages.figures.plots import TIGHT, Figure, number_ticks
from pages.runs.known_groups import NAMES as SCORES
from pages.runs.known_groups import KnownGroups

HEIGHT = 230
LINE, CHOSEN = palette.CURVE, palette.CHOSEN
REFERENCE = "rgba(140,140,150,0.28)"
SHADE = "rgba(47,158,68,0.16)"
"""color of the longest range"""
MAX_LINEAR = 10
"""number of clusters above which the axis of the number of clusters is logarithmic"""
MAX_TICKS = 4
"""maximum number of ticks of a logarithmic axis, which fit into a narrow window"""


def curve(criterion: Criterion, axis: Axis, percent: bool = False) -> go.Figure:
    """A criterion over K or an option, with its range (minimum to maximum) on reference data as a gray band and the suggested
    value marked. Values that cannot be suggested are gray. `percent`: the values are shares."""
    at, values = criterion.at, criterion.values
    data = []
    if criterion.reference is not None:
        low, high = criterion.reference.min(axis=0), criterion.reference.max(axis=0)
        band = dict(x=np.append(at, at[::-1]), y=np.append(high, low[::-1]), fill="toself", fillcolor=REFERENCE)
        data.append(dict(type="scatter", mode="lines", line=dict(width=0), hoverinfo="skip", name="reference data") | band)
    if criterion.samples is not None:
        x = np.repeat(at, len(criterion.samples))
        dots = dict(x=x, y=criterion.samples.T.ravel(), marker=dict(size=4, color=LINE, opacity=0.35))
        data.append(dict(type="scatter", mode="markers", hoverinfo="skip", name="pairs of subsamples") | dots)
    errors = criterion.standard_errors
    error = None if errors is None else dict(type="data", array=errors, thickness=1.5)
    marker = dict(size=6, color=LINE)
    if criterion.counted is not None:
        marker["color"] = np.where(criterion.counted, LINE, palette.NEUTRAL)
    data.append(
        dict(type="scatter", mode="lines+markers", x=at, y=values, error_y=error, name=criterion.name)
        | dict(line=dict(color=LINE, width=2.5), marker=marker)
        | dict(hovertemplate=f"{axis.name} = %{{x}}<br>%{{y:{'.0%' if percent else '.4g'}}}<extra></extra>")
    )
    chosen = np.flatnonzero(at == criterion.choice)
    if chosen.size:
        symbol = "circle" if criterion.supported else "circle-open"
        mark = dict(
            size=13, color=CHOSEN, symbol=symbol, line=dict(width=2.5, color="#ffffff" if criterion.supported else CHOSEN)
        )
        data.append(dict(type="scatter", mode="markers", x=at[chosen], y=values[chosen], hoverinfo="skip", marker=mark))
    layout = _layout(HEIGHT, axis, at)
    layout["yaxis"] |= number_ticks(values)
    if percent:
        layout["yaxis"] |= dict(tickformat=".0%", rangemode="tozero")
    return Figure(data, layout)


def cluster_counts(verdict: OptionVerdict) -> go.Figure:
    """The number of clusters over an option, without those that contain few points as a dotted line. The longest range with
    the same number is shaded."""
    figure = curve(verdict.criteria["range"], verdict.sweep.axis)
    counts = dict(x=verdict.values, y=verdict.large_clusters, mode="lines", hoverinfo="skip")
    figure.add_scatter(**counts, line=dict(color=palette.NEUTRAL, width=2, dash="dot"))
    most = max(best.k for best in verdict.best_runs)
    if most > MAX_LINEAR:
        figure.update_yaxes(type="log", **log_ticks(1, most))
    else:
        figure.update_yaxes(dtick=1 if most <= 5 else 2, rangemode="tozero")
    if verdict.longest is not None:
        first, last, _ = verdict.longest
        figure.add_shape(
            type="rect", x0=first, x1=last, y0=0, y1=1, yref="paper", line_width=0, fillcolor=SHADE, layer="below"
        )
    return figure


def log_ticks(low: float, high: float) -> dict:
    """Positions and labels of a few ticks at round numbers on a logarithmic axis between two numbers."""
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for digits in ((1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), (1, 1.5, 2, 3, 4, 5, 7), (1, 2, 3, 5), (1, 3), (1,)):
        ticks = [tick for tick in np.outer(decades, digits).ravel() if low <= tick * 1.0001 and tick <= high * 1.0001]
        if len(ticks) <= MAX_TICKS:
            break
    return dict(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])


def elbow(criterion: Criterion, axis: Axis) -> go.Figure:
    """Losses over K, with a dotted line from the first to the last."""
    figure = curve(criterion, axis)
    ends = [0, -1]
    chord = dict(x=criterion.at[ends], y=criterion.values[ends], mode="lines", hoverinfo="skip")
    figure.add_scatter(**chord, line=dict(color=palette.NEUTRAL, width=1.5, dash="dot"))
    return figure


def _layout(height: int, axis: Axis, at: np.ndarray) -> dict:
    """Layout of a figure with values at these positions (m,) of the axis."""
    if axis.option is None:
        scale = dict(tickvals=at.tolist(), range=[at[0] - 0.4, at[-1] + 0.4])
    else:
        low, high = np.log10(at[[0, -1]])
        margin = max(0.04 * (high - low), 0.01)
        scale = dict(type="log", range=[low - margin, high + margin], tickangle=0) | log_ticks(*at[[0, -1]])
    xaxis = dict(title=dict(text=axis.title), zeroline=False) | scale
    return dict(
        height=height, margin=TIGHT, showlegend=False, dragmode=False, xaxis=xaxis, yaxis=dict(zeroline=False, nticks=5)
    )


def information_criteria(verdict: KVerdict) -> go.Figure:
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
    differences = np.concatenate([trace.y for trace in figure.data])
    figure.update_yaxes(zeroline=False, nticks=5, **number_ticks(differences))
    figure.update_layout(height=330, margin=TIGHT | dict(t=30), dragmode=False, legend=dict(orientation="h", y=-0.25, x=0))
    return figure


def known_groups(axis: Axis, scores: list[KnownGroups], groups: int) -> go.Figure:
    """Adjusted Rand index and V-measure over K or an option; over K with a dotted line at the number of known groups."""
    at = np.array(axis.values)
    data = [
        dict(type="scatter", mode="lines+markers", x=at, y=[getattr(one, name) for one in scores], name=SCORES[name])
        | dict(line=dict(color=LINE, width=2.5, dash=dash), marker=dict(symbol=symbol, size=7))
        | dict(hovertemplate=f"{SCORES[name]}, {axis.name} = %{{x}}<br>%{{y:.3f}}<extra></extra>")
        for name, dash, symbol in (("adjusted_rand", "solid", "circle"), ("v_measure", "dash", "square"))
    ]
    layout = _layout(HEIGHT + 50, axis, at)
    layout |= dict(showlegend=True, legend=dict(orientation="h", y=1.02, yanchor="bottom", x=0))
    if axis.option is None:
        line = dict(width=1.5, dash="dot", color=palette.NEUTRAL)
        layout["shapes"] = [dict(type="line", x0=groups, x1=groups, y0=0, y1=1, yref="paper", line=line)]
    return Figure(data, layout)


def silhouettes(best: BestRun, colors: np.ndarray, height: int = 340) -> go.Figure:
    """Silhouette plot: silhouette widths of the points, by cluster and in decreasing order, with a line at the mean.

    With weights, the line of a point is as thick as its weight.
    """
    widths, weights = best.silhouette.widths, best.silhouette.weights
    labels = best.labels[best.silhouette.rows]
    gap = max(1, len(widths) // 60) if weights is None else weights.sum() / 60
    data, top = [], 0
    for cluster in np.argsort(colors):
        members = np.flatnonzero(labels == cluster)
        if not members.size:
            continue
        members = members[np.argsort(-widths[members], kind="stable")]
        mine, heights = widths[members], np.ones(len(members)) if weights is None else weights[members]
        y, mean = top + np.cumsum(heights) - heights, np.average(mine, weights=heights)
        color = int(colors[cluster])
        data.append(
            dict(
                type="scatter",
                mode="lines",
                x=np.concatenate([[0], mine, [0]]),
                y=np.concatenate([y[:1], y, [top + heights.sum()]]),
                fill="toself",
                line=dict(width=0.5, color=palette.color_of(color), shape="vh"),
                fillcolor=palette.color_of(color),
                hoverinfo="text",
                text=minus_signs(f"cluster {color + 1}: {pluralize(len(mine), 'point')}, mean width {mean:.2f}"),
            )
        )
        top += heights.sum() + gap
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


def flow(
    best_runs: list[BestRun], colors: list[np.ndarray], axis: Axis, weights: np.ndarray | None = None, height: int = 380
) -> go.Figure:
    """Sankey diagram: the points that each cluster shares with the clusters for the next value; noise is gray.

    With weights (n,), sums of weights take the place of numbers of points.
    """
    groups = [np.where(best.labels < 0, best.k, best.labels) for best in best_runs]
    sizes = [best.k + int((best.labels < 0).any()) for best in best_runs]
    first_node = np.cumsum([0, *sizes])
    names = [
        [f"cluster {number + 1}" for number in own] + ["noise"] * (size - len(own))
        for own, size in zip(colors, sizes, strict=True)
    ]
    node_colors = [
        [palette.color_of(int(number)) for number in own] + [palette.NEUTRAL] * (size - len(own))
        for own, size in zip(colors, sizes, strict=True)
    ]
    source, target, value, color, hover = [], [], [], [], []
    for i, (before, after) in enumerate(zip(groups, groups[1:], strict=False)):
        cells = np.bincount(before * sizes[i + 1] + after, weights, minlength=sizes[i] * sizes[i + 1])
        table = cells.reshape(sizes[i], sizes[i + 1])
        for a, b in zip(*np.nonzero(table), strict=True):
            source.append(int(first_node[i] + a))
            target.append(int(first_node[i + 1] + b))
            value.append(table[a, b].item())
            red, green, blue = palette.rgb([node_colors[i][a]])[0].astype(int)
            color.append(f"rgba({red},{green},{blue},0.35)")
            amount = f"weight {format_amount(value[-1])}" if weights is not None else pluralize(value[-1], "point")
            hover.append(f"{amount} from {names[i][a]} to {names[i + 1][b]}")
    last = max(len(best_runs) - 1, 1)
    texts = [axis.label(best.value) for best in best_runs]
    node = dict(
        label=["" for own in names for _ in own],
        color=[one for own in node_colors for one in own],
        x=[min(max(i / last, 0.001), 0.999) for i, size in enumerate(sizes) for _ in range(size)],
        customdata=[f"{text}, {name}" for text, own in zip(texts, names, strict=True) for name in own],
        hovertemplate=f"%{{customdata}}<br>{'%{value} points' if weights is None else 'weight %{value:,.6~g}'}<extra></extra>",
        pad=14,
        thickness=12,
        line=dict(width=0),
    )
    link = dict(
        source=source, target=target, value=value, color=color, customdata=hover, hovertemplate="%{customdata}<extra></extra>"
    )
    titles = [
        # the title above the diagram names the option
        dict(
            text=text if axis.option is None else f"{best_runs[i].value:g}",
            x=i / last,
            y=1.0,
            xref="paper",
            yref="paper",
            yanchor="bottom",
            showarrow=False,
        )
        | dict(xanchor="left" if i == 0 else "right" if i == last else "center")
        for i, text in enumerate(texts)
    ]
    sankey = dict(type="sankey", arrangement="snap", node=node, link=link)
    return go.Figure(dict(data=[sankey], layout=dict(height=height, margin=TIGHT | dict(t=30), annotations=titles)))
