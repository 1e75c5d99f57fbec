"""What can be taken away of a run: read back, and scripts run and compared with the run."""

import csv
import io
import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from pages.datasets import catalog
from pages.datasets.data import GIVEN
from pages.export import files, scripts
from pages.methods.trees import Merging
from pages.runs.run import Recent, Settings, make_run


def sample(name="three", n=120, seed=3):
    values = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, seed, values)


def run_of(data=None, **settings):
    return make_run(data or sample(), Settings(**settings), Recent(), lambda _: None)


def rows_of(table):
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))


# tables


@pytest.mark.parametrize("algorithm", ["kmeans", "kmedoids", "mixture", "tree"])
def test_the_assignments_have_the_columns_to_the_last_digit_and_the_numbers_of_the_screen(algorithm):
    run = run_of(algorithm=algorithm)
    headers, *rows = rows_of(files.assignments(run))
    assert headers[:4] == ["row", "x1", "x2", "cluster"]
    np.testing.assert_array_equal(np.array([row[1:3] for row in rows], dtype=float), run.data.points)
    assert [int(row[3]) for row in rows] == (run.ranks[run.history.last.labels] + 1).tolist()
    if algorithm == "mixture":
        shares = np.array([row[4:] for row in rows], dtype=float)
        np.testing.assert_array_equal(shares, run.history.last.assignment.responsibilities[:, np.argsort(run.ranks)])
        assert (shares.argmax(axis=1) + 1).tolist() == [int(row[3]) for row in rows]
    else:
        assert len(headers) == 4


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+A1", "'+A1"),
        ("-A1", "'-A1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("-1.5", "-1.5"),
        ("+2e-7", "+2e-7"),
        ("plain = text", "plain = text"),
    ],
)
def test_what_a_spreadsheet_would_run_as_a_formula_is_made_harmless(cell, shown):
    data = replace(sample(n=3), names=np.array([cell, "b", "c"]), columns=(cell, "x2"))
    run = run_of(data, k=1)
    headers, first, *_ = rows_of(files.assignments(run))
    assert headers[2] == shown
    assert first[1] == shown


def test_proximities_have_names_and_no_columns_that_they_were_never_made_of():
    given = np.abs(np.subtract.outer([0.0, 1.0, 5.0, 6.0], [0.0, 1.0, 5.0, 6.0]))
    data = replace(sample(n=4), given=given, given_name="proximities", names=np.array(list("abcd")))
    run = run_of(data, algorithm="kmedoids", k=2, start="build", metric=GIVEN)
    headers, *rows = rows_of(files.assignments(run))
    assert headers == ["row", "name", "cluster"]
    assert [row[1] for row in rows] == list("abcd")
    headers, *rows = rows_of(files.parameters_table(run))
    assert headers == ["cluster", "size", "medoid_row", "medoid"]
    assert [row[1] for row in rows] == ["2", "2"]
    assert np.load(io.BytesIO(files.history(run)))["points"].tolist() == given.tolist()
    with pytest.raises(scripts.NoScript, match="given"):
        scripts.with_clustering(run)


def test_the_parameters_of_a_mixture_are_those_of_the_screen_in_its_order():
    run = run_of(algorithm="mixture")
    headers, *rows = rows_of(files.parameters_table(run))
    assert headers[:5] == ["cluster", "size", "weight", "mean_x1", "mean_x2"]
    order, found = np.argsort(run.ranks), run.history.parameters[-1]
    table = np.array(rows, dtype=float)
    np.testing.assert_array_equal(table[:, 2], found.weights[order])
    np.testing.assert_array_equal(table[:, 3:5], found.means[order])
    np.testing.assert_array_equal(table[:, 5:], found.covariances[order].reshape(3, 4))
    told = json.loads(files.parameters_json(run))
    assert told["means"] == found.means[order].tolist()
    assert told["loss"] == run.history.losses[-1]
    assert told["seed"] == run.settings.seed


@pytest.mark.parametrize("algorithm", ["kmeans", "kmedoids", "mixture"])
def test_the_history_loads_without_pickle_and_has_every_state(algorithm):
    run = run_of(algorithm=algorithm)
    arrays = np.load(io.BytesIO(files.history(run)), allow_pickle=False)
    states = len(run.history)
    np.testing.assert_array_equal(arrays["losses"], run.history.losses)
    assert len(arrays["half_losses"]) == states - 1
    assert arrays["sizes"].shape == (states, 3)
    names = {"kmeans": ["centers"], "kmedoids": ["medoids"], "mixture": ["weights", "means", "covariances"]}[algorithm]
    assert all(len(arrays[name]) == states for name in names)
    np.testing.assert_array_equal(arrays["numbers"][arrays["labels"]], run.ranks[run.history.last.labels] + 1)


# scripts


def executed(code, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scikit-learn
        exec(compile(code, "script", "exec"), names)
    return names


SETTINGS = [
    dict(),
    dict(start="k-means++", seed=7, k=4),
    dict(start="tree", merging=Merging("single")),
    dict(start="hand", centers=((-1.0, 0.0), (0.0, 1.0), (2.0, 0.0))),
    dict(algorithm="kmedoids", update="swap", metric="manhattan"),
    dict(algorithm="kmedoids", start="tree"),
    dict(algorithm="mixture", seed=4),
    dict(algorithm="mixture", covariance="tied", start="k-means"),
    dict(algorithm="mixture", covariance="diagonal", start="tree"),
    dict(algorithm="mixture", covariance="spherical", start="maxmin", k=2),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", ["three", "rings", "table"])
def test_scripts_repeat_exactly_this_run(name, settings, tmp_path, monkeypatch, capsys):
    data = sample() if name == "table" else sample(name)
    if name == "table":  # which a script reads, because it cannot draw it
        data = replace(data, key="file/1", names=np.array(["a", 'b, "c"', "=d"] * 40))
        (tmp_path / scripts.TABLE).write_bytes(files.assignments(run_of(data, **settings)))
    run = run_of(data, **settings)
    ours = executed(scripts.with_clustering(run), tmp_path, monkeypatch)
    assert ours["step"].loss == run.history.losses[-1]
    np.testing.assert_array_equal(ours["labels"], run.history.last.labels)
    if run.settings.algorithm == "kmedoids":
        with pytest.raises(scripts.NoScript, match="no K-medoids"):
            scripts.with_scikit_learn(run)
        return
    peer = executed(scripts.with_scikit_learn(run), tmp_path, monkeypatch)
    assert peer["loss"] == pytest.approx(run.history.losses[-1], rel=1e-6)
    np.testing.assert_array_equal(peer["labels"], run.history.last.labels)
    assert str(peer["loss"]) in capsys.readouterr().out.replace("np.float64(", "").replace(")", "")


@pytest.mark.parametrize(
    "merging", [Merging(), Merging("single"), Merging("average", "manhattan"), Merging("complete", "cosine")], ids=str
)
def test_scripts_of_trees_leave_the_same_groups(merging, tmp_path, monkeypatch):
    run = run_of(algorithm="tree", merging=merging)
    ours = executed(scripts.with_clustering(run), tmp_path, monkeypatch)
    np.testing.assert_array_equal(ours["labels"], run.history.last.labels)
    peer = executed(scripts.with_scikit_learn(run), tmp_path, monkeypatch)
    assert len(set(zip(peer["labels"].tolist(), run.history.last.labels.tolist(), strict=True))) == 3


@pytest.mark.parametrize(
    ("merging", "sentence"),
    [
        (Merging("median"), "no median linkage"),
        (Merging("ward", "manhattan"), "Ward linkage for Euclidean"),
        (Merging("single", "chebyshev"), "no trees by chebyshev"),
    ],
)
def test_what_scikit_learn_does_not_have_is_said(merging, sentence):
    with pytest.raises(scripts.NoScript, match=sentence):
        scripts.with_scikit_learn(run_of(algorithm="tree", merging=merging))
