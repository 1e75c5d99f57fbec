"""Tests of means after clustering: by hand, against brute force and SciPy, and uniform p-values without clusters."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from clustering import (
    LINKAGES,
    History,
    KMeans,
    kmeans_mean_test,
    mean_test_by_sampling,
    median_sigma,
    rows_of_centers,
    selective_inference,
    tree_mean_test,
    tree_of_points,
)
from clustering.selective_inference import _log_mass
from tests.core.tables import examples

linkages = pytest.mark.parametrize("linkage", LINKAGES)
FOUR = np.array([[0.0], [1.0], [5.0], [6.0]])


def lloyd(points, rows, iterations=50):
    """Labels of each iteration from the points in `rows`; None after a cluster has become empty."""
    centers, history = points[rows], []
    for _ in range(iterations):
        labels = cdist(points, centers, "sqeuclidean").argmin(axis=1)
        if not np.bincount(labels, minlength=len(rows)).all():
            return None
        history.append(labels)
        if iterations == 50 and len(history) > 1 and (history[-2] == labels).all():
            break
        centers = np.array([points[labels == j].mean(axis=0) for j in range(len(rows))])
    return history


def moved(points, labels, a, b, phi):
    """The points after moving clusters a and b, with their common mean fixed, until their means have distance phi."""
    in_a, in_b = labels == a, labels == b
    gap = points[in_a].mean(axis=0) - points[in_b].mean(axis=0)
    change = gap * (phi / np.linalg.norm(gap) - 1)
    result = points.copy()
    result[in_a] += change * in_b.sum() / (in_a.sum() + in_b.sum())
    result[in_b] -= change * in_a.sum() / (in_a.sum() + in_b.sum())
    return result


def distances_to_try(found, rng):
    """Random distances, and some close to the ends of the intervals but not at them."""
    ends = found.intervals[np.isfinite(found.intervals)]
    phi = np.concatenate([rng.uniform(0, 3 * found.difference, 15), ends - 1e-6, ends + 1e-6])
    return phi[(phi >= 0) & (np.abs(phi[:, None] - ends).min(axis=1) > 1e-7)]


def inside(phi, intervals):
    return bool(((intervals[:, 0] <= phi) & (phi <= intervals[:, 1])).any())


def finds_both(new, labels, a, b):
    return all(np.array_equal(new == new[(labels == each).argmax()], labels == each) for each in (a, b))


# by hand


def test_four_points_by_hand():
    # when the means have distance phi, the points are at 2.5 - phi / 2, 3.5 - phi / 2, 2.5 + phi / 2 and 3.5 + phi / 2. The
    # second is nearer to the first (distance 1) than to the third (phi - 1) if phi > 2; and nearer to its own mean than to the
    # other one if phi > 1
    labels = np.array([0, 0, 1, 1])
    found = kmeans_mean_test(FOUR, [labels, labels], [0, 2], 0, 1, sigma=1.0)
    assert found.difference == 5
    np.testing.assert_allclose(found.intervals, [[2, np.inf]], rtol=1e-14)
    # phi is the absolute value of a normal variable with variance 1 / 2 + 1 / 2
    assert found.p_value == pytest.approx(stats.norm.sf(5) / stats.norm.sf(2), rel=1e-12)
    assert found.naive_p_value == pytest.approx(2 * stats.norm.sf(5), rel=1e-12)
    assert (found.sigma, found.effective_draws) == (1.0, None)


@pytest.mark.parametrize(
    ("linkage", "least"),
    # both pairs merge at height 1; before the second merge the nearest other distance is that of a pair to a point
    [("single", 2), ("complete", 2), ("average", 2), ("centroid", 2), ("median", 2), ("ward", 2)],
)
def test_tree_of_four_points_by_hand(linkage, least):
    found = tree_mean_test(FOUR * [[1.0, 0.0]], tree_of_points(FOUR, linkage), linkage, 2, 0, 1, sigma=2.0)
    np.testing.assert_allclose(found.intervals, [[least, np.inf]], rtol=1e-14)
    # two coordinates: phi^2 / sigma^2 is exponential with mean 2
    assert found.p_value == pytest.approx(np.exp(-(25 - least**2) / 8), rel=1e-12)


def test_median_sigma_by_hand():
    # absolute deviations 1, 0, 1, 3 from the median 1 of the first column; 0 in the second
    points = [[0.0, 7.0], [1.0, 7.0], [1.0, 7.0], [2.0, 7.0], [4.0, 7.0]]
    assert median_sigma(points) == 0
    assert median_sigma(np.array(points)[:, :1]) == pytest.approx(1 / stats.norm.ppf(0.75))
    assert median_sigma(np.random.default_rng(0).normal(3, 2, size=(20_000, 2))) == pytest.approx(2, rel=0.02)


# against brute force


def test_the_intervals_of_k_means_are_those_with_the_same_labels_in_every_iteration():
    rng, compared, several = np.random.default_rng(1), 0, 0
    for _ in range(60):
        n, d = rng.integers(6, 25), rng.integers(1, 5)
        k = int(rng.integers(2, 5))
        points, rows = rng.normal(size=(n, d)), rng.choice(n, k, replace=False)
        history = lloyd(points, rows)
        if history is None:
            continue
        a, b = map(int, rng.choice(k, 2, replace=False))
        found = kmeans_mean_test(points, history, rows, a, b, sigma=1.0)
        assert inside(found.difference, found.intervals)
        several += len(found.intervals) > 1
        for phi in distances_to_try(found, rng):
            again = lloyd(moved(points, history[-1], a, b, phi), rows, len(history))
            assert inside(phi, found.intervals) == (again is not None and np.array_equal(again, history))
            compared += 1
    assert compared > 500
    assert several > 5


@pytest.mark.one_in(3)
@linkages
def test_the_intervals_of_a_tree_are_those_where_both_clusters_are_found_again(linkage):
    rng, outcomes = np.random.default_rng(2), []
    for _ in range(20):
        n, d = rng.integers(3, 25), rng.integers(1, 5)
        k = int(rng.integers(2, min(n, 6) + 1))
        points = rng.normal(size=(n, d))
        tree = tree_of_points(points, linkage)
        labels = tree.labels(k)
        a, b = map(int, rng.choice(k, 2, replace=False))
        found = tree_mean_test(points, tree, linkage, k, a, b, sigma=1.0)
        assert inside(found.difference, found.intervals)
        for phi in distances_to_try(found, rng):
            again = tree_of_points(moved(points, labels, a, b, phi), linkage).labels(k)
            outcomes.append(finds_both(again, labels, a, b))
            assert inside(phi, found.intervals) == outcomes[-1]
    assert 50 < sum(outcomes) < len(outcomes) - 50


@linkages
def test_a_test_of_many_points_has_many_steps_and_the_same_result_as_in_one_piece(linkage, monkeypatch):
    points, steps = np.random.default_rng(3).normal(size=(120, 2)), []
    tree = tree_of_points(points, linkage)
    whole = tree_mean_test(points, tree, linkage, 3, 0, 1)
    monkeypatch.setattr(selective_inference, "ROWS_AT_ONCE", 7)
    in_parts = tree_mean_test(points, tree, linkage, 3, 0, 1, on_step=lambda: steps.append(None))
    assert len(steps) > 15
    assert in_parts.p_value == pytest.approx(whole.p_value, rel=1e-12)
    np.testing.assert_allclose(in_parts.intervals, whole.intervals)


@pytest.mark.parametrize("linkage", ["centroid", "median"])
def test_clusters_must_not_be_nearer_than_a_merge_before_an_inversion(linkage):
    points = np.random.default_rng(53).normal(size=(8, 3))
    tree = tree_of_points(points, linkage)
    assert tree.inversions.min() < 5
    labels = tree.labels(3)
    least = tree_mean_test(points, tree, linkage, 3, 0, 1, sigma=1.0).intervals[0, 0]
    for phi in (least - 1e-6, least + 1e-6):
        again = tree_of_points(moved(points, labels, 0, 1, phi), linkage).labels(3)
        assert finds_both(again, labels, 0, 1) == (phi > least)


@pytest.mark.parametrize("linkage", ["ward", "average"])
def test_sampling_agrees_with_the_exact_p_value(linkage):
    points = np.random.default_rng(6).normal(size=(12, 2))
    tree = tree_of_points(points, linkage)
    exact = tree_mean_test(points, tree, linkage, 3, 0, 1, sigma=1.0)
    assert 0.1 < exact.p_value < 0.5

    def cut(points):
        return tree_of_points(points, linkage).labels(3)

    sampled = mean_test_by_sampling(cut, points, tree.labels(3), 0, 1, rng=0, sigma=1.0, draws=500)
    assert sampled.naive_p_value == exact.naive_p_value
    assert 50 < sampled.effective_draws <= 501
    error = np.sqrt(exact.p_value * (1 - exact.p_value) / sampled.effective_draws)
    assert abs(sampled.p_value - exact.p_value) < 3 * error


def test_sampling_of_groups_that_do_not_depend_on_the_points_gives_the_naive_p_value():
    labels = np.array([0, 0, 1, 1])
    found = mean_test_by_sampling(lambda points: labels, FOUR * 0.4, labels, 0, 1, rng=0, sigma=1.0, draws=5_000)
    assert found.naive_p_value == pytest.approx(2 * stats.norm.sf(2), rel=1e-12)
    assert found.p_value == pytest.approx(found.naive_p_value, rel=0.2)


def test_sampling_counts_the_observed_distance_if_the_clusters_are_never_found_again():
    labels = np.array([0, 0, 1, 1])
    found = mean_test_by_sampling(lambda points: np.zeros(4, dtype=int), FOUR, labels, 0, 1, rng=0, sigma=1.0, draws=20)
    assert (found.p_value, found.effective_draws, found.intervals) == (1.0, 1.0, None)


# probabilities


@pytest.mark.parametrize("d", [1, 2, 3, 10, 300])
def test_probabilities_are_those_of_scipy(d):
    middle = np.sqrt(d)
    ends = np.array([[0, 0.5 * middle], [0.9 * middle, middle], [1.1 * middle, 1.3 * middle], [1.5 * middle, np.inf]])
    masses = np.array([_log_mass(each[None], d) for each in ends])
    expected = stats.chi2.sf(ends[:, 0] ** 2, d) - stats.chi2.sf(ends[:, 1] ** 2, d)
    expected[0] = stats.chi2.cdf(ends[0, 1] ** 2, d)
    total = _log_mass(np.array([[0, np.inf]]), d)
    np.testing.assert_allclose(np.exp(masses - total), expected, rtol=1e-10)
    assert _log_mass(ends, d) == pytest.approx(np.log(expected.sum()) + total, abs=1e-10)


@pytest.mark.parametrize("start", [0.1, 3.0, 50.0, 1e4])
@pytest.mark.parametrize("length", [1e-9, 1e-3, 2.0, np.inf])
def test_probabilities_are_precise_in_the_tail_and_for_short_intervals(start, length):
    # for d = 2 the integral is exp(-start^2 / 2) - exp(-(start + length)^2 / 2)
    end = start + length
    expected = -(start**2) / 2 + np.log(-np.expm1(-(end - start) * (end + start) / 2))
    # absolute error of the logarithm is relative error of the probability
    assert _log_mass(np.array([[start, end]]), 2) == pytest.approx(expected, abs=1e-12, rel=1e-14)


def test_probabilities_are_precise_far_below_the_mode():
    # phi^999 exp(-phi^2 / 2) for small phi
    assert _log_mass(np.array([[0.0, 1e-3]]), 1_000) == pytest.approx(1_000 * np.log(1e-3) - np.log(1_000), rel=1e-9)
    assert _log_mass(np.zeros((0, 2)), 3) == -np.inf


# the distribution of p-values without clusters


def p_values(test, simulations, seed):
    rng, found = np.random.default_rng(seed), []
    while len(found) < simulations:
        result = test(rng.normal(size=(30, 2)), rng)
        if result is not None:
            found.append((result.p_value, result.naive_p_value))
    return np.array(found).T


def test_p_values_of_k_means_are_uniform_without_clusters():
    def test(points, rng):
        rows = rng.choice(30, 3, replace=False)
        history = lloyd(points, rows)
        return history and kmeans_mean_test(points, history, rows, 0, 1, sigma=1.0)

    selective, naive = p_values(test, examples(2_000).max_examples, 3)
    assert stats.kstest(selective, "uniform").pvalue > 0.001
    assert stats.kstest(naive, "uniform").pvalue < 1e-10
    assert (naive < 0.05).mean() > 0.9


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("linkage", "simulations"),
    [("ward", examples(2_000).max_examples), ("single", 100), ("complete", 100), ("average", 100)],
)
def test_p_values_of_a_tree_are_uniform_without_clusters(linkage, simulations):
    def test(points, rng):
        # the pair is chosen at random, independently of how the clusters are numbered
        a, b = map(int, rng.choice(3, 2, replace=False))
        return tree_mean_test(points, tree_of_points(points, linkage), linkage, 3, a, b, sigma=1.0)

    selective, naive = p_values(test, simulations, 4)
    assert stats.kstest(selective, "uniform").pvalue > 0.001
    assert stats.kstest(naive, "uniform").pvalue < 1e-10


# power, and other properties


def test_separated_groups_have_a_small_p_value():
    rng = np.random.default_rng(5)
    points = rng.normal(size=(40, 2)) + np.repeat([[0.0, 0.0], [8.0, 0.0]], 20, axis=0)
    history = lloyd(points, [0, 20])
    assert kmeans_mean_test(points, history, [0, 20], 0, 1, sigma=1.0).p_value < 1e-6
    for linkage in LINKAGES:
        found = tree_mean_test(points, tree_of_points(points, linkage), linkage, 2, 0, 1, sigma=1.0)
        assert found.p_value < 1e-6
    # the default estimate counts the distance of the groups as noise
    assert 1 < kmeans_mean_test(points, history, [0, 20], 0, 1).sigma < 8


def test_a_recorded_run_gives_labels_and_rows():
    points = np.random.default_rng(6).normal(1e3, 1, size=(200, 3))
    points = np.concatenate([points, points[:20]])  # duplicates
    history = History.record(KMeans(4, init="random"), points, rng=1)
    labels = [history.assignment_of_iteration(t).labels for t in range(len(history))]
    rows = rows_of_centers(points, history.parameters[0])
    np.testing.assert_allclose(points[rows], history.parameters[0], rtol=1e-14)
    np.testing.assert_array_equal(labels, lloyd(points, rows))
    found = kmeans_mean_test(points, labels, rows, 2, 0, sigma=1.0)
    assert inside(found.difference, found.intervals)
    # each duplicate is as good a row as the other
    twins = np.where(rows < 20, rows + 200, np.where(rows >= 200, rows - 200, rows))
    np.testing.assert_array_equal(kmeans_mean_test(points, labels, twins, 2, 0, sigma=1.0).intervals, found.intervals)


def test_the_p_value_does_not_depend_on_place_unit_rotation_or_order_of_the_clusters():
    points = np.random.default_rng(7).normal(size=(40, 3))
    history = lloyd(points, [0, 1, 2])
    found = kmeans_mean_test(points, history, [0, 1, 2], 0, 2)
    rotation = stats.ortho_group.rvs(3, random_state=1)
    other = kmeans_mean_test((points @ rotation + 50) * 1e-3, history, [0, 1, 2], 2, 0, sigma=found.sigma * 1e-3)
    np.testing.assert_allclose(other.intervals, found.intervals * 1e-3, rtol=1e-9)
    assert other.p_value == pytest.approx(found.p_value, rel=1e-8)


def test_ties_do_not_put_the_observed_distance_on_a_boundary():
    # in a grid of 7 columns, the points of the middle one are at the same distance from both corners
    points = np.stack(np.meshgrid(np.arange(7.0), np.arange(3.0)), axis=2).reshape(-1, 2)
    rows = [0, 6]
    history = lloyd(points, rows)
    found = [kmeans_mean_test(points, history, rows, 0, 1, sigma=1.0)]
    found += [tree_mean_test(points, tree_of_points(points, each), each, 3, 0, 1, sigma=1.0) for each in LINKAGES]
    for each in found:
        low, high = each.intervals.T
        assert ((low < each.difference - 1e-3) & (high > each.difference + 1e-3)).any()
        assert 0 < each.p_value < 1


def test_every_point_alone_leaves_the_naive_test():
    found = tree_mean_test(FOUR, tree_of_points(FOUR, "ward"), "ward", 4, 1, 3, sigma=1.0)
    assert found.intervals.tolist() == [[0, np.inf]]
    assert found.p_value == found.naive_p_value == pytest.approx(2 * stats.norm.sf(5 / np.sqrt(2)))


# errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start_rows": [0, 4]}, r"start_rows must be rows in 0\.\.n-1=3, got \[0, 4\]"),
        ({"start_rows": [0.0, 2.0]}, "start_rows must be rows"),
        ({"start_rows": [0, 2, 1]}, "one is empty in iteration 0"),
        ({"start_rows": [2, 0]}, "labels must be the nearest centers in each iteration"),
        ({"labels": [[0, 0, 1, 2]] * 2}, r"labels must lie in 0\.\.k-1=1, got 0\.\.2"),
        ({"labels": []}, "labels must have at least one iteration"),
        ({"labels": [[0, 0, 0, 0], [0, 0, 1, 1]]}, "one is empty in iteration 0"),
        ({"a": 2}, r"a and b must be clusters in 0\.\.k-1=1, got 2 and 1"),
        ({"b": 0}, "a and b must be two different clusters, got 0 twice"),
        ({"sigma": 0.0}, r"sigma must be positive and finite, got 0\.0"),
        ({"sigma": np.nan}, "sigma must be positive and finite, got nan"),
        ({"points": [[0.0], [0.0], [0.0], [0.0]]}, "the two clusters have the same mean"),
        ({"points": [[5.0], [5.0], [5.0], [9.0]], "sigma": None}, "the estimate of sigma is 0"),
    ],
)
def test_errors_of_k_means(change, message):
    arguments = {"points": FOUR, "labels": [[0, 0, 1, 1]] * 2, "start_rows": [0, 2], "a": 0, "b": 1, "sigma": 1.0}
    with pytest.raises(ValueError, match=message):
        kmeans_mean_test(**arguments | change)


def test_other_errors():
    tree = tree_of_points(FOUR, "ward")
    with pytest.raises(ValueError, match="the tree must have n=3 points, got 4"):
        tree_mean_test(FOUR[:3], tree, "ward", 2, 0, 1)
    with pytest.raises(ValueError, match=r"linkage must be one of single, .*, got 'wards'"):
        tree_mean_test(FOUR, tree, "wards", 2, 0, 1)
    with pytest.raises(ValueError, match="the tree must be that of the points with linkage 'ward'"):
        tree_mean_test(FOUR / 10, tree, "ward", 2, 0, 1, sigma=1.0)
    with pytest.raises(ValueError, match="center 1 is not one of them"):
        rows_of_centers(FOUR, [[5.0], [5.5]])
    with pytest.raises(ValueError, match="a and b must be clusters with points, got 0 and 1"):
        mean_test_by_sampling(np.ravel, FOUR, [0, 0, 2, 2], 0, 1, rng=0)
    with pytest.raises(ValueError, match="draws must be an integer of at least 1, got 0"):
        mean_test_by_sampling(np.ravel, FOUR, [0, 0, 1, 1], 0, 1, rng=0, draws=0)
