"""Starts, proximities, samples, comparisons, and what the package needs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from clustering import (
    KMeans,
    KMedoids,
    check_proximities,
    contingency_table,
    fit,
    match_clusters,
    proximity_matrix,
    sample_mixture,
    sampling,
    seeding,
    three_gaussians,
)


def test_the_core_loads_neither_plotly_nor_streamlit_nor_pandas():
    program = "import sys, clustering; print(sorted({'plotly', 'streamlit', 'pandas', 'sklearn'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_global_random_state_is_not_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit(KMeans(3), three_gaussians(100, np.random.default_rng(0)).points)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# starts


def distances(points):
    return lambda rows: np.square(points[rows, None, :] - points[None]).sum(axis=2)


@pytest.mark.parametrize("start", [seeding.plus_plus, seeding.maxmin, lambda _, n, k, rng: seeding.random_rows(n, k, rng)])
@pytest.mark.parametrize("k", [1, 5, 30])
def test_a_start_is_k_different_rows_even_among_copies(start, k):
    points = np.repeat(np.random.default_rng(0).normal(size=(6, 2)), 5, axis=0)
    for seed in range(10):
        rows = start(distances(points), len(points), k, np.random.default_rng(seed))
        assert len(set(rows.tolist())) == k
        assert rows.min() >= 0
        assert rows.max() < len(points)


@pytest.mark.parametrize("start", [seeding.plus_plus, seeding.maxmin])
def test_informed_starts_take_each_distinct_point_before_any_copy(start):
    points = np.repeat([[0.0], [1.0], [5.0]], 4, axis=0)
    for seed in range(20):
        rows = start(distances(points), 12, 3, np.random.default_rng(seed))
        assert sorted(points[rows].ravel()) == [0, 1, 5]


def test_maxmin_by_hand():
    points = np.array([[0.0], [1.0], [4.0], [10.0]])

    class First:
        def integers(self, n):
            return 1

    assert seeding.maxmin(distances(points), 4, 4, First()).tolist() == [1, 3, 2, 0]


def test_build_by_hand():
    points = np.array([[0.0], [1.0], [2.0], [10.0], [11.0]])
    # 2 has the least sum, 2+1+0+8+9; then 10 takes 8 + 8 off it, 11 only 9 + 7
    assert seeding.build(proximity_matrix(points), 2).tolist() == [2, 3]


def test_k_means_plus_plus_starts_lower_than_random_points_on_many_groups():
    points = sampling.grid(800, np.random.default_rng(0), side=4).points
    losses = {
        init: np.mean([fit(KMeans(16, init=init), points, rng=seed, max_iter=0).loss for seed in range(10)])
        for init in ("random", "k-means++")
    }
    assert losses["k-means++"] < 0.5 * losses["random"]


def test_the_start_can_be_given_as_init():
    points = three_gaussians(50, np.random.default_rng(0)).points
    given = points[:3]
    assert fit(KMeans(3, init=given), points).loss == fit(KMeans(3), points, start=given).loss
    rows = np.array([1, 2, 3])
    matrix = proximity_matrix(points)
    assert fit(KMedoids(3, init=rows), matrix).loss == fit(KMedoids(3), matrix, start=rows).loss


# proximities


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("euclidean", "euclidean"),
        ("squared euclidean", "sqeuclidean"),
        ("manhattan", "cityblock"),
        ("chebyshev", "chebyshev"),
        ("cosine", "cosine"),
        ("correlation", "correlation"),
    ],
)
def test_proximities_are_those_of_scipy_and_pass_the_check(metric, name):
    points = np.random.default_rng(0).normal(size=(40, 4))
    matrix = proximity_matrix(points, metric)
    np.testing.assert_allclose(matrix, squareform(pdist(points, name)), atol=1e-12)
    assert check_proximities(matrix) is matrix
    assert not matrix.diagonal().any()
    np.testing.assert_array_equal(matrix, matrix.T)


def test_proximities_of_points_far_from_the_origin_keep_their_digits():
    points = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_allclose(proximity_matrix(points + 1e8), proximity_matrix(points), atol=1e-7)


@pytest.mark.parametrize(
    ("points", "metric", "sentence"),
    [
        ([[0.0, 0.0], [1.0, 2.0]], "cosine", r"cosine is not defined for row 0, which is all zeros"),
        ([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]], "correlation", r"row 1, which has equal values"),
        ([[1.0, 2.0], [3.0, 4.0]], "correlation", r"at least 3 columns, got 2"),
        ([[1.0, 2.0]], "hamming", r"metric must be one of .*, got 'hamming'"),
    ],
)
def test_metrics_that_are_not_defined_say_why(points, metric, sentence):
    with pytest.raises(ValueError, match=sentence):
        proximity_matrix(points, metric)


def changed(entry, value):
    matrix = squareform(np.arange(1.0, 7.0))
    matrix[entry] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (np.zeros((2, 3)), r"square matrix \(n, n\), got shape \(2, 3\)"),
        (np.zeros(4), r"square"),
        (np.zeros((0, 0)), r"square"),
        ([["a", "b"], ["c", "d"]], r"must be numbers"),
        (changed((1, 2), np.nan), r"finite, but entry \(1, 2\) is nan"),
        (changed((1, 2), np.inf), r"finite, but entry \(1, 2\) is inf"),
        (changed((3, 0), -1), r"at least 0, but entry \(3, 0\) is -1"),
        (changed((2, 2), 0.5), r"to itself must be 0, but entry \(2, 2\) is 0.5"),
        (changed((0, 3), 9), r"symmetric, but entry \(0, 3\) is 9 and \(3, 0\) is 3"),
    ],
)
def test_a_matrix_that_is_not_one_of_proximities_is_refused_with_the_offending_entry(matrix, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_proximities(matrix)


def test_a_fault_deep_in_a_large_matrix_is_found_and_rounding_is_forgiven():
    matrix = proximity_matrix(np.random.default_rng(0).normal(size=(700, 2)))
    check_proximities(matrix * (1 + 1e-12 * np.random.default_rng(1).normal(size=matrix.shape)))
    matrix[650, 20] += 1e-3
    with pytest.raises(ValueError, match=r"entry \(20, 650\)"):
        check_proximities(matrix)


# samples

MIXTURES = {
    "three": lambda n, rng: sampling.three_gaussians(n, rng),
    "round": lambda n, rng: sampling.round_groups(n, rng, k=4, d=3),
    "sizes": lambda n, rng: sampling.unequal_sizes(n, rng, d=2),
    "spreads": lambda n, rng: sampling.unequal_spreads(n, rng, d=3),
    "stretched": lambda n, rng: sampling.stretched(n, rng, d=4),
    "overlap": lambda n, rng: sampling.overlapping(n, rng, d=1),
    "grid": lambda n, rng: sampling.grid(n, rng, side=2, d=3),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_a_sampled_mixture_has_the_weights_means_and_covariances_that_it_states(name):
    n = 40_000
    points, labels, truth = MIXTURES[name](n, np.random.default_rng(0))
    assert points.shape == (n, truth.means.shape[1])
    for k, (weight, mean, covariance) in enumerate(zip(*truth, strict=True)):
        mine = points[labels == k]
        assert len(mine) / n == pytest.approx(weight, abs=0.012)
        width = np.sqrt(np.linalg.eigvalsh(covariance)[-1])
        np.testing.assert_allclose(mine.mean(axis=0), mean, atol=6 * width / np.sqrt(len(mine)))
        np.testing.assert_allclose(np.cov(mine.T).reshape(covariance.shape), covariance, atol=0.1 * width**2)


def test_the_three_gaussians_are_those_of_the_lecture():
    truth = three_gaussians(10, np.random.default_rng(0)).truth
    np.testing.assert_array_equal(truth.weights, [0.5, 0.3, 0.2])
    np.testing.assert_array_equal(truth.means, [[-5, -1], [0, 1], [5, -1]])
    np.testing.assert_array_equal(truth.covariances, np.stack([np.eye(2)] * 3))


def test_moons_and_rings_lie_where_they_should():
    points, labels, truth = sampling.rings(2000, np.random.default_rng(0), k=3, noise=0)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), labels + 1)
    assert truth is None
    points, labels, truth = sampling.two_moons(2000, np.random.default_rng(0), noise=0)
    np.testing.assert_allclose(np.linalg.norm(points[labels == 0], axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(points[labels == 1] - [1, 0.5], axis=1), 1)
    assert truth is None


def test_noise_and_outliers():
    dataset = sampling.uniform(3000, np.random.default_rng(0), d=3, low=-2, high=4)
    assert dataset.points.min() >= -2
    assert dataset.points.max() <= 4
    np.testing.assert_allclose(dataset.points.mean(axis=0), 1, atol=0.15)
    assert not dataset.labels.any()
    dataset = sampling.with_outliers(1000, np.random.default_rng(0), share=0.1)
    assert np.count_nonzero(dataset.labels == -1) == 100


@pytest.mark.parametrize("name", MIXTURES)
def test_the_same_seed_draws_the_same_sample(name):
    one, other = (MIXTURES[name](50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    assert not np.array_equal(one.points, MIXTURES[name](50, np.random.default_rng(4)).points)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda rng: sample_mixture(5, [0.5, 0.6], [[0], [1]], np.ones((2, 1, 1)), rng), r"sum to 1, got 1.1"),
        (
            lambda rng: sample_mixture(5, [0.5, 0.5], [[0], [1]], np.zeros((2, 1, 1)), rng),
            r"covariance 0 must be positive definite",
        ),
        (
            lambda rng: sample_mixture(5, [1.0], [[0, 0]], [[[1, 2], [0, 1]]], rng),
            r"covariance 0 must be finite and symmetric",
        ),
        (lambda rng: sample_mixture(5, [1.0], [[0, 0]], [[[1]]], rng), r"shape"),
        (lambda rng: sample_mixture(0, [1.0], [[0]], [[[1]]], rng), r"n must be .* at least 1, got 0"),
        (lambda rng: sampling.uniform(5, rng, low=1, high=1), r"low must be less than high"),
        (lambda rng: sampling.stretched(5, rng, d=1), r"at least 2 dimensions, got 1"),
        (lambda rng: sampling.with_outliers(5, rng, share=1), r"share must lie in 0..1, got 1"),
        (lambda rng: sampling.rings(5, rng, k=0), r"k must be a whole number of at least 1, got 0"),
        (lambda rng: sampling.grid(5, rng, side=40, d=2), r"1..1000 groups, got 40\^2"),
    ],
)
def test_a_sample_that_cannot_be_drawn_says_why(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(np.random.default_rng(0))


# comparisons


def test_contingency_counts_each_pair_of_groups():
    table, rows, columns = contingency_table(["a", "a", "b", "b"], [5, 7, 7, 7])
    assert table.tolist() == [[1, 1], [0, 2]]
    assert rows.tolist() == ["a", "b"]
    assert columns.tolist() == [5, 7]
    with pytest.raises(ValueError, match="one length"):
        contingency_table([1, 2], [1])


def test_clusters_are_matched_by_the_points_that_they_share():
    a = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
    b = np.array([2, 2, 2, 0, 0, 1, 1, 1, 0])
    assert match_clusters(a, b).tolist() == [2, 0, 1]
    assert match_clusters(a, np.where(b == 2, -1, b), 3).tolist() == [2, 0, 1]  # noise is left out
    assert sorted(match_clusters([0, 0], [3, 3], 5).tolist()) == [0, 1, 2, 3, 4]
    assert match_clusters([0, 0], [3, 3], 5)[0] == 3
