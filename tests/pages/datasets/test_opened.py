"""Files are opened here or in another process, with the same result."""

import gzip
import io

import pandas as pd
import pytest

from pages.datasets import matrix_text, opened
from pages.datasets.opened import Opened, is_small, open_file
from pages.datasets.readers import Format, ReadError

CSV = b"name,length\nA,1.5\nB,2\nC,4\n"


def excel():
    file = io.BytesIO()
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_excel(file, index=False)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "small"),
    [
        (CSV, True),
        (b"a", True),
        (b"a,b\n" + b"1,2\n" * 2**18, False),
        (b"a," * 2**12 + b"a\n1\n", False),
        (b"a" * 2**14, False),
        (b"a\n" + b"b" * 2**14, True),
        (gzip.compress(CSV), False),
        (excel(), False),
    ],
)
def test_only_short_texts_with_short_rows_are_small(content, small):
    assert is_small(content) is small


@pytest.fixture
def elsewhere(monkeypatch):
    """Arguments of the calls in another process, which are made here instead."""
    calls = []

    def call(function, *arguments, on_wait):
        calls.append(arguments)
        return function(*arguments)

    monkeypatch.setattr(opened.process, "call", call)
    return calls


def test_small_files_are_opened_here_and_others_in_another_process(elsewhere):
    here = open_file(CSV, "t.csv")
    assert elsewhere == []
    there = open_file(gzip.compress(CSV), "t.csv.gz")
    assert len(elsewhere) == 1
    pd.testing.assert_frame_equal(here.reading.table, there.reading.table)
    assert here.columns == there.columns
    assert [column.kind for column in here.columns] == ["text", "number"]
    assert (here.n_values, here.error, here.matrix) == (6, "", None)


def test_a_file_opened_in_another_process_is_the_same():
    there = open_file(excel(), "t.xlsx")
    assert there.format == Format("workbook", sheet="Sheet1")
    pd.testing.assert_frame_equal(there.reading.table, pd.DataFrame({"a": [1, 2], "b": [3, 4]}))
    assert [column.name for column in there.columns] == ["a", "b"]
    assert "damaged" in open_file(excel()[:-30], "t.xlsx").error


def test_a_file_that_cannot_be_read_has_an_error_and_its_format_if_there_is_one():
    failed = open_file(b"a,b\n1,2\n3,4\n5,6,7\n", "t.csv")
    assert failed.format.separator == ","
    assert failed.reading is None
    assert failed.error.startswith("Line 4 has 3 cells instead of 2")
    assert open_file(b"%PDF-1.7", "t.csv").format is None
    assert open_file(CSV, "t.csv", Format("text", encoding="utf-8", separator=";")).format.separator == ";"


def test_a_file_that_exceeds_a_limit_has_an_error(monkeypatch):
    def fail(function, *arguments, on_wait):
        raise ReadError("Reading this file takes too long.")

    monkeypatch.setattr(opened.process, "call", fail)
    chosen = Format("workbook", sheet="x")
    for format in (None, chosen):
        result = open_file(excel(), "t.xlsx", format)
        assert (result.format, result.error) == (format, "Reading this file takes too long.")
        assert isinstance(result, Opened)


def test_a_matrix_in_a_text_is_found_at_the_beginning_of_a_long_text(monkeypatch):
    triangle = "".join(" ".join(["1,25"] * i) + "\n" for i in range(1, 60))
    for size in (2**20, 1000):
        monkeypatch.setattr(matrix_text, "INSPECTED_CHARACTERS", size)
        matrix = open_file(triangle.encode(), "t.txt").matrix
        assert matrix.values.shape == (59, 59)
        assert matrix.values[58, 0] == 1.25
    assert open_file(b"a,b\n1,2\n3,4\n", "t.txt").matrix is None


def test_lines_above_a_triangle_can_be_skipped():
    content = b"Distances\nin km of roads\n\nA\nB 1\nC 2 1\n"
    format = Format("text", separator=" ", skip=3)
    assert open_file(content, "t.txt", format).matrix.row_names == ["A", "B", "C"]
