"""Cells of tables as text."""

import numpy as np
import pandas as pd
import pytest

from pages.datasets.columns import cell_text, describe


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (float("nan"), None),
        (pd.NaT, None),
        (pd.NA, None),
        ("", ""),
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (np.float64(1234567.89), "1234567.89"),
        (12345678901.0, "12345678901"),
        (float("inf"), "inf"),
        (7, "7"),
        (pd.Timestamp("2024-03-01"), "2024-03-01"),
        (pd.Timestamp("2024-03-01 09:30"), "2024-03-01 09:30:00"),
    ],
)
def test_a_cell_is_short_text_or_none_if_it_is_missing(value, text):
    assert cell_text(value) == text


@pytest.mark.parametrize("name", ["PassengerId", "passengerid", "sampleid", "guid", "idx"])
def test_names_of_identifiers_are_recognized(name):
    table = pd.DataFrame({name: [1005, 1002, 1007], "x": [1.5, 2.5, 3.5]})
    assert [column.kind for column in describe(table)] == ["identifier", "number"]
    assert describe(table.rename(columns={name: "covid"}))[0].kind == "number"
