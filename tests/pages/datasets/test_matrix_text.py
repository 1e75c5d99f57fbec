"""Distance matrices in PHYLIP files and in output of R, similarity matrices and lists of pairs."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.datasets import matrices, readers
from pages.datasets.matrix_text import read_matrix_text
from tests.core.tables import examples

MATRIX = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 2.5], [2.0, 2.5, 0.0]])
NAMES = ["A", "B", "C"]

TEXTS = {
    "square": ("   3\nA  0.0 1.0 2.0\nB  1.0 0.0 2.5\nC  2.0 2.5 0.0\n", NAMES),
    "lower": ("3\nA\nB 1\nC 2 2.5\n", NAMES),
    "lower with diagonal": ("3\nA 0\nB 1 0\nC 2 2.5 0\n", NAMES),
    "upper": ("3\nA 1 2\nB 2.5\nC\n", NAMES),
    "strict names": (
        "    3\nHomo sap  0.0 1.0 2.0\nPan troglo1.0 0.0 2.5\nGorilla g 2.0 2.5 0.0\n",
        ["Homo sap", "Pan troglo", "Gorilla g"],
    ),
    "continued rows": ("3\nA 0 1\n   2\nB 1 0\n  2.5\nC 2 2.5\n  0\n", NAMES),
    "decimal commas": ("3\nA\nB 1,0\nC 2,0 2,5\n", NAMES),
    "R": ("    A   B\nB 1.0    \nC 2.0 2.5\n", NAMES),
    "R with diagonal": ("    A   B   C\nA 0.0        \nB 1.0 0.0    \nC 2.0 2.5 0.0\n", NAMES),
    "R with spaces in names": (
        "              Mazda RX4 Mazda RX4 Wag\nMazda RX4 Wag       1.0\nFiat 128            2.0           2.5\n",
        ["Mazda RX4", "Mazda RX4 Wag", "Fiat 128"],
    ),
}


@pytest.mark.parametrize("layout", TEXTS)
def test_each_layout_is_read(layout):
    text, names = TEXTS[layout]
    found = read_matrix_text(text)
    assert found.note == f"This text is read as {'distances printed by R' if layout.startswith('R') else 'a PHYLIP file'}."
    data = matrices.from_matrix(found.values, found.row_names, "title", found.column_names)
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    assert list(data.names) == names


def printed_by_r(matrix, names, columns):
    """The lower triangle as R prints it, with `columns` columns in each block."""
    width, n, lines = max(map(len, names)), len(names), []
    for start in range(0, n - 1, columns):
        block = range(start, min(start + columns, n - 1))
        lines.append(" " * width + "".join(f" {names[j]:>{max(9, width)}}" for j in block))
        for i in range(start + 1, n):
            cells = "".join(f" {f'{matrix[i, j]:.4f}' if j < i else '':>{max(9, width)}}" for j in block)
            lines.append(names[i].ljust(width) + cells)
    return "\n".join(lines) + "\n"


@examples(60)
@given(st.integers(3, 9), st.integers(1, 10), st.sampled_from(["{}", "p{}", "Merc {}", "n. {} x"]), st.integers(0, 99))
def test_triangles_that_r_prints_in_several_blocks_are_restored(n, columns, pattern, seed):
    values = np.random.default_rng(seed).integers(1, 99_999, (n, n)) / 10_000
    matrix = np.tril(values, -1) + np.tril(values, -1).T
    names = [pattern.format(i + 1) for i in range(n)]
    found = read_matrix_text(printed_by_r(matrix, names, columns))
    data = matrices.from_matrix(found.values, found.row_names, "title")
    np.testing.assert_array_equal(data.precomputed, matrix)
    assert list(data.names) == names


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        " a b\n 1 2\n 3 4\n",
        "5\n1\n2\n3\n4\n6\n",
        "3\nA 1 2\nB 3 4\nC 5 6\n",
        "3\nA 0 1 2\nB 1 0 2.5\n",
        "2\nA 0 x\nB x 0\n",
        "  x y\na 1 2\nb 3 4\n",
        "  A B\nB 1\nC 2 x\n",
        "999999\n1\n",
        "\n \n",
        "",
    ],
)
def test_other_texts_are_not_matrices(text):
    assert read_matrix_text(text) is None


def test_a_long_column_of_whole_numbers_is_not_taken_for_a_phylip_file():
    assert read_matrix_text("6000\n" + "1\n" * 6000) is None


def test_the_error_about_a_triangle_is_kept():
    found = read_matrix_text("A\n1 2\nB 3 4\n")
    assert found.values is None
    assert "must contain only numbers, but row 2 has 'B'" in found.error


# Tables


def table_of(text):
    return readers.read(text.encode(), "t.csv").table


@pytest.mark.parametrize(
    "text",
    [
        ",A,B,C\nA,0,1,2\nB,1,0,2.5\nC,2,2.5,0\n",
        "A,B,C\nA,0,1,2\nB,1,0,2.5\nC,2,2.5,0\n",
        "city,A,B,C\nA,0,1,2\nB,1,0,2.5\nC,2,2.5,0\n",
        '"","A","B","C"\n"A",0,1,2\n"B",1,0,2.5\n"C",2,2.5,0\n',
        "A,B,C,\n0,1,2,A\n1,0,2.5,B\n2,2.5,0,C\n",
    ],
)
def test_names_are_read_in_either_corner(text):
    table = table_of(text)
    assert matrices.matrix_kind(table) == "proximities"
    data = matrices.from_table(table, True, "title")
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    assert list(data.names) == NAMES


def test_correlations_become_distances():
    correlations = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 5)), columns=list("abcde")).corr()
    for table in (
        correlations,
        correlations.reset_index(names=""),
        table_of(correlations.to_csv()),
        correlations.where(np.tri(5, dtype=bool)),
    ):
        assert matrices.matrix_kind(table) == "similarities"
        data = matrices.from_similarities(table, True, "title")
        np.testing.assert_allclose(data.precomputed, 1 - correlations, atol=1e-12)
        assert list(data.names) == list("abcde")
        assert data.note.startswith("Distances are 1 − similarity.")
    assert matrices.from_similarities(correlations * 5, True, "t").note.startswith("Distances are 5 − similarity.")


def test_other_square_tables_are_not_similarities():
    for table in ([[1, 2, 0], [2, 1, 0], [0, 0, 1]], [[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 2, 0], [0, 0, 1]]):
        assert matrices.matrix_kind(pd.DataFrame(table)) == ""
    with pytest.raises(ValueError, match="all values on the diagonal are equal"):
        matrices.from_similarities(pd.DataFrame([[1, 0], [0, 2]]), False, "title")
    with pytest.raises(ValueError, match="must be square"):
        matrices.from_similarities(pd.DataFrame([[1, 0.5, 0.5], [0.5, 1, 0]]), False, "title")


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("names", [NAMES, [30, 10, 20]])
def test_a_list_of_pairs_is_read(names, both):
    rows = [(names[i], names[j], MATRIX[i, j]) for i, j in itertools.combinations(range(3), 2)]
    if both:
        rows = [(names[i], names[j], MATRIX[i, j]) for i, j in itertools.product(range(3), repeat=2)]
    table = pd.DataFrame(rows, columns=["from", "to", "distance"])
    assert matrices.matrix_kind(table) == "pairs"
    data = matrices.from_pairs(table, True, "title")
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    assert list(data.names) == [str(name) for name in names]
    assert data.note.startswith("Each row is the distance between two of 3 points.")


def test_incomplete_or_contradictory_pairs_are_rejected():
    table = pd.DataFrame(
        [("A", "B", 1.0), ("A", "C", 2.0), ("A", "D", 1.0), ("B", "C", 2.0), ("B", "D", 1.0), ("B", "D", 1.0)]
    )
    assert matrices.matrix_kind(table) == ""
    with pytest.raises(ValueError, match="distance between C and D is missing"):
        matrices.from_pairs(table, True, "title")
    table.iloc[5] = ["D", "B", 3.0]
    with pytest.raises(ValueError, match="between B and D is both 1 and 3"):
        matrices.from_pairs(table, True, "title")


def test_a_grid_of_numbers_is_not_a_list_of_pairs():
    grid = pd.DataFrame([(i, j, 10.0 * i + j) for i in range(4) for j in range(4)], columns=["x", "y", "z"])
    assert matrices.matrix_kind(grid) == ""
    assert matrices.matrix_kind(grid.astype(float)) == ""


@pytest.mark.parametrize(
    "text", ["1\n0.5 1\n-0.2 0.1 1\n", ",a,b,c\na,1\nb,0.5,1\nc,-0.2,0.1,1\n", "3\na 1\nb .5 1\nc -.2 .1 1\n"]
)
def test_a_triangle_of_correlations_becomes_distances(text):
    found = read_matrix_text(text)
    assert matrices.text_matrix_kinds(found)[0] == "similarities"
    data = matrices.from_similarity_matrix(found.values, found.row_names, "t", found.column_names)
    np.testing.assert_allclose(data.precomputed, [[0, 0.5, 1.2], [0.5, 0, 0.9], [1.2, 0.9, 0]])
    assert data.note.startswith("Distances are 1 − similarity. Only one triangle was given")


def test_a_triangle_of_distances_is_no_similarity():
    for text in ("0\n1 0\n2 1 0\n", "2\n1 2.5\n1 1 2\n", "1\n1 1\n1 1 1\n", "3\na\nb 1\nc 2 1\n"):
        assert matrices.text_matrix_kinds(read_matrix_text(text)) == ["proximities"]
    assert matrices.text_matrix_kinds(read_matrix_text("7\n1 7\n2 1 7\n")) == ["proximities", "similarities"]


def test_columns_of_pairs_may_have_another_order_and_numbers_of_rows():
    rows = [("A", "B", 1), ("A", "C", 2), ("B", "C", 2.5)]
    for text in (
        "distance,from,to\n" + "".join(f"{d},{a},{b}\n" for a, b, d in rows),
        ",from,to,distance\n" + "".join(f"{i},{a},{b},{d}\n" for i, (a, b, d) in enumerate(rows)),
    ):
        table = table_of(text)
        assert matrices.matrix_kind(table) == "pairs"
        np.testing.assert_array_equal(matrices.from_pairs(table, True, "t").precomputed, MATRIX)


def test_a_list_of_similarities_becomes_distances():
    for name, factor in (("similarity", 1), ("Correlation", 1), ("Similarity (%)", 100)):
        table = table_of(
            f"a,b,{name}\n"
            + "".join(f"{a},{b},{s * factor:g}\n" for a, b, s in (("A", "B", 0.9), ("A", "C", 0.25), ("B", "C", 1)))
        )
        data = matrices.from_pairs(table, True, "t")
        np.testing.assert_allclose(data.precomputed, np.array([[0, 0.1, 0.75], [0.1, 0, 0], [0.75, 0, 0]]) * factor)
        assert f"Distances are {factor} − similarity." in data.note


def test_commands_of_r_above_a_matrix_are_left_out():
    found = read_matrix_text("> d <- dist(x)\n> d\n  a b c\nb 1    \nc 2 1  \nd 3 2 1\n")
    assert found.row_names == list("abcd")
