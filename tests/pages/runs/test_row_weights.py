"""Weights of rows from the table to the exports of a run, compared with tables that repeat rows."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clustering import GaussianMixture, KMeans, WeightedPoints, fit
from pages.choose_k.sweep import Sweep
from pages.compare.comparison import make_comparison
from pages.compare.scores import notes, scores
from pages.datasets.cleaning import Preparation, prepare
from pages.datasets.data import SourceFile
from pages.datasets.opened import open_here
from pages.datasets.planes import column_plane
from pages.export import files, scripts
from pages.export.pipeline import pipeline
from pages.hierarchy.cut import cut_run
from pages.methods import method, methods
from pages.methods.base import NoScript
from pages.methods.starts import ManualStart
from pages.methods.trees import build_tree
from pages.mixture.bootstrap import Bootstrap
from pages.mixture.density import MarginalDensities
from pages.runs import readings
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.pictures import alt_text
from pages.runs.run import make_run
from pages.runs.segments import segments_of

WEIGHTED = [name for name, view in methods().items() if view.traits.weights]


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(n, 2)) + 5 * rng.integers(0, 3, size=(n, 1))
    return pd.DataFrame({"x": points[:, 0], "count": rng.integers(0, 4, n), "y": points[:, 1]})


START = ManualStart(((0.0, 0.0), (5.0, 5.0), (10.0, 10.0)))


def data_of(frame=None, **options):
    return prepare(table() if frame is None else frame, "title", Preparation(("x", "y"), **{"weight": "count"} | options))


def repeated():
    frame = table()
    return data_of(frame.loc[frame.index.repeat(frame["count"])], weight=None)


def run_of(name, data=None, start=START, **options):
    data = data_of() if data is None else data
    settings = method(name).settings(3, start if name in WEIGHTED else None, data=data, **options)
    return make_run(data, settings, RecentCache(), lambda state: None)


@pytest.mark.parametrize("name", WEIGHTED)
def test_a_run_equals_that_of_a_table_that_repeats_rows(name):
    run, other = run_of(name), run_of(name, repeated())
    assert len(run.history) == len(other.history) > 1
    np.testing.assert_allclose(run.history.losses, other.history.losses, rtol=1e-9)
    np.testing.assert_allclose(run.sizes, other.sizes)
    assert run.total_text == other.total_text
    last = len(run.history.states) - 1
    ours, theirs = (readings.cluster_texts(each, last, last, 2, False) for each in (run, other))
    assert [float(row[0].replace(",", "")) for row in ours] == pytest.approx(
        [float(row[0].replace(",", "")) for row in theirs], abs=0.05
    )
    assert [row[1:] for row in ours] == [row[1:] for row in theirs]


def test_information_criteria_equal_those_of_a_table_that_repeats_rows():
    run, other = run_of("mixture"), run_of("mixture", repeated())
    assert [score.text for score in run.view.scores(run)] == [score.text for score in other.view.scores(other)]
    ours, theirs = (each.view.criteria(each.history.process, each.history.last, each.data) for each in (run, other))
    assert ours == pytest.approx(theirs)
    assert "n = " in run.view.scores(run)[1].help
    assert "n = " not in other.view.scores(other)[1].help


def test_relative_weights_count_as_rows_in_information_criteria():
    frame = table()
    frame["count"] = frame["count"] / 7
    assert data_of(frame).observations == np.count_nonzero(frame["count"])
    assert data_of().observations == table()["count"].sum()
    assert data_of(weight=None).observations == len(frame)


@pytest.mark.parametrize("name", [name for name, view in methods().items() if "points" in view.traits.data])
def test_every_run_says_whether_weights_are_used(name):
    view = method(name)
    run = run_of(name)
    said = f"{view.title} ignores the weights of rows in column count."
    assert (said in run.note) == (not view.traits.weights)
    assert ("Rows count with the weights in column count" in run.note) == view.traits.weights
    assert "weights" not in run_of(name, data_of(weight=None)).note
    assert (run.weights is not None) == view.traits.weights
    settings = run.settings
    plain = make_run(run.data.without_row_weights, settings, RecentCache(), lambda state: None)
    # with these weights, every such method finds other clusters or sizes
    same = np.array_equal(plain.labels, run.labels) and np.allclose(plain.sizes, run.sizes)
    assert same == (not view.traits.weights)


@pytest.mark.parametrize("name", WEIGHTED)
def test_exports_have_the_weights_and_their_sums(name):
    run = run_of(name)
    rows = list(csv.DictReader(io.StringIO(files.assignments_csv(run).decode("utf-8-sig"))))
    assert [float(row["weight"]) for row in rows] == run.data.row_weights.tolist()
    clusters = list(csv.DictReader(io.StringIO(files.parameters_csv(run).decode("utf-8-sig"))))
    assert sum(float(row["sum_of_weights"]) for row in clusters) == pytest.approx(run.data.row_weights.sum())
    content = json.loads(files.parameters_json(run))
    assert content["weights"] == {"column": "count", "used": True}
    assert sum(one["sum_of_weights"] for one in content["clusters"]) == pytest.approx(run.data.row_weights.sum())
    with np.load(io.BytesIO(files.history_npz(run))) as arrays:
        np.testing.assert_array_equal(arrays["row_weights"], run.data.row_weights)
    assert "sum of weights" in alt_text(run, frames_of(run)[0][-1])


def test_exports_of_methods_that_ignore_weights_say_so_and_count_rows():
    run = run_of("fuzzy")
    assert json.loads(files.parameters_json(run))["weights"] == {"column": "count", "used": False}
    assert "size" in files.parameters_csv(run).decode("utf-8-sig").splitlines()[0].split(",")


def executed(code, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    exec(compile(code, "script", "exec"), names)
    return names


@pytest.mark.parametrize("name", WEIGHTED)
def test_the_script_repeats_the_run(name, tmp_path, monkeypatch):
    run = run_of(name)
    (tmp_path / scripts.TABLE).write_bytes(files.assignments_csv(run))
    found = executed(scripts.with_clustering(run), tmp_path, monkeypatch)
    np.testing.assert_array_equal(found["labels"], run.labels)
    assert found["state"].loss == pytest.approx(run.history.losses[-1])


def test_the_scikit_learn_script_uses_sample_weight(tmp_path, monkeypatch):
    run = run_of("kmeans")
    (tmp_path / scripts.TABLE).write_bytes(files.assignments_csv(run))
    found = executed(scripts.with_scikit_learn(run), tmp_path, monkeypatch)
    np.testing.assert_array_equal(found["labels"], run.labels)
    assert found["loss"] == pytest.approx(run.history.losses[-1])
    with pytest.raises(NoScript, match="scikit-learn's GaussianMixture has no weights of rows"):
        scripts.with_scikit_learn(run_of("mixture"))


def test_the_script_of_the_whole_pipeline_reads_the_weights(tmp_path, monkeypatch):
    frame = table()
    frame.loc[3, "x"] = np.nan
    content = frame.to_csv(index=False).encode()
    opened = open_here(content, "table.csv", None)
    data = data_of(opened.reading.table)
    file = SourceFile("table.csv", opened.format, opened.reading.notes, opened.reading.start)
    data = replace(data, origin=replace(data.origin, file=file))
    run = run_of("kmeans", data)
    (tmp_path / "table.csv").write_bytes(content)
    found = executed(pipeline(segments_of(run), "rows.csv"), tmp_path, monkeypatch)
    np.testing.assert_array_equal(found["weights"], data.row_weights)
    np.testing.assert_array_equal(found["labels"], run.labels)


def test_a_part_of_the_rows_keeps_their_weights():
    data = data_of()
    np.testing.assert_array_equal(data.subset(np.array([5, 2])).row_weights, data.row_weights[[5, 2]])


def test_data_with_other_weights_have_another_key():
    frame = table()
    frame["other"] = frame["count"] + 1.0
    keys = {data_of(frame, weight=weight).key for weight in (None, "count", "other")}
    assert len(keys) == 3


def test_choose_k_says_that_it_ignores_weights_and_does():
    sweep = Sweep.of(data_of(), method("mixture").settings(3), 3, 2)
    assert sweep.note == "This page ignores the weights of rows in column count."
    assert sweep.data.row_weights is None
    assert not Sweep.of(data_of(weight=None), method("mixture").settings(3), 3, 2).note


def test_the_bootstrap_draws_rows_with_their_weights():
    run = run_of("mixture")
    rows = np.random.default_rng([run.settings.seed, 0]).integers(60, size=60)
    data = WeightedPoints(run.data.points[rows], run.data.row_weights[rows])
    expected = fit(GaussianMixture(3), data, start=run.history.parameters[-1], tol=1e-9, max_iter=2000).parameters
    job = Bootstrap(run, 1)
    np.testing.assert_allclose(job.run_task(0, lambda _: None).means, expected.means)


@pytest.mark.parametrize(
    ("names", "mixed"), [(("kmeans", "fuzzy"), True), (("kmeans", "kmeans"), False), (("fuzzy",) * 2, False)]
)
def test_a_comparison_says_if_only_some_methods_use_weights(names, mixed):
    panels = [method(name).settings(3) for name in names]
    options = dict(shared=[False, False], k=3, initialization="random")
    comparison = make_comparison(data_of(), panels, RecentCache(), lambda i, state: None, **options)
    text = " ".join(notes(comparison, scores(comparison)))
    assert ("cannot be compared with those of algorithms that ignore them" in text) == mixed


def test_the_histograms_beside_a_mixture_are_weighted():
    run, other = run_of("mixture"), run_of("mixture", repeated())
    plane = column_plane(run.data.columns, 0, 1)
    ours, theirs = (MarginalDensities(each, plane, (-3.0, 13.0, -3.0, 13.0)) for each in (run, other))
    np.testing.assert_allclose(ours.bars[0][0], theirs.bars[0][0])


def test_the_cut_of_a_tree_says_that_weights_are_ignored():
    data = data_of()
    run = cut_run(build_tree(data, "average", "euclidean", RecentCache()), 3)
    assert run.note == "Hierarchical clustering ignores the weights of rows in column count."


def test_the_test_of_means_refuses_weights():
    settings = method("kmeans").settings(3, "random")
    run = make_run(data_of(), settings, RecentCache(), lambda state: None)
    with pytest.raises(ValueError, match="The test does not account for weights of rows"):
        run.view.mean_test(run)


def test_formulas_have_weights_only_if_rows_have():
    for name, sign in (("kmeans", "the weight w of its row"), ("mixture", "multiplied by the weight of row n")):
        run = run_of(name)
        assert any(sign in formula.note for formula in run.view.formulas(run, 0, 0))
        run = run_of(name, data_of(weight=None))
        assert not any(sign in formula.note for formula in run.view.formulas(run, 0, 0))


def test_k_means_of_the_app_equals_that_of_the_package():
    run = run_of("kmeans")
    expected = fit(KMeans(3), WeightedPoints(run.data.points, run.data.row_weights), start=np.array(START.centers))
    assert run.history.losses[-1] == expected.loss
