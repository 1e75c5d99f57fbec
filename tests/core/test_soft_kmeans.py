"""Soft K-means: its two limits, by hand, against EM written out, by symmetry, and what it refuses."""

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


def some_points(n=90, d=2, k=3, seed=0, distance=6.0):
    return sampling.round_groups(n, np.random.default_rng(seed), k=k, d=d, distance=distance).points


def em_written_out(points, start, width, iterations):
    """Means after so many steps of EM for equal weights and covariances width^2 I, and their responsibilities."""
    means = np.array(start, dtype=float)
    for iteration in range(iterations + 1):
        scores = np.stack([-((points - mean) ** 2).sum(axis=1) / (2 * width**2) for mean in means], axis=1)
        shares = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
        if iteration < iterations:
            means = np.stack([np.average(points, axis=0, weights=share) for share in shares.T])
    return means, shares


def free_energy(points, means, width):
    """What EM lowers, but for constants: -sum over points of ln sum over k of exp(-||x - c||^2 / 2 s^2)."""
    squares = ((points[:, None] - means) ** 2).sum(axis=2)
    return -logsumexp(-squares / (2 * width**2), axis=1).sum()


# by hand


def test_one_step_with_two_points_and_two_means_by_hand():
    # of the means -1 and 1 with width s, the second has the share 1 / (1 + exp(-2 x / s^2)) in x
    step = soft_kmeans([[-2.0], [2.0]], [[-1.0], [1.0]], 2.0, max_iter=1)
    share = expit(2 * 2.0 / 2.0**2)
    np.testing.assert_allclose(step.means.ravel(), [2 * (1 - share) - 2 * share, 2 * share - 2 * (1 - share)], rtol=1e-14)
    assert isinstance(step, SoftMeans)
    assert (step.width, step.iterations, step.converged) == (2.0, 1, False)


def test_one_mean_goes_to_the_mean_of_all_points_whatever_the_width():
    points = some_points()
    for width in (1e-6, 1.0, 1e6):
        soft = soft_kmeans(points, [[30.0, -8.0]], width)
        np.testing.assert_allclose(soft.means, [points.mean(axis=0)], atol=1e-12)
        np.testing.assert_array_equal(soft.responsibilities, np.ones((90, 1)))
        assert soft.converged


def test_two_points_with_two_means_end_where_their_equation_says():
    # by symmetry the means are -m and m, with m = tanh(m / s^2) for points at -1 and 1
    for width in (0.3, 0.7, 0.9):
        m = soft_kmeans([[-1.0], [1.0]], [[-0.5], [0.5]], width, tol=1e-14, max_iter=5000).means.ravel()
        assert m[1] == pytest.approx(-m[0], rel=1e-9)
        assert m[1] == pytest.approx(np.tanh(m[1] / width**2), rel=1e-9)
        assert m[1] > 0.4


def test_beyond_the_width_of_two_points_their_means_fall_together():
    # m = tanh(m / s^2) has no other solution than 0 for s > 1
    soft = soft_kmeans([[-1.0], [1.0]], [[-0.5], [0.5]], 1.2, tol=1e-12, max_iter=5000)
    np.testing.assert_allclose(soft.means, 0, atol=1e-9)
    np.testing.assert_allclose(soft.responsibilities, 0.5, atol=1e-9)


# the two limits


@pytest.mark.parametrize(("d", "k"), [(1, 2), (2, 3), (2, 5), (9, 4)])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-100])
def test_a_tiny_width_gives_the_centers_of_k_means_from_the_same_start(d, k, seed, width):
    points = some_points(150, d, k, seed, 3.0)
    start = points[:k]
    hard = fit(KMeans(k), points, start=start)
    soft = soft_kmeans(points, start, width)
    assert soft.converged
    np.testing.assert_allclose(soft.means, hard.parameters, atol=1e-6)
    np.testing.assert_array_equal(soft.responsibilities.argmax(axis=1), hard.labels)


@pytest.mark.parametrize("width", [1e-100, 1e-160, 1e-300])
def test_the_responsibilities_go_to_zero_and_one_as_the_width_goes_to_zero(width):
    points = some_points()
    shares = soft_kmeans(points, points[:3], width).responsibilities
    np.testing.assert_array_equal(np.sort(shares, axis=1), np.tile([0.0, 0.0, 1.0], (90, 1)))


@pytest.mark.parametrize("width", [1e3, 1e8, 1e200])
def test_a_huge_width_sends_all_means_to_the_mean_of_all_points(width):
    points = some_points()
    soft = soft_kmeans(points, points[:4], width)
    assert soft.converged
    np.testing.assert_allclose(soft.means, np.tile(points.mean(axis=0), (4, 1)), atol=1e-4)
    np.testing.assert_allclose(soft.responsibilities, 1 / 4, atol=1e-4)


def test_a_point_halfway_between_two_means_is_shared_equally_at_any_width():
    for width in (1e-100, 1e-3, 1.0, 1e100):
        shares = soft_kmeans([[-1.0], [0.0], [1.0]], [[-1.0], [1.0]], width, max_iter=0).responsibilities
        np.testing.assert_allclose(shares[1], [0.5, 0.5])


# EM written out


@pytest.mark.parametrize(("d", "k"), [(1, 1), (1, 2), (2, 3), (3, 6), (12, 3)])
@pytest.mark.parametrize("width", [0.3, 1.0, 2.5, 20.0])
def test_every_step_is_the_step_of_em(d, k, width):
    points = some_points(80, d, max(k, 2), d + k, 3.0)
    start = points[:k] + 0.1
    for iterations in (0, 1, 2, 7, 30):
        soft = soft_kmeans(points, start, width, tol=0, max_iter=iterations)
        means, shares = em_written_out(points, start, width, soft.iterations)
        np.testing.assert_allclose(soft.means, means, atol=1e-9)
        np.testing.assert_allclose(soft.responsibilities, shares, atol=1e-9)


@pytest.mark.parametrize("width", [0.5, 1.5, 4.0])
def test_the_responsibilities_are_those_of_equal_round_gaussians_of_this_width(width):
    points = some_points()
    soft = soft_kmeans(points, points[:3], width)
    mixture = Gaussians(np.full(3, 1 / 3), soft.means, np.stack([width**2 * np.eye(2)] * 3))
    np.testing.assert_allclose(soft.responsibilities, mixture.responsibilities(points), atol=1e-10)


@pytest.mark.parametrize("width", [0.5, 1.5, 4.0])
def test_at_the_end_each_mean_is_the_mean_of_the_points_by_its_responsibilities(width):
    points = three_gaussians(200, np.random.default_rng(0)).points
    soft = soft_kmeans(points, points[:3], width, tol=1e-12, max_iter=20_000)
    assert soft.converged
    shares = soft.responsibilities
    np.testing.assert_allclose(soft.means, (shares.T @ points) / shares.sum(axis=0)[:, None], atol=1e-9)


@examples(25)
@given(k=st.integers(1, 5), d=st.integers(1, 4), seed=st.integers(0, 10_000), width=st.sampled_from([0.2, 0.7, 1.5, 5.0]))
def test_no_step_raises_the_loss_of_em(k, d, seed, width):
    rng = np.random.default_rng(seed)
    points, start = 2 * rng.normal(size=(40, d)), 2 * rng.normal(size=(k, d))
    losses = [free_energy(points, soft_kmeans(points, start, width, tol=0, max_iter=i).means, width) for i in range(8)]
    assert (np.diff(losses) <= 1e-9 * (1 + np.abs(losses[0]))).all()


# laws


@examples(60)
@given(
    k=st.integers(1, 6),
    d=st.integers(1, 4),
    seed=st.integers(0, 10_000),
    width=st.sampled_from([1e-100, 1e-3, 0.5, 2.0, 1e5]),
    distance=st.sampled_from([1.0, 1e3, 1e8]),
)
def test_responsibilities_sum_to_one_and_means_stay_among_the_points(k, d, seed, width, distance):
    rng = np.random.default_rng(seed)
    points = np.vstack([rng.normal(size=(30, d)), distance * rng.normal(size=(3, d))])
    soft = soft_kmeans(points, points[:k], width, max_iter=40)
    assert soft.responsibilities.shape == (33, k)
    assert (soft.responsibilities >= 0).all()
    np.testing.assert_allclose(soft.responsibilities.sum(axis=1), 1, rtol=1e-12)
    slack = 1e-9 * distance
    assert (soft.means >= points.min(axis=0) - slack).all()
    assert (soft.means <= points.max(axis=0) + slack).all()


def test_the_order_of_points_means_and_columns_does_not_matter():
    points = some_points(100, 3, 4)
    one = soft_kmeans(points, points[:4], 1.5)
    rng = np.random.default_rng(0)
    rows, means, columns = rng.permutation(100), rng.permutation(4), rng.permutation(3)
    other = soft_kmeans(points[rows][:, columns], points[:4][means][:, columns], 1.5)
    np.testing.assert_allclose(other.means, one.means[means][:, columns], atol=1e-9)
    np.testing.assert_allclose(other.responsibilities, one.responsibilities[rows][:, means], atol=1e-9)
    assert other.iterations == one.iterations


@pytest.mark.parametrize(("scale", "offset"), [(1e-9, 0.0), (1e9, 0.0), (1e100, 0.0), (1.0, 1e6), (1e-3, -50.0)])
@pytest.mark.parametrize("width", [0.01, 1.0, 3.0])
def test_scaled_and_shifted_points_have_the_scaled_and_shifted_means(scale, offset, width):
    points = some_points()
    one = soft_kmeans(points, points[:3], width)
    other = soft_kmeans(points * scale + offset, points[:3] * scale + offset, width * scale)
    np.testing.assert_allclose((other.means - offset) / scale, one.means, atol=1e-5 if offset else 1e-9)
    np.testing.assert_allclose(other.responsibilities, one.responsibilities, atol=1e-5 if offset else 1e-9)
    assert other.converged


def test_a_huge_offset_costs_no_digits():
    points = np.round(some_points() * 1024) / 1024  # with the offset still exact
    offset = 2.0**33
    one, other = soft_kmeans(points, points[:3], 2.0), soft_kmeans(points + offset, points[:3] + offset, 2.0)
    np.testing.assert_allclose(other.responsibilities, one.responsibilities, atol=1e-11)
    np.testing.assert_allclose(other.means - offset, one.means, atol=2 * np.spacing(offset))
    assert other.iterations == one.iterations


def test_a_turn_of_all_points_turns_the_means():
    points = some_points(100, 3, 3)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    one, other = soft_kmeans(points, points[:3], 1.0), soft_kmeans(points @ turn, points[:3] @ turn, 1.0)
    np.testing.assert_allclose(other.means, one.means @ turn, atol=1e-9)


def test_repeated_points_have_the_means_of_single_ones():
    points = some_points()
    one, other = (soft_kmeans(np.repeat(points, times, axis=0), points[:3], 1.0) for times in (1, 3))
    np.testing.assert_allclose(other.means, one.means, atol=1e-9)


def test_means_that_start_at_one_place_never_part():
    points = some_points()
    soft = soft_kmeans(points, [points[0], points[0], points[1]], 0.5)
    np.testing.assert_array_equal(soft.means[0], soft.means[1])
    np.testing.assert_array_equal(soft.responsibilities[:, 0], soft.responsibilities[:, 1])


def test_the_same_call_gives_the_same_and_changes_nothing_given():
    points, start = some_points(), some_points()[:3].copy()
    before = points.copy(), start.copy()
    points.flags.writeable = start.flags.writeable = False
    one, other = (soft_kmeans(points, start, 1.0) for _ in range(2))
    np.testing.assert_array_equal(one.means, other.means)
    np.testing.assert_array_equal(one.responsibilities, other.responsibilities)
    np.testing.assert_array_equal(points, before[0])
    np.testing.assert_array_equal(start, before[1])


# means without points, points without spread


def test_a_mean_without_any_point_stays_where_it_is():
    points = some_points()
    soft = soft_kmeans(points, [points[0], points[1], [1e5, 1e5]], 1.0)
    np.testing.assert_allclose(soft.means[2], [1e5, 1e5], rtol=1e-12)
    np.testing.assert_array_equal(soft.responsibilities[:, 2], 0)
    alone = soft_kmeans(points, points[:2], 1.0)
    np.testing.assert_allclose(soft.means[:2], alone.means, atol=1e-12)
    assert soft.converged


def test_a_mean_with_hardly_any_share_still_goes_to_the_weighted_mean_of_its_points():
    # exp(-38.6^2 / 2) is the smallest number above 0
    for away in np.linspace(38.0, 39.0, 201):
        points = np.array([[-0.3], [0.3]])
        mean = soft_kmeans(points, [[0.0], [away]], 1.0, max_iter=1).means[1, 0]
        assert mean == pytest.approx(away) or abs(mean) <= 0.3 * (1 + 1e-9)


@pytest.mark.parametrize("width", [1e-100, 1.0, 1e100])
def test_points_that_are_all_the_same_draw_the_means_to_them(width):
    soft = soft_kmeans(np.full((5, 2), 3.0), [[3.0, 3.0], [3.0, 3.0]], width)
    np.testing.assert_array_equal(soft.means, np.full((2, 2), 3.0))
    np.testing.assert_array_equal(soft.responsibilities, np.full((5, 2), 0.5))
    assert soft.converged


def test_a_single_point_is_enough():
    soft = soft_kmeans([[7.0]], [[1.0], [2.0]], 10.0)
    np.testing.assert_allclose(soft.means, [[7.0], [7.0]])
    np.testing.assert_allclose(soft.responsibilities, [[0.5, 0.5]])


# the end of a run


def test_it_ends_at_the_limit_or_when_no_mean_moves_farther_than_the_tolerance():
    points = some_points(distance=2.0)
    cut = soft_kmeans(points, points[:3], 1.0, max_iter=3)
    assert (cut.iterations, cut.converged) == (3, False)
    whole = soft_kmeans(points, points[:3], 1.0, tol=1e-3, max_iter=5000)
    assert whole.converged
    assert whole.iterations > 3
    before, last = (soft_kmeans(points, points[:3], 1.0, tol=0, max_iter=whole.iterations - back).means for back in (1, 0))
    np.testing.assert_array_equal(last, whole.means)
    least = 1e-3 * points.std(axis=0).max()
    assert np.linalg.norm(last - before, axis=1).max() <= least
    earlier = soft_kmeans(points, points[:3], 1.0, tol=0, max_iter=whole.iterations - 2).means
    assert np.linalg.norm(before - earlier, axis=1).max() > least


def test_no_steps_leave_the_start_with_its_responsibilities():
    points = some_points()
    soft = soft_kmeans(points, points[:3], 1.0, max_iter=0)
    np.testing.assert_allclose(soft.means, points[:3], rtol=1e-13)
    np.testing.assert_allclose(soft.responsibilities, em_written_out(points, points[:3], 1.0, 0)[1], atol=1e-12)
    assert (soft.iterations, soft.converged) == (0, False)


@pytest.mark.parametrize(
    ("points", "start", "width", "sentence"),
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
def test_what_are_no_points_start_and_width_is_refused(points, start, width, sentence):
    with pytest.raises(ValueError, match=sentence):
        soft_kmeans(points, start, width)


# the process


@pytest.mark.parametrize("width", [0.3, 1.0, 4.0])
def test_the_loss_is_the_negative_log_likelihood_times_the_squared_width(width):
    points = some_points()
    for state in iterate(SoftKMeans(4, width), points, rng=1, max_iter=5):
        expected = 2 * width**2 * (free_energy(points, state.parameters, width) + 90 * np.log(4))
        assert state.loss == pytest.approx(expected, rel=1e-10)


def test_the_loss_between_two_e_steps_is_that_of_the_old_responsibilities():
    points, width = some_points(), 1.5
    history = History.record(SoftKMeans(3, width), points, rng=1, max_iter=3)
    for t in range(3):
        shares = history.frame(t).responsibilities
        squares = ((points[:, None] - history.parameters[t + 1]) ** 2).sum(axis=2)
        expected = (shares * squares + 2 * width**2 * shares * np.log(3 * np.maximum(shares, 1e-300))).sum()
        assert history.half_losses[t] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("width", [1e-3, 1e-100, 1e-200])
def test_with_a_small_width_the_loss_and_the_groups_are_those_of_k_means(width):
    points = some_points()
    soft, hard = fit(SoftKMeans(3, width), points, start=points[:3]), fit(KMeans(3), points, start=points[:3])
    assert soft.loss == pytest.approx(hard.loss, rel=1e-4)
    np.testing.assert_array_equal(soft.labels, hard.labels)


@pytest.mark.parametrize("width", [1e6, 1e10, 1e100])
def test_with_a_large_width_the_loss_keeps_its_digits(width):
    points = some_points()
    state = next(iterate(SoftKMeans(3, width), points, start=points[:3]))
    # a mean of exponentials that are close to 1 is the exponential of the mean
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
def test_the_loss_never_rises_not_even_between_two_e_steps(k, d, seed, width, distance, offset):
    rng = np.random.default_rng(seed)
    points = offset + np.vstack([rng.normal(size=(30, d)), distance * rng.normal(size=(3, d))])
    process = SoftKMeans(k, width, "random")
    history = History.record(process, points, rng=seed, max_iter=12, tol=0.0)
    losses = [state.loss for state in history.states[1:]]
    margins = [process.rounding(history.prepared, history.last.assignment, loss) for loss in losses]
    assert max(margins) <= 1e-8 * losses[0] + 1e-15 * np.square(distance)
    for before, after, margin in zip(losses, losses[1:], margins, strict=False):
        assert after <= before + margin
    assert all(notice.name != notices.LOSS_ROSE for notices_of_state in history.notices for notice in notices_of_state)


def test_a_run_ends_when_no_mean_moves_farther_than_a_share_of_the_spread():
    points = some_points(distance=2.0)
    states = list(iterate(SoftKMeans(3, 1.0), points, start=points[:3], tol=1e-3, max_iter=5000))
    means = np.array([state.parameters for state in states])
    moves = np.linalg.norm(np.diff(means, axis=0), axis=2).max(axis=1)
    least = 1e-3 * points.std(axis=0).max()
    assert states[-1].converged
    assert (moves <= least).tolist() == [False] * (len(moves) - 1) + [True]


@pytest.mark.parametrize("width", [1e-3, 1.0, 30.0])
def test_a_place_belongs_to_the_mean_that_the_run_gave_it(width):
    points = some_points()
    state = fit(SoftKMeans(4, width), points, rng=0)
    np.testing.assert_array_equal(SoftKMeans(4, width).predict(state.parameters, points), state.labels)
    shares = state.assignment.shares
    np.testing.assert_array_equal(shares[np.arange(90), state.labels], shares.max(axis=1))


def test_a_mean_that_lost_all_points_is_named():
    points = some_points()
    state = fit(SoftKMeans(3, 1.0), points, start=[points[0], [1e5, 1e5], points[1]])
    (notice,) = state.notices
    assert notice.name == notices.EMPTY_CLUSTER
    assert notice.sentence.startswith("Mean 2 lost all points")
    assert state.assignment.sizes[1] == 0
    assert fit(SoftKMeans(2, 1.0), points, start=points[:2]).notices == ()


def test_fewer_distinct_points_than_means_are_reported_and_prepared_points_serve_every_k():
    points = np.repeat([[0.0], [1.0]], 4, axis=0)
    prepared = SoftKMeans(2, 1.0).prepare(points)
    assert SoftKMeans(2, 3.0).prepare(prepared) is prepared
    assert fit(SoftKMeans(2, 1.0), prepared, rng=0).notices == ()
    found = fit(SoftKMeans(3, 1.0), prepared, rng=0, max_iter=0).notices
    assert notices.FEWER_DISTINCT_POINTS in {notice.name for notice in found}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SoftKMeans(0, 1.0), "k must be a whole number of at least 1, got 0"),
        (lambda: SoftKMeans(2.0, 1.0), "k must be a whole number of at least 1, got 2.0"),
        (lambda: SoftKMeans(2, 0.0), "width must be a finite number above 0, got 0.0"),
        (lambda: SoftKMeans(2, np.nan), "width must be a finite number above 0, got nan"),
        (lambda: iterate(SoftKMeans(3, 1.0), [[0.0], [1.0]]), r"k must lie in 1..n=2, got 3"),
        (lambda: iterate(SoftKMeans(1, 1.0, "best"), [[0.0], [1.0]]), "init must be .* got 'best'"),
        (lambda: iterate(SoftKMeans(1, 1.0), [[0.0]], start=[[0.0], [1.0]]), r"start must be means of shape \(1, 1\)"),
        (lambda: iterate(SoftKMeans(1, 1.0), [[0.0]], start=[[0.0, 1.0]]), "start must have 1 columns, as the points do"),
        (lambda: iterate(SoftKMeans(1, 1.0), [[np.nan]]), "points must be finite"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_at_the_call(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
