"""Probabilistic PCA with gaps: by hand, by the laws of EM, and against closed forms and scikit-learn."""

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

GAP = np.nan


def with_gaps(rng, points, share):
    """A copy with about this share of gaps, and an observed entry in each row and column."""
    gaps = rng.random(points.shape) < share
    n, d = points.shape
    gaps[np.arange(n), rng.integers(d, size=n)] = False
    gaps[rng.integers(n, size=d), np.arange(d)] = False
    return np.where(gaps, GAP, points)


def sample(rng, n, d, q, noise=0.5, share=0.3):
    return with_gaps(rng, rng.normal(size=(n, q)) @ rng.normal(size=(q, d)) + noise * rng.normal(size=(n, d)), share)


@st.composite
def tables(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(2, 20)), draw(st.integers(2, 6))
    q = draw(st.integers(1, d - 1))
    kind = draw(st.sampled_from(["noisy", "low rank", "whole numbers", "unlike columns"]))
    points = rng.normal(size=(n, 1)) @ rng.normal(size=(1, d))
    if kind != "low rank":
        points += rng.normal(size=(n, d))
    if kind == "whole numbers":
        points = np.round(points)
    if kind == "unlike columns":
        points *= 10.0 ** rng.uniform(-4, 4, size=d)
    return with_gaps(rng, points, draw(st.sampled_from([0.0, 0.2, 0.5, 0.8]))), q


def closed_form_loss(points, parameters):
    """Mean over rows of minus the normal log-density of the observed sub-vector."""
    loadings, mean, noise = parameters
    covariance = loadings @ loadings.T + noise * np.eye(len(mean))
    total = 0.0
    for row in points:
        o = ~np.isnan(row)
        total -= multivariate_normal(mean[o], covariance[np.ix_(o, o)]).logpdf(row[o])
    return total / len(points)


def covariance_of(parameters):
    return parameters.loadings @ parameters.loadings.T + parameters.noise_variance * np.eye(len(parameters.mean))


def test_two_columns_without_gaps_by_hand():
    # variances (divisor n) 4 along x and 1 along y: the second is the noise, the rest of the first is the loading
    points = np.array([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]]) + [5, 7]
    step = fit(ProbabilisticPCA(1), points)
    np.testing.assert_allclose(np.abs(step.parameters.loadings), [[3**0.5], [0]], atol=1e-12)
    np.testing.assert_allclose(step.parameters.mean, [5, 7], atol=1e-12)
    assert step.parameters.noise_variance == pytest.approx(1)
    assert step.loss == pytest.approx(np.log(2 * np.pi) + np.log(2) + 1)
    # z given x: W x / (W^2 + s2)
    np.testing.assert_allclose(np.abs(step.assignment.means), np.full((4, 1), 3**0.5 * 2 / 4))
    np.testing.assert_allclose(step.assignment.covariances, [[[1 / 4]]])


def test_a_row_on_a_line_is_completed_from_its_line():
    points = np.column_stack([np.arange(9.0), 2 * np.arange(9.0), 3 - np.arange(9.0)])
    holey = points.copy()
    holey[2, 1] = holey[7, 2] = holey[4, 0] = GAP
    imputed = impute(holey, 1, tol=1e-12)
    np.testing.assert_allclose(imputed.points, points, atol=1e-3)
    assert NO_NOISE in [notice.name for notice in imputed.last.notices]
    assert imputed.deviations.max() < 1e-3


@pytest.mark.parametrize(("n", "d", "q"), [(300, 6, 2), (40, 5, 4), (300, 2, 1), (8, 20, 3)])
def test_without_gaps_it_is_principal_component_analysis(n, d, q):
    points = np.random.default_rng(0).normal(size=(n, d)) @ np.random.default_rng(1).normal(size=(d, d)) + 3
    *_, step = steps = list(iterate(ProbabilisticPCA(q), points))
    assert len(steps) == 2
    assert step.converged
    loadings, mean, noise = step.parameters
    peer = PCA(q, svd_solver="full").fit(points)
    np.testing.assert_allclose(mean, peer.mean_, atol=1e-10)
    # scikit-learn divides by n - 1, maximum likelihood by n, and of the variance off the subspace both take the mean over
    # d - q columns; with fewer rows than columns scikit-learn takes it over min(n, d) - q
    shrink = (n - 1) / n
    off = (min(n, d) - q) / (d - q)
    assert noise == pytest.approx(peer.noise_variance_ * shrink * off)
    lengths = np.linalg.svd(loadings, compute_uv=False)
    np.testing.assert_allclose(lengths**2 + noise, peer.explained_variance_ * shrink, rtol=1e-8)
    np.testing.assert_allclose(np.linalg.svd(peer.components_ @ loadings, compute_uv=False), lengths, rtol=1e-8)
    components = principal_components(points)
    np.testing.assert_allclose(np.linalg.svd(components.axes[:q] @ loadings, compute_uv=False), lengths, rtol=1e-8)


def test_without_gaps_the_loss_is_the_score_of_scikit_learn_but_for_its_divisor():
    points = np.random.default_rng(0).normal(size=(200, 5)) * [5, 4, 1, 1, 1]
    peer, step = PCA(2).fit(points), fit(ProbabilisticPCA(2), points)
    unbiased = np.sqrt(200 / 199)
    loadings, mean, noise = step.parameters
    start = Loadings(loadings * unbiased, mean, noise * unbiased**2)
    assert next(iterate(ProbabilisticPCA(2), points, start=start)).loss == pytest.approx(-peer.score(points), rel=1e-12)
    assert step.loss < -peer.score(points)


@examples(100)
@given(table=tables())
def test_neither_half_of_a_step_lets_the_loss_rise(table):
    points, q = table
    method = ProbabilisticPCA(q)
    prepared = method.prepare(points)
    before = None
    for step in iterate(method, prepared, max_iter=40, tol=0):
        assert np.isfinite(step.loss)
        assert LOSS_ROSE not in [notice.name for notice in step.notices]
        if before is not None:
            between = method.half_step_loss(prepared, before.assignment, before.parameters, step.parameters)
            rounding = method.rounding_error(prepared, step.assignment, before.loss)
            assert rounding < 1e-3
            assert between <= before.loss + rounding
            assert step.loss <= between + rounding
        before = step


@examples(60)
@given(table=tables())
def test_the_bound_touches_the_loss_at_the_old_parameters(table):
    points, q = table
    method = ProbabilisticPCA(q)
    prepared = method.prepare(points)
    step = fit(method, prepared, max_iter=3)
    bound = method.half_step_loss(prepared, step.assignment, step.parameters, step.parameters)
    assert bound == pytest.approx(step.loss, abs=2 * method.rounding_error(prepared, step.assignment, step.loss))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_the_loss_is_that_of_the_normal_density_of_the_observed_entries(share):
    points = sample(np.random.default_rng(0), 60, 5, 2, share=share) * 7 + 100
    for step in iterate(ProbabilisticPCA(2), points, max_iter=4):
        assert step.loss == pytest.approx(closed_form_loss(points, step.parameters), rel=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_no_small_change_of_the_parameters_improves_a_converged_fit(seed):
    rng = np.random.default_rng(seed)
    points = sample(rng, 80, 4, 1)
    loadings, mean, noise = fit(ProbabilisticPCA(1), points, tol=1e-13, max_iter=5000).parameters
    best = closed_form_loss(points, (loadings, mean, noise))
    for _ in range(20):
        moved = (
            loadings + 0.01 * rng.normal(size=loadings.shape),
            mean + 0.01 * rng.normal(size=4),
            noise * np.exp(0.01 * rng.normal()),
        )
        assert closed_form_loss(points, moved) > best


def test_fillings_and_deviations_are_those_of_the_conditional_normal():
    points = sample(np.random.default_rng(0), 50, 5, 2) + 10
    filled, deviations, step = impute(points, 2)
    covariance, mean = covariance_of(step.parameters), step.parameters.mean
    for row, full, deviation in zip(points, filled, deviations, strict=True):
        o = ~np.isnan(row)
        gain = np.linalg.solve(covariance[np.ix_(o, o)], covariance[np.ix_(o, ~o)]).T
        conditional = covariance[np.ix_(~o, ~o)] - gain @ covariance[np.ix_(o, ~o)]
        np.testing.assert_allclose(full[~o], mean[~o] + gain @ (row[o] - mean[o]), rtol=1e-10)
        np.testing.assert_allclose(deviation[~o], np.sqrt(np.diag(conditional)), rtol=1e-10)


def test_observed_entries_stay_bit_for_bit_and_have_no_deviation():
    points = sample(np.random.default_rng(0), 50, 4, 1) * 1e-3 + 0.1
    points[0, 0] = -0.0
    observed = ~np.isnan(points)
    kept = points.copy()
    filled, deviations, _ = impute(points, 1)
    np.testing.assert_array_equal(filled[observed].view(np.int64), kept[observed].view(np.int64))
    np.testing.assert_array_equal(points.view(np.int64), kept.view(np.int64))
    assert not deviations[observed].any()
    assert (deviations[~observed] > 0).all()
    assert np.isfinite(filled).all()


def test_a_row_of_gaps_only_has_no_say_and_gets_the_mean_with_the_deviations_of_all():
    points = with_gaps(np.random.default_rng(3), sample(np.random.default_rng(2), 40, 4, 2), 0.2)
    without = impute(points, 2, tol=1e-12)
    step = impute(np.vstack([points, np.full(4, GAP)]), 2, tol=1e-12)
    np.testing.assert_allclose(step.points[:-1], without.points, atol=1e-6)
    loadings, mean, noise = step.last.parameters
    np.testing.assert_allclose(step.points[-1], mean, atol=1e-12)
    np.testing.assert_allclose(step.deviations[-1], np.sqrt((loadings**2).sum(axis=1) + noise), atol=1e-12)


def test_about_as_many_hidden_entries_lie_within_the_deviations_as_should():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(4000, 2)) @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(4000, 6))
    points = with_gaps(rng, truth, 0.3)
    filled, deviations, step = impute(points, 2)
    hidden = np.isnan(points)
    errors = (filled - truth)[hidden] / deviations[hidden]
    assert np.mean(np.abs(errors) < 1) == pytest.approx(0.6827, abs=0.02)
    assert step.parameters.noise_variance == pytest.approx(0.09, rel=0.05)


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
def test_scaled_points_have_scaled_fillings(scale):
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
def test_a_column_that_never_changes_says_nothing_by_its_value(value):
    points = sample(np.random.default_rng(0), 40, 3, 1) * 1e-9
    zero, beside = (impute(np.column_stack([points, np.full(40, constant)]), 1) for constant in (0.0, value))
    np.testing.assert_array_equal(beside.points[:, :3], zero.points[:, :3])
    np.testing.assert_array_equal(beside.points[:, 3], value)
    assert beside.last.loss == zero.last.loss


def test_entries_that_fit_exactly_hold_the_noise_at_its_floor():
    rng = np.random.default_rng(0)
    points = with_gaps(rng, rng.normal(size=(40, 2)) @ rng.normal(size=(2, 5)), 0.2)
    prepared = ProbabilisticPCA(3).prepare(points)
    step = fit(ProbabilisticPCA(3), prepared, max_iter=500)
    assert step.parameters.noise_variance == pytest.approx(MIN_NOISE * prepared.scale**2)
    assert [notice.name for notice in step.notices if notice.name != ITERATION_LIMIT] == [NO_NOISE]


def test_a_table_that_does_not_vary_is_filled_with_its_values():
    points = np.array([[3.0, GAP], [3.0, 5.0], [GAP, 5.0]])
    np.testing.assert_allclose(impute(points, 1).points, [[3, 5]] * 3)


def test_a_start_below_the_noise_floor_is_raised_to_it():
    points = sample(np.random.default_rng(0), 30, 3, 1)
    start = Loadings(np.ones((3, 1)), np.zeros(3), 0.0)
    first, second = list(iterate(ProbabilisticPCA(1), points, start=start, max_iter=1))
    assert first.parameters.noise_variance > 0
    assert second.loss < first.loss


def test_several_starts_are_one_and_nothing_is_random():
    points = sample(np.random.default_rng(0), 30, 3, 1)
    assert best_of(2, ProbabilisticPCA(1), points, rng=1).loss == fit(ProbabilisticPCA(1), points, rng=2).loss
    assert ProbabilisticPCA(2).k == 2


def test_a_different_pattern_in_nearly_every_row_gives_what_row_by_row_arithmetic_gives():
    points = sample(np.random.default_rng(0), 300, 14, 3, share=0.5)
    method = ProbabilisticPCA(3)
    prepared = method.prepare(points)
    assert len(prepared.counts) > 290
    step = fit(method, prepared, max_iter=5)
    loadings, mean, noise = step.parameters
    for row, z, pattern in zip(points, step.assignment.means, prepared.pattern, strict=True):
        o = ~np.isnan(row)
        inverse = np.linalg.inv(loadings[o].T @ loadings[o] + noise * np.eye(3))
        np.testing.assert_allclose(z, inverse @ loadings[o].T @ (row[o] - mean[o]), atol=1e-10)
        np.testing.assert_allclose(step.assignment.covariances[pattern], noise * inverse, atol=1e-12)


@pytest.mark.parametrize(
    ("points", "components", "sentence"),
    [
        ([[1.0], [2.0]], 1, "needs at least two columns, got 1"),
        (np.eye(3), 0, r"integer in 1\.\.d-1=2, got 0"),
        (np.eye(3), 3, r"integer in 1\.\.d-1=2, got 3"),
        (np.eye(3), 1.0, "integer"),
        ([[1.0, GAP, GAP], [2.0, GAP, GAP]], 1, "column 1 has none: remove it"),
        ([[1.0, np.inf], [1.0, 2.0]], 1, "finite, but row 0, column 1 is inf"),
        ([["a", "b"]], 1, "points must be numbers"),
        ([1.0, 2.0], 1, "two dimensions"),
    ],
)
def test_tables_that_cannot_be_fitted_are_refused(points, components, sentence):
    with pytest.raises(ValueError, match=sentence):
        impute(points, components)


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (np.ones((5, 1)), "start must be `Loadings`"),
        (Loadings(np.ones((3, 2)), np.zeros(3), 1.0), r"loadings of shape \(3, 1\)"),
        (Loadings(np.ones((3, 1)), np.zeros(2), 1.0), r"mean \(3,\)"),
        (Loadings(np.ones((3, 1)), np.zeros(3), -1.0), "noise variance of at least 0"),
        (Loadings(np.ones((3, 1)), np.array([0, 0, GAP]), 1.0), "must be finite"),
    ],
)
def test_starts_that_do_not_fit_are_refused(start, sentence):
    with pytest.raises(ValueError, match=sentence):
        iterate(ProbabilisticPCA(1), np.eye(3), start=start)


def test_imputing_reports_every_state_and_returns_the_last():
    seen = []
    imputed = impute([[1.0, 2.0], [2.0, 4.1], [3.0, np.nan], [4.0, 7.8]], 1, max_iter=3, tol=0, on_step=seen.append)
    assert [state.iteration for state in seen] == [0, 1, 2, 3]
    assert imputed.last is seen[-1]
