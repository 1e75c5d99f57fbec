"""Small images of clusterings."""

import base64

import numpy as np

from pages.datasets.data import Data
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.plots import padded_extent

WIDTH = 390
RATIO = 1.3
"""width divided by height"""
CENTER = "fill='#fff' stroke='#26262c' stroke-width='2.5'"
DASHED = " stroke-dasharray='6 4'"


def thumbnail(
    data: Data, plane: Plane, labels: np.ndarray, centers: np.ndarray, extra=(), missing=(), width: int = WIDTH
) -> str:
    """Return an image of the clustering as a data URI.

    labels : (n,) cluster of each point; cluster i has color i; -1 for noise, which is gray
    centers : (k, d) cluster centers
    extra : (m, d) positions to mark with a solid ring
    missing : (m, d) positions to mark with a dashed ring
    width : in pixels; points and marks have the same size in pixels whatever the width
    """
    height = round(width / RATIO)
    xy = plane.positions(data.points)
    left, right, bottom, top = extent = padded_extent(xy, RATIO if data.to_scale else None)
    used, codes = np.unique(np.where(labels < 0, len(palette.COLORS), labels % len(palette.COLORS)), return_inverse=True)
    colors = palette.rgb([*palette.COLORS, palette.NEUTRAL])[used]
    points = paint.Canvas(*xy.T, extent, height, width).paint(colors, labels=codes)

    def circles(positions, radius: int, style: str) -> str:
        x, y = plane.project(np.reshape(positions, (-1, data.points.shape[1]))).T
        column, row = (x - left) / (right - left) * width, (top - y) / (top - bottom) * height
        return "".join(
            f"<circle cx='{cx:.1f}' cy='{cy:.1f}' r='{radius}' {style}/>" for cx, cy in zip(column, row, strict=True)
        )

    ring = f"fill='none' stroke='{palette.CHOSEN}' stroke-width='3'"
    image = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>"
        f"<image href='{points}' width='{width}' height='{height}'/>"
        f"{circles(centers, 5, CENTER)}{circles(extra, 14, ring)}{circles(missing, 14, ring + DASHED)}</svg>"
    )
    return "data:image/svg+xml;base64," + base64.b64encode(image.encode()).decode()


def as_html(source: str, alt: str) -> str:
    """Return the image as an HTML element."""
    return f"<img src='{source}' style='width:100%' alt='{alt}'>"
