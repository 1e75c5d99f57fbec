"""A plane to draw points in, or to place centers on: a small browser component. Works without a network."""

from pathlib import Path

import numpy as np
import streamlit as st

from pages.datasets.limits import MOST_DRAWN

_HERE = Path(__file__).parent
_FILES = ("drawing.html", "drawing.css", "plane.js", "badges.js", "drawing.js")

Extent = tuple[float, float, float, float]
"""(left, right, bottom, top)"""


@st.cache_resource
def _component():
    html, css, *scripts = ((_HERE / name).read_text(encoding="utf-8") for name in _FILES)
    return st.components.v2.component("drawing", html=html, css=css, js="\n".join(scripts))


def draw_points(
    key: str,
    points,
    extent: Extent,
    *,
    version: object = "",
    names: tuple[str, str] = ("", ""),
    height: int = 420,
    to_scale: bool = False,
) -> np.ndarray:
    """Draws a plane with tools to put points down and to take them away.

    It shows `points` when it comes on the page, and again when `version` or `extent` is another one; in between, what is drawn
    in the browser counts. So a caller keeps what is returned and gives it back, and changes `version` only with points of its
    own. `height` is that of the plane in pixels. A bounded `extent` is stretched over it, or has one scale with `to_scale`.

    Returns:
        (m, 2) points in the extent, at most MOST_DRAWN: those drawn, or `points` where nothing was drawn yet.
    """
    given = _in_extent(points, extent)[:MOST_DRAWN]
    return _show(key, "draw", given, extent, version, names, height, to_scale, most=MOST_DRAWN)


def place_centers(
    key: str,
    centers,
    labels: list[str],
    colors: list[str],
    symbols: list[str],
    extent: Extent,
    backdrop=None,
    names: tuple[str, str] = ("", ""),
    *,
    token: object = "",
    height: int = 420,
    to_scale: bool = False,
) -> np.ndarray:
    """Draws a plane with one badge for each center, to be dragged.

    `labels` are read out ("Center 1"), `colors` and `symbols` are as in the palette. `backdrop` is a picture as a data URI,
    which is stretched over the extent, or None. The badges are at `centers` when they come on the page, and
    again when `token`, the extent or the number of centers is another one; in between, where they were dragged counts.

    Returns:
        (k, 2) positions in the extent: those in the browser, or `centers` where none was moved yet.
    """
    given = _in_extent(centers, extent)
    badges = [dict(label=a, color=b, symbol=c) for a, b, c in zip(labels, colors, symbols, strict=True)]
    if len(badges) != len(given):
        raise ValueError(f"{len(given)} centers, but {len(badges)} labels, colors and symbols")
    scene = dict(badges=badges)
    if backdrop is not None:
        scene |= dict(image=backdrop)
    return _show(key, "place", given, extent, token, names, height, to_scale, **scene)


def read_answer(answer, token: str, given: np.ndarray, extent: Extent, k: int | None = None) -> np.ndarray:
    """(m, 2) points that the browser sent, clipped to the extent, where m is k if that is given.

    `given` if it sent nothing yet, or to another token, or something that cannot be points: a browser can send anything.
    """
    if not isinstance(answer, dict) or answer.get("token") != token:
        return given
    xy = answer.get("xy")
    if not isinstance(xy, list) or len(xy) % 2 or len(xy) > 2 * MOST_DRAWN or (k is not None and len(xy) != 2 * k):
        return given
    if not {type(value) for value in xy} <= {int, float}:
        return given
    try:
        points = np.array(xy, dtype=float).reshape(-1, 2)
    except OverflowError:
        return given
    return _in_extent(points, extent) if np.isfinite(points).all() else given


def _in_extent(points, extent: Extent) -> np.ndarray:
    left, right, bottom, top = extent
    if not (left < right and bottom < top):
        raise ValueError(f"an extent is (left, right, bottom, top), not {extent}")
    points = np.array(points, dtype=float).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise ValueError("there are points that are not finite")
    return np.clip(points, (left, bottom), (right, top))


def _show(key, mode, given, extent, version, names, height, to_scale, **scene) -> np.ndarray:
    extent = [float(bound) for bound in extent]
    k = len(given) if mode == "place" else None
    token = f"{version} {extent} {k}"
    # a component that is mounted anew knows nothing, so it is told what was drawn, not only what it began with
    known = read_answer(dict(st.session_state.get(key) or {}).get("drawn"), token, given, extent, k)
    data = dict(key=key, mode=mode, token=token, extent=extent, names=list(names), height=height, toScale=to_scale)
    result = _component()(key=key, data=data | scene | dict(xy=known.ravel().tolist()))
    return read_answer(result.get("drawn"), token, given, extent, k)
