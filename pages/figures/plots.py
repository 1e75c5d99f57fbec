"""What the Plotly figures of a data set and of its runs share. Arrays in, figures out; no Streamlit."""

import base64
import hashlib
from functools import cached_property

import numpy as np
import plotly.graph_objects as go

from pages.datasets.data import Data
from pages.datasets.formatting import escape_hover, escape_html, minus_signs, truncate
from pages.datasets.planes import Plane
from pages.figures import palette

WITH_SAVE_BUTTON = dict(config={"displayModeBar": True, "displaylogo": False, "modeBarButtons": [["toImage"]]})
"""for pictures that the player saves: by Plotly's own button, which it hides"""
CHART = dict(config={"displayModeBar": False})
"""for figures that nobody saves"""
MAX_MARKERS = 2_000
"""above this many points a picture is painted instead of having a marker for each"""
MAX_ANIMATED_MARKERS = 1_000
"""the same for pictures that move: a browser cannot restyle more markers thirty times a second"""
MAX_HOVERABLE = 400
"""how many points of a painted picture answer to the pointer"""
MAX_NAME_LABELS = 150
"""that are written beside their points"""
LIGHT, DARK = "#ffffff", "#26262c"
"""what is now is a dark line with a light rim: seen on any ground and any color"""
EMPTY_LINE = dict(x=[None], y=[None])
"""an empty array would make Plotly drop the other lines as well"""
TIGHT = dict(l=10, r=10, t=10, b=10)
"""the margin of a figure whose axes make room for themselves"""
MARGIN = dict(l=65, r=10, t=10, b=65)
"""room for titles and labels of the usual length: where these need more, Plotly makes it, by drawing everything once more"""


def token(*what) -> str:
    """A name by which the player knows that a figure belongs to what is shown: keys of runs, and ways of looking at them."""
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]


def padded_extent(xy: np.ndarray, proportions: float | None = None) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a picture of these points (n, 2), as much wider than high as `proportions` says."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    size = extent_size(low, high)
    if proportions is not None:
        size = np.maximum(size, size[::-1] * (proportions, 1 / proportions))
    middle = low + (high - low) / 2
    (left, bottom), (right, top) = (middle - 0.55 * size).tolist(), (middle + 0.55 * size).tolist()
    return left, right, bottom, top


def extent_size(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How wide a picture from `low` to `high` is; of a single value wide enough that its edges differ from it."""
    return np.where(high > low, high - low, np.maximum(1.0, 1e-6 * np.abs(low)))


def precision(low: float, high: float) -> type:
    """In what numbers from low to high are drawn: single precision where its steps are smaller than can be seen."""
    span, reach = high - low, max(abs(low), abs(high))
    return np.float32 if span > 1e-30 and reach < min(100 * span, 1e30) else np.float64


def rings(data: Data, xy: np.ndarray) -> list[dict]:
    """A trace that rings the rows in which a value was filled, and names the values; none if nothing was."""
    if data.filled is None or not data.filled.any():
        return []
    rows = np.flatnonzero(data.filled.any(axis=1))[:MAX_MARKERS]
    return [
        dict(
            type="scatter",
            mode="markers",
            x=xy[rows, 0],
            y=xy[rows, 1],
            customdata=[
                escape_html(name) + "<br>" + "<br>".join(map(escape_html, filled_values(data, i)))
                for i, name in zip(rows, data.names_of(rows), strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
            marker=dict(symbol="circle-open", size=13, color=palette.FILLED, opacity=0.8, line=dict(width=1.5)),
        )
    ]


def colors_note(k: int) -> str:
    """A sentence about the colors of k clusters, if they repeat."""
    return " Colors repeat after ten clusters." if k > len(palette.COLORS) else ""


def rings_note(data: Data) -> str:
    """A sentence about the rings in a picture of these data, if there are any."""
    if data.filled is None or not data.filled.any():
        return ""
    rows = int(data.filled.any(axis=1).sum())
    which = f"the first {MAX_MARKERS:,} of {rows:,} rows" if rows > MAX_MARKERS else "a row"
    uncertain = "" if data.deviations is None else ", and how uncertain it is"
    return f"A ring marks {which} in which a value was filled; point at it to see which{uncertain}."


def filled_values(data: Data, i: int) -> list[str]:
    """Each value of point i that was filled, in words: 'filled: bill_length 43.9 ± 5.4'."""
    texts = []
    for j in np.flatnonzero(data.filled[i]):
        spread = "" if data.deviations is None or not data.deviations[i, j] else f" ± {data.deviations[i, j]:.3g}"
        value = minus_signs(f"{data.points[i, j]:.4g}{spread}")
        texts.append(f"filled: {data.columns[j]} {value}")
    return texts[:8] + ["…"] * (len(texts) > 8)


def name_labels(data: Data, rows: np.ndarray) -> dict:
    """What writes the names of these rows beside their points, where names are what was clustered and there is room."""
    if data.precomputed is None or data.names is None or len(data.names) > MAX_NAME_LABELS:
        return {}
    names = [escape_html(truncate(name)) for name in data.names_of(rows)]
    return dict(mode="markers+text", text=names, textposition="middle right", textfont=dict(size=10))


def point_trace(data: Data, plane: Plane, xy: np.ndarray, rows: np.ndarray) -> dict:
    """A trace of these rows at their places in xy (n, 2), which says what they are called and where."""
    x, y = map(escape_hover, plane.names)
    return dict(
        type="scatter",
        mode="markers",
        x=xy[rows, 0],
        y=xy[rows, 1],
        customdata=list(map(escape_html, data.names_of(rows))),
        hovertemplate=f"%{{customdata}}<br>{x}: %{{x}}<br>{y}: %{{y}}<extra></extra>",
    )


def hoverable_rows(n: int) -> np.ndarray:
    """The rows of n that answer to the pointer where all are painted: always the same ones."""
    return np.sort(np.random.default_rng(0).choice(n, min(MAX_HOVERABLE, n), replace=False))


def marker_size(n: int) -> float:
    return 7.5 * min(1.0, (500 / n) ** 0.35)


def image_position(extent: tuple[float, float, float, float], axes: str = "") -> dict:
    """Where an image lies that is stretched over the extent, below all else, by the axes of this number."""
    left, right, bottom, top = extent
    place = dict(xref=f"x{axes}", yref=f"y{axes}", x=left, y=top, sizex=right - left, sizey=top - bottom)
    return place | dict(sizing="stretch", layer="below")


def plane_layout(data: Data, plane: Plane, extent: tuple[float, float, float, float], height: int, painted: bool) -> dict:
    """The layout of a picture of points."""
    left, right, bottom, top = extent
    axis = dict(zeroline=False, showgrid=not painted)  # the lines would run over a painted picture
    return dict(
        height=height,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode="pan",
        xaxis=axis | dict(range=[left, right], title=dict(text=escape_html(plane.names[0]))),
        yaxis=axis
        | dict(scaleanchor="x" if data.to_scale else None, range=[bottom, top], title=dict(text=escape_html(plane.names[1]))),
    )


def side_by_side_layout(
    data: Data, plane: Plane, extent: tuple[float, float, float, float], titles: tuple[str, str], height: int
) -> dict:
    """The layout of two pictures of points in the same plane and extent, side by side, each below its title.

    Their axes are numbered "" and "2", as in `image_position`.
    """
    left, right, bottom, top = extent
    layout = dict(height=height, margin=TIGHT | dict(t=30), showlegend=False, images=[], annotations=[])
    across, up = map(escape_html, plane.names)
    for i, (number, title) in enumerate(zip(("", "2"), titles, strict=True)):
        begin, end = 0.52 * i, 0.48 + 0.52 * i
        layout[f"xaxis{number}"] = dict(
            domain=[begin, end], anchor=f"y{number}", range=[left, right], zeroline=False, title=dict(text=across)
        )
        layout[f"yaxis{number}"] = dict(
            anchor=f"x{number}",
            range=[bottom, top],
            zeroline=False,
            title=dict(text="" if i else up),
            scaleanchor=f"x{number}" if data.to_scale else None,
        )
        layout["annotations"].append(
            dict(
                text=escape_html(title),
                x=(begin + end) / 2,
                y=1,
                xref="paper",
                yref="paper",
                xanchor="center",
                yanchor="bottom",
            )
            | dict(showarrow=False, font=dict(size=14))
        )
    return layout


def player_layout(name: str) -> dict:
    """What the layout of a figure has that a player drives, by this name."""
    return dict(meta=name, updatemenus=[REMOTE])


REMOTE = dict(
    type="buttons",
    x=0,
    y=1,
    xanchor="left",
    yanchor="top",
    pad=dict(t=0, r=0, b=0, l=0),
    bgcolor="rgba(0,0,0,0)",
    borderwidth=0,
    showactive=False,
    buttons=[dict(label=" ", method="animate", args=[["0"], {}])],
)
"""An invisible button by which the player gives its orders to the figure: it is Plotly's own way to start an animation."""


class AnimatedFigure(go.Figure):
    """A figure whose frames are taken as they are.

    Plotly would compare each point's symbol and color in each frame with all that there are, which for 2,000 points takes
    seconds: longer than all else. Who asks for `frames` gets them checked.
    """

    def __init__(self, data: list[dict], layout: dict, frames: list[dict]):
        super().__init__(dict(data=data, layout=layout))
        # each trace with its type, as Plotly has it
        frames = [frame | dict(data=[dict(type="scatter") | trace for trace in frame["data"]]) for frame in frames]
        self._as_given = frames

    @cached_property
    def frames(self) -> tuple[go.Frame, ...]:
        return go.Figure(frames=self._as_given).frames

    def to_dict(self) -> dict:
        return super().to_dict() | (dict(frames=_packed(self._as_given)) if self._as_given else {})


PACKED = {np.dtype(kind): kind[1:] for kind in ("<f4", "<f8", "|u1")}
"""what Plotly calls the kinds of arrays that are sent as they are in memory"""


def _packed(value):
    """The same with arrays (m,) packed as Plotly packs them; lists stay what they are."""
    if isinstance(value, dict):
        return {name: _packed(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        if value.ndim == 1 and value.dtype in PACKED:
            return dict(dtype=PACKED[value.dtype], bdata=base64.b64encode(value.tobytes()).decode())
        return value.tolist()
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_packed(part) for part in value]
    return value


def highlight_traces(mode: str, size: int) -> list[dict]:
    """Two traces, the rim and the line of what is now."""
    trace = dict(type="scatter", mode=mode, hoverinfo="skip")
    return [
        trace | dict(line=dict(color=color, width=width), marker=dict(color=color, size=size + width))
        for color, width in ((LIGHT, 6), (DARK, 2.5))
    ]
