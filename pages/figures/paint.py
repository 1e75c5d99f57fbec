"""All points of a large data set in one picture: a million of them in fifteen to thirty milliseconds.

Each point is a disk, as wide as a marker for a few thousand points and a single pixel for a million; lone points stay wide
enough to be seen, and a crowd shows its density. The color of a pixel is the mean of its points' colors, its opacity
grows with the logarithm of their number. The ground stays transparent, so the picture fits light and dark pages.
"""

import base64
import io
from functools import cached_property

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

WIDTH, HEIGHT = 720, 560
"""pixels of a picture in the usual proportions"""
BITS = 4
"""of opacity, red, green and blue, by which two colors of a picture count as alike"""
LEVELS = 2**BITS
NOISE = 6.0
"""of 255, by which blended colors are dithered"""
WINDOW = 21
"""side of the square, in pixels, in which a point's neighbors are counted"""


class Canvas:
    """Where the points of a data set fall, worked out once; `paint` then colors them."""

    def __init__(self, x, y, extent: tuple[float, float, float, float], height: int = HEIGHT, width: int = WIDTH):
        """x, y : (n,) arrays in data units; extent : left, right, bottom, top of the picture; height, width : in pixels."""
        left, right, bottom, top = extent
        self._height, self._width, self._n = height, width, len(x)
        columns = np.clip((x - left) * (width / (right - left)), 0, width - 1).astype(np.int32)
        rows = np.clip((top - y) * (height / (top - bottom)), 0, height - 1).astype(np.int32)
        pixels = rows * width + columns
        counts = np.bincount(pixels, minlength=width * height).reshape(height, width).astype(float)
        neighbors = np.rint(uniform_filter(counts, WINDOW, mode="constant").ravel()[pixels] * WINDOW**2)
        # one radius for all, so that no step in it looks like a step in density; only lone points are drawn larger
        radius = 3.4 * min(1.0, (2000 / len(x)) ** 0.28)
        radius = radius if radius > 0.9 else 0.0
        radii = np.select([neighbors <= 3, neighbors <= 9], [max(radius, 2.2), max(radius, 1.2)], radius)
        parts = []
        for size in np.unique(radii):
            points = np.flatnonzero(radii == size)
            for dy, dx, weight in _disk(size):
                r, c = rows[points] + dy, columns[points] + dx
                inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
                touched = points[inside]
                parts.append((r[inside] * width + c[inside], touched, np.full(len(touched), weight)))
        pixels, points, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        touched = np.bincount(pixels, minlength=width * height) > 0
        self._occupied = np.flatnonzero(touched)
        self._cells, self._points = (np.cumsum(touched) - 1)[pixels], points
        self._coverage = np.bincount(self._cells, weights=weights)
        self._shares = weights / self._coverage[self._cells]

    @cached_property
    def _opacity(self) -> np.ndarray:
        most = max(float(np.quantile(self._coverage, 0.995)), 1.0)
        least = np.clip(0.8 - 0.25 * np.log10(most), 0.25, 0.8)
        crowded = np.log(np.maximum(self._coverage, 1.0)) / np.log(max(most, 2.0))
        return np.clip(np.minimum(self._coverage, 1.0) * least + (0.97 - least) * crowded, 0.0, 0.97)

    def paint(self, colors: np.ndarray, labels: np.ndarray | None = None, responsibilities: np.ndarray | None = None) -> str:
        """The picture as a data URI.

        colors : (k, 3) array of 0..255
        labels : (n,) array; responsibilities : (k, n) array, which blend the colors; neither: all in the first color
        """
        k, cells = len(colors), len(self._occupied)
        if responsibilities is not None:
            color = self._matrix @ (responsibilities.T @ colors)
        elif labels is not None:
            codes = self._cells * k + labels[self._points]
            color = np.bincount(codes, weights=self._shares, minlength=cells * k).reshape(cells, k) @ colors
        else:
            color = np.broadcast_to(colors[0], (cells, 3))
        return self._quantized(color, colors, responsibilities is not None)

    @cached_property
    def _matrix(self) -> csr_array:
        """(pixels, n) the share of each point in each pixel"""
        return csr_array((self._shares, (self._cells, self._points)), shape=(len(self._occupied), self._n))

    @cached_property
    def _levels(self) -> tuple[np.ndarray, np.ndarray]:
        """The level of each pixel's opacity, and the opacity of each level."""
        low, high = self._opacity.min(), self._opacity.max()
        steps = np.linspace(low, high, LEVELS)
        return np.rint((self._opacity - low) / ((high - low) or 1.0) * (LEVELS - 1)).astype(np.uint16), steps

    @cached_property
    def _noise(self) -> np.ndarray:
        return np.random.default_rng(0).uniform(-NOISE, NOISE, (len(self._occupied), 1))

    def _quantized(self, color: np.ndarray, colors: np.ndarray, dithered: bool) -> str:
        """The picture with a palette, which is far less work than one of all colors: the popularity algorithm (Heckbert 1982,
        doi:10.1145/965145.801294).

        Pixels that are alike in opacity, red, green and blue get their mean color. Where there are more than 255 kinds of
        them, the rarer ones take the nearest of the others; but `colors`, those of the clusters, are kept as they are, or a
        small cluster would be seen as another one. Where colors are blended, noise decides which count as alike, the same in
        each picture, so that no edge is seen in what is smooth.
        """
        level, opacities = self._levels
        coarse = np.clip(color + self._noise, 0, 255) if dithered else color
        codes = _codes(level, coarse)
        counts = np.bincount(codes, minlength=LEVELS**4)
        used = np.flatnonzero(counts)
        own = _codes(np.zeros(len(colors), dtype=np.uint16), colors)
        used = used[np.lexsort((-counts[used], ~np.isin(used % LEVELS**3, own)))]
        kept, rare = used[:255], used[255:]
        index = np.zeros(LEVELS**4, dtype=np.uint8)  # 0 is the ground
        index[kept] = np.arange(1, len(kept) + 1)
        if len(rare):
            index[rare] = index[kept[cKDTree(_channels(kept)).query(_channels(rare))[1]]]
        chosen = index[codes]
        members = np.bincount(chosen)[1:]
        means = np.stack([np.bincount(chosen, weights=channel)[1:] / members for channel in color.T], axis=1)
        for code, own_color in zip(own, colors, strict=True):
            means[kept % LEVELS**3 == code] = own_color
        picture = np.zeros(self._height * self._width, dtype=np.uint8)
        picture[self._occupied] = chosen
        ground = np.zeros((1, 3))
        return _png(
            picture.reshape(self._height, self._width),
            np.concatenate([ground, np.rint(means)]),
            np.concatenate([[0], opacities[kept // LEVELS**3]]),
        )


def _codes(level: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """(m,) the kind of each color: the level of its opacity, and the first bits of red, green and blue."""
    codes = level
    for channel in colors.T:
        codes = codes << BITS | (channel + 0.5).astype(np.uint16) >> 8 - BITS
    return codes


def _channels(codes: np.ndarray) -> np.ndarray:
    """(m, 4) the way back. Opacity counts more: that a faint edge of a disk is as strong as its middle is seen first."""
    return np.stack([3 * (codes >> 3 * BITS), *(codes >> shift & LEVELS - 1 for shift in (2 * BITS, BITS, 0))], axis=1)


def regions(labels: np.ndarray, colors: np.ndarray, opacity: float = 0.13) -> str:
    """A picture of the plane with each cell in the color of its label; labels : (rows, columns) array, top row first."""
    return _png(labels, colors, np.full(len(colors), opacity))


def bands(levels: np.ndarray, most: int, color: np.ndarray) -> str:
    """A picture of the plane in which each cell is the stronger the higher its level, 0..most, with a line where levels meet.

    levels : (rows, columns) array of integers, top row first, most at most 127; color : (3,) array of 0..255
    """
    edges = np.zeros(levels.shape, dtype=bool)
    edges[:, :-1] = levels[:, :-1] != levels[:, 1:]
    edges[:-1] |= levels[:-1] != levels[1:]
    opacity = 0.6 * np.arange(most + 1) / most
    return _png(2 * levels + edges, np.tile(color, (2 * most + 2, 1)), np.stack([opacity, opacity + 0.2], axis=1).ravel())


def _png(codes: np.ndarray, colors: np.ndarray, opacities: np.ndarray) -> str:
    """A picture as a data URI; codes : (rows, columns) into colors (m, 3) of 0..255 and opacities (m,), m up to 256."""
    picture = Image.fromarray(codes.astype(np.uint8), "P")
    picture.putpalette(colors.astype(np.uint8).tobytes())
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=2, transparency=np.rint(255 * opacities).astype(np.uint8).tobytes())
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _disk(radius: float) -> list[tuple[int, int, float]]:
    """(row, column, coverage) of the pixels of a disk, its edge softened over one pixel."""
    reach = int(np.ceil(radius + 0.5))
    offsets = np.arange(-reach, reach + 1)
    coverage = np.clip(radius + 0.5 - np.hypot(*np.meshgrid(offsets, offsets)), 0, 1) if radius else np.eye(1)
    offsets = offsets if radius else [0]
    return [(int(offsets[i]), int(offsets[j]), float(coverage[i, j])) for i, j in zip(*np.nonzero(coverage), strict=True)]
