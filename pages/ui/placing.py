"""Choice of the plane of the scatter plot, and placement of initial centers in it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import streamlit as st

from clustering import seeding
from pages.datasets.data import Data
from pages.datasets.planes import Plane, column_plane, principal_plane
from pages.figures.plots import padded_extent
from pages.methods import method
from pages.methods.options import Settings
from pages.methods.starts import MANUAL, ManualStart
from pages.runs.run import Run
from pages.ui.query_parameters import write_parameter
from pages.ui.widgets import PERSISTENT, PERSISTENT_IN_LINK, session_cache, start_key, uses_own_data

PRINCIPAL = -1
"""value for the first two principal components in the list of column indices"""
CENTERS = "centers"
"""query parameter with the positions of manually placed centers"""
PLACED = "placed"
"""session key: choices that identify a run, and the positions (k, 2) of its manually placed centers"""
EXACT = "exact centers"
"""session key: the key of a data set, and centers (k, d) that were placed outside of the plane"""


def choose_plane(data: Data) -> Plane:
    """Choose the two axes of the scatter plot, if there are more than two features."""
    columns = data.columns
    if len(columns) < 3:
        return column_plane(columns, 0, len(columns) - 1)

    def axis_label(j):
        return "First two principal components" if j == PRINCIPAL else columns[j]

    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = dict(format_func=axis_label, width=280) | (PERSISTENT if uses_own_data() else PERSISTENT_IN_LINK)
        x_key, y_key = _axis_keys(columns)
        x = st.selectbox("X axis", [PRINCIPAL, *range(len(columns))], key=x_key, **options)
        if x == PRINCIPAL:
            st.caption("Overlapping groups may be separate in other dimensions.")
            return plane_of(data)
        y = st.selectbox("Y axis", [j for j in range(len(columns)) if j != x], key=y_key, **options)
    return column_plane(columns, x, y, through=data.points.mean(axis=0))


def chosen_plane(data: Data) -> Plane:
    """The plane that was chosen with `choose_plane` further up on the page."""
    x, y = (st.session_state.get(key, PRINCIPAL) for key in _axis_keys(data.columns))
    if len(data.columns) < 3 or x == PRINCIPAL:
        return plane_of(data)
    return column_plane(data.columns, x, y, through=data.points.mean(axis=0))


def _axis_keys(columns: tuple[str, ...]) -> tuple[str, str]:
    ending = columns if uses_own_data() else len(columns)
    return f"across_{ending}", f"up_{ending}"


def plane_of(data: Data) -> Plane:
    """Default plane of a data set: the only two columns, or the first two principal components."""
    if len(data.columns) < 3:
        return column_plane(data.columns, 0, len(data.columns) - 1)
    return session_cache().get(("principal plane", data.key), lambda: principal_plane(data.points))


def with_placed_centers(data: Data, settings: Settings, plane: Plane) -> Settings:
    """Settings with the centers placed by the user or given in the link, by default at random data points."""
    return _starting_at(_positions(data, settings, plane), data, settings, plane)


def can_be_placed(run: Run, data: Data) -> bool:
    """Whether the initial centers of a run on these data can be placed by the user."""
    return MANUAL in run.view.initializations and run.centers is not None and run.data.key == data.key


def placing_hint(run: Run, data: Data) -> str:
    """How the initial centers are placed, as sentences."""
    elsewhere = " In all other dimensions, moved centers are at the mean of the data." if len(data.columns) > 2 else ""
    return f"To start elsewhere, drag the {run.center_name}s in the first frame.{elsewhere}"


def center_mover(run: Run, data: Data, plane: Plane) -> Callable[[int, float, float], None]:
    """Callback that moves the initial center of a cluster to a position in the plane; the others stay where they are."""
    # not the run itself, which the callback would keep in memory
    settings, start, ranks = run.settings, run.centers[0], run.ranks

    def move(cluster: int, x: float, y: float) -> None:
        centers = start.copy()
        centers[cluster] = plane.lift(np.array([[x, y]]))[0]
        # in the order of the colors, which then stay the same
        place_at(centers[np.argsort(ranks)], data, settings)
        st.session_state[start_key(method(settings.method))] = MANUAL.name

    return move


def place_at(centers: np.ndarray, data: Data, settings: Settings) -> None:
    """Place the initial centers (k, d) of a run with these settings."""
    plane = chosen_plane(data)
    st.session_state[PLACED] = _token(data, settings, plane), plane.project(centers)
    st.session_state[EXACT] = data.key, centers


def clear_centers() -> None:
    """Remove the query parameter, which other initializations do not use."""
    st.query_params.pop(CENTERS, None)


def parse_positions(text: str) -> np.ndarray | None:
    """Parse a query parameter 'x,y;x,y' into positions (k, 2); None if it is malformed."""
    try:
        positions = np.array([[float(value) for value in pair.split(",")] for pair in text.split(";")])
    except ValueError:
        return None
    return positions if positions.ndim == 2 and positions.shape[1] == 2 and np.isfinite(positions).all() else None


def _token(data: Data, settings: Settings, plane: Plane) -> tuple:
    """Identifies the choices for which the positions were placed."""
    return data.key, settings.k, settings.seed, plane.names


def _extent(data: Data, plane: Plane) -> tuple[float, float, float, float]:
    return session_cache().get(
        ("extent", data.key, plane.names), lambda: padded_extent(plane.positions(data.points), 1.2 if data.to_scale else None)
    )


def _positions(data: Data, settings: Settings, plane: Plane) -> np.ndarray:
    """(k, 2) current positions of the centers."""
    token = _token(data, settings, plane)

    def random_positions():
        rows = seeding.random_rows(len(data.points), settings.k, np.random.default_rng(settings.seed))
        return plane.project(data.points[rows])

    first = session_cache().get(("first places", *token), random_positions)
    if PLACED not in st.session_state and (linked := parse_positions(st.query_params.get(CENTERS, ""))) is not None:
        st.session_state[PLACED] = token, linked
    placed_for, placed = st.session_state.get(PLACED, (None, None))
    # if only K has changed, keep the placed centers
    if placed_for is not None and placed_for[:1] + placed_for[2:] == token[:1] + token[2:]:
        first = np.vstack([placed[: settings.k], first[len(placed) :]])
    left, right, bottom, top = _extent(data, plane)
    return np.clip(first, (left, bottom), (right, top))


def _starting_at(positions: np.ndarray, data: Data, settings: Settings, plane: Plane) -> Settings:
    """Settings with centers at positions (k, 2), rounded to the digits that links contain.

    Centers that were placed outside of the plane stay there until they are moved.
    """
    left, right, bottom, top = _extent(data, plane)
    digits = [5 - int(np.floor(np.log10(size))) for size in (right - left, top - bottom)]

    def rounded(places):
        return np.column_stack([np.round(column, d) for column, d in zip(places.T, digits, strict=True)])

    positions = rounded(positions)
    if uses_own_data():
        clear_centers()
    else:
        texts = (",".join(repr(value).removesuffix(".0") for value in position) for position in positions.tolist())
        write_parameter(CENTERS, ";".join(texts))
    st.session_state[PLACED] = _token(data, settings, plane), positions
    centers = plane.lift(positions)
    key, exact = st.session_state.get(EXACT, ("", centers[:0]))
    if key == data.key:
        exact = exact[: len(centers)]
        unmoved = np.flatnonzero((rounded(plane.project(exact)) == positions[: len(exact)]).all(axis=1))
        centers[unmoved] = exact[unmoved]
    return replace(settings, start=ManualStart(tuple(map(tuple, centers.tolist()))))


def is_manual(settings: Settings) -> bool:
    """Whether the initial centers are placed by the user."""
    return isinstance(settings.start, ManualStart)
