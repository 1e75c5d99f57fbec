"""All points of a large data set in one picture: a million of them in about thirty milliseconds.

Each point is a disk, as wide as a marker for a few thousand points and a single pixel for a million; lone points stay wide
enough to be seen, and a crowd shows its density. The colour of a pixel is the mean of its points' colours, its opacity
grows with the logarithm of their number. The ground stays transparent, so the picture fits light and dark pages.
"""

import base64
import io
from functools import cached_property

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

WIDTH, HEIGHT = 720, 560
"""pixels of a picture in the usual proportions"""
WINDOW = 21
"""side of the square, in pixels, in which a point's neighbours are counted"""


class Canvas:
    """Where the points of a data set fall, worked out once; `paint` then colours them."""

    def __init__(self, x, y, extent: tuple[float, float, float, float], height: int = HEIGHT, width: int = WIDTH):
        """x, y : (n,) arrays in data units; extent : left, right, bottom, top of the picture; height, width : in pixels."""
        left, right, bottom, top = extent
        self._height, self._width = height, width
        columns = np.clip((x - left) * (width / (right - left)), 0, width - 1).astype(np.int32)
        rows = np.clip((top - y) * (height / (top - bottom)), 0, height - 1).astype(np.int32)
        pixels = rows * width + columns
        counts = np.bincount(pixels, minlength=width * height).reshape(height, width).astype(float)
        neighbours = np.rint(uniform_filter(counts, WINDOW, mode="constant").ravel()[pixels] * WINDOW**2)
        # one radius for all, so that no step in it looks like a step in density; only lone points are drawn larger
        radius = 3.4 * min(1.0, (2000 / len(x)) ** 0.28)
        radius = radius if radius > 0.9 else 0.0
        radii = np.select([neighbours <= 3, neighbours <= 9], [max(radius, 2.2), max(radius, 1.2)], radius)
        parts = []
        for size in np.unique(radii):
            points = np.flatnonzero(radii == size)
            for dy, dx, weight in _disk(size):
                r, c = rows[points] + dy, columns[points] + dx
                inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
                touched = points[inside]
                parts.append((r[inside] * width + c[inside], touched, np.full(len(touched), weight)))
        pixels, self._points, self._weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        self._occupied, self._cells = np.unique(pixels, return_inverse=True)
        self._weights = None if (self._weights == 1).all() else self._weights
        self._coverage = np.bincount(self._cells, weights=self._weights, minlength=len(self._occupied))

    @cached_property
    def _opacity(self) -> np.ndarray:
        most = max(float(np.quantile(self._coverage, 0.995)), 1.0)
        least = np.clip(0.8 - 0.25 * np.log10(most), 0.25, 0.8)
        crowded = np.log(np.maximum(self._coverage, 1.0)) / np.log(max(most, 2.0))
        return np.clip(np.minimum(self._coverage, 1.0) * least + (0.97 - least) * crowded, 0.0, 0.97)

    def paint(self, colors: np.ndarray, labels: np.ndarray | None = None, responsibilities: np.ndarray | None = None) -> str:
        """The picture as a data URI.

        colors : (k, 3) array of 0..255
        labels : (n,) array; responsibilities : (k, n) array, which blend the colours; neither: all in the first colour
        """
        k, cells = len(colors), len(self._occupied)
        if labels is None and responsibilities is None:
            color = np.broadcast_to(colors[0], (cells, 3))
        else:
            if responsibilities is None:
                codes = self._cells * k + labels[self._points]
                shares = np.bincount(codes, weights=self._weights, minlength=cells * k).reshape(cells, k)
            else:
                shares = np.empty((cells, k))
                for j, row in enumerate(responsibilities):
                    weights = row[self._points] if self._weights is None else row[self._points] * self._weights
                    shares[:, j] = np.bincount(self._cells, weights=weights, minlength=cells)
            color = (shares @ colors) / self._coverage[:, None]
        picture = np.zeros((self._height * self._width, 4), dtype=np.uint8)
        picture[self._occupied, :3] = color + 0.5
        picture[self._occupied, 3] = 255 * self._opacity
        return data_uri(Image.fromarray(picture.reshape(self._height, self._width, 4), "RGBA"))


def regions(labels: np.ndarray, colors: np.ndarray, opacity: float = 0.13) -> str:
    """A picture of the plane with each cell in the colour of its label; labels : (rows, columns) array, top row first."""
    picture = Image.fromarray(labels.astype(np.uint8), "P")
    picture.putpalette(colors.astype(np.uint8).tobytes())
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=3, transparency=bytes([round(255 * opacity)]) * len(colors))
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def bands(levels: np.ndarray, most: int, color: np.ndarray) -> str:
    """A picture of the plane in which each cell is the stronger the higher its level, 0..most, with a line where levels meet.

    levels : (rows, columns) array of integers, top row first; color : (3,) array of 0..255
    """
    picture = np.empty((*levels.shape, 4), dtype=np.uint8)
    picture[..., :3] = color
    opacity = 0.6 * levels / most
    edges = np.zeros(levels.shape, dtype=bool)
    edges[:, :-1] = levels[:, :-1] != levels[:, 1:]
    edges[:-1] |= levels[:-1] != levels[1:]
    picture[..., 3] = 255 * np.where(edges, opacity + 0.2, opacity)
    return data_uri(Image.fromarray(picture, "RGBA"), lossless=True)


def data_uri(image: Image.Image, lossless: bool = False) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=40 if lossless else 65, alpha_quality=60, method=0)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _disk(radius: float) -> list[tuple[int, int, float]]:
    """(row, column, coverage) of the pixels of a disk, its edge softened over one pixel."""
    reach = int(np.ceil(radius + 0.5))
    offsets = np.arange(-reach, reach + 1)
    coverage = np.clip(radius + 0.5 - np.hypot(*np.meshgrid(offsets, offsets)), 0, 1) if radius else np.eye(1)
    offsets = offsets if radius else [0]
    return [(int(offsets[i]), int(offsets[j]), float(coverage[i, j])) for i, j in zip(*np.nonzero(coverage), strict=True)]
