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
