"""Dates, numbers and missing values as people and spreadsheets write them."""

import re

import numpy as np
import pandas as pd
import pytest

from pages.datasets import readers
from pages.datasets.readers import Format
from tests.pages.datasets.test_readers import assert_equal, read, workbook


def column(cells, **changes):
    """The reading of a column of text next to a column of numbers."""
    return read("a;b\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells)), separator=";", **changes)


def detected(cells):
    return read("a;b\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells)))


# Dates


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["2021-01-31T10:00:00Z", "2021-02-01T10:00:00Z"], ["2021-01-31 10:00", "2021-02-01 10:00"]),
        (["2021-01-31T10:00:00+02:00", "2021-02-01 10:00:00-0130"], ["2021-01-31 08:00", "2021-02-01 11:30"]),
        (["2021-01-31 10:00:00.25", "2021-02-01 10:00 UTC"], ["2021-01-31 10:00:00.25", "2021-02-01 10:00"]),
        (["31/01/2021", "01/02/2021"], ["2021-01-31", "2021-02-01"]),
        (["01/31/2021", "02/01/2021"], ["2021-01-31", "2021-02-01"]),
        (["31.01.2021", "1.2.2021 08:30"], ["2021-01-31", "2021-02-01 08:30"]),
        (["01.02.2021", "03.04.2021"], ["2021-02-01", "2021-04-03"]),
        (["2020/01/31", "2020/2/1"], ["2020-01-31", "2020-02-01"]),
        (["2020-01", "2020-12"], ["2020-01-01", "2020-12-01"]),
        (["1/31/21 1:05 PM", "2/1/99 12:10 am"], ["2021-01-31 13:05", "1999-02-01 00:10"]),
        (["31-Jan-2021", "1 February 2021"], ["2021-01-31", "2021-02-01"]),
        (["31-Jan-21", "01-FEB-99"], ["2021-01-31", "1999-02-01"]),
        (["1/31/2021, 10:30:00 AM", "2/1/2021, 1:05 PM"], ["2021-01-31 10:30", "2021-02-01 13:05"]),
        (["31.1.2021, 09:30", "1.2.2021, 9:30"], ["2021-01-31 09:30", "2021-02-01 09:30"]),
        (["2021-01-31 10:00:00,250", "2021-02-01 10:00:00,500"], ["2021-01-31 10:00:00.25", "2021-02-01 10:00:00.5"]),
        (["20210131", "20210201", "20200229"], ["2021-01-31", "2021-02-01", "2020-02-29"]),
        (["Jan 31, 2021", "Dec 1, 2021"], ["2021-01-31", "2021-12-01"]),
    ],
)
def test_dates_in_every_common_notation_are_dates(cells, days):
    reading = column(cells)
    assert list(reading.table["a"]) == list(map(pd.Timestamp, days))
    assert reading.doubts == ()


def test_the_whole_column_decides_the_order_of_day_and_month():
    cells = ["01/02/2021"] * 300
    assert column([*cells, "13/02/2021"]).table["a"][0] == pd.Timestamp("2021-02-01")
    assert column([*cells, "02/13/2021"]).table["a"][0] == pd.Timestamp("2021-01-02")


def test_an_undecided_order_of_day_and_month_offers_the_other_one():
    reading = column(["01/02/2021", "03/04/2021"])
    assert reading.table["a"][0] == pd.Timestamp("2021-01-02")
    [doubt] = reading.doubts
    assert doubt.alternative == "Read the day first"
    assert column(["01/02/2021", "03/04/2021"], **dict(doubt.changes)).table["a"][1] == pd.Timestamp("2021-04-03")
    assert column(["01/02/2021", "03/04/2021"], decimal=",").table["a"][0] == pd.Timestamp("2021-02-01")


@pytest.mark.parametrize("odd", ["unknown", "0000-00-00", "2021-02-30"])
def test_one_cell_that_is_no_date_is_missing_and_reported(odd):
    reading = column([*(f"2021-01-{day:02}" for day in range(1, 21)), odd])
    assert reading.table["a"][:20].notna().all()
    assert pd.isna(reading.table["a"][20])
    assert reading.notes == (f"Column a: 1 of 21 cells is not a date, '{odd}' in row 21; it is treated as missing.",)


@pytest.mark.parametrize(
    ("cells", "hours"),
    [
        (["10:30", "9:15"], [10.5, 9.25]),
        (["1:30:36", "100:00:00"], [1.51, 100]),
        (["30:00", "1:00:00"], [0.5, 1]),
        (["0 days 01:30:00", "2 days 00:00:00"], [1.5, 48]),
        (["1 day, 6:00:00", "2 days, 1:30:00"], [30, 49.5]),
        (["10:30 AM", "1:30 p.m.", "12:15 am"], [10.5, 13.5, 0.25]),
    ],
)
def test_times_and_durations_are_hours(cells, hours):
    reading = column(cells)
    np.testing.assert_allclose(reading.table["a"], hours)
    assert "read as hours" in reading.notes[0]


@pytest.mark.parametrize("cells", [["20210131", "20210201", "20210230"], ["20210131", "20210131", "20210201"]])
def test_other_numbers_of_eight_digits_are_no_dates(cells):
    assert column(cells).table["a"].tolist() == list(map(int, cells))


def test_commas_in_times_are_no_separators():
    reading = detected(["2021-01-31 10:00:00,123", "2021-02-01 10:00:00,456"])
    assert (reading.format.separator, list(reading.table)) == (";", ["a", "b"])


# Numbers


@pytest.mark.parametrize("mark", [".", ","])
def test_a_mark_before_three_digits_separates_thousands_if_the_magnitudes_say_so(mark):
    reading = detected([f"1{mark}234", "999", f"12{mark}345", "800"])
    assert reading.table["a"].tolist() == [1234, 999, 12345, 800]
    [doubt] = reading.doubts
    other = column([f"1{mark}234", "999"], **dict(doubt.changes))
    assert other.table["a"].tolist() == [1.234, 999]


@pytest.mark.parametrize("cells", [["1.250", "3", "2.125", "1"], ["0.125", "999", "12.345"], ["1.234", "1500", "2.345"]])
def test_a_period_is_a_decimal_point_otherwise(cells):
    assert detected(cells).table["a"].tolist() == list(map(float, cells))


@pytest.mark.parametrize(
    ("cells", "numbers", "removed"),
    [
        (["12%", "13.5 %"], [12, 13.5], "“%”"),
        (["$1,234", "$2", "-$3"], [1234, 2, -3], "“$”"),
        (["1.234,50 €", "2,25 €"], [1234.5, 2.25], "“€”"),
        (["USD 5", "USD 6.5"], [5, 6.5], "“USD”"),
        (["12 kg", "13.5kg"], [12, 13.5], "“kg”"),
        (["5 m/s²", "6 m/s²"], [5, 6], "“m/s²”"),
        (["21 °C", "-3 °C"], [21, -3], "“°C”"),
        (["(1,234)", "5", "(6)"], [-1234, 5, -6], "parentheses, which mean negative numbers,"),
        (["($1,234.50)", "$6"], [-1234.5, 6], "“$”"),
        (["$(1,234.50)", "$ 6.00"], [-1234.5, 6], "“$”"),
        (["1\u202f234,50\u00a0€", "2,25\u00a0€"], [1234.5, 2.25], "“€”"),
        (["R$\u00a01.234,50", "R$\u00a02,00"], [1234.5, 2], "“R$”"),
        (["1\u00a0234,50\u00a0zł", "2,25\u00a0zł"], [1234.5, 2.25], "“zł”"),
        (["Rs. 1,23,456", "Rs. 99,999.5"], [123456, 99999.5], "“Rs.”"),
        (["1.234,50-", "2,25"], [-1234.5, 2.25], "minus signs at the end, which mean negative numbers,"),
    ],
)
def test_currencies_units_and_parentheses_are_removed_and_reported(cells, numbers, removed):
    reading = detected(cells)
    assert reading.table["a"].tolist() == numbers
    assert reading.notes[0].startswith(f"Column a: {removed}")
    assert f"as in “{cells[0]}”" in reading.notes[0]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,23,456", "12,34,567", "5"], [123456, 1234567, 5]),
        (["１２", "３．５"], [12, 3.5]),
        (["\u22125", "\u22126.5"], [-5, -6.5]),
    ],
)
def test_indian_groups_wide_digits_and_minus_signs_are_read(cells, numbers):
    assert detected(cells).table["a"].tolist() == numbers


def test_numbers_with_different_units_are_text_with_a_note():
    reading = detected(["5 kg", "300 g", "2 kg"])
    assert reading.table["a"].tolist() == ["5 kg", "300 g", "2 kg"]
    assert reading.notes == ("Column a is text, because its numbers have different units (g, kg).",)


def test_currencies_in_a_workbook_are_removed():
    reading = readers.read(workbook({"s": [["price", "n"], ["1.234,50 €", 1], ["2,25 €", 2]]}), "a.xlsx")
    assert_equal(reading.table, ["price", "n"], [[1234.5, 2.25], [1, 2]])


@pytest.mark.parametrize("cells", [["A1", "A2"], ["1st Ave", "2nd Ave"], ["3D", "4D"], ["(a)", "(b)"], ["1-2", "3-4"]])
def test_other_texts_with_digits_remain_text(cells):
    assert detected(cells).table["a"].tolist() == cells


# Missing values


def test_marks_of_missing_values_are_counted():
    reading = read("a,b\n1,x\nn.a.,--\n3,\n--,y\n")
    assert dict(reading.gaps) == {"n.a.": 1, "--": 2}


@pytest.mark.parametrize("kind", ["text", "workbook"])
def test_a_number_that_stands_for_missing_values_is_offered_and_marks_can_be_added(kind):
    rows = [["a", "b"], [1, "x"], [-999, "y"], [5, "gone"], [2.5, "x"]]
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    content = text.encode() if kind == "text" else workbook({"s": rows})
    reading = readers.read(content, "a.csv")
    assert reading.table["a"][1] == -999
    [doubt] = reading.doubts
    assert doubt.alternative == "Treat −999 as missing"
    assert dict(doubt.changes) == {"missing": ("-999",)}
    format = Format(kind, separator="," if kind == "text" else "", missing=("-999", "gone"))
    assert_equal(readers.read(content, "a.csv", format).table, ["a", "b"], [[1, None, 5, 2.5], ["x", "y", None, "x"]])


def test_a_minimum_like_minus_99_among_negative_numbers_is_no_doubt():
    assert read("a\n-99\n-98\n-97\n-60\n").doubts == ()


# Categories


def test_spaces_around_categories_are_removed_and_differences_of_case_can_be_ignored():
    reading = read("s,v\nsetosa,1\nsetosa ,2\nSetosa,3\nx,4\n")
    assert list(reading.table["s"]) == ["setosa", "setosa", "Setosa", "x"]
    assert re.search("spaces around 1 cell were removed", reading.notes[0])
    [doubt] = reading.doubts
    assert doubt.sentence == "Column s: “setosa” and “Setosa” differ only in case."
    other = read("s,v\nsetosa,1\nsetosa ,2\nSetosa,3\nx,4\n,5\n", **dict(doubt.changes))
    assert_equal(other.table, ["s", "v"], [["setosa", "setosa", "setosa", "x", None], [1, 2, 3, 4, 5]])
    assert other.doubts == ()


def test_spaces_after_every_separator_are_not_reported():
    assert read("s, v\nx, y\nz, w\nx, y\n").notes == ()


def test_every_mark_of_a_missing_value_is_counted():
    for mark in ("nan", "NaN", "-nan", "#¡VALOR!", "#N/D", "#FIELD!"):
        reading = detected(["1.5", "2.5", mark, "3.5"])
        assert np.isnan(reading.table["a"][2])
        assert dict(reading.gaps) == {mark: 1}
    for cells, code in ((["1", "-999", "3", "-999"], "-999"), (["1,5", "-9,5", "3", "-9,5"], "-9,5")):
        reading = column(cells, missing=(code,), decimal=",")
        assert list(np.isnan(reading.table["a"])) == [False, True, False, True]
        assert dict(reading.gaps) == {code: 2}


def test_a_mark_that_first_occurs_far_below_is_ambiguous():
    cells = [*map(str, range(1, 400)), "1.234", "12.345"]
    reading = detected(cells)
    [doubt] = [doubt for doubt in reading.doubts if doubt.changes[0][0] == "decimal"]
    assert doubt.sentence == "Numbers such as “1.234” are read as 1.234."
    other = readers.read(
        ("a;b\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells))).encode(),
        "t.csv",
        readers.replace(reading.format, **dict(doubt.changes)),
    )
    assert list(other.table["a"])[-2:] == [1234, 12345]
    for certain in (["1.5"], ["0.234"], ["1.2345"]):
        assert not detected([*cells, *certain]).doubts


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["01.2020", "02.2020", "12.2020"], ["2020-01", "2020-02", "2020-12"]),
        (["01/2020", "12/2019"], ["2020-01", "2019-12"]),
        (["Jan 2020", "Dec 2019"], ["2020-01", "2019-12"]),
        (["2021年1月31日", "2021年12月1日"], ["2021-01-31", "2021-12-01"]),
    ],
)
def test_months_and_dates_in_japanese_and_chinese_are_dates(cells, days):
    assert list(detected(cells).table["a"]) == list(map(pd.Timestamp, days))


def test_numbers_with_two_digits_before_the_point_are_no_months():
    assert list(detected(["10.2020", "11.2020", "12.5"]).table["a"]) == [10.202, 11.202, 12.5]


def test_a_column_with_some_dates_that_stays_text_is_reported():
    reading = detected(["31/01/2021", "01/31/2021", "05/06/2021"])
    assert reading.notes == ("Column a is text, because only 2 of its 3 cells are dates.",)


def test_digits_of_every_script_and_exponents_of_fortran_are_numbers():
    assert list(detected(["١٢", "٣٤", "٥٦"]).table["a"]) == [12, 34, 56]
    assert list(detected(["1.5D+03", "2.5d-1", "-1.0D+00"]).table["a"]) == [1500, 0.25, -1]
    assert list(detected(["2D5", "3D1", "4D2"]).table["a"]) == ["2D5", "3D1", "4D2"]


def test_words_that_look_equal_are_equal():
    reading = detected(["café", "cafe\u0301", "caf\u00e9\u200b", "\ufeffcafé", "x", "x"])
    assert list(reading.table["a"]) == [*["café"] * 4, "x", "x"]
