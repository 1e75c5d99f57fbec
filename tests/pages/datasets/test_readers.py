"""Any table a person brings is read as it was written, or refused in a sentence."""

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
MANY = settings(examples(120), suppress_health_check=list(HealthCheck), print_blob=False)
FEW = settings(MANY, max_examples=examples(25).max_examples)


# Writing tables


def written_number(value, decimal=".", thousands=""):
    """A number as text that stands for exactly this value."""
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
        must = any(mark and mark in text for mark in marks) or (not text and (separator == " " or len(columns) == 1))
        return '"' + text.replace('"', '""') + '"' if must else text

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


def assert_holds(table, names, columns):
    """That the table has these names and cells, with gaps in place."""
    assert list(table.columns) == (names or [f"column {i + 1}" for i in range(len(columns))])
    for i, column in enumerate(columns):
        read = table.iloc[:, i]
        if any(isinstance(value, str) for value in column):
            assert [None if gap else value for value, gap in zip(read, read.isna(), strict=True)] == column
        else:
            assert pd.api.types.is_numeric_dtype(read)
            expected = np.array([np.nan if value is None else value for value in column], dtype=float)
            np.testing.assert_array_equal(read.to_numpy(dtype=float), expected)


# Drawing tables

LATIN = st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"])
ANY = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff")


def gaps(values):
    return st.one_of(values, values, values, st.none())


integers = st.one_of(st.integers(-2000, 2000), st.integers(-(2**53), 2**53))
floats = st.one_of(st.floats(-1e6, 1e6), st.floats(allow_nan=False))
cents = st.integers(-(10**9), 10**9).filter(lambda c: c % 10).map(lambda c: c / 100)


def texts(alphabet):
    """Words that are no numbers, with all that can be hard in them."""
    hard = st.sampled_from([",", ";", "\t", "|", " ", '"', '""', "\n", "\r\n", "\r", "'", "'", "1,5", "<b>", "**x**"])
    return st.lists(st.one_of(st.text(alphabet, max_size=4), hard), max_size=4).map(lambda parts: "t" + "".join(parts))


def names_of(alphabet, count):
    name = st.one_of(st.text(alphabet, min_size=1, max_size=6), texts(alphabet)).map(str.strip).filter(bool)
    return st.lists(name.filter(lambda n: not re.match(r"[-+\u2212]?[.,]?\d", n)), min_size=count, max_size=count, unique=True)


@st.composite
def tables(draw, alphabet, fewest_columns=1, most_columns=4):
    rows = draw(st.integers(2, 6))
    kinds = draw(
        st.lists(st.sampled_from([integers, floats, texts(alphabet)]), min_size=fewest_columns, max_size=most_columns)
    )
    columns = [draw(st.lists(gaps(kind), min_size=rows, max_size=rows)) for kind in kinds]
    return draw(names_of(alphabet, len(columns))), columns


@MANY
@given(st.data())
def test_a_text_is_read_as_it_was_written_when_its_format_is_given(data):
    encoding = data.draw(st.sampled_from(ENCODINGS))
    separator = data.draw(st.sampled_from((*SEPARATORS, "")))
    decimal, thousands = data.draw(st.sampled_from(NOTATIONS))
    assume(encoding != "latin-1" or thousands not in ("\u202f", "’"))
    names, columns = data.draw(tables(LATIN if encoding == "latin-1" else ANY, most_columns=4 if separator else 1))
    names = data.draw(st.sampled_from((names, None)))
    newline = data.draw(st.sampled_from(("\n", "\r\n", "\r")))
    content = encoded(written_table(names, columns, separator, decimal, thousands, newline), encoding)
    format = format_of(encoding, separator, decimal, thousands, names is not None)
    packed = data.draw(st.booleans())
    reading = readers.read(gzip.compress(content) if packed else content, "table.txt", format)
    assert reading.format.compressed is packed
    assert_holds(reading.table, names, columns)


@st.composite
def plain_tables(draw, alphabet, thousands):
    """Tables that say how they are written: the first column has two decimals in every cell, and names are no numbers."""
    names, columns = draw(tables(alphabet, most_columns=3))
    rows = len(columns[0])
    columns = [draw(st.lists(cents, min_size=rows, max_size=rows)), *columns]
    names = draw(names_of(alphabet, len(columns)))
    # A number of three decimals is as well one of thousands.
    assume(not any(isinstance(c, float) and len(repr(c).split(".")[-1]) == 3 for column in columns for c in column))
    return names, columns


@MANY
@given(st.data())
def test_a_text_is_read_as_it_was_written_when_its_format_is_detected(data):
    encoding = data.draw(st.sampled_from(ENCODINGS))
    separator = data.draw(st.sampled_from(SEPARATORS))
    decimal, thousands = data.draw(st.sampled_from(NOTATIONS))
    assume(encoding != "latin-1" or thousands not in ("\u202f", "’"))
    names, columns = data.draw(plain_tables(LATIN if encoding == "latin-1" else ANY, thousands))
    names = data.draw(st.sampled_from((names, None)))
    words = [cell for column in columns for cell in column if isinstance(cell, str)]
    # "1,5 km" is as well two cells at the comma as two at the blank, and "1, km" too, where no name says which.
    plain = names is not None and not any(mark in name for name in names for mark in ",;")
    assume(separator != " " or plain or not (words and (decimal == "," or any(word.endswith((",", ";")) for word in words))))
    newline = data.draw(st.sampled_from(("\n", "\r\n", "\r")))
    content = encoded(written_table(names, columns, separator, decimal, thousands, newline), encoding)
    reading = readers.read(content, data.draw(st.sampled_from(("table.csv", "table.csv.gz", "table.tsv"))))
    assert reading.format == readers.detect(content, "table.csv")
    assert reading.format.separator == separator
    if encoding == "latin-1":
        assume(reading.format.encoding == "latin-1" or content.isascii())
    assert_holds(reading.table, names, columns)
    again = readers.read(content, "table.csv")
    pd.testing.assert_frame_equal(again.table, reading.table)
    assert again.notes == reading.notes


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", SEPARATORS)
def test_every_combination_of_marks_is_read_given_and_detected(separator, encoding):
    names = ["größe", "b, c; d", 'say "x"', "n"]
    columns = [[1.25, -0.5, 1234567.75, 2e-7], ["ä", "x\ny", "a b", 'q"'], [None, 1, -22333, 4], [10, 2000, 3, None]]
    newlines = itertools.cycle(("\n", "\r\n", "\r"))
    for (decimal, thousands), header in itertools.product(NOTATIONS, (True, False)):
        if encoding == "latin-1" and thousands in ("\u202f", "’"):
            continue
        shown = names if header else None
        content = encoded(written_table(shown, columns, separator, decimal, thousands, next(newlines)), encoding)
        format = format_of(encoding, separator, decimal, thousands, header)
        assert_holds(readers.read(content, "a.csv", format).table, shown, columns)
        assert readers.detect(content, "a.csv") == format
        assert_holds(readers.read(content, "a.csv").table, shown, columns)


@MANY
@given(st.data())
def test_json_is_read_as_it_was_written(data):
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
    assert_holds(reading.table, names, columns)
    assert_holds(readers.read(text.encode(), "").table, names, columns)


@MANY
@given(st.data())
def test_parquet_is_read_as_it_was_written(data):
    names, columns = data.draw(tables(ANY))
    file = io.BytesIO()
    arrays = [pa.array(column) for column in columns]
    if data.draw(st.booleans()):
        arrays = [array.dictionary_encode() if array.type == pa.string() else array for array in arrays]
    pa.parquet.write_table(pa.Table.from_arrays(arrays, names), file, row_group_size=3)
    content = file.getvalue()
    reading = readers.read(gzip.compress(content) if data.draw(st.booleans()) else content, "a.parquet")
    assert reading.format.kind == "parquet"
    assert_holds(reading.table, names, columns)


@FEW
@given(st.data())
def test_a_workbook_is_read_as_it_was_written(data):
    alphabet = st.characters(exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufeff\r_=\ufffe\uffff")
    names, columns = data.draw(tables(alphabet))
    names = [name.replace("\r", "") for name in names]
    assume(len(set(names)) == len(names) and all(names) and not any(name.startswith("=") for name in names))
    columns = [[c.replace("\r", "") if isinstance(c, str) else c for c in column] for column in columns]
    # openpyxl writes sixteen digits.
    columns = [[float(f"{c:.15g}") if isinstance(c, float) else c for c in column] for column in columns]
    columns = [[None if isinstance(c, float) and math.isinf(c) else c for c in column] for column in columns]
    assume(any(columns[i][-1] is not None for i in range(len(columns))))
    content = workbook({"sheet": [names, *zip(*columns, strict=True)]})
    reading = readers.read(gzip.compress(content) if data.draw(st.booleans()) else content, "a.xlsx")
    assert reading.sheets == ("sheet",)
    assert reading.format.sheet == "sheet"
    assert_holds(reading.table, names, columns)


@MANY
@given(st.data())
def test_a_numpy_array_is_read_as_it_was_written(data):
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
    """The reading of a text, with a given format if something about it is given."""
    content = text.encode()
    if not changes:
        return readers.read(content, "table.csv")
    return readers.read(content, "table.csv", Format("text", **{"encoding": "utf-8", "separator": ",", **changes}))


# How a text is written


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
def test_the_separator_is_found(text, separator):
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
def test_decimal_and_thousands_marks_are_told_from_all_cells(cells, separator, notation):
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
def test_a_header_is_told_from_data(text, header):
    assert readers.detect(text.encode(), "a.csv").header is header


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_without_a_mark_is_understood(order):
    reading = readers.read("größe,b\n1,2\n3,4\n".encode(f"utf-16-{order}"), "a.csv")
    assert reading.format.encoding == "utf-16"
    assert_holds(reading.table, ["größe", "b"], [[1, 3], [2, 4]])


def test_the_euro_of_windows_is_read():
    reading = readers.read("preis;€\n1,5;x\n2;ß\n".encode("cp1252"), "a.csv")
    assert reading.format.encoding == "latin-1"
    assert list(reading.table) == ["preis", "€"]


def test_the_separator_that_excel_announces_is_used_and_its_line_left_out():
    assert_holds(read("sep=;\na;b\n1;2\n3;4\n").table, ["a", "b"], [[1, 3], [2, 4]])


def test_a_text_longer_than_what_is_looked_at_is_read_to_its_end():
    values = [i / 4 for i in range(30_000)]
    reading = read(written_table(["a", "b"], [values, values[::-1]], ";", ","))
    assert_holds(reading.table, ["a", "b"], [values, values[::-1]])


def test_a_table_of_many_columns_is_read():
    columns = [[i + 0.5, -i - 0.5] for i in range(4_000)]
    names = [f"x{i}" for i in range(4_000)]
    assert_holds(read(written_table(names, columns, ",")).table, names, columns)


def test_pasted_text_is_read():
    assert_holds(readers.read("\ufeffa\tb\n1,5\t2\n3,5\t4".encode(), "").table, ["a", "b"], [[1.5, 3.5], [2, 4]])
    reading = readers.read(b"1;2\n3;4", "", Format("text", encoding="latin-1", separator=";", header=False))
    assert_holds(reading.table, None, [[1, 3], [2, 4]])


# Cells


def test_cells_that_are_not_numbers_count_as_missing_and_are_told():
    reading = read("a,b\n" + "".join(f"{'oops' if i in (16, 30) else i},{i}\n" for i in range(120)))
    assert reading.notes == (
        "Column a: 2 of 120 cells are not numbers, the first is 'oops' in row 17; they count as missing.",
    )
    assert list(np.flatnonzero(reading.table["a"].isna())) == [16, 30]
    assert "1 of 5 cells is not a number, 'x' in row 2; it counts as missing" in read("a\n1\nx\n2\n3\n4\n").notes[1]


def test_a_column_is_numbers_from_four_cells_in_five():
    assert pd.api.types.is_numeric_dtype(read("a,b\n1,1\n2,1\n3,1\n4,1\nx,1\n").table["a"])
    reading = read("a,b\n1,1\n2,1\n3,1\ny,1\nx,1\n,1\n")
    assert list(reading.table["a"])[:5] == ["1", "2", "3", "y", "x"]
    assert reading.notes == ("Column a is text, because only 3 of its 5 cells are numbers.",)


@pytest.mark.parametrize("mark", ["", "NA", "N/A", "NaN", "nan", "null", "None", "-", "?", ".", " NA ", '""'])
def test_signs_of_missing_values_are_gaps(mark):
    reading = read(f"a,b\n1.5,x\n{mark},{mark}\n2.5,y\n")
    assert_holds(reading.table, ["a", "b"], [[1.5, None, 2.5], ["x", None, "y"]])
    assert reading.notes == ()


@pytest.mark.parametrize("decimal", [".", ","])
def test_infinities_are_kept(decimal):
    reading = read("a;b\ninf;1\n-Infinity;2\n+INF;3\n", separator=";", decimal=decimal)
    assert list(reading.table["a"]) == [math.inf, -math.inf, math.inf]


def test_numbers_are_read_in_every_plain_spelling():
    reading = read("a,b\n+1,1\n .5 ,2\n1.,3\n-1E+3,4\n\u22122,5\n")
    assert_holds(reading.table, ["a", "b"], [[1, 0.5, 1, -1000, -2], [1, 2, 3, 4, 5]])


@pytest.mark.parametrize("cell", ["1_000", "0x1A", "1d5", "5 %", "$5", "١", "1,5", "1e", "e5", "--1", "1 2"])
def test_what_is_no_number_stays_text(cell):
    assert list(read(f'a;b\n"{cell}";1\n"{cell}";2\n', separator=";").table["a"]) == [cell, cell]


def test_identifiers_with_leading_zeros_stay_text():
    reading = read("zip,b\n00123,1\n04567,2\n12345,3\n")
    assert list(reading.table["zip"]) == ["00123", "04567", "12345"]
    assert "begin with zeros" in reading.notes[0]
    assert list(read("a,b\n0.123,1\n0.456,2\n").table["a"]) == [0.123, 0.456]


def test_long_whole_numbers_never_change_silently():
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


def test_iso_dates_are_dates_and_other_notations_stay_text():
    reading = read("a,b,c\n2021-01-31,01/02/2021,2021-02-30\n2021-02-01 10:30:00.5,02/02/2021,2021-01-01\n,x,2021-01-01\n")
    assert pd.api.types.is_datetime64_any_dtype(reading.table["a"])
    assert reading.table["a"][1] == pd.Timestamp("2021-02-01 10:30:00.5")
    assert reading.table["a"].isna()[2]
    assert list(reading.table["b"]) == ["01/02/2021", "02/02/2021", "x"]
    assert reading.table["c"][0] == "2021-02-30"


def test_booleans_are_no_numbers():
    assert list(read("a,b\ntrue,1\nfalse,2\n").table["a"]) == ["true", "false"]
    table = readers.read(b'[{"a": true, "b": null}, {"a": false, "b": true}]', "a.json").table
    assert table["a"].dtype == bool
    assert list(table["b"]) == [None, True]


def test_an_empty_column_is_numbers_that_are_all_missing():
    reading = read("a,b\n1,\n2,NA\n")
    assert reading.table["b"].isna().all()
    assert reading.notes == ("Column b has no values.",)


# Names


def test_names_are_made_unique_and_told():
    reading = read("a,a (2),a,,column 4, x \n1,2,3,4,5,6\n1,2,3,4,5,6\n")
    assert list(reading.table) == ["a", "a (2)", "a (3)", "column 4 (2)", "column 4", "x"]
    assert reading.notes == (
        "More than one column is called a: column 3 is now called a (3).",
        "Column 4 has no name and is called column 4 (2).",
    )


def test_names_with_html_or_markdown_stay_as_they_are():
    names = ["<script>alert(1)</script>", "**a**", "$x^2$", "[x](y)"]
    assert list(read(",".join(names) + "\n1,2,3,4\n1,2,3,4\n").table) == names


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "", "column 2", "column 2 (2)", " a "]), min_size=1, max_size=8))
@MANY
def test_names_are_always_unique_and_given_ones_are_kept(names):
    made, _ = unique_names(names)
    assert len(set(made)) == len(made) == len(names)
    assert all(made)
    assert {name.strip() for name in names} - {""} <= set(made)


def test_many_notes_are_summed_up():
    reading = read(",".join(["a"] * 100) + "\n" + ("1," * 99 + "1\n") * 2)
    assert len(reading.notes) == limits.MAX_NOTES + 1
    assert "The same holds for 87 more columns." in reading.notes[-1]


# Rows


def test_cells_that_lack_are_missing_and_told():
    reading = read("a,b,c\n1,2\n3,4,5\n\n6\n")
    assert_holds(reading.table, ["a", "b", "c"], [[1, 3, 6], [2, 4, None], [None, 5, None]])
    assert reading.notes == ("2 rows have too few cells; those that lack count as missing.",)


def test_one_row_in_a_hundred_with_too_many_cells_is_left_out_and_told():
    rows = ["1,2"] * 99
    reading = read("\n".join(["a,b", *rows, "1,2,3"]))
    assert len(reading.table) == 99
    assert reading.notes == ("1 row has too many cells and is left out, the first in line 101.",)
    with pytest.raises(ValueError, match="Line 100 has 3 cells where 2 are expected"):
        read("\n".join(["a,b", *rows[:98], "1,2,3"]))


def test_the_line_of_a_row_is_counted_with_the_line_breaks_in_cells():
    with pytest.raises(ValueError, match="Line 4 has 3 cells"):
        read('a,b\n"x\ny",2\n1,2,3\n')


def test_separators_at_the_ends_of_lines_do_not_matter():
    assert_holds(read("a,b\n1,2,\n3,4,\n").table, ["a", "b"], [[1, 3], [2, 4]])


def test_the_header_of_r_lacks_the_name_of_the_first_column():
    assert_holds(read("a b\nr1 1 2\nr2 3 4\n").table, ["column 1", "a", "b"], [["r1", "r2"], [1, 3], [2, 4]])


def test_blank_lines_are_no_rows():
    assert_holds(read("\n\na,b\n\n1,2\n   \n3,4\n\n\n").table, ["a", "b"], [[1, 3], [2, 4]])


def test_a_single_column_is_read_and_told():
    reading = read("a\n1\n2\n")
    assert_holds(reading.table, ["a"], [[1, 2]])
    assert reading.notes == ("Only one column was found: if there are more, choose another separator.",)


def test_an_odd_number_of_quotation_marks_inside_cells_does_not_matter():
    assert_holds(read('a,b\n5"3,1\nx,2\n').table, ["a", "b"], [['5"3', "x"], [1, 2]])


def test_quoted_texts_beside_blanks_are_one_cell():
    reading = read('name  x\n"a  b"  1\n"c\nd" 2 \nx"y  3\n')
    assert_holds(reading.table, ["name", "x"], [["a  b", "c\nd", 'x"y'], [1, 2, 3]])


# Workbooks, Parquet, JSON and arrays


def test_the_first_sheet_that_is_not_empty_is_read_and_another_can_be_chosen():
    content = workbook({"empty": [], "one": [["a", "b"], [1, 2], [3, 4]], "two": [[5, 6.5], [7, 8.5]]})
    reading = readers.read(content, "a.xlsx")
    assert reading.format == readers.detect(content, "a.xlsx") == Format("xlsx", sheet="one")
    assert reading.sheets == ("empty", "one", "two")
    assert_holds(reading.table, ["a", "b"], [[1, 3], [2, 4]])
    assert_holds(readers.read(content, "a.xlsx", Format("xlsx", header=False, sheet="two")).table, None, [[5, 7], [6.5, 8.5]])
    with pytest.raises(ValueError, match="no sheet called three"):
        readers.read(content, "a.xlsx", Format("xlsx", sheet="three"))
    with pytest.raises(ValueError, match="The sheet empty is empty"):
        readers.read(content, "a.xlsx", Format("xlsx", sheet="empty"))
    with pytest.raises(ValueError, match="This workbook is empty"):
        readers.read(workbook({"a": [], "b": [[None, None]]}), "a.xlsx")


def test_a_table_in_the_middle_of_a_sheet_is_found_and_its_cells_are_understood():
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
    assert_holds(readers.read(file.getvalue(), "a.parquet").table, ["v", "k", "index"], [[1, 2], ["a", "b"], [1, 2]])


def test_the_types_of_parquet_are_understood():
    table = pa.table(
        {
            "decimal": pa.array([1.5, None]).cast(pa.decimal128(10, 2)),
            "day": pa.array([datetime.date(2024, 1, 1), None]),
            "zone": pa.array([datetime.datetime(2024, 1, 1), None], pa.timestamp("us", "UTC")),
            "clock": pa.array([datetime.time(10), None]),
            "half": pa.array([1.5, 2.5], pa.float16()),
            "none": pa.nulls(2),
            "bool": [True, None],
            "large": pa.array(["x", "y"], pa.large_string()),
        }
    )
    read = readers.read(parquet(table), "a.parquet").table
    np.testing.assert_array_equal(read["decimal"], [1.5, np.nan])
    assert pd.api.types.is_datetime64_any_dtype(read["day"])
    assert pd.api.types.is_datetime64_any_dtype(read["zone"])
    assert list(read["clock"]) == ["10:00:00", None]
    assert list(read["half"]) == [1.5, 2.5]
    assert read["none"].isna().all()
    assert not pd.api.types.is_numeric_dtype(read["bool"])
    assert list(read["large"]) == ["x", "y"]


def test_json_rows_may_lack_values_and_hold_numbers_as_text():
    reading = readers.read(b'[{"a": 1, "b": "1,5"}, {"b": "2,5", "c": "x"}]', "a.json")
    assert_holds(reading.table, ["a", "b", "c"], [[1, None], [1.5, 2.5], [None, "x"]])
    assert reading.format.decimal == ","


# What a file is


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet", "a.npy", "a.xls", "a.doc", "a", "", "a.csv.gz"])
def test_a_text_is_read_as_text_whatever_its_name(name):
    reading = readers.read(b"a,b\n1,2\n3,4\n", name)
    assert_holds(reading.table, ["a", "b"], [[1, 3], [2, 4]])
    assert any("is read as that" in note for note in reading.notes) == (name in ("a.xlsx", "a.parquet", "a.npy"))


def test_other_tables_are_read_as_what_they_are_whatever_their_name():
    for content, kind in [
        (workbook({"s": [["a"], [1], [2]]}), "xlsx"),
        (parquet(pa.table({"a": [1, 2]})), "parquet"),
        (b'[{"a": 1}, {"a": 2}]', "json"),
    ]:
        reading = readers.read(content, "a.txt")
        assert reading.format.kind == kind
        assert "The name ends in .txt, but the file is" in reading.notes[0]
        assert_holds(reading.table, ["a"], [[1, 2]])


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.parquet", "a.npy", "a.json"])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "a picture"),
        (b"\xff\xd8\xff\xe0", "a picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "Excel file of the old kind"),
        (b"\n<!DOCTYPE html><table>", "a web page"),
        (b"<html>", "a web page"),
        (zipped({"content.xml": b"x", "mimetype": b"x"}), "an OpenDocument file"),
        (zipped({"a.csv": b"a,b"}), "a zip archive"),
        (zipped({"a.npy": b""}), "archive of NumPy arrays"),
        (b"BZh91AY", "a bzip2 archive"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (zipped({"a": b"b"})[:-30], "damaged"),
    ],
)
def test_files_of_other_kinds_are_refused_by_what_they_are(content, what, name):
    for refuse in (readers.detect, readers.read):
        with pytest.raises(ValueError, match=what):
            refuse(content, name)
        with pytest.raises(ValueError, match=what):
            refuse(gzip.compress(content), name)


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
        with pytest.raises(ValueError, match=r".") as refusal:
            readers.read(disguise, name)
        assert "never opened because it could run a program" in str(refusal.value)
    assert not created.exists()


def test_an_array_of_objects_is_never_loaded(tmp_path):
    created = tmp_path / "created"
    content = saved(np.array([Payload(created), Payload(created)], dtype=object), allow_pickle=True)
    for name in ("a.npy", "a.csv"):
        with pytest.raises(ValueError, match="holds Python objects, which are never opened"):
            readers.read(content, name)
    assert not created.exists()


# Bad input


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "nothing in it"),
        (b" \n\t\r\n ", "nothing in it"),
        (b"\xef\xbb\xbf", "nothing in it"),
        (b"\xef\xbb\xbf \n", "nothing in it"),
        ("\ufeff \n".encode("utf-16-le"), "nothing in it"),
        (gzip.compress(b""), "nothing in it"),
        (b"a,b\n", "header but no rows"),
        (b"a,b", "header but no rows"),
        (b"a", "header but no rows"),
        (b"a,b\n1,2\n", "only one row: to find groups, at least two are needed"),
        (b"1,2\n", "only one row"),
        (b"a,b\n1,2\n1,2,3\n", "Line 3 has 3 cells where 2 are expected"),
        (b"a,b\n1,2\n\0,3\n", "not text"),
        (bytes(range(1, 32)) * 20, "not text"),
        (b'a,b\n1,2\n"3,4\n5,6\n', "quotation mark in line 3 is never closed"),
        (b'a,b\n1,2\n3,"4\n', "quotation mark in line 3 is never closed"),
        (b'"a,b\n1,2\n', "quotation mark in line 1 is never closed"),
        (gzip.compress(b"a,b\n1,2\n3,4\n")[:-9], "damaged or cut short"),
        (gzip.compress(b"a,b\n1,2\n3,4\n")[:8] + b"xxxxxxxxxxxxxx", "damaged or cut short"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n3,4\n")), "compressed twice"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused_in_a_sentence(content, sentence):
    with pytest.raises(ValueError, match=sentence) as refusal:
        readers.read(content, "a.csv")
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'[{"a": 1}, {"a": {"b": 2}}]', "Column a holds lists or objects"),
        (b'{"a": [1, 2], "b": [[1], [2]]}', "Column b holds lists or objects"),
        (b'{"a": [1, 2], "b": [1]}', "different lengths"),
        (b'[{"a": 1}, {"a": 2}', "damaged or cut short"),
        (b"[" * 100_000, "damaged or cut short"),
        (b"[1, 2, 3]", "not a table"),
        (b"[]", "no rows"),
        (b"[{}, {}]", "no rows"),
        (b'{"a": []}', "no rows"),
        (b'[{"a": 1}]', "only one row"),
        (b'"text"', "not a table"),
    ],
)
def test_json_that_is_no_table_is_refused_in_a_sentence(content, sentence):
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
def test_an_array_that_is_no_table_is_refused_in_a_sentence(content, sentence):
    with pytest.raises(ValueError, match=sentence):
        readers.read(content, "a.npy")


def test_parquet_that_is_no_table_is_refused_in_a_sentence():
    for table, sentence in [
        (pa.table({"a": [[1], [2]]}), "Column a holds lists"),
        (pa.table({"a": [{"b": 1}, {"b": 2}]}), "Column a holds lists"),
        (pa.table({"a": [b"x", b"y"]}), "Column a holds bytes"),
        (pa.table({"a": pa.array([], pa.float64())}), "no rows"),
        (pa.table({"a": [1]}), "only one row"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            readers.read(parquet(table), "a.parquet")
    content = parquet(pa.table({"a": list(range(1000))}))
    for broken in (content[:-20], content[:4], content[:50] + bytes(200) + content[250:]):
        with pytest.raises(ValueError, match="damaged"):
            readers.read(broken, "a.parquet")


def test_a_broken_workbook_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="damaged"):
        readers.read(zipped({"xl/workbook.xml": b"<x/>"}), "a.xlsx")
    content = workbook({"s": [["a"], [1], [2]]})
    for broken in (content[: len(content) // 2], content[:200] + bytes(300) + content[500:]):
        with pytest.raises(ValueError, match="damaged"):
            readers.read(broken, "a.xlsx")
    with pytest.raises(ValueError, match="no rows"):
        readers.read(workbook({"s": [["a", "b"]]}), "a.xlsx")
    with pytest.raises(ValueError, match="only one row"):
        readers.read(workbook({"s": [["a", "b"], [1, 2]]}), "a.xlsx")


def test_what_unpacks_to_more_than_the_limit_is_stopped(monkeypatch):
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
        with pytest.raises(ValueError, match="larger than the limit of 3 MB"):
            readers.read(content, "a.csv")


def test_too_many_cells_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CELLS", 8)
    for content in (
        b"a,b,c\n1,2,3\n4,5,6\n",
        workbook({"s": [["a", "b", "c"], [1, 2, 3], [4, 5, 6]]}),
        parquet(pa.table({"a": list(range(9))})),
        json.dumps([{str(i): 1} for i in range(3)]).encode(),
        saved(np.zeros((3, 3))),
    ):
        with pytest.raises(ValueError, match="more than the limit of 8 cells"):
            readers.read(content, "a")


def test_an_array_that_claims_to_be_huge_is_not_given_room():
    content = saved(np.zeros((3, 3))).replace(b"(3, 3), }" + b" " * 12, b"(999999999999, 9), }  ")
    with pytest.raises(ValueError, match="damaged"):
        readers.read(content, "a.npy")


@pytest.mark.parametrize(
    ("format", "sentence"),
    [
        (Format("xlsx"), "This file is delimited text, not an Excel workbook"),
        (Format("sql"), "no kind of file called sql"),
        (Format("text", decimal=",", thousands=","), "are the same"),
        (Format("text", decimal="x"), "decimal mark is"),
        (Format("text", separator="ab"), "single character"),
        (Format("text", separator="\n"), "single character"),
        (Format("text", encoding="ebcdic"), "encoding is not known"),
        (Format("json"), "damaged"),
    ],
)
def test_a_format_that_does_not_fit_is_refused_in_a_sentence(format, sentence):
    with pytest.raises(ValueError, match=sentence):
        readers.read(b"a,b\n1,2\n3,4\n", "a.csv", format)


def test_a_wrong_encoding_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="not written in utf-8: choose another encoding"):
        readers.read("ä,b\n1,2\n3,4\n".encode("latin-1"), "a.csv", Format("text", encoding="utf-8", separator=","))


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.xlsx", "a.json", "a.npy", "a.parquet"]), st.data())
@MANY
def test_any_bytes_are_read_or_refused_in_a_sentence(content, name, data):
    start = data.draw(st.sampled_from([b"", b"a,b\n1,2\n", b"PK\x03\x04", b"PAR1", b"\x93NUMPY\x01\0", b"[{", b"\x1f\x8b"]))
    sentence = ""
    try:
        rows = len(readers.read(start + content, name).table)
    except ValueError as refusal:
        rows, sentence = 2, str(refusal)
    assert rows >= 2
    assert not sentence or re.fullmatch(r"[A-Z].*\.", sentence)


def test_json_that_would_take_too_much_memory_is_refused_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(limits, "MAX_JSON_OBJECTS", 3)
    assert len(readers.read(b'[{"a": 1}, {"a": 2}, {"a": 3}]', "t.json").table) == 3
    with pytest.raises(ValueError, match="JSON is read up to 50 MB and 3 rows"):
        readers.detect(b"[{}, {}, {}, {}]", "t.json")


def test_a_long_pickle_of_the_oldest_protocol_is_known_by_its_beginning():
    content = b"(" * 3_000_000 + b"."
    with pytest.raises(ValueError, match="pickle"):
        readers.detect(content, "t.csv")
