"""Positions and covariances in the units of the table."""

import numpy as np
import pandas as pd
import pytest

from pages.datasets import units
from pages.datasets.cleaning import SCALINGS, Preparation, prepare
from pages.datasets.formatting import format_value

TABLE = pd.DataFrame(
    {
        "income": [39_424.0, 36_657, 49_125, 87_192],
        "age": [23.0, 27, 55, 56],
        "signup": pd.to_datetime(["2023-02-20", "2022-01-07", "2019-03-03", "1969-12-30"]),
        "churn": ["no", "yes", "no", "no"],
    }
)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_positions_have_the_units_and_column_names_of_the_table(scaling):
    data = prepare(TABLE, "People", Preparation(tuple(TABLE.columns), scaling=scaling))
    assert units.column_names(data) == ("income", "age", "signup", "churn = yes")
    np.testing.assert_allclose(units.in_units(data, data.points)[:, :2], TABLE[["income", "age"]])
    covariances = units.covariances_in_units(data, np.cov(data.points.T)[None])
    np.testing.assert_allclose(covariances[0, :2, :2], np.cov(TABLE[["income", "age"]].T))
    np.testing.assert_allclose(units.errors_in_units(data, data.points.std(axis=0))[:2], TABLE[["income", "age"]].std(ddof=0))
    texts = units.position_texts(data, data.points, 4)
    assert texts[0] == ["39,424", "23", "2023‑02‑20", "0"]
    assert texts[3] == ["87,192", "56", "1969‑12‑30", "0"]
    assert units.position_texts(data, data.points, 2) == [text[:2] for text in texts]


def test_scaled_positions_are_available_on_request():
    data = prepare(TABLE, "People", Preparation(tuple(TABLE.columns), scaling="standardize"))
    assert units.column_names(data, scaled=True)[0] == "income (standardized)"
    assert units.in_units(data, data.points, scaled=True) is data.points
    assert units.covariances_in_units(data, data.points, scaled=True) is data.points
    assert units.errors_in_units(data, data.points, scaled=True) is data.points
    assert units.position_texts(data, np.array([[1.0, -0.25, 2.0, 1e-17]]), 4, scaled=True) == [["1", "−0.25", "2", "0"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.38712, "1.387"),
        (999.96, "1000"),
        (39424.4, "39,424"),
        (-1234567.8, "−1,234,568"),
        (0.00001234, "1.23e−05"),
        (1e300, "1e+300"),
        (np.nan, "nan"),
    ],
)
def test_values_have_four_digits_or_are_whole(value, text):
    assert format_value(value) == text
