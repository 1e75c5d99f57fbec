"""The clusters of core points at all radii: against DBSCAN, and against core points of scikit-learn's DBSCAN."""

import numpy as np
import pytest
from sklearn.cluster import DBSCAN as PEER
from sklearn.datasets import make_blobs

from clustering import DBSCAN, adjusted_rand_index, core_tree, fit, three_gaussians
from clustering.neighborhoods import MATRIX
from clustering.proximity import proximity_matrix

POINTS = three_gaussians(80, np.random.default_rng(0)).points
BLOBS = make_blobs(150, centers=4, cluster_std=[0.3, 0.5, 1, 2], random_state=1)[0]


def prepared(points, metric, min_points):
    """The data for a metric, and their neighbors."""
    data = proximity_matrix(points, "euclidean") if metric == MATRIX else points
    return data, DBSCAN(1.0, min_points, metric).prepare(data)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", MATRIX])
@pytest.mark.parametrize("min_points", [1, 4])
def test_core_distances_and_merges_give_the_number_of_clusters_at_every_radius(metric, min_points):
    data, neighbors = prepared(POINTS, metric, min_points)
    cores, merges = neighbors.distances_to_neighbor(min_points), core_tree(neighbors, min_points).radii
    assert len(merges) == len(POINTS) - 1
    assert (np.diff(merges) >= 0).all()
    for radius in np.linspace(0.05, 3, 40):
        expected = fit(DBSCAN(radius, min_points, metric), data).labels.max() + 1
        assert (cores <= radius).sum() - (merges <= radius).sum() == expected


@pytest.mark.parametrize("metric", ["euclidean", "chebyshev", MATRIX])
@pytest.mark.parametrize("min_points", [1, 3, 6])
def test_branches_at_a_radius_are_the_core_points_of_each_cluster_of_scikit_learn(metric, min_points):
    data, neighbors = prepared(BLOBS, metric, min_points)
    tree = core_tree(neighbors, min_points).tree
    found = []
    for radius in np.geomspace(0.1, 6, 25):
        peer = PEER(eps=radius, min_samples=min_points, metric=metric).fit(data)
        cores = np.zeros(len(BLOBS), dtype=bool)
        cores[peer.core_sample_indices_] = True
        sizes = np.bincount(peer.labels_[cores], minlength=peer.labels_.max() + 1)
        drawn = cores & (np.append(sizes, 0)[peer.labels_] >= max(2, min_points))
        branches = tree.clusters_at(1 / radius)
        np.testing.assert_array_equal(branches >= 0, drawn)
        if drawn.any():
            assert adjusted_rand_index(branches[drawn], peer.labels_[drawn]) == 1
        found.append(len(np.unique(branches[drawn])))
    assert max(found) > 2
    assert found[-1] == 1


@pytest.mark.parametrize(
    ("points", "min_points", "message"),
    [
        ([[1.0, 2.0]], 1, "a tree needs at least two points, got 1"),
        (POINTS, 81, "min_points must be at most the number of points, 80, got 81"),
        (POINTS, 0, "min_points must be an integer of at least 1, got 0"),
    ],
)
def test_too_few_points_raise(points, min_points, message):
    with pytest.raises(ValueError, match=message):
        core_tree(DBSCAN(1.0).prepare(points), min_points)
