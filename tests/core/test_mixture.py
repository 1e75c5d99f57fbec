"""Mixtures of Gaussians: on paper, against SciPy and scikit-learn, far away, narrow, empty and collapsed."""

import warnings

import numpy as np
import pytest
import sklearn.mixture
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning

from clustering import GaussianMixture, Gaussians, History, fit, iterate, notices, sampling, three_gaussians
from clustering.features import feature_count, features_of
from tests.core.tables import examples

KINDS = {"full": "full", "tied": "tied", "diagonal": "diag", "spherical": "spherical"}


def names(step):
    return {notice.name for notice in step.notices}


def all_names(history):
    return {notice.name for found in history.notices for notice in found}


def e_step(method, points, parameters):
    return method.e_step(method.prepare(points), parameters)


def same_width(means, width=1.0, weights=None):
    means = np.array(means, dtype=float)
    k, d = means.shape
    weights = np.full(k, 1 / k) if weights is None else np.array(weights)
    return Gaussians(weights, means, np.stack([np.eye(d) * width**2] * k))


# the long way: SciPy's density, sums over centered differences


def log_joint(points, parameters):
    """ln(w N(x | m, S)) of every component, (n, k)."""
    densities = [multivariate_normal(m, c).logpdf(points) for m, c in zip(*parameters[1:], strict=True)]
    return np.log(parameters.weights) + np.stack(densities, axis=1)


def reference_e_step(points, parameters):
    """Responsibilities (n, k) and mean negative log-likelihood."""
    scores = log_joint(points, parameters)
    densities = logsumexp(scores, axis=1, keepdims=True)
    return np.exp(scores - densities), -densities.mean()


def reference_m_step(points, responsibilities, covariance):
    n, d = points.shape
    masses = responsibilities.sum(axis=0)
    means = (responsibilities.T @ points) / masses[:, None]
    spreads = []
    for mean, share, mass in zip(means, responsibilities.T, masses, strict=True):
        difference = points - mean
        spreads.append((difference.T * share) @ difference / mass)
    spreads = np.stack(spreads)
    if covariance == "tied":
        spreads = np.broadcast_to(np.einsum("k,kij->ij", masses / n, spreads), spreads.shape)
    elif covariance == "diagonal":
        spreads = spreads * np.eye(d)
    elif covariance == "spherical":
        spreads = np.trace(spreads, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
    return Gaussians(masses / n, means, spreads)


def assert_near(mine, expected, tolerance):
    """Weights and means, and covariances measured by the expected ones, so that narrow directions count as much."""
    np.testing.assert_allclose(mine.weights, expected.weights, rtol=tolerance)
    roots = np.linalg.inv(np.linalg.cholesky(expected.covariances))
    np.testing.assert_allclose(np.einsum("kij,kj->ki", roots, mine.means - expected.means), 0, atol=tolerance)
    white = roots @ mine.covariances @ roots.transpose(0, 2, 1)
    np.testing.assert_allclose(white, np.broadcast_to(np.eye(white.shape[1]), white.shape), atol=tolerance)


# by hand


def test_responsibilities_of_two_components_on_a_line_by_hand():
    # ln of the ratio of the densities at x of N(1, 1) and N(-1, 1) is 2 x
    points = np.array([[-2.0], [0.0], [0.5], [3.0]])
    assignment, loss = e_step(GaussianMixture(2), points, same_width([[-1], [1]]))
    np.testing.assert_allclose(assignment.responsibilities[:, 1], expit(2 * points.ravel()), rtol=1e-12)
    assert assignment.labels.tolist() == [0, 0, 1, 1]
    density = np.exp(-((points + 1) ** 2) / 2) / 2 + np.exp(-((points - 1) ** 2) / 2) / 2
    assert loss == pytest.approx(-np.log(density / np.sqrt(2 * np.pi)).mean(), rel=1e-12)


def test_given_weights_count_from_the_first_e_step():
    assignment, _ = e_step(GaussianMixture(2), [[0.0], [0.0]], same_width([[-1], [1]], weights=[0.9, 0.1]))
    np.testing.assert_allclose(assignment.responsibilities, [[0.9, 0.1]] * 2, rtol=1e-12)
    np.testing.assert_allclose(assignment.sizes, [1.8, 0.2], rtol=1e-12)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (1e-9, 0), (1e9, 0), (1, 1e8)])
def test_one_component_is_the_gaussian_with_the_moments_of_the_points(covariance, scale, offset):
    points = np.random.default_rng(0).normal(size=(60, 3)) @ np.array([[2.0, 0.5, 0], [0, 1, 0.3], [0, 0, 0.2]])
    points = points * scale + offset
    step = fit(GaussianMixture(1, covariance), points, rng=0)
    expected = reference_m_step(points, np.ones((60, 1)), covariance)
    assert step.converged
    assert step.parameters.weights.tolist() == [1]
    assert_near(step.parameters, expected, 1e-6 if offset else 1e-10)
    assert step.loss == pytest.approx(reference_e_step(points, expected)[1], rel=1e-7 if offset else 1e-11)
    assert not step.notices


def test_a_component_that_holds_one_point_to_itself_leaves_the_others_to_the_rest():
    points = np.append(np.random.default_rng(0).normal(size=20), 1000.0)[:, None]
    step = fit(GaussianMixture(2, floor=1e-6), points, start=same_width([[0], [1000]]))
    np.testing.assert_allclose(step.parameters.weights, [20 / 21, 1 / 21])
    np.testing.assert_allclose(step.parameters.means.ravel(), [points[:20].mean(), 1000])
    assert step.parameters.covariances[1, 0, 0] == pytest.approx(1e-6 * points.var(), rel=1e-6)


@pytest.mark.parametrize("covariance", KINDS)
def test_as_many_components_as_points_stay_finite_and_are_said_to_collapse(covariance):
    points = np.random.default_rng(0).normal(size=(8, 2))
    history = History.record(GaussianMixture(8, covariance), points, rng=0, max_iter=50)
    assert np.isfinite(history.losses).all()
    assert notices.COLLAPSING_COMPONENT in all_names(history)
    assert notices.LOSS_ROSE not in all_names(history)


# laws of the E step


@examples(40)
@given(
    covariance=st.sampled_from(list(KINDS)),
    seed=st.integers(0, 10_000),
    distance=st.sampled_from([1.0, 10.0, 1e3, 1e6]),
    width=st.sampled_from([1.0, 1e-2, 1e-5]),
)
def test_responsibilities_sum_to_one_and_the_label_is_the_largest(covariance, seed, distance, width):
    rng = np.random.default_rng(seed)
    points = np.vstack([rng.normal(size=(20, 2)), distance * rng.normal(size=(5, 2))])
    for step in iterate(GaussianMixture(3, covariance), points, start=same_width(points[:3], width), max_iter=3):
        shares = step.assignment.responsibilities
        assert shares.shape == (25, 3)
        assert (shares >= 0).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(shares[np.arange(25), step.labels], shares.max(axis=1))
        np.testing.assert_allclose(step.assignment.sizes, shares.sum(axis=0), rtol=1e-9, atol=1e-12)
        assert np.isfinite(step.loss)


@pytest.mark.parametrize("sigmas", [10, 40, 1e3, 1e6])
@pytest.mark.parametrize("covariance", KINDS)
def test_a_point_many_widths_away_still_belongs_to_the_nearer_component(sigmas, covariance):
    points = np.vstack([np.random.default_rng(0).normal(size=(30, 1)), [[sigmas], [-sigmas]]])
    assignment, loss = e_step(GaussianMixture(2, covariance), points, same_width([[-1], [1]]))
    np.testing.assert_allclose(assignment.responsibilities[-2:], [[0, 1], [1, 0]], atol=1e-8)
    expected = reference_e_step(points, same_width([[-1], [1]]))[1]
    assert loss == pytest.approx(expected, rel=1e-10)


def test_a_component_of_weight_zero_takes_no_point_not_even_one_that_no_other_is_near():
    points = np.append(np.random.default_rng(0).normal(size=20), 1000.0)[:, None]
    given = same_width([[0], [1000]], weights=[1.0, 0.0])
    assignment, loss = e_step(GaussianMixture(2), points, given)
    np.testing.assert_array_equal(assignment.responsibilities, np.tile([1.0, 0.0], (21, 1)))
    assert loss == pytest.approx(-multivariate_normal(0, 1).logpdf(points).mean(), rel=1e-10)


# products of coordinates and differences


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize("ratio", [1, 30, 300, 900, 1100, 3e3, 3e4])
def test_narrow_components_away_from_the_centre_have_the_steps_of_the_long_way(covariance, ratio):
    rng = np.random.default_rng(0)
    width = 1 / ratio
    wide = rng.normal(size=(100, 2))
    narrow = [1.0, -1.0] + width * rng.normal(size=(100, 2))
    points = np.vstack([wide, narrow, narrow + [2 * width, 0.0]])
    given = Gaussians(
        np.array([0.4, 0.3, 0.3]),
        np.array([[0.0, 0.0], [1.0, -1.0], [1.0 + 2 * width, -1.0]]),
        np.stack([np.eye(2) * (width if covariance == "tied" else 1) ** 2, np.eye(2) * width**2, np.eye(2) * width**2]),
    )
    method = GaussianMixture(3, covariance, floor=0)
    prepared = method.prepare(points)
    assignment, loss = method.e_step(prepared, given)
    shares, expected = reference_e_step(points, given)
    np.testing.assert_allclose(assignment.responsibilities, shares, atol=1e-9)
    assert loss == pytest.approx(expected, rel=1e-12, abs=1e-9)
    new = method.m_step(prepared, assignment, given)
    assert_near(new, reference_m_step(points, shares, covariance), 1e-8)
    tolerance = 1e-8 + 1e-14 * abs(expected)  # it is a difference from the loss before
    bound = expected - (shares * (log_joint(points, new) - log_joint(points, given))).sum() / len(points)
    assert method.half_step_loss(prepared, assignment, given, new) == pytest.approx(bound, abs=tolerance)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize("limit", [None, 0])
def test_many_points_come_in_pieces_with_and_without_kept_features(covariance, limit, monkeypatch):
    if limit is not None:
        monkeypatch.setattr("clustering.mixture.FEATURES_LIMIT", limit)
    points = sampling.unequal_spreads(40_001, np.random.default_rng(0), d=3).points
    given = same_width(points[:3], 2.0)
    method = GaussianMixture(3, covariance)
    prepared = method.prepare(points)
    assignment, loss = method.e_step(prepared, given)
    shares, expected = reference_e_step(points, given)
    np.testing.assert_allclose(assignment.responsibilities, shares, atol=1e-11)
    assert loss == pytest.approx(expected, rel=1e-12)
    new = method.m_step(prepared, assignment, given)
    assert_near(new, reference_m_step(points, shares, covariance), 1e-10)
    again, _ = method.e_step(prepared, new, assignment)
    assert again.changed == np.count_nonzero(again.labels != assignment.labels)


@pytest.mark.parametrize("limit", [None, 0])
def test_points_prepared_for_one_covariance_model_are_not_mistaken_for_anothers(limit, monkeypatch):
    if limit is not None:
        monkeypatch.setattr("clustering.mixture.FEATURES_LIMIT", limit)
    points = np.random.default_rng(0).normal(size=(50, 2)) * [1, 50]
    prepared = GaussianMixture(2, "full").prepare(points)
    assert fit(GaussianMixture(2, "tied"), prepared, rng=0).loss == fit(GaussianMixture(2, "tied"), points, rng=0).loss
    with pytest.raises(ValueError, match="prepared for another covariance model"):
        fit(GaussianMixture(2, "spherical"), prepared, rng=0)


# scikit-learn


def peer_after(points, start, covariance, iterations):
    precisions = np.linalg.inv(start.covariances)
    given = {
        "full": precisions,
        "tied": precisions[0],
        "diagonal": np.diagonal(precisions, axis1=1, axis2=2),
        "spherical": precisions[:, 0, 0],
    }
    peer = sklearn.mixture.GaussianMixture(
        len(start.weights),
        covariance_type=KINDS[covariance],
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=given[covariance],
        max_iter=iterations,
        tol=0,
        reg_covar=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return peer.fit(points)


def peer_parameters(peer, covariance):
    k, d = peer.means_.shape
    covariances = {
        "full": lambda given: given,
        "tied": lambda given: np.broadcast_to(given, (k, d, d)),
        "diagonal": lambda given: given[:, :, None] * np.eye(d),
        "spherical": lambda given: given[:, None, None] * np.eye(d),
    }[covariance](peer.covariances_)
    return Gaussians(peer.weights_, peer.means_, covariances)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize(("name", "columns", "k"), [("faithful", 2, 2), ("iris", 4, 3), ("iris", 1, 2)])
def test_every_iteration_has_the_parameters_and_likelihood_of_scikit_learn(table, name, columns, k, covariance):
    points = table(name, 4 if name == "iris" else 2)[:, :columns]
    spread = np.eye(columns) if covariance == "spherical" else np.diag(points.var(axis=0))
    start = Gaussians(np.full(k, 1 / k), points[:: len(points) // k][:k], np.stack([spread] * k))
    steps = list(iterate(GaussianMixture(k, covariance, floor=0), points, start=start, tol=0, max_iter=6))
    for step in steps[1:]:
        peer = peer_after(points, start, covariance, step.iteration)
        assert_near(step.parameters, peer_parameters(peer, covariance), 1e-8)
        assert -step.loss == pytest.approx(peer.score(points), abs=1e-10)
        np.testing.assert_array_equal(step.labels, peer.predict(points))


# units


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize(("scale", "offset"), [(1e-9, 0), (1e9, 0), (1, 1e8), (1e-3, -1e5)])
def test_scaled_and_shifted_points_have_the_scaled_and_shifted_mixture(covariance, scale, offset):
    points = three_gaussians(300, np.random.default_rng(0)).points
    start = same_width(points[[0, 1, 2]], 2.0)
    moved = Gaussians(start.weights, start.means * scale + offset, start.covariances * scale**2)
    one = fit(GaussianMixture(3, covariance), points, start=start)
    other = fit(GaussianMixture(3, covariance), points * scale + offset, start=moved)
    assert other.loss == pytest.approx(one.loss + 2 * np.log(scale), abs=1e-6)
    back = Gaussians(
        other.parameters.weights, (other.parameters.means - offset) / scale, other.parameters.covariances / scale**2
    )
    assert_near(back, one.parameters, 1e-4 if offset else 1e-7)
    np.testing.assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("covariance", ["full", "tied", "diagonal"])
def test_the_unit_of_a_single_column_does_not_matter_but_to_round_components(covariance):
    points = three_gaussians(200, np.random.default_rng(0)).points
    units = np.array([1e6, 1e-6])
    one, other = (fit(GaussianMixture(3, covariance, init="maxmin"), points * by, rng=0) for by in (1.0, units))
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_allclose(other.parameters.means, one.parameters.means * units, rtol=1e-6)


@pytest.mark.parametrize("covariance", KINDS)
def test_repeated_points_have_the_mixture_of_single_ones(covariance):
    points = three_gaussians(100, np.random.default_rng(0)).points
    start = same_width(points[:3], 2.0)
    method = GaussianMixture(3, covariance)
    one, other = (fit(method, np.repeat(points, times, axis=0), start=start, max_iter=20) for times in (1, 4))
    assert_near(other.parameters, one.parameters, 1e-7)
    assert other.loss == pytest.approx(one.loss, rel=1e-9)


@pytest.mark.parametrize("covariance", KINDS)
def test_a_column_that_never_changes_does_no_harm(covariance):
    points = three_gaussians(100, np.random.default_rng(0)).points
    points = np.column_stack([points, np.full(100, 7.0)])
    step = fit(GaussianMixture(2, covariance), points, rng=0)
    assert np.isfinite(step.loss)
    np.testing.assert_allclose(step.parameters.means[:, 2], 7, rtol=1e-9)
    assert (notices.COLLAPSING_COMPONENT in names(step)) == (covariance != "spherical")


@pytest.mark.parametrize("covariance", KINDS)
def test_a_column_that_never_changes_says_nothing_by_its_value(covariance):
    points = three_gaussians(90, np.random.default_rng(0)).points
    method = GaussianMixture(3, covariance, init="random")
    runs = [list(iterate(method, np.column_stack([points, np.full(90, value)]), rng=0)) for value in (0.0, 1.7e18, 1e25)]
    for run in runs[1:]:
        assert [step.loss for step in run] == [step.loss for step in runs[0]]
        np.testing.assert_array_equal(run[-1].parameters.covariances, runs[0][-1].parameters.covariances)


def test_single_precision_points_give_the_run_of_their_double_precision_values():
    points = three_gaussians(100, np.random.default_rng(0)).points.astype(np.float32)
    one, other = (fit(GaussianMixture(3), form, rng=1) for form in (points, points.astype(float)))
    assert one.parameters.means.dtype == np.float64
    assert one.loss == other.loss


# what goes wrong


@pytest.mark.parametrize("floor", [1e-6, 1e-3])
@pytest.mark.parametrize("covariance", KINDS)
def test_no_component_is_narrower_than_the_floor_and_the_loss_never_rises_there(covariance, floor):
    points = np.vstack([np.random.default_rng(0).normal(size=(60, 2)), np.outer(np.linspace(3, 4, 9), [1, 1])])
    history = History.record(GaussianMixture(3, covariance, floor=floor), points, start=same_width(points[[0, 1, 65]]))
    unit = points.std(axis=0) if covariance != "spherical" else np.full(2, points.std(axis=0).max())
    for parameters in history.parameters:
        assert np.linalg.eigvalsh(parameters.covariances / np.outer(unit, unit)).min() >= floor * (1 - 1e-6)
    assert (np.diff(history.losses) <= 1e-9).all()
    assert notices.LOSS_ROSE not in all_names(history)


@pytest.mark.parametrize("floor", [0, 1e-10, 1e-6])
@pytest.mark.parametrize("angle", np.linspace(0.1, 3.0, 8))
def test_a_component_on_a_slanted_line_is_said_to_collapse_and_nothing_else(angle, floor):
    rng = np.random.default_rng(0)
    line = np.outer(rng.normal(size=20), [np.cos(angle), np.sin(angle)]) + 8
    points = np.vstack([rng.normal(size=(40, 2)), line])
    history = History.record(GaussianMixture(2, floor=floor), points, start=same_width([[0, 0], [8, 8]]))
    assert names(history.last) == {notices.COLLAPSING_COMPONENT}
    assert history.last.notices[0].clusters == (1,)
    assert notices.LOSS_ROSE not in all_names(history)


def test_a_shared_covariance_that_collapses_is_told_in_its_own_words():
    points = np.outer(np.arange(12.0), [1, 2])
    step = fit(GaussianMixture(2, "tied"), points, rng=0)
    said = [notice for notice in step.notices if notice.name == notices.COLLAPSING_COMPONENT]
    assert len(said) == 1
    assert said[0].clusters == ()
    assert said[0].sentence.startswith("The shared covariance collapsed to the variance floor")


def test_a_component_that_lost_its_points_stays_and_does_not_drift():
    points = np.random.default_rng(0).normal(size=(50, 2)) + [0.1, 1e3 / 3]
    start = same_width([points[0], [77.7, -1e5 / 7], points[1]])
    steps = list(iterate(GaussianMixture(3), points, start=start, tol=0, max_iter=40))
    for step in steps[1:]:
        assert step.parameters.weights[1] * 50 < 1e-8
        np.testing.assert_allclose(step.parameters.means[1], start.means[1], rtol=1e-13)
        np.testing.assert_allclose(step.parameters.covariances[1], np.eye(2), atol=1e-12)
        dead = [notice for notice in step.notices if notice.name == notices.EMPTY_CLUSTER]
        assert [notice.clusters for notice in dead] == [(1,)]
        assert dead[0].sentence.startswith("Component 2 lost all points (weight 0) and no longer changes.")


def test_a_regularization_that_raises_the_loss_is_reported_and_a_run_without_is_not():
    points = three_gaussians(200, np.random.default_rng(0)).points
    best = fit(GaussianMixture(3), points, rng=0).parameters
    rising = History.record(GaussianMixture(3, regularization=5.0), points, start=best, max_iter=5)
    assert rising.losses[1] > rising.losses[0]
    said = [notice for notice in rising.notices[1] if notice.name == notices.LOSS_ROSE]
    assert said[0].sentence.startswith(f"The loss rose by {rising.losses[1] - rising.losses[0]:.3g} in iteration 1")
    falling = History.record(GaussianMixture(3), points, start=best, max_iter=5)
    assert notices.LOSS_ROSE not in all_names(falling)


def test_regularization_is_added_to_the_variances_in_their_own_units():
    points = np.random.default_rng(0).normal(size=(80, 2)) * [1, 100]
    plain, wide = (fit(GaussianMixture(1, regularization=by), points, rng=0).parameters for by in (0.0, 3.0))
    np.testing.assert_allclose(wide.covariances - plain.covariances, [3 * np.eye(2)], atol=1e-9)


@pytest.mark.parametrize("covariance", KINDS)
def test_a_healthy_run_says_nothing(covariance):
    points = three_gaussians(500, np.random.default_rng(0)).points
    history = History.record(GaussianMixture(3, covariance), points, rng=0)
    assert history.converged
    assert all_names(history) == set()


@examples(60)
@given(seed=st.integers(0, 400), k=st.integers(1, 5), covariance=st.sampled_from(list(KINDS)))
def test_a_run_can_be_taken_up_where_it_ended(seed, k, covariance):
    rng = np.random.default_rng(seed)
    points = rng.integers(-3, 4, size=(15, 3)).astype(float)  # many components end flat
    method = GaussianMixture(k, covariance)
    step = fit(method, points, rng=seed, max_iter=30)
    again = next(iterate(method, points, start=step.parameters))
    assert again.loss == pytest.approx(step.loss, rel=1e-9)
    np.testing.assert_array_equal(again.labels, step.labels)


def test_a_flat_component_can_be_given_as_a_start_though_rounding_left_it_not_quite_symmetric():
    # one that the method itself has made: its small entries differ by rounding only
    covariance = np.array([[1.0, 1e-17, -0.5], [1.1e-17, 1e-3, 0.0], [-0.5, 0.0, 1.0]])
    points = np.random.default_rng(0).normal(size=(20, 3))
    start = Gaussians(np.ones(1), np.zeros((1, 3)), covariance[None])
    assert np.isfinite(next(iterate(GaussianMixture(1), points, start=start)).loss)


# the door


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (same_width([[0, 0]]), r"start must be 2 Gaussians in 2 dimensions, got \(1, 2\)"),
        (same_width([[0], [1]]), r"start must be 2 Gaussians in 2 dimensions, got \(2, 1\)"),
        (same_width([[0, 0], [1, 1]], weights=[0.5, 0.4]), r"weights must sum to 1, got 0.9"),
        (same_width([[0, 0], [1, 1]], width=0), r"covariance 0 must be positive definite"),
        (np.zeros((3, 2)), r"start must be means of shape \(2, 2\) or Gaussians, got an array of shape \(3, 2\)"),
        ([[0, 0], [1, np.nan]], r"row 1, column 1 is nan"),
        (([0.0, 0.0], [1.0, 1.0]), r"start must be"),  # a tuple of rows is neither
    ],
)
@pytest.mark.parametrize("way", ["start", "init"])
def test_a_start_that_does_not_fit_the_points_is_refused(start, sentence, way):
    points = np.arange(10.0).reshape(5, 2) ** 2
    with pytest.raises(ValueError, match=sentence):
        fit(GaussianMixture(2), points, start=start) if way == "start" else fit(GaussianMixture(2, init=start), points)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"covariance": "diag"}, r"covariance must be one of full, tied, diagonal, spherical, got 'diag'"),
        ({"floor": 1.0}, r"floor must lie in 0..1, got 1.0"),
        ({"floor": np.nan}, r"floor must lie in 0..1, got nan"),
        ({"regularization": -1e-9}, r"regularization must be at least 0, got -1e-09"),
        ({"regularization": np.inf}, r"regularization must be at least 0, got inf"),
    ],
)
def test_settings_outside_their_range_are_refused_when_the_method_is_made(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        GaussianMixture(2, **settings)


@pytest.mark.parametrize("tiny", [1e-200, 1e-320])
def test_a_column_whose_variance_is_too_small_a_number_counts_as_constant(tiny):
    rng = np.random.default_rng(0)
    points = np.column_stack([tiny * np.arange(60.0), np.repeat([0.0, 9.0, 30.0], 20) + rng.standard_normal(60)])
    step = fit(GaussianMixture(3), points, rng=0)
    assert np.isfinite(step.loss)
    assert np.isfinite(step.parameters.covariances).all()
    assert sorted(np.bincount(step.labels)) == [20, 20, 20]


@pytest.mark.parametrize("covariance", KINDS)
def test_the_clusters_of_any_method_are_a_start(covariance):
    points = three_gaussians(300, np.random.default_rng(0)).points
    labels = np.digitize(points[:, 0], [-2.5, 2.5])
    start = next(iterate(GaussianMixture(3, covariance, init=labels), points)).parameters
    groups = [points[labels == k] for k in range(3)]
    np.testing.assert_allclose(start.weights, [len(group) / 300 for group in groups])
    np.testing.assert_allclose(start.means, [group.mean(axis=0) for group in groups])
    if covariance == "full":
        np.testing.assert_allclose(start.covariances, [np.cov(group.T, bias=True) for group in groups])
    reversed_ = next(iterate(GaussianMixture(3, covariance, init=2 - labels), points)).parameters
    np.testing.assert_allclose(reversed_.means, start.means[::-1])


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros(9, dtype=int), r"labels must be 10 integers, one for each point, got int64 of shape \(9,\)"),
        (np.zeros(10), r"labels must be 10 integers, one for each point, got float64 of shape \(10,\)"),
        (np.full(10, 2), r"labels must lie in 0..k-1=1, got 2..2"),
        (np.arange(10) - 9, r"labels must lie in 0..k-1=1, got -9..0"),
    ],
)
def test_labels_that_are_no_clusters_of_the_points_are_refused(labels, sentence):
    points = np.random.default_rng(0).normal(size=(10, 2))
    with pytest.raises(ValueError, match=sentence):
        iterate(GaussianMixture(2, init=labels), points)


@pytest.mark.parametrize("d", [2, 60, 400])
def test_features_that_are_not_kept_are_made_in_pieces_that_fit(monkeypatch, d):
    monkeypatch.setattr("clustering.mixture.FEATURES_LIMIT", 0)
    made = []

    def told(covariance, columns):
        made.append(feature_count(covariance, len(columns)) * columns.shape[1])
        return features_of(covariance, columns)

    monkeypatch.setattr("clustering.mixture.features_of", told)
    points = np.random.default_rng(0).standard_normal((300 if d > 2 else 40_000, d))
    fit(GaussianMixture(2, "full", floor=0.1), points, rng=0, max_iter=2)
    assert made
    assert max(made) <= max(2**23, 64 * feature_count("full", d))


@pytest.mark.parametrize(
    ("floor", "held"), [(1e-6, "collapsed to the variance floor;"), (0.0, "collapsed to the limit of double precision;")]
)
def test_a_collapse_says_what_holds_the_component(floor, held):
    points = np.vstack([np.random.default_rng(0).normal(size=(50, 2)), np.full((5, 2), 9.0)])
    last = fit(GaussianMixture(2, floor=floor, init=np.array([[0.0, 0.0], [9.0, 9.0]])), points)
    said = [notice.sentence for notice in last.notices if notice.name == notices.COLLAPSING_COMPONENT]
    assert len(said) == 1
    assert held in said[0]
