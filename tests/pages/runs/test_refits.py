"""Clusterings of noise: permuted features, clustered with the settings of a run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pages.datasets.cleaning import Preparation, prepare
from pages.methods import methods_for_points, settings
from pages.methods.traits import COMPARE
from pages.runs.cache import RecentCache
from pages.runs.profiles import Profiles
from pages.runs.refits import NoiseBand, feature_columns, labels_of, permuted
from pages.runs.run import make_run
from pages.runs.segments import segments_of
from tests.pages.checks import sample, silent
from tests.pages.runs.test_profiles import customers, profiles_of


def test_each_feature_is_permuted_as_a_whole_and_by_its_own_permutation():
    data = prepare(customers().dropna(), "", Preparation(("age", "plan", "income")))
    noise, orders = permuted(data, np.random.default_rng(0))
    assert feature_columns(data) == [[0], [1], [2, 3, 4]]  # age and income, then the three plans
    for columns, order in zip(feature_columns(data), orders, strict=True):
        assert np.array_equal(noise.points[:, columns], data.points[order][:, columns])
        assert not np.array_equal(noise.points[:, columns], data.points[:, columns])
    assert np.array_equal(noise.mixed[0], noise.points[:, :2])
    assert np.array_equal(noise.mixed[1][:, 0], noise.points[:, 2:].argmax(axis=1))
    assert not any(np.array_equal(orders[0], order) for order in orders[1:])


@pytest.mark.parametrize("name", [view.name for view in methods_for_points(COMPARE).values()])
def test_labels_of_the_same_data_are_those_of_the_run(name):
    chosen = settings(name, 3, data=sample())
    run = make_run(sample(), chosen, RecentCache(), silent)
    steps = []
    assert np.mean(labels_of(sample(), chosen, steps.append) == run.labels) > 0.99  # soft methods stop earlier
    assert steps


def test_real_groups_set_clusters_apart_more_than_noise_but_a_column_of_noise_does_not():
    rng = np.random.default_rng(2)
    groups = np.repeat([0.0, 6.0], 60)
    table = pd.DataFrame({name: groups + rng.normal(size=120) for name in "ab"} | {"c": rng.normal(size=120)})
    profiles = profiles_of(table, ("a", "b", "c"))
    run = make_run(profiles.segments.data, settings("kmeans", 2), RecentCache(), silent)
    profiles = Profiles(segments_of(run))
    band = NoiseBand(run.data, run.settings, [profiles.variables[j] for j in profiles.features])
    assert band.effects is None
    band.resume(lambda share, text: None)
    assert band.effects.shape == (20, 3)
    assert (profiles.effects[:2] > 0.8).all()
    assert profiles.effects[2] < band.effects[:, 2].max()


def test_gower_distances_of_noise_use_the_permuted_categories():
    data = prepare(customers().dropna(), "", Preparation(("age", "plan")))
    chosen = settings("kmedoids", 3, data=data)
    assert chosen.option("metric") == "gower"
    noise, _ = permuted(data, np.random.default_rng(1))
    assert not np.array_equal(labels_of(noise, chosen, silent), labels_of(data, chosen, silent))
    assert np.array_equal(labels_of(noise, chosen, silent), labels_of(replace(noise, points=data.points), chosen, silent))
