"""What a person can bring or choose."""

import numpy as np
import pytest

from pages.shared import datasets


def test_a_csv_is_read_with_its_numeric_columns():
    table = datasets.read_csv(b"a,b,name\n1,2,x\n3,4.5,y\n")
    assert datasets.numeric_columns(table) == ["a", "b"]
    data = datasets.from_table(table, "mine", ["a", "b"], "name")
    np.testing.assert_array_equal(data.points, [[1, 2], [3, 4.5]])
    np.testing.assert_array_equal(data.labels, [0, 1])


@pytest.mark.parametrize(
    ("content", "points"),
    [
        (b"a;b\n1,5;2\n3;4\n", [[1.5, 2], [3, 4]]),
        (b"a;b;c\n1.5;2;x, y\n3;4;z\n", [[1.5, 2], [3, 4]]),
        (b"a\tb\n1.5\t2\n3\t4\n", [[1.5, 2], [3, 4]]),
        (b"\xef\xbb\xbfa,b\r\n1.5,2\r\n3,4\r\n", [[1.5, 2], [3, 4]]),
        ("größe,b\n1.5,2\n3,4\n".encode("latin-1"), [[1.5, 2], [3, 4]]),
        (b'a,"b, quoted"\n1.5,2\n3,4\n', [[1.5, 2], [3, 4]]),
    ],
    ids=["semicolons and decimal commas", "semicolons and decimal points", "tabs", "byte order mark", "latin-1", "quotes"],
)
def test_common_ways_of_writing_a_csv_are_understood(content, points):
    table = datasets.read_csv(content)
    columns = datasets.numeric_columns(table)
    np.testing.assert_array_equal(datasets.from_table(table, "mine", columns).points, points)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "file is empty"),
        (b" \n ", "file is empty"),
        (b"a,b\n", "header but no rows"),
        (b"PK\x03\x04\x00\x00\x00", "not text"),
        (b"a,b\n1,2\n1,2,3\n", "could not be read as a table"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(content, sentence):
    with pytest.raises(ValueError, match=sentence):
        datasets.read_csv(content)


def test_rows_with_gaps_or_infinities_are_left_out_and_keep_their_row_numbers():
    table = datasets.read_csv(b"a,b\n1,2\n,3\ninf,4\n5,6\n")
    data = datasets.from_table(table, "mine", ["a", "b"])
    np.testing.assert_array_equal(data.points, [[1, 2], [5, 6]])
    np.testing.assert_array_equal(data.rows, [1, 4])
    assert "2 of 4 rows" in data.note


def test_a_column_without_any_number_in_a_whole_row_is_refused():
    table = datasets.read_csv(b"a,b\n1,\n,2\n")
    with pytest.raises(ValueError, match="No row has a number in every chosen column"):
        datasets.from_table(table, "mine", ["a", "b"])


def test_standardised_columns_have_mean_zero_and_deviation_one_and_say_so():
    table = datasets.read_csv(b"a,b,c\n1,200,7\n3,100,7\n5,300,7\n")
    data = datasets.from_table(table, "mine", ["a", "b", "c"], standardise=True)
    np.testing.assert_allclose(data.points.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.points.std(axis=0), [1, 1, 0])
    assert data.columns[1] == "b (standardised)"
    assert data.key != datasets.from_table(table, "mine", ["a", "b", "c"]).key


def test_different_choices_have_different_keys():
    table = datasets.read_csv(b"a,b,c\n1,2,3\n3,4,5\n")
    keys = {datasets.from_table(table, "mine", columns).key for columns in (["a"], ["b"], ["a", "b"], ["b", "a"])}
    assert len(keys) == 4


@pytest.mark.parametrize("name", list(datasets.SAMPLES))
def test_every_sample_can_be_drawn_over_the_whole_range_of_its_settings(name):
    sample = datasets.SAMPLES[name]
    for end in ("low", "high"):
        values = {s.name: type(sample.default(s))(getattr(s, end)) for s in sample.settings}
        data = datasets.draw_sample(name, 60, 1, values)
        assert data.points.shape == (60, len(data.columns))
        assert np.isfinite(data.points).all()
        assert len(data.labels) == 60


def test_a_sample_of_the_data_is_the_same_each_time_and_keeps_row_numbers():
    data = datasets.draw_sample("three", 100, 1, {})
    part = data.sample(10)
    np.testing.assert_array_equal(part.points, data.sample(10).points)
    np.testing.assert_array_equal(part.points, data.points[part.rows - 1])
    assert part.key != data.key
