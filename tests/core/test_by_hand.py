"""Small cases computed by hand, degenerate cases with their notices, and invalid arguments."""

import numpy as np
import pytest

from clustering import GaussianMixture, Gaussians, KMeans, KMedoids, State, fit, iterate, notices, proximity_matrix
from clustering import History as RunHistory

LINE = np.array([1.0, 2, 3, 11, 12, 13, 21, 22, 23])[:, None]


def names(step):
    return {notice.name for notice in step.notices}


def test_k_means_on_nine_points_started_from_the_first_three():
    steps = list(iterate(KMeans(3), LINE, start=LINE[:3]))
    assert steps[0].labels.tolist() == [0, 1, 2, 2, 2, 2, 2, 2, 2]
    assert steps[0].loss == sum((x - 3) ** 2 for x in (11, 12, 13, 21, 22, 23))
    assert steps[1].parameters.ravel().tolist() == [1, 2, 15]
    assert steps[-1].converged
    assert steps[-1].assignment.changed == 0


def test_k_means_started_at_the_three_group_means_stays_there():
    step = fit(KMeans(3), LINE, start=[[2], [12], [22]])
    assert step.parameters.ravel().tolist() == [2, 12, 22]
    assert step.loss == 6
    assert step.assignment.sizes.tolist() == [3, 3, 3]


def test_the_m_step_loss_uses_new_centers_and_old_labels():
    history = RunHistory.record(KMeans(3), LINE, start=LINE[:3])
    expected = sum((x - 15) ** 2 for x in (3, 11, 12, 13, 21, 22, 23))
    assert history.half_losses[0] == pytest.approx(expected)


def test_a_tie_between_centers_goes_to_the_lowest_index():
    method = KMeans(2)
    assignment, loss = method.e_step(method.prepare([[0.0], [1.0], [2.0]]), np.array([[0.0], [2.0]]))
    assert assignment.labels.tolist() == [0, 0, 1]
    assert loss == 1


def test_an_empty_cluster_is_moved_to_the_farthest_point_that_is_not_alone_in_its_cluster():
    points = np.array([[0.0], [1.0], [2.0], [10.0], [40.0]])
    steps = list(iterate(KMeans(3), points, start=[[1.0], [38.0], [1000.0]]))
    assert notices.EMPTY_CLUSTER in names(steps[0])
    assert "Cluster 3 lost all points" in " ".join(notice.sentence for notice in steps[0].notices)
    # 40 is alone in the cluster of center 38, so it is not moved; 10 is the farthest of the others
    assert steps[1].parameters.ravel().tolist() == [1.0, 40.0, 10.0]
    assert notices.EMPTY_CLUSTER not in names(steps[-1])
    assert steps[-1].assignment.sizes.tolist() == [3, 1, 1]


def test_two_empty_clusters_are_both_filled():
    points = np.array([[0.0], [1.0], [2.0], [10.0], [20.0]])
    steps = list(iterate(KMeans(3), points, start=[[1.0], [1000.0], [2000.0]]))
    assert steps[0].assignment.sizes.tolist() == [5, 0, 0]
    assert "Clusters 2 and 3" in steps[0].notices[0].sentence
    assert steps[-1].assignment.sizes.min() > 0


@pytest.mark.parametrize("method", [KMeans(3), KMedoids(3), GaussianMixture(3), GaussianMixture(3, "spherical")])
def test_identical_points_give_a_notice_and_converge_immediately(method):
    points = np.full((6, 2), 7.5)
    step = fit(method, proximity_matrix(points) if isinstance(method, KMedoids) else points, rng=0)
    assert notices.IDENTICAL_POINTS in names(step)
    assert step.converged
    assert np.isfinite(step.loss)
    if isinstance(method, KMeans):
        assert step.loss == 0
        np.testing.assert_array_equal(step.parameters, points[:3])


@pytest.mark.parametrize("k", [4, 5, 10])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_k_means_with_fewer_distinct_points_than_clusters_converges_quickly(k, offset):
    points = np.array([[i % 3 + offset, (i % 3) ** 2 / 7] for i in range(60)])
    for seed in range(6):
        step = fit(KMeans(k, init="random"), points, rng=seed)
        assert step.converged
        assert step.iteration < 6
        assert step.loss == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("method", [KMeans(4), KMedoids(4), GaussianMixture(4)])
def test_fewer_distinct_points_than_clusters_give_a_notice(method):
    points = np.repeat([[0.0, 0.0], [5.0, 5.0]], 5, axis=0)
    step = fit(method, proximity_matrix(points) if isinstance(method, KMedoids) else points, rng=0)
    (sentence,) = [notice.sentence for notice in step.notices if notice.name == notices.FEWER_DISTINCT_POINTS]
    assert "2 distinct points for 4 clusters" in sentence
    if not isinstance(method, GaussianMixture):
        assert step.loss == 0


def test_duplicates_give_no_notice_if_there_are_k_distinct_points():
    points = np.repeat([[0.0], [1.0], [2.0]], 100, axis=0)
    assert not KMeans(3).prepare(points).notices
    assert not KMedoids(3).prepare(proximity_matrix(points)).notices
    assert KMeans(4).prepare(points).notices


def test_a_run_at_the_iteration_limit_has_a_notice_and_is_not_converged():
    step = fit(KMeans(3), LINE, start=LINE[:3], max_iter=1)
    assert step.iteration == 1
    assert not step.converged
    assert notices.ITERATION_LIMIT in names(step)
    assert notices.ITERATION_LIMIT not in names(fit(KMeans(3), LINE, start=LINE[:3]))


def test_zero_iterations_give_the_initial_state():
    steps = list(iterate(KMeans(3), LINE, start=LINE[:3], max_iter=0))
    assert len(steps) == 1
    np.testing.assert_array_equal(steps[0].parameters, LINE[:3])


def test_a_component_collapsing_onto_one_point_gives_a_notice_and_stops_at_the_variance_floor():
    points = np.vstack([np.random.default_rng(0).normal(size=(40, 2)), [[50.0, 50.0]]])
    start = Gaussians(np.array([0.9, 0.1]), np.array([[0.0, 0.0], [50.0, 50.0]]), np.stack([np.eye(2), np.eye(2)]))
    for floor in (1e-6, 1e-3, 0):
        history = RunHistory.record(GaussianMixture(2, floor=floor), points, start=start)
        assert notices.COLLAPSING_COMPONENT in names(history.last)
        assert "Component 2 collapsed" in history.last.notices[0].sentence
        least = max(floor, 1e-12)
        standardized = history.parameters[-1].covariances[1] / np.outer(points.std(axis=0), points.std(axis=0))
        np.testing.assert_allclose(np.linalg.eigvalsh(standardized), least, rtol=1e-4)
        assert (np.diff(history.losses) <= 1e-9).all()


def test_the_variance_floor_does_not_affect_a_mixture_without_narrow_components():
    points = np.random.default_rng(0).normal(size=(200, 2))
    losses = {fit(GaussianMixture(2, floor=floor), points, rng=0).loss for floor in (0, 1e-6, 1e-4)}
    assert len(losses) == 1


def test_an_increase_of_the_loss_gives_a_notice():
    class Rising(KMeans):
        def e_step(self, prepared, parameters, before=None):
            assignment, loss = super().e_step(prepared, parameters, before)
            return assignment, loss if before is None else 1e6

    steps = list(iterate(Rising(3), LINE, start=LINE[:3], max_iter=3))
    assert notices.LOSS_ROSE in names(steps[1])
    assert "The loss rose by" in " ".join(notice.sentence for notice in steps[1].notices)


def test_an_empty_component_keeps_its_mean_and_has_weight_zero():
    points = np.random.default_rng(0).normal(size=(100, 1))
    start = Gaussians(np.array([0.5, 0.5]), np.array([[0.0], [1e3]]), np.ones((2, 1, 1)))
    step = fit(GaussianMixture(2), points, start=start)
    assert step.parameters.weights[1] == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(step.parameters.means[1], [1e3])
    assert notices.EMPTY_CLUSTER in names(step)
    assert np.isfinite(step.loss)


@pytest.mark.parametrize("far", [10.0, 1e3, 1e8])
def test_responsibilities_of_distant_points_are_finite_and_sum_to_one(far):
    points = np.vstack([np.random.default_rng(0).normal(size=(50, 2)), [[far, far]]])
    start = Gaussians(np.full(2, 0.5), np.array([[0.0, 0.0], [1.0, 0.0]]), np.stack([np.eye(2)] * 2))
    method = GaussianMixture(2)
    assignment, loss = method.e_step(method.prepare(points), start)
    assert np.isfinite(loss)
    np.testing.assert_allclose(assignment.responsibilities.sum(axis=1), 1, rtol=1e-12)
    assert (assignment.responsibilities >= 0).all()


def reference_loss(points, gaussians):
    """Mean negative log-likelihood, computed directly with solves."""
    scores = []
    for weight, mean, covariance in zip(*gaussians, strict=True):
        difference = points - mean
        distance = np.einsum("nd,nd->n", difference, np.linalg.solve(covariance, difference.T).T)
        scores.append(np.log(weight) - 0.5 * (distance + np.linalg.slogdet(2 * np.pi * covariance)[1]))
    return -np.logaddexp.reduce(scores, axis=0).mean()


@pytest.mark.parametrize("width", [1.0, 1e-2, 3e-4])
@pytest.mark.parametrize("covariance", ["full", "tied", "diagonal", "spherical"])
def test_narrow_components_far_from_the_data_mean_are_fitted_accurately(width, covariance):
    rng = np.random.default_rng(0)
    points = np.vstack(
        [m + width * rng.normal(size=(50, 2)) for m in ([-100.0, 3.0], [100.0, -3.0], [100.0 + 8 * width, -3.0])]
    )
    method = GaussianMixture(3, covariance, floor=0)
    start = Gaussians(np.full(3, 1 / 3), points[[0, 50, 100]], np.stack([np.eye(2) * width**2] * 3))
    history = RunHistory.record(method, points, start=start, max_iter=20)
    for loss, parameters in zip(history.losses, history.parameters, strict=True):
        assert loss == pytest.approx(reference_loss(points, parameters), rel=1e-7, abs=1e-7)
    losses = np.empty(2 * len(history) - 1)
    losses[::2], losses[1::2] = history.losses, history.half_losses
    assert (np.diff(losses) <= 1e-8 * (1 + np.abs(losses[:-1]))).all()
    np.testing.assert_array_equal(history.last.labels, np.repeat([0, 1, 2], 50))


@pytest.mark.parametrize("covariance", ["full", "tied", "diagonal", "spherical"])
def test_features_computed_in_chunks_give_the_same_fit(covariance, monkeypatch):
    points = np.random.default_rng(0).normal(size=(300, 3))
    cached = fit(GaussianMixture(2, covariance), points, rng=0)
    monkeypatch.setattr("clustering.mixture.FEATURES_LIMIT", 0)
    chunked = fit(GaussianMixture(2, covariance), points, rng=0)
    assert chunked.loss == pytest.approx(cached.loss, rel=1e-12)
    np.testing.assert_array_equal(chunked.labels, cached.labels)


@pytest.mark.parametrize("spread", [1e-3, 1e-7, 1e-10])
def test_clusters_much_smaller_than_their_distances_are_separated(spread):
    rng = np.random.default_rng(0)
    places = np.array([[0.0, 0.0], [spread * 20, 0.0], [1.0, 1.0], [1.0, 1.0 + spread * 20]])
    labels = rng.integers(4, size=200)
    points = places[labels] + spread * rng.uniform(-1, 1, size=(200, 2))
    step = fit(KMeans(4), points, start=places)
    np.testing.assert_array_equal(step.labels, labels)
    expected = sum(np.square(points[labels == k] - points[labels == k].mean(axis=0)).sum() for k in range(4))
    assert step.loss == pytest.approx(expected, rel=1e-5, abs=0)


def test_labels_in_every_iteration_equal_those_of_a_full_search():
    rng = np.random.default_rng(0)
    points = np.vstack([rng.normal(size=(1500, 2)), rng.integers(-3, 4, size=(1500, 2))])
    for step in iterate(KMeans(9, init="random"), points, rng=1):
        distances = np.square(points[:, None, :] - step.parameters).sum(axis=2)
        chosen = distances[np.arange(len(points)), step.labels]
        assert (chosen <= distances.min(axis=1) * (1 + 1e-12) + 1e-12).all()
        assert step.loss == pytest.approx(chosen.sum(), rel=1e-10)


def test_a_medoid_belongs_to_its_own_cluster_even_if_medoids_coincide():
    points = np.repeat([[0.0, 0.0], [4.0, 0.0]], 4, axis=0)
    for update in ("alternating", "swap", "steepest swap"):
        for step in iterate(KMedoids(4, update=update), proximity_matrix(points), start=[0, 1, 2, 4]):
            np.testing.assert_array_equal(step.labels[step.parameters], np.arange(4))


def test_alternating_medoids_by_hand():
    proximities = proximity_matrix(LINE)
    steps = list(iterate(KMedoids(3), proximities, start=[0, 3, 6]))
    assert steps[0].loss == 3 * (1 + 2)
    assert steps[1].parameters.tolist() == [1, 4, 7]
    assert steps[-1].loss == 6


def test_each_swap_changes_one_medoid_and_reduces_the_loss():
    points = np.random.default_rng(0).normal(size=(100, 2))
    steps = list(iterate(KMedoids(5, init="random", update="swap"), proximity_matrix(points), rng=0))
    for before, after in zip(steps[:-2], steps[1:-1], strict=True):
        assert np.count_nonzero(before.parameters != after.parameters) == 1
        assert after.loss < before.loss
    np.testing.assert_array_equal(steps[-1].parameters, steps[-2].parameters)


@pytest.mark.parametrize("update", ["swap", "steepest swap"])
def test_swaps_stop_when_the_gain_is_only_rounding_error(update):
    points = np.array([[1.0, 0.0], [0.0, 7e-26], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    history = RunHistory.record(KMedoids(2, update=update), proximity_matrix(points), start=[3, 4])
    assert history.converged
    assert history.iterations < 5
    assert (np.diff(history.losses) <= 0).all()


def test_points_that_differ_only_by_rounding_of_a_large_offset_converge():
    points = np.array([[1e8, 1e8 + 1], [np.nextafter(1e8, 2e8), 1e8]])
    history = RunHistory.record(GaussianMixture(1), points, rng=0)
    assert history.converged
    assert np.isfinite(history.losses).all()
    assert notices.LOSS_ROSE not in {notice.name for _, notice in history.unique_notices()}


def test_no_single_swap_improves_the_final_medoids():
    proximities = proximity_matrix(np.random.default_rng(1).normal(size=(40, 2)))
    step = fit(KMedoids(3, init="random", update="swap"), proximities, rng=0)
    for slot in range(3):
        for row in range(40):
            medoids = step.parameters.copy()
            medoids[slot] = row
            assert proximities[medoids].min(axis=0).sum() >= step.loss - 1e-9


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: fit(KMeans(4), LINE[:3]), r"k must lie in 1..n=3, got 4"),
        (lambda: fit(KMeans(0), LINE), r"k must lie in 1..n=9, got 0"),
        (lambda: fit(KMedoids(10), proximity_matrix(LINE)), r"k must lie in 1..n=9, got 10"),
        (lambda: fit(GaussianMixture(10), LINE), r"k must lie in 1..n=9, got 10"),
        (lambda: fit(KMeans(2), [1.0, 2.0]), r"two dimensions"),
        (lambda: fit(KMeans(1), np.empty((0, 2))), r"at least one row"),
        (lambda: fit(KMeans(1), [[1.0, np.nan]]), r"row 0, column 1 is nan"),
        (lambda: fit(KMeans(1), [["a", "b"]]), r"must be numbers"),
        (lambda: fit(KMeans(2, init="best"), LINE), r"init must be .* got 'best'"),
        (lambda: fit(KMedoids(2, init="best"), proximity_matrix(LINE)), r"init must be .* got 'best'"),
        (lambda: fit(KMeans(2), LINE, start=[[1.0, 2.0], [3.0, 4.0]]), r"shape \(2, 1\), got \(2, 2\)"),
        (lambda: fit(KMedoids(2), proximity_matrix(LINE), start=[0, 9]), r"row numbers in 0..8"),
        (lambda: fit(KMedoids(2), proximity_matrix(LINE), start=[3, 3]), r"2 different rows"),
        (lambda: fit(KMedoids(2), proximity_matrix(LINE), start=[0.0, 1.0]), r"2 row numbers"),
        (lambda: KMedoids(2, update="pam"), r"update must be .* got 'pam'"),
        (lambda: GaussianMixture(2, "round"), r"covariance must be .* got 'round'"),
        (lambda: GaussianMixture(2, floor=-1), r"floor must lie in 0..1, got -1"),
        (lambda: GaussianMixture(2, regularization=-1), r"regularization must be at least 0"),
        (lambda: fit(KMeans(2), LINE, tol=-1), r"tol must be at least 0, got -1"),
        (lambda: fit(KMeans(2), LINE, max_iter=-1), r"max_iter must be .* got -1"),
        (
            lambda: fit(GaussianMixture(2), LINE, start=Gaussians([0.5, 0.6], LINE[:2], np.ones((2, 1, 1)))),
            r"sum to 1, got 1.1",
        ),
        (
            lambda: fit(GaussianMixture(2), LINE, start=Gaussians([1.5, -0.5], LINE[:2], np.ones((2, 1, 1)))),
            r"not be negative",
        ),
        (
            lambda: fit(GaussianMixture(2), LINE, start=Gaussians([0.5, 0.5], LINE[:2], -np.ones((2, 1, 1)))),
            r"positive definite",
        ),
    ],
)
def test_invalid_arguments_raise_an_error_that_gives_rule_and_value(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_iterate_raises_errors_when_called():
    with pytest.raises(ValueError, match="k must lie"):
        iterate(KMeans(20), LINE)


def test_a_state_is_a_named_tuple_with_labels():
    step = fit(KMeans(3), LINE, rng=0)
    assert isinstance(step, State)
    assert step._fields == ("phase", "iteration", "parameters", "assignment", "loss", "converged", "notices")
    assert step.labels is step.assignment.labels
