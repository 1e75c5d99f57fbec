"""Tables in JSON are read from each common shape."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.datasets import readers
from tests.core.tables import examples

NUMBERS = pd.DataFrame({"a": [1.5, 2, 3], "b": [2, 4, 6]})
WORDS = NUMBERS.assign(w=["x", "y", "z"])
ORIENTS = ("columns", "split", "index", "table", "values", "records")


def read(value, **changes):
    content = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    format = readers.detect(content, "t.json")
    return readers.read(content, "t.json", readers.replace(format, **changes) if changes else format)


def cells(reading):
    return {name: list(column) for name, column in reading.table.items()}


@pytest.mark.parametrize("labels", [None, ["r1", "r2", "r3"], [30, 10, 20]])
@pytest.mark.parametrize("orient", ORIENTS)
def test_every_shape_that_pandas_writes_is_read(orient, labels):
    frame = WORDS if labels is None else WORDS.set_axis(labels)
    table = read(frame.to_json(orient=orient)).table
    if orient not in ("values", "records") and labels is not None:
        assert list(table.pop("index")) == labels
    table = table.drop(columns="index", errors="ignore")
    expected = WORDS.set_axis(["column 1", "column 2", "column 3"], axis=1) if orient == "values" else WORDS
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


@examples(40)
@given(st.data())
def test_tables_of_numbers_written_by_pandas_are_read_in_every_orientation(data):
    rows, columns = data.draw(st.integers(2, 6)), data.draw(st.integers(1, 4))
    values = st.one_of(st.floats(-1e6, 1e6, width=32), st.none())
    frame = pd.DataFrame({f"x{i}": data.draw(st.lists(values, min_size=rows, max_size=rows)) for i in range(columns)})
    frame = frame.astype(float).fillna(0.5)
    orient = data.draw(st.sampled_from(("columns", "split", "index", "records")))
    table = read(frame.to_json(orient=orient, double_precision=15)).table
    assert list(table) == list(frame)
    np.testing.assert_allclose(table.to_numpy(dtype=float), frame.to_numpy(), rtol=1e-9, atol=1e-12)


def test_objects_in_an_object_without_evidence_can_be_exchanged():
    value = {"a": {"x": 1, "y": 2, "z": 3}, "b": {"x": 4, "y": 5, "z": 6}}
    reading = read(value)
    assert cells(reading) == {"index": ["x", "y", "z"], "a": [1, 2, 3], "b": [4, 5, 6]}
    (doubt,) = reading.doubts
    assert doubt.sentence == "Each inner object is read as a column."
    other = read(value, **dict(doubt.changes))
    assert cells(other) == {"index": ["a", "b"], "x": [1, 4], "y": [2, 5], "z": [3, 6]}
    assert other.doubts[0].changes == (("transposed", False),)
    assert read(WORDS.set_axis(["r", "s", "t"]).to_json()).doubts == ()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"data": [{"a": 1}, {"a": 2}]}, "data"),
        ({"data": [{"a": 1}, {"a": 2}], "total": 2, "next": None}, "data"),
        ({"status": "ok", "result": {"rows": [{"a": 1}, {"a": 2}]}}, "result.rows"),
        ({"meta": "x", "table": {"a": [1, 2]}}, "table"),
    ],
)
def test_a_table_inside_of_an_object_is_found_and_its_place_is_reported(value, path):
    reading = read(value)
    assert cells(reading) == {"a": [1, 2]}
    assert reading.notes == (f"The table was found in “{path}”.",)


def test_a_list_of_lists_is_read_with_and_without_names():
    assert cells(read([[1, 2], [3, 4]])) == {"column 1": [1, 3], "column 2": [2, 4]}
    assert cells(read([["a", "b"], [1, 2], [3, 4]])) == {"a": [1, 3], "b": [2, 4]}
    assert cells(read([["a", "b"], [1, 2], [3, 4]], header=0))["column 1"] == ["a", "1", "3"]
    short = read([[1, 2], [3], [4, 5]]).table
    np.testing.assert_array_equal(short["column 2"], [2, np.nan, 5])


def test_nested_values_get_dotted_names():
    rows = [{"a": 1, "p": {"x": 1, "q": {"z": "u"}}}, {"a": 2, "p": {"x": 3, "q": {"z": "v"}}}]
    assert cells(read(rows)) == {"a": [1, 2], "p.x": [1, 3], "p.q.z": ["u", "v"]}
    assert cells(read({"a": [1, 2], "p": [[1, 2], [3, 4]]})) == {"a": [1, 2], "p.1": [1, 3], "p.2": [2, 4]}
    mixed = read([{"a": 1, "p": 5}, {"a": 2, "p": {"x": 3}}]).table
    np.testing.assert_array_equal(mixed[["p", "p.x"]], [[5, np.nan], [np.nan, 3]])


def test_features_of_a_map_are_read():
    features = [{"properties": {"n": i}, "geometry": {"coordinates": [i, 2 * i]}} for i in (1, 2)]
    table = cells(read({"type": "FeatureCollection", "features": features}))
    assert table == {"properties.n": [1, 2], "geometry.coordinates.1": [1, 2], "geometry.coordinates.2": [2, 4]}


def test_lists_of_different_lengths_are_left_out_and_named():
    reading = read([{"a": 1, "tags": ["x"], "p": {"q": [1]}}, {"a": 2, "tags": ["x", "y"], "p": {"q": []}}])
    assert cells(reading) == {"a": [1, 2]}
    assert reading.notes == ("Left out, because they contain lists or objects: tags, p.q.",)


def test_many_columns_that_are_left_out_are_counted():
    reading = read([{"a": i} | {f"x{j}": [0] * i for j in range(15)} for i in (1, 2)])
    assert reading.notes[0].endswith("x11 and 3 more.")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"columns": ["a"], "data": [[1, 2], [3, 4]]}, "number of column names in this JSON file differs"),
        ([1, {"a": 2}], "not a table"),
        ({"a": 1, "b": 2}, "only one row"),
        ([[], []], "not a table"),
        (json.loads('{"a":' * 500 + "1" + "}" * 500), "not a table|only one row"),
        ([json.loads('{"a":' * 500 + "1" + "}" * 500)] * 2, "contains lists or objects"),
    ],
)
def test_other_json_is_rejected_with_a_sentence(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        read(value)


def test_nested_objects_that_would_have_too_many_cells_are_rejected(monkeypatch):
    monkeypatch.setattr(readers.limits, "MAX_CELLS", 50)
    with pytest.raises(ValueError, match="exceeds the limit of 50 cells"):
        read([{"a": {f"x{i}{j}": 1 for j in range(5)}} for i in range(5)])


@pytest.mark.parametrize("text", ['[{"a": 1, "b": 2}, {"a": 3, "b": 4}]', "[[1, 2],\n [3, 4]]", '{"a": [1, 3], "b": [2, 4]}'])
def test_json_is_recognized_under_every_name(text):
    for name in ("pasted.csv", "a.tsv", "a"):
        reading = readers.read(text.encode(), name)
        assert reading.format.kind == "json"
        assert reading.table.to_numpy().tolist() == [[1, 2], [3, 4]]
    assert readers.read(b'{"a","b"\n1,2\n3,4\n', "a.csv").format.kind == "text"


@pytest.mark.parametrize("rows", ["rows", "values", "data"])
def test_names_and_rows_may_be_separate_lists_among_other_properties(rows):
    reading = read({"database": "d", "columns": ["x", "y"], "primary_keys": [], rows: [[1, 2], [3, 4]]})
    assert cells(reading) == {"x": [1, 3], "y": [2, 4]}
