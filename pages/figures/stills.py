"""Renders the frames of an animated figure without a browser, for GIFs and the report.

Supports only what the figures of this app contain: scatter traces, images below them, and axes.
"""

import base64
import html
import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageColor, ImageDraw, ImageFont

from pages.datasets.formatting import truncate
from pages.figures.palette import CURVE
from pages.figures.plots import THINNED

INK, LIGHT_INK, GRID, BACKGROUND = "#31333f", "#6b6d78", "#e6e9ef", "#ffffff"
OVERSAMPLING = 2
"""factor by which images are drawn larger and then reduced, to smooth edges"""
FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
LEFT_MARGIN, BOTTOM_MARGIN = 62, 46
"""pixels for the axis labels"""


class Stills:
    """The frames of a figure as images."""

    def __init__(self, figure: go.Figure, width: int, height: int, fine: bool = False):
        """
        width, height : in pixels
        fine : do not reduce the images, so that they have `OVERSAMPLING` times this width and height
        """
        spec = figure.to_dict()
        self.layout, self.frames = spec["layout"], spec["frames"]
        self.base = spec["data"]
        self.size, self.fine = (width, height), fine

    def all(self) -> Iterator[Image.Image]:
        """Yield the image of each frame."""
        traces, images = [dict(trace) for trace in self.base], [dict(image) for image in self.layout.get("images", [])]
        for frame in self.frames:
            _change(traces, images, frame)
            yield self._draw(traces, images)

    def at(self, i: int) -> Image.Image:
        """Return the image of frame i."""
        traces, images = [dict(trace) for trace in self.base], [dict(image) for image in self.layout.get("images", [])]
        for frame in self.frames[: i + 1]:
            _change(traces, images, frame)
        return self._draw(traces, images)

    def _draw(self, traces: list[dict], images: list[dict]) -> Image.Image:
        paper = _Paper([OVERSAMPLING * length for length in self.size], self.layout)
        for image in images:
            paper.image(image)
        for trace in traces:
            paper.trace(trace)
        return paper.finish() if self.fine else paper.finish().reduce(OVERSAMPLING)


def _change(traces: list[dict], images: list[dict], frame: dict) -> None:
    """Apply a frame to traces and images, as Plotly does."""
    for i, change in zip(frame.get("traces", []), frame.get("data", []), strict=True):
        for name, value in change.items():
            traces[i][name] = traces[i].get(name, {}) | value if isinstance(value, dict) and "bdata" not in value else value
    for image, change in zip(images, frame.get("layout", {}).get("images", []), strict=False):
        image.update(change)


class _Paper:
    """An image with axes, on which traces and images are drawn."""

    def __init__(self, size: list[int], layout: dict):
        self.sheet = Image.new("RGB", size, BACKGROUND)
        self.x, self.y = layout["xaxis"], layout["yaxis"]
        self.corner = OVERSAMPLING * LEFT_MARGIN, OVERSAMPLING * 12
        # a separate image, so that everything drawn on it is clipped at the axes
        self.inner = Image.new(
            "RGB",
            (size[0] - self.corner[0] - OVERSAMPLING * 14, size[1] - self.corner[1] - OVERSAMPLING * BOTTOM_MARGIN),
            BACKGROUND,
        )
        (left, right), (bottom, top) = (tuple(map(float, axis["range"])) for axis in (self.x, self.y))
        if self.y.get("scaleanchor"):  # widen the axis that is too narrow
            ratio = self.y.get("scaleratio", 1.0)
            scale = max((right - left) / self.inner.width, ratio * (top - bottom) / self.inner.height)
            left, right = _widened(left, right, scale * self.inner.width)
            bottom, top = _widened(bottom, top, scale / ratio * self.inner.height)
        self.low, self.span = np.array([left, top]), np.array([right - left, bottom - top])
        self._axes((left, right), (bottom, top))

    def positions(self, x, y) -> np.ndarray:
        """Return the (m, 2) pixel positions of these coordinates; NaN is a gap in a line."""
        return (np.column_stack([_numbers(x), _numbers(y)]) - self.low) / self.span * self.inner.size

    def _axes(self, across: tuple[float, float], up: tuple[float, float]) -> None:
        draw, lines, (left, top), (width, height) = (
            ImageDraw.Draw(self.sheet),
            ImageDraw.Draw(self.inner),
            self.corner,
            self.inner.size,
        )
        for value in _ticks(*across, 7):
            x = self.positions([value], [up[0]])[0][0]
            if self.x.get("showgrid", True):
                lines.line([(x, 0), (x, height)], GRID, OVERSAMPLING)
            draw.text((left + x, top + height + OVERSAMPLING * 5), _tick_text(value), LIGHT_INK, _font(11), anchor="mt")
        for value in _ticks(*up, 6):
            y = self.positions([across[0]], [value])[0][1]
            if self.y.get("showgrid", True):
                lines.line([(0, y), (width, y)], GRID, OVERSAMPLING)
            text = _tick_text(value, self.y.get("exponentformat") == "e")
            draw.text((left - OVERSAMPLING * 6, top + y), text, LIGHT_INK, _font(11), anchor="rm")
        titles = [_plain(axis.get("title", {}).get("text", "")) for axis in (self.x, self.y)]
        draw.text((left + width / 2, self.sheet.height - OVERSAMPLING * 6), titles[0], INK, _font(12), anchor="mb")
        title = Image.new("RGB", (height, OVERSAMPLING * 18), BACKGROUND)
        ImageDraw.Draw(title).text((height / 2, title.height / 2), titles[1], INK, _font(12), anchor="mm")
        self.sheet.paste(title.rotate(90, expand=True), (OVERSAMPLING * 2, top))

    def image(self, image: dict) -> None:
        """Draw an image of the layout."""
        data = base64.b64decode(image["source"].split(",", 1)[1])
        source = Image.open(io.BytesIO(data)).convert("RGBA")
        (left, top), (right, bottom) = self.positions(
            [image["x"], image["x"] + image["sizex"]], [image["y"], image["y"] - image["sizey"]]
        ).round()
        size = max(1, int(right - left)), max(1, int(bottom - top))
        self._overlay(source.resize(size, Image.Resampling.BILINEAR), (int(left), int(top)), image.get("opacity", 1))

    def trace(self, trace: dict) -> None:
        """Draw a trace: lines, fills, markers and text."""
        if trace.get("xaxis", "x") != "x" or not len(_numbers(trace.get("x", []))):
            return
        positions, mode, marker = self.positions(trace["x"], trace["y"]), trace.get("mode", "markers"), trace.get("marker", {})
        opacity = trace.get("opacity", 1) * (marker.get("opacity", 1) if mode == "markers" else 1)
        if opacity == 0:
            return
        # a translucent trace has its own layer, so that its opacity does not add up where parts of it overlap
        translucent = opacity < 1 or trace.get("fill") == "toself"
        layer = Image.new("RGBA", self.inner.size) if translucent else self.inner
        draw = ImageDraw.Draw(layer)
        if "lines" in mode:
            _lines(draw, positions, trace)
        if "markers" in mode:
            _markers(draw, positions, marker)
        if "text" in mode:
            shown = []
            for (x, y), text in zip(positions, trace["text"], strict=False):
                place = dict(xy=(x, y - OVERSAMPLING * 9), text=_plain(text), font=_font(11), anchor="mb")
                box = draw.textbbox(**place)
                if trace.get("meta") == THINNED and any(map(partial(_overlap, box), shown)):
                    continue
                shown.append(box)
                draw.text(fill=INK, **place)
        if translucent:
            self._overlay(layer, (0, 0), opacity)

    def _overlay(self, layer: Image.Image, at: tuple[int, int], opacity: float) -> None:
        """Paste a layer over the image."""
        alpha = layer.getchannel("A")
        self.inner.paste(layer, at, alpha.point(lambda value: round(value * opacity)) if opacity < 1 else alpha)

    def finish(self) -> Image.Image:
        """Draw the border of the plot and return the image."""
        ImageDraw.Draw(self.inner).rectangle(
            [0, 0, self.inner.width - 1, self.inner.height - 1], outline=GRID, width=OVERSAMPLING
        )
        self.sheet.paste(self.inner, self.corner)
        return self.sheet


def _overlap(a: tuple, b: tuple) -> bool:
    """Whether two boxes (left, top, right, bottom) overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _lines(draw: ImageDraw.ImageDraw, positions: np.ndarray, trace: dict) -> None:
    line = trace.get("line", {})
    for part in np.split(positions, np.flatnonzero(np.isnan(positions).any(axis=1))):
        part = [tuple(position) for position in part[~np.isnan(part).any(axis=1)].tolist()]
        if len(part) > 2 and trace.get("fill") == "toself":
            draw.polygon(part, _color(trace.get("fillcolor", "#0000")))
        if len(part) > 1:
            draw.line(part, line.get("color", INK), round(OVERSAMPLING * line.get("width", 2)), "curve")


def _markers(draw: ImageDraw.ImageDraw, positions: np.ndarray, marker: dict) -> None:
    n, line = len(positions), marker.get("line", {})
    sizes = np.broadcast_to(_numbers(marker.get("size", 6)), n) * OVERSAMPLING / 2
    symbols, edge_colors = (_per_point(values, n) for values in (marker.get("symbol", 0), line.get("color", BACKGROUND)))
    colors = _per_point(marker.get("color", INK), n)
    if "colorscale" in marker:
        steps, names = zip(*marker["colorscale"], strict=True)
        fractions = (np.array(colors, dtype=float) - marker["cmin"]) / (marker["cmax"] - marker["cmin"])
        colors = [names[i] for i in np.abs(fractions[:, None] - np.array(steps)).argmin(axis=1)]
    width = round(OVERSAMPLING * (line.get("width") or 0))
    for position, size, color, symbol, edge_color in zip(positions, sizes, colors, symbols, edge_colors, strict=True):
        if np.isnan(position).any():
            continue
        name, is_open = _symbol(symbol)
        fill, outline, thick = (
            (None, color, max(width, OVERSAMPLING)) if is_open else (color, edge_color if width else None, width)
        )
        if name == "circle":
            reach = size + thick / 2  # Pillow draws the outline inside the circle, Plotly half of it outside
            draw.ellipse([*(position - reach), *(position + reach)], fill, outline, thick)
        else:
            corners = [tuple(corner) for corner in (position + size * _SHAPES[name]).tolist()]
            draw.polygon(corners, fill, outline, max(thick, 1))


def _widened(low: float, high: float, span: float) -> tuple[float, float]:
    middle = (low + high) / 2
    return middle - span / 2, middle + span / 2


def _numbers(values) -> np.ndarray:
    """The values of a figure, a list or an array in Plotly's binary form, as floats."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).astype(float)
    return np.array(values, dtype=float)


def _per_point(values, n: int) -> list:
    """The values of n points; a single value is repeated."""
    if isinstance(values, dict):
        return _numbers(values).astype(int).tolist()
    return [values] * n if isinstance(values, str | int) else list(values)


_SYMBOL_NAMES = {0: "circle", 1: "square", 2: "diamond", 3: "cross", 4: "x", 5: "triangle-up", 17: "star"}
"""names of the symbols, by Plotly's number"""


def _symbol(symbol) -> tuple[str, bool]:
    """The name of a symbol, and whether it is open."""
    if isinstance(symbol, str):
        return symbol.removesuffix("-open"), symbol.endswith("-open")
    return _SYMBOL_NAMES[symbol % 100], symbol >= 100


def _star() -> np.ndarray:
    angles = np.pi / 5 * np.arange(10) - np.pi / 2
    return np.column_stack([np.cos(angles), np.sin(angles)]) * np.where(np.arange(10) % 2, 0.55, 1.4)[:, None]


_ARM = 0.4
_PLUS = np.array(
    [(-_ARM, -1.2), (_ARM, -1.2), (_ARM, -_ARM), (1.2, -_ARM), (1.2, _ARM), (_ARM, _ARM)]
    + [(_ARM, 1.2), (-_ARM, 1.2), (-_ARM, _ARM), (-1.2, _ARM), (-1.2, -_ARM), (-_ARM, -_ARM)]
)
_SHAPES = {
    "square": np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]),
    "diamond": 1.3 * np.array([(0, -1), (1, 0), (0, 1), (-1, 0)]),
    "triangle-up": np.array([(0, -1.15), (1.15, 0.85), (-1.15, 0.85)]),
    "cross": _PLUS,
    "x": _PLUS @ (np.array([[1, 1], [-1, 1]]) / 2**0.5),
    "star": _star(),
}
"""vertices of each symbol, around the origin and about as large as the unit circle"""


def _color(color: str) -> tuple[int, ...]:
    """Convert '#rrggbb' or 'rgba(r, g, b, opacity)' to a Pillow color."""
    if found := re.fullmatch(r"rgba\((.+),(.+),(.+),(.+)\)", color):
        *rgb, opacity = map(float, found.groups())
        return (*map(int, rgb), round(255 * opacity))
    return ImageColor.getrgb(color)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, OVERSAMPLING * size)


def _plain(text: str) -> str:
    """The text on one line, without HTML tags and entities."""
    return " ".join(html.unescape(re.sub(r"</?\w+>", "", text)).split())


def _ticks(low: float, high: float, max_steps: int) -> np.ndarray:
    """Round numbers from low to high, at most `max_steps` + 1."""
    step = 10 ** np.floor(np.log10((high - low) / max_steps))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= max_steps)
    return step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)


def _tick_text(value: float, scientific: bool = False) -> str:
    """A tick that fits the margin; from 10^9 on in scientific notation if `scientific`, as in `number_ticks`."""
    if abs(value) < 1e-12:
        return "0"
    if not 1e-4 <= abs(value) < (1e9 if scientific else 1e15):
        return f"{value:.3g}"
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):  # abbreviated to fit the margin, as in Plotly
        if abs(value) >= max(size, 1e4):
            return f"{round(value / size, 6):.12g}{letter}"
    return f"{round(value, 6):g}" if abs(value) < 1000 else f"{value:,.0f}"


def animated_gif(
    figures: list[tuple[go.Figure, tuple[int, int, int, int]]],
    size: tuple[int, int],
    title: str,
    sentences: list[str],
    on_progress=lambda fraction: None,
    duration: int = 400,
    names: Sequence[str] = (),
    lines: int = 2,
) -> bytes:
    """Return a GIF of synchronized figures with a title, captions and a progress bar.

    figures : each figure with its left, top, width and height in pixels
    size : width and height of the GIF in pixels
    sentences : caption of each frame
    on_progress : called with the completed fraction (0 to 1)
    duration : time per frame in milliseconds; the last frame is shown six times as long
    names : names of the first figures, written above them
    lines : maximum number of lines of a caption; a line break begins a new one
    """
    stills = [Stills(figure, width, height) for figure, (_, _, width, height) in figures]
    corners = [(left, top) for _, (left, top, _, _) in figures]
    last = len(sentences) - 1

    def sheet(i: int, shown: list[Image.Image]) -> Image.Image:
        whole = Image.new("RGB", (OVERSAMPLING * size[0], OVERSAMPLING * size[1]), BACKGROUND)
        draw, width = ImageDraw.Draw(whole), whole.width - OVERSAMPLING * 32
        draw.text((OVERSAMPLING * 16, OVERSAMPLING * 10), _shortened(title, 17, width), INK, _font(17))
        for name, (_, (left, top, length, _)) in zip(names, figures, strict=False):
            name = _shortened(name, 14, OVERSAMPLING * (length - LEFT_MARGIN))
            draw.text((OVERSAMPLING * (left + LEFT_MARGIN), OVERSAMPLING * (top - 4)), name, INK, _font(14), anchor="ls")
        parts = sentences[i].split("\n")
        wrapped = [line for part in parts for line in _wrapped(part, 15, width)[: max(1, lines // len(parts))]]
        for row, line in enumerate(wrapped):
            draw.text((OVERSAMPLING * 16, whole.height - OVERSAMPLING * (10 + 20 * (lines - row))), line, INK, _font(15))
        draw.rectangle([0, whole.height - OVERSAMPLING * 4, whole.width * i // max(last, 1), whole.height], fill=CURVE)
        whole = whole.reduce(OVERSAMPLING)
        for image, corner in zip(shown, corners, strict=True):
            whole.paste(image, corner)
        return whole

    # one palette for all frames avoids flickering, and lets each frame be compressed as soon as it is drawn
    samples = [sheet(i, [one.at(i) for one in stills]) for i in sorted({0, last // 2, last})]
    colors = Image.new("RGB", (size[0], size[1] * len(samples)))
    for i, image in enumerate(samples):
        colors.paste(image, (0, i * size[1]))
    palette = colors.quantize(255, Image.Quantize.MEDIANCUT)
    animations, shown, frames = [one.all() for one in stills], [None] * len(stills), []
    for i in range(len(sentences)):
        # figures with fewer frames keep their last image
        shown = [next(images, last_image) for images, last_image in zip(animations, shown, strict=True)]
        frames.append(sheet(i, shown).quantize(palette=palette, dither=Image.Dither.NONE))
        on_progress((i + 1) / len(sentences))
    out = io.BytesIO()
    durations = [duration] * last + [6 * duration]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return out.getvalue()


def _shortened(text: str, size: int, width: int) -> str:
    """The text on one line, truncated to this width in pixels."""
    text = truncate(" ".join(text.split()), 500)
    while _font(size).getlength(text) > width:
        text = text[:-2] + "…"
    return text


def _wrapped(text: str, size: int, width: int) -> list[str]:
    """The text in lines of at most this width in pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font(size).getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [_shortened(line, size, width) for line in lines]
