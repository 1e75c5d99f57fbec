"""The frames of a moving figure as images, drawn here, for where there is no browser: animated GIFs and printed pages.

It draws what the figures of this app consist of: traces of type scatter, images below them, and axes. No Streamlit.
"""

import base64
import html
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageColor, ImageDraw, ImageFont

INK, FAINT, GRID, GROUND = "#31333f", "#6b6d78", "#e6e9ef", "#ffffff"
SMOOTH = 2
"""how many times larger all is drawn, so that edges are smooth when it is made small"""
FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
SIDE, FOOT = 62, 46
"""pixels for the numbers beside and below a picture"""


class Stills:
    """The pictures of a figure with frames, each of this size in pixels."""

    def __init__(self, figure: go.Figure, width: int, height: int, fine: bool = False):
        """`fine` pictures have SMOOTH times as many pixels each way, for paper."""
        spec = figure.to_dict()
        self.layout, self.frames = spec["layout"], spec["frames"]
        self.begin = spec["data"]
        self.size, self.fine = (width, height), fine

    def all(self) -> Iterator[Image.Image]:
        """The pictures one after the other."""
        traces, images = [dict(trace) for trace in self.begin], [dict(image) for image in self.layout.get("images", [])]
        for frame in self.frames:
            _change(traces, images, frame)
            yield self._draw(traces, images)

    def at(self, i: int) -> Image.Image:
        """The picture of frame i."""
        traces, images = [dict(trace) for trace in self.begin], [dict(image) for image in self.layout.get("images", [])]
        for frame in self.frames[: i + 1]:
            _change(traces, images, frame)
        return self._draw(traces, images)

    def _draw(self, traces: list[dict], images: list[dict]) -> Image.Image:
        paper = _Paper([SMOOTH * length for length in self.size], self.layout)
        for image in images:
            paper.image(image)
        for trace in traces:
            paper.trace(trace)
        return paper.whole() if self.fine else paper.whole().reduce(SMOOTH)


def _change(traces: list[dict], images: list[dict], frame: dict) -> None:
    """What Plotly does to traces and images when it shows a frame."""
    for i, change in zip(frame.get("traces", []), frame.get("data", []), strict=True):
        for name, value in change.items():
            traces[i][name] = traces[i].get(name, {}) | value if isinstance(value, dict) and "bdata" not in value else value
    for image, change in zip(images, frame.get("layout", {}).get("images", []), strict=False):
        image.update(change)


class _Paper:
    """A sheet with the axes of a layout, to draw on."""

    def __init__(self, size: list[int], layout: dict):
        self.sheet = Image.new("RGB", size, GROUND)
        self.x, self.y = layout["xaxis"], layout["yaxis"]
        self.corner = SMOOTH * SIDE, SMOOTH * 12
        # what is drawn here ends at the axes
        self.inner = Image.new(
            "RGB", (size[0] - self.corner[0] - SMOOTH * 14, size[1] - self.corner[1] - SMOOTH * FOOT), GROUND
        )
        (left, right), (bottom, top) = (tuple(map(float, axis["range"])) for axis in (self.x, self.y))
        if self.y.get("scaleanchor"):  # both axes have one scale: what is too narrow is widened
            scale = max((right - left) / self.inner.width, (top - bottom) / self.inner.height)
            left, right = _widened(left, right, scale * self.inner.width)
            bottom, top = _widened(bottom, top, scale * self.inner.height)
        self.low, self.span = np.array([left, top]), np.array([right - left, bottom - top])
        self._axes((left, right), (bottom, top))

    def places(self, x, y) -> np.ndarray:
        """(m, 2) pixels of these coordinates; NaN where a line is broken."""
        return (np.column_stack([_numbers(x), _numbers(y)]) - self.low) / self.span * self.inner.size

    def _axes(self, across: tuple[float, float], up: tuple[float, float]) -> None:
        draw, lines, (left, top), (wide, high) = (
            ImageDraw.Draw(self.sheet),
            ImageDraw.Draw(self.inner),
            self.corner,
            self.inner.size,
        )
        for value in _ticks(*across, 7):
            x = self.places([value], [up[0]])[0][0]
            if self.x.get("showgrid", True):
                lines.line([(x, 0), (x, high)], GRID, SMOOTH)
            draw.text((left + x, top + high + SMOOTH * 5), _tick_text(value), FAINT, _font(11), anchor="mt")
        for value in _ticks(*up, 6):
            y = self.places([across[0]], [value])[0][1]
            if self.y.get("showgrid", True):
                lines.line([(0, y), (wide, y)], GRID, SMOOTH)
            draw.text((left - SMOOTH * 6, top + y), _tick_text(value), FAINT, _font(11), anchor="rm")
        titles = [_plain(axis.get("title", {}).get("text", "")) for axis in (self.x, self.y)]
        draw.text((left + wide / 2, self.sheet.height - SMOOTH * 6), titles[0], INK, _font(12), anchor="mb")
        words = Image.new("RGB", (high, SMOOTH * 18), GROUND)
        ImageDraw.Draw(words).text((high / 2, words.height / 2), titles[1], INK, _font(12), anchor="mm")
        self.sheet.paste(words.rotate(90, expand=True), (SMOOTH * 2, top))

    def image(self, image: dict) -> None:
        data = base64.b64decode(image["source"].split(",", 1)[1])
        picture = Image.open(io.BytesIO(data)).convert("RGBA")
        (left, top), (right, bottom) = self.places(
            [image["x"], image["x"] + image["sizex"]], [image["y"], image["y"] - image["sizey"]]
        ).round()
        size = max(1, int(right - left)), max(1, int(bottom - top))
        self._lay(picture.resize(size, Image.Resampling.BILINEAR), (int(left), int(top)), image.get("opacity", 1))

    def trace(self, trace: dict) -> None:
        """Lines, fills, markers and words."""
        if trace.get("xaxis", "x") != "x" or not len(_numbers(trace.get("x", []))):
            return
        places, mode, marker = self.places(trace["x"], trace["y"]), trace.get("mode", "markers"), trace.get("marker", {})
        opacity = trace.get("opacity", 1) * (marker.get("opacity", 1) if mode == "markers" else 1)
        if opacity == 0:
            return
        # a layer of its own where it is faint, because what overlaps in it is not to add up
        faint = opacity < 1 or trace.get("fill") == "toself"
        layer = Image.new("RGBA", self.inner.size) if faint else self.inner
        draw = ImageDraw.Draw(layer)
        if "lines" in mode:
            _lines(draw, places, trace)
        if "markers" in mode:
            _markers(draw, places, marker)
        if "text" in mode:
            for (x, y), words in zip(places, trace["text"], strict=False):
                draw.text((x, y - SMOOTH * 9), _plain(words), INK, _font(11), anchor="mb")
        if faint:
            self._lay(layer, (0, 0), opacity)

    def _lay(self, layer: Image.Image, at: tuple[int, int], opacity: float) -> None:
        """Puts a layer over what is there."""
        shares = layer.getchannel("A")
        self.inner.paste(layer, at, shares.point(lambda value: round(value * opacity)) if opacity < 1 else shares)

    def whole(self) -> Image.Image:
        """The sheet with all that was drawn."""
        ImageDraw.Draw(self.inner).rectangle([0, 0, self.inner.width - 1, self.inner.height - 1], outline=GRID, width=SMOOTH)
        self.sheet.paste(self.inner, self.corner)
        return self.sheet


def _lines(draw: ImageDraw.ImageDraw, places: np.ndarray, trace: dict) -> None:
    line = trace.get("line", {})
    for part in np.split(places, np.flatnonzero(np.isnan(places).any(axis=1))):
        part = [tuple(place) for place in part[~np.isnan(part).any(axis=1)].tolist()]
        if len(part) > 2 and trace.get("fill") == "toself":
            draw.polygon(part, _color(trace.get("fillcolor", "#0000")))
        if len(part) > 1:
            draw.line(part, line.get("color", INK), round(SMOOTH * line.get("width", 2)), "curve")


def _markers(draw: ImageDraw.ImageDraw, places: np.ndarray, marker: dict) -> None:
    n, rim = len(places), marker.get("line", {})
    sizes = np.broadcast_to(_numbers(marker.get("size", 6)), n) * SMOOTH / 2
    symbols, rims = (_each(values, n) for values in (marker.get("symbol", 0), rim.get("color", GROUND)))
    colors = _each(marker.get("color", INK), n)
    if "colorscale" in marker:
        steps, names = zip(*marker["colorscale"], strict=True)
        shares = (np.array(colors, dtype=float) - marker["cmin"]) / (marker["cmax"] - marker["cmin"])
        colors = [names[i] for i in np.abs(shares[:, None] - np.array(steps)).argmin(axis=1)]
    width = round(SMOOTH * (rim.get("width") or 0))
    for place, size, color, symbol, edge in zip(places, sizes, colors, symbols, rims, strict=True):
        if np.isnan(place).any():
            continue
        name, is_open = _symbol(symbol)
        fill, outline, thick = (None, color, max(width, SMOOTH)) if is_open else (color, edge if width else None, width)
        if name == "circle":
            reach = size + thick / 2  # Pillow draws the rim within, Plotly half of it without
            draw.ellipse([*(place - reach), *(place + reach)], fill, outline, thick)
        else:
            corners = [tuple(corner) for corner in (place + size * _SHAPES[name]).tolist()]
            draw.polygon(corners, fill, outline, max(thick, 1))


def _widened(low: float, high: float, span: float) -> tuple[float, float]:
    middle = (low + high) / 2
    return middle - span / 2, middle + span / 2


def _numbers(values) -> np.ndarray:
    """An array of a figure as numbers, however it is held there."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).astype(float)
    return np.array(values, dtype=float)


def _each(values, n: int) -> list:
    """One value for each of n points."""
    if isinstance(values, dict):
        return _numbers(values).astype(int).tolist()
    return [values] * n if isinstance(values, str | int) else list(values)


_NAMES = {0: "circle", 1: "square", 2: "diamond", 3: "cross", 4: "x", 5: "triangle-up", 17: "star"}
"""by the numbers that Plotly knows them by"""


def _symbol(symbol) -> tuple[str, bool]:
    """The name of a shape, and whether it is an open one."""
    if isinstance(symbol, str):
        return symbol.removesuffix("-open"), symbol.endswith("-open")
    return _NAMES[symbol % 100], symbol >= 100


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
"""corners of each shape around the origin, of about the size of a unit circle"""


def _color(color: str) -> tuple[int, ...]:
    """'#rrggbb' or 'rgba(r, g, b, share)' as Pillow has it."""
    if found := re.fullmatch(r"rgba\((.+),(.+),(.+),(.+)\)", color):
        *rgb, opacity = map(float, found.groups())
        return (*map(int, rgb), round(255 * opacity))
    return ImageColor.getrgb(color)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, SMOOTH * size)


def _plain(text: str) -> str:
    """Text as it is read, without Plotly's marks."""
    return html.unescape(re.sub(r"</?\w+>", "", text))


def _ticks(low: float, high: float, most: int) -> np.ndarray:
    """Round numbers from low to high."""
    step = 10 ** np.floor(np.log10((high - low) / most))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= most)
    return step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)


def _tick_text(value: float) -> str:
    if abs(value) < 1e-12:
        return "0"
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.3g}"
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):  # as Plotly writes them, or there would be no room
        if abs(value) >= max(size, 1e4):
            return f"{round(value / size, 6):.12g}{letter}"
    return f"{round(value, 6):g}" if abs(value) < 1000 else f"{value:,.0f}"


def animated_gif(
    figures: list[tuple[go.Figure, tuple[int, int, int, int]]],
    size: tuple[int, int],
    title: str,
    sentences: list[str],
    on_progress=lambda share: None,
    moment: int = 400,
) -> bytes:
    """A GIF of figures that move in step: each with its left, top, width and height in a picture of this size.

    `sentences` has one for each frame; `moment` is how long a frame stands, in milliseconds. `on_progress` is called with the
    share that is done.
    """
    stills = [Stills(figure, wide, high) for figure, (_, _, wide, high) in figures]
    places = [(left, top) for _, (left, top, _, _) in figures]
    last = len(sentences) - 1

    def sheet(i: int, shown: list[Image.Image]) -> Image.Image:
        whole = Image.new("RGB", (SMOOTH * size[0], SMOOTH * size[1]), GROUND)
        draw, width = ImageDraw.Draw(whole), whole.width - SMOOTH * 32
        draw.text((SMOOTH * 16, SMOOTH * 10), _fitted(title, 17, width), INK, _font(17))
        for row, line in enumerate(_wrapped(sentences[i], 15, width)[:2]):
            draw.text((SMOOTH * 16, whole.height - SMOOTH * (50 - 20 * row)), line, INK, _font(15))
        draw.rectangle([0, whole.height - SMOOTH * 4, whole.width * i // max(last, 1), whole.height], fill="#3f90da")
        whole = whole.reduce(SMOOTH)
        for picture, place in zip(shown, places, strict=True):
            whole.paste(picture, place)
        return whole

    # one set of colors for all, so that nothing flickers, and each frame is packed as soon as it is drawn
    few = [sheet(i, [one.at(i) for one in stills]) for i in sorted({0, last // 2, last})]
    colors = Image.new("RGB", (size[0], size[1] * len(few)))
    for i, picture in enumerate(few):
        colors.paste(picture, (0, i * size[1]))
    common = colors.quantize(255, Image.Quantize.MEDIANCUT)
    moving, shown, packed = [one.all() for one in stills], [None] * len(stills), []
    for i in range(len(sentences)):
        shown = [next(pictures, before) for pictures, before in zip(moving, shown, strict=True)]  # what has ended waits
        packed.append(sheet(i, shown).quantize(palette=common, dither=Image.Dither.NONE))
        on_progress((i + 1) / len(sentences))
    out = io.BytesIO()
    times = [moment] * last + [6 * moment]
    packed[0].save(out, "GIF", save_all=True, append_images=packed[1:], duration=times, loop=0)
    return out.getvalue()


def _fitted(text: str, size: int, width: int) -> str:
    text = _plain(text)
    while _font(size).getlength(text) > width:
        text = text[:-2] + "…"
    return text


def _wrapped(text: str, size: int, width: int) -> list[str]:
    """The text in lines that are not wider than this."""
    lines = [""]
    for word in _plain(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if _font(size).getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [_fitted(line, size, width) for line in lines]
