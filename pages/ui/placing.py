"""Where to look from, and where to start from: choices that are made in a picture of the data."""

from dataclasses import replace

import numpy as np
import streamlit as st

from clustering import seeding
from pages.datasets.data import Data
from pages.datasets.planes import Plane, column_plane, principal_plane
from pages.figures import paint, palette
from pages.figures.plots import padded
from pages.methods import method
from pages.methods.options import Settings
from pages.methods.starts import ManualStart
from pages.ui.drawing import place_centers
from pages.ui.widgets import PERSISTENT, PERSISTENT_IN_LINK, session_cache, uses_own_data

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
        options = dict(format_func=called, width=240) | (PERSISTENT if uses_own_data() else PERSISTENT_IN_LINK)
        which = columns if uses_own_data() else len(columns)
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
    return session_cache().get(("principal plane", data.key), lambda: principal_plane(data.points))


def with_placed_centers(data: Data, settings: Settings, plane: Plane) -> Settings:
    """The settings with the centers where a person put them, or the address has them; at first where a random start does."""
    return _starting_at(_places(data, settings, plane), data, settings, plane)


def edit_centers(data: Data, settings: Settings, plane: Plane) -> Settings:
    """The same, with a picture in which they can be dragged."""
    center, k = method(settings.method).traits.center, settings.k

    def painted():
        return paint.Canvas(*plane.places(data.points).T, _extent(data, plane)).paint(palette.rgb([palette.NEUTRAL]))

    st.markdown(f"**Drag the starting {center}s**")
    placed = place_centers(
        "placing",
        _places(data, settings, plane),
        [f"{center.capitalize()} {i + 1}" for i in range(k)],
        [palette.color_of(i) for i in range(k)],
        [palette.symbol_of(i) for i in range(k)],
        _extent(data, plane),
        session_cache().get(("backdrop", data.key, plane.names), painted),
        plane.names,
        token=_token(data, settings, plane),
        height=330,
        to_scale=data.to_scale,
    )
    if len(data.columns) > 2:
        st.caption("In all other directions the centers start in the middle of the data.")
    return _starting_at(placed, data, settings, plane)


def clear_centers() -> None:
    """Takes the places out of the address, where the start is not by hand."""
    st.query_params.pop(CENTERS, None)


def read_places(text: str) -> np.ndarray | None:
    """Places (k, 2) as the address has them, 'x,y;x,y'; None if the text is no such thing."""
    try:
        places = np.array([[float(value) for value in one.split(",")] for one in text.split(";")])
    except ValueError:
        return None
    return places if places.ndim == 2 and places.shape[1] == 2 and np.isfinite(places).all() else None


def _token(data: Data, settings: Settings, plane: Plane) -> tuple:
    """What the places belong to."""
    return data.key, settings.k, settings.seed, plane.names


def _extent(data: Data, plane: Plane) -> tuple[float, float, float, float]:
    return session_cache().get(
        ("extent", data.key, plane.names), lambda: padded(plane.places(data.points), 1.2 if data.to_scale else None)
    )


def _places(data: Data, settings: Settings, plane: Plane) -> np.ndarray:
    """(k, 2) where the centers are before they are dragged on."""
    token = _token(data, settings, plane)

    def at_random():
        rows = seeding.random_rows(len(data.points), settings.k, np.random.default_rng(settings.seed))
        return plane.project(data.points[rows])

    first = session_cache().get(("first places", *token), at_random)
    if "placed" not in st.session_state and (asked := read_places(st.query_params.get(CENTERS, ""))) is not None:
        st.session_state["placed"] = token, asked
    before, where = st.session_state.get("placed", (None, None))
    if before is not None and before[:1] + before[2:] == token[:1] + token[2:]:  # with another K, those that stay are kept
        first = np.vstack([where[: settings.k], first[len(where) :]])
    left, right, bottom, top = _extent(data, plane)
    return np.clip(first, (left, bottom), (right, top))


def _starting_at(places: np.ndarray, data: Data, settings: Settings, plane: Plane) -> Settings:
    """The settings with centers at these places (k, 2), with as many digits as can be seen: those that the address has."""
    left, right, bottom, top = _extent(data, plane)
    digits = [5 - int(np.floor(np.log10(size))) for size in (right - left, top - bottom)]
    places = np.column_stack([np.round(column, d) for column, d in zip(places.T, digits, strict=True)])
    if uses_own_data():
        clear_centers()
    else:
        st.query_params[CENTERS] = ";".join(
            ",".join(repr(value).removesuffix(".0") for value in place) for place in places.tolist()
        )
    st.session_state["placed"] = _token(data, settings, plane), places
    return replace(settings, start=ManualStart(tuple(map(tuple, plane.lift(places).tolist()))))


def is_manual(settings: Settings) -> bool:
    """Whether the start is placed by hand."""
    return isinstance(settings.start, ManualStart)
