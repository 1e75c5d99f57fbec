"""Browser component: draw points in a plane. Works offline."""

from pathlib import Path

import numpy as np
import streamlit as st

from pages.datasets.limits import MAX_DRAWN_POINTS

_HERE = Path(__file__).parent
_FILES = ("drawing.html", "drawing.css", "plane.js", "drawing.js")

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
    """Shows a plane with tools to add and remove points, and returns the points.

    Parameters
    ----------
    key : key of the component
    points : (m, 2) points that are shown when the component is mounted, and when `version` or `extent` changes. Otherwise
        the points in the browser are kept; pass the returned points in the next call.
    extent : limits of the axes
    version : change it to replace the points in the browser
    names : axis titles
    height : height in pixels
    to_scale : whether both axes have the same scale

    Returns
    -------
    (m, 2) array
        The points in the browser, inside the extent, at most `MAX_DRAWN_POINTS`.
    """
    given = _in_extent(points, extent)[:MAX_DRAWN_POINTS]
    extent = [float(bound) for bound in extent]
    token = f"{version} {extent}"
    # a remounted component has lost its points, so they are sent back to it
    known = read_message(dict(st.session_state.get(key) or {}).get("drawn"), token, given, extent)
    data = dict(key=key, token=token, extent=extent, names=list(names), height=height, toScale=to_scale, max=MAX_DRAWN_POINTS)
    result = _component()(key=key, data=data | dict(xy=known.ravel().tolist()))
    return read_message(result.get("drawn"), token, given, extent)


def read_message(message, token: str, given: np.ndarray, extent: Extent) -> np.ndarray:
    """The points in a message from the browser, which is not trusted.

    Parameters
    ----------
    message : value from the component
    token : token of the current points
    given : (m, 2) points to return if the message is missing, has another token or is invalid
    extent : limits to which the points are clipped

    Returns
    -------
    (m, 2) array
    """
    if not isinstance(message, dict) or message.get("token") != token:
        return given
    xy = message.get("xy")
    if not isinstance(xy, list) or len(xy) % 2 or len(xy) > 2 * MAX_DRAWN_POINTS:
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
        raise ValueError(f"extent must be (left, right, bottom, top) with left < right and bottom < top, got {extent}")
    points = np.array(points, dtype=float).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise ValueError("points must be finite")
    return np.clip(points, (left, bottom), (right, top))
