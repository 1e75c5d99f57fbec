"""Exports of a run: files are read back, scripts are executed and compared with the run."""

import csv
import io
import json
import warnings
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import subspace_angles

from pages.datasets import catalog, cleaning
from pages.datasets.cleaning import Preparation
from pages.datasets.data import POINTS, PRECOMPUTED
from pages.export import files, scripts
from pages.methods import methods, settings
from pages.methods.base import NoScript
from pages.methods.starts import ManualStart, TreeStart
from pages.runs.cache import RecentCache
from pages.runs.run import make_run


def sample(name="three", n=120, seed=3):
    values = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, seed, values)


def run_of(data=None, name="kmeans", **options):
    data = data or sample()
    return make_run(data, settings(name, data=data, **options), RecentCache(), lambda _: None)


def rows_of(table):
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))


# tables


WITH_CLUSTERS = [name for name, view in methods().items() if view.traits.clusters and POINTS in view.traits.data]


@pytest.mark.parametrize("name", WITH_CLUSTERS)
def test_assignments_have_exact_coordinates_and_the_cluster_numbers_of_the_screen(name):
    run = run_of(name=name)
    headers, *rows = rows_of(files.assignments_csv(run))
    assert headers[:4] == ["row", "x1", "x2", "cluster"]
    np.testing.assert_array_equal(np.array([row[1:3] for row in rows], dtype=float), run.data.points)
    inside = run.labels >= 0
    assert [int(row[3]) for row in rows] == np.where(inside, run.labels_by_rank + 1, -1).tolist()
    np.testing.assert_array_equal(run.labels_by_rank[inside], run.ranks[run.labels[inside]])
    own = list(run.view.point_columns(run))
    if name == "mixture":
        assert headers[4:] == ["responsibility_1", "responsibility_2", "responsibility_3"]
    if run.view.traits.membership is not None:
        shares = np.array([row[4 : 4 + run.k] for row in rows], dtype=float)
        np.testing.assert_array_equal(shares, run.history.last.assignment.memberships[:, np.argsort(run.ranks)])
        np.testing.assert_array_equal(shares.argmax(axis=1)[inside], run.labels_by_rank[inside])
        headers = headers[run.k :]
    assert headers[4:] == own


@pytest.mark.parametrize(
    ("cell", "exported"),
    [
        ("=1+1", "'=1+1"),
        ("+A1", "'+A1"),
        ("-A1", "'-A1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\t'=1"),
        ("  =1", "  '=1"),
        ("a;=1", "a;'=1"),
        ("a\n=1\r\n-x", "a\n'=1\r\n'-x"),
        ("＝1+1", "'＝1+1"),
        ("a; b, -c", "a; b, -c"),
        ("-1.5", "-1.5"),
        ("+2e-7", "+2e-7"),
        ("plain = text", "plain = text"),
    ],
)
def test_cells_that_look_like_formulas_are_prefixed_with_an_apostrophe(cell, exported):
    data = replace(sample(n=3), names=np.array([cell, "b", "c"]), columns=(cell, "x2"))
    run = run_of(data, k=1)
    headers, first, *_ = rows_of(files.assignments_csv(run))
    assert headers[2] == exported
    assert first[1] == exported


def test_cells_of_a_million_characters_are_searched_for_formulas_quickly():
    for part in (" ", "\t", "\n", "; ", "=", "'"):
        assert len(files.escape_formula(part * 1_000_000)) >= len(part) * 1_000_000


def test_exports_of_a_distance_matrix_have_names_and_no_coordinates():
    matrix = np.abs(np.subtract.outer([0.0, 1.0, 5.0, 6.0], [0.0, 1.0, 5.0, 6.0]))
    data = replace(sample(n=4), precomputed=matrix, matrix_name="distances", names=np.array(list("abcd")))
    run = run_of(data, name="kmedoids", k=2, start="build", metric=PRECOMPUTED)
    headers, *rows = rows_of(files.assignments_csv(run))
    assert headers == ["row", "name", "cluster"]
    assert [row[1] for row in rows] == list("abcd")
    headers, *rows = rows_of(files.parameters_csv(run))
    assert headers == ["cluster", "size", "medoid_row", "medoid_name"]
    assert [row[1] for row in rows] == ["2", "2"]
    assert np.load(io.BytesIO(files.history_npz(run)))["points"].tolist() == matrix.tolist()
    with pytest.raises(NoScript, match="precomputed"):
        scripts.with_clustering(run)


def test_parameters_of_a_mixture_are_in_the_order_of_the_screen():
    run = run_of(name="mixture")
    headers, *rows = rows_of(files.parameters_csv(run))
    assert headers[:5] == ["cluster", "size", "weight", "mean_x1", "mean_x2"]
    order, found = np.argsort(run.ranks), run.history.parameters[-1]
    table = np.array(rows, dtype=float)
    np.testing.assert_array_equal(table[:, 2], found.weights[order])
    np.testing.assert_array_equal(table[:, 3:5], found.means[order])
    np.testing.assert_array_equal(table[:, 5:], found.covariances[order].reshape(3, 4))
    content = json.loads(files.parameters_json(run))
    assert [cluster["number"] for cluster in content["clusters"]] == [1, 2, 3]
    assert [cluster["mean"] for cluster in content["clusters"]] == found.means[order].tolist()
    assert [cluster["weight"] for cluster in content["clusters"]] == found.weights[order].tolist()
    assert [cluster["covariance"] for cluster in content["clusters"]] == found.covariances[order].tolist()
    assert content["loss"] == run.history.losses[-1]
    assert content["seed"] == run.settings.seed


def test_parameters_of_medoids_include_rows_names_and_coordinates():
    data = replace(sample(), names=np.array([f"point {i}" for i in range(120)]), rows=np.arange(1000, 1120))
    run = run_of(data, name="kmedoids")
    headers, *rows = rows_of(files.parameters_csv(run))
    assert headers == ["cluster", "size", "medoid_row", "medoid_name", "medoid_x1", "medoid_x2"]
    medoids = run.history.parameters[-1][np.argsort(run.ranks)]
    assert [int(row[2]) for row in rows] == (1000 + medoids).tolist()
    assert [row[3] for row in rows] == [f"point {i}" for i in medoids]
    np.testing.assert_array_equal(np.array([row[4:] for row in rows], dtype=float), data.points[medoids])
    records = json.loads(files.parameters_json(run))["clusters"]
    assert [(one["medoid_row"], one["medoid_name"]) for one in records] == [(int(row[2]), row[3]) for row in rows]
    assert [one["medoid"] for one in records] == data.points[medoids].tolist()


@pytest.mark.parametrize("name", WITH_CLUSTERS)
def test_json_has_all_settings_and_the_parameters_of_the_table(name):
    run = run_of(name=name)
    content = json.loads(files.parameters_json(run))
    assert (content["method"], content["k"], content["start"]["initialization"]) == (
        name,
        3 if run.view.traits.k == "chosen" else None,
        run.settings.start.initialization,
    )
    assert content["options"] == dict(run.settings.options)
    headers, *rows = rows_of(files.parameters_csv(run))
    for record, row in zip(content["clusters"], rows, strict=True):
        assert [str(record["number"]), str(record["size"])] == row[:2]
        center = [float(cell) for header, cell in zip(headers, row, strict=True) if header.startswith(f"{run.center_name}_x")]
        assert record[run.center_name] == center


@pytest.mark.parametrize("name", WITH_CLUSTERS)
def test_the_history_loads_without_pickle_and_contains_every_state(name):
    run = run_of(name=name)
    arrays = np.load(io.BytesIO(files.history_npz(run)), allow_pickle=False)
    states = len(run.history)
    np.testing.assert_array_equal(arrays["losses"], run.history.losses)
    halves = len(run.history.states) - states - 1  # the start does not belong to an iteration
    assert len(arrays["half_losses"]) == halves
    assert halves == states - 1 or run.view.traits.loss is None or run.view.traits.k == "found"
    assert arrays["sizes"].shape == (states, max(map(len, run.history.sizes)))
    names = {
        "kmeans": ["centers"],
        "kmedoids": ["medoids"],
        "mixture": ["weights", "means", "covariances"],
        "tree": ["means"],
    }
    assert set(names.get(name, [])) <= set(run.view.arrays(run)) <= set(arrays)
    assert all(len(arrays[name]) == states for name in run.view.arrays(run))
    assert ("responsibilities" in arrays) == (run.view.traits.membership == "responsibility")
    np.testing.assert_array_equal(arrays["labels"], run.labels)
    np.testing.assert_array_equal(arrays["numbers"], run.ranks + 1)


# scripts


def executed(code, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of scikit-learn
        exec(compile(code, "script", "exec"), names)
    return names


SETTINGS = [
    dict(),
    dict(start="k-means++", seed=7, k=4),
    dict(start=TreeStart("single")),
    dict(start=ManualStart(((-1.0, 0.0), (0.0, 1.0), (2.0, 0.0)))),
    dict(name="kmedoids", update="swap", metric="manhattan"),
    dict(name="kmedoids", start="tree"),
    dict(name="fuzzy", m=1.5),
    dict(name="fuzzy", start="tree", k=2),
    dict(name="mixture", seed=4),
    dict(name="mixture", covariance="tied", start="k-means"),
    dict(name="mixture", covariance="diagonal", start="tree"),
    dict(name="mixture", covariance="spherical", start="maxmin", k=2),
    dict(name="pca", hidden=0.3, seed=5),
    dict(name="pca", start="closed form"),
]


named = {one.get("name", "kmeans") for one in SETTINGS}
SETTINGS += [
    dict(name=name)
    for name, view in methods().items()
    if view.initializations and name not in named and POINTS in view.traits.data
]


# for a second sample, whose script differs in one line, one of each method
PAIRS = [*product(("three", "table"), SETTINGS), *(("rings", SETTINGS[i]) for i in (1, 5, 7, 9))]


@pytest.mark.parametrize(("source", "options"), PAIRS, ids=str)
def test_scripts_reproduce_the_run_exactly(source, options, tmp_path, monkeypatch, capsys):
    data = sample() if source == "table" else sample(source)
    if source == "table":  # a script cannot draw these data and reads them instead
        names = np.array(["a", 'b, "c"', "=d", "# e", "two\nlines", "it's\r\n#1"] * 20)
        data = replace(data, key="file/1", names=names, columns=('width\n"cm"', "#, height"))
        (tmp_path / scripts.TABLE).write_bytes(files.assignments_csv(run_of(data, **options)))
    run = run_of(data, **options)
    ours = executed(scripts.with_clustering(run), tmp_path, monkeypatch)
    assert ours["state"].loss == run.history.losses[-1]
    if run.settings.method == "pca":
        check_scripts_of_pca(run, ours, tmp_path, monkeypatch)
        return
    np.testing.assert_array_equal(ours["labels"], run.history.last.labels)
    script, reason = None, ""
    try:
        script = scripts.with_scikit_learn(run)
    except NoScript as error:
        reason = str(error)
    if script is None:
        assert run.settings.method not in ("kmeans", "mixture")
        assert f"no {run.view.title_in_sentence}" in reason
        return
    peer = executed(script, tmp_path, monkeypatch)
    np.testing.assert_array_equal(peer["labels"], run.history.last.labels)
    if "loss" in peer:
        assert peer["loss"] == pytest.approx(run.history.losses[-1], rel=1e-6)
        assert str(peer["loss"]) in capsys.readouterr().out.replace("np.float64(", "").replace(")", "")


def check_scripts_of_pca(run, ours, folder, monkeypatch):
    for ours_part, part in zip(ours["parameters"], run.history.parameters[-1], strict=True):
        np.testing.assert_array_equal(ours_part, part)
    if run.settings.option("hidden"):
        with pytest.raises(NoScript, match="missing values"):
            scripts.with_scikit_learn(run)
        return
    peer = executed(scripts.with_scikit_learn(run), folder, monkeypatch)["model"]
    assert subspace_angles(peer.components_.T, ours["parameters"].loadings)[0] < 1e-6


def test_a_script_contains_the_initial_parameters_if_the_package_does_not_know_the_initialization(tmp_path, monkeypatch):
    run = run_of(name="mixture", start="alike")
    ours = executed(scripts.with_clustering(run), tmp_path, monkeypatch)
    assert ours["state"].loss == run.history.losses[-1]
    np.testing.assert_array_equal(ours["labels"], run.history.last.labels)


@pytest.mark.parametrize(
    "options",
    [dict(), dict(linkage="single"), dict(linkage="average", metric="manhattan"), dict(linkage="complete", metric="cosine")],
    ids=str,
)
def test_scripts_of_trees_give_the_same_clusters(options, tmp_path, monkeypatch):
    run = run_of(name="tree", **options)
    ours = executed(scripts.with_clustering(run), tmp_path, monkeypatch)
    np.testing.assert_array_equal(ours["labels"], run.history.last.labels)
    peer = executed(scripts.with_scikit_learn(run), tmp_path, monkeypatch)
    assert len(set(zip(peer["labels"].tolist(), run.history.last.labels.tolist(), strict=True))) == 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (dict(linkage="median"), "no median linkage"),
        (dict(metric="manhattan"), "Ward linkage only for Euclidean"),
        (dict(linkage="single", metric="chebyshev"), "scikit-learn has no hierarchical clustering of Chebyshev distances"),
    ],
)
def test_the_reason_is_given_if_scikit_learn_does_not_support_the_options(options, sentence):
    with pytest.raises(NoScript, match=sentence):
        scripts.with_scikit_learn(run_of(name="tree", **options))


@pytest.mark.parametrize(
    "key",
    [
        "sample/three/120/3/[('distance', np.float64(2.0))]",
        "sample/three/120/3/[]/100",
        "sample/three/120/3/[('unknown', 2)]",
        "sample/three/120/3/7",
        "sample/three/many/3/[]",
        "sample/nothing/120/3/[]",
        "sample/three",
        "",
    ],
)
def test_data_that_are_not_a_sample_are_read_from_the_table(key, tmp_path, monkeypatch):
    run = run_of(replace(sample(), key=key))
    (tmp_path / scripts.TABLE).write_bytes(files.assignments_csv(run))
    code = scripts.with_clustering(run)
    assert scripts.TABLE in code
    np.testing.assert_array_equal(executed(code, tmp_path, monkeypatch)["labels"], run.history.last.labels)


@pytest.mark.parametrize("write", [scripts.with_clustering, scripts.with_scikit_learn])
def test_the_reason_is_given_if_a_method_has_no_script(write, monkeypatch):
    def fails(run, iterations):
        raise ValueError("it is too long")

    run = run_of()
    monkeypatch.setattr(run.view, "script", fails, raising=False)
    monkeypatch.setattr(run.view, "scikit_learn_script", fails, raising=False)
    with pytest.raises(NoScript, match="it is too long"):
        write(run)


@pytest.mark.parametrize("name", ["kmedoids", "tree"])
def test_there_is_no_script_for_gower_dissimilarities(name):
    data = sample()
    mixed = replace(data, mixed=(data.points, np.arange(240).reshape(120, 2) % 3))
    run = run_of(mixed, name=name, metric="gower", **(dict(linkage="average") if name == "tree" else {}))
    with pytest.raises(NoScript, match="categories"):
        scripts.with_clustering(run)


def test_json_has_all_parameters_of_the_initialization():
    tree = json.loads(files.parameters_json(run_of(start=TreeStart("single", "manhattan"))))
    assert tree["start"] == {"initialization": "tree", "linkage": "single", "metric": "manhattan"}
    manual = json.loads(files.parameters_json(run_of(start=ManualStart(((0.0, 1.0), (2.0, 3.0), (4.0, 5.0))))))
    assert manual["start"] == {"initialization": "hand", "centers": [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]}


@pytest.mark.parametrize("scaling", ["standardize", "range", "robust"])
def test_centers_and_covariances_of_scaled_columns_are_also_in_the_units_of_the_data(scaling):
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        dict(income=rng.normal(50_000, 9_000, 90), age=rng.normal(40, 9, 90), town=np.resize(["north", "south"], 90))
    )
    data = cleaning.prepare(table, "people", Preparation(("income", "age", "town"), scaling=scaling))
    run = run_of(data, name="mixture", k=2)
    units = np.column_stack([table.income, table.age, table.town == "south"])
    memberships = run.memberships[:, np.argsort(run.ranks)]
    # the parameters of the last state are those of the M step before; here it has converged
    means = memberships.T @ units / memberships.sum(axis=0)[:, None]
    headers, *rows = rows_of(files.parameters_csv(run))
    columns = dict(zip(headers, np.array(rows, dtype=float).T, strict=True))
    np.testing.assert_allclose(columns["mean_income"], means[:, 0], rtol=1e-2)
    np.testing.assert_allclose(columns["mean_age"], means[:, 1], rtol=1e-2)
    np.testing.assert_allclose(columns["mean_town = south"], means[:, 2], atol=0.05)
    suffix = cleaning.SCALING_SUFFIXES[scaling]
    scales = columns["mean_income"].std() / columns[f"mean_income{suffix}"].std()
    np.testing.assert_allclose(
        columns["covariance_income_income"], columns[f"covariance_income{suffix}_income{suffix}"] * scales**2
    )
    content = json.loads(files.parameters_json(run))
    for one, mean in zip(content["clusters"], means, strict=True):
        np.testing.assert_allclose(one["mean_in_units"][:2], mean[:2], rtol=1e-2)
        np.testing.assert_allclose(
            np.array(one["mean"]) * content["scaling"]["scale"] + content["scaling"]["shift"], one["mean_in_units"]
        )
    assert content["scaling"]["columns"] == ["income", "age", "town = south"]
    assert content["scaling"]["name"] == scaling
    history = np.load(io.BytesIO(files.history_npz(run)))
    np.testing.assert_allclose(history["points"] * history["scale"] + history["shift"], units)
