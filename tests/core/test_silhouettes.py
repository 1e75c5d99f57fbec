"""Silhouettes: by hand, against scikit-learn, and properties."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from clustering import KMedoids, fit, proximity_matrix, silhouette, silhouette_of_proximities
from tests.core.tables import examples


def groups(n, d, k, seed):
    rng = np.random.default_rng(seed)
    labels = np.append(np.arange(k), rng.integers(k, size=n - k))
    return rng.uniform(-4, 4, size=(k, d))[labels] + rng.standard_normal((n, d)), labels


def sklearn_widths(points, labels):
    """Widths by scikit-learn for distances computed from differences, which are more precise than its own."""
    return sklearn.metrics.silhouette_samples(cdist(points, points), labels, metric="precomputed")


# by hand


def test_five_points_by_hand():
    proximities = np.zeros((5, 5))
    proximities[np.tril_indices(5, -1)] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]
    proximities += proximities.T
    labels = fit(KMedoids(2), proximities, start=[0, 3]).labels
    assert labels.tolist() == [0, 0, 0, 1, 1]
    widths = silhouette_of_proximities(proximities, labels).widths
    # first point: a = (1 + 2) / 2, b = (4 + 7) / 2; last point: a = 1, b = (7 + 8 + 9) / 3
    np.testing.assert_allclose(widths, [4 / 5.5, 4.5 / 6.5, 5 / 7.5, 4 / 5, 7 / 8], rtol=1e-15)
    assert silhouette_of_proximities(proximities, labels).mean == pytest.approx(0.7522494172, abs=5e-11)


def test_width_is_negative_if_another_cluster_is_nearer_and_zero_for_singletons():
    found = silhouette([[0.0], [1.0], [9.0], [10.0], [50.0]], [0, 0, 0, 1, 7])
    # 9 is 8.5 from its own cluster on average and 1 from the next; 10 and 50 are singletons
    np.testing.assert_allclose(found.widths, [(10 - 5) / 10, (9 - 4.5) / 9, (1 - 8.5) / 8.5, 0, 0], rtol=1e-15)
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    assert found.mean == found.widths.mean()


def test_widths_of_singletons_and_of_equal_points_are_zero():
    assert silhouette([[0.0], [1.0], [5.0]], [2, 0, 1]).widths.tolist() == [0, 0, 0]
    assert silhouette(np.ones((4, 2)), [0, 0, 1, 1]).widths.tolist() == [0, 0, 0, 0]


def test_width_of_duplicates_is_exactly_one():
    points = np.repeat([[0.1, 0.2], [7.3, 1e6]], 3, axis=0)
    assert silhouette(points, [0, 0, 0, 1, 1, 1]).widths.tolist() == [1] * 6


# against scikit-learn


@pytest.mark.parametrize(("n", "d", "k"), [(2, 1, 2), (30, 1, 3), (150, 2, 5), (300, 16, 10), (60, 3, 45), (700, 2, 40)])
def test_widths_match_scikit_learn(n, d, k):
    points, labels = groups(n, d, k, 1)
    if n == k:
        expected = np.zeros(n)  # scikit-learn rejects it
    else:
        expected = sklearn_widths(points, labels)
    np.testing.assert_allclose(silhouette(points, labels).widths, expected, rtol=0, atol=1e-12)
    proximities = proximity_matrix(points)
    np.testing.assert_allclose(silhouette_of_proximities(proximities, labels).widths, expected, rtol=0, atol=1e-12)


def test_widths_of_any_dissimilarities_match_scikit_learn():
    points, labels = groups(100, 3, 4, 2)
    for metric in ("manhattan", "squared euclidean", "cosine"):
        proximities = proximity_matrix(points, metric)
        expected = sklearn.metrics.silhouette_samples(proximities, labels, metric="precomputed")
        np.testing.assert_allclose(silhouette_of_proximities(proximities, labels).widths, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_widths_of_a_sample_are_computed_within_the_sample(seed):
    points, labels = groups(500, 2, 6, 3)
    proximities = proximity_matrix(points)
    found = silhouette(points, labels, max_points=200, rng=seed)
    assert len(np.unique(found.rows)) == 200
    assert (np.diff(found.rows) > 0).all()
    np.testing.assert_allclose(found.widths, sklearn_widths(points[found.rows], labels[found.rows]), rtol=0, atol=1e-12)
    again = silhouette_of_proximities(proximities, labels, max_points=200, rng=np.random.default_rng(seed))
    np.testing.assert_array_equal(again.rows, found.rows)
    np.testing.assert_allclose(again.widths, found.widths, rtol=0, atol=1e-12)
    assert found.mean == pytest.approx(silhouette(points, labels).mean, abs=0.1)


def test_the_sample_is_reproducible_and_can_contain_any_point():
    points, labels = groups(40, 1, 2, 0)
    first = silhouette(points, labels, max_points=30)
    np.testing.assert_array_equal(first.rows, silhouette(points, labels, max_points=30).rows)
    rows = np.concatenate([silhouette(points, labels, max_points=30, rng=seed).rows for seed in range(50)])
    assert np.unique(rows).tolist() == list(range(40))


def test_all_points_are_used_in_order_up_to_the_limit():
    points, labels = groups(40, 1, 2, 0)
    assert silhouette(points, labels, max_points=40).rows.tolist() == list(range(40))
    assert len(silhouette(points, labels, max_points=39).rows) == 39


def test_clusters_missing_from_the_sample_are_ignored():
    points = np.append(np.random.default_rng(0).normal(size=500), [0.5])[:, None]
    labels = np.append(points[:500, 0] > 0, [7]).astype(int)
    samples = [silhouette(points, labels, max_points=60, rng=seed) for seed in range(8)]
    missing = [found for found in samples if 500 not in found.rows]
    assert missing
    for found in missing:
        np.testing.assert_allclose(found.widths, sklearn_widths(points[found.rows], labels[found.rows]), rtol=0, atol=1e-12)


# properties


@examples(30)
@given(seed=st.integers(0, 999), k=st.integers(2, 6))
def test_widths_do_not_depend_on_the_order_of_points_or_the_cluster_names(seed, k):
    points, labels = groups(40, 2, k, seed)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(40), rng.choice(np.arange(-50, 50), size=k, replace=False)
    widths = silhouette(points, labels).widths
    np.testing.assert_allclose(silhouette(points[order], names[labels[order]]).widths, widths[order], rtol=0, atol=1e-14)
    assert (np.abs(widths) <= 1).all()


@pytest.mark.parametrize(("scale", "dtype"), [(1e-12, np.uint8), (1e-3, np.int16), (1e12, np.int64)])
def test_widths_do_not_depend_on_the_unit(scale, dtype):
    points, labels = groups(100, 2, 4, 5)
    widths = silhouette(points, labels).widths
    np.testing.assert_allclose(silhouette(points * scale, labels.astype(dtype)).widths, widths, rtol=0, atol=1e-13)
    proximities = proximity_matrix(points) * scale
    np.testing.assert_allclose(silhouette_of_proximities(proximities, labels).widths, widths, rtol=0, atol=1e-13)


@pytest.mark.parametrize("offset", [1e8, -1e8, 2.0**40])
def test_a_common_offset_does_not_reduce_precision(offset):
    points, labels = groups(100, 3, 4, 6)
    moved = points + offset
    # exact, because the addition has rounded the points to multiples of its precision
    expected = sklearn_widths(moved - offset, labels)
    np.testing.assert_allclose(silhouette(moved, labels).widths, expected, rtol=0, atol=1e-12)


# invalid arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: silhouette([[0.0], [1.0]], [3, 3]), "need at least two clusters, but all points are in cluster 3"),
        (lambda: silhouette([[0.0]], [0]), "need at least two clusters, but all points are in cluster 0"),
        (
            lambda: silhouette(np.arange(9.0)[:, None], [0] * 8 + [1], max_points=2, rng=1),
            "need at least two clusters, but all 2 points of the sample are in cluster 0",
        ),
        (lambda: silhouette([[0.0], [1.0]], [0]), r"labels must be n=2 integers, got an array of int64 with shape \(1,\)"),
        (lambda: silhouette([[0.0], [1.0]], [0.0, 1.0]), "labels must be n=2 integers, got an array of float64"),
        (lambda: silhouette([[0.0], [1.0]], [0, 1], max_points=1), "max_points must be an integer of at least 2, got 1"),
        (lambda: silhouette([[0.0], [1.0]], [0, 1], max_points=2.5), "max_points must be an integer of at least 2, got 2.5"),
        (lambda: silhouette([[0.0], [np.nan]], [0, 1]), "row 1, column 0 is nan"),
        (lambda: silhouette_of_proximities([[0, 1], [2, 0]], [0, 1]), "proximities must be symmetric"),
        (lambda: silhouette_of_proximities([[0, 1], [1, 0]], [1, 1]), "need at least two clusters"),
    ],
)
def test_invalid_arguments_are_rejected_with_rule_and_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
