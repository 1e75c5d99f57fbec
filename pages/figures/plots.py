"""Parts shared by the Plotly figures of data sets and runs."""

import base64
import hashlib
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from pages.datasets.data import Data
from pages.datasets.formatting import MAX_TITLE_LENGTH, escape_html, escape_title, minus_signs, truncate
from pages.datasets.planes import Plane
from pages.datasets.units import column_names, date_columns, date_text, errors_in_units, in_units, position_texts
from pages.figures import paint, palette
from pages.figures.themes import Theme, themed

MAX_MARKERS = 2_000
"""maximum number of points drawn as markers; more are painted as an image"""
MAX_ANIMATED_MARKERS = 1_000
"""maximum number of points drawn as markers in an animation: browsers cannot update more at 30 frames per second"""
MAX_HOVERABLE = 400
"""maximum number of points of a painted image that show a tooltip"""
MAX_TOOLTIP_COLUMNS = 6
"""maximum number of columns in a tooltip"""
TEXT_TOOLTIP = "%{customdata}<extra></extra>"
MAX_NAME_LABELS = 150
"""maximum number of names written next to their points"""
LIGHT, DARK = "#ffffff", "#26262c"
"""colors of the light outline and the dark line that highlight the current step, visible on any background"""
THINNED = "thinned"
"""`meta` of traces whose labels are hidden where they overlap; the first ones have priority"""
RINGS = "rings"
"""`meta` of the traces of rings around points with imputed values, which can be hidden"""
THIN_LABELS = (Path(__file__).parent / "thin.js").read_text(encoding="utf-8")
"""script whose function `keepThin` hides these labels in a browser"""
EMPTY_LINE = dict(x=[None], y=[None])
"""coordinates of a line without points; if they were empty arrays, Plotly would drop other lines as well"""
TIGHT = dict(l=10, r=10, t=10, b=10)
"""margin of figures whose axes add their own margin"""
MARGIN = dict(l=65, r=10, t=10, b=65)
"""margin for titles and labels of usual length; for longer ones Plotly draws the whole figure a second time"""


def token(*parts) -> str:
    """Return a digest of the parts, such as keys and settings, that identifies figures, jobs and downloads."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def padded_extent(xy: np.ndarray, aspect: float | None = None) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of a plot of points (n, 2), with margins; `aspect` is width divided by height."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    size = extent_size(low, high)
    if aspect is not None:
        size = np.maximum(size, size[::-1] * (aspect, 1 / aspect))
    middle = low + (high - low) / 2
    (left, bottom), (right, top) = (middle - 0.55 * size).tolist(), (middle + 0.55 * size).tolist()
    return left, right, bottom, top


def extent_size(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return high - low, or a positive size where they are equal."""
    return np.where(high > low, high - low, np.maximum(1.0, 1e-6 * np.abs(low)))


def number_ticks(values) -> dict:
    """Return properties of an axis with these values or ends that write its ticks as `format_number` does, not as 20T."""
    largest = np.abs(values).max(initial=0, where=~np.isnan(values))
    # Plotly compares the exponents of large and of small numbers with the same limit
    return dict(exponentformat="e", minexponent=8 if largest >= 1 else 4, separatethousands=True)


def precision(low: float, high: float) -> type:
    """Return the floating-point type for coordinates from low to high: single precision if its rounding is invisible."""
    span, largest = high - low, max(abs(low), abs(high))
    return np.float32 if span > 1e-30 and largest < min(100 * span, 1e30) else np.float64


def points_note(n: int, of_sample: bool, painted: bool) -> str:
    """A sentence that states how many points are used, and whether they are drawn as an image."""
    image = ", drawn as an image; darker means more points" if painted else ""
    return f"All {n:,} points{' of the sample' if of_sample else ''} are used and shown{image}."


def rings(data: Data, xy: np.ndarray) -> list[dict]:
    """Return a trace of rings around points with imputed values, which the tooltips list; no trace if there are none."""
    if data.imputed is None or not data.imputed.any():
        return []
    rows = ringed_rows(data)
    return [
        dict(
            type="scatter",
            mode="markers",
            meta=RINGS,
            x=xy[rows, 0],
            y=xy[rows, 1],
            customdata=[
                escape_title(name) + "<br>" + "<br>".join(map(escape_html, imputed_values(data, i)))
                for i, name in zip(rows, data.names_of(rows), strict=True)
            ],
            hovertemplate=TEXT_TOOLTIP,
            marker=dict(symbol="circle-open", size=12, color=palette.NEUTRAL, opacity=0.75, line=dict(width=1)),
        )
    ]


def ringed_rows(data: Data) -> np.ndarray:
    """Return the rows with imputed values that have a ring."""
    return np.flatnonzero(data.imputed.any(axis=1))[:MAX_MARKERS]


def colors_note(k: int) -> str:
    """Return a sentence if the colors of k clusters repeat, otherwise an empty string."""
    return " Colors repeat after ten clusters." if k > len(palette.COLORS) else ""


def rings_note(data: Data) -> str:
    """Return a sentence about the rings in plots of these data; empty if there are none."""
    if data.imputed is None or not data.imputed.any():
        return ""
    rows = int(data.imputed.any(axis=1).sum())
    which = f"the first {MAX_MARKERS:,} of {rows:,} rows" if rows > MAX_MARKERS else "rows"
    return f"Rings mark {which} with imputed values; hover for details."


def imputed_values(data: Data, i: int) -> list[str]:
    """Return descriptions of the imputed values of point i, at most eight, such as 'imputed: bill_length 43.9 ± 5.4'."""
    texts, names, values = [], column_names(data), in_units(data, data.points[i])
    deviations = np.zeros(len(names)) if data.deviations is None else errors_in_units(data, data.deviations[i])
    for j in np.flatnonzero(data.imputed[i]):
        spread = f" ± {deviations[j]:.3g}" if deviations[j] else ""
        value = date_text(values[j]) if j in date_columns(data) else f"{values[j]:.4g}"
        texts.append(f"imputed: {truncate(names[j], MAX_TITLE_LENGTH)} {minus_signs(value + spread)}")
    return texts[:8] + ["…"] * (len(texts) > 8)


def name_labels(data: Data, rows: np.ndarray, thinned: bool = False) -> dict:
    """Return trace properties that show names next to points.

    For distance matrices with at most MAX_NAME_LABELS names. If `thinned`, that is, if the player hides names that would
    overlap, also for words: for as many of the first ones, in larger letters for more frequent ones.
    """
    are_words = thinned and data.occurrences is not None
    if data.names is None or not (are_words or (data.precomputed is not None and len(data.names) <= MAX_NAME_LABELS)):
        return {}
    names = [escape_html(truncate(name)) for name in data.names_of(rows)]
    if not are_words:
        return dict(mode="markers+text", text=names, textposition="middle right", textfont=dict(size=10))
    names[MAX_NAME_LABELS:] = [""] * (len(names) - MAX_NAME_LABELS)
    frequencies = np.sqrt(data.occurrences[rows] / data.occurrences.max())
    sizes = np.round(10 + 8 * frequencies, 1).tolist()
    return dict(mode="markers+text", text=names, textposition="top center", textfont=dict(size=sizes), meta=THINNED)


def point_trace(data: Data, plane: Plane, xy: np.ndarray, rows: np.ndarray) -> dict:
    """Return a trace of these rows of xy (n, 2), with names and the first columns, in the units of the table, as tooltips.

    Tooltips of points that have no other columns, or none that mean anything to a reader, show the coordinates.
    """
    names = list(map(escape_title, data.names_of(rows)))
    if data.scaling is None and (len(data.columns) < 3 or data.precomputed is not None or data.occurrences is not None):
        x, y = map(escape_title, plane.names)
        template = f"%{{customdata}}<br>{x}: %{{x}}<br>{y}: %{{y}}<extra></extra>"
    else:
        columns = list(map(escape_title, column_names(data)[:MAX_TOOLTIP_COLUMNS]))
        texts = position_texts(data, data.points[rows], len(columns))
        names = ["<br>".join([name, *map("{}: {}".format, columns, row)]) for name, row in zip(names, texts, strict=True)]
        template = TEXT_TOOLTIP
    return dict(
        type="scatter",
        mode="markers",
        x=xy[rows, 0],
        y=xy[rows, 1],
        customdata=names,
        hovertemplate=template,
    )


def hoverable_rows(n: int) -> np.ndarray:
    """Return the rows, out of n painted points, that show a tooltip: a random sample with a fixed seed."""
    return np.sort(np.random.default_rng(0).choice(n, min(MAX_HOVERABLE, n), replace=False))


def marker_size(n: int) -> float:
    return 7.5 * min(1.0, (500 / n) ** 0.35)


def image_position(extent: tuple[float, float, float, float], axes: str = "") -> dict:
    """Return the position of an image that covers the extent, below all traces.

    `axes` is the suffix of its axes in Plotly's names, such as "2" for "x2" and "y2".
    """
    left, right, bottom, top = extent
    place = dict(xref=f"x{axes}", yref=f"y{axes}", x=left, y=top, sizex=right - left, sizey=top - bottom)
    return place | dict(sizing="stretch", layer="below")


def canvas_of(data: Data, xy: np.ndarray, extent: tuple[float, float, float, float], width: int = paint.WIDTH) -> paint.Canvas:
    """Return a canvas of these positions (n, 2) whose pixels are squares in a plot with `scale_of_pixels`."""
    return paint.Canvas(*xy.T, extent, paint.height_for(extent, data.to_scale, width), width)


def scale_of_pixels(data: Data, extent: tuple[float, float, float, float], axis: str = "x") -> dict:
    """Return properties of the y-axis that belongs to an x-axis, so that pixels of an image of the extent are squares.

    Otherwise the dots would be as oval as the plot happens to be in a window.
    """
    left, right, bottom, top = extent
    ratio = 1.0 if data.to_scale else paint.HEIGHT / paint.WIDTH * (right - left) / (top - bottom)
    # Plotly would otherwise widen a range each time that the plot gets another size, without narrowing it again
    return dict(scaleanchor=axis, scaleratio=ratio, constrain="domain")


def plane_layout(data: Data, plane: Plane, extent: tuple[float, float, float, float], height: int, painted: bool) -> dict:
    """Return the layout of a plot of points; `painted` if they are an image."""
    left, right, bottom, top = extent
    axis = dict(zeroline=False, showgrid=not painted)  # grid lines would cover a painted image
    return dict(
        height=height,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode="pan",
        xaxis=axis | dict(range=[left, right], constrain="domain", title=dict(text=escape_title(plane.names[0]))),
        yaxis=axis
        | dict(range=[bottom, top], title=dict(text=escape_title(plane.names[1])))
        | (scale_of_pixels(data, extent) if data.to_scale or painted else {}),
    )


def side_by_side_layout(
    data: Data, plane: Plane, extent: tuple[float, float, float, float], titles: tuple[str, str], height: int, painted: bool
) -> dict:
    """Return the layout of two plots side by side, with the same plane and extent, and a title above each.

    `painted` is whether points are drawn as an image. The suffixes of their axes are "" and "2" (see `image_position`).
    """
    left, right, bottom, top = extent
    layout = dict(height=height, margin=TIGHT | dict(t=30), showlegend=False, images=[], annotations=[])
    x_title, y_title = map(escape_title, plane.names)
    for i, (number, title) in enumerate(zip(("", "2"), titles, strict=True)):
        begin, end = 0.52 * i, 0.48 + 0.52 * i
        layout[f"xaxis{number}"] = dict(
            domain=[begin, end],
            anchor=f"y{number}",
            range=[left, right],
            constrain="domain",
            zeroline=False,
            title=dict(text=x_title),
        )
        layout[f"yaxis{number}"] = dict(
            anchor=f"x{number}", range=[bottom, top], zeroline=False, title=dict(text="" if i else y_title)
        ) | (scale_of_pixels(data, extent, f"x{number}") if data.to_scale or painted else {})
        layout["annotations"].append(
            dict(
                text=escape_title(title),
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
    """Return layout properties of a figure that the player controls; it identifies the figure by this name."""
    return dict(meta=name, updatemenus=[HIDDEN_BUTTON])


HIDDEN_BUTTON = dict(
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
"""an invisible button, which the player uses to animate the figure"""


class Figure(go.Figure):
    """A figure that Plotly validates only when its properties are read.

    Validation compares each value with all valid ones, which takes most of the time that a figure needs, and seconds for
    animations of 2,000 points. Sending a figure to the browser, with `to_dict`, does without it.
    """

    def __init__(self, data: list[dict], layout: dict, frames: list[dict] = ()):
        # Plotly requires the type of each trace
        data = [dict(type="scatter") | trace for trace in data]
        frames = [frame | dict(data=[dict(type="scatter") | trace for trace in frame["data"]]) for frame in frames]
        self._spec = data, layout, frames

    def __getattr__(self, name: str):
        """Validate the figure when anything is read that Plotly would have set."""
        if name.startswith("__") or "_spec" not in self.__dict__ or "_validated" in self.__dict__:
            raise AttributeError(name)
        self._validated = True
        data, layout, _ = self._spec
        super().__init__(dict(data=data, layout=layout))
        return getattr(self, name)

    def with_traces(self, traces: list[dict]) -> "Figure":
        """Return a copy with these traces above all others, the same in all frames."""
        data, layout, frames = self._spec
        return Figure([*data, *traces], layout, frames)

    @property
    def meta(self) -> str:
        """`layout.meta`, without validation."""
        return self._spec[1].get("meta", "")

    @cached_property
    def frames(self) -> tuple[go.Frame, ...]:
        return go.Figure(frames=self._spec[2]).frames

    def to_dict(self) -> dict:
        data, layout, frames = self._spec
        if "_validated" in self.__dict__:  # it may have been changed
            spec = super().to_dict()
        else:
            spec = dict(data=_packed(data), layout=dict(template=_default_template()) | _packed(layout))
        return spec | (dict(frames=_packed(frames)) if frames else {})


def ranges(figure: go.Figure) -> dict[str, list[float]]:
    """Return the ranges of the axes of a figure, as arguments of Plotly's `relayout`."""
    layout = figure._spec[1] if isinstance(figure, Figure) else figure.to_dict()["layout"]
    return {f"{name}.range": list(layout[name]["range"]) for name in ("xaxis", "yaxis") if "range" in layout.get(name, {})}


class _PageFigure(Figure):
    """A figure that Plotly draws only once.

    Streamlit passes each figure to Plotly a second time, as a copy. Plotly draws it again, which takes as long as the first
    time, if the layout has a template or if an array is in binary form. Lists are not compared, because `datarevision` is set.
    (If both axes have the same scale, Plotly adjusts their ranges, and may have to draw again after all.)
    """

    def to_dict(self) -> dict:
        data, layout, frames = self._spec
        spec = dict(data=[_listed(trace) for trace in data], layout=_packed(layout) | dict(datarevision=1))
        return spec | (dict(frames=_packed(frames)) if frames else {})


def has_rings(figure: go.Figure) -> bool:
    """Return whether a figure has rings around points with imputed values."""
    data = figure._spec[0] if isinstance(figure, Figure) else figure.to_dict()["data"]
    return any(trace.get("meta") == RINGS for trace in data)


def page_figure(figure: go.Figure, theme: Theme, rings: bool = True) -> Figure:
    """Return the figure as it is sent to a page with this theme, with or without rings around imputed values."""
    if isinstance(figure, Figure) and "_validated" not in figure.__dict__:
        data, layout, frames = figure._spec
    else:  # it may have been changed
        spec = figure.to_dict()
        data, layout, frames = spec["data"], spec["layout"], spec.get("frames", ())
    layout = {name: value for name, value in layout.items() if name != "template"}
    if not rings:
        data = [trace | dict(visible=False) if trace.get("meta") == RINGS else trace for trace in data]
    return _PageFigure(data, themed(layout, theme), frames)


@cache
def _default_template() -> dict:
    """The template that Plotly adds to each figure."""
    return go.Figure().to_dict()["layout"]["template"]


PACKED = {np.dtype(kind): kind[1:] for kind in ("<f4", "<f8", "|u1")}
"""Plotly's names of the data types whose arrays are sent in binary form"""


MAX_LISTED = 5_000
"""size of the largest array of a figure on a page that is sent as a list"""


def _listed(value):
    """The value without None, and with short arrays as they are: they become lists of the shortest exact numbers."""
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in value.items() if part is not None}
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.size <= MAX_LISTED:
        return np.ascontiguousarray(value)  # orjson writes others only after all of the figure was copied
    return _packed(value)


def _packed(value):
    """The value as Plotly sends it: without None, and arrays of up to two dimensions in binary form; lists are unchanged."""
    if isinstance(value, dict):
        return {name: _packed(part) for name, part in value.items() if part is not None}
    if isinstance(value, np.ndarray):
        if value.ndim <= 2 and value.dtype in PACKED:
            shape = {} if value.ndim == 1 else dict(shape=", ".join(map(str, value.shape)))
            return dict(dtype=PACKED[value.dtype], bdata=base64.b64encode(value.tobytes()).decode()) | shape
        return value.tolist()
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_packed(part) for part in value]
    return value


def ring_traces(size: int) -> tuple[dict, ...]:
    """Return two traces that circle points: a light ring below a dark one."""
    return tuple(
        dict(
            type="scatter",
            mode="markers",
            hoverinfo="skip",
            marker=dict(symbol="circle-open", size=size, color=color, line=dict(width=width)),
        )
        for color, width in ((LIGHT, 4), (DARK, 1.8))
    )


def outline_traces() -> tuple[dict, ...]:
    """Return two traces that draw a dashed outline: a light line below a dark one."""
    return tuple(
        dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=color, width=width, dash=dash))
        for color, width, dash in ((LIGHT, 4, "solid"), (DARK, 2, "dash"))
    )


def highlight_traces(mode: str, size: int) -> tuple[dict, ...]:
    """Return two traces that highlight the current step: a light outline and a dark line."""
    trace = dict(type="scatter", mode=mode, hoverinfo="skip")
    return tuple(
        trace | dict(line=dict(color=color, width=width), marker=dict(color=color, size=size + width))
        for color, width in ((LIGHT, 6), (DARK, 2.5))
    )
