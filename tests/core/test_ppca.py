"""Probabilistic PCA with missing values: by hand, by properties of EM, and against closed forms and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

from clustering.notices import ITERATION_LIMIT, LOSS_ROSE
from clustering.ppca import MIN_NOISE, NO_NOISE, Loadings, ProbabilisticPCA, impute
from clustering.process import best_of, fit, iterate
from clustering.projection import principal_components
from tests.core.tables import examples

MISSING = np.nan


def with_missing(rng, points, share):
    """A copy with about this share of missing values, and an observed value in each row and column."""
    missing = rng.random(points.shape) < share
    n, d = points.shape
    missing[np.arange(n), rng.integers(d, size=n)] = False
    missing[rng.integers(n, size=d), np.arange(d)] = False
    return np.where(missing, np.nan, points)


def sample(rng, n, d, q, noise=0.5, share=0.3):
    return with_missing(rng, rng.normal(size=(n, q)) @ rng.normal(size=(q, d)) + noise * rng.normal(size=(n, d)), share)


@st.composite
def tables(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(2, 20)), draw(st.integers(2, 6))
    q = draw(st.integers(1, d - 1))
    kind = draw(st.sampled_from(["noisy", "low rank", "integers", "unequal scales"]))
    points = rng.normal(size=(n, 1)) @ rng.normal(size=(1, d))
    if kind != "low rank":
        points += rng.normal(size=(n, d))
    if kind == "integers":
        points = np.round(points)
    if kind == "unequal scales":
        points *= 10.0 ** rng.uniform(-4, 4, size=d)
    return with_missing(rng, points, draw(st.sampled_from([0.0, 0.2, 0.5, 0.8]))), q


def closed_form_loss(points, parameters):
    """Mean over rows of the negative Gaussian log density of the observed entries."""
    loadings, mean, noise = parameters
    covariance = loadings @ loadings.T + noise * np.eye(len(mean))
    total = 0.0
    for o in np.unique(~np.isnan(points), axis=0):
        rows = points[(~np.isnan(points) == o).all(axis=1)][:, o]
        total -= multivariate_normal(mean[o], covariance[np.ix_(o, o)]).logpdf(rows).sum()
    return total / len(points)


def covariance_of(parameters):
    return parameters.loadings @ parameters.loadings.T + parameters.noise_variance * np.eye(len(parameters.mean))


def test_two_complete_columns_by_hand():
    # variances (divisor n) 4 along x and 1 along y: the smaller one is the noise, the difference is the loading
    points = np.array([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]]) + [5, 7]
    state = fit(ProbabilisticPCA(1), points)
    np.testing.assert_allclose(np.abs(state.parameters.loadings), [[3**0.5], [0]], atol=1e-12)
    np.testing.assert_allclose(state.parameters.mean, [5, 7], atol=1e-12)
    assert state.parameters.noise_variance == pytest.approx(1)
    assert state.loss == pytest.approx(np.log(2 * np.pi) + np.log(2) + 1)
    # z given x: W x / (W^2 + s2)
    np.testing.assert_allclose(np.abs(state.assignment.means), np.full((4, 1), 3**0.5 * 2 / 4))
    np.testing.assert_allclose(state.assignment.covariances, [[[1 / 4]]])


def test_values_of_points_on_a_line_are_imputed_from_the_line():
    points = np.column_stack([np.arange(9.0), 2 * np.arange(9.0), 3 - np.arange(9.0)])
    table = points.copy()
    table[2, 1] = table[7, 2] = table[4, 0] = MISSING
    imputed = impute(table, 1, tol=1e-12, max_iter=400)
    np.testing.assert_allclose(imputed.points, points, atol=1e-3)
    assert NO_NOISE in [notice.name for notice in imputed.last.notices]
    assert imputed.deviations.max() < 1e-3


@pytest.mark.parametrize(("n", "d", "q"), [(300, 6, 2), (40, 5, 4), (300, 2, 1), (8, 20, 3)])
def test_complete_tables_give_principal_component_analysis(n, d, q):
    points = np.random.default_rng(0).normal(size=(n, d)) @ np.random.default_rng(1).normal(size=(d, d)) + 3
    *_, state = states = list(iterate(ProbabilisticPCA(q), points))
    assert len(states) == 2
    assert state.converged
    loadings, mean, noise = state.parameters
    peer = PCA(q, svd_solver="full").fit(points)
    np.testing.assert_allclose(mean, peer.mean_, atol=1e-10)
    # scikit-learn divides by n - 1, maximum likelihood by n; both average the variance outside the subspace over d - q
    # columns, but with fewer rows than columns, scikit-learn averages over min(n, d) - q
    divisor = (n - 1) / n
    count = (min(n, d) - q) / (d - q)
    assert noise == pytest.approx(peer.noise_variance_ * divisor * count)
    lengths = np.linalg.svd(loadings, compute_uv=False)
    np.testing.assert_allclose(lengths**2 + noise, peer.explained_variance_ * divisor, rtol=1e-8)
    np.testing.assert_allclose(np.linalg.svd(peer.components_ @ loadings, compute_uv=False), lengths, rtol=1e-8)
    components = principal_components(points)
    np.testing.assert_allclose(np.linalg.svd(components.axes[:q] @ loadings, compute_uv=False), lengths, rtol=1e-8)


def test_loss_of_a_complete_table_matches_scikit_learn_up_to_the_divisor():
    points = np.random.default_rng(0).normal(size=(200, 5)) * [5, 4, 1, 1, 1]
    peer, state = PCA(2).fit(points), fit(ProbabilisticPCA(2), points)
    unbiased = np.sqrt(200 / 199)
    loadings, mean, noise = state.parameters
    start = Loadings(loadings * unbiased, mean, noise * unbiased**2)
    assert next(iterate(ProbabilisticPCA(2), points, start=start)).loss == pytest.approx(-peer.score(points), rel=1e-12)
    assert state.loss < -peer.score(points)


@examples(100)
@given(table=tables())
def test_neither_the_e_step_nor_the_m_step_increases_the_loss(table):
    points, q = table
    process = ProbabilisticPCA(q)
    prepared = process.prepare(points)
    before = None
    for state in iterate(process, prepared, max_iter=40, tol=0):
        assert np.isfinite(state.loss)
        assert LOSS_ROSE not in [notice.name for notice in state.notices]
        if before is not None:
            between = process.m_step_loss(prepared, before.assignment, before.parameters, state.parameters)
            rounding = process.rounding_error(prepared, state.assignment, before.loss)
            assert rounding < 1e-3
            assert between <= before.loss + rounding
            assert state.loss <= between + rounding
        before = state


@examples(60)
@given(table=tables())
def test_the_bound_equals_the_loss_at_the_old_parameters(table):
    points, q = table
    process = ProbabilisticPCA(q)
    prepared = process.prepare(points)
    state = fit(process, prepared, max_iter=3)
    bound = process.m_step_loss(prepared, state.assignment, state.parameters, state.parameters)
    assert bound == pytest.approx(state.loss, abs=2 * process.rounding_error(prepared, state.assignment, state.loss))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_loss_is_the_gaussian_density_of_the_observed_entries(share):
    points = sample(np.random.default_rng(0), 60, 5, 2, share=share) * 7 + 100
    for state in iterate(ProbabilisticPCA(2), points, max_iter=4):
        assert state.loss == pytest.approx(closed_form_loss(points, state.parameters), rel=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_small_changes_of_converged_parameters_increase_the_loss(seed):
    rng = np.random.default_rng(seed)
    points = sample(rng, 60, 4, 1)
    loadings, mean, noise = fit(ProbabilisticPCA(1), points, tol=1e-13, max_iter=5000).parameters
    best = closed_form_loss(points, (loadings, mean, noise))
    for _ in range(20):
        moved = (
            loadings + 0.01 * rng.normal(size=loadings.shape),
            mean + 0.01 * rng.normal(size=4),
            noise * np.exp(0.01 * rng.normal()),
        )
        assert closed_form_loss(points, moved) > best


def test_imputed_values_and_deviations_are_conditional_moments():
    points = sample(np.random.default_rng(0), 50, 5, 2) + 10
    filled, deviations, state = impute(points, 2)
    covariance, mean = covariance_of(state.parameters), state.parameters.mean
    for row, full, deviation in zip(points, filled, deviations, strict=True):
        o = ~np.isnan(row)
        gain = np.linalg.solve(covariance[np.ix_(o, o)], covariance[np.ix_(o, ~o)]).T
        conditional = covariance[np.ix_(~o, ~o)] - gain @ covariance[np.ix_(o, ~o)]
        np.testing.assert_allclose(full[~o], mean[~o] + gain @ (row[o] - mean[o]), rtol=1e-10)
        np.testing.assert_allclose(deviation[~o], np.sqrt(np.diag(conditional)), rtol=1e-10)


def test_observed_values_are_unchanged_bit_for_bit_with_deviation_zero():
    points = sample(np.random.default_rng(0), 50, 4, 1) * 1e-3 + 0.1
    points[0, 0] = -0.0
    observed = ~np.isnan(points)
    copy = points.copy()
    filled, deviations, _ = impute(points, 1, max_iter=30)
    np.testing.assert_array_equal(filled[observed].view(np.int64), copy[observed].view(np.int64))
    np.testing.assert_array_equal(points.view(np.int64), copy.view(np.int64))
    assert not deviations[observed].any()
    assert (deviations[~observed] > 0).all()
    assert np.isfinite(filled).all()


def test_rows_without_values_do_not_affect_the_fit_and_get_the_mean():
    points = with_missing(np.random.default_rng(3), sample(np.random.default_rng(2), 40, 4, 2), 0.2)
    without = impute(points, 2, tol=1e-12)
    imputed = impute(np.vstack([points, np.full(4, np.nan)]), 2, tol=1e-12)
    np.testing.assert_allclose(imputed.points[:-1], without.points, atol=1e-6)
    loadings, mean, noise = imputed.last.parameters
    np.testing.assert_allclose(imputed.points[-1], mean, atol=1e-12)
    np.testing.assert_allclose(imputed.deviations[-1], np.sqrt((loadings**2).sum(axis=1) + noise), atol=1e-12)


def test_deviations_of_imputed_values_have_the_nominal_coverage():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2500, 2)) @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(2500, 6))
    points = with_missing(rng, truth, 0.3)
    filled, deviations, state = impute(points, 2)
    missing = np.isnan(points)
    errors = (filled - truth)[missing] / deviations[missing]
    assert np.mean(np.abs(errors) < 1) == pytest.approx(0.6827, abs=0.02)
    assert state.parameters.noise_variance == pytest.approx(0.09, rel=0.05)


@examples(25)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_and_columns_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    points = sample(rng, 25, 4, 2)
    rows, columns = rng.permutation(25), rng.permutation(4)
    plain, permuted = impute(points, 2, max_iter=30), impute(points[rows][:, columns], 2, max_iter=30)
    assert permuted.last.loss == pytest.approx(plain.last.loss, rel=1e-9)
    np.testing.assert_allclose(permuted.points, plain.points[rows][:, columns], atol=1e-6)
    np.testing.assert_allclose(permuted.deviations, plain.deviations[rows][:, columns], atol=1e-6)


@pytest.mark.parametrize("scale", [1e-120, 1e-12, 1e12, 1e120])
def test_imputed_values_scale_with_the_points(scale):
    points = sample(np.random.default_rng(0), 60, 4, 1)
    plain, scaled = impute(points, 1), impute(points * scale, 1)
    np.testing.assert_allclose(scaled.points / scale, plain.points, atol=1e-9)
    np.testing.assert_allclose(scaled.deviations / scale, plain.deviations, atol=1e-9)
    entries = np.count_nonzero(~np.isnan(points)) / len(points)
    assert scaled.last.loss == pytest.approx(plain.last.loss + entries * np.log(scale), rel=1e-9)


def test_large_offsets_do_not_matter():
    points = np.round(sample(np.random.default_rng(0), 60, 4, 1) * 2**20) / 2**20
    offset = np.array([1e8, -3e8, 0, 2**26])
    plain, moved = impute(points, 1), impute(points + offset, 1)
    np.testing.assert_allclose(moved.points - offset, plain.points, atol=1e-6)
    np.testing.assert_allclose(moved.deviations, plain.deviations, atol=1e-6)
    assert moved.last.loss == pytest.approx(plain.last.loss, abs=1e-6)


@pytest.mark.parametrize("value", [1e6, 1e15, 1e25])
def test_the_value_of_a_constant_column_does_not_affect_the_fit(value):
    points = sample(np.random.default_rng(0), 40, 3, 1) * 1e-9
    one, other = (impute(np.column_stack([points, np.full(40, constant)]), 1, max_iter=50) for constant in (0.0, value))
    np.testing.assert_array_equal(other.points[:, :3], one.points[:, :3])
    np.testing.assert_array_equal(other.points[:, 3], value)
    assert other.last.loss == one.last.loss


def test_an_exact_fit_keeps_the_noise_variance_at_its_floor():
    rng = np.random.default_rng(0)
    points = with_missing(rng, rng.normal(size=(40, 2)) @ rng.normal(size=(2, 5)), 0.2)
    prepared = ProbabilisticPCA(3).prepare(points)
    state = fit(ProbabilisticPCA(3), prepared, max_iter=500)
    assert state.parameters.noise_variance == pytest.approx(MIN_NOISE * prepared.scale**2)
    assert [notice.name for notice in state.notices if notice.name != ITERATION_LIMIT] == [NO_NOISE]


def test_constant_columns_are_imputed_by_their_value():
    points = np.array([[3.0, MISSING], [3.0, 5.0], [MISSING, 5.0]])
    np.testing.assert_allclose(impute(points, 1).points, [[3, 5]] * 3)


def test_a_start_below_the_noise_floor_is_raised_to_it():
    points = sample(np.random.default_rng(0), 30, 3, 1)
    start = Loadings(np.ones((3, 1)), np.zeros(3), 0.0)
    first, second = list(iterate(ProbabilisticPCA(1), points, start=start, max_iter=1))
    assert first.parameters.noise_variance > 0
    assert second.loss < first.loss


def test_the_fit_is_deterministic():
    points = sample(np.random.default_rng(0), 30, 3, 1)
    assert best_of(2, ProbabilisticPCA(1), points, rng=1).loss == fit(ProbabilisticPCA(1), points, rng=2).loss
    assert ProbabilisticPCA(2).k is None


def test_many_missing_value_patterns_match_row_by_row_computation():
    points = sample(np.random.default_rng(0), 300, 14, 3, share=0.5)
    process = ProbabilisticPCA(3)
    prepared = process.prepare(points)
    assert len(prepared.counts) > 290
    state = fit(process, prepared, max_iter=5)
    loadings, mean, noise = state.parameters
    for row, z, pattern in zip(points, state.assignment.means, prepared.pattern, strict=True):
        o = ~np.isnan(row)
        inverse = np.linalg.inv(loadings[o].T @ loadings[o] + noise * np.eye(3))
        np.testing.assert_allclose(z, inverse @ loadings[o].T @ (row[o] - mean[o]), atol=1e-10)
        np.testing.assert_allclose(state.assignment.covariances[pattern], noise * inverse, atol=1e-12)


@pytest.mark.parametrize(
    ("points", "components", "message"),
    [
        ([[1.0], [2.0]], 1, "needs at least two columns, got 1"),
        (np.eye(3), 0, r"integer in 1\.\.d-1=2, got 0"),
        (np.eye(3), 3, r"integer in 1\.\.d-1=2, got 3"),
        (np.eye(3), 1.0, "integer"),
        ([[1.0, MISSING, MISSING], [2.0, MISSING, MISSING]], 1, "column 1 has none: remove it"),
        ([[1.0, np.inf], [1.0, 2.0]], 1, "finite, but row 0, column 1 is inf"),
        ([["a", "b"]], 1, "points must be numbers"),
        ([1.0, 2.0], 1, "two dimensions"),
    ],
)
def test_invalid_tables_are_rejected(points, components, message):
    with pytest.raises(ValueError, match=message):
        impute(points, components)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (np.ones((5, 1)), "start must be `Loadings`"),
        (Loadings(np.ones((3, 2)), np.zeros(3), 1.0), r"loadings of shape \(3, 1\)"),
        (Loadings(np.ones((3, 1)), np.zeros(2), 1.0), r"mean \(3,\)"),
        (Loadings(np.ones((3, 1)), np.zeros(3), -1.0), "noise variance of at least 0"),
        (Loadings(np.ones((3, 1)), np.array([0, 0, MISSING]), 1.0), "must be finite"),
    ],
)
def test_invalid_starts_are_rejected(start, message):
    with pytest.raises(ValueError, match=message):
        iterate(ProbabilisticPCA(1), np.eye(3), start=start)


def test_impute_reports_every_state_and_returns_the_last():
    seen = []
    imputed = impute([[1.0, 2.0], [2.0, 4.1], [3.0, np.nan], [4.0, 7.8]], 1, max_iter=3, tol=0, on_step=seen.append)
    assert [state.iteration for state in seen] == [0, 1, 2, 3]
    assert imputed.last is seen[-1]
