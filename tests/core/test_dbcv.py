"""Density-based clustering validation: by hand, published values, a slow implementation, laws, invalid arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from sklearn.datasets import make_blobs, make_moons

from clustering import density_based_validity
from tests.core.tables import examples, seeds


def test_two_clusters_on_a_line_by_hand():
    """With d = 1, cores are 1 / mean(1 / squares). Of four points in a row, the two in the middle are inner points."""
    points = np.array([[0.0], [1.0], [2.0], [3.0], [10.0], [11.0], [12.0], [13.0]])
    core = 3 / (1 / 1 + 1 / 1 + 1 / 4)
    expected = (81 - core) / 81  # 81: between 2 and 11
    assert density_based_validity(points, [0] * 4 + [1] * 4) == pytest.approx(expected)
    # four points of noise halve the score
    noise = [[50.0], [60.0], [70.0], [80.0], [90.0], [95.0], [99.0], [-50.0]]
    assert density_based_validity(np.vstack([points, noise]), [0] * 4 + [1] * 4 + [-1] * 8) == pytest.approx(expected / 2)


def test_published_values():
    """Those of the Python package DBCV by Felipe Siqueira, which also reproduces the authors' implementation."""
    points, labels = make_moons(300, noise=0.05, random_state=1782)
    assert density_based_validity(points, labels) == pytest.approx(0.8545358723390613, abs=1e-9)
    points, labels = make_moons(500, noise=0.05, random_state=1782)
    noise = np.random.RandomState(1082).uniform(*np.quantile(points, (0, 1), axis=0), size=(100, 2))
    points, labels = np.vstack([points, noise]), np.append(labels, [-1] * 100)
    assert density_based_validity(points, labels) == pytest.approx(0.7545431212217051, abs=1e-9)


def slow_validity(points, labels):
    """The score with matrices and SciPy's spanning tree; only for clusters with inner points and edges."""
    d, parts, worth = points.shape[1], [], 0.0
    for number in range(labels.max() + 1):
        rows = np.flatnonzero(labels == number)
        squares = cdist(points[rows], points[rows], "sqeuclidean")
        np.fill_diagonal(squares, np.inf)
        cores = (np.power(squares, -float(d)).sum(axis=1) / (len(rows) - 1)) ** (-1 / d)
        np.fill_diagonal(squares, 0)
        tree = minimum_spanning_tree(np.maximum(squares, np.maximum(cores, cores[:, None])) * (1 - np.eye(len(rows))))
        tree = tree.toarray()
        inner = ((tree > 0) | (tree.T > 0)).sum(axis=1) > 1
        parts.append((points[rows[inner]], cores[inner], tree[np.ix_(inner, inner)].max(), len(rows)))
    for i, (one, cores, sparseness, size) in enumerate(parts):
        separation = min(
            np.maximum(cdist(one, other, "sqeuclidean"), np.maximum(cores[:, None], others)).min()
            for j, (other, others, _, _) in enumerate(parts)
            if j != i
        )
        worth += size * (separation - sparseness) / max(separation, sparseness)
    return worth / len(points)


@examples(40)
@given(seed=seeds, d=st.integers(1, 6), decimals=st.sampled_from([1, 8]))
def test_equals_a_slow_implementation_also_for_tied_distances(seed, d, decimals):
    rng = np.random.default_rng(seed)
    points, labels = make_blobs(60, n_features=d, centers=3, cluster_std=rng.uniform(0.2, 4, 3), random_state=seed)
    points = np.unique(np.column_stack([np.round(points, decimals), labels]), axis=0)
    _, first = np.unique(points[:, :-1], axis=0, return_index=True)
    points, labels = points[first, :-1], points[first, -1].astype(int)
    labels[rng.random(len(labels)) < 0.1] = -1
    assert density_based_validity(points, labels) == pytest.approx(slow_validity(points, labels), rel=1e-9, abs=1e-12)


def test_the_score_does_not_depend_on_unit_place_and_names():
    points, labels = make_blobs(60, n_features=3, centers=3, random_state=0)
    labels[::7] = -1
    expected = density_based_validity(points, labels)
    for scale in (1e-120, 1e120):
        assert density_based_validity(points * scale, labels) == pytest.approx(expected, rel=1e-9)
    assert density_based_validity(points + 100, np.where(labels < 0, -1, 7 - 3 * labels)) == pytest.approx(expected, rel=1e-6)


def test_single_points_count_as_noise():
    points, labels = make_moons(60, noise=0.05, random_state=0)
    far = np.vstack([points, [[9.0, 9.0]]])
    expected = density_based_validity(far, np.append(labels, -1))
    assert density_based_validity(far, np.append(labels, 2)) == expected
    assert expected == pytest.approx(density_based_validity(points, labels) * 60 / 61)


def test_clusters_of_two_points_use_their_only_edge():
    """With d = 1 the core distance of both points is their squared distance."""
    assert density_based_validity([[0.0], [1.0], [10.0], [12.0]], [0, 0, 1, 1]) == pytest.approx(
        ((81 - 1) + (81 - 4)) / 2 / 81
    )


def test_identical_points_are_as_dense_as_possible():
    points = np.repeat([[0.0, 0.0], [1.0, 0.0]], 5, axis=0)
    assert density_based_validity(points, [0] * 5 + [1] * 5) == 1
    assert density_based_validity(np.zeros((10, 2)), [0] * 5 + [1] * 5) == 0


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [-1, -1, -1, -1], [0, 0, 1, -1]])
def test_fewer_than_two_clusters_have_no_score(labels):
    assert np.isnan(density_based_validity([[0.0], [1.0], [2.0], [4.0]], labels))


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, -2], [0.0, 1.0, 1.0], [[0], [1], [1]]])
def test_invalid_labels_raise(labels):
    with pytest.raises(ValueError, match="labels must be 3 integers of at least -1"):
        density_based_validity([[0.0], [1.0], [2.0]], labels)
