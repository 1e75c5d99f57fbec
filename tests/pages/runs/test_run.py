"""Results that all methods have in common, compared with scikit-learn."""

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics

from pages import methods
from pages.choose_k.sweep import Sweep
from pages.datasets import cleaning
from pages.methods.metric import METRIC_NAMES
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from tests.pages.checks import kinds_of_data, run_of

METRICS = ("gower", "manhattan", "cosine")


@pytest.fixture(scope="module")
def mixed():
    """Two numbers with unlike units, and a category."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        dict(age=rng.normal(40, 12, 60), income=rng.lognormal(10, 1, 60), country=rng.choice(["USA", "France", "Spain"], 60))
    )
    return cleaning.prepare(table, "Mixed", cleaning.Preparation(tuple(table.columns)))


def run_on(data, name, **options):
    return make_run(data, methods.settings(name, 3, data=data, **options), RecentCache(), lambda _: None)


def mean_width(data, metric, labels):
    return sklearn.metrics.silhouette_score(data.proximities(metric), labels, metric="precomputed")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", ["kmedoids", "tree"])
def test_the_silhouette_of_a_run_uses_the_metric_of_the_run(mixed, name, metric):
    run = run_on(mixed, name, metric=metric, **(dict(linkage="average") if name == "tree" else {}))
    assert run.silhouette.mean == pytest.approx(mean_width(mixed, metric, run.labels), abs=1e-9)
    assert run.silhouette_distances == f"{METRIC_NAMES[metric]} distances"


def test_the_silhouette_of_a_method_without_a_metric_uses_euclidean_distances(mixed):
    run = run_on(mixed, "kmeans")
    assert run.silhouette.mean == pytest.approx(sklearn.metrics.silhouette_score(mixed.points, run.labels), abs=1e-9)
    assert run.silhouette_distances == "Euclidean distances"


@pytest.mark.parametrize("metric", METRICS)
def test_the_silhouettes_of_each_k_use_the_metric_and_gower_distances_have_no_reference_data(mixed, metric):
    sweep = Sweep.of(mixed, methods.settings("kmedoids", 3, data=mixed, metric=metric), 3, 2)
    best = sweep.run_task(("data", 3), lambda _: None)
    assert best.silhouette.mean == pytest.approx(mean_width(mixed, metric, best.labels), abs=1e-9)
    assert any(task[0] == "reference" for task in sweep.tasks) == (metric != "gower")


def test_a_mixture_of_indicator_columns_says_that_they_are_not_gaussian(mixed):
    note = "Columns of 0 and 1 are not Gaussian (those of country always sum to 1)"
    assert run_on(mixed, "mixture").note.startswith(note)
    binary = cleaning.prepare(mixed.origin.table.replace("USA", "Spain"), "Binary", mixed.origin.preparation)
    assert run_on(binary, "mixture").note.startswith("Columns of 0 and 1 are not Gaussian: covariances can become singular")
    numbers = cleaning.prepare(mixed.origin.table, "Numbers", cleaning.Preparation(("age", "income")))
    assert run_on(numbers, "mixture").note == ""


def test_a_yes_or_no_column_leaves_the_covariances_of_a_mixture_regular():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(dict(x=rng.normal(size=90), churn=rng.choice(["yes", "no"], 90)))
    data = cleaning.prepare(table, "Churn", cleaning.Preparation(("x", "churn")))
    settings = methods.settings("mixture", 1, data=data)
    (covariance,) = make_run(data, settings, RecentCache(), lambda _: None).history.parameters[-1].covariances
    np.testing.assert_allclose(covariance, np.cov(data.points.T, bias=True), atol=1e-9)
    assert np.linalg.cond(covariance) < 10


@pytest.mark.parametrize("view", methods.methods().values(), ids=lambda view: view.name)
def test_the_title_says_k_only_where_it_is_chosen(view):
    run = run_of(view, kinds_of_data(view)[0])
    chosen, found = f"K = {run.k}" in run.title, f"{run.k} cluster{'s' * (run.k != 1)} found" in run.title
    assert (chosen, found) == (view.traits.k == "chosen", view.traits.k == "found")
