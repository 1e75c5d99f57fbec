"""Positions and covariances in the units of the table, and as text.

Points, centers and means are scaled if the data are; tables show them in the original units unless the scaled values are
requested with `scaled`.
"""

import numpy as np
import pandas as pd

from pages.datasets.data import Data
from pages.datasets.formatting import format_value

DAY = np.timedelta64(1, "D")


def column_names(data: Data, scaled: bool = False) -> tuple[str, ...]:
    """(d,) names of the columns; those of scaled values state the scaling."""
    return data.columns if scaled or data.scaling is None else data.scaling.columns


def in_units(data: Data, positions: np.ndarray, scaled: bool = False) -> np.ndarray:
    """Points, centers or means (…, d) of the data."""
    return positions if scaled or data.scaling is None else data.scaling.positions(positions)


def errors_in_units(data: Data, errors: np.ndarray, scaled: bool = False) -> np.ndarray:
    """Standard errors or deviations (…, d) of the data."""
    return errors if scaled or data.scaling is None else errors * data.scaling.scale


def covariances_in_units(data: Data, covariances: np.ndarray, scaled: bool = False) -> np.ndarray:
    """Covariances (…, d, d) of the data."""
    return covariances if scaled or data.scaling is None else data.scaling.covariances(covariances)


def date_columns(data: Data) -> list[int]:
    """Indices of the columns that are dates, in days since 1970."""
    if data.origin is None:
        return []
    return [j for j, name in enumerate(data.origin.numbers) if pd.api.types.is_datetime64_any_dtype(data.origin.table[name])]


def position_texts(data: Data, positions: np.ndarray, count: int, scaled: bool = False) -> list[list[str]]:
    """The first coordinates of each position (m, d) as strings; dates are written as dates unless they are scaled."""
    dates = [] if scaled and data.scaling is not None else date_columns(data)
    values = in_units(data, positions, scaled)[:, :count]
    values = np.round(values, 12) if scaled else values  # without the rounding errors of means near 0
    formats = [date_text if j in dates else format_value for j in range(values.shape[1])]
    return [[as_text(value) for as_text, value in zip(formats, row, strict=True)] for row in values.tolist()]


def date_text(days: float) -> str:
    """A number of days since 1970 as a date, with hyphens at which lines do not break."""
    return str(np.datetime64(0, "D") + np.rint(days) * DAY).replace("-", "\u2011")
