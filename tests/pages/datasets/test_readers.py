"""Each table is read as it was written, or rejected with a message."""

import datetime
import gzip
import io
import itertools
import json
import math
import pickle
import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pages.datasets import readers
from pages.datasets.readers import Format, limits
from pages.datasets.readers.cells import unique_names
from tests.core.tables import examples

SEPARATORS = (",", ";", "\t", "|", " ")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le with mark", "utf-16-be with mark", "latin-1")
NOTATIONS = [(d, t) for d in ".," for t in ("", ",", ".", " ", "\u00a0", "\u202f", "'", "’") if d != t]
MANY_EXAMPLES = settings(examples(120), suppress_health_check=list(HealthCheck), print_blob=False)
FEW_EXAMPLES = settings(MANY_EXAMPLES, max_examples=examples(25).max_examples)


# Writing tables


def written_number(value, decimal=".", thousands=""):
    """A number as text that is read as exactly this value."""
    if isinstance(value, int):
        sign, digits = ("-" if value < 0 else ""), str(abs(value))
        rest = ""
    else:
        sign, digits = ("-" if math.copysign(1, value) < 0 else ""), repr(abs(value))
        if digits == "inf":
            return f"{sign}inf"
        end = min(digits.find(mark) % (len(digits) + 1) for mark in ".e")
        digits, rest = digits[:end], digits[end:].replace(".", decimal)
    if thousands:
        digits = f"{int(digits):,}".replace(",", thousands)
    return sign + digits + rest


def written_table(names, columns, separator, decimal=".", thousands="", newline="\n"):
    """The table as text; without a header if `names` is None."""

    def cell(value):
        if value is None:
            text = ""
        elif isinstance(value, str):
            text = value
        else:
            text = written_number(value, decimal, thousands)
        marks = (separator, '"', "\n", "\r", *(" \t" if separator == " " else ""))
        quoted = any(mark and mark in text for mark in marks) or (not text and (separator == " " or len(columns) == 1))
        return '"' + text.replace('"', '""') + '"' if quoted else text

    rows = list(zip(*columns, strict=True))
    if names is not None:
        rows = [names, *rows]
    return "".join(separator.join(map(cell, row)) + newline for row in rows)


def encoded(text, encoding):
    if encoding.endswith("with mark"):
        return ("\ufeff" + text).encode(encoding.removesuffix(" with mark"))
    return text.encode(encoding)


def format_of(encoding, separator, decimal, thousands, header):
    encoding = "utf-16" if "16" in encoding else encoding.removesuffix("-sig")
    thousands = {"\u00a0": " ", "\u202f": " ", "’": "'"}.get(thousands, thousands)
    return Format("text", False, encoding, separator, decimal, thousands, header)


def assert_equal(table, names, columns):
    """Asserts that the table has these column names and cells, with texts trimmed; None is a missing value."""
    assert list(table.columns) == (names or [f"column {i + 1}" for i in range(len(columns))])
    for i, column in enumerate(columns):
        read = table.iloc[:, i]
        if any(isinstance(value, str) for value in column):
            assert [None if missing else value for value, missing in zip(read, read.isna(), strict=True)] == [
                value.strip() if isinstance(value, str) else value for value in column
            ]
        else:
            assert pd.api.types.is_numeric_dtype(read)
            expected = np.array([np.nan if value is None else value for value in column], dtype=float)
            np.testing.assert_array_equal(read.to_numpy(dtype=float), expected)


# Strategies

LATIN = st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"])
ANY = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff")


def or_missing(values):
    return st.one_of(values, values, values, st.none())


integers = st.one_of(st.integers(-2000, 2000), st.integers(-(2**53), 2**53))
floats = st.one_of(st.floats(-1e6, 1e6), st.floats(allow_nan=False))
cents = st.integers(-(10**9), 10**9).filter(lambda c: c % 10).map(lambda c: c / 100)


def texts(alphabet):
    """Texts that are not numbers, with separators, quotation marks, line breaks and markup."""
    special = st.sampled_from([",", ";", "\t", "|", " ", '"', '""', "\n", "\r\n", "\r", "'", "'", "1,5", "<b>", "**x**"])
    return st.lists(st.one_of(st.text(alphabet, max_size=4), special), max_size=4).map(lambda parts: "t" + "".join(parts))


def names_of(alphabet, count):
    name = st.one_of(st.text(alphabet, min_size=1, max_size=6), texts(alphabet)).map(str.strip).filter(bool)
    return st.lists(name.filter(lambda n: not re.match(r"[-+\u2212]?[.,]?\d", n)), min_size=count, max_size=count, unique=True)


@st.composite
def tables(draw, alphabet, fewest_columns=1, most_columns=4):
    rows = draw(st.integers(2, 6))
    kinds = draw(
        st.lists(st.sampled_from([integers, floats, texts(alphabet)]), min_size=fewest_columns, max_size=most_columns)
    )
    columns = [draw(st.lists(or_missing(kind), min_size=rows, max_size=rows)) for kind in kinds]
    return draw(names_of(alphabet, len(columns))), columns


@MANY_EXAMPLES
@given(st.data())
def test_any_text_is_read_as_written_if_its_format_is_given(data):
    encoding = data.draw(st.sampled_from(ENCODINGS))
    separator = data.draw(st.sampled_from((*SEPARATORS, "")))
    decimal, thousands = data.draw(st.sampled_from(NOTATIONS))
    assume(encoding != "latin-1" or thousands not in ("\u202f", "’"))
    names, columns = data.draw(tables(LATIN if encoding == "latin-1" else ANY, most_columns=4 if separator else 1))
    names = data.draw(st.sampled_from((names, None)))
    assume(names or any(value is not None for column in columns for value in column))  # an empty file is refused
    assume(len(columns) == 1 or any(column[-1] is not None for column in columns))  # not only separators
    newline = data.draw(st.sampled_from(("\n", "\r\n", "\r")))
    content = encoded(written_table(names, columns, separator, decimal, thousands, newline), encoding)
    format = format_of(encoding, separator, decimal, thousands, names is not None)
    compressed = data.draw(st.booleans())
    reading = readers.read(gzip.compress(content) if compressed else content, "table.txt", format)
    assert reading.format.compressed is compressed
    assert_equal(reading.table, names, columns)


@st.composite
def unambiguous_tables(draw, alphabet, thousands):
    """Tables whose format can be detected: all cells of the first column have two decimals, and names are not numbers."""
    names, columns = draw(tables(alphabet, most_columns=3))
    rows = len(columns[0])
    columns = [draw(st.lists(cents, min_size=rows, max_size=rows)), *columns]
    names = draw(names_of(alphabet, len(columns)))
    # a number with three decimals may also have a thousands separator
    assume(not any(isinstance(c, float) and len(repr(c).split(".")[-1]) == 3 for column in columns for c in column))
    return names, columns


@MANY_EXAMPLES
@given(st.data())
def test_any_text_is_read_as_written_if_its_format_is_detected(data):
    encoding = data.draw(st.sampled_from(ENCODINGS))
    separator = data.draw(st.sampled_from(SEPARATORS))
    decimal, thousands = data.draw(st.sampled_from(NOTATIONS))
    assume(encoding != "latin-1" or thousands not in ("\u202f", "’"))
    names, columns = data.draw(unambiguous_tables(LATIN if encoding == "latin-1" else ANY, thousands))
    names = data.draw(st.sampled_from((names, None)))
    words = [cell for column in columns for cell in column if isinstance(cell, str)]
    # without names, "1,5 km" and "1, km" could be split at the comma or at the space
    plain = names is not None and not any(mark in name for name in names for mark in ",;")
    assume(separator != " " or plain or not (words and (decimal == "," or any(word.endswith((",", ";")) for word in words))))
    newline = data.draw(st.sampled_from(("\n", "\r\n", "\r")))
    content = encoded(written_table(names, columns, separator, decimal, thousands, newline), encoding)
    reading = readers.read(content, data.draw(st.sampled_from(("table.csv", "table.csv.gz", "table.tsv"))))
    assert reading.format == readers.detect(content, "table.csv")
    assert reading.format.separator == separator
    if encoding == "latin-1":
        assume(reading.format.encoding == "latin-1" or content.isascii())
    assert_equal(reading.table, names, columns)
    again = readers.read(content, "table.csv")
    pd.testing.assert_frame_equal(again.table, reading.table)
    assert again.notes == reading.notes


@pytest.mark.parametrize("separator", SEPARATORS)
def test_every_separator_notation_and_header_is_read_given_and_detected(separator):
    names = ["größe", "b, c; d", 'say "x"', "n"]
    columns = [[1.25, -0.5, 1234567.75, 2e-7], ["ä", "x\ny", "a b", 'q"'], [None, 1, -22333, 4], [10, 2000, 3, None]]
    # the encoding changes with each case, so that each is combined with each separator, notation and header
    cases = enumerate(itertools.product(NOTATIONS, (True, False)), 32 * SEPARATORS.index(separator))
    for i, ((decimal, thousands), header) in cases:
        encoding, newline = ENCODINGS[i % 6], ("\n", "\r\n", "\r")[i // 6 % 3]
        if encoding == "latin-1" and thousands in ("\u202f", "’"):
            encoding = "utf-8"
        shown = names if header else None
        content = encoded(written_table(shown, columns, separator, decimal, thousands, newline), encoding)
        format = format_of(encoding, separator, decimal, thousands, header)
        assert_equal(readers.read(content, "a.csv", format).table, shown, columns)
        reading = readers.read(content, "a.csv")
        assert reading.format == format
        assert_equal(reading.table, shown, columns)


@MANY_EXAMPLES
@given(st.data())
def test_any_json_is_read_as_written(data):
    names, columns = data.draw(tables(ANY))
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    texts = {
        "rows": json.dumps(rows, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from((None, 1)))),
        "columns": json.dumps(dict(zip(names, columns, strict=True))),
        "lines": "".join(json.dumps(row) + "\n" for row in rows),
    }
    text = texts[data.draw(st.sampled_from(sorted(texts)))]
    encoding = data.draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16")))
    content = text.encode(encoding)
    if data.draw(st.booleans()):
        content = gzip.compress(content)
    reading = readers.read(content, data.draw(st.sampled_from(("a.json", "a.jsonl", "a.json.gz"))))
    assert reading.format.kind == "json"
    assert_equal(reading.table, names, columns)
    assert_equal(readers.read(text.encode(), "").table, names, columns)


@MANY_EXAMPLES
@given(st.data())
def test_any_parquet_file_is_read_as_written(data):
    names, columns = data.draw(tables(ANY))
    file = io.BytesIO()
    arrays = [pa.array(column) for column in columns]
    if data.draw(st.booleans()):
        arrays = [array.dictionary_encode() if array.type == pa.string() else array for array in arrays]
    pa.parquet.write_table(pa.Table.from_arrays(arrays, names), file, row_group_size=3)
    content = file.getvalue()
    reading = readers.read(gzip.compress(content) if data.draw(st.booleans()) else content, "a.parquet")
    assert reading.format.kind == "parquet"
    assert_equal(reading.table, names, columns)


@FEW_EXAMPLES
@given(st.data())
def test_any_workbook_is_read_as_written(data):
    alphabet = st.characters(exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufeff\r_=\ufffe\uffff")
    names, columns = data.draw(tables(alphabet))
    names = [name.replace("\r", "") for name in names]
    assume(len(set(names)) == len(names) and all(names) and not any(name.startswith("=") for name in names))
    columns = [[c.replace("\r", "") if isinstance(c, str) else c for c in column] for column in columns]
    # openpyxl writes 16 digits
    columns = [[float(f"{c:.15g}") if isinstance(c, float) else c for c in column] for column in columns]
    columns = [[None if isinstance(c, float) and math.isinf(c) else c for c in column] for column in columns]
    assume(any(columns[i][-1] is not None for i in range(len(columns))))
    content = workbook({"sheet": [names, *zip(*columns, strict=True)]})
    reading = readers.read(gzip.compress(content) if data.draw(st.booleans()) else content, "a.xlsx")
    assert reading.sheets == ("sheet",)
    assert reading.format.sheet == "sheet"
    assert_equal(reading.table, names, columns)


@MANY_EXAMPLES
@given(st.data())
def test_any_numpy_array_is_read_as_written(data):
    rows, width = data.draw(st.integers(2, 5)), data.draw(st.integers(1, 3))
    kind = data.draw(st.sampled_from(("<f8", ">f8", "<f4", "<i8", ">i2", "u1", "f2")))
    array = np.array(data.draw(st.lists(st.integers(0, 100), min_size=rows * width, max_size=rows * width))).astype(kind)
    array = np.asarray(array.reshape(rows, width), order=data.draw(st.sampled_from("CF")))
    if width == 1 and data.draw(st.booleans()):
        array = array[:, 0]
    reading = readers.read(saved(array), "a.npy")
    np.testing.assert_array_equal(reading.table.to_numpy(), array.reshape(rows, -1))
    assert list(reading.table.columns) == [f"column {i + 1}" for i in range(width)]
    assert not reading.format.header


def saved(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def workbook(sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    book.close()
    return file.getvalue()


def parquet(table):
    file = io.BytesIO()
    pa.parquet.write_table(table, file)
    return file.getvalue()


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def read(text, **changes):
    """Reads a text, with a given format if `changes` are given."""
    content = text.encode()
    if not changes:
        return readers.read(content, "table.csv")
    return readers.read(content, "table.csv", Format("text", **{"encoding": "utf-8", "separator": ",", **changes}))


# Format of a text


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2\n3,4\n", ","),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("1,5;2,5\n3,1;4,2\n", ";"),
        ("a\tb\n1,5\tx y\n3,5\tz, w\n", "\t"),
        ("a | b\n1 | 2\n3 | 4\n", "|"),
        ("a, b\n1, 2\n3, 4\n", ","),
        ('x, y\n1, "a, b"\n2, c\n', ","),
        ("  a   b\n  1   2\n 10  20\n", " "),
        ("a \t b\n1\t \t2\n3 4\n", " "),
        ("x\n1\n2\n", ""),
        ("x\n1,5\n2,7\n", ""),
        ("comment\nhello, world\nbye\nyes, no\n", ""),
        ("name\nJohn Smith\nJane Doe\n", ""),
        ("city,note\nA,x; y\nB,z; w\n", ","),
        ("a,b,c\n1,2\n3,4,5\n1,2,3\n", ","),
        ("name;notes\nx;a, b\ny;c, d\n", ";"),
        ("date,time\n2020-01-01 10:00:00,1\n2020-01-02 10:00:00,2\n", ","),
        ('a,b\n"1,5","2,5"\n"3,5","4,5"\n', ","),
    ],
)
def test_the_separator_is_detected(text, separator):
    assert readers.detect(text.encode(), "a.csv").separator == separator


@pytest.mark.parametrize(
    ("cells", "separator", "notation"),
    [
        (["1,5", "2,25"], ";", (",", "")),
        (["1.5", "2.25"], ";", (".", "")),
        (["1,234", "2,345"], ";", (",", "")),
        (["1,234", "2,345"], "\t", (".", ",")),
        (["1,234", "0,345"], "\t", (",", "")),
        (["1,234", "12"], ";", (".", ",")),
        (["1,234", "1200"], "\t", (",", "")),
        (["1,234", "12.5"], ";", (".", ",")),
        (["1,234,567", "2,345"], ";", (".", ",")),
        (["1.234", "2.345"], ";", (".", "")),
        (["1.234.567", "2.345"], ";", (",", ".")),
        (["1.234,5", "2"], ";", (",", ".")),
        (["1 234,5", "2"], ";", (",", " ")),
        (["1\u202f234", "2"], ";", (".", " ")),
        (["1'234.5", "2"], ";", (".", "'")),
        (["1234567", "2"], ";", (".", "")),
    ],
)
def test_decimal_and_thousands_separators_are_detected_from_all_cells(cells, separator, notation):
    text = "".join(f"{a}{separator}x\n" for a in ("a", *cells))
    format = readers.detect(text.encode(), "a.csv")
    assert (format.decimal, format.thousands) == notation
    assert pd.api.types.is_numeric_dtype(readers.read(text.encode(), "a.csv").table["a"])


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2\n3,4\n", True),
        ("1,2\n3,4\n", False),
        ("a,b\nc,d\ne,f\n", True),
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", False),
        ("1,x\n2,y\n", False),
        ("7,8,x\n1,2,x\n", False),
        ("country,2019,2020\nA,1,2\nB,3,4\n", True),
        (",0,1\n0,1.5,2.5\n1,3.5,4.5\n", True),
        ("2020-01-01,5\n2020-01-02,6\n", False),
        ("1e5\n2e5\n", False),
        ("-1;-2\n3;4\n", False),
        ("inf,2\nNA,4\n", False),
        ("a,inf\n1,2\n3,4\n", True),
    ],
)
def test_a_header_is_detected(text, header):
    assert readers.detect(text.encode(), "a.csv").header == header


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_without_a_byte_order_mark_is_read(order):
    reading = readers.read("größe,b\n1,2\n3,4\n".encode(f"utf-16-{order}"), "a.csv")
    assert reading.format.encoding == "utf-16"
    assert_equal(reading.table, ["größe", "b"], [[1, 3], [2, 4]])


def test_the_euro_sign_of_windows_1252_is_read():
    reading = readers.read("preis;€\n1,5;x\n2;ß\n".encode("cp1252"), "a.csv")
    assert reading.format.encoding == "latin-1"
    assert list(reading.table) == ["preis", "€"]


def test_a_line_that_declares_the_separator_for_excel_is_used_and_skipped():
    assert_equal(read("sep=;\na;b\n1;2\n3;4\n").table, ["a", "b"], [[1, 3], [2, 4]])


def test_a_text_longer_than_the_detection_sample_is_read_completely():
    values = [i / 4 for i in range(8_000)]
    text = written_table(["a", "b"], [values, values[::-1]], ";", ",")
    assert len(text) > limits.SAMPLE_BYTES
    reading = read(text)
    assert_equal(reading.table, ["a", "b"], [values, values[::-1]])


def test_a_table_with_many_columns_is_read():
    columns = [[i + 0.5, -i - 0.5] for i in range(500)]
    names = [f"x{i}" for i in range(500)]
    assert_equal(read(written_table(names, columns, ",")).table, names, columns)


def test_pasted_text_is_read():
    assert_equal(readers.read("\ufeffa\tb\n1,5\t2\n3,5\t4".encode(), "").table, ["a", "b"], [[1.5, 3.5], [2, 4]])
    reading = readers.read(b"1;2\n3;4", "", Format("text", encoding="latin-1", separator=";", header=False))
    assert_equal(reading.table, None, [[1, 3], [2, 4]])


# Cells


def test_cells_that_are_not_numbers_are_missing_values_and_reported():
    reading = read("a,b\n" + "".join(f"{'oops' if i in (16, 30) else i},{i}\n" for i in range(120)))
    assert reading.notes == (
        "Column a: 2 of 120 cells are not numbers (first: 'oops' in row 17); they are treated as missing.",
    )
    assert list(np.flatnonzero(reading.table["a"].isna())) == [16, 30]
    assert "1 of 5 cells is not a number, 'x' in row 2; it is treated as missing" in read("a\n1\nx\n2\n3\n4\n").notes[1]


def test_a_column_is_numeric_from_80_percent_numbers():
    assert pd.api.types.is_numeric_dtype(read("a,b\n1,1\n2,1\n3,1\n4,1\nx,1\n").table["a"])
    reading = read("a,b\n1,1\n2,1\n3,1\ny,1\nx,1\n,1\n")
    assert list(reading.table["a"])[:5] == ["1", "2", "3", "y", "x"]
    assert reading.notes == ("Column a is text, because only 3 of its 5 cells are numbers.",)


MARKS = ["", "NA", "N/A", "NaN", "nan", "null", "None", "-", "?", ".", " NA ", '""', "#DIV/0!", "#N/A", "#NA", "#VALUE!"]
MARKS += ["1.#QNAN", "NaT", "none", "Null", "n.a.", "--", "–", r"\N", "(null)", "..", "*"]


@pytest.mark.parametrize("mark", MARKS)
def test_markers_of_missing_values_are_recognized(mark):
    reading = read(f"a,b\n1.5,x\n{mark},{mark}\n2.5,y\n")
    assert_equal(reading.table, ["a", "b"], [[1.5, None, 2.5], ["x", None, "y"]])
    assert reading.notes == ()


@pytest.mark.parametrize("decimal", [".", ","])
def test_infinities_are_kept(decimal):
    reading = read("a;b\ninf;1\n-Infinity;2\n+INF;3\n", separator=";", decimal=decimal)
    assert list(reading.table["a"]) == [math.inf, -math.inf, math.inf]


def test_numbers_are_read_in_every_common_notation():
    reading = read("a,b\n+1,1\n .5 ,2\n1.,3\n-1E+3,4\n\u22122,5\n")
    assert_equal(reading.table, ["a", "b"], [[1, 0.5, 1, -1000, -2], [1, 2, 3, 4, 5]])


@pytest.mark.parametrize("cell", ["1_000", "0x1A", "1d5", "1,5", "1e", "e5", "--1", "1 2"])
def test_other_cells_remain_text(cell):
    assert list(read(f'a;b\n"{cell}";1\n"{cell}";2\n', separator=";").table["a"]) == [cell, cell]


def test_identifiers_with_leading_zeros_remain_text():
    reading = read("zip,b\n00123,1\n04567,2\n12345,3\n")
    assert list(reading.table["zip"]) == ["00123", "04567", "12345"]
    assert "leading zeros" in reading.notes[0]
    assert list(read("zip,b\n01234,1\n10115,2\n80331,3\n").table["zip"]) == ["01234", "10115", "80331"]
    assert list(read("minute,b\n05,1\n10,2\n20,3\n").table["minute"]) == [5, 10, 20]
    assert list(read("a,b\n0.123,1\n0.456,2\n").table["a"]) == [0.123, 0.456]


def test_long_whole_numbers_are_never_rounded():
    large = 2**53 + 1
    assert list(read(f"a,b\n{large},1\n2,2\n").table["a"]) == [large, 2]
    gap = read(f"a,b\n{large},1\n,2\n")
    assert gap.table["a"][0] == str(large)
    assert "too long" in gap.notes[0]
    assert list(read(f"a,b\n{10**20 + 1},1\n{10**20},2\n").table["a"]) == [str(10**20 + 1), str(10**20)]
    for content, name in [
        (json.dumps([{"a": large}, {"a": None}]).encode(), "a.json"),
        (json.dumps([{"a": 10**20 + 1}, {"a": 1}]).encode(), "a.json"),
        (parquet(pa.table({"a": [large, None]})), "a.parquet"),
    ]:
        reading = readers.read(content, name)
        assert reading.table["a"][0] in (str(large), str(10**20 + 1))
        assert "too long" in reading.notes[0]


def test_iso_dates_are_dates_and_impossible_dates_remain_text():
    reading = read("a,b,c\n2021-01-31,x,2021-02-30\n2021-02-01 10:30:00.5,y,2021-01-01\n,x,2021-01-01\n")
    assert pd.api.types.is_datetime64_any_dtype(reading.table["a"])
    assert reading.table["a"][1] == pd.Timestamp("2021-02-01 10:30:00.5")
    assert reading.table["a"].isna()[2]
    assert reading.table["c"][0] == "2021-02-30"


def test_booleans_are_not_numbers():
    assert list(read("a,b\ntrue,1\nfalse,2\n").table["a"]) == ["true", "false"]
    table = readers.read(b'[{"a": true, "b": null}, {"a": false, "b": true}]', "a.json").table
    assert table["a"].dtype == bool
    assert list(table["b"]) == [None, True]


def test_an_empty_column_is_numeric_with_missing_values():
    reading = read("a,b\n1,\n2,NA\n")
    assert reading.table["b"].isna().all()
    assert reading.notes == ("Column b has no values.",)


# Names


def test_column_names_become_unique_and_changes_are_reported():
    reading = read("a,a (2),a,,column 4, x \n1,2,3,4,5,6\n1,2,3,4,5,6\n")
    assert list(reading.table) == ["a", "a (2)", "a (3)", "column 4 (2)", "column 4", "x"]
    assert reading.notes == (
        "Several columns are named a: column 3 was renamed a (3).",
        "Column 4 has no name and was named column 4 (2).",
    )


def test_names_with_html_or_markdown_are_unchanged():
    names = ["<script>alert(1)</script>", "**a**", "$x^2$", "[x](y)"]
    assert list(read(",".join(names) + "\n1,2,3,4\n1,2,3,4\n").table) == names


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "", "column 2", "column 2 (2)", " a "]), min_size=1, max_size=8))
@MANY_EXAMPLES
def test_names_become_unique_and_given_names_are_kept(names):
    unique, _ = unique_names(names)
    assert len(set(unique)) == len(unique) == len(names)
    assert all(unique)
    assert {name.strip() for name in names} - {""} <= set(unique)


def test_many_notes_are_summarized():
    reading = read(",".join(["a"] * 100) + "\n" + ("1," * 99 + "1\n") * 2)
    assert len(reading.notes) == limits.MAX_NOTES + 1
    assert "The same applies to 87 more columns." in reading.notes[-1]


# Rows


def test_short_rows_are_filled_with_missing_values_and_reported():
    reading = read("a,b,c\n1,2\n3,4,5\n\n6\n")
    assert_equal(reading.table, ["a", "b", "c"], [[1, 3, 6], [2, 4, None], [None, 5, None]])
    assert reading.notes == ("2 rows have too few cells; the rest is treated as missing.",)


def test_up_to_1_percent_of_rows_with_too_many_cells_are_dropped_and_reported():
    rows = ["1,2"] * 99
    reading = read("\n".join(["a,b", *rows, "1,2,3"]))
    assert len(reading.table) == 99
    assert reading.notes == ("1 row has too many cells and was dropped (first: line 101).",)
    with pytest.raises(ValueError, match="Line 100 has 3 cells instead of 2"):
        read("\n".join(["a,b", *rows[:98], "1,2,3"]))


def test_line_numbers_count_line_breaks_in_cells():
    with pytest.raises(ValueError, match="Line 4 has 3 cells"):
        read('a,b\n"x\ny",2\n1,2,3\n')


def test_separators_at_the_ends_of_lines_are_ignored():
    assert_equal(read("a,b\n1,2,\n3,4,\n").table, ["a", "b"], [[1, 3], [2, 4]])


def test_a_header_from_r_has_no_name_for_the_first_column():
    assert_equal(read("a b\nr1 1 2\nr2 3 4\n").table, ["column 1", "a", "b"], [["r1", "r2"], [1, 3], [2, 4]])


def test_blank_lines_are_ignored():
    assert_equal(read("\n\na,b\n\n1,2\n   \n3,4\n\n\n").table, ["a", "b"], [[1, 3], [2, 4]])


def test_a_single_column_is_read_and_reported():
    reading = read("a\n1\n2\n")
    assert_equal(reading.table, ["a"], [[1, 2]])
    assert reading.notes == ("Only one column was detected; if there are more, choose another separator.",)


def test_an_odd_number_of_quotation_marks_inside_cells_is_accepted():
    assert_equal(read('a,b\n5"3,1\nx,2\n').table, ["a", "b"], [['5"3', "x"], [1, 2]])


def test_quoted_texts_separated_by_spaces_are_one_cell_each():
    reading = read('name  x\n"a  b"  1\n"c\nd" 2 \nx"y  3\n')
    assert_equal(reading.table, ["name", "x"], [["a  b", "c\nd", 'x"y'], [1, 2, 3]])


# Workbooks, Parquet, JSON and arrays


def test_the_first_non_empty_sheet_is_read_and_another_can_be_chosen():
    content = workbook({"empty": [], "one": [["a", "b"], [1, 2], [3, 4]], "two": [[5, 6.5], [7, 8.5]]})
    reading = readers.read(content, "a.xlsx")
    assert reading.format == readers.detect(content, "a.xlsx") == Format("workbook", sheet="one")
    assert reading.sheets == ("empty", "one", "two")
    assert_equal(reading.table, ["a", "b"], [[1, 3], [2, 4]])
    second = readers.read(content, "a.xlsx", Format("workbook", header=False, sheet="two"))
    assert_equal(second.table, None, [[5, 7], [6.5, 8.5]])
    other = readers.read(content, "a.xlsx", Format("workbook", header=None, sheet="two"))
    assert (other.format.header, other.format.sheet) == (0, "two")
    assert_equal(other.table, None, [[5, 7], [6.5, 8.5]])
    with pytest.raises(ValueError, match="no sheet named three"):
        readers.read(content, "a.xlsx", Format("workbook", sheet="three"))
    with pytest.raises(ValueError, match="The sheet empty is empty"):
        readers.read(content, "a.xlsx", Format("workbook", sheet="empty"))
    with pytest.raises(ValueError, match="This workbook is empty"):
        readers.read(workbook({"a": [], "b": [[None, None]]}), "a.xlsx")


def test_a_table_in_the_middle_of_a_sheet_is_found_and_its_cells_are_converted():
    day = datetime.datetime(2024, 5, 1, 12)
    content = workbook(
        {"s": [[], [None, "a", None, "t", 2020], [], [None, 1, None, day, "1.5"], [None, None, None, day, 2], [None, 3]]}
    )
    table = readers.read(content, "a.xlsx").table
    assert list(table) == ["a", "t", "2020"]
    assert pd.api.types.is_datetime64_any_dtype(table["t"])
    np.testing.assert_array_equal(table["a"], [np.nan, 1, np.nan, 3])
    np.testing.assert_array_equal(table["2020"], [np.nan, 1.5, 2, np.nan])


def test_an_index_in_a_parquet_file_becomes_columns():
    frame = pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None]))
    file = io.BytesIO()
    frame.to_parquet(file)
    assert_equal(readers.read(file.getvalue(), "a.parquet").table, ["v", "k", "index"], [[1, 2], ["a", "b"], [1, 2]])


def test_each_type_of_parquet_column_is_converted():
    table = pa.table(
        {
            "decimal": pa.array([1.5, None]).cast(pa.decimal128(10, 2)),
            "day": pa.array([datetime.date(2024, 1, 1), None]),
            "zone": pa.array([datetime.datetime(2024, 1, 1), None], pa.timestamp("us", "UTC")),
            "clock": pa.array([datetime.time(10), None]),
            "half": pa.array(np.array([1.5, 2.5], dtype=np.float16)),
            "none": pa.nulls(2),
            "bool": [True, None],
            "large": pa.array(["x", "y"], pa.large_string()),
        }
    )
    read = readers.read(parquet(table), "a.parquet").table
    np.testing.assert_array_equal(read["decimal"], [1.5, np.nan])
    assert pd.api.types.is_datetime64_any_dtype(read["day"])
    assert pd.api.types.is_datetime64_any_dtype(read["zone"])
    np.testing.assert_array_equal(read["clock"], [10, np.nan])
    assert list(read["half"]) == [1.5, 2.5]
    assert read["none"].isna().all()
    assert not pd.api.types.is_numeric_dtype(read["bool"])
    assert list(read["large"]) == ["x", "y"]


def test_json_rows_may_omit_values_and_contain_numbers_as_text():
    reading = readers.read(b'[{"a": 1, "b": "1,5"}, {"b": "2,5", "c": "x"}]', "a.json")
    assert_equal(reading.table, ["a", "b", "c"], [[1, None], [1.5, 2.5], [None, "x"]])
    assert reading.format.decimal == ","


# Kind of a file


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet", "a.npy", "a.feather", "a.doc", "a", "", "a.csv.gz"])
def test_text_is_read_as_text_with_any_extension(name):
    reading = readers.read(b"a,b\n1,2\n3,4\n", name)
    assert_equal(reading.table, ["a", "b"], [[1, 3], [2, 4]])
    assert any("was read as such" in note for note in reading.notes) == (name in ("a.xlsx", "a.parquet", "a.npy", "a.feather"))


def test_other_files_are_read_as_their_kind_with_any_extension():
    for content, kind in [
        (workbook({"s": [["a"], [1], [2]]}), "workbook"),
        (parquet(pa.table({"a": [1, 2]})), "parquet"),
        (b'[{"a": 1}, {"a": 2}]', "json"),
    ]:
        reading = readers.read(content, "a.txt")
        assert reading.format.kind == kind
        assert "The file extension is .txt, but the file is" in reading.notes[0]
        assert_equal(reading.table, ["a"], [[1, 2]])


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.parquet", "a.npy", "a.json"])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "an image"),
        (b"\xff\xd8\xff\xe0", "an image"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "damaged or not a workbook"),
        (b"\n<!DOCTYPE html><table>", "a web page"),
        (b"<html>", "a web page"),
        (zipped({"content.xml": b"x", "mimetype": b"x"}), "damaged or not a workbook"),
        (b"RDX3\nX", "an R data file"),
        (b"$FL2@(#)", "an SPSS, Stata or SAS file"),
        (b"BZh91AY", "a bzip2 archive"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (zipped({"a": b"b"})[:-30], "damaged"),
    ],
)
def test_unsupported_files_are_rejected_with_their_kind(content, what, name):
    for function in (readers.detect, readers.read):
        with pytest.raises(ValueError, match=what):
            function(content, name)
        with pytest.raises(ValueError, match=what):
            function(gzip.compress(content), name)


class Payload:
    """Unpickling this creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["a.pkl", "a.pickle", "a.csv", "a.npy", "a.json", "a.xlsx", "a.parquet", "a"])
def test_a_pickle_is_never_loaded(tmp_path, name, protocol):
    created = tmp_path / "created"
    content = pickle.dumps(Payload(created), protocol)
    for disguise in (content, gzip.compress(content)):
        with pytest.raises(ValueError, match=r".") as error:
            readers.read(disguise, name)
        assert "never loaded because it could run code" in str(error.value)
    assert not created.exists()


def test_an_array_of_objects_is_never_loaded(tmp_path):
    created = tmp_path / "created"
    content = saved(np.array([Payload(created), Payload(created)], dtype=object), allow_pickle=True)
    for name in ("a.npy", "a.csv"):
        with pytest.raises(ValueError, match="contains Python objects, which are never loaded"):
            readers.read(content, name)
    assert not created.exists()


# Invalid files


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b" \n\t\r\n ", "The file is empty"),
        (b"\xef\xbb\xbf", "The file is empty"),
        (b"\xef\xbb\xbf \n", "The file is empty"),
        ("\ufeff \n".encode("utf-16-le"), "The file is empty"),
        (gzip.compress(b""), "The file is empty"),
        (b"a,b\n", "header but no rows"),
        (b"a,b", "header but no rows"),
        (b"a", "header but no rows"),
        (b"a,b\n1,2\n", "only one row; clustering needs at least two"),
        (b"1,2\n", "only one row"),
        (b"a,b\n1,2\n1,2,3\n", "Line 3 has 3 cells instead of 2"),
        (b"a,b\n1,2\n\0,3\n", "neither text nor a supported table"),
        (bytes(range(1, 32)) * 20, "neither text nor a supported table"),
        (b'a,b\n1,2\n"3,4\n5,6\n', "quotation mark in line 3 is not closed"),
        (b'a,b\n1,2\n3,"4\n', "quotation mark in line 3 is not closed"),
        (b'"a,b\n1,2\n', "quotation mark in line 1 is not closed"),
        (gzip.compress(b"a,b\n1,2\n3,4\n")[:-9], "damaged or incomplete"),
        (gzip.compress(b"a,b\n1,2\n3,4\n")[:8] + b"xxxxxxxxxxxxxx", "damaged or incomplete"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n3,4\n")), "compressed twice"),
    ],
)
def test_an_invalid_text_is_rejected_with_a_one_line_sentence(content, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        readers.read(content, "a.csv")
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'[{"a": [1]}, {"a": [1, 2]}]', "Column a contains lists or objects instead of single values"),
        (b'{"a": [1, 2], "b": [1]}', "different lengths"),
        (b'[{"a": 1}, {"a": 2}', "damaged or incomplete"),
        (b"[" * 100_000, "damaged or incomplete"),
        (b"[1, 2, 3]", "not a table"),
        (b"[]", "no rows"),
        (b"[{}, {}]", "no rows"),
        (b'{"a": []}', "no rows"),
        (b'[{"a": 1}]', "only one row"),
        (b'"text"', "not a table"),
    ],
)
def test_json_that_is_not_a_table_is_rejected(content, sentence):
    with pytest.raises(ValueError, match=sentence):
        readers.read(content, "a.json")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (saved(np.zeros((2, 2, 2))), "3 dimensions"),
        (saved(np.float64(1)), "0 dimensions"),
        (saved(np.zeros((0, 2))), "is empty"),
        (saved(np.zeros(1)), "only one row"),
        (saved(np.zeros(3, complex)), "plain numbers"),
        (saved(np.array(["a", "b"])), "plain numbers"),
        (saved(np.zeros(3, [("a", float)])), "plain numbers"),
        (saved(np.zeros((3, 3)))[:-1], "damaged"),
        (saved(np.zeros((3, 3))).replace(b"(3, 3)", b"(9, 9)"), "damaged"),
        (b"\x93NUMPY\x01\0", "damaged"),
        (b"\x93NUMPY\x01\0\x10\0__import__('os')", "damaged"),
    ],
)
def test_an_array_that_is_not_a_table_is_rejected(content, sentence):
    with pytest.raises(ValueError, match=sentence):
        readers.read(content, "a.npy")


def test_a_parquet_file_that_is_not_a_table_is_rejected():
    for table, sentence in [
        (pa.table({"a": [[1], [2]]}), "Column a contains lists"),
        (pa.table({"a": [{"b": 1}, {"b": 2}]}), "Column a contains lists"),
        (pa.table({"a": [b"x", b"y"]}), "Column a contains bytes"),
        (pa.table({"a": pa.array([], pa.float64())}), "no rows"),
        (pa.table({"a": [1]}), "only one row"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            readers.read(parquet(table), "a.parquet")
    content = parquet(pa.table({"a": list(range(1000))}))
    for damaged in (content[:-20], content[:4], content[:50] + bytes(200) + content[250:]):
        with pytest.raises(ValueError, match="damaged"):
            readers.read(damaged, "a.parquet")


def test_a_damaged_workbook_is_rejected():
    with pytest.raises(ValueError, match="damaged"):
        readers.read(zipped({"xl/workbook.xml": b"<x/>"}), "a.xlsx")
    content = workbook({"s": [["a"], [1], [2]]})
    sheet = content.index(b"xl/worksheets/sheet1.xml") + 30
    for damaged in (content[: len(content) // 2], content[:sheet] + bytes(100) + content[sheet + 100 :]):
        with pytest.raises(ValueError, match="damaged"):
            readers.read(damaged, "a.xlsx")
    with pytest.raises(ValueError, match="no rows"):
        readers.read(workbook({"s": [["a", "b"]]}), "a.xlsx")
    with pytest.raises(ValueError, match="only one row"):
        readers.read(workbook({"s": [["a", "b"], [1, 2]]}), "a.xlsx")


def test_files_that_exceed_the_limit_after_unpacking_are_rejected(monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 3 * 2**20)
    bomb = bytes(2**16) * 100
    repeated = pa.table({"a": pa.array(["x" * 2**16] * 100)})
    for content in (
        gzip.compress(bomb),
        zipped({"xl/workbook.xml": b"<x/>", "xl/sharedStrings.xml": bomb}),
        parquet(repeated),
        parquet(pa.table({"a": repeated["a"].dictionary_encode()})),
    ):
        assert len(content) < 2**18
        with pytest.raises(ValueError, match="exceeds the limit of 3 MB"):
            readers.read(content, "a.csv")


def test_too_many_cells_are_rejected(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CELLS", 8)
    for content in (
        b"a,b,c\n1,2,3\n4,5,6\n",
        workbook({"s": [["a", "b", "c"], [1, 2, 3], [4, 5, 6]]}),
        parquet(pa.table({"a": list(range(9))})),
        json.dumps([{str(i): 1} for i in range(3)]).encode(),
        saved(np.zeros((3, 3))),
    ):
        with pytest.raises(ValueError, match="exceeds the limit of 8 cells"):
            readers.read(content, "a")


def test_an_array_with_a_wrong_huge_shape_is_not_allocated():
    content = saved(np.zeros((3, 3))).replace(b"(3, 3), }" + b" " * 12, b"(999999999999, 9), }  ")
    with pytest.raises(ValueError, match="damaged"):
        readers.read(content, "a.npy")


@pytest.mark.parametrize(
    ("format", "sentence"),
    [
        (Format("workbook"), "This file is delimited text, not a workbook"),
        (Format("sql"), "Unknown kind of file sql"),
        (Format("text", decimal=",", thousands=","), "are the same"),
        (Format("text", decimal="x"), "decimal separator must be"),
        (Format("text", separator="ab"), "single character"),
        (Format("text", separator="\n"), "single character"),
        (Format("text", encoding="ebcdic"), "Unknown encoding"),
        (Format("json"), "damaged"),
    ],
)
def test_an_invalid_format_is_rejected(format, sentence):
    with pytest.raises(ValueError, match=sentence):
        readers.read(b"a,b\n1,2\n3,4\n", "a.csv", format)


def test_a_wrong_encoding_is_rejected():
    with pytest.raises(ValueError, match="not encoded in UTF-8: choose another encoding"):
        readers.read("ä,b\n1,2\n3,4\n".encode("latin-1"), "a.csv", Format("text", encoding="utf-8", separator=","))


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.xlsx", "a.json", "a.npy", "a.parquet"]), st.data())
@MANY_EXAMPLES
def test_any_bytes_are_read_or_rejected_with_a_sentence(content, name, data):
    start = data.draw(st.sampled_from([b"", b"a,b\n1,2\n", b"PK\x03\x04", b"PAR1", b"\x93NUMPY\x01\0", b"[{", b"\x1f\x8b"]))
    sentence = ""
    try:
        rows = len(readers.read(start + content, name).table)
    except ValueError as error:
        rows, sentence = 2, str(error)
    assert rows >= 2
    assert not sentence or re.fullmatch(r"[A-Z].*\.", sentence)


def test_json_that_would_take_too_much_memory_is_rejected_before_parsing(monkeypatch):
    monkeypatch.setattr(limits, "MAX_JSON_ROWS", 3)
    assert len(readers.read(b'[{"a": 1}, {"a": 2}, {"a": 3}]', "t.json").table) == 3
    with pytest.raises(ValueError, match="exceeds the limit of 50 MB or 3 rows"):
        readers.detect(b"[{}, {}, {}, {}]", "t.json")


def test_a_long_pickle_of_the_oldest_protocol_is_detected_by_its_first_opcodes():
    content = b"(" * 3_000_000 + b"."
    with pytest.raises(ValueError, match="pickle"):
        readers.detect(content, "t.csv")
