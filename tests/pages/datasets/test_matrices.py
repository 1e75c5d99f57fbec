"""Distance matrices from full or triangular tables and text, and from words."""

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from clustering import classical_scaling
from pages.datasets import matrices, matrix_text, readers
from pages.datasets.data import PRECOMPUTED
from tests.core.tables import examples

MATRIX = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 2.5], [2.0, 2.5, 0.0]])


def from_csv(text):
    reading = readers.read(text.encode(), "")
    return matrices.from_table(reading.table, reading.format.header, "title")


def from_text(text, separator=",", decimal="."):
    values, row_names, column_names = matrix_text.parse_cells(text, separator, decimal)
    return matrices.from_matrix(values, row_names, "title", column_names)


def changed(*cells):
    """The matrix with each value set at (i, j)."""
    matrix = MATRIX.copy()
    for i, j, value in cells:
        matrix[i, j] = value
    return matrix


@pytest.mark.parametrize(
    "text",
    [
        ",1,2,3\n1,0\n2,1,0\n3,2,2.5,0\n",
        "name,1,2,3\n1,0,,\n2,1,0,\n3,2,2.5,0\n",
        ",1,2,3\n1\n2,1\n3,2,2.5\n",
    ],
)
def test_numbers_above_and_beside_a_triangle_are_names(text):
    data = from_text(text)
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    assert data.names.tolist() == ["1", "2", "3"]


def test_a_first_line_with_a_name_only_is_a_row_of_a_triangle():
    data = from_text("A\nB,1\nC,2,2.5\n")
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    assert data.names.tolist() == ["A", "B", "C"]


SQUARES = {
    "bare": ("0,1,2\n1,0,2.5\n2,2.5,0\n", None),
    "names above": ("A,B,C\n0,1,2\n1,0,2.5\n2,2.5,0\n", ["A", "B", "C"]),
    "names above and beside": (",A,B,C\nA,0,1,2\nB,1,0,2.5\nC,2,2.5,0\n", ["A", "B", "C"]),
    "lower triangle": ("0,,\n1,0,\n2,2.5,0\n", None),
    "ragged lower triangle": ("0\n1,0\n2,2.5,0\n", None),
    "named lower triangle": (",A,B,C\nA,0,,\nB,1,0,\nC,2,2.5,0\n", ["A", "B", "C"]),
    "upper triangle": ("0,1,2\n,0,2.5\n,,0\n", None),
    "named upper triangle without zeros": (",A,B,C\nA,,1,2\nB,,,2.5\nC,,,\n", ["A", "B", "C"]),
    "named lower triangle without zeros": (",A,B,C\nA,,,\nB,1,,\nC,2,2.5,\n", ["A", "B", "C"]),
}


@pytest.mark.parametrize("layout", SQUARES)
def test_a_matrix_is_read_equally_from_each_layout_as_a_table_or_as_text(layout):
    text, names = SQUARES[layout]
    for data in (from_csv(text), from_text(text)):
        np.testing.assert_array_equal(data.precomputed, MATRIX)
        assert data.names_of(np.arange(3)) == (names or ["row 1", "row 2", "row 3"])
        assert ("completed by symmetry" in data.note) == ("triangle" in layout)
        assert data.metrics == (PRECOMPUTED,)
        assert data.proximities(PRECOMPUTED) is data.precomputed


@pytest.mark.parametrize("name", SQUARES)
def test_a_matrix_is_recognized_in_each_layout(name):
    assert matrices.looks_like_proximities(readers.read(SQUARES[name][0].encode(), "").table)


TRIANGLES = {
    "bare": ("1\n2 2.5\n", " ", None),
    "commas": ("1\n2,2.5\n", ",", None),
    "empty first line": ("\n1\n2,2.5\n", ",", None),
    "as written by R": ("    A   B\nB 1\nC 2.0 2.5\n", " ", ["A", "B", "C"]),
    "names above": ("A B C\n1\n2 2.5\n", " ", ["A", "B", "C"]),
    "names beside": ("A\nB 1\nC 2 2.5\n", " ", None),
    "names that do not fit": ("X Y\nB 1\nC 2 2.5\n", " ", None),
    "with its diagonal": ("0\n1 0\n2 2.5 0\n", " ", None),
    "upper": ("1,2\n,2.5\n", ",", None),
    "upper with names": ("-,B,C\nA,1,2\nB,,2.5\n", ",", None),
}


@pytest.mark.parametrize(("text", "separator", "names"), TRIANGLES.values(), ids=TRIANGLES)
def test_a_triangle_is_read_with_and_without_its_diagonal(text, separator, names):
    data = from_text(text, separator)
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    if names:
        assert data.names_of(np.arange(3)) == names
    assert "triangle" in data.note


def test_only_the_rows_may_have_names():
    for data in (
        from_text("A,0,1,2\nB,1,0,2.5\nC,2,2.5,0\n"),
        matrices.from_table(pd.DataFrame({0: ["A", "B", "C"]} | {j + 1: MATRIX[j] for j in range(3)}), False, "title"),
    ):
        np.testing.assert_array_equal(data.precomputed, MATRIX)
        assert data.names_of(np.arange(3)) == ["A", "B", "C"]


def test_the_note_about_a_triangle_without_its_diagonal_states_the_number_of_points():
    assert "without" not in from_text("0\n1 0\n2 2.5 0", " ").note
    assert "A triangle without its diagonal was given, for 3 points." in from_text("1\n2 2.5", " ").note


def test_a_table_may_contain_a_triangle_without_its_diagonal():
    data = matrices.from_table(pd.DataFrame({"A": [1.0, 2.0], "B": [np.nan, 2.5]}, index=[0, 1]), False, "title")
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    upper = pd.DataFrame({"name": ["A", "B"], "B": [1.0, np.nan], "C": [2.0, 2.5]})
    data = matrices.from_table(upper, True, "title")
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    assert data.names_of(np.arange(3)) == ["A", "B", "C"]


@examples(30)
@given(st.integers(2, 9), st.integers(0, 1000), st.sampled_from(["lower", "upper", "both"]), st.booleans())
def test_any_matrix_is_restored_from_each_of_its_triangles(n, seed, half, zeros):
    points = np.random.default_rng(seed).normal(size=(n, 3))
    matrix = cdist(points, points)
    keep = {"lower": np.tri(n, k=-1), "upper": np.tri(n, k=-1).T, "both": 1 - np.eye(n)}[half].astype(bool)
    shown = np.where(keep, matrix, np.nan)
    if zeros:
        np.fill_diagonal(shown, 0.0)
    np.testing.assert_array_equal(matrices.from_matrix(shown, None, "").precomputed, matrix)
    if half != "both" and n > 2:
        strict = shown[1:, :-1] if half == "lower" else shown[:-1, 1:]
        strict = np.where(np.tri(n - 1) if half == "lower" else np.tri(n - 1).T, strict, np.nan)
        np.testing.assert_array_equal(matrices.from_matrix(strict, None, "").precomputed, matrix)


def test_a_numeric_first_column_holds_names_if_the_rest_has_a_zero_diagonal():
    data = from_csv("id,7,8,9\n7,0,1,2\n8,1,0,2.5\n9,2,2.5,0\n")
    np.testing.assert_array_equal(data.precomputed, MATRIX)
    assert data.names_of([0, 2]) == ["7", "9"]
    with pytest.raises(ValueError, match="2 rows and 3 columns"):
        from_csv("a,b,c\n0,1,2\n1,0,3\n")


@pytest.mark.parametrize(("separator", "decimal"), [(";", ","), ("\t", "."), ("|", "."), (" ", "."), (" ", ",")])
def test_text_is_read_with_its_separator_and_decimal_separator(separator, decimal):
    text = "\n".join(separator.join(f"{value:g}" for value in row) for row in MATRIX).replace(".", decimal)
    np.testing.assert_array_equal(from_text(text, separator, decimal).precomputed, MATRIX)


WRONG = [
    (np.zeros((3, 4)), "must be square, .* this one has 3 rows and 4 columns"),
    (np.zeros((1, 1)), "needs at least two rows"),
    (changed((2, 0, np.nan)), "distance between C and A is missing"),
    (changed((0, 1, np.nan), (1, 0, np.nan)), "distance between A and B is missing"),
    (changed((0, 1, np.nan), (0, 2, np.nan), (1, 2, np.nan), (2, 1, np.nan)), "distance between B and C is missing"),
    (changed((1, 2, np.inf), (2, 1, np.inf)), "distance between B and C is inf; distances must be finite"),
    (changed((1, 0, -1)), "distance between B and A is -1; distances must not be negative"),
    (changed((1, 1, 0.5)), "distance of B to itself is 0.5; it must be 0. If these are similarities"),
    (changed((0, 2, 2.1)), "distance between A and C is 2.1 in one direction and 2 in the other; distances must be symmetric"),
]


@pytest.mark.parametrize(("matrix", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_an_invalid_distance_matrix_raises_an_error_that_names_the_rows(matrix, sentence):
    with pytest.raises(ValueError, match=sentence):
        matrices.from_matrix(matrix, ["A", "B", "C"], "title")
    table = pd.DataFrame(matrix, columns=list("ABCD"[: matrix.shape[1]]))
    if matrix.shape == (3, 3):
        for beside in ([], ["A", "B", "C"]):
            named = pd.concat([pd.Series(beside, name="name", dtype="str"), table], axis=1) if beside else table
            with pytest.raises(ValueError, match=sentence):
                matrices.from_table(named, True, "title")
            assert not matrices.looks_like_proximities(named) or "finite" in sentence or "negative" in sentence


def test_errors_use_row_numbers_where_there_are_no_names():
    with pytest.raises(ValueError, match=r"between row 1 and column 3 is 2\.1 in one direction"):
        matrices.from_matrix(changed((0, 2, 2.1)), None, "title")
    with pytest.raises(ValueError, match=r"of row 2 to itself is 0\.5"):
        matrices.from_matrix(changed((1, 1, 0.5)), None, "title")
    with pytest.raises(ValueError, match="between row 2 and C is -1"):
        matrices.from_matrix(changed((1, 2, -1)), ["A", "", "C"], "title")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A,B,C\n0,1,x\n1,0,2\n2,2,0\n", "row 1 has 'x' in column C"),
        ("A,B,C\n0,1,2\nx,0,2\n2,2,0\n", "row 2 has 'x' in column A"),
        (",A,B,C\nA,0,1,2\nB,1,0,2\nC,2,y,0\n", "row C has 'y' in column B"),
        ("w\nred apple\nblue\n", "row 1 has 'red apple' in column w"),
    ],
)
def test_the_error_quotes_a_cell_that_is_not_a_number(text, sentence):
    with pytest.raises(ValueError, match=f"must contain only numbers, but {sentence}: choose"):
        from_csv(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0 x 2\n1 0 3\n2 3 0", "row 1 has 'x' in column 2"),
        ("A 0\nB 1_0 0\nC 1 2 0", "B has '1_0' in column 1"),
        ("0 1\n1 0\n2 3", "must be square, .* this one has 3 rows and 2 columns"),
        ("", "at least two rows"),
        ("\n\n", "at least two rows"),
        ("A B C", "at least two rows"),
        ("0 nan\n1 0\n", None),
    ],
)
def test_text_that_is_not_a_distance_matrix_raises_an_error(text, sentence):
    if sentence is None:
        np.testing.assert_array_equal(from_text(text, " ").precomputed, [[0, 1], [1, 0]])
    else:
        with pytest.raises(ValueError, match=sentence):
            from_text(text, " ")


def test_too_many_rows_are_rejected():
    with pytest.raises(ValueError, match="may have at most 5,000 rows; this one has 5,001"):
        matrices.from_matrix(np.zeros((5001, 5001), dtype=np.int8), None, "title")


def test_rounding_differences_between_the_triangles_are_averaged():
    matrix = changed((0, 2, 2.0 * (1 + 1e-10)))
    given = matrices.from_matrix(matrix, None, "title").precomputed
    np.testing.assert_array_equal(given, given.T)
    np.testing.assert_allclose(given, MATRIX)
    assert matrix[2, 0] == 2.0  # the input is not modified


def test_huge_and_tiny_distances_keep_their_proportions():
    for unit in (1e300, 1e-300):
        data = matrices.from_matrix(MATRIX * unit, None, "title")
        np.testing.assert_allclose(data.precomputed / unit, MATRIX)
        np.testing.assert_allclose(data.points / unit, matrices.from_matrix(MATRIX, None, "title").points, atol=1e-9)


def test_a_matrix_of_zeros_puts_all_points_at_the_origin():
    np.testing.assert_array_equal(matrices.from_matrix(np.zeros((3, 3)), None, "title").points, np.zeros((3, 2)))


def test_the_layout_is_that_of_classical_scaling_and_the_note_states_its_goodness_of_fit():
    data = matrices.from_matrix(MATRIX, None, "title", ["A", "B", "C"])
    layout = classical_scaling(MATRIX)
    np.testing.assert_array_equal(data.points, layout.points)
    np.testing.assert_allclose(cdist(data.points, data.points), MATRIX, atol=1e-12)
    assert data.note == "Goodness of fit of the 2-D layout (classical multidimensional scaling): 100%."
    assert data.same_units
    assert data.columns == ("MDS axis 1", "MDS axis 2")
    assert data.matrix_name == "distances"


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame({"a": ["x", "y", "z"]}),
        pd.DataFrame([[0, 1], [1, 0]]),
        pd.DataFrame([[0, 1, 2], [1, 0, 3]]),
        pd.DataFrame(np.full((3, 3), np.nan)),
        pd.DataFrame([[0, 1, "x"], [1, 0, "y"], ["x", "y", 0]]),
        pd.DataFrame([[True, False, False]] * 3),
        pd.DataFrame(np.arange(9.0).reshape(3, 3)),
        pd.DataFrame(pd.to_datetime(["2020-01-01"] * 3)),
    ],
    ids=lambda t: str(t.shape),
)
def test_other_tables_do_not_look_like_a_distance_matrix(table):
    assert not matrices.looks_like_proximities(table)


def test_keys_differ_if_the_distances_the_names_or_the_title_differ():
    def key(matrix=MATRIX, names=None, title="title", **options):
        return matrices.matrix_data(matrix, names, title, **options).key

    keys = [key(), key(2 * MATRIX), key(names=list("ABC")), key(names=list("ABD")), key(title="other")]
    keys += [key(kind="edit distances"), key(note="A note.")]
    assert len(set(keys)) == len(keys)
    assert key() == key(MATRIX.copy())
    assert key(names=list("ABC")) == key(names=np.array(list("ABC"), dtype=object))


# Words


def words(values, **options):
    return matrices.from_words(pd.Series(values, name="word", **options), "title")


def test_each_distinct_word_is_a_point_and_the_distances_are_edit_distances():
    data = words(["sitting", "kitten", None, " kitten ", "", "mitten"])
    assert data.names_of(np.arange(3)) == ["kitten", "mitten", "sitting"]
    np.testing.assert_array_equal(data.precomputed, [[0, 1, 3], [1, 0, 3], [3, 3, 0]])
    assert data.matrix_name == "edit distances"
    assert data.note.startswith("Each of the 3 distinct values of column word is one point. Goodness of fit")


@pytest.mark.parametrize("options", [dict(dtype="string"), dict(dtype="category"), dict(dtype=object), {}])
def test_text_columns_of_every_type_are_compared(options):
    np.testing.assert_array_equal(words(["ab", None, "b"], **options).precomputed, [[0, 1], [1, 0]])


def test_an_accented_letter_counts_once_whether_it_is_composed_or_not():
    data = words(["été", unicodedata.normalize("NFD", "été"), "ete"])
    np.testing.assert_array_equal(data.precomputed, [[0, 2], [2, 0]])


def test_special_characters_count_like_letters():
    data = words(["<b>", "%{x}", "🙂", "<b"])
    assert data.names_of(np.arange(4)) == ["%{x}", "<b", "<b>", "🙂"]
    np.testing.assert_array_equal(data.precomputed[3], [4, 2, 3, 0])


@pytest.mark.parametrize("values", [[], ["a"], ["a", "a ", None], [None, None]])
def test_fewer_than_two_distinct_words_are_rejected(values):
    with pytest.raises(ValueError, match=r"Column word needs at least two distinct values, but has [01]"):
        words(values, dtype=object)


def test_a_fixed_random_sample_of_too_many_words_is_used_and_stated(monkeypatch):
    monkeypatch.setattr(matrices, "MAX_POINTS_FOR_PROXIMITIES", 50)
    values = [f"word {i}" for i in range(300)]
    data = words(values)
    assert data.precomputed.shape == (50, 50)
    assert data.note.startswith("Random sample of 50 of the 300 distinct values of column word.")
    names = data.names_of(np.arange(50))
    assert names == sorted(names)
    assert set(names) < set(values)
    assert words(values[::-1]).key == data.key


def test_only_the_first_64_characters_of_long_texts_are_compared_and_this_is_stated():
    data = words(["a" * 64 + "x", "a" * 64 + "yz", "b"])
    np.testing.assert_array_equal(data.precomputed, [[0, 0, 64], [0, 0, 64], [64, 64, 0]])
    assert "Of 2 long values only the first 64 characters are compared." in data.note
