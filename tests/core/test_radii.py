"""The radii at which clusters of DBSCAN merge."""

import numpy as np
import pytest

from clustering import DBSCAN, fit, merge_radii, three_gaussians
from clustering.neighborhoods import MATRIX
from clustering.proximity import proximity_matrix

POINTS = three_gaussians(80, np.random.default_rng(0)).points


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", MATRIX])
@pytest.mark.parametrize("min_points", [1, 4])
def test_core_distances_and_merges_give_the_number_of_clusters_at_every_radius(metric, min_points):
    data = proximity_matrix(POINTS, "euclidean") if metric == MATRIX else POINTS
    prepared = DBSCAN(1.0, min_points, metric).prepare(data)
    cores = prepared.distances_to_neighbor(min_points)
    merges = merge_radii(prepared, cores)
    assert len(merges) == len(POINTS) - 1
    for radius in np.linspace(0.05, 3, 40):
        expected = fit(DBSCAN(radius, min_points, metric), data).labels.max() + 1
        assert (cores <= radius).sum() - (merges <= radius).sum() == expected


def test_a_single_point_never_merges():
    prepared = DBSCAN(1.0, 1).prepare([[1.0, 2.0]])
    assert merge_radii(prepared, np.zeros(1)).size == 0
