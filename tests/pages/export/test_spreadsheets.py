"""Tables as CSV and Excel files, read back with pandas, openpyxl and calamine."""

import csv
import io
from datetime import datetime

import numpy as np
import openpyxl
import pandas as pd
import pytest

from pages.datasets.readers import read
from pages.export import spreadsheets
from pages.export.spreadsheets import table_csv, table_excel


def sheet(table, **options):
    return openpyxl.load_workbook(io.BytesIO(table_excel(table, "Rows", **options)))["Rows"]


def cells(table, **options):
    return [list(row) for row in sheet(table, **options).iter_rows(values_only=True)]


def rows_of(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


TABLE = pd.DataFrame(
    {
        "name": ["Zoë", "=1+1", None],
        "number": [1.5, np.nan, -3.25],
        "count": [1.0, np.nan, 12.0],
        "day": pd.to_datetime(["2023-02-20", None, "1999-12-31"]),
        "time": pd.to_datetime(["2023-02-20 10:30", "2023-02-20 00:00", None]),
        "yes": [True, False, True],
        "large": [2**53, 2**53 + 1, -(2**60)],
    }
)


def test_a_csv_file_has_every_value_and_no_formula():
    assert rows_of(table_csv(TABLE)) == [
        list(TABLE.columns),
        ["Zoë", "1.5", "1", "2023-02-20", "2023-02-20 10:30:00", "True", str(2**53)],
        ["'=1+1", "", "", "", "2023-02-20 00:00:00", "False", str(2**53 + 1)],
        ["", "-3.25", "12", "1999-12-31", "", "True", str(-(2**60))],
    ]
    assert table_csv(TABLE).startswith(b"\xef\xbb\xbfname")


def test_an_excel_file_has_every_value_with_its_type():
    assert cells(TABLE) == [
        list(TABLE.columns),
        ["Zoë", 1.5, 1, datetime(2023, 2, 20), datetime(2023, 2, 20, 10, 30), True, 2**53],
        ["=1+1", None, None, None, datetime(2023, 2, 20), False, str(2**53 + 1)],
        [None, -3.25, 12, datetime(1999, 12, 31), None, True, str(-(2**60))],
    ]


def test_text_that_looks_like_a_formula_is_text_in_excel():
    page = sheet(pd.DataFrame({"=name": ["=1+1", "+2", "@SUM(A1)", "-3"]}))
    assert {cell.data_type for cell in page["A"]} <= {"s", "inlineStr"}
    assert [cell.value for cell in page["A"]] == ["=name", "=1+1", "+2", "@SUM(A1)", "-3"]


def test_column_names_that_look_like_formulas_are_escaped_in_csv():
    assert rows_of(table_csv(pd.DataFrame({"=a": [1], "b": [2]})))[0] == ["'=a", "b"]


def test_time_zones_are_removed_and_early_dates_are_text():
    times = pd.Series(pd.to_datetime(["2024-07-01 10:00", "1850-03-04 00:00"])).dt.tz_localize("Europe/Berlin")
    assert cells(pd.DataFrame({"time": times}))[1] == [datetime(2024, 7, 1, 10)]
    assert cells(pd.DataFrame({"time": times}))[2] == ["1850-03-04"]
    times = pd.Series(pd.to_datetime(["1899-12-31 10:00", "1900-01-01 00:00", "1901-01-01 00:00"]))
    assert cells(pd.DataFrame({"time": times}))[1:] == [["1899-12-31 10:00:00"], ["1900-01-01"], [datetime(1901, 1, 1)]]


def test_dates_are_shown_as_dates():
    page = sheet(TABLE)
    assert (page["D2"].number_format, page["E2"].number_format) == ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")
    assert page["D2"].is_date


def test_characters_that_xml_cannot_contain_are_left_out_and_long_text_is_cut():
    texts = ["a\x00b\x1fc\ud800d\uffff", "tab\tand\nline", "x" * 40_000]
    found = [row[0] for row in cells(pd.DataFrame({"a\x07": pd.Series(texts, dtype=object)}))]
    assert found == ["a", "abcd", "tab\tand\nline", "x" * 32_767]
    assert [row[0] for row in rows_of(table_csv(pd.DataFrame({"a": texts[1:]})))] == ["a", *texts[1:]]


def test_infinite_numbers_are_text_in_excel():
    assert cells(pd.DataFrame({"a": [np.inf, 1.0, -np.inf]}))[1:] == [["inf"], [1], ["-inf"]]
    assert rows_of(table_csv(pd.DataFrame({"a": [np.inf, np.nan, -np.inf]})))[1:] == [["inf"], [""], ["-inf"]]


def test_the_first_row_is_bold_and_stays_and_shares_are_percentages():
    page = sheet(pd.DataFrame({"a long column name": ["x" * 30], "share": [0.25]}), shares={"share"})
    assert page.freeze_panes == "A2"
    assert page["A1"].font.bold
    assert not page["A2"].font.bold
    assert (page["B2"].value, page["B2"].number_format) == (0.25, "0.0%")
    assert page.column_dimensions["A"].width == pytest.approx(31, abs=1)
    assert page.column_dimensions["B"].width < page.column_dimensions["A"].width


def test_too_many_rows_for_a_sheet_raise_an_error(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MAX_EXCEL_ROWS", 3)
    assert len(cells(TABLE)) == 4
    with pytest.raises(ValueError, match="at most 3 rows below its header, got 4"):
        table_excel(pd.DataFrame({"a": range(4)}), "Rows")


def test_tables_in_several_parts_have_every_row_in_order_and_report_progress(monkeypatch):
    monkeypatch.setattr(spreadsheets, "ROWS", 7)
    table, progress = pd.DataFrame({"a": range(20), "b": [f"text {i}" for i in range(20)]}), []
    assert cells(table, on_progress=progress.append)[1:] == table.values.tolist()
    assert progress == [7 / 20, 14 / 20, 1.0]
    progress.clear()
    assert rows_of(table_csv(table, progress.append))[1:] == [[str(i), f"text {i}"] for i in range(20)]
    assert progress == [7 / 20, 14 / 20, 1.0]


def test_the_app_reads_its_own_files_back():
    table = TABLE.drop(columns=["large"])
    for content, name in ((table_excel(table, "Rows"), "a.xlsx"), (table_csv(table), "a.csv")):
        again = read(content, name).table
        assert list(again.columns) == list(table.columns)
        np.testing.assert_array_equal(again["number"].to_numpy(float), table["number"])
        assert (again["day"].dropna() == table["day"].dropna()).all()


def test_an_empty_table_has_only_its_column_names():
    empty = pd.DataFrame({"a": [], "b": []})
    assert cells(empty) == [["a", "b"]]
    assert rows_of(table_csv(empty)) == [["a", "b"]]
