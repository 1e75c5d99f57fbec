"""Gaussian mixtures: by hand, against SciPy and scikit-learn; distant points, narrow, empty and collapsed components."""

import warnings
from functools import cache

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


def notice_names(state):
    return {notice.name for notice in state.notices}


def all_notice_names(history):
    return {notice.name for found in history.notices for notice in found}


def e_step(process, points, parameters):
    return process.e_step(process.prepare(points), parameters)


def spherical_mixture(means, width=1.0, weights=None):
    means = np.array(means, dtype=float)
    k, d = means.shape
    weights = np.full(k, 1 / k) if weights is None else np.array(weights)
    return Gaussians(weights, means, np.stack([np.eye(d) * width**2] * k))


# reference implementation: densities by SciPy, sums over centered differences


def log_joint(points, parameters):
    """(n, k) ln(w N(x | m, S)) of points and components."""
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
    covariances = []
    for mean, weights, mass in zip(means, responsibilities.T, masses, strict=True):
        difference = points - mean
        covariances.append((difference.T * weights) @ difference / mass)
    covariances = np.stack(covariances)
    if covariance == "tied":
        covariances = np.broadcast_to(np.einsum("k,kij->ij", masses / n, covariances), covariances.shape)
    elif covariance == "diagonal":
        covariances = covariances * np.eye(d)
    elif covariance == "spherical":
        covariances = np.trace(covariances, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
    return Gaussians(masses / n, means, covariances)


def assert_near(actual, desired, tolerance):
    """Compare mixtures; means and covariances in units of the desired covariances, so that narrow directions count."""
    np.testing.assert_allclose(actual.weights, desired.weights, rtol=tolerance)
    roots = np.linalg.inv(np.linalg.cholesky(desired.covariances))
    np.testing.assert_allclose(np.einsum("kij,kj->ki", roots, actual.means - desired.means), 0, atol=tolerance)
    white = roots @ actual.covariances @ roots.transpose(0, 2, 1)
    np.testing.assert_allclose(white, np.broadcast_to(np.eye(white.shape[1]), white.shape), atol=tolerance)


# by hand


def test_responsibilities_of_two_components_on_a_line_by_hand():
    # the log ratio of the densities of N(1, 1) and N(-1, 1) at x is 2 x
    points = np.array([[-2.0], [0.0], [0.5], [3.0]])
    assignment, loss = e_step(GaussianMixture(2), points, spherical_mixture([[-1], [1]]))
    np.testing.assert_allclose(assignment.responsibilities[:, 1], expit(2 * points.ravel()), rtol=1e-12)
    assert assignment.labels.tolist() == [0, 0, 1, 1]
    density = np.exp(-((points + 1) ** 2) / 2) / 2 + np.exp(-((points - 1) ** 2) / 2) / 2
    assert loss == pytest.approx(-np.log(density / np.sqrt(2 * np.pi)).mean(), rel=1e-12)


def test_initial_weights_affect_the_first_e_step():
    assignment, _ = e_step(GaussianMixture(2), [[0.0], [0.0]], spherical_mixture([[-1], [1]], weights=[0.9, 0.1]))
    np.testing.assert_allclose(assignment.responsibilities, [[0.9, 0.1]] * 2, rtol=1e-12)
    np.testing.assert_allclose(assignment.sizes, [1.8, 0.2], rtol=1e-12)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (1e-9, 0), (1e9, 0), (1, 1e8)])
def test_one_component_has_the_moments_of_the_points(covariance, scale, offset):
    points = np.random.default_rng(0).normal(size=(60, 3)) @ np.array([[2.0, 0.5, 0], [0, 1, 0.3], [0, 0, 0.2]])
    points = points * scale + offset
    state = fit(GaussianMixture(1, covariance), points, rng=0)
    expected = reference_m_step(points, np.ones((60, 1)), covariance)
    assert state.converged
    assert state.parameters.weights.tolist() == [1]
    assert_near(state.parameters, expected, 1e-6 if offset else 1e-10)
    assert state.loss == pytest.approx(reference_e_step(points, expected)[1], rel=1e-7 if offset else 1e-11)
    assert not state.notices


def test_a_component_on_an_outlier_leaves_the_other_points_to_the_rest():
    points = np.append(np.random.default_rng(0).normal(size=20), 1000.0)[:, None]
    state = fit(GaussianMixture(2, floor=1e-6), points, start=spherical_mixture([[0], [1000]]))
    np.testing.assert_allclose(state.parameters.weights, [20 / 21, 1 / 21])
    np.testing.assert_allclose(state.parameters.means.ravel(), [points[:20].mean(), 1000])
    assert state.parameters.covariances[1, 0, 0] == pytest.approx(1e-6 * points.var(), rel=1e-6)


@pytest.mark.parametrize("covariance", KINDS)
def test_as_many_components_as_points_stay_finite_and_give_a_notice(covariance):
    points = np.random.default_rng(0).normal(size=(8, 2))
    history = History.record(GaussianMixture(8, covariance), points, rng=0, max_iter=25)
    assert np.isfinite(history.losses).all()
    assert notices.COLLAPSING_COMPONENT in all_notice_names(history)
    assert notices.LOSS_ROSE not in all_notice_names(history)


# properties of the E step


@examples(40)
@given(
    covariance=st.sampled_from(list(KINDS)),
    seed=st.integers(0, 10_000),
    distance=st.sampled_from([1.0, 10.0, 1e3, 1e6]),
    width=st.sampled_from([1.0, 1e-2, 1e-5]),
)
def test_responsibilities_sum_to_one_and_labels_are_their_maximum(covariance, seed, distance, width):
    rng = np.random.default_rng(seed)
    points = np.vstack([rng.normal(size=(20, 2)), distance * rng.normal(size=(5, 2))])
    for state in iterate(GaussianMixture(3, covariance), points, start=spherical_mixture(points[:3], width), max_iter=3):
        shares = state.assignment.responsibilities
        assert shares.shape == (25, 3)
        assert (shares >= 0).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(shares[np.arange(25), state.labels], shares.max(axis=1))
        np.testing.assert_allclose(state.assignment.sizes, shares.sum(axis=0), rtol=1e-9, atol=1e-12)
        assert np.isfinite(state.loss)


@pytest.mark.parametrize("sigmas", [10, 40, 1e3, 1e6])
@pytest.mark.parametrize("covariance", KINDS)
def test_a_distant_point_belongs_to_the_nearer_component(sigmas, covariance):
    points = np.vstack([np.random.default_rng(0).normal(size=(30, 1)), [[sigmas], [-sigmas]]])
    assignment, loss = e_step(GaussianMixture(2, covariance), points, spherical_mixture([[-1], [1]]))
    np.testing.assert_allclose(assignment.responsibilities[-2:], [[0, 1], [1, 0]], atol=1e-8)
    expected = reference_e_step(points, spherical_mixture([[-1], [1]]))[1]
    assert loss == pytest.approx(expected, rel=1e-10)


def test_a_component_of_weight_zero_has_no_responsibility():
    points = np.append(np.random.default_rng(0).normal(size=20), 1000.0)[:, None]
    parameters = spherical_mixture([[0], [1000]], weights=[1.0, 0.0])
    assignment, loss = e_step(GaussianMixture(2), points, parameters)
    np.testing.assert_array_equal(assignment.responsibilities, np.tile([1.0, 0.0], (21, 1)))
    assert loss == pytest.approx(-multivariate_normal(0, 1).logpdf(points).mean(), rel=1e-10)


# computation by products and by differences


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize("ratio", [1, 30, 300, 900, 1100, 3e3, 3e4])
def test_narrow_components_away_from_the_center_match_the_reference_steps(covariance, ratio):
    rng = np.random.default_rng(0)
    width = 1 / ratio
    wide = rng.normal(size=(100, 2))
    narrow = [1.0, -1.0] + width * rng.normal(size=(100, 2))
    points = np.vstack([wide, narrow, narrow + [2 * width, 0.0]])
    old = Gaussians(
        np.array([0.4, 0.3, 0.3]),
        np.array([[0.0, 0.0], [1.0, -1.0], [1.0 + 2 * width, -1.0]]),
        np.stack([np.eye(2) * (width if covariance == "tied" else 1) ** 2, np.eye(2) * width**2, np.eye(2) * width**2]),
    )
    process = GaussianMixture(3, covariance, floor=0)
    prepared = process.prepare(points)
    assignment, loss = process.e_step(prepared, old)
    shares, expected = reference_e_step(points, old)
    np.testing.assert_allclose(assignment.responsibilities, shares, atol=1e-9)
    assert loss == pytest.approx(expected, rel=1e-12, abs=1e-9)
    new = process.m_step(prepared, assignment, old)
    assert_near(new, reference_m_step(points, shares, covariance), 1e-8)
    tolerance = 1e-8 + 1e-14 * abs(expected)  # the bound is computed as a difference from the previous loss
    bound = expected - (shares * (log_joint(points, new) - log_joint(points, old))).sum() / len(points)
    assert process.m_step_loss(prepared, assignment, old, new) == pytest.approx(bound, abs=tolerance)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize("limit", [None, 0])
def test_chunked_steps_match_the_reference_with_and_without_stored_features(covariance, limit, monkeypatch):
    monkeypatch.setattr("clustering.mixture_steps.CHUNK", 64)
    if limit is not None:
        monkeypatch.setattr("clustering.mixture.FEATURES_LIMIT", limit)
    points = sampling.unequal_spreads(501, np.random.default_rng(0), d=3).points
    old = spherical_mixture(points[:3], 2.0)
    process = GaussianMixture(3, covariance)
    prepared = process.prepare(points)
    assignment, loss = process.e_step(prepared, old)
    shares, expected = reference_e_step(points, old)
    np.testing.assert_allclose(assignment.responsibilities, shares, atol=1e-11)
    assert loss == pytest.approx(expected, rel=1e-12)
    new = process.m_step(prepared, assignment, old)
    assert_near(new, reference_m_step(points, shares, covariance), 1e-10)
    again, _ = process.e_step(prepared, new, assignment)
    assert again.changed == np.count_nonzero(again.labels != assignment.labels)


@pytest.mark.parametrize("limit", [None, 0])
def test_points_prepared_for_another_covariance_model_are_rejected(limit, monkeypatch):
    if limit is not None:
        monkeypatch.setattr("clustering.mixture.FEATURES_LIMIT", limit)
    points = np.random.default_rng(0).normal(size=(50, 2)) * [1, 50]
    prepared = GaussianMixture(2, "full").prepare(points)
    assert fit(GaussianMixture(2, "tied"), prepared, rng=0).loss == fit(GaussianMixture(2, "tied"), points, rng=0).loss
    with pytest.raises(ValueError, match="prepared for another covariance model"):
        fit(GaussianMixture(2, "spherical"), prepared, rng=0)


# scikit-learn


def sklearn_runs(points, start, covariance, iterations):
    """The mixture of scikit-learn after 1, 2, … iterations; always the same object."""
    precisions = np.linalg.inv(start.covariances)
    precisions = {
        "full": precisions,
        "tied": precisions[0],
        "diagonal": np.diagonal(precisions, axis1=1, axis2=2),
        "spherical": precisions[:, 0, 0],
    }[covariance]
    peer = sklearn.mixture.GaussianMixture(
        len(start.weights),
        covariance_type=KINDS[covariance],
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=precisions,
        max_iter=1,
        warm_start=True,
        tol=0,
        reg_covar=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(iterations):
            yield peer.fit(points)


def sklearn_parameters(peer, covariance):
    k, d = peer.means_.shape
    covariances = {
        "full": lambda part: part,
        "tied": lambda part: np.broadcast_to(part, (k, d, d)),
        "diagonal": lambda part: part[:, :, None] * np.eye(d),
        "spherical": lambda part: part[:, None, None] * np.eye(d),
    }[covariance](peer.covariances_)
    return Gaussians(peer.weights_, peer.means_, covariances)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize(("name", "columns", "k"), [("faithful", 2, 2), ("iris", 4, 3), ("iris", 1, 2)])
def test_every_iteration_matches_scikit_learn(table, name, columns, k, covariance):
    points = table(name, 4 if name == "iris" else 2)[:, :columns]
    spread = np.eye(columns) if covariance == "spherical" else np.diag(points.var(axis=0))
    start = Gaussians(np.full(k, 1 / k), points[:: len(points) // k][:k], np.stack([spread] * k))
    states = list(iterate(GaussianMixture(k, covariance, floor=0), points, start=start, tol=0, max_iter=6))
    for state, peer in zip(states[1:], sklearn_runs(points, start, covariance, 6), strict=True):
        assert_near(state.parameters, sklearn_parameters(peer, covariance), 1e-8)
        assert -state.loss == pytest.approx(peer.score(points), abs=1e-10)
        np.testing.assert_array_equal(state.labels, peer.predict(points))


# units


@cache
def fit_of_three_gaussians(covariance, scale=1.0, offset=0.0):
    points = three_gaussians(100, np.random.default_rng(0)).points
    start = spherical_mixture(points[[0, 1, 2]], 2.0)
    start = Gaussians(start.weights, start.means * scale + offset, start.covariances * scale**2)
    return fit(GaussianMixture(3, covariance), points * scale + offset, start=start, max_iter=20)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize(("scale", "offset"), [(1e-9, 0), (1e9, 0), (1, 1e8), (1e-3, -1e5)])
def test_results_scale_and_shift_with_the_points(covariance, scale, offset):
    one, other = fit_of_three_gaussians(covariance), fit_of_three_gaussians(covariance, scale, offset)
    assert other.loss == pytest.approx(one.loss + 2 * np.log(scale), abs=1e-6)
    back = Gaussians(
        other.parameters.weights, (other.parameters.means - offset) / scale, other.parameters.covariances / scale**2
    )
    assert_near(back, one.parameters, 1e-4 if offset else 1e-7)
    np.testing.assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("covariance", ["full", "tied", "diagonal"])
def test_the_unit_of_a_column_matters_only_for_spherical_components(covariance):
    points = three_gaussians(100, np.random.default_rng(0)).points
    units = np.array([1e6, 1e-6])
    one, other = (fit(GaussianMixture(3, covariance, init="maxmin"), points * unit, rng=0) for unit in (1.0, units))
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_allclose(other.parameters.means, one.parameters.means * units, rtol=1e-6)


@pytest.mark.parametrize("covariance", KINDS)
def test_duplicating_all_points_does_not_change_the_mixture(covariance):
    points = three_gaussians(60, np.random.default_rng(0)).points
    start = spherical_mixture(points[:3], 2.0)
    process = GaussianMixture(3, covariance)
    one, other = (fit(process, np.repeat(points, times, axis=0), start=start, max_iter=20) for times in (1, 4))
    assert_near(other.parameters, one.parameters, 1e-7)
    assert other.loss == pytest.approx(one.loss, rel=1e-9)


@pytest.mark.parametrize("covariance", KINDS)
def test_a_constant_column_is_handled(covariance):
    points = three_gaussians(60, np.random.default_rng(0)).points
    points = np.column_stack([points, np.full(60, 7.0)])
    state = fit(GaussianMixture(2, covariance), points, rng=0)
    assert np.isfinite(state.loss)
    np.testing.assert_allclose(state.parameters.means[:, 2], 7, rtol=1e-9)
    assert (notices.COLLAPSING_COMPONENT in notice_names(state)) == (covariance != "spherical")


@pytest.mark.parametrize("covariance", KINDS)
def test_the_value_of_a_constant_column_does_not_affect_the_fit(covariance):
    points = three_gaussians(60, np.random.default_rng(0)).points
    process = GaussianMixture(3, covariance, init="random")
    tables = [np.column_stack([points, np.full(60, value)]) for value in (0.0, 1.7e18, 1e25)]
    runs = [list(iterate(process, table, rng=0, max_iter=30)) for table in tables]
    for run in runs[1:]:
        assert [state.loss for state in run] == [state.loss for state in runs[0]]
        np.testing.assert_array_equal(run[-1].parameters.covariances, runs[0][-1].parameters.covariances)


def test_float32_points_give_the_same_run_as_their_float64_values():
    points = three_gaussians(100, np.random.default_rng(0)).points.astype(np.float32)
    one, other = (fit(GaussianMixture(3), form, rng=1) for form in (points, points.astype(float)))
    assert one.parameters.means.dtype == np.float64
    assert one.loss == other.loss


# special cases and notices


@pytest.mark.parametrize("floor", [1e-6, 1e-3])
@pytest.mark.parametrize("covariance", KINDS)
def test_variances_stay_above_the_floor_and_the_loss_never_rises(covariance, floor):
    points = np.vstack([np.random.default_rng(0).normal(size=(60, 2)), np.outer(np.linspace(3, 4, 9), [1, 1])])
    process = GaussianMixture(3, covariance, floor=floor)
    history = History.record(process, points, start=spherical_mixture(points[[0, 1, 65]]), max_iter=60)
    unit = points.std(axis=0) if covariance != "spherical" else np.full(2, points.std(axis=0).max())
    for parameters in history.parameters:
        assert np.linalg.eigvalsh(parameters.covariances / np.outer(unit, unit)).min() >= floor * (1 - 1e-6)
    assert (np.diff(history.losses) <= 1e-9).all()
    assert notices.LOSS_ROSE not in all_notice_names(history)


@pytest.mark.parametrize("floor", [0, 1e-10, 1e-6])
@pytest.mark.parametrize("angle", np.linspace(0.1, 3.0, 8))
def test_a_component_on_a_line_gives_only_the_notice_of_its_collapse(angle, floor):
    rng = np.random.default_rng(0)
    line = np.outer(rng.normal(size=20), [np.cos(angle), np.sin(angle)]) + 8
    points = np.vstack([rng.normal(size=(40, 2)), line])
    history = History.record(GaussianMixture(2, floor=floor), points, start=spherical_mixture([[0, 0], [8, 8]]))
    assert notice_names(history.last) == {notices.COLLAPSING_COMPONENT}
    assert history.last.notices[0].clusters == (1,)
    assert notices.LOSS_ROSE not in all_notice_names(history)


def test_collapse_of_a_tied_covariance_has_its_own_notice():
    points = np.outer(np.arange(12.0), [1, 2])
    state = fit(GaussianMixture(2, "tied"), points, rng=0)
    found = [notice for notice in state.notices if notice.name == notices.COLLAPSING_COMPONENT]
    assert len(found) == 1
    assert found[0].clusters == ()
    assert found[0].sentence.startswith("The shared covariance collapsed to the variance floor")


def test_an_empty_component_keeps_its_mean_and_covariance():
    points = np.random.default_rng(0).normal(size=(50, 2)) + [0.1, 1e3 / 3]
    start = spherical_mixture([points[0], [77.7, -1e5 / 7], points[1]])
    states = list(iterate(GaussianMixture(3), points, start=start, tol=0, max_iter=40))
    for state in states[1:]:
        assert state.parameters.weights[1] * 50 < 1e-8
        np.testing.assert_allclose(state.parameters.means[1], start.means[1], rtol=1e-13)
        np.testing.assert_allclose(state.parameters.covariances[1], np.eye(2), atol=1e-12)
        found = [notice for notice in state.notices if notice.name == notices.EMPTY_CLUSTER]
        assert [notice.clusters for notice in found] == [(1,)]
        assert found[0].sentence.startswith("Component 2 lost all points (weight 0) and can no longer change.")


def test_only_a_regularization_that_raises_the_loss_gives_a_notice():
    points = three_gaussians(100, np.random.default_rng(0)).points
    best = fit(GaussianMixture(3), points, rng=0).parameters
    rising = History.record(GaussianMixture(3, regularization=5.0), points, start=best, max_iter=5)
    assert rising.losses[1] > rising.losses[0]
    found = [notice for notice in rising.notices[1] if notice.name == notices.LOSS_ROSE]
    assert found[0].sentence.startswith(f"The loss rose by {rising.losses[1] - rising.losses[0]:.3g} in iteration 1")
    falling = History.record(GaussianMixture(3), points, start=best, max_iter=5)
    assert notices.LOSS_ROSE not in all_notice_names(falling)


def test_regularization_is_added_to_the_variances_in_original_units():
    points = np.random.default_rng(0).normal(size=(80, 2)) * [1, 100]
    plain, wide = (fit(GaussianMixture(1, regularization=value), points, rng=0).parameters for value in (0.0, 3.0))
    np.testing.assert_allclose(wide.covariances - plain.covariances, [3 * np.eye(2)], atol=1e-9)


@pytest.mark.parametrize("covariance", KINDS)
def test_a_regular_run_gives_no_notices(covariance):
    points = three_gaussians(200, np.random.default_rng(0)).points
    history = History.record(GaussianMixture(3, covariance), points, rng=0)
    assert history.converged
    assert all_notice_names(history) == set()


@examples(60)
@given(seed=st.integers(0, 400), k=st.integers(1, 5), covariance=st.sampled_from(list(KINDS)))
def test_a_run_can_be_continued_from_its_last_state(seed, k, covariance):
    rng = np.random.default_rng(seed)
    points = rng.integers(-3, 4, size=(15, 3)).astype(float)  # many components collapse
    process = GaussianMixture(k, covariance)
    state = fit(process, points, rng=seed, max_iter=30)
    again = next(iterate(process, points, start=state.parameters))
    assert again.loss == pytest.approx(state.loss, rel=1e-9)
    np.testing.assert_array_equal(again.labels, state.labels)


def test_a_start_that_is_symmetric_up_to_rounding_is_accepted():
    # as returned by an M step: small entries differ only by rounding
    covariance = np.array([[1.0, 1e-17, -0.5], [1.1e-17, 1e-3, 0.0], [-0.5, 0.0, 1.0]])
    points = np.random.default_rng(0).normal(size=(20, 3))
    start = Gaussians(np.ones(1), np.zeros((1, 3)), covariance[None])
    assert np.isfinite(next(iterate(GaussianMixture(1), points, start=start)).loss)


# invalid arguments


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (spherical_mixture([[0, 0]]), r"start must be 2 Gaussians in 2 dimensions, got means of shape \(1, 2\)"),
        (spherical_mixture([[0], [1]]), r"start must be 2 Gaussians in 2 dimensions, got means of shape \(2, 1\)"),
        (spherical_mixture([[0, 0], [1, 1]], weights=[0.5, 0.4]), r"weights must sum to 1, got 0.9"),
        (spherical_mixture([[0, 0], [1, 1]], width=0), r"covariance 0 must be positive definite"),
        (np.zeros((3, 2)), r"start must be means of shape \(2, 2\) or Gaussians, got an array of shape \(3, 2\)"),
        ([[0, 0], [1, np.nan]], r"row 1, column 1 is nan"),
        (([0.0, 0.0], [1.0, 1.0]), r"start must be"),  # a tuple of rows is neither
    ],
)
@pytest.mark.parametrize("argument", ["start", "init"])
def test_a_start_that_does_not_match_the_points_is_rejected(start, message, argument):
    points = np.arange(10.0).reshape(5, 2) ** 2
    process, options = (GaussianMixture(2), {"start": start}) if argument == "start" else (GaussianMixture(2, init=start), {})
    with pytest.raises(ValueError, match=message):
        fit(process, points, **options)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"covariance": "diag"}, r"covariance must be one of full, tied, diagonal, spherical, got 'diag'"),
        ({"floor": 1.0}, r"floor must lie in 0..1, got 1.0"),
        ({"floor": np.nan}, r"floor must lie in 0..1, got nan"),
        ({"regularization": -1e-9}, r"regularization must be at least 0, got -1e-09"),
        ({"regularization": np.inf}, r"regularization must be at least 0, got inf"),
    ],
)
def test_invalid_settings_are_rejected_by_the_constructor(settings, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(2, **settings)


@pytest.mark.parametrize("tiny", [1e-200, 1e-320])
def test_a_column_with_underflowing_variance_counts_as_constant(tiny):
    rng = np.random.default_rng(0)
    points = np.column_stack([tiny * np.arange(60.0), np.repeat([0.0, 9.0, 30.0], 20) + rng.standard_normal(60)])
    state = fit(GaussianMixture(3), points, rng=0)
    assert np.isfinite(state.loss)
    assert np.isfinite(state.parameters.covariances).all()
    assert sorted(np.bincount(state.labels)) == [20, 20, 20]


@pytest.mark.parametrize("covariance", KINDS)
def test_cluster_labels_can_initialize_the_mixture(covariance):
    points = three_gaussians(100, np.random.default_rng(0)).points
    labels = np.digitize(points[:, 0], [-2.5, 2.5])
    start = next(iterate(GaussianMixture(3, covariance, init=labels), points)).parameters
    groups = [points[labels == k] for k in range(3)]
    np.testing.assert_allclose(start.weights, [len(group) / 100 for group in groups])
    np.testing.assert_allclose(start.means, [group.mean(axis=0) for group in groups])
    if covariance == "full":
        np.testing.assert_allclose(start.covariances, [np.cov(group.T, bias=True) for group in groups])
    reversed_ = next(iterate(GaussianMixture(3, covariance, init=2 - labels), points)).parameters
    np.testing.assert_allclose(reversed_.means, start.means[::-1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(9, dtype=int), r"labels must be 10 integers, one per point, got int64 of shape \(9,\)"),
        (np.zeros(10), r"labels must be 10 integers, one per point, got float64 of shape \(10,\)"),
        (np.full(10, 2), r"labels must lie in 0..k-1=1, got 2..2"),
        (np.arange(10) - 9, r"labels must lie in 0..k-1=1, got -9..0"),
    ],
)
def test_invalid_initial_labels_are_rejected(labels, message):
    points = np.random.default_rng(0).normal(size=(10, 2))
    with pytest.raises(ValueError, match=message):
        iterate(GaussianMixture(2, init=labels), points)


@pytest.mark.parametrize(("d", "n"), [(2, 3000), (60, 300)])
def test_features_that_are_not_stored_are_computed_in_chunks(monkeypatch, d, n):
    limit, largest = 2**13, []
    monkeypatch.setattr("clustering.mixture.FEATURES_LIMIT", 0)
    monkeypatch.setattr("clustering.mixture_steps.FEATURES_PER_CHUNK", limit)

    def recorded(covariance, columns):
        largest.append(feature_count(covariance, len(columns)) * columns.shape[1])
        return features_of(covariance, columns)

    monkeypatch.setattr("clustering.mixture_steps.features_of", recorded)
    points = np.random.default_rng(0).standard_normal((n, d))
    fit(GaussianMixture(2, "full", floor=0.1), points, rng=0, max_iter=2)
    assert largest
    assert max(largest) <= max(limit, 64 * feature_count("full", d))


@pytest.mark.parametrize(
    ("floor", "message"),
    [(1e-6, "collapsed to the variance floor;"), (0.0, "collapsed to a variance at the limit of double precision.")],
)
def test_the_notice_of_a_collapse_names_the_bound(floor, message):
    points = np.vstack([np.random.default_rng(0).normal(size=(50, 2)), np.full((5, 2), 9.0)])
    last = fit(GaussianMixture(2, floor=floor, init=np.array([[0.0, 0.0], [9.0, 9.0]])), points)
    found = [notice.sentence for notice in last.notices if notice.name == notices.COLLAPSING_COMPONENT]
    assert len(found) == 1
    assert message in found[0]
