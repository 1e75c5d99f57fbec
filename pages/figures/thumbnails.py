"""Small pictures of clusterings, as images."""

import base64

import numpy as np

from pages.datasets.data import Data
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.plots import padded_extent

WIDTH, HEIGHT = 390, 300
MARK = "fill='#fff' stroke='#26262c' stroke-width='2.5'"
DASHED = " stroke-dasharray='6 4'"


def thumbnail(data: Data, plane: Plane, numbers: np.ndarray, middles: np.ndarray, spare=(), lacking=()) -> str:
    """The points in the colors of the numbers (n,) of their groups, and the middles (k, d) of these, as a data URI.

    A ring is drawn around what is `spare`, a dashed one around what is `lacking`; places (m, d).
    """
    xy = plane.places(data.points)
    left, right, bottom, top = extent = padded_extent(xy, 1.3 if data.to_scale else None)
    colors = palette.rgb([palette.color_of(number) for number in range(numbers.max() + 1)])
    points = paint.Canvas(*xy.T, extent, HEIGHT, WIDTH).paint(colors, labels=numbers)

    def circles(places, radius: int, style: str) -> str:
        x, y = plane.project(np.reshape(places, (-1, data.points.shape[1]))).T
        across, down = (x - left) / (right - left) * WIDTH, (top - y) / (top - bottom) * HEIGHT
        return "".join(
            f"<circle cx='{cx:.1f}' cy='{cy:.1f}' r='{radius}' {style}/>" for cx, cy in zip(across, down, strict=True)
        )

    ring = f"fill='none' stroke='{palette.FILLED}' stroke-width='3'"
    picture = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}'>"
        f"<image href='{points}' width='{WIDTH}' height='{HEIGHT}'/>"
        f"{circles(middles, 5, MARK)}{circles(spare, 14, ring)}{circles(lacking, 14, ring + DASHED)}</svg>"
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def as_html(source: str, alt: str) -> str:
    """The picture in HTML."""
    return f"<img src='{source}' style='width:100%' alt='{alt}'>"
