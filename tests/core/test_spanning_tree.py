"""Minimum spanning trees of mutual reachability distances: those from near neighbors equal those from all distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from clustering import spanning_tree, three_gaussians
from clustering.core_distances import nearest_neighbors
from tests.core.tables import examples, tables


def trees(points, min_points, neighbors):
    """Links from this number of near neighbors, None if they are too few, and from all distances."""
    nearest, squares = nearest_neighbors(cKDTree(points), points, slice(None), neighbors)
    cores = np.sqrt(squares[:, :min_points].max(axis=1))
    found = spanning_tree._tree_of_neighbors(points, cores, nearest, np.sqrt(squares))
    return found and found[0], spanning_tree._tree_of_all(points, cores, "euclidean")


def assert_equal_links(links, expected):
    assert links is not None
    for one, other in zip(vars(links).values(), vars(expected).values(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def search_always(monkeypatch):
    """Missing links are searched whatever the time, and always with a k-d tree."""
    for name, value in {"POINTS_PER_PART": 0, "POINTS_PER_SEARCH": 0, "MAX_SEARCHED": np.inf, "MAX_TREES": 1_000}.items():
        monkeypatch.setattr(spanning_tree, name, value)


@pytest.mark.parametrize("max_pairs", [0, 2**16])
def test_trees_from_few_neighbors_have_the_same_links_even_with_ties(search_always, monkeypatch, max_pairs):
    monkeypatch.setattr(spanning_tree, "MAX_PAIRS", max_pairs)

    @examples(60)
    @given(points=tables(rows=2), data=st.data())
    def check(points, data):
        min_points = data.draw(st.integers(1, len(points)))
        assert_equal_links(*trees(points, min_points, data.draw(st.integers(min_points, len(points)))))

    check()


@pytest.mark.parametrize("seed", range(4))
def test_links_between_distant_groups_and_shorter_links_than_those_of_neighbors_are_found(search_always, seed):
    rng = np.random.default_rng(seed)
    groups = [rng.normal(size=(60, 2)) + center for center in ([0, 0], [2, 0], [40, 0], [40, 3], [0, 90])]
    for points in (np.concatenate(groups), np.round(np.concatenate(groups), 1), rng.uniform(size=(300, 2))):
        for min_points, neighbors in ((1, 2), (4, 4), (4, 9)):
            assert_equal_links(*trees(points, min_points, neighbors))


def test_distances_of_all_pairs_are_not_needed_for_groups_that_overlap(monkeypatch):
    points = three_gaussians(600, np.random.default_rng(0)).points
    monkeypatch.setattr(spanning_tree, "_tree_of_all", None)
    assert len(spanning_tree.spanning_tree(points, 5)[1].lengths) == 599


def test_with_many_separate_groups_distances_of_all_pairs_are_computed_at_once(monkeypatch):
    monkeypatch.setattr(spanning_tree, "_prim", None)
    points = np.random.default_rng(0).normal(size=(200, 2)) / 100 + np.repeat(np.arange(10), 20)[:, None]
    found, expected = trees(points, 3, 6)
    assert found is None
    assert_equal_links(spanning_tree.spanning_tree(points, 3)[1], expected)
