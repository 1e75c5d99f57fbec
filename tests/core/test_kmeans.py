"""K-means: small cases by hand, ties, empty clusters, scikit-learn in every iteration, and extreme values."""

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clustering import History, KMeans, fit, iterate, notices, sampling
from clustering.point_labels import gaps_pay
from tests.core.tables import examples

# corners of a 4 by 2 rectangle
RECTANGLE = np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]])


@pytest.fixture(scope="module", autouse=True, params=[False, True], ids=["all points", "gaps"])
def gaps(request):
    """Small tables are evaluated without gaps, large ones with gaps. Here both are tested with small tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clustering.kmeans.gaps_pay", lambda d, n, k: request.param)
        yield


def names(step):
    return {notice.name for notice in step.notices}


def all_losses(history):
    """Losses and half-step losses in order of occurrence."""
    losses = np.empty(2 * len(history) - 1)
    losses[::2], losses[1::2] = history.losses, history.half_losses
    return losses


# by hand


@pytest.mark.parametrize(
    ("start", "labels", "loss"),
    [
        ([[0, 1], [4, 1]], [0, 0, 1, 1], 4),  # left and right: 1 + 1 + 1 + 1
        ([[2, 0], [2, 2]], [0, 1, 0, 1], 16),  # bottom and top, a worse local minimum: 4 + 4 + 4 + 4
        ([[4, 1], [0, 1]], [1, 1, 0, 0], 4),  # labels follow the initial centers
    ],
)
def test_the_corners_of_a_rectangle_have_two_fixed_points(start, labels, loss):
    step = fit(KMeans(2), RECTANGLE, start=start)
    assert step.converged
    assert step.iteration == 1
    assert step.labels.tolist() == labels
    assert step.loss == loss
    np.testing.assert_array_equal(step.parameters, start)


def test_every_half_step_of_four_points_on_a_line_by_hand():
    history = History.record(KMeans(2), [[0.0], [2.0], [6.0], [8.0]], start=[[0.0], [1.0]])
    # labels 0 1 1 1, loss 0 + 1 + 25 + 49; the center of 2, 6, 8 is 16/3; then 2 is nearer to 0
    assert [parameters.ravel().tolist() for parameters in history.parameters] == [
        [0, 1],
        [0, pytest.approx(16 / 3)],
        [1, 7],
    ]
    np.testing.assert_allclose(history.losses, [75, 4 + 4 / 9 + 64 / 9, 4], rtol=1e-12)
    np.testing.assert_allclose(history.half_losses, [100 / 9 + 4 / 9 + 64 / 9, 4], rtol=1e-12)
    assert history.changed.tolist() == [4, 1, 0]
    assert history.sizes.tolist() == [[1, 3], [2, 2], [2, 2]]


@pytest.mark.parametrize("points", [RECTANGLE, RECTANGLE[:1], RECTANGLE * 1e9 + 3, RECTANGLE[:, :1] * 1e-9])
def test_one_cluster_has_the_mean_as_center_and_the_total_sum_of_squares_as_loss(points):
    step = fit(KMeans(1), points, rng=0)
    np.testing.assert_allclose(step.parameters, [points.mean(axis=0)], rtol=1e-12)
    assert step.loss == pytest.approx(np.square(points - points.mean(axis=0)).sum(), rel=1e-12, abs=0)
    assert step.assignment.sizes.tolist() == [len(points)]


@pytest.mark.parametrize("init", ["k-means++", "random", "maxmin"])
def test_k_equal_to_n_gives_one_point_per_cluster_and_zero_loss(init):
    step = fit(KMeans(4, init=init), RECTANGLE + 1e8, rng=0)
    assert step.loss == 0
    assert step.converged
    assert step.assignment.sizes.tolist() == [1, 1, 1, 1]
    assert not step.notices


@pytest.mark.parametrize("others", [[], [0.0, 0.0], [5.0], [5.0, 5.0], [0.0, 5.0, 7.0, 7.0], [3.0, 9.0, 9.0]])
@pytest.mark.parametrize("centers", [[0.0, 2.0], [2.0, 0.0]])
def test_a_point_halfway_between_two_centers_goes_to_the_lower_index(others, centers):
    # integers, so that ties are exact for any mean of the points
    points = np.array([0.0, 1.0, 2.0, *others])[:, None]
    step = next(iterate(KMeans(2), points, start=np.array(centers)[:, None]))
    assert step.labels[1] == 0


def test_of_coinciding_centers_the_lowest_index_gets_the_points():
    step = next(iterate(KMeans(3), RECTANGLE, start=[[4, 1], [0, 1], [0, 1]]))
    assert step.labels.tolist() == [1, 1, 0, 0]
    assert step.assignment.sizes.tolist() == [2, 2, 0]


# empty clusters


def test_an_empty_cluster_gets_the_farthest_point_and_the_m_step_loss_includes_this():
    points = np.array([[0.0], [1.0], [2.0], [9.0]])
    history = History.record(KMeans(2), points, start=[[1.0], [100.0]])
    assert history.sizes[0].tolist() == [4, 0]
    assert names(history.last) == set()
    assert [parameters.ravel().tolist() for parameters in history.parameters[:2]] == [[1, 100], [1, 9]]
    assert history.losses.tolist() == [66, 2, 2][: len(history)]
    assert history.half_losses[0] == 2
    notice = history.notices[0][0]
    assert notice.name == notices.EMPTY_CLUSTER
    assert notice.clusters == (1,)
    assert notice.sentence.startswith(
        "Cluster 2 lost all points. The M step moves the center of an empty cluster to the point farthest"
    )


def test_an_empty_cluster_keeps_its_center_if_all_points_coincide_with_their_centers():
    points = np.repeat([[0.0], [1.0]], 2, axis=0)
    step = fit(KMeans(3), points, start=[[0.0], [1.0], [50.0]])
    assert step.converged
    assert step.loss == 0
    assert step.parameters.ravel().tolist() == [0, 1, 50]
    assert step.assignment.sizes.tolist() == [2, 2, 0]
    assert names(step) == {notices.EMPTY_CLUSTER, notices.FEWER_DISTINCT_POINTS}


@pytest.mark.parametrize("empty", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_initially_empty_clusters_are_filled_and_the_loss_decreases(empty, seed):
    points = np.random.default_rng(seed).normal(size=(50, 2))
    start = np.vstack([points[: 5 - empty], np.full((empty, 2), 1e3) + np.arange(empty)[:, None]])
    history = History.record(KMeans(5), points, start=start)
    assert np.count_nonzero(history.sizes[0] == 0) == empty
    assert len(history.notices[0][0].clusters) == empty
    assert history.sizes[1:].min() > 0
    assert (np.diff(all_losses(history)) <= 1e-12 * history.losses[0]).all()
    assert notices.EMPTY_CLUSTER not in names(history.last)


@pytest.mark.parametrize("seed", range(6))
def test_an_empty_cluster_is_refilled_as_in_scikit_learn_at_any_offset_and_scale(seed):
    rng = np.random.default_rng(seed)
    scale, offset = [(1, 0), (1e-9, 0), (1e9, 0), (1, 1e8), (1e3, -5), (1, 1)][seed]
    points = (rng.uniform(-5, 5, size=(4, 2))[rng.integers(4, size=200)] + rng.normal(size=(200, 2))) * scale + offset
    start = np.vstack([points[:3], [offset + 1e4 * scale] * 2])
    step = fit(KMeans(4), points, start=start)
    peer = sklearn.cluster.KMeans(4, init=start, n_init=1, tol=0, algorithm="lloyd").fit(points)
    np.testing.assert_array_equal(step.labels, peer.labels_)
    assert step.loss == pytest.approx(peer.inertia_, rel=1e-6, abs=0)


# scikit-learn, iteration by iteration


@pytest.mark.parametrize(
    ("name", "columns", "k"),
    [("iris", 4, 3), ("faithful", 2, 4), ("ruspini", 2, 4), ("s1", 2, 15)],
)
def test_every_iteration_on_real_data_matches_scikit_learn(table, name, columns, k):
    points = table(name, columns)
    start = points[np.random.default_rng(1).choice(len(points), k, replace=False)]
    steps = list(iterate(KMeans(k), points, start=start))
    for step in steps[1:6]:
        peer = sklearn.cluster.KMeans(k, init=start, n_init=1, tol=0, algorithm="lloyd", max_iter=step.iteration)
        peer.fit(points)
        np.testing.assert_allclose(step.parameters, peer.cluster_centers_, rtol=1e-10)
        np.testing.assert_array_equal(step.labels, peer.labels_)
        assert step.loss == pytest.approx(peer.inertia_, rel=1e-10)


def test_duplicating_old_faithful_does_not_change_the_centers(table):
    points = table("faithful")
    start = points[[0, 1]]
    once, thrice = (fit(KMeans(2), np.repeat(points, times, axis=0), start=start) for times in (1, 3))
    np.testing.assert_allclose(thrice.parameters, once.parameters, rtol=1e-12)
    np.testing.assert_array_equal(thrice.labels, np.repeat(once.labels, 3))
    assert thrice.loss == pytest.approx(3 * once.loss, rel=1e-12)


# the triangle inequality must not change results


@examples(60)
@given(
    points=st.tuples(st.integers(4, 40), st.integers(1, 2)).flatmap(
        lambda shape: arrays(float, shape, elements=st.integers(-4, 4).map(float))
    ),
    k=st.integers(2, 4),
    seed=st.integers(0, 99),
)
def test_an_e_step_with_a_previous_assignment_equals_a_full_search(points, k, seed):
    method = KMeans(k, init="random")
    prepared = method.prepare(points)
    for step in iterate(method, prepared, rng=seed):
        full, loss = method.e_step(prepared, step.parameters)
        np.testing.assert_array_equal(step.labels, full.labels)
        np.testing.assert_array_equal(step.assignment.sizes, full.sizes)
        assert step.loss == pytest.approx(loss, rel=1e-10, abs=1e-12)


def test_a_previous_assignment_by_distant_centers_does_not_affect_the_result():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3))
    method = KMeans(6)
    prepared = method.prepare(points)
    before, centers = None, rng.normal(size=(6, 3))
    for move in (0.0, 1e-9, 3.0, 1e6, 1e-3, 0.0, 50.0):
        centers = centers + move * rng.normal(size=(6, 3)) if move < 1 else rng.normal(size=(6, 3)) * move
        before, loss = method.e_step(prepared, centers, before)
        full, expected = method.e_step(prepared, centers)
        np.testing.assert_array_equal(before.labels, full.labels)
        assert loss == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", [255, 256, 257, 300])
def test_more_than_256_clusters_are_distinguished(k):
    points = np.random.default_rng(0).permutation(2 * k)[:, None].astype(float)
    step = fit(KMeans(k), points, start=np.arange(k)[:, None] * 2 + 0.5)
    np.testing.assert_array_equal(step.labels, points.ravel() // 2)
    assert step.loss == pytest.approx(k / 2)


@pytest.mark.parametrize(("n", "d", "k", "expected"), [(10_000, 2, 5, False), (10_000, 2, 50, True), (40_000, 2, 5, True)])
def test_gaps_pay_unless_points_or_clusters_are_few(n, d, k, expected):
    assert gaps_pay(d, n, k) is expected


def test_several_chunks_of_points_match_scikit_learn(monkeypatch):
    monkeypatch.setattr("clustering.point_labels.chunk_size", lambda rows: 1_000)
    points = sampling.grid(5_000, np.random.default_rng(0), side=2).points
    start = points[:4]
    step = fit(KMeans(4), points, start=start)
    peer = sklearn.cluster.KMeans(4, init=start, n_init=1, tol=0, algorithm="lloyd").fit(points)
    np.testing.assert_array_equal(step.labels, peer.labels_)
    assert step.loss == pytest.approx(peer.inertia_, rel=1e-11)


# extreme values


@pytest.mark.parametrize("offset", [1e8, -1e8, np.array([1e8, -3.0])])
def test_a_common_offset_shifts_the_centers_and_keeps_labels_and_loss(offset):
    points = np.random.default_rng(0).integers(-50, 50, size=(200, 2)).astype(float)
    one = fit(KMeans(5), points, start=points[:5])
    other = fit(KMeans(5), points + offset, start=points[:5] + offset)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert other.loss == pytest.approx(one.loss, rel=1e-7)
    np.testing.assert_allclose(other.parameters - offset, one.parameters, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_scaling_the_points_scales_the_centers_and_the_loss_by_its_square(scale):
    points = np.random.default_rng(0).normal(size=(200, 3))
    one = fit(KMeans(5), points, start=points[:5])
    other = fit(KMeans(5), points * scale, start=points[:5] * scale)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_allclose(other.parameters, one.parameters * scale, rtol=1e-9, atol=1e-12 * scale)
    assert other.loss == pytest.approx(one.loss * scale**2, rel=1e-10, abs=0)


@pytest.mark.parametrize("width", [1e-4, 1e-6, 1e-8])
def test_the_loss_of_very_tight_clusters_is_accurate(width):
    # steps are powers of two, so that points and differences are exact
    step = 2.0 ** np.round(np.log2(width))
    labels = np.repeat([0, 1, 2], 40)
    within = np.random.default_rng(0).integers(-9, 10, size=(120, 2)) * step
    points = np.array([[-1.0, 0.0], [1.0, 0.0], [0.3, 2.0]])[labels] + within
    history = History.record(KMeans(3), points, start=points[[0, 40, 80]])
    exact = sum(np.square(within[labels == k] - within[labels == k].mean(axis=0)).sum() for k in range(3))
    np.testing.assert_array_equal(history.last.labels, labels)
    assert history.last.loss == pytest.approx(exact, rel=1e-6, abs=0)
    assert (np.diff(all_losses(history)) <= 1e-9 * history.losses[0]).all()
    assert notices.LOSS_ROSE not in {notice.name for at in history.notices for notice in at}


@pytest.mark.parametrize("value", [1e15, 1.7e18, 1e25])
def test_a_constant_column_has_no_effect_whatever_its_value(value):
    points = sampling.three_gaussians(90, np.random.default_rng(0)).points
    extended = np.column_stack([points, np.full(90, value)])
    one, other = fit(KMeans(3), points, start=points[:3]), fit(KMeans(3), extended, start=extended[:3])
    assert other.iteration == one.iteration > 5
    assert other.loss == one.loss
    np.testing.assert_array_equal(other.labels, one.labels)
    np.testing.assert_array_equal(other.parameters, np.column_stack([one.parameters, np.full(3, value)]))


def test_single_precision_points_are_computed_in_double_precision():
    points = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    one, other = (fit(KMeans(4), form, rng=1) for form in (points, points.astype(float)))
    assert one.parameters.dtype == np.float64
    np.testing.assert_array_equal(one.parameters, other.parameters)


# invalid arguments


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([[0, 0], [1, 1], [2, 2]], r"start must be centers of shape \(2, 2\), got \(3, 2\)"),
        ([[0], [1]], r"start must be centers of shape \(2, 2\), got \(2, 1\)"),
        ([[0, np.nan], [1, 1]], r"row 0, column 1 is nan"),
        ([0, 1], r"two dimensions"),
        ([["a", "b"], ["c", "d"]], r"must be numbers"),
    ],
)
@pytest.mark.parametrize("argument", ["start", "init"])
def test_initial_centers_of_the_wrong_shape_raise_an_error(start, message, argument):
    with pytest.raises(ValueError, match=message):
        fit(KMeans(2), RECTANGLE, start=start) if argument == "start" else fit(KMeans(2, init=start), RECTANGLE)


@pytest.mark.parametrize("k", [4, 5, 16, 17, 60])
@pytest.mark.parametrize("kind", ["free", "grid", "offset", "tight"])
def test_labels_in_every_iteration_equal_a_full_search_with_the_lowest_index_on_ties(monkeypatch, k, kind):
    monkeypatch.setattr("clustering.point_labels.chunk_size", lambda rows: 250)  # ties in every chunk, not only in the first
    rng = np.random.default_rng(k)
    points = rng.integers(-6, 7, size=(900, 2)).astype(float)
    if kind != "grid":
        points += rng.normal(size=(900, 2)) * (1e-7 if kind == "tight" else 1.0)
    if kind == "offset":
        points += 1e8
    for step in iterate(KMeans(k, "random"), points, rng=k):
        distances = np.square(points[:, None, :] - step.parameters).sum(axis=2)
        np.testing.assert_array_equal(step.labels, distances.argmin(axis=1))
