"""Criteria for the number of clusters: by hand, by symmetry, against scikit-learn, and on data with a known number."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture as SklearnMixture
from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky

from clustering import (
    Gap,
    GaussianMixture,
    KMeans,
    aic,
    best_of,
    bic,
    calinski_harabasz,
    clusters_of_most,
    davies_bouldin,
    elbow,
    entropy,
    fit,
    gap_statistic,
    icl,
    principal_components,
    subsample_agreement,
    three_gaussians,
    uniform_reference,
    within_groups,
)
from tests.core.tables import examples

NINE = np.array([0, 1, 2, 10, 11, 12, 20, 21, 22], dtype=float)[:, None]
NINE_LABELS = np.repeat([0, 1, 2], 3)
CRITERIA = [within_groups, calinski_harabasz, davies_bouldin]
KINDS = [("full", "full"), ("tied", "tied"), ("diagonal", "diag"), ("spherical", "spherical")]


def groups(n, d, k, seed):
    rng = np.random.default_rng(seed)
    labels = np.append(np.arange(k), rng.integers(k, size=n - k))
    return rng.uniform(-4, 4, size=(k, d))[labels] + rng.standard_normal((n, d)), labels


# criteria of points and labels, by hand


def test_nine_points_on_a_line_by_hand():
    assert within_groups(NINE, NINE_LABELS) == pytest.approx(3 * 2, rel=1e-14)
    # between: 3 (10^2 + 0 + 10^2), with 2 and 6 degrees of freedom
    assert calinski_harabasz(NINE, NINE_LABELS) == pytest.approx((600 / 2) / (6 / 6), rel=1e-14)
    # all mean distances are 2/3; the next mean is 10 away
    assert davies_bouldin(NINE, NINE_LABELS) == pytest.approx((2 / 3 + 2 / 3) / 10, rel=1e-14)


def test_clusters_of_different_sizes_by_hand():
    points, labels = [[0.0, 0.0], [0.0, 4.0], [6.0, 2.0]], [0, 0, 1]
    assert within_groups(points, labels) == pytest.approx(8)
    # the mean of all is (2, 2): between = 2 * 2^2 + 4^2
    assert calinski_harabasz(points, labels) == pytest.approx((24 / 1) / (8 / 1))
    assert davies_bouldin(points, labels) == pytest.approx((2 + 0) / 6)


def test_within_sum_of_squares_of_one_cluster_is_the_total_and_of_singletons_zero():
    assert within_groups(NINE, [5] * 9) == pytest.approx(606, rel=1e-14)
    assert within_groups(NINE, np.arange(9)) == 0
    assert within_groups([[3.0, 4.0]], ["only"]) == 0


@pytest.mark.parametrize("x", [0.1, 1.3, 1.49, 1e8 + 0.1, -3.3e-9])
def test_within_sum_of_squares_of_duplicates_is_exactly_zero(x):
    points = np.repeat([[x, 0.3], [x + 1, 0.3], [x, 1.7]], [3, 7, 6], axis=0)
    labels = np.repeat([4, 2, 9], [3, 7, 6])
    assert within_groups(points, labels) == 0
    assert calinski_harabasz(points, labels) == np.inf
    assert davies_bouldin(points, labels) == 0


@pytest.mark.parametrize("x", [0.0, 0.1, 1e8 + 0.1])
def test_worst_scores_if_all_points_are_equal(x):
    points = np.full((9, 2), x)
    for labels in (NINE_LABELS, [0] * 4 + [1] * 5):
        assert within_groups(points, labels) == 0
        assert calinski_harabasz(points, labels) == 0
        assert davies_bouldin(points, labels) == np.inf


def test_worst_scores_if_clusters_share_one_mean():
    points = [[-1.0], [1.0], [-2.0], [2.0], [9.0], [-9.0]]
    assert calinski_harabasz(points, [0, 0, 1, 1, 2, 2]) == 0
    assert davies_bouldin(points, [0, 0, 1, 1, 2, 2]) == np.inf
    # two clusters of duplicates of the same point, and a third one elsewhere
    assert davies_bouldin([[1.0], [1.0], [1.0], [1.0], [5.0]], [0, 0, 1, 1, 2]) == np.inf


def test_a_constant_column_does_not_change_the_criteria():
    points, labels = groups(60, 2, 3, 1)
    wider = np.column_stack([points, np.full(60, 0.1)])
    for criterion in CRITERIA:
        assert criterion(wider, labels) == pytest.approx(criterion(points, labels), rel=1e-12)


# properties


@examples(40)
@given(seed=st.integers(0, 999), k=st.integers(2, 6), d=st.integers(1, 4))
def test_criteria_do_not_depend_on_the_order_of_points_or_the_cluster_names(seed, k, d):
    points, labels = groups(30, d, k, seed)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(30), rng.choice(np.arange(-50, 50), size=k, replace=False)  # not consecutive
    for criterion in CRITERIA:
        value = criterion(points, labels)
        assert criterion(points[order], names[labels[order]]) == pytest.approx(value, rel=1e-11)
        assert criterion(points.tolist(), [f"group {label}" for label in labels]) == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e12])
def test_only_the_within_sum_of_squares_depends_on_the_unit(scale):
    points, labels = groups(60, 3, 4, 5)
    assert within_groups(points * scale, labels) == pytest.approx(within_groups(points, labels) * scale**2, rel=1e-12)
    for criterion in CRITERIA[1:]:
        assert criterion(points * scale, labels) == pytest.approx(criterion(points, labels), rel=1e-12)


@pytest.mark.parametrize(
    ("offset", "n", "spread"), [(1e8, 200, 1.0), (-1e8, 200, 1e-3), (2.0**40, 200, 1e-3), (2.0**40, 50_000, 1.0)]
)
def test_a_common_offset_does_not_reduce_precision(offset, n, spread):
    points, labels = groups(n, 2, 4, 6)
    moved = points * spread + offset
    exact = moved - offset  # exact, because the addition has rounded the points to multiples of its precision
    for criterion in CRITERIA:
        assert criterion(moved, labels) == pytest.approx(criterion(exact, labels), rel=1e-10)


# against scikit-learn


@pytest.mark.parametrize(("n", "d", "k"), [(3, 1, 2), (30, 1, 3), (400, 2, 5), (500, 16, 10), (60, 3, 45)])
def test_criteria_match_scikit_learn(n, d, k):
    points, labels = groups(n, d, k, 1)
    assert calinski_harabasz(points, labels) == pytest.approx(
        sklearn.metrics.calinski_harabasz_score(points, labels), rel=1e-11
    )
    assert davies_bouldin(points, labels) == pytest.approx(sklearn.metrics.davies_bouldin_score(points, labels), rel=1e-7)


def test_criteria_of_species_and_k_means_on_iris(table):
    points, species = table("iris", 4), np.repeat(["setosa", "versicolor", "virginica"], 50)
    assert calinski_harabasz(points, species) == pytest.approx(487.3309, abs=5e-5)
    assert davies_bouldin(points, species) == pytest.approx(0.7513707, abs=5e-7)
    best = best_of(20, KMeans(3), points, rng=0)
    assert calinski_harabasz(points, best.labels) == pytest.approx(561.6278, abs=5e-5)
    assert davies_bouldin(points, best.labels) == pytest.approx(0.6619715, abs=5e-7)
    assert within_groups(points, best.labels) == pytest.approx(best.loss, rel=1e-12) == pytest.approx(78.8514, abs=5e-5)


@pytest.mark.parametrize(("covariance", "kind"), KINDS)
def test_aic_bic_and_icl_of_a_mixture_match_scikit_learn(table, covariance, kind):
    points = table("iris", 4)
    process = GaussianMixture(3, covariance)
    state = fit(process, points, rng=0)
    sklearn_fit = SklearnMixture(3, covariance_type=kind)
    sklearn_fit.weights_, sklearn_fit.means_, covariances = state.parameters
    sklearn_fit.covariances_ = {
        "full": covariances,
        "tied": covariances[0],
        "diag": np.diagonal(covariances, axis1=1, axis2=2),
        "spherical": covariances[:, 0, 0],
    }[kind]
    sklearn_fit.precisions_cholesky_ = _compute_precision_cholesky(sklearn_fit.covariances_, kind)
    log_likelihood, parameters = -state.loss * len(points), process.parameter_count(4)
    assert aic(log_likelihood, parameters) == pytest.approx(sklearn_fit.aic(points), rel=1e-10)
    actual = bic(log_likelihood, parameters, len(points))
    assert actual == pytest.approx(sklearn_fit.bic(points), rel=1e-10)
    r = sklearn_fit.predict_proba(points)
    expected = sklearn_fit.bic(points) - 2 * np.sum(r * np.log(np.maximum(r, 1e-300)))
    assert icl(actual, state.assignment.responsibilities) == pytest.approx(expected, rel=1e-9)


# criteria of a likelihood, by hand


def test_aic_by_hand():
    assert aic(-100.0, 3) == 206


def test_entropy_by_hand():
    assert entropy([[0.5, 0.5], [1, 0], [0.25, 0.75]]) == pytest.approx(np.log(2) + np.log(4) - 0.75 * np.log(3))
    assert entropy(np.full((7, 5), 0.2)) == pytest.approx(7 * np.log(5))
    assert entropy(np.ones((4, 1))) == 0


def test_entropy_of_certain_assignments_is_positive_zero():
    assert str(entropy(np.eye(3))) == "0.0"


def test_icl_equals_bic_for_certain_assignments_and_exceeds_it_otherwise():
    assert icl(200.0, np.eye(3)) == 200
    assert icl(200.0, [[0.5, 0.5]] * 3) == pytest.approx(200 + 2 * 3 * np.log(2))


# the elbow


def test_elbow_by_hand():
    k, distances = elbow([1, 2, 3, 4, 5], [100, 60, 20, 10, 0])
    assert k == 3
    # scaled: x = 0, 1/4 .. 1 and y = 1, .6, .2, .1, 0; the distance from x + y = 1 is (1 - x - y) / sqrt 2
    np.testing.assert_allclose(distances, np.array([0, 0.15, 0.3, 0.15, 0]) / np.sqrt(2), atol=1e-15)


def test_elbow_with_missing_numbers_of_clusters():
    k, distances = elbow([1, 2, 10], [10, 1, 0])
    assert k == 2
    assert distances[1] == pytest.approx((1 - 1 / 9 - 0.1) / np.sqrt(2))


@pytest.mark.parametrize("slope", [0.0, -0.1, -1 / 3, -7.0, -1e9])
@pytest.mark.parametrize("m", [2, 3, 8, 15])
def test_without_an_elbow_the_first_k_is_chosen_despite_rounding(slope, m):
    ks = np.arange(1, m + 1)
    k, distances = elbow(ks, 10 + slope * ks)
    assert k == 1
    np.testing.assert_allclose(distances, 0, atol=1e-14)


def test_smallest_k_is_chosen_on_ties():
    # y = 1, 1/2, 1/4, 1/8, 0 over x = 0, 1/4 .. 1: as far at 2 as at 3
    losses = np.array([8.0, 4, 2, 1, 0])
    for factor in (1, 0.1, 0.3, 1e-7, 1 / 3):
        assert elbow([1, 2, 3, 4, 5], losses * factor + 0.1)[0] == 2
    assert elbow([1, 2, 3, 4, 5], losses - [0, 0, 1e-6, 0, 0])[0] == 3


def test_elbow_distances_are_measured_from_the_chord_even_if_losses_increase():
    # y = 1, 0, 1/2 over x = 0, 1/2, 1: the line from (0, 1) to (1, 1/2) passes (1/2, 3/4)
    k, distances = elbow([1, 2, 3], [3, 1, 2])
    assert k == 2
    np.testing.assert_allclose(distances, [0, 0.75 / np.hypot(1, 0.5), 0], atol=1e-15)
    assert elbow([1, 2, 3], [1, 2, 1])[1].tolist() == [0, -1, 0]  # above the chord


@pytest.mark.parametrize(("factor", "offset"), [(1e-6, 0), (1e6, 5), (3, -1e3)])
def test_the_elbow_does_not_depend_on_the_unit_of_the_loss(factor, offset):
    losses = np.array([90, 50, 22, 15, 11, 9.0])
    k, distances = elbow(range(2, 8), losses)
    again, scaled = elbow(range(2, 8), losses * factor + offset)
    assert (k, again) == (4, 4)
    np.testing.assert_allclose(scaled, distances, atol=1e-12)


# the gap statistic


def small_gap():
    logs = np.array([[4, 3.5, 3.2], [4, 3.3, 3.0]])
    return gap_statistic([1, 2, 3], np.exp([3, 1, 0.9]), np.exp(logs))


def test_the_gap_statistic_by_hand():
    gap = small_gap()
    np.testing.assert_allclose(gap.log_within, [3, 1, 0.9], rtol=1e-14)
    np.testing.assert_allclose(gap.expected, [4, 3.4, 3.1], rtol=1e-14)
    np.testing.assert_allclose(gap.errors, np.array([0, 0.1, 0.1]) * np.sqrt(3 / 2), atol=1e-14)
    np.testing.assert_allclose(gap.gaps, [1, 2.4, 2.2], rtol=1e-14)
    assert gap.choice == 2


@pytest.mark.parametrize(
    ("gaps", "errors", "choice"),
    [
        ([1.0, 0.9, 5.0], [0, 0, 0], 2),  # smaller than the first; later gaps do not matter
        ([1.0, 1.0, 5.0], [0, 0, 0], 2),  # equal to the first
        ([1.0, 1.125, 2.0], [9, 0.125, 0], 2),  # within the standard error of the next, not its own
        ([1.0, 1.25, 1.5], [9, 0.125, 0.25], 4),
        ([1.0, 2.0, 3.0], [0, 0, 0], 8),  # no k qualifies: the largest
        ([1.0], [0.5], 2),
    ],
)
def test_gap_choice_is_the_smallest_k_within_one_standard_error_of_the_next(gaps, errors, choice):
    m = len(gaps)
    gap = Gap(np.array([2, 4, 8])[:m], np.zeros(m), np.array(gaps), np.array(errors))
    assert gap.choice == choice
    assert type(gap.choice) is int


def test_the_gap_statistic_does_not_depend_on_the_unit_of_the_points():
    gap = small_gap()
    scaled = gap_statistic(gap.ks, 1e6 * np.exp(gap.log_within), 1e6 * np.exp([[4, 3.5, 3.2], [4, 3.3, 3.0]]))
    np.testing.assert_allclose(scaled.gaps, gap.gaps, rtol=1e-12)
    np.testing.assert_allclose(scaled.errors, gap.errors, atol=1e-13)


def test_gap_is_finite_if_sums_are_zero():
    gap = gap_statistic([1, 2, 3], [9, 0, 0], [[9, 4, 2], [9, 5, 1]])
    assert np.isfinite(gap.gaps).all()
    assert gap.choice == 2
    zeros = gap_statistic([1, 2], [0, 0], np.zeros((3, 2)))
    np.testing.assert_allclose(zeros.gaps, 0, atol=1e-9)
    assert zeros.choice == 1


def k_means_gap(points, max_k, references, rng):
    def sums(points):
        clusterings = [best_of(3, KMeans(k), points, rng=rng) for k in range(1, max_k + 1)]
        return [within_groups(points, best.labels) for best in clusterings]

    reference = [sums(uniform_reference(points, rng)) for _ in range(references)]
    return gap_statistic(range(1, max_k + 1), sums(points), reference)


@pytest.mark.parametrize("seed", range(2))
def test_gap_statistic_finds_one_cluster_in_noise_and_three_in_three_gaussians(seed):
    rng = np.random.default_rng(seed)
    noise = rng.uniform(size=(100, 2)) @ np.array([[0.8, -0.6], [0.6, 0.8]])  # rotated
    assert k_means_gap(noise, 3, 6, rng).choice == 1
    assert k_means_gap(three_gaussians(100, rng).points, 4, 6, rng).choice == 3


@pytest.mark.parametrize("points", [np.full((6, 2), 0.1), np.array([[0.0, 1.0], [2.0, 1.0]])])
def test_gap_statistic_of_few_or_equal_points_is_finite(points):
    assert np.isfinite(k_means_gap(points, 1, 3, np.random.default_rng(0)).gaps).all()


# reference data


@pytest.mark.parametrize(("n", "d"), [(400, 1), (400, 2), (400, 5), (2, 1), (2, 3), (5, 12)])
def test_reference_data_fill_the_bounding_box_along_the_principal_components(n, d):
    rng = np.random.default_rng(d)
    points = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 7
    reference = uniform_reference(points, rng)
    assert reference.shape == (n, d)
    components = principal_components(points)
    expected, actual = components.project(points, d), components.project(reference, d)
    low, high = expected.min(axis=0), expected.max(axis=0)
    assert (actual >= low - 1e-9).all()
    assert (actual <= high + 1e-9).all()
    if n == 400:
        np.testing.assert_allclose(np.ptp(actual, axis=0), high - low, rtol=0.03)
        np.testing.assert_allclose(actual.mean(axis=0), (low + high) / 2, atol=np.ptp(expected) / 10)


def test_reference_data_of_points_on_a_line_lie_on_it():
    points = np.outer(np.linspace(-1, 3, 50), [3.0, 4.0]) + 1e3
    reference = uniform_reference(points, np.random.default_rng(0)) - 1e3
    np.testing.assert_allclose(reference[:, 0] * 4, reference[:, 1] * 3, atol=1e-10)


def test_reference_data_keep_constant_columns_constant():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.normal(size=30), np.full(30, 0.1), rng.normal(size=30)])
    np.testing.assert_allclose(uniform_reference(points, rng)[:, 1], 0.1, rtol=1e-14)
    np.testing.assert_allclose(uniform_reference(np.full((7, 3), 0.1), rng), 0.1, rtol=1e-15)


def test_reference_data_depend_only_on_the_generator():
    points = np.random.default_rng(1).normal(size=(20, 2))
    first, second, third = (uniform_reference(points, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert (first != third).all()


# agreement between subsamples


def test_agreement_is_1_for_consistent_labels_and_near_0_for_random_labels():
    rng = np.random.default_rng(0)
    assert subsample_agreement(60, lambda rows, rng: rows // 20, 5, rng).tolist() == [1] * 5
    agreement = subsample_agreement(300, lambda rows, rng: rng.integers(3, size=len(rows)), 20, rng)
    assert np.abs(agreement).max() < 0.05


def test_k_means_is_most_stable_with_the_true_number_of_clusters():
    points = three_gaussians(100, np.random.default_rng(0)).points

    def mean_agreement(k):
        def cluster(rows, rng):
            return best_of(2, KMeans(k), points[rows], rng=rng).labels

        return subsample_agreement(len(points), cluster, 6, np.random.default_rng(1)).mean()

    assert mean_agreement(3) > 0.95
    assert max(mean_agreement(4), mean_agreement(5)) < 0.9


@pytest.mark.parametrize(
    ("n", "share", "size"), [(10, 0.8, 8), (10, 1, 10), (4, 0.51, 3), (5, 0.51, 3), (2, 0.51, 2), (100, 0.501, 51)]
)
def test_subsamples_have_the_requested_size_and_always_overlap(n, share, size):
    seen = []

    def cluster(rows, rng):
        seen.append(rows)
        return rows * 0

    subsample_agreement(n, cluster, 30, np.random.default_rng(0), share)
    assert {len(rows) for rows in seen} == {size}
    assert all((np.diff(rows) > 0).all() for rows in seen)
    assert all(np.intersect1d(a, b).size for a, b in zip(seen[::2], seen[1::2], strict=True))
    assert set(np.concatenate(seen).tolist()) == set(range(n))


def test_agreement_accepts_any_labels_and_uses_only_common_points():
    rng = np.random.default_rng(0)
    halves = np.array(["left", "right"])
    assert subsample_agreement(20, lambda rows, rng: halves[rows // 10], 3, rng).tolist() == [1] * 3
    # -1 is an ordinary label: if it were ignored, the other points would form one cluster and agree
    agreement = subsample_agreement(40, lambda rows, rng: rng.integers(-1, 1, size=len(rows)), 5, rng)
    assert (agreement < 0.5).all()


# invalid arguments


@pytest.mark.parametrize("criterion", [calinski_harabasz, davies_bouldin])
@pytest.mark.parametrize(("labels", "k"), [([1, 1, 1], 1), ([0, 1, 2], 3)])
def test_too_few_or_too_many_clusters_are_rejected(criterion, labels, k):
    with pytest.raises(ValueError, match=f"at least two clusters and more points than clusters, got k={k}, n=3"):
        criterion([[0.0], [1.0], [3.0]], labels)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize(
    ("points", "labels", "message"),
    [
        ([[0.0], [1.0]], [0], r"labels must have shape \(2,\), got \(1,\)"),
        ([[0.0], [1.0]], [[0, 1]], r"labels must have shape \(2,\), got \(1, 2\)"),
        ([[0.0], [np.nan]], [0, 1], "row 1, column 0 is nan"),
        ([0.0, 1.0], [0, 1], r"two dimensions \(n, d\), got 1"),
    ],
)
def test_invalid_points_and_labels_are_rejected(criterion, points, labels, message):
    with pytest.raises(ValueError, match=message):
        criterion(points, labels)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: entropy([0, 1, 2]), r"responsibilities must have two dimensions \(n, k\), got 1"),
        (lambda: entropy([[1, 0], [0.5, 0.6]]), r"at least 0 and sum to 1 in each row, but row 1 is \[0\.5, 0\.6\]"),
        (lambda: icl(3.0, [[1.5, -0.5]]), r"at least 0 and sum to 1 in each row, but row 0 is \[1\.5, -0\.5\]"),
        (lambda: entropy([[np.nan, 1]]), r"row 0 is \[nan, 1\.0\]"),
        (lambda: elbow([1], [3]), r"ks must increase and have one loss each, at least two, got \[1\.0\] and losses"),
        (lambda: elbow([1, 2, 2], [3, 2, 1]), r"ks must increase .* got \[1\.0, 2\.0, 2\.0\]"),
        (lambda: elbow([1, 2, 3], [3, 2]), r"one loss each, .* losses of shape \(2,\)"),
        (lambda: elbow([1, 2, 3], [3, np.nan, 1]), "losses must be finite, but that of k=2 is nan"),
        (lambda: elbow([1, 2, 3], [np.inf, 3, 1]), "losses must be finite, but that of k=1 is inf"),
        (lambda: gap_statistic([2, 1], [1, 1], np.ones((2, 2))), r"ks must be increasing numbers of clusters, got \[2, 1\]"),
        (lambda: gap_statistic(np.uint8([2, 1]), [1, 1], np.ones((2, 2))), "must be increasing numbers"),
        (lambda: gap_statistic([], [], np.ones((2, 0))), r"increasing numbers of clusters, got \[\]"),
        (lambda: gap_statistic(3, 1, [[1], [1]]), "increasing numbers of clusters, got 3"),
        (lambda: gap_statistic([1, 2], [1], np.ones((2, 2))), r"each of 2 numbers .* got shapes \(1,\) and \(2, 2\)"),
        (lambda: gap_statistic([1, 2], [2, 1], np.ones((1, 2))), r"at least two rows .* got shapes \(2,\) and \(1, 2\)"),
        (lambda: gap_statistic([1, 2], [2, 1], [2, 1]), r"got shapes \(2,\) and \(2,\)"),
        (lambda: gap_statistic([1, 2], [2, -1], np.ones((2, 2))), r"within must hold finite sums of at least 0, got -1\.0"),
        (lambda: gap_statistic([1, 2], [2, 1], [[2, 1], [2, np.nan]]), "reference_within must hold finite sums .* got nan"),
        (lambda: uniform_reference([[1.0, 2.0]], np.random.default_rng(0)), "at least two rows, got 1"),
        (lambda: agreement(n=1), "n must be an integer of at least 2, got 1"),
        (lambda: agreement(n=10.0), r"n must be an integer of at least 2, got 10\.0"),
        (lambda: agreement(pairs=0), "pairs must be an integer of at least 1, got 0"),
        (lambda: agreement(pairs=2.5), r"pairs must be an integer of at least 1, got 2\.5"),
        (lambda: agreement(share=0.5), r"share must be above 0\.5, .* and at most 1, got 0\.5"),
        (lambda: agreement(share=1.1), r"share must be above 0\.5, .* and at most 1, got 1\.1"),
        (lambda: agreement(share=np.nan), "got nan"),
        (lambda: agreement(cluster=lambda rows, rng: 0), r"one label for each of 8 rows, got shape \(\)"),
        (lambda: agreement(cluster=lambda rows, rng: rows[1:]), r"one label for each of 8 rows, got shape \(7,\)"),
    ],
)
def test_invalid_arguments_are_rejected_with_rule_and_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def agreement(n=10, cluster=lambda rows, rng: rows, pairs=2, share=0.8):
    return subsample_agreement(n, cluster, pairs, np.random.default_rng(0), share)


@pytest.mark.parametrize(
    ("sizes", "noise", "count"),
    [
        ([50, 50], 0, 2),
        ([35, 35], 30, 2),
        ([35, 34], 31, 0),  # too much noise
        ([97, 2, 1], 0, 2),  # a hundredth of the points is not a cluster
        ([100], 0, 0),
        ([], 100, 0),
    ],
)
def test_clusters_of_most_are_at_least_two_and_contain_most_points(sizes, noise, count):
    labels = np.concatenate([np.full(noise, -1), np.repeat(np.arange(len(sizes)), sizes)])
    assert clusters_of_most(np.random.default_rng(0).permutation(labels)) == count
