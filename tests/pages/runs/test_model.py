"""Models: the rule for new rows, with JSON in between, against the run itself, pandas and hand-made tables."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages.datasets.cleaning import MISSING_OPTIONS, Preparation, prepare
from pages.datasets.data import SourceFile
from pages.datasets.readers import Format
from pages.methods import method
from pages.runs import model_file
from pages.runs.cache import RecentCache
from pages.runs.model import model_of
from pages.runs.model_file import from_json, to_json
from pages.runs.new_rows import assign
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from tests.pages.checks import proximities

FEATURES = ("joined", "age", "income", "plan", "region")


def customers(n: int = 90, seed: int = 0) -> pd.DataFrame:
    """Rows in three groups, with gaps in every column but the first."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    table = pd.DataFrame(
        {
            "joined": pd.Timestamp("2024-01-01") + pd.to_timedelta(100 * group + rng.integers(0, 9, n), unit="D"),
            "age": 20.0 + 20 * group + rng.integers(0, 5, n),
            "income": 1e4 * (group + 1) + rng.normal(0, 500, n),
            "plan": np.where(rng.random(n) < 0.2 + 0.3 * group, "pro", "free"),
            "region": np.array(["north", "south", "west"])[(group + (rng.random(n) < 0.1)) % 3],
            "comment": "x",
        }
    )
    for column, row in (("age", 4), ("income", 7), ("plan", 10), ("region", 13)):
        table[column] = table[column].astype(object if column in ("plan", "region") else float)
        table.loc[row, column] = None
    return table


def segments(name="kmeans", table=None, k=3, edits=(), columns=FEATURES, missing="drop", scaling="standardize", **options):
    data = prepare(
        customers() if table is None else table, "Customers", Preparation(columns, missing=missing, scaling=scaling)
    )
    run = make_run(data, method(name).settings(k, seed=2, data=data, **options), RecentCache(), lambda state: None)
    return segments_of(run, edits)


def restored(found):
    """The model after writing and reading its file."""
    return from_json(to_json(model_of(found)))


@pytest.mark.parametrize("missing", MISSING_OPTIONS)
@pytest.mark.parametrize("scaling", ["none", "standardize", "range", "robust"])
@pytest.mark.parametrize("metric", ["gower", "manhattan", "correlation"])
def test_the_old_rows_are_cleaned_scaled_and_assigned_as_in_the_run(missing, scaling, metric):
    found = segments("kmedoids", missing=missing, scaling=scaling, metric=metric)
    rows = assign(restored(found), found.data.origin.table)
    assert rows.labels[found.data.rows - 1].tolist() == found.labels.tolist()
    dropped = np.setdiff1d(np.arange(90), found.data.rows - 1)
    assert dropped.tolist() == ([4, 7, 10, 13] if missing == "drop" else [])
    assert rows.reasons[dropped].tolist() == [f"no value in {name}" for name in FEATURES[1:]][: len(dropped)]


def test_new_rows_do_not_change_how_they_are_scaled_or_filled():
    found = segments(missing="median")
    model, table = model_of(found), customers()
    together = assign(model, table)
    for row in (0, 4, 10, 50):
        alone = assign(model, table.iloc[[row]])
        assert alone.labels[0] == together.labels[row]
        assert alone.distances[0] == together.distances[row]
    median = table["age"].median()
    filled = assign(model, table.iloc[[4]].assign(age=median))
    assert filled.distances[0] == together.distances[4]


def test_probabilistic_pca_imputes_new_rows_as_old_ones():
    found = segments(columns=("age", "income", "joined"), missing="ppca")
    model = restored(found)
    numbers = found.data.origin.table[["age", "income"]].assign(
        joined=lambda t: (customers()["joined"] - pd.Timestamp(0)) / pd.Timedelta("1D")
    )
    points = model.encode(model.imputation.complete(numbers.to_numpy(float)), np.empty((90, 0), int)).points
    assert found.data.imputed.any()
    assert np.allclose(points, found.data.points, atol=1e-9)


def test_one_percent_of_the_old_rows_are_unlike_all_segments():
    table = pd.DataFrame({"x": np.arange(1000.0) ** 1.5})
    found = segments(table=table, columns=("x",), k=1)
    rows = assign(model_of(found), table)
    assert rows.unlike.sum() == 10
    far = assign(model_of(found), pd.DataFrame({"x": [1e9, table["x"].mean()]}))
    assert far.unlike.tolist() == [True, False]
    assert far.distances[0] == pytest.approx((1e9 - table["x"].mean()) / table["x"].std(ddof=0))


def test_distances_to_a_component_are_mahalanobis_distances():
    found = segments("mixture", columns=("age", "income"))
    rows, mixture = assign(restored(found), customers()), found.run.history.parameters[-1]
    kept = found.data.rows - 1
    for point, label, distance in zip(found.data.points, found.run.labels, rows.distances[kept], strict=True):
        away = point - mixture.means[label]
        assert distance == pytest.approx(np.sqrt(away @ np.linalg.inv(mixture.covariances[label]) @ away), rel=1e-6)


def test_edited_segments_and_methods_without_a_rule_use_the_nearest_mean():
    edited = segments(edits=(Edit("merge", (0, 2)), Edit("rename", (1,), name="others")))
    tree = segments("tree", linkage="single")
    for found, reason in ((edited, "the segments were edited"), (tree, "the method has no rule for new rows")):
        model = restored(found)
        means = np.array([found.data.points[found.labels == i].mean(axis=0) for i in range(found.k)])
        nearest = np.linalg.norm(found.data.points[:, None] - means, axis=2).argmin(axis=1)
        assert assign(model, found.data.origin.table).labels[found.data.rows - 1].tolist() == nearest.tolist()
        assert reason in model.rule
        assert model.agreement == (nearest == found.labels).mean()
    assert restored(edited).names == ("Segment 1", "others")


def test_names_colors_and_reading_are_part_of_the_model():
    found = segments(edits=(Edit("rename", (0,), name="Größte <b>"),))
    file = SourceFile("a.csv", Format("text", missing=("-999",), ignore_case=True, dates="dmy"))
    data = replace(found.data, origin=replace(found.data.origin, file=file))
    model = restored(replace(found, run=replace(found.run, data=data)))
    assert model.names[0] == "Größte <b>"
    assert (model.ranks, model.sizes) == (found.ranks, tuple(found.sizes))
    assert (model.missing_marks, model.ignore_case, model.dates) == (("-999",), True, "dmy")
    table = customers().assign(region=customers()["region"].str.upper())
    assert assign(model, table).labels[found.data.rows - 1].tolist() == found.labels.tolist()
    assert set(assign(replace(model, ignore_case=False), table).left_out) >= {("unknown category “WEST” in region", 29)}


def test_rows_are_left_out_with_a_reason():
    model = model_of(segments())
    new = (
        customers()
        .iloc[:6]
        .assign(region=["north", "mars", None, "south", "mars", "west"], age=[20.0, 40.0, 60.0, 1e150, 20.0, np.inf])
    )
    rows = assign(model, new)
    assert rows.labels[0] >= 0
    assert rows.reasons.tolist() == [
        "",
        "unknown category “mars” in region",
        "no value in region",
        "too large a number in age",
        "unknown category “mars” in region",
        "no value in age",
    ]
    assert rows.left_out[0] == ("unknown category “mars” in region", 2)
    assert rows.sizes.sum() == 1
    assert rows.result["left out because"].tolist() == rows.reasons.tolist()
    assert rows.result["segment"].tolist() == [model.names[rows.labels[0]], *[""] * 5]


def test_a_metric_that_is_undefined_for_a_row_leaves_it_out():
    table = pd.DataFrame({"a": [1.0, 2, 3, 9, 8, 7], "b": [9.0, 8, 7, 1, 2, 3]})
    found = segments("kmedoids", table, 2, columns=("a", "b"), scaling="none", metric="cosine")
    rows = assign(restored(found), pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 5.0]}))
    assert rows.reasons.tolist() == ["its distance to the segments is undefined", ""]


def test_missing_and_changed_columns_are_named():
    model = model_of(segments())
    with pytest.raises(ValueError, match=re.escape("This table lacks the columns joined, plan, by which")):
        assign(model, customers().drop(columns=["joined", "plan"]))
    with pytest.raises(ValueError, match=r"Column age held numbers when .* but holds text"):
        assign(model, customers().assign(age="old"))
    with pytest.raises(ValueError, match=r"Column joined held dates when .* but holds numbers"):
        assign(model, customers().assign(joined=3.0))


def test_a_distance_matrix_has_no_model():
    run = make_run(proximities(), method("kmedoids").settings(3, data=proximities()), RecentCache(), lambda state: None)
    with pytest.raises(ValueError, match="distance matrix"):
        model_of(segments_of(run))


def test_equal_rows_do_not_drift():
    for drift in assign(model_of(segments(missing="median")), customers()).drifts:
        assert (drift.change, drift.stability, drift.is_clear) == (pytest.approx(0, abs=1e-12), pytest.approx(0), False)
        assert drift.missing == pytest.approx(drift.feature.missing)


def test_drift_is_measured_in_standard_deviations_and_shares():
    model, old = model_of(segments()), customers()
    new = pd.concat([old] * 4).assign(age=lambda t: t["age"] + 8)
    new.loc[new["region"] == "north", "region"] = "south"
    rows = assign(model, new)
    age, region = (next(d for d in rows.drifts if d.feature.name == name) for name in ("age", "region"))
    kept = old.dropna()
    assert age.change == pytest.approx((new["age"].mean() - kept["age"].mean()) / kept["age"].std(ddof=0))
    assert (
        age.sentence
        == f"age has risen from {kept['age'].mean():.3g} to {new['age'].mean():.3g} on average ({age.change:.2f} SD)."
    )
    shares = (kept["region"].value_counts(normalize=True), new["region"].value_counts(normalize=True))
    change = shares[1].reindex(shares[0].index, fill_value=0) - shares[0]
    assert region.change == pytest.approx(change["south"])
    assert abs(change).max() == change["south"]
    assert region.sentence == f"The share of region = south has risen from {region.old:.0%} to {region.new:.0%}."
    assert {drift.feature.name for drift in rows.drifts if drift.is_clear} == {"region", "age"}


def test_the_population_stability_index_of_two_shares():
    table = pd.DataFrame({"x": np.arange(100.0), "c": ["a", "b"] * 50})
    model = model_of(segments(table=table, columns=("x", "c"), k=2))
    new = table.assign(c=["a"] * 80 + ["b"] * 20, x=np.repeat([5.0, 95.0], 50))
    by_name = {drift.feature.name: drift for drift in assign(model, new).drifts}
    assert by_name["c"].stability == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))
    floor = 1e-4
    assert by_name["x"].stability == pytest.approx(2 * 0.4 * np.log(5) + 8 * (floor - 0.1) * np.log(floor / 0.1))


def test_a_small_change_in_few_rows_is_no_clear_drift():
    model, new = model_of(segments()), customers().iloc[:9]
    assert not any(d.is_clear for d in assign(model, new.assign(age=new["age"] + 5)).drifts)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_a_damaged_file_gives_a_sentence_or_a_model_that_works(data):
    content = json.loads(to_json(MODEL))
    entry = data.draw(st.sampled_from(sorted(content)))
    junk = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3))
    value = data.draw(st.recursive(junk, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one)))
    content[entry] = value
    model, error = outcome(lambda: from_json(json.dumps(content).encode()))
    if model is not None:
        _, error = outcome(lambda: assign(model, customers()))
    assert re.fullmatch(r"(This .*[.])?", error)


def outcome(function):
    """The result, or None and the message of a ValueError."""
    try:
        return function(), ""
    except ValueError as error:
        return None, str(error)


MODEL = model_of(segments("kmedoids", metric="gower", missing="median"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe", "This file is not a model: it is not valid JSON."),
        (b"[" * 100_000, "This file is not a model: it is not valid JSON."),
        (b'{"kind": NaN}', "This file is not a model: it is not valid JSON."),
        (b"[1, 2]", "This file is not a model: save one on the Segments page, under Export."),
        (b'{"a": 1}', "This file is not a model: save one on the Segments page, under Export."),
        (b'{"kind": "clustering model", "version": 2}', "This model has the version 2, but only version 1 can be read."),
        (
            b'{"kind": "clustering model", "version": 1}',
            "This model file is damaged: its entry “method” is missing or invalid.",
        ),
    ],
)
def test_files_that_are_no_model_are_refused_in_one_sentence(content, sentence):
    with pytest.raises(ValueError, match="This") as caught:
        from_json(content)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("change", "entry"),
    [
        (lambda c: c.update(method="pca"), "method"),
        (lambda c: c.update(method="__class__"), "method"),
        (lambda c: c["options"].update(metric="evil"), "metric"),
        (lambda c: c.update(k=True), "k"),
        (lambda c: c["scale"].__setitem__(0, 0), "scale"),
        (lambda c: c["shift"].append(1.0), "shift"),
        (lambda c: c["columns"][0].update(edges=[2, 1]), "columns"),
        (lambda c: c["columns"][0].update(fill=None), "fill"),
        (lambda c: c["columns"][0].update(mean=1e12), "mean"),
        (lambda c: c["segment_of_parameters"].__setitem__(0, 7), "segment_of_parameters"),
        (lambda c: c["parameters"].update(medoids="0"), "parameters"),
        (lambda c: c["segments"].clear(), "segments"),
    ],
)
def test_a_damaged_entry_is_named(change, entry):
    content = json.loads(to_json(MODEL))
    change(content)
    with pytest.raises(ValueError, match=f"its entry “{entry}” is missing or invalid"):
        from_json(json.dumps(content).encode())


def test_parameters_of_another_table_are_refused():
    content = json.loads(to_json(MODEL))
    content["parameters"]["medoids"] = [row[:-1] for row in content["parameters"]["medoids"]]
    with pytest.raises(ValueError, match="do not fit its columns"):
        from_json(json.dumps(content).encode())


def test_large_files_are_refused(monkeypatch):
    monkeypatch.setattr(model_file, "MAX_JSON_BYTES", 2**20)
    with pytest.raises(ValueError, match="larger than the limit of 1 MB"):
        from_json(b" " * (2**20 + 1))
