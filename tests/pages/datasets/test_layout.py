"""Where a table begins: names in numbers, row names, lines above the header, comments, quotes and drawn tables."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import KMeans, best_of
from pages.datasets import cleaning, matrices, readers
from pages.datasets.columns import describe
from pages.datasets.readers import Format
from tests.pages.datasets.test_readers import assert_equal, read, workbook

MATRIX = [["", "1", "2", "3"], ["1", 0, 1, 2], ["2", 1, 0, 1], ["3", 2, 1, 0]]
DISTANCES = [[0, 1, 2], [1, 0, 1], [2, 1, 0]]


def r_text(separator, corner=True):
    """The matrix as R writes it: names are quoted, numbers are not."""
    lines = [[f'"{cell}"' for cell in MATRIX[0][not corner :]]]
    lines += [[f'"{name}"', *map(str, numbers)] for name, *numbers in MATRIX[1:]]
    return "".join(separator.join(line) + "\n" for line in lines)


def clusters(reading, k):
    """The loss of the best of several runs of K-means on the default features, and the row names of each cluster."""
    columns = describe(reading.table, reading.row_names)
    data = cleaning.prepare(reading.table, "t", cleaning.default_preparation(columns))
    best = best_of(10, KMeans(k), data.points, rng=0)
    names = np.array(data.names_of(range(len(data.points))))
    return best.loss, {frozenset(names[best.labels == label]) for label in range(k)}


# Names that are numbers


@pytest.mark.parametrize(
    "text", [r_text(","), r_text(";"), r_text("\t"), r_text(" "), r_text(" ", False), r_text("\t", False)]
)
def test_a_matrix_from_r_with_numbers_as_names_has_a_header_and_row_names(text):
    reading = read(text)
    assert_equal(reading.table, ["column 1", "1", "2", "3"], [[1, 2, 3], *DISTANCES])
    assert reading.row_names == "column 1"
    assert reading.doubts == ()
    data = matrices.from_table(reading.table, reading.format.header, "t")
    np.testing.assert_array_equal(data.precomputed, DISTANCES)
    assert data.names.tolist() == ["1", "2", "3"]


def test_numbers_that_alone_are_quoted_are_names():
    assert list(read('"","3","1","2"\n"x",2,1,3\n"y",3,1,1\n"z",3,2,2\n').table)[1:] == ["3", "1", "2"]
    assert not read("0,3,1,2\n5,2,1,3\n6,3,1,1\n7,3,2,2\n").format.header


def test_a_matrix_in_a_workbook_with_numbers_as_names_has_a_header_and_row_names():
    rows = [[None, 1, 2, 3], *([i + 1, *row] for i, row in enumerate(DISTANCES))]
    reading = readers.read(workbook({"s": rows}), "a.xlsx")
    assert_equal(reading.table, ["column 1", "1", "2", "3"], [[1, 2, 3], *DISTANCES])
    assert reading.row_names == "column 1"


def test_a_matrix_without_names_has_no_header_although_its_first_row_counts():
    assert not read("0,1,2\n1,0,1\n2,1,0\n").format.header
    assert read("0,1,2\n0,1,2\n1,0,1\n2,1,0\n").format.header == 1


SPECTRA = [["s1", 0.11, 0.12, 0.14, 0.13], ["s2", 0.12, 0.13, 0.15, 0.14], ["s3", 0.81, 0.82, 0.84, 0.83]]
SPECTRA += [["s4", 0.82, 0.83, 0.85, 0.84]]


@pytest.mark.parametrize(
    "names",
    ["id,400,410,420,430", ",1,2,3,4", "species,2019,2020,2021,2022", "id,400.5,410.5,420.5,430.5", ",1,10,100,1000"],
)
def test_numbers_that_count_or_measure_the_columns_are_names(names):
    reading = read("\n".join([names, *(",".join(map(str, row)) for row in SPECTRA)]))
    assert reading.format.header == 1
    assert len(reading.table) == 4
    assert list(reading.table)[1:] == names.split(",")[1:]
    loss, found = clusters(reading, 2)
    assert loss == pytest.approx(0.0004)
    assert found == {frozenset({"s1", "s2"}), frozenset({"s3", "s4"})}


@pytest.mark.parametrize("index", [True, False])
def test_the_default_column_names_of_pandas_are_a_header(index):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 3)))
    reading = read(table.to_csv(index=index))
    assert list(reading.table)[index:] == ["0", "1", "2"]
    np.testing.assert_allclose(reading.table.to_numpy()[:, index:], table)
    assert (reading.row_names is not None) == index


@pytest.mark.parametrize(
    "rows",
    [
        ["1850,2100,House A", "1600,1700,House B", "1900,2200,House C", "1700,2000,House D"],
        ["Ford,1999,2004", "BMW,1998,2003", "Fiat,2000,2005", "Seat,1999,2006"],
        ["1,2,3", "2,3,4", "1,1,1", "5,2,3"],
        ["Ann,1,2,3", "Bob,0,2,3", "Cid,3,1,4", "Dan,1,3,2"],
        ["10,20,30", "12,18,33", "9,21,29", "11,19,31"],
    ],
)
def test_numbers_like_those_below_are_not_names(rows):
    reading = read("\n".join(rows))
    assert not reading.format.header
    assert len(reading.table) == 4


def test_years_are_names_even_if_they_lie_among_the_numbers_but_with_a_doubt():
    reading = read("country,1990,2000,2010\nA,1500,2500,1800\nB,800,3000,1999\nC,2100,1500,2700\n")
    assert list(reading.table) == ["country", "1990", "2000", "2010"]
    assert [doubt.alternative for doubt in reading.doubts] == ["Read it as data"]


def test_a_doubtful_header_offers_the_other_reading():
    reading = read("0,1,2\n3,4,5\n6,7,8\n")
    assert not reading.format.header
    [doubt] = reading.doubts
    assert doubt.sentence == "The first row is read as data."
    other = readers.read(b"0,1,2\n3,4,5\n6,7,8\n", "", Format("text", separator=",", **dict(doubt.changes)))
    assert_equal(other.table, ["0", "1", "2"], [[3, 6], [4, 7], [5, 8]])


# Row names


@pytest.mark.parametrize("corner", ["", "Unnamed: 0", '""'])
def test_distinct_whole_numbers_without_a_name_are_row_names(corner):
    reading = read(f"{corner},a,b\n30,0,0\n10,0.1,0\n20,5,5\n40,5.1,5\n")
    assert reading.row_names == reading.table.columns[0]
    assert describe(reading.table, reading.row_names)[0].kind == "identifier"
    assert clusters(reading, 2)[1] == {frozenset({"30", "10"}), frozenset({"20", "40"})}
    assert reading.notes == ()


@pytest.mark.parametrize("cells", [["1", "1", "2", "3"], ["0.5", "1.5", "2", "3"], ["", "1", "2", "3"]])
def test_other_columns_without_a_name_are_not_row_names(cells):
    assert read(",a\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells))).row_names is None


def test_row_names_that_are_equal_further_down_are_reported():
    reading = read(",a\n" + "".join(f"{i},{i}\n" for i in [*range(300), 5]))
    assert reading.row_names is None
    assert reading.notes == ("Column 1 does not hold row names, because some of its values are equal.",)


@pytest.mark.parametrize(
    "name", ["CustomerID", "PatientId", "userId", "customer_id", "ID", "transactionid", "SpeciesID", "loanId", "Unnamed: 1"]
)
def test_names_of_identifiers_are_recognized(name):
    assert describe(pd.DataFrame({"x": [1.5, 2], name: [17, 12]}))[1].kind == "identifier"


@pytest.mark.parametrize("name", ["humid", "grid", "paid", "NoOfRooms", "number_of_rooms", "Kid"])
def test_other_names_are_not_identifiers(name):
    assert describe(pd.DataFrame({"x": [1.5, 2], name: [17, 12]}))[1].kind == "number"


@given(st.text(max_size=6), st.sampled_from([["a", "b", "c"], [3, 4, 5], [1.5, 2, 3]]))
def test_columns_with_any_name_are_described(name, values):
    [column] = describe(pd.DataFrame({name: values}))
    assert (column.name, column.distinct, column.missing) == (name, 3, 0)


# Lines above the table


@pytest.mark.parametrize(
    ("above", "skipped"),
    [
        ("# made by x\n# in 2020\n", 2),
        ("% made by x\n\n", 1),
        ("Sales of 2020\n\n", 2),
        ("Sales, by region\n", 1),
        ("Sales of 2020;;\nAll regions;;\n", 2),
    ],
)
def test_comments_and_titles_above_the_header_are_skipped(above, skipped):
    reading = read(above + "a,b,c,d\n1,2,3,x\n4,5,6,y\n7,8,9,z\n")
    assert_equal(reading.table, ["a", "b", "c", "d"], [[1, 4, 7], [2, 5, 8], [3, 6, 9], ["x", "y", "z"]])
    assert reading.format.skip == skipped


@pytest.mark.parametrize("rows", ["a,b\n1,2\n3,4\n5,6\n", "a;b\n1,5;2\n2,5;3\n4;1\n", "place,b\nRome,1\nParis,2\nBerlin,3\n"])
@pytest.mark.parametrize(
    "above", ["Sales of 2020\n\n", "Sales of 2020\nall regions\n", "# made by x\nSales\n", "# made by x\n% in 2020\n"]
)
def test_titles_above_two_columns_are_skipped(rows, above):
    pd.testing.assert_frame_equal(read(above + rows).table, read(rows).table)
    assert read(rows).table.shape == (3, 2)


@pytest.mark.parametrize("text", ["price\n1,5\n2,5\n3,5\n", "price\nin EUR\n1,5\n2,5\n"])
def test_a_single_column_with_commas_has_no_title(text):
    assert read(text).table.shape[1] == 1


def test_comments_between_rows_are_left_out_only_if_the_file_begins_with_one():
    reading = read("# c\na,b\n1,2\n# d\n3,4\n")
    assert_equal(reading.table, ["a", "b"], [[1, 3], [2, 4]])
    assert reading.notes == ("1 comment between the rows was left out.",)
    assert_equal(read("color,b\n#ff0000,2\n#00ff00,4\n").table, ["color", "b"], [["#ff0000", "#00ff00"], [2, 4]])


@pytest.mark.parametrize("delimiter", [" ", ",", "\t"])
@pytest.mark.parametrize("comments", ["# ", "% "])
def test_the_header_of_numpy_savetxt_is_read(delimiter, comments):
    values = np.random.default_rng(0).normal(size=(4, 3))
    file = io.StringIO()
    np.savetxt(file, values, delimiter=delimiter, header=f"made by x\n{delimiter.join('abc')}", comments=comments)
    reading = read(file.getvalue())
    assert list(reading.table) == ["a", "b", "c"]
    np.testing.assert_allclose(reading.table, values)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("length,width\ncm,cm\n", ["length cm", "width cm"]),
        ("length,width\n(cm),(cm)\nlong,wide\n", ["length (cm) long", "width (cm) wide"]),
        ("sepal,,petal\nlength,width,length\n", ["sepal length", "sepal width", "petal length"]),
        ("id,sepal,\n,length,width\n", ["id", "sepal length", "sepal width"]),
    ],
)
def test_several_header_rows_are_joined(header, names):
    rows = [[i + 0.5, i + 1.5, i + 2.5][: len(names)] for i in range(8)]
    reading = read(header + "".join(",".join(map(str, row)) + "\n" for row in rows))
    assert_equal(reading.table, names, list(map(list, zip(*rows, strict=True))))


def test_the_columns_of_pandas_with_two_levels_are_joined():
    columns = pd.MultiIndex.from_product([["sepal", "petal"], ["length", "width"]], names=["part", "size"])
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(8, 4)), columns=columns)
    table.index.name = "plant"
    reading = read(table.to_csv())
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    assert list(reading.table)[1:] == names
    np.testing.assert_allclose(reading.table[names], table)


def test_a_merged_title_and_merged_group_names_in_a_workbook_are_read():
    rows = [["Flowers", None, None, None, None], [], [None, "sepal", None, "petal", None]]
    rows += [["id", "length", "width", "length", "width"]]
    rows += [[f"f{i}", i + 0.5, i, i + 0.25, i] for i in range(6)]
    reading = readers.read(workbook({"s": rows}), "a.xlsx")
    assert (reading.format.skip, reading.format.header) == (2, 2)
    assert list(reading.table) == ["id", "sepal length", "sepal width", "petal length", "petal width"]
    assert len(reading.table) == 6


ARFF = """% iris
@RELATION iris
@attribute 'sepal length' numeric
@attribute width REAL
@attribute class {a,b}
@data
5.1,3.5,'a b'
% a comment
4.9,?,b
"""


def test_an_arff_file_is_read_with_the_names_of_its_attributes():
    reading = readers.read(ARFF.encode(), "a.arff")
    assert_equal(reading.table, ["sepal length", "width", "class"], [[5.1, 4.9], [3.5, None], ["a b", "b"]])
    with pytest.raises(ValueError, match="sparse rows"):
        readers.read(ARFF.replace("5.1,3.5,'a b'", "{0 5.1}").encode(), "a.arff")


def test_skipping_all_lines_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="skip fewer lines"):
        read("a,b\n1,2\n", skip=2)
    with pytest.raises(ValueError, match="skip fewer rows"):
        readers.read(workbook({"s": [["a"], [1], [2]]}), "a.xlsx", Format("workbook", skip=3))


# Quotes, separators and drawn tables


def test_single_quotation_marks_are_recognized():
    reading = read("name,v\n'a, b',1\n'c',2\n'd''s',3\n")
    assert_equal(reading.table, ["name", "v"], [["a, b", "c", "d's"], [1, 2, 3]])
    assert list(read("name,v\nd's,1\ne's,2\n").table["name"]) == ["d's", "e's"]


@pytest.mark.parametrize("separator", [":", "^", "~", "::"])
def test_rare_separators_are_detected(separator):
    reading = read(f"a{separator}b\n1{separator}x, y\n2{separator}z\n3{separator}w v\n")
    assert reading.format.separator == separator
    assert_equal(reading.table, ["a", "b"], [[1, 2, 3], ["x, y", "z", "w v"]])


def test_times_are_not_split_at_their_colons():
    assert_equal(read("t\n10:30\n11:45\n9:15\n").table, ["t"], [[10.5, 11.75, 9.25]])
    assert read("t,v\n10:30,1\n11:45,2\n").format.separator == ","
    assert read("10:30\n11:45\n9:15\n").format.separator == ""


DRAWN = {
    "markdown": "| id | name |\n|---:|:----:|\n| 1 | x |\n| 2 | y |\n| 3 | z |\n",
    "markdown without edges": "id | name\n--- | ---\n1 | x\n2 | y\n3 | z\n",
    "psql": " id | name \n----+------\n  1 | x\n  2 | y\n  3 | z\n(3 rows)\n",
    "mysql": "+----+------+\n| id | name |\n+----+------+\n|  1 | x    |\n|  2 | y    |\n|  3 | z    |\n+----+------+\n",
}


@pytest.mark.parametrize("style", DRAWN)
def test_tables_drawn_with_characters_are_read(style):
    reading = read(DRAWN[style])
    assert_equal(reading.table, ["id", "name"], [[1, 2, 3], ["x", "y", "z"]])
    assert reading.notes == ()


def test_lines_below_the_table_are_left_out_and_reported():
    reading = read("a,b,c\n1,2,3\n4,5,6\nSource: x\n\nSeen in 2020\n")
    assert_equal(reading.table, ["a", "b", "c"], [[1, 4], [2, 5], [3, 6]])
    assert reading.notes == ("2 lines below the table were left out (first: “Source: x”).",)
    assert list(read("a,b,c\nx,2,3\ny\nz,5,6\n").table["a"]) == ["x", "y", "z"]


def test_columns_without_a_name_and_values_are_left_out():
    reading = read("a,b,,\n1,2,,\n3,4,,\n")
    assert_equal(reading.table, ["a", "b"], [[1, 3], [2, 4]])
    assert reading.notes == ("2 columns without names and values were left out.",)


def test_quotation_marks_can_be_ordinary_characters():
    reading = read('a\tb\n"x\t1\ny"\t2\n', separator="\t", quote="")
    assert_equal(reading.table, ["a", "b"], [['"x', 'y"'], [1, 2]])
    reading = read('a,b,c\n"x,1\ny",2,3\n', quote="")
    assert_equal(reading.table, ["a", "b", "c"], [['"x', 'y"'], [1, 2], [None, 3]])


def test_rows_of_separators_only_at_the_end_are_no_rows():
    reading = read("a,b\n1,2\n,\n3,4\n,\n , \n")
    assert_equal(reading.table, ["a", "b"], [[1, None, 3], [2, None, 4]])
    assert reading.notes == ("2 rows of separators only at the end were left out.",)


@pytest.mark.parametrize("text", ['"1 000.01" 0\n0.01 0\n0.02 1\n', '"1,000.01",0\n0.01,0\n0.02,1\n'])
def test_quotation_marks_around_a_number_that_contains_a_separator_do_not_make_a_header(text):
    table = readers.read(text.encode(), "table.csv").table
    assert table.to_numpy().tolist() == [[1000.01, 0], [0.01, 0], [0.02, 1]]


def test_whole_numbers_with_zero_decimals_are_row_names():
    for text in (",a,b\n30.0,0,0\n10.0,0.1,0\n20.0,5,5\n", ";a;b\n30,0;0;0\n10,0;0,1;0\n20,0;5;5\n"):
        assert read(text).row_names == "column 1"
    assert read("Unnamed: 0.1,Unnamed: 0,a\n0,30,0\n1,10,0.1\n2,20,5\n").row_names == "Unnamed: 0.1"


def test_a_first_row_with_a_text_like_those_below_is_data():
    for rows in (
        ["1850,1900,1950,House A", "1900,2300,2400,House B", "2000,2400,2500,House C"],
        ["s1;1;2;3", "s2;7;2;5", "s3;8;1;9"],
    ):
        reading = read("\n".join(rows))
        assert reading.format.header == 0
        assert len(reading.table) == 3


@pytest.mark.parametrize(
    "lines",
    [
        ["Report:,Sales", "Date:,2021-01-01", ""],
        ["Sales, all regions, 2021 and later, preliminary"],
        ["A, B, C, D, E", ""],
    ],
)
def test_titles_that_contain_the_separator_are_above_the_table(lines):
    reading = read("\n".join([*lines, "a,b,c", "1,2,3", "4,5,6", "7,8,10", ""]))
    assert reading.format.skip == len(lines)
    assert list(reading.table) == ["a", "b", "c"]
    assert len(reading.table) == 3


def test_a_longer_header_above_numbers_is_no_title():
    assert list(read("a,b,c,d\n1,2,3\n4,5,6\n7,8,9\n").table) == ["a", "b", "c", "d"]


def test_comments_between_rows_can_be_left_out():
    content = "a,b\n# c\n1,2\n# d\n3,4\n"
    [doubt] = read(content).doubts
    assert doubt.sentence == "Some lines begin with #, like comments, but are read as rows."
    reading = read(content, **dict(doubt.changes))
    assert list(reading.table["a"]) == [1, 3]
    assert reading.notes == ("2 comments between the rows were left out.",)
    assert read("name,v\n#1,3\n#2,4\n#3,5\n").doubts == ()


def test_lines_below_the_table_may_have_separators():
    reading = read("a,b,c\n1,2,3\n4,5,6\n7,8,10\n,,\nSource: me,,\n,,\n")
    assert reading.table.to_numpy().tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 10]]
    assert "1 line below the table was left out (first: “Source: me”)." in reading.notes
    assert len(read("a,b,c\n1,2,3\n4,5,6\nx,,\n").table) == 3
