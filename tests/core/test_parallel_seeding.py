"""k-means||: by its definition, on blocks and in memory."""

import dask.array as da
import numpy as np
import pytest

from clustering import GaussianMixture, KMeans, fit
from clustering.parallel_seeding import ROUNDS, k_means_parallel
from clustering.seeding import rows_not_chosen


def groups(k, size, seed=0):
    rng = np.random.default_rng(seed)
    return np.repeat(rng.uniform(-100, 100, size=(k, 2)), size, axis=0) + rng.normal(size=(k * size, 2))


def starts(points, k, seeds=range(30)):
    process = KMeans(k, init="k-means||")
    prepared = process.prepare(points)
    return [process.start(prepared, np.random.default_rng(seed)) for seed in seeds]


def test_centers_are_distinct_points_of_the_table():
    points = groups(4, 50)
    for centers in starts(points, 7):
        rows = [np.flatnonzero(np.isclose(points, center, atol=1e-9).all(axis=1)).tolist() for center in centers]
        assert all(len(row) == 1 for row in rows)
        assert len({row[0] for row in rows}) == 7


def test_every_well_separated_group_gets_a_center_much_more_often_than_by_random_rows():
    points = groups(10, 40)
    prepared = KMeans(10).prepare(points)

    def complete(init):
        process = KMeans(10, init=init)
        found = [process.start(prepared, np.random.default_rng(seed)) for seed in range(30)]
        middles = points.reshape(10, 40, 2).mean(axis=1)
        return sum(len(set(KMeans(10).predict(middles, centers))) == 10 for centers in found)

    assert complete("k-means||") >= 27
    assert complete("random") <= 3


def test_the_number_of_candidates_is_about_that_of_the_paper(monkeypatch):
    numbers = []

    def recorded(distances_to, n, k, rng, first):
        numbers.append(n)
        return np.arange(k)

    monkeypatch.setattr("clustering.parallel_seeding.plus_plus", recorded)
    starts(np.random.default_rng(0).normal(size=(20_000, 2)), 10, range(10))
    # 1 + ROUNDS 2 k candidates are expected, fewer only where a probability above 1 is cut off
    assert 0.9 < np.mean(numbers) / (1 + ROUNDS * 20) < 1.1


def test_candidates_are_weighted_by_the_points_nearest_to_them(monkeypatch):
    sums = []

    def recorded(distances_to, n, k, rng, first):
        sums.append(distances_to(np.array([0]))[0].sum())
        return np.arange(k)

    monkeypatch.setattr("clustering.parallel_seeding.plus_plus", recorded)
    points = np.repeat([[0.0], [1.0], [10.0]], [1000, 30, 5], axis=0)
    (centers,) = starts(points, 3, [0])
    # all points coincide with a candidate, so that the weighted candidates have the same sum of squares as the points
    assert sums == [pytest.approx(np.square(points - centers[0]).sum(), rel=1e-12)]


@pytest.mark.parametrize("k", [1, 5, 40])
def test_the_choice_does_not_depend_on_the_blocks(k):
    points = groups(5, 30)
    expected = starts(points, k, [3])[0]
    for rows in (1, 17, 150):
        if (rows, k) != (1, 40):
            np.testing.assert_allclose(starts(da.from_array(points, chunks=(rows, 2)), k, [3])[0], expected, atol=1e-10)


def test_all_points_are_chosen_if_there_are_as_many_as_clusters():
    points = np.arange(12.0)[:, None] ** 2
    for centers in starts(points, 12, range(5)):
        np.testing.assert_allclose(np.sort(centers[:, 0]), points[:, 0], atol=1e-12)


def test_few_distinct_points_are_completed_with_other_rows():
    points = np.repeat([[1.0], [2.0]], 10, axis=0)
    for centers in starts(points, 5, range(5)):
        assert set(centers[:, 0]) == {1.0, 2.0}
        assert len(centers) == 5


def test_a_mixture_accepts_it_and_other_names_are_rejected():
    points = groups(3, 50)
    assert fit(GaussianMixture(3, init="k-means||"), points, rng=0).converged
    message = "init must be 'k-means', 'k-means||', 'k-means[+][+]', 'plain k-means[+][+]', 'random', 'maxmin' or an array"
    for data in (points, da.from_array(points, chunks=20)):
        with pytest.raises(ValueError, match=message.replace("|", "[|]") + ", got 'k-means2'"):
            fit(GaussianMixture(3, init="k-means2"), data)


def test_rows_not_chosen_are_drawn_uniformly():
    rng = np.random.default_rng(0)
    drawn = np.array([rows_not_chosen(6, np.array([4, 0, 1]), 2, rng) for _ in range(3000)])
    assert set(drawn.ravel()) == {2, 3, 5}
    assert (drawn[:, 0] != drawn[:, 1]).all()
    np.testing.assert_allclose(np.bincount(drawn.ravel(), minlength=6)[[2, 3, 5]] / 6000, 1 / 3, atol=0.03)


def test_the_generator_is_the_only_source_of_randomness():
    prepared = KMeans(4).prepare(groups(4, 30))
    one, other = (k_means_parallel(prepared, 4, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
