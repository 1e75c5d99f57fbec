"""Colors and marker shapes of clusters.

The ten colors are those of Petroff (2021, Accessible color sequences for data visualization, arXiv:2107.02270), which people
with common color-vision deficiencies can distinguish, in a different order, with the two grays last. Shapes repeat after
seven, so color and shape together distinguish seventy clusters.
"""

from collections.abc import Sequence

import numpy as np

COLORS = ("#3f90da", "#e76300", "#832db6", "#ffa90e", "#bd1f01", "#92dadd", "#a96b59", "#b9ac70", "#717581", "#94a4a2")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x")
SYMBOL_NUMBERS = np.array([0, 1, 2, 5, 3, 17, 4], dtype=np.uint8)
"""Plotly's numbers of the symbols; an array of numbers is a sixth of the size of an array of names"""
MARKS = ("●", "■", "◆", "▲", "✚", "★", "✖")
"""the same symbols as characters"""
NEUTRAL = "#8c8c96"
"""color of points without a cluster and of rings around imputed values, visible on light and dark backgrounds"""
CHOSEN = "#d81b7a"
"""color of what is shown now or was chosen: the current frame of a curve, the suggested K, points that were picked out"""
CURVE = "#6f80a6"
"""color of curves, bars and densities that belong to no cluster"""
SERIES = (
    *("#6478ab", "#3a9a5b", "#97a3bd", "#8db54a", "#1f8a80", "#b08fc4"),
    *("#64666f", "#c3c98a", "#8f7a4f", "#5b9bb5", "#a36f8e", "#c9a27b"),
)
"""colors of lines that are compared and are not clusters, such as initializations"""
SEQUENTIAL = [[0, "#1f2c4d"], [0.35, "#6478ab"], [0.7, "#c3cbdd"], [1, "#f5f7fa"]]
"""color scale from small to large distances"""
DIVERGING = [[0, "#a6611a"], [0.5, "#f2f2f2"], [1, "#018571"]]
"""color scale from −1 to 1"""


def rgb(colors) -> np.ndarray:
    """Return '#rrggbb' colors as a (k, 3) array of 0 to 255."""
    return np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors], dtype=float)


def with_noise(memberships: np.ndarray, colors: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return memberships (n, k) and k colors, with noise, which is neutral, as the last if memberships sum to less than 1."""
    noise = 1 - memberships.sum(axis=1)
    if noise.max() < 1e-9:
        return memberships, list(colors)
    return np.column_stack([memberships, np.maximum(noise, 0)]), [*colors, NEUTRAL]


def blend(memberships: np.ndarray, colors: Sequence[str]) -> list[str]:
    """Return the color of each point: the mean of k colors, weighted by memberships (n, k), and of the neutral color of noise.

    Points of equal color share one string, to save memory.
    """
    memberships, colors = with_noise(memberships, colors)
    codes, indices = np.unique(np.rint(memberships @ rgb(colors)).astype(int) @ [65536, 256, 1], return_inverse=True)
    names = [f"#{code:06x}" for code in codes.tolist()]
    return [names[i] for i in indices.tolist()]


def color_of(rank: int) -> str:
    """Return the color of the cluster with this rank, which is its number on the screen minus 1."""
    return COLORS[rank % len(COLORS)]


def series_color(number: int) -> str:
    """Return the color of the series with this number, from 0."""
    return SERIES[number % len(SERIES)]


def symbol_of(rank: int) -> str:
    """Return Plotly's name of the cluster's symbol."""
    return SYMBOLS[rank % len(SYMBOLS)]


def mark_of(rank: int) -> str:
    """Return the cluster's symbol as a character, for text."""
    return MARKS[rank % len(MARKS)]


def translucent(color: str) -> str:
    """Return a translucent variant of the color, to fill an area whose outline has this color."""
    red, green, blue = rgb([color])[0].astype(int)
    return f"rgba({red},{green},{blue},0.1)"
