"""Soft K-means: its two limits, by hand, against a reference EM, properties, and invalid arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logsumexp

from clustering import (
    Gaussians,
    History,
    KMeans,
    SoftKMeans,
    SoftMeans,
    fit,
    iterate,
    notices,
    sampling,
    soft_kmeans,
    three_gaussians,
)
from tests.core.tables import examples


def sample_points(n=90, d=2, k=3, seed=0, distance=6.0):
    return sampling.round_groups(n, np.random.default_rng(seed), k=k, d=d, distance=distance).points


def reference_em(points, start, width, iterations):
    """Means and responsibilities after this number of EM iterations, for equal weights and covariances width^2 I."""
    means = np.array(start, dtype=float)
    for iteration in range(iterations + 1):
        scores = np.stack([-((points - mean) ** 2).sum(axis=1) / (2 * width**2) for mean in means], axis=1)
        shares = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
        if iteration < iterations:
            means = np.stack([np.average(points, axis=0, weights=share) for share in shares.T])
    return means, shares


def free_energy(points, means, width):
    """The objective of EM up to constants: -sum over points of ln sum over k of exp(-||x - c||^2 / 2 s^2)."""
    squares = ((points[:, None] - means) ** 2).sum(axis=2)
    return -logsumexp(-squares / (2 * width**2), axis=1).sum()


# by hand


def test_one_step_with_two_points_and_two_means_by_hand():
    # for the means -1 and 1 and width s, the responsibility of the second for x is 1 / (1 + exp(-2 x / s^2))
    step = soft_kmeans([[-2.0], [2.0]], [[-1.0], [1.0]], 2.0, max_iter=1)
    share = expit(2 * 2.0 / 2.0**2)
    np.testing.assert_allclose(step.means.ravel(), [2 * (1 - share) - 2 * share, 2 * share - 2 * (1 - share)], rtol=1e-14)
    assert isinstance(step, SoftMeans)
    assert (step.width, step.iterations, step.converged) == (2.0, 1, False)


def test_one_mean_moves_to_the_mean_of_all_points_for_any_width():
    points = sample_points()
    for width in (1e-6, 1.0, 1e6):
        soft = soft_kmeans(points, [[30.0, -8.0]], width)
        np.testing.assert_allclose(soft.means, [points.mean(axis=0)], atol=1e-12)
        np.testing.assert_array_equal(soft.responsibilities, np.ones((90, 1)))
        assert soft.converged


def test_two_means_of_two_points_solve_their_fixed_point_equation():
    # by symmetry the means are -m and m, with m = tanh(m / s^2) for points at -1 and 1
    for width in (0.3, 0.7, 0.9):
        m = soft_kmeans([[-1.0], [1.0]], [[-0.5], [0.5]], width, tol=1e-14, max_iter=5000).means.ravel()
        assert m[1] == pytest.approx(-m[0], rel=1e-9)
        assert m[1] == pytest.approx(np.tanh(m[1] / width**2), rel=1e-9)
        assert m[1] > 0.4


def test_means_of_two_points_coincide_above_the_critical_width():
    # m = tanh(m / s^2) has no solution other than 0 for s > 1
    soft = soft_kmeans([[-1.0], [1.0]], [[-0.5], [0.5]], 1.2, tol=1e-12, max_iter=5000)
    np.testing.assert_allclose(soft.means, 0, atol=1e-9)
    np.testing.assert_allclose(soft.responsibilities, 0.5, atol=1e-9)


# the two limits


@pytest.mark.parametrize(("d", "k"), [(1, 2), (2, 3), (2, 5), (9, 4)])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-100])
def test_tiny_widths_give_the_centers_of_k_means(d, k, seed, width):
    points = sample_points(60, d, k, seed, 3.0)
    start = points[:k]
    hard = fit(KMeans(k), points, start=start)
    soft = soft_kmeans(points, start, width)
    assert soft.converged
    np.testing.assert_allclose(soft.means, hard.parameters, atol=1e-6)
    np.testing.assert_array_equal(soft.responsibilities.argmax(axis=1), hard.labels)


@pytest.mark.parametrize("width", [1e-100, 1e-160, 1e-300])
def test_responsibilities_become_zero_or_one_for_tiny_widths(width):
    points = sample_points()
    shares = soft_kmeans(points, points[:3], width).responsibilities
    np.testing.assert_array_equal(np.sort(shares, axis=1), np.tile([0.0, 0.0, 1.0], (90, 1)))


@pytest.mark.parametrize("width", [1e3, 1e8, 1e200])
def test_huge_widths_move_all_means_to_the_mean_of_all_points(width):
    points = sample_points()
    soft = soft_kmeans(points, points[:4], width)
    assert soft.converged
    np.testing.assert_allclose(soft.means, np.tile(points.mean(axis=0), (4, 1)), atol=1e-4)
    np.testing.assert_allclose(soft.responsibilities, 1 / 4, atol=1e-4)


def test_a_point_midway_between_two_means_is_shared_equally_at_any_width():
    for width in (1e-100, 1e-3, 1.0, 1e100):
        shares = soft_kmeans([[-1.0], [0.0], [1.0]], [[-1.0], [1.0]], width, max_iter=0).responsibilities
        np.testing.assert_allclose(shares[1], [0.5, 0.5])


# reference EM


@pytest.mark.parametrize(("d", "k"), [(1, 1), (1, 2), (2, 3), (3, 6), (12, 3)])
@pytest.mark.parametrize("width", [0.3, 1.0, 2.5, 20.0])
def test_every_step_matches_em(d, k, width):
    points = sample_points(40, d, max(k, 2), d + k, 3.0)
    start = points[:k] + 0.1
    for iterations in (0, 1, 2, 7):
        soft = soft_kmeans(points, start, width, tol=0, max_iter=iterations)
        means, shares = reference_em(points, start, width, soft.iterations)
        np.testing.assert_allclose(soft.means, means, atol=1e-9)
        np.testing.assert_allclose(soft.responsibilities, shares, atol=1e-9)


@pytest.mark.parametrize("width", [0.5, 1.5, 4.0])
def test_responsibilities_match_a_mixture_of_spherical_gaussians(width):
    points = sample_points()
    soft = soft_kmeans(points, points[:3], width)
    mixture = Gaussians(np.full(3, 1 / 3), soft.means, np.stack([width**2 * np.eye(2)] * 3))
    np.testing.assert_allclose(soft.responsibilities, mixture.responsibilities(points), atol=1e-10)


@pytest.mark.parametrize("width", [0.5, 1.5, 4.0])
def test_converged_means_are_weighted_means(width):
    points = three_gaussians(60, np.random.default_rng(0)).points
    soft = soft_kmeans(points, points[:3], width, tol=1e-12, max_iter=20_000)
    assert soft.converged
    shares = soft.responsibilities
    np.testing.assert_allclose(soft.means, (shares.T @ points) / shares.sum(axis=0)[:, None], atol=1e-9)


@examples(25)
@given(k=st.integers(1, 5), d=st.integers(1, 4), seed=st.integers(0, 10_000), width=st.sampled_from([0.2, 0.7, 1.5, 5.0]))
def test_no_step_increases_the_free_energy(k, d, seed, width):
    rng = np.random.default_rng(seed)
    points, start = 2 * rng.normal(size=(40, d)), 2 * rng.normal(size=(k, d))
    losses = [free_energy(points, soft_kmeans(points, start, width, tol=0, max_iter=i).means, width) for i in range(8)]
    assert (np.diff(losses) <= 1e-9 * (1 + np.abs(losses[0]))).all()


# properties


@examples(60)
@given(
    k=st.integers(1, 6),
    d=st.integers(1, 4),
    seed=st.integers(0, 10_000),
    width=st.sampled_from([1e-100, 1e-3, 0.5, 2.0, 1e5]),
    distance=st.sampled_from([1.0, 1e3, 1e8]),
)
def test_responsibilities_sum_to_one_and_means_stay_within_the_points(k, d, seed, width, distance):
    rng = np.random.default_rng(seed)
    points = np.vstack([rng.normal(size=(30, d)), distance * rng.normal(size=(3, d))])
    soft = soft_kmeans(points, points[:k], width, max_iter=40)
    assert soft.responsibilities.shape == (33, k)
    assert (soft.responsibilities >= 0).all()
    np.testing.assert_allclose(soft.responsibilities.sum(axis=1), 1, rtol=1e-12)
    rounding = 1e-9 * distance
    assert (soft.means >= points.min(axis=0) - rounding).all()
    assert (soft.means <= points.max(axis=0) + rounding).all()


def test_the_order_of_points_means_and_columns_does_not_matter():
    points = sample_points(100, 3, 4)
    one = soft_kmeans(points, points[:4], 1.5)
    rng = np.random.default_rng(0)
    rows, means, columns = rng.permutation(100), rng.permutation(4), rng.permutation(3)
    other = soft_kmeans(points[rows][:, columns], points[:4][means][:, columns], 1.5)
    np.testing.assert_allclose(other.means, one.means[means][:, columns], atol=1e-9)
    np.testing.assert_allclose(other.responsibilities, one.responsibilities[rows][:, means], atol=1e-9)
    assert other.iterations == one.iterations


@pytest.mark.parametrize(("scale", "offset"), [(1e-9, 0.0), (1e9, 0.0), (1e100, 0.0), (1.0, 1e6), (1e-3, -50.0)])
@pytest.mark.parametrize("width", [0.01, 1.0, 3.0])
def test_means_scale_and_shift_with_the_points(scale, offset, width):
    points = sample_points()
    one = soft_kmeans(points, points[:3], width)
    other = soft_kmeans(points * scale + offset, points[:3] * scale + offset, width * scale)
    np.testing.assert_allclose((other.means - offset) / scale, one.means, atol=1e-5 if offset else 1e-9)
    np.testing.assert_allclose(other.responsibilities, one.responsibilities, atol=1e-5 if offset else 1e-9)
    assert other.converged


def test_a_huge_offset_does_not_reduce_precision():
    points = np.round(sample_points() * 1024) / 1024  # so that adding the offset is exact
    offset = 2.0**33
    one, other = soft_kmeans(points, points[:3], 2.0), soft_kmeans(points + offset, points[:3] + offset, 2.0)
    np.testing.assert_allclose(other.responsibilities, one.responsibilities, atol=1e-11)
    np.testing.assert_allclose(other.means - offset, one.means, atol=2 * np.spacing(offset))
    assert other.iterations == one.iterations


def test_means_rotate_with_the_points():
    points = sample_points(100, 3, 3)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    one, other = soft_kmeans(points, points[:3], 1.0), soft_kmeans(points @ rotation, points[:3] @ rotation, 1.0)
    np.testing.assert_allclose(other.means, one.means @ rotation, atol=1e-9)


def test_duplicating_all_points_does_not_change_the_means():
    points = sample_points()
    one, other = (soft_kmeans(np.repeat(points, times, axis=0), points[:3], 1.0) for times in (1, 3))
    np.testing.assert_allclose(other.means, one.means, atol=1e-9)


def test_equal_initial_means_stay_equal():
    points = sample_points()
    soft = soft_kmeans(points, [points[0], points[0], points[1]], 0.5)
    np.testing.assert_array_equal(soft.means[0], soft.means[1])
    np.testing.assert_array_equal(soft.responsibilities[:, 0], soft.responsibilities[:, 1])


def test_repeated_calls_agree_and_arguments_are_not_modified():
    points, start = sample_points(), sample_points()[:3].copy()
    before = points.copy(), start.copy()
    points.flags.writeable = start.flags.writeable = False
    one, other = (soft_kmeans(points, start, 1.0) for _ in range(2))
    np.testing.assert_array_equal(one.means, other.means)
    np.testing.assert_array_equal(one.responsibilities, other.responsibilities)
    np.testing.assert_array_equal(points, before[0])
    np.testing.assert_array_equal(start, before[1])


# means without points, equal points


def test_a_mean_without_points_stays_in_place():
    points = sample_points()
    soft = soft_kmeans(points, [points[0], points[1], [1e5, 1e5]], 1.0)
    np.testing.assert_allclose(soft.means[2], [1e5, 1e5], rtol=1e-12)
    np.testing.assert_array_equal(soft.responsibilities[:, 2], 0)
    alone = soft_kmeans(points, points[:2], 1.0)
    np.testing.assert_allclose(soft.means[:2], alone.means, atol=1e-12)
    assert soft.converged


def test_a_mean_with_tiny_responsibilities_stays_or_moves_to_their_weighted_mean():
    # exp(-38.6^2 / 2) is close to the smallest positive number
    for x in np.linspace(38.0, 39.0, 101):
        points = np.array([[-0.3], [0.3]])
        mean = soft_kmeans(points, [[0.0], [x]], 1.0, max_iter=1).means[1, 0]
        assert mean == pytest.approx(x) or abs(mean) <= 0.3 * (1 + 1e-9)


@pytest.mark.parametrize("width", [1e-100, 1.0, 1e100])
def test_means_of_equal_points_stay_there(width):
    soft = soft_kmeans(np.full((5, 2), 3.0), [[3.0, 3.0], [3.0, 3.0]], width)
    np.testing.assert_array_equal(soft.means, np.full((2, 2), 3.0))
    np.testing.assert_array_equal(soft.responsibilities, np.full((5, 2), 0.5))
    assert soft.converged


def test_a_single_point_is_sufficient():
    soft = soft_kmeans([[7.0]], [[1.0], [2.0]], 10.0)
    np.testing.assert_allclose(soft.means, [[7.0], [7.0]])
    np.testing.assert_allclose(soft.responsibilities, [[0.5, 0.5]])


# convergence


def test_a_run_ends_at_the_iteration_limit_or_the_tolerance():
    points = sample_points(distance=2.0)
    stopped = soft_kmeans(points, points[:3], 1.0, max_iter=3)
    assert (stopped.iterations, stopped.converged) == (3, False)
    converged = soft_kmeans(points, points[:3], 1.0, tol=1e-3, max_iter=5000)
    assert converged.converged
    assert converged.iterations > 3
    earlier, before, last = (
        soft_kmeans(points, points[:3], 1.0, tol=0, max_iter=converged.iterations - back).means for back in (2, 1, 0)
    )
    np.testing.assert_array_equal(last, converged.means)
    tolerance = 1e-3 * points.std(axis=0).max()
    assert np.linalg.norm(last - before, axis=1).max() <= tolerance
    assert np.linalg.norm(before - earlier, axis=1).max() > tolerance


def test_without_iterations_the_start_is_returned():
    points = sample_points()
    soft = soft_kmeans(points, points[:3], 1.0, max_iter=0)
    np.testing.assert_allclose(soft.means, points[:3], rtol=1e-13)
    np.testing.assert_allclose(soft.responsibilities, reference_em(points, points[:3], 1.0, 0)[1], atol=1e-12)
    assert (soft.iterations, soft.converged) == (0, False)


@pytest.mark.parametrize(
    ("points", "start", "width", "message"),
    [
        ([[0.0]], [[0.0]], 0, "width must be a finite number above 0, got 0"),
        ([[0.0]], [[0.0]], -1.0, r"width must be a finite number above 0, got -1\.0"),
        ([[0.0]], [[0.0]], np.nan, "width must be a finite number above 0, got nan"),
        ([[0.0]], [[0.0]], np.inf, "width must be a finite number above 0, got inf"),
        ([[0.0, 1.0]], [[0.0]], 1.0, "start must have 2 columns, as the points do, got 1"),
        ([[0.0]], [[0.0, 1.0]], 1.0, "start must have 1 columns, as the points do, got 2"),
        ([[0.0]], [0.0], 1.0, r"start must have two dimensions \(n, d\), got 1"),
        ([[0.0]], [[np.nan]], 1.0, "start must be finite, but row 0, column 0 is nan"),
        ([[0.0], [np.inf]], [[0.0]], 1.0, "points must be finite, but row 1, column 0 is inf"),
        ([0.0], [[0.0]], 1.0, r"points must have two dimensions \(n, d\), got 1"),
        (np.zeros((0, 1)), [[0.0]], 1.0, "points must have at least one row"),
    ],
)
def test_invalid_arguments_are_rejected(points, start, width, message):
    with pytest.raises(ValueError, match=message):
        soft_kmeans(points, start, width)


# the process


@pytest.mark.parametrize("width", [0.3, 1.0, 4.0])
def test_loss_is_the_negative_log_likelihood_times_twice_the_squared_width(width):
    points = sample_points()
    for state in iterate(SoftKMeans(4, width), points, rng=1, max_iter=5):
        expected = 2 * width**2 * (free_energy(points, state.parameters, width) + 90 * np.log(4))
        assert state.loss == pytest.approx(expected, rel=1e-10)


def test_loss_after_an_m_step_uses_the_old_responsibilities():
    points, width = sample_points(), 1.5
    history = History.record(SoftKMeans(3, width), points, rng=1, max_iter=3)
    for t in range(3):
        shares = history.assignment_of_iteration(t).responsibilities
        squares = ((points[:, None] - history.parameters[t + 1]) ** 2).sum(axis=2)
        expected = (shares * squares + 2 * width**2 * shares * np.log(3 * np.maximum(shares, 1e-300))).sum()
        assert history.half_losses[t] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("width", [1e-3, 1e-100, 1e-200])
def test_loss_and_labels_match_k_means_for_small_widths(width):
    points = sample_points()
    soft, hard = fit(SoftKMeans(3, width), points, start=points[:3]), fit(KMeans(3), points, start=points[:3])
    assert soft.loss == pytest.approx(hard.loss, rel=1e-4)
    np.testing.assert_array_equal(soft.labels, hard.labels)


@pytest.mark.parametrize("width", [1e6, 1e10, 1e100])
def test_the_loss_is_precise_for_large_widths(width):
    points = sample_points()
    state = next(iterate(SoftKMeans(3, width), points, start=points[:3]))
    # the mean of exponentials close to 1 is approximately the exponential of the mean
    expected = ((points[:, None] - points[:3]) ** 2).sum(axis=2).mean(axis=1).sum()
    assert state.loss == pytest.approx(expected, rel=1e-9)


@examples(60)
@given(
    k=st.integers(1, 6),
    d=st.integers(1, 4),
    seed=st.integers(0, 10_000),
    width=st.sampled_from([1e-100, 1e-3, 0.5, 2.0, 1e5, 1e100]),
    distance=st.sampled_from([1.0, 1e3, 1e8]),
    offset=st.sampled_from([0.0, 1e6]),
)
def test_neither_the_e_step_nor_the_m_step_increases_the_loss(k, d, seed, width, distance, offset):
    rng = np.random.default_rng(seed)
    points = offset + np.vstack([rng.normal(size=(30, d)), distance * rng.normal(size=(3, d))])
    process = SoftKMeans(k, width, "random")
    history = History.record(process, points, rng=seed, max_iter=12, tol=0.0)
    losses = [state.loss for state in history.states[1:]]
    margins = [process.rounding_error(history.prepared, history.last.assignment, loss) for loss in losses]
    assert max(margins) <= 1e-8 * losses[0] + 1e-15 * np.square(distance)
    for before, after, margin in zip(losses, losses[1:], margins, strict=False):
        assert after <= before + margin
    assert all(notice.name != notices.LOSS_ROSE for found in history.notices for notice in found)


def test_a_run_converges_when_movements_are_below_a_fraction_of_the_spread():
    points = sample_points(distance=2.0)
    states = list(iterate(SoftKMeans(3, 1.0), points, start=points[:3], tol=1e-3, max_iter=5000))
    means = np.array([state.parameters for state in states])
    moves = np.linalg.norm(np.diff(means, axis=0), axis=2).max(axis=1)
    tolerance = 1e-3 * points.std(axis=0).max()
    assert states[-1].converged
    assert (moves <= tolerance).tolist() == [False] * (len(moves) - 1) + [True]


@pytest.mark.parametrize("width", [1e-3, 1.0, 30.0])
def test_predict_agrees_with_the_labels_of_the_run(width):
    points = sample_points()
    state = fit(SoftKMeans(4, width), points, rng=0)
    np.testing.assert_array_equal(SoftKMeans(4, width).predict(state.parameters, points), state.labels)
    shares = state.assignment.memberships
    np.testing.assert_array_equal(shares[np.arange(90), state.labels], shares.max(axis=1))


def test_a_mean_that_lost_all_points_gives_a_notice():
    points = sample_points()
    state = fit(SoftKMeans(3, 1.0), points, start=[points[0], [1e5, 1e5], points[1]])
    (notice,) = state.notices
    assert notice.name == notices.EMPTY_CLUSTER
    assert notice.sentence.startswith("Mean 2 lost all points")
    assert state.assignment.sizes[1] == 0
    assert fit(SoftKMeans(2, 1.0), points, start=points[:2]).notices == ()


def test_fewer_distinct_points_than_means_give_a_notice_and_prepared_points_can_be_reused():
    points = np.repeat([[0.0], [1.0]], 4, axis=0)
    prepared = SoftKMeans(2, 1.0).prepare(points)
    assert SoftKMeans(2, 3.0).prepare(prepared) is prepared
    assert fit(SoftKMeans(2, 1.0), prepared, rng=0).notices == ()
    found = fit(SoftKMeans(3, 1.0), prepared, rng=0, max_iter=0).notices
    assert notices.FEWER_DISTINCT_POINTS in {notice.name for notice in found}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SoftKMeans(0, 1.0), "k must be an integer of at least 1, got 0"),
        (lambda: SoftKMeans(2.0, 1.0), "k must be an integer of at least 1, got 2.0"),
        (lambda: SoftKMeans(2, 0.0), "width must be a finite number above 0, got 0.0"),
        (lambda: SoftKMeans(2, np.nan), "width must be a finite number above 0, got nan"),
        (lambda: iterate(SoftKMeans(3, 1.0), [[0.0], [1.0]]), r"k must lie in 1..n=2, got 3"),
        (lambda: iterate(SoftKMeans(1, 1.0, "best"), [[0.0], [1.0]]), "init must be .* got 'best'"),
        (lambda: iterate(SoftKMeans(1, 1.0), [[0.0]], start=[[0.0], [1.0]]), r"start must be means of shape \(1, 1\)"),
        (lambda: iterate(SoftKMeans(1, 1.0), [[0.0]], start=[[0.0, 1.0]]), "start must have 1 columns, as the points do"),
        (lambda: iterate(SoftKMeans(1, 1.0), [[np.nan]]), "points must be finite"),
    ],
)
def test_invalid_settings_are_rejected(call, message):
    with pytest.raises(ValueError, match=message):
        call()
