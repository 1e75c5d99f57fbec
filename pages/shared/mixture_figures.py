"""Figures of what a mixture believes. Arrays in, figures out; no Streamlit."""

import numpy as np
import plotly.graph_objects as go

from clustering import Gaussians
from pages.shared import curves, paint, palette
from pages.shared.datasets import Data
from pages.shared.figures import MOST_MARKERS, REMOTE, dots, figure, hovered, layout_of, marker_size, padded
from pages.shared.mixing import Belief, Bootstrap, Narrowing
from pages.shared.moving import CIRCLE
from pages.shared.planes import Plane
from pages.shared.runs import Run
from pages.shared.storyboard import Frame
from pages.shared.wording import safe, short

HEIGHT = 380
MARGIN = dict(l=10, r=10, t=10, b=10)
DARK, LIGHT = "#26262c", "#ffffff"
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
"""of the triangle of three responsibilities"""
MOST_CORNERED = 1_000
"""points in that triangle"""


def ellipses(mixture: Gaussians, plane: Plane, scale: float = 2.0) -> list[np.ndarray]:
    """For each component (37, 2) the curve at so many standard deviations, as it is seen in the plane."""
    values, vectors = np.linalg.eigh(plane.project_covariances(mixture.covariances))
    half = (vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    return list(plane.project(mixture.means)[:, None, :] + scale * (half @ CIRCLE).transpose(0, 2, 1))


def _blended(responsibilities: np.ndarray) -> list[str]:
    """The colours of points, mixed by their responsibilities (n, k), the components in the order of their numbers."""
    colors = palette.rgb([palette.color_of(rank) for rank in range(responsibilities.shape[1])])
    mixed = np.rint(responsibilities @ colors).astype(int)
    return [f"#{code:06x}" for code in (mixed @ [65536, 256, 1]).tolist()]


def _ground(data: Data, plane: Plane, responsibilities: np.ndarray, name: str, height: int):
    """All points as markers, or painted where they are many: traces, and the layout below them. Each answers to a click by its
    position, as `customdata`."""
    xy = plane.places(data.points)
    extent = padded(xy, 1.3 if data.to_scale else None)
    painted = len(xy) > MOST_MARKERS
    layout = layout_of(data, plane, extent, name, height, painted) | dict(dragmode=False, clickmode="event+select")
    layout.pop("updatemenus")
    rows = hovered(len(xy)) if painted else np.arange(len(xy))
    points = dots(data, plane, xy, rows)
    points["hovertemplate"] = points["hovertemplate"].replace("%{customdata}", "%{text}")
    points |= dict(text=points["customdata"], customdata=rows.tolist())
    if painted:
        left, right, bottom, top = extent
        colors = palette.rgb([palette.color_of(rank) for rank in range(responsibilities.shape[1])])
        canvas = paint.Canvas(*xy.T, extent)
        place = dict(
            xref="x", yref="y", x=left, y=top, sizex=right - left, sizey=top - bottom, sizing="stretch", layer="below"
        )
        layout["images"] = [place | dict(source=canvas.paint(colors, responsibilities=responsibilities.T))]
        points["marker"] = dict(size=9, opacity=0)
    else:
        points["marker"] = dict(size=marker_size(len(xy)), opacity=0.85, color=_blended(responsibilities))
    points |= dict(selected=dict(marker=points["marker"] | dict(color=None)), unselected=dict(marker=dict(opacity=0.85)))
    points["selected"]["marker"].pop("color")
    if painted:
        points["unselected"] = dict(marker=dict(opacity=0))
    else:
        points["selected"]["marker"].pop("line", None)
    return xy, [points], layout


def marked(belief: Belief, plane: Plane, rows: np.ndarray, chosen: int | None = None, height: int = HEIGHT) -> go.Figure:
    """The points in the colours of their responsibilities, with a ring around these rows, and crosshairs on the chosen one."""
    data = belief.run.data
    xy, traces, layout = _ground(data, plane, belief.responsibilities, "", height)
    rows = rows[:MOST_MARKERS]
    ring = dict(symbol="circle-open", size=12, color=palette.FILLED, line=dict(width=1.8))
    traces.append(dict(type="scatter", mode="markers", x=xy[rows, 0], y=xy[rows, 1], hoverinfo="skip", marker=ring))
    if chosen is not None:
        for size, width, color in ((23, 6, LIGHT), (23, 2.5, DARK)):
            mark = dict(symbol="circle-cross-open", size=size, color=color, line=dict(width=width))
            here = xy[[chosen]]
            traces.append(dict(type="scatter", mode="markers", x=here[:, 0], y=here[:, 1], hoverinfo="skip", marker=mark))
    return go.Figure(dict(data=traces, layout=layout))


def shares(responsibilities: np.ndarray, height: int = 170) -> go.Figure:
    """A bar for each component's share (k,) in a point."""
    k = len(responsibilities)
    bars = dict(
        type="bar",
        x=[f"{palette.mark_of(rank)} {rank + 1}" for rank in range(k)],
        y=responsibilities,
        marker=dict(color=[palette.color_of(rank) for rank in range(k)]),
        text=[f"{share:.3f}" for share in responsibilities] if k <= 12 else None,
        textposition="outside",
        cliponaxis=False,
        hovertemplate="component %{x}: %{y:.4f}<extra></extra>",
    )
    axis = dict(range=[0, 1.15], title=dict(text="responsibility"), zeroline=False, tickvals=[0, 0.5, 1])
    layout = dict(height=height, margin=MARGIN, dragmode=False, xaxis=dict(type="category", showgrid=False), yaxis=axis)
    return go.Figure(dict(data=[bars], layout=layout))


def way(ways: np.ndarray, height: int = 200) -> go.Figure:
    """How the responsibilities (T + 1, k) of a point changed, stacked to one."""
    x = np.arange(len(ways))
    areas = [
        dict(
            type="scatter",
            mode="lines",
            x=x,
            y=ways[:, rank],
            stackgroup="one",
            line=dict(width=0.5, color=palette.color_of(rank)),
            fillcolor=palette.color_of(rank),
            name=f"component {rank + 1}",
            hovertemplate=f"iteration %{{x}}, component {rank + 1}: %{{y:.4f}}<extra></extra>",
        )
        for rank in range(ways.shape[1])
    ]
    layout = dict(
        height=height,
        margin=MARGIN,
        showlegend=False,
        dragmode=False,
        xaxis=dict(title=dict(text="iteration"), zeroline=False, range=[0, max(len(ways) - 1, 1)]),
        yaxis=dict(range=[0, 1], title=dict(text="shares"), zeroline=False, tickvals=[0, 0.5, 1]),
    )
    return go.Figure(dict(data=areas, layout=layout))


def triangle(run: Run, frames: list[Frame], name: str, height: int = HEIGHT) -> go.Figure:
    """The responsibilities of three components as places in a triangle, frame by frame: who is sure is in a corner.

    Of more than `MOST_CORNERED` points some, always the same.
    """
    n = len(run.data.points)
    rows = np.arange(n)
    if n > MOST_CORNERED:
        rows = run.data.sampled(MOST_CORNERED)
    order = np.argsort(run.ranks)
    points = run.data.points[rows]

    def at(t: int | None) -> dict:
        if t is None:
            shares = np.full((len(rows), 3), 1 / 3)
        else:
            shares = run.history.parameters[t].responsibilities(points)[:, order]
        xy = shares @ CORNERS
        return dict(
            x=xy[:, 0].astype(np.float32),
            y=xy[:, 1].astype(np.float32),
            marker=dict(color=_blended(shares), size=6, opacity=0.7),
        )

    specs = []
    for i, frame in enumerate(frames):
        if frame.kind == "M" and i:
            specs.append(dict(name=str(i), data=[], traces=[], baseframe=str(i - 1)))
        else:
            specs.append(dict(name=str(i), data=[at(frame.assignment)], traces=[0]))
    cloud = dict(type="scatter", mode="markers", text=[safe(name) for name in run.data.called(rows)])
    cloud |= at(frames[-1].assignment) | dict(hovertemplate="%{text}<extra></extra>")
    edge = CORNERS[[0, 1, 2, 0]]
    border = dict(type="scatter", mode="lines", x=edge[:, 0], y=edge[:, 1], hoverinfo="skip")
    corners = dict(
        type="scatter",
        mode="markers+text",
        x=CORNERS[:, 0],
        y=CORNERS[:, 1],
        text=["1", "2", "3"],
        textposition=["bottom center", "bottom center", "top center"],
        hoverinfo="skip",
        marker=dict(
            size=14, symbol=[palette.symbol_of(rank) for rank in range(3)], color=[palette.color_of(rank) for rank in range(3)]
        ),
    )
    hidden = dict(visible=False, fixedrange=True)
    layout = dict(
        height=height,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        meta=name,
        xaxis=hidden | dict(range=[-0.1, 1.1]),
        yaxis=hidden | dict(range=[-0.15, 1.02], scaleanchor="x"),
        updatemenus=[REMOTE],
    )
    line = dict(line=dict(color=palette.NEUTRAL, width=1.5))
    return figure([cloud, border | line, corners], layout, specs)


def log_densities(belief: Belief, threshold: float, height: int = 230) -> go.Figure:
    """How the log densities of the points are spread, with the threshold below which they count as unlikely."""
    values = belief.log_density
    low, high = float(values.min()), float(values.max())
    counts, edges = np.histogram(values, 60, (low, high) if low < high else (low - 1, high + 1))
    middles = (edges[:-1] + edges[1:]) / 2
    bars = dict(
        type="bar",
        x=middles,
        y=counts,
        width=edges[1] - edges[0],
        marker=dict(color=np.where(middles < threshold, palette.FILLED, palette.COLORS[0])),
        hovertemplate="around %{x:.2f}: %{y} points<extra></extra>",
    )
    layout = dict(
        height=height,
        margin=MARGIN,
        bargap=0.02,
        dragmode=False,
        xaxis=dict(title=dict(text="log density, nats"), zeroline=False),
        yaxis=dict(title=dict(text="points")),
    )
    if np.isfinite(threshold):
        line = dict(width=2, dash="dash", color=palette.FILLED)
        layout["shapes"] = [dict(type="line", x0=threshold, x1=threshold, y0=0, y1=1, yref="paper", line=line)]
    return go.Figure(dict(data=[bars], layout=layout))


def side_by_side(data: Data, plane: Plane, points: np.ndarray, ranks: np.ndarray, height: int = HEIGHT) -> go.Figure:
    """The data, and points (m, d) drawn from a mixture in the colours of the components (m,) that they were drawn from."""
    ours, drawn = plane.places(data.points), plane.places(points)
    extent = padded(np.concatenate([ours, drawn]), 1.3 if data.to_scale else None)
    left, right, bottom, top = extent
    layout = dict(height=height, margin=MARGIN | dict(t=30), showlegend=False, dragmode=False, images=[], annotations=[])
    traces = []
    for i, (xy, labels, title) in enumerate(((ours, None, "The data"), (drawn, ranks, "Drawn from the mixture"))):
        number = "" if i == 0 else "2"
        axes = dict(xaxis=f"x{number}", yaxis=f"y{number}")
        colors = [palette.NEUTRAL] if labels is None else [palette.color_of(rank) for rank in range(int(labels.max()) + 1)]
        if len(xy) > MOST_MARKERS:
            source = paint.Canvas(*xy.T, extent, 480, 600).paint(palette.rgb(colors), labels=labels)
            place = dict(x=left, y=top, sizex=right - left, sizey=top - bottom, sizing="stretch", layer="below")
            layout["images"].append(place | dict(source=source, xref=f"x{number}", yref=f"y{number}"))
            traces.append(dict(type="scatter", x=[None], y=[None]) | axes)
        else:
            color = colors[0] if labels is None else np.array(colors)[labels].tolist()
            marker = dict(size=marker_size(len(xy)), opacity=0.8, color=color)
            traces.append(dict(type="scatter", mode="markers", x=xy[:, 0], y=xy[:, 1], hoverinfo="skip", marker=marker) | axes)
        layout[f"xaxis{number}"] = dict(
            domain=[0.52 * i, 0.48 + 0.52 * i], anchor=f"y{number}", range=[left, right], zeroline=False
        ) | dict(title=dict(text=safe(plane.names[0])))
        layout[f"yaxis{number}"] = dict(
            anchor=f"x{number}",
            range=[bottom, top],
            zeroline=False,
            title=dict(text=safe(plane.names[1]) if i == 0 else ""),
            scaleanchor=f"x{number}" if data.to_scale else None,
        )
        layout["annotations"].append(
            dict(text=title, x=0.24 + 0.52 * i, y=1, xref="paper", yref="paper", xanchor="center", yanchor="bottom")
            | dict(showarrow=False, font=dict(size=14))
        )
    return go.Figure(dict(data=traces, layout=layout))


def model(run: Run, plane: Plane, extent: tuple[float, float, float, float], height: int = 200) -> go.Figure:
    """A small picture of the mixture that a run ended with: points, and ellipses at one and two standard deviations."""
    xy = plane.places(run.data.points)
    belief = Belief(run)
    left, right, bottom, top = extent
    colors = palette.rgb([palette.color_of(rank) for rank in range(run.settings.k)])
    source = paint.Canvas(*xy.T, extent, 300, 390).paint(colors, responsibilities=belief.responsibilities.T)
    traces = [
        dict(type="scatter", mode="lines", x=curve[:, 0], y=curve[:, 1], hoverinfo="skip")
        | dict(line=dict(color=palette.color_of(rank), width=2.2))
        for scale in (1, 2)
        for rank, curve in zip(run.ranks, ellipses(belief.mixture, plane, scale), strict=True)
    ]
    bare = dict(showticklabels=False, zeroline=False, showgrid=False, ticks="")
    place = dict(xref="x", yref="y", x=left, y=top, sizex=right - left, sizey=top - bottom, sizing="stretch", layer="below")
    layout = dict(
        height=height,
        margin=dict(l=4, r=4, t=4, b=4),
        showlegend=False,
        dragmode=False,
        images=[place | dict(source=source)],
        xaxis=bare | dict(range=[left, right], constrain="domain"),
        yaxis=bare | dict(range=[bottom, top], constrain="domain", scaleanchor="x" if run.data.to_scale else None),
    )
    return go.Figure(dict(data=traces, layout=layout))


def sureness(bootstrap: Bootstrap, plane: Plane, height: int = HEIGHT) -> go.Figure:
    """Where the means of the resampled fits lie, over the points."""
    run = bootstrap.run
    belief = Belief(run)
    _, traces, layout = _ground(run.data, plane, belief.responsibilities, "", height)
    if "images" not in layout:
        traces[0]["marker"] = traces[0]["marker"] | dict(opacity=0.25)
    for cluster in np.argsort(run.ranks):
        places = plane.project(np.array([one.means[cluster] for one in bootstrap.made]))
        mark = dict(size=7, color=palette.color_of(run.ranks[cluster]), line=dict(width=1, color=DARK), opacity=0.8)
        traces.append(dict(type="scatter", mode="markers", x=places[:, 0], y=places[:, 1], hoverinfo="skip", marker=mark))
    return go.Figure(dict(data=traces, layout=layout | dict(clickmode="none")))


def narrowing_picture(path: Narrowing, plane: Plane, name: str, height: int = HEIGHT) -> go.Figure:
    """The points in the colours of their responsibilities, with the means and rings of one width, a frame for each width."""
    data, ranks = path.run.data, path.run.ranks
    order = np.argsort(ranks)
    xy = plane.places(data.points)
    extent = padded(xy, 1.3 if data.to_scale else None)
    round_ = (plane.axes @ plane.axes.T, np.sqrt(np.linalg.eigvalsh(plane.axes @ plane.axes.T)))[0]

    def at(one) -> list[dict]:
        shares = one.responsibilities[:, order]
        means = plane.project(one.means)[order]
        # in a plane of unit vectors a sphere is a circle
        rings = [mean + one.width * (np.linalg.cholesky(round_ + 1e-12 * np.eye(2)) @ CIRCLE).T for mean in means]
        lines = [dict(x=ring[:, 0].tolist(), y=ring[:, 1].tolist()) for ring in rings]
        middle = dict(x=means[:, 0].tolist(), y=means[:, 1].tolist())
        return [dict(marker=dict(color=_blended(shares))), *lines, middle, middle]

    k = len(ranks)
    frames = [dict(name=str(i), data=at(one), traces=[*range(k + 1), k + 1, k + 2]) for i, one in enumerate(path.soft)]
    points = dots(data, plane, xy, np.arange(len(xy)))
    last = frames[-1]["data"]
    points["marker"] = dict(size=marker_size(len(xy)), opacity=0.85) | last[0]["marker"]
    rings = [
        dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=palette.color_of(rank), width=2)) | ring
        for rank, ring in enumerate(last[1 : k + 1])
    ]
    badge = dict(type="scatter", mode="markers", hoverinfo="skip")
    centers = [
        badge | last[-2] | dict(marker=dict(size=18, color=LIGHT, line=dict(width=2.5, color=DARK))),
        badge | last[-1] | dict(marker=dict(size=10, color=[palette.color_of(rank) for rank in range(k)])),
    ]
    target = plane.project(path.hard)
    cross = dict(size=13, symbol="x-thin", color=DARK, line=dict(width=3, color=DARK))
    hard = badge | dict(x=target[:, 0], y=target[:, 1], marker=cross)
    layout = layout_of(data, plane, extent, name, height, False)
    return figure([points, *rings, *centers, hard], layout, frames)


def _round_numbers(widths: np.ndarray) -> list[float]:
    """1, 2 and 5 times the powers of ten that lie among the widths."""
    powers = 10.0 ** np.arange(np.floor(np.log10(widths.min())), np.ceil(np.log10(widths.max())) + 1)
    values = np.outer(powers, [1, 2, 5]).ravel()
    return values[(values >= 0.9 * widths.min()) & (values <= 1.1 * widths.max())].round(12).tolist()


def narrowing_curve(path: Narrowing, name: str, height: int = 260) -> go.Figure:
    """How sure the points are on average, over the width, from wide to narrow; with a mark on the frame that is shown."""
    x, y = path.widths, path.certainty
    frames = [
        dict(name=str(i), data=[dict(x=x[: i + 1], y=y[: i + 1]), dict(x=[x[i]], y=[y[i]])], traces=[1, 2])
        for i in range(len(x))
    ]
    whole = dict(x=x, y=y, hovertemplate="width %{x:.3g}<br>largest responsibility %{y:.3f} on average<extra></extra>")
    layout = dict(
        height=height,
        margin=MARGIN,
        showlegend=False,
        dragmode=False,
        meta=name,
        xaxis=dict(
            type="log",
            range=[np.log10(x[0]) + 0.05, np.log10(x[-1]) - 0.05],
            title=dict(text="width"),
            zeroline=False,
            tickvals=_round_numbers(x),
        ),
        yaxis=dict(range=[min(0.95 * float(y.min()), 0.9), 1.02], title=dict(text="certainty"), zeroline=False),
        updatemenus=[REMOTE],
    )
    return figure(curves.moving(whole, frames[-1]["data"]), layout, frames)


def told(path: Narrowing) -> list[Frame]:
    """What is to be said of each width."""
    means = "Each point is shared among all means by how near they are, as far as the width lets it tell."
    return [
        Frame(
            "start" if i == 0 else "E",
            i,
            i,
            None,
            f"Width {short(one.width)}: the largest responsibility is {path.certainty[i]:.3f} on average; the means are "
            + (
                "at the centers of K-means."
                if path.distance[i] < 1e-6 * path.widths[0]
                else f"within {short(float(path.distance[i]))} of the centers of K-means."
            ),
            means if i == 0 else "",
        )
        for i, one in enumerate(path.soft)
    ]
