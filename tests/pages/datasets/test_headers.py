"""Which rows are column names: numbers beside words, a row of units, and rows above the table."""

import numpy as np
import pytest

from pages.datasets import readers
from tests.pages.datasets.test_readers import assert_equal, read, workbook


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (
            "Country,Code,1960,1961,1962",
            ["Aruba,ABW,54211,55438,56225", "Angola,AGO,54549,,56085", "Albania,ALB,1608,1659,1711"],
        ),
        ("Country,Code,1960,1961,1962,", ["Aruba,ABW,5.4,5.5,5.6,", "Angola,AGO,5.4,5.5,5.6,", "Albania,ALB,1.6,1.6,1.7,"]),
        ("sample,class,400,410,420", ["a,x,0.1,0.2,0.3", "b,y,0.1,0.2,0.4", "c,x,0.7,0.2,0.4"]),
        ("name,1990,2000,2010,Total", ["a,1,2,3,6", "b,4,5,6,15", "c,7,8,9,24"]),
        ("Land;Einheit;2019;2020", ["A;kg;1,5;2,5", "B;kg;1,7;2,8", "C;kg;1,1;2,2"]),
        ("2019,2020,2021,class", ["1.5,2.5,2.7,a", "1.1,2.1,2.2,b", "1.3,2.2,2.5,a"]),
        ("label,0,1,2,3", ["5,0,0,255,0", "0,0,12,3,0", "4,0,0,0,9"]),
        ("id,age,1,2,3", ["17,33,5,4,4", "22,41,3,3,1", "35,52,1,5,2"]),
        (",0,1,2,target", ["0,1.5,2.5,3.5,1", "1,1.1,2.1,3.1,0", "2,1,2,3,1"]),
        ("station,1,2,3,4", ["s1,-3,2,5,0", "s2,4,1,0,7", "s3,2,8,-1,3"]),
    ],
)
def test_numbers_beside_words_are_names(header, rows):
    reading = read("\n".join([header, *rows]))
    separator = ";" if ";" in header else ","
    names = [name or "column 1" for name in header.rstrip(",").split(separator)]
    assert list(reading.table) == names
    assert len(reading.table) == 3


@pytest.mark.parametrize(
    "rows",
    [
        ["Ann,Paris,1950,1975", "Bob,London,1940,1990", "Cid,Rome,1960,1970"],
        ["1,2,3,a", "4,5,6,b", "7,8,9,c"],
        ["5.1,3.5,1.4,x", "4.9,3,1.4,y", "4.7,3.2,1.3,x"],
        ["1850,2100,House A", "1900,2200,House B", "1950,2300,House C"],
    ],
)
def test_numbers_beside_words_like_those_below_are_data(rows):
    assert not read("\n".join(rows)).format.header


@pytest.mark.parametrize("cell", ["unknown", "<5", "$(1,234.50)", "1.234,50-", "∞"])
def test_a_first_row_without_numbers_is_not_a_second_row_of_names(cell):
    reading = read("name;score\nAnn;" + cell + "\n" + "".join(f"n{i};{i}\n" for i in range(9)))
    assert reading.format.header == 1
    assert len(reading.table) == 10


def test_several_rows_of_names_offer_to_read_the_first_one_only():
    content = b"time,length,name\ns,cm,\n1.5,2,a\n2.5,3,b\n3.5,4,c\n"
    reading = readers.read(content, "a.csv")
    assert list(reading.table) == ["time s", "length cm", "name"]
    [doubt] = reading.doubts
    assert dict(doubt.changes) == {"header": 1}


def test_rows_of_separators_between_a_title_and_the_table_are_skipped():
    reading = read("Sales report,,\n,,\nname,v,w\na,1,2\nb,3,4\nc,5,6\n")
    assert_equal(reading.table, ["name", "v", "w"], [["a", "b", "c"], [1, 3, 5], [2, 4, 6]])
    assert reading.doubts == ()


def test_spaces_between_a_separator_and_a_quotation_mark_are_removed():
    reading = read('"a", "b", "c"\n"x, y", "2", "3"\n"z", "5", "6"\n')
    assert_equal(reading.table, ["a", "b", "c"], [["x, y", "z"], [2, 5], [3, 6]])
    text = 'a,b\n"x, ""y""",1\nz,2\nw,3\n'  # inside of a cell
    assert read(text).table["a"].tolist() == ['x, "y"', "z", "w"]


@pytest.mark.parametrize(
    "text",
    [
        "+----+---+\n| id | v |\n+----+---+\n|  7 | 2 |\n|  9 | 4 |\n+----+---+\n2 rows in set (0.00 sec)\n",
        "+----+---+\n| id | v |\n+====+===+\n| 7  | 2 |\n+----+---+\n| 9  | 4 |\n+----+---+\n",
    ],
)
def test_rules_and_counts_of_drawn_tables_are_no_rows(text):
    table = read(text).table
    assert list(table) == ["id", "v"]
    np.testing.assert_array_equal(table, [[7, 2], [9, 4]])


def test_texts_below_a_table_in_a_workbook_are_left_out():
    rows = [["name", "v", "w"], ["a", 1, 2], ["b", 3, 4], [], ["Source: office"], ["Updated in May"]]
    reading = readers.read(workbook({"s": rows}), "a.xlsx")
    assert_equal(reading.table, ["name", "v", "w"], [["a", "b"], [1, 3], [2, 4]])
    assert reading.notes == ("2 lines below the table were left out (first: “Source: office”).",)
    assert len(readers.read(workbook({"s": [*rows[:3], ["c"]]}), "a.xlsx").table) == 3


def test_a_header_without_a_name_for_the_row_names_fits_decimal_commas():
    reading = read("A;B;C\nA;0;1;2,5\nB;1;0;1,5\nC;2,5;1,5;0\n")
    assert_equal(reading.table, ["column 1", "A", "B", "C"], [["A", "B", "C"], [0, 1, 2.5], [1, 0, 1.5], [2.5, 1.5, 0]])
