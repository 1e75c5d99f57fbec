"""Tables that pandas, R, and Excel in several countries write are read back."""

import csv
import datetime
import io
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages.datasets import readers
from tests.core.tables import examples
from tests.pages.datasets.test_readers import workbook

EXAMPLES = settings(examples(100), suppress_health_check=list(HealthCheck), print_blob=False)
WORDS = ["red", "green", "dark blue", "été", "O'Neil", "x, y", 'say "no"', "5th Ave", "a;b", "_"]


def values(rows):
    """Strategy for numbers with two decimals, not all of them whole, or whole numbers, each possibly missing."""
    cents = st.integers(-(10**8), 10**8).filter(lambda value: value % 100).map(lambda value: value / 100)
    whole = st.integers(-(10**6), 10**6).map(float)
    lists = [st.lists(st.one_of(kind, kind, kind, st.none()), min_size=rows, max_size=rows) for kind in (cents, whole)]
    return st.one_of(lists).map(lambda column: [1.25, *column, 0.5])


def dates(rows):
    """Strategy for dates, at least one of them after the 12th day of the month."""
    days = st.dates(datetime.date(1970, 1, 1), datetime.date(2060, 1, 1))
    return st.lists(days, min_size=rows, max_size=rows).map(lambda column: [datetime.date(2001, 1, 31), *column, column[0]])


def words(rows):
    return st.lists(st.sampled_from(WORDS), min_size=rows, max_size=rows).map(lambda column: ["red", *column, "green"])


@st.composite
def frames(draw, with_dates=True):
    """Tables with two or more columns of numbers, then words and dates."""
    rows = draw(st.integers(3, 6))
    numbers = draw(st.lists(values(rows), min_size=2, max_size=4))
    names = draw(
        st.sampled_from(
            [["length", "width", "Höhe", "z 1"], ["1", "2", "3", "4"], ["0", "1", "2", "3"], ["1990", "2000", "2010", "2020"]]
        )
    )
    frame = pd.DataFrame(dict(zip(names, numbers, strict=False)))
    if names[0] == "length":
        if draw(st.booleans()):
            frame["words"] = draw(words(rows))
        if with_dates and draw(st.booleans()):
            frame["day"] = pd.to_datetime(pd.Series(draw(dates(rows))))
    return frame


def assert_read(content, name, frame, labels=None):
    """Asserts that the table is read as it is in the frame, and that the row labels are recognized as such.

    Names that are numbers may look like a row of numbers; this must then be offered as the other reading.
    """
    reading = readers.read(content, name)
    if not reading.format.header:
        [doubt] = [doubt for doubt in reading.doubts if doubt.alternative == "Read it as column names"]
        reading = readers.read(content, name, replace(reading.format, **dict(doubt.changes)))
    table = reading.table
    assert len(table) == len(frame)
    if labels is not None:
        assert reading.row_names == table.columns[0]
        assert list(table.iloc[:, 0].astype(str)) == list(map(str, labels))
        table = table.iloc[:, 1:]
    assert list(table) == list(frame)
    for column in frame:
        if pd.api.types.is_numeric_dtype(frame[column]):
            np.testing.assert_array_equal(table[column].to_numpy(dtype=float), frame[column].to_numpy(dtype=float))
        elif pd.api.types.is_datetime64_any_dtype(frame[column]):
            assert list(table[column]) == list(frame[column])
        else:
            assert list(table[column]) == list(frame[column])


indices = st.sampled_from(["numbered", "shuffled", "words"])


def labels_of(kind, n):
    """Row labels: 0, 1, …; distinct whole numbers in any order; or words."""
    return {"numbered": list(range(n)), "shuffled": [(7 * i + 3) % 101 for i in range(n)]}.get(
        kind, [f"r{i}" for i in range(n)]
    )


@EXAMPLES
@given(frames(), st.data())
def test_what_pandas_writes_is_read_back(frame, data):
    index = data.draw(st.booleans())
    labels = labels_of(data.draw(indices), len(frame))
    separator, decimal = data.draw(st.sampled_from([(",", "."), (";", ","), (";", "."), ("\t", "."), ("\t", ",")]))
    file = io.StringIO()
    frame.set_axis(labels).to_csv(
        file,
        sep=separator,
        decimal=decimal,
        index=index,
        na_rep=data.draw(st.sampled_from(["", "NA", "NaN", "null", "--"])),
        quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])),
        date_format=data.draw(st.sampled_from([None, "%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%b-%Y"])),
    )
    assert_read(file.getvalue().encode(), "a.csv", frame, labels if index else None)


@EXAMPLES
@given(frames(), st.data())
def test_what_pandas_writes_to_a_workbook_is_read_back(frame, data):
    index = data.draw(st.booleans())
    labels = labels_of(data.draw(indices), len(frame))
    file = io.BytesIO()
    title = data.draw(st.booleans())
    frame.set_axis(labels).to_excel(file, index=index, startrow=2 * title)
    assert_read(file.getvalue(), "a.xlsx", frame, labels if index else None)


def r_text(frame, labels, function):
    """The table as `write.csv`, `write.csv2` or `write.table` of R writes it, with row names."""
    separator, decimal = {"write.csv": (",", "."), "write.csv2": (";", ","), "write.table": (" ", ".")}[function]

    def quoted(value):
        text = str(value)
        return '"' + (text.replace('"', '\\"') if function == "write.table" else text.replace('"', '""')) + '"'

    def cell(value):
        if isinstance(value, float):
            return "NA" if np.isnan(value) else f"{value:.15g}".replace(".", decimal)
        return quoted(value)

    corner = [] if function == "write.table" else ['""']
    lines = [[*corner, *map(quoted, frame)]]
    lines += [[quoted(label), *map(cell, row)] for label, row in zip(labels, frame.itertuples(index=False), strict=True)]
    return "".join(separator.join(line) + "\n" for line in lines)


@EXAMPLES
@given(frames(with_dates=False), st.data())
def test_what_r_writes_is_read_back(frame, data):
    function = data.draw(st.sampled_from(["write.csv", "write.csv2", "write.table"]))
    labels = labels_of(data.draw(indices), len(frame))
    if function == "write.table":
        frame = frame.replace('say "no"', "say no")  # R writes \" there, which hardly any program reads
    assert_read(r_text(frame, labels, function).encode(), "a.csv", frame, labels)


@dataclass(frozen=True)
class Locale:
    """Notation of a country, as Excel shows numbers and dates."""

    separator: str
    decimal: str
    thousands: str
    date: str
    money: str
    encoding: str

    def number(self, value, decimals):
        whole, _, rest = f"{abs(value):,.{decimals}f}".partition(".")
        if self.money.startswith("₹"):
            digits = whole.replace(",", "")
            head, tail = digits[:-3], digits[-3:]
            groups = [head[max(0, i - 2) : i] for i in range(len(head), 0, -2)][::-1]
            whole = ",".join([*groups, tail])
        whole = whole.replace(",", self.thousands)
        return ("-" if value < 0 else "") + whole + (self.decimal + rest if rest else "")


LOCALES = {
    "United States": Locale(",", ".", ",", "%m/%d/%Y", "$#", "utf-8-sig"),
    "Germany": Locale(";", ",", ".", "%d.%m.%Y", "# €", "cp1252"),
    "France": Locale(";", ",", "\u202f", "%d/%m/%Y", "# €", "utf-8-sig"),
    "Switzerland": Locale(";", ".", "’", "%d.%m.%Y", "CHF #", "utf-8-sig"),
    "India": Locale(",", ".", ",", "%d-%m-%Y", "₹ #", "utf-16"),
}


@EXAMPLES
@given(frames(), st.data())
def test_what_excel_shows_in_five_countries_is_read_back(frame, data):
    locale = LOCALES[data.draw(st.sampled_from(sorted(LOCALES)))]
    money, share, parentheses = (data.draw(st.booleans()) for _ in range(3))

    def shown(value, column):
        if isinstance(value, pd.Timestamp):
            return value.strftime(locale.date)
        if isinstance(value, str):
            return value
        if np.isnan(value):
            return data.draw(st.sampled_from(["", "#N/A", "#DIV/0!", "-"]))
        text = locale.number(value, 2)
        if money and column == frame.columns[0]:
            text = locale.money.replace("#", locale.number(abs(value), 2))
            return (f"({text})" if parentheses else f"-{text}") if value < 0 else text
        return f"{text}%" if share and column == frame.columns[1] else text

    rows = [[shown(value, column) for value, column in zip(row, frame, strict=True)] for row in frame.itertuples(index=False)]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=locale.separator).writerows([list(frame), *rows, *[[""] * frame.shape[1]] * 2])
    assert_read(file.getvalue().encode(locale.encoding), "a.csv", frame)
    assert_read(workbook({"s": [list(frame), *rows]}), "a.xlsx", frame)
