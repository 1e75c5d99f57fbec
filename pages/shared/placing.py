"""Where to look from, and where to start from: choices that are made in a picture of the data."""

from dataclasses import replace

import numpy as np
import streamlit as st

from clustering import KMeans
from pages.shared import paint, palette
from pages.shared.datasets import Data
from pages.shared.drawing import place_centers
from pages.shared.figures import padded
from pages.shared.planes import Plane, column_plane, principal_plane
from pages.shared.runs import MIDDLES, Settings
from pages.shared.widgets import KEPT, LINKED, is_own, recent

PRINCIPAL = -1
"""stands for the principal components among the numbers of columns"""
CENTERS = "centers"
"""what the places of centers are called in the address"""


def choose_plane(data: Data) -> Plane:
    """Which two directions to look along, where there are more than two."""
    columns = data.columns
    if len(columns) < 3:
        return column_plane(columns, 0, len(columns) - 1)

    def called(j):
        return "Principal components" if j == PRINCIPAL else columns[j]

    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = dict(format_func=called, width=240) | (KEPT if is_own() else LINKED)
        which = columns if is_own() else len(columns)
        across = st.selectbox("Across", [PRINCIPAL, *range(len(columns))], key=f"across_{which}", **options)
        if across == PRINCIPAL:
            st.caption("The two directions along which the points vary most. Groups that overlap here may be apart in others.")
            return plane_of(data)
        up = st.selectbox("Up", [j for j in range(len(columns)) if j != across], key=f"up_{which}", **options)
    return column_plane(columns, across, up)


def plane_of(data: Data) -> Plane:
    """The plane to look at these data in, if nothing is chosen."""
    if len(data.columns) < 3:
        return column_plane(data.columns, 0, len(data.columns) - 1)
    return recent().get(("principal plane", data.key), lambda: principal_plane(data.points))


def as_placed(settings: Settings, plane: Plane) -> Settings:
    """The settings with the centers where they were placed on Watch, or where the address has them; ValueError if nowhere."""
    _, where = st.session_state.get("placed") or (None, _read(st.query_params.get(CENTERS, "")))
    if where is None or len(where) < settings.k:
        raise ValueError(
            f"the start is by hand, but not all of the {settings.k} centers are placed: place them on Watch, or choose "
            "another start"
        )
    return _starting_at(where[: settings.k], settings, plane)


def _starting_at(where: np.ndarray, settings: Settings, plane: Plane) -> Settings:
    """The settings with centers at these places (k, 2), which the address has from now on."""
    if not is_own():
        st.query_params[CENTERS] = _written(where)
    return replace(settings, centers=tuple(map(tuple, plane.lift(where).tolist())))


def place_by_hand(data: Data, settings: Settings, plane: Plane) -> Settings:
    """The settings with the centers where a person put them; at first where a random start does."""
    k = settings.k

    def scene():
        xy = plane.places(data.points)
        extent = padded(xy, 1.2 if data.to_scale else None)
        return extent, paint.Canvas(*xy.T, extent).paint(palette.rgb([palette.NEUTRAL]))

    def at_random():
        method = KMeans(k, init="random")
        return plane.project(method.start(method.prepare(data.points), np.random.default_rng(settings.seed)))

    extent, backdrop = recent().get(("backdrop", data.key, plane.names), scene)
    token = (data.key, k, settings.seed, plane.names)
    first = recent().get(("first places", *token), at_random)
    if "placed" not in st.session_state and (asked := _read(st.query_params.get(CENTERS, ""))) is not None:
        st.session_state["placed"] = token, asked
    before, where = st.session_state.get("placed", (None, None))
    if before is not None and before[:1] + before[2:] == token[:1] + token[2:]:  # with another K, those that stay are kept
        first = np.vstack([where[:k], first[len(where) :]])
    middle = MIDDLES[settings.algorithm]
    st.markdown(f"**Drag the starting {middle}s**")
    placed = place_centers(
        "placing",
        first,
        [f"{middle.capitalize()} {i + 1}" for i in range(k)],
        [palette.color_of(i) for i in range(k)],
        [palette.symbol_of(i) for i in range(k)],
        extent,
        backdrop,
        plane.names,
        token=token,
        height=330,
        to_scale=data.to_scale,
    )
    # as many digits as can be seen, and those in the address are the ones that the run starts from
    placed = _read(_written(placed))
    st.session_state["placed"] = token, placed
    if len(data.columns) > 2:
        st.caption("In all other directions the centers start in the middle of the data.")
    return _starting_at(placed, settings, plane)


def _written(places: np.ndarray) -> str:
    return ";".join(f"{x:.6g},{y:.6g}" for x, y in places)


def _read(text: str) -> np.ndarray | None:
    """Places (k, 2) as `_written`; None if the text is no such thing."""
    try:
        places = np.array([[float(value) for value in one.split(",")] for one in text.split(";")])
    except ValueError:
        return None
    return places if places.ndim == 2 and places.shape[1] == 2 and np.isfinite(places).all() else None
