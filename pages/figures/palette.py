"""Colors and marker shapes of clusters.

The ten colors are Petroff's, chosen so that people with any of the common color-vision deficiencies can tell them apart
(Petroff 2021, arXiv:2107.02270), with the two greys moved to the end. Shapes repeat after seven, so color and shape
together are different for seventy clusters.
"""

import numpy as np

COLORS = ("#3f90da", "#e76300", "#832db6", "#ffa90e", "#bd1f01", "#92dadd", "#a96b59", "#b9ac70", "#717581", "#94a4a2")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x")
SYMBOL_NUMBERS = np.array([0, 1, 2, 5, 3, 17, 4], dtype=np.uint8)
"""the numbers by which Plotly knows the shapes; an array of numbers is a sixth of the size of one of names"""
MARKS = ("●", "■", "◆", "▲", "✚", "★", "✖")
NEUTRAL = "#8c8c96"
"""of points that no cluster has yet; visible on light and on dark ground"""
FILLED = "#c2185b"
"""of the ring around a point whose values were not all observed"""
SEQUENTIAL = [[0, "#123a63"], [0.35, "#3f90da"], [0.7, "#b9d9f2"], [1, "#f4f8fc"]]
"""from near to far"""
DIVERGING = [[0, "#e76300"], [0.5, "#f2f2f2"], [1, "#3f90da"]]
"""from −1 to 1"""


def rgb(colors) -> np.ndarray:
    """(k, 3) array of 0..255 from '#rrggbb' names."""
    return np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors], dtype=float)


def blend(shares: np.ndarray, colors) -> list[str]:
    """The colors of points (n,), each a mixture of these k by its shares (n, k). Where two are alike they are one object."""
    codes, which = np.unique(np.rint(shares @ rgb(colors)).astype(int) @ [65536, 256, 1], return_inverse=True)
    names = [f"#{code:06x}" for code in codes.tolist()]
    return [names[i] for i in which.tolist()]


def color_of(rank: int) -> str:
    return COLORS[rank % len(COLORS)]


def symbol_of(rank: int) -> str:
    return SYMBOLS[rank % len(SYMBOLS)]


def mark_of(rank: int) -> str:
    """The shape as a character, for text."""
    return MARKS[rank % len(MARKS)]


def translucent(color: str) -> str:
    """The color of an area within a line of this color."""
    red, green, blue = rgb([color])[0].astype(int)
    return f"rgba({red},{green},{blue},0.1)"
