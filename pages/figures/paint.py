"""Images of large data sets: a million points are painted in a few hundredths of a second.

Each point is a disk, which is round because `plots.scale_of_pixels` sets the scale of the axes. It is as large as a marker for
a few thousand points and a single pixel for a million; isolated points stay large enough to be visible. The color of a pixel
is the mean color of its points, and its opacity increases with the logarithm of their number, so dense regions stand out. The
background is transparent and fits light and dark pages.
"""

import base64
import struct
import zlib
from functools import cached_property

import numpy as np
import scipy  # scipy.ndimage is loaded when it is needed
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from clustering.chunks import product

WIDTH, HEIGHT = 720, 560
"""default size in pixels"""
BITS = 4
"""bits of opacity, red, green and blue that similar colors have in common"""
LEVELS = 2**BITS
NOISE = 6.0
"""amplitude, on the scale 0 to 255, of the dithering of blended colors"""
MAX_AVERAGED = 20_000
"""maximum number of pixels from which the mean color of similar pixels is computed"""
WINDOW = 21
"""side, in pixels, of the square in which the neighbors of a point are counted"""


class Canvas:
    """The pixels that the points of a data set cover, computed once; `paint` then colors them."""

    def __init__(self, x, y, extent: tuple[float, float, float, float], height: int = HEIGHT, width: int = WIDTH):
        """
        x, y : (n,) coordinates
        extent : left, right, bottom, top, in the same units
        height, width : in pixels
        """
        self._cover(pixels_of(x, y, extent, height, width), np.ones(len(x)), height, width)

    @classmethod
    def of_counts(cls, pixels: np.ndarray, counts: np.ndarray, height: int = HEIGHT, width: int = WIDTH) -> "Canvas":
        """The canvas of very many points, of which only the number in each pixel is known.

        pixels : (n,) different pixels, numbered as by `pixels_of`; each is painted as one point
        counts : (n,) number of points in each
        """
        canvas = cls.__new__(cls)
        canvas._cover(pixels, counts, height, width)
        return canvas

    def _cover(self, pixels: np.ndarray, multiplicity: np.ndarray, height: int, width: int) -> None:
        self._height, self._width, self._n = height, width, len(pixels)
        rows, columns = np.divmod(pixels, width)
        counts = np.bincount(pixels, multiplicity, width * height).reshape(height, width)
        neighbors = np.rint(scipy.ndimage.uniform_filter(counts, WINDOW, mode="constant").ravel()[pixels] * WINDOW**2)
        # the same for all but isolated points, because a larger disk looks like a denser region
        radius = 3.4 * min(1.0, (2000 / multiplicity.sum()) ** 0.28)
        radius = radius if radius > 0.9 else 0.0
        radii = np.select([neighbors <= 3, neighbors <= 9], [max(radius, 2.2), max(radius, 1.2)], radius)
        parts = []
        for size in np.unique(radii):
            points = np.flatnonzero(radii == size)
            for dy, dx, weight in _disk(size):
                r, c = rows[points] + dy, columns[points] + dx
                inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
                touched = points[inside]
                parts.append((r[inside] * width + c[inside], touched, weight * multiplicity[touched]))
        pixels, points, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        touched = np.bincount(pixels, minlength=width * height) > 0
        self._occupied = np.flatnonzero(touched)
        # which point covers which of the occupied pixels
        self._pixels, self._points = (np.cumsum(touched) - 1)[pixels], points
        self._coverage = np.bincount(self._pixels, weights=weights)
        self._shares = weights / self._coverage[self._pixels]

    @cached_property
    def _opacity(self) -> np.ndarray:
        """Opacity of each pixel that is not empty: that of a single point, plus more for crowded pixels."""
        dense = max(float(np.quantile(self._coverage, 0.995)), 1.0)
        of_one_point = np.clip(0.8 - 0.25 * np.log10(dense), 0.25, 0.8)
        crowded = np.log(np.maximum(self._coverage, 1.0)) / np.log(max(dense, 2.0))
        return np.clip(np.minimum(self._coverage, 1.0) * of_one_point + (0.97 - of_one_point) * crowded, 0.0, 0.97)

    def paint(
        self,
        colors: np.ndarray,
        labels: np.ndarray | None = None,
        responsibilities: np.ndarray | None = None,
        dithered: bool = True,
    ) -> str:
        """Return the image as a data URI.

        colors : (k, 3) array of 0 to 255
        labels : (n,) indices of the points' colors
        responsibilities : (k, n) weights by which the colors are blended at each point, instead of `labels`
        dithered : whether colors that are blended by responsibilities are dithered

        Without labels and responsibilities, all points have the first color.
        """
        k, n_pixels = len(colors), len(self._occupied)
        if responsibilities is not None:
            color = self._matrix @ (responsibilities.T.astype(np.float32) @ colors.astype(np.float32))
        elif labels is not None:
            codes = self._pixels * k + labels[self._points]
            shares = np.bincount(codes, weights=self._shares, minlength=n_pixels * k).reshape(n_pixels, k)
            color = product(colors.T, shares.T).T
        else:
            color = np.broadcast_to(colors[0], (n_pixels, 3))
        return self._quantized(color, colors, dithered and responsibilities is not None)

    @cached_property
    def _matrix(self) -> csr_array:
        """(pixels, n) weight of each point in each pixel."""
        return csr_array((self._shares.astype(np.float32), (self._pixels, self._points)), shape=(len(self._occupied), self._n))

    @cached_property
    def _levels(self) -> tuple[np.ndarray, np.ndarray]:
        """The opacity level of each pixel, and the opacity of each level."""
        low, high = self._opacity.min(), self._opacity.max()
        steps = np.linspace(low, high, LEVELS)
        return np.rint((self._opacity - low) / ((high - low) or 1.0) * (LEVELS - 1)).astype(np.uint16), steps

    @cached_property
    def _noise(self) -> np.ndarray:
        return np.random.default_rng(0).uniform(-NOISE, NOISE, (len(self._occupied), 1)).astype(np.float32)

    def _quantized(self, color: np.ndarray, colors: np.ndarray, dithered: bool) -> str:
        """The image with a palette, which is much faster to encode than full color.

        This is the popularity algorithm (Heckbert 1982, doi:10.1145/965145.801294). Pixels with similar opacity, red, green
        and blue are grouped and get their mean color. If there are more than 255 groups, each of the smaller ones is merged
        into the nearest larger one. The colors of the clusters, `colors`, are kept exactly, because otherwise a small cluster
        could get the color of another. Blended colors are dithered with the same noise in each image, to avoid visible edges
        in smooth areas.
        """
        level, opacities = self._levels
        coarse = np.clip(color + self._noise, 0, 255) if dithered else color
        codes = _codes(level, coarse)
        counts = np.bincount(codes, minlength=LEVELS**4)
        used = np.flatnonzero(counts)
        own = _codes(np.zeros(len(colors), dtype=np.uint16), colors)
        used = used[np.lexsort((-counts[used], ~np.isin(used % LEVELS**3, own)))]
        kept, rare = used[:255], used[255:]
        index = np.zeros(LEVELS**4, dtype=np.uint8)  # 0 is the background
        index[kept] = np.arange(1, len(kept) + 1)
        if len(rare):
            index[rare] = index[kept[cKDTree(_channels(kept)).query(_channels(rare))[1]]]
        chosen = index[codes]
        means = _mean_colors(chosen, color, len(kept))
        for code, own_color in zip(own, colors, strict=True):
            means[kept % LEVELS**3 == code] = own_color
        pixels = np.zeros(self._height * self._width, dtype=np.uint8)
        pixels[self._occupied] = chosen
        background = np.zeros((1, 3))
        return _png(
            pixels.reshape(self._height, self._width),
            np.concatenate([background, np.rint(means)]),
            np.concatenate([[0], opacities[kept // LEVELS**3]]),
        )


def height_for(extent: tuple[float, float, float, float], to_scale: bool, width: int = WIDTH) -> int:
    """Height in pixels of an image of this width that covers the extent.

    `to_scale` is whether both axes have the same scale, so that the pixels have to be square in the units of the axes.
    """
    left, right, bottom, top = extent
    return round(width * ((top - bottom) / (right - left) if to_scale else HEIGHT / WIDTH))


def pixels_of(x, y, extent: tuple[float, float, float, float], height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(n,) pixel of each point, numbered by row from the top; for points outside the extent the nearest pixel."""
    left, right, bottom, top = extent
    columns = np.clip((x - left) * (width / (right - left)), 0, width - 1).astype(np.int32)
    rows = np.clip((top - y) * (height / (top - bottom)), 0, height - 1).astype(np.int32)
    return rows * width + columns


def _mean_colors(chosen: np.ndarray, color: np.ndarray, m: int) -> np.ndarray:
    """(m, 3) mean color of the pixels of each group 1..m, from about `MAX_AVERAGED` pixels and one pixel of each group."""
    one_each = np.empty(m + 1, dtype=np.intp)
    one_each[chosen] = np.arange(len(chosen))
    sampled = np.concatenate([one_each[1:], np.arange(0, len(chosen), max(len(chosen) // MAX_AVERAGED, 1))])
    groups = chosen[sampled]
    members = np.bincount(groups, minlength=m + 1)[1:]
    return np.stack([np.bincount(groups, channel[sampled], m + 1)[1:] / members for channel in color.T], axis=1)


def _codes(level: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """The group of each color, as an integer: its opacity level and the first bits of red, green and blue."""
    codes = level
    for channel in colors.T:
        codes = codes << BITS | (channel + 0.5).astype(np.uint16) >> 8 - BITS
    return codes


def _channels(codes: np.ndarray) -> np.ndarray:
    """(m, 4) opacity, red, green and blue of each group. Opacity is weighted by 3, because its errors are the most visible."""
    return np.stack([3 * (codes >> 3 * BITS), *(codes >> shift & LEVELS - 1 for shift in (2 * BITS, BITS, 0))], axis=1)


def regions(labels: np.ndarray, numbers: np.ndarray, colors: np.ndarray, opacity: float = 0.13) -> str:
    """Return an image of cluster regions: each cell has the color of its label, and is transparent if it is -1.

    labels : (rows, columns) array, top row first
    numbers : (k,) number of the color of each label
    colors : (m, 3) array of 0 to 255
    """
    codes = np.append(numbers, len(colors)).astype(np.uint8).take(labels, mode="wrap")  # the last one is for -1
    return _png(codes, np.append(colors, [[0, 0, 0]], axis=0), np.append(np.full(len(colors), opacity), 0.0))


def bands(levels: np.ndarray, max_level: int, color: np.ndarray) -> str:
    """Return an image of contours: the opacity of a cell increases with its level, and lines separate the levels.

    levels : (rows, columns) array of integers 0 to max_level, top row first
    max_level : at most 127
    color : (3,) array of 0 to 255
    """
    edges = np.zeros(levels.shape, dtype=bool)
    edges[:, :-1] = levels[:, :-1] != levels[:, 1:]
    edges[:-1] |= levels[:-1] != levels[1:]
    opacity = 0.6 * np.arange(max_level + 1) / max_level
    return _png(2 * levels + edges, np.tile(color, (2 * max_level + 2, 1)), np.stack([opacity, opacity + 0.2], axis=1).ravel())


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
UP = 2
"""PNG's filter that replaces each byte of a line with its difference from the line above"""


def _png(codes: np.ndarray, colors: np.ndarray, opacities: np.ndarray) -> str:
    """The image as a data URI.

    codes : (rows, columns) indices of colors and opacities
    colors : (m, 3) array of 0 to 255, m at most 256
    opacities : (m,) array of 0 to 1

    Writes PNG with a palette (https://www.w3.org/TR/png-3/), because Pillow takes up to three times as long.
    """
    (height, width), codes = codes.shape, codes.astype(np.uint8, copy=False)
    depth = 4 if len(colors) <= 16 else 8
    if depth == 4:  # two pixels in a byte
        codes = codes if width % 2 == 0 else np.pad(codes, ((0, 0), (0, 1)))
        codes = codes[:, ::2] << 4 | codes[:, 1::2]
    lines = np.zeros((height, 1 + codes.shape[1]), dtype=np.uint8)  # each begins with the number of its filter, 0 for none
    lines[:, 1:] = codes
    if depth == 4:  # large areas of few colors
        lines[1:, 1:] -= codes[:-1]
        lines[:, 0] = UP
    # run-length encoding is faster than general compression, and about as good for these images
    compressor = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, 0)),
        (b"PLTE", colors.astype(np.uint8).tobytes()),
        (b"tRNS", np.rint(255 * opacities).astype(np.uint8).tobytes()),
        (b"IDAT", compressor.compress(lines) + compressor.flush()),
        (b"IEND", b""),
    ]
    chunks = [struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part)) for name, part in parts]
    return "data:image/png;base64," + base64.b64encode(PNG_SIGNATURE + b"".join(chunks)).decode()


def _disk(radius: float) -> list[tuple[int, int, float]]:
    """(row, column, coverage) of each pixel of a disk around the origin, with a soft edge of one pixel."""
    reach = int(np.ceil(radius + 0.5))
    offsets = np.arange(-reach, reach + 1)
    coverage = np.clip(radius + 0.5 - np.hypot(*np.meshgrid(offsets, offsets)), 0, 1) if radius else np.eye(1)
    offsets = offsets if radius else [0]
    return [(int(offsets[i]), int(offsets[j]), float(coverage[i, j])) for i, j in zip(*np.nonzero(coverage), strict=True)]
