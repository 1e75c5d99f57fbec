"""What must hold for any table, beside the runs: trees, projections, gaps, soft clusters, proximities."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from clustering import (
    LINKAGES,
    ProbabilisticPCA,
    check_proximities,
    classical_scaling,
    gower_matrix,
    impute,
    iterate,
    principal_components,
    proximity_matrix,
    soft_kmeans,
    tree_of_points,
    tree_of_proximities,
)
from clustering.notices import LOSS_ROSE
from clustering.proximity import METRICS, UndefinedProximity
from tests.core.tables import dissimilarities, examples, seeds, tables

linkages = pytest.mark.parametrize("linkage", LINKAGES)
powers = st.integers(-30, 30)

# trees


def heights_of_pairs(tree):
    """(n, n) the height at which two points come together."""
    n = len(tree.order)
    heights = np.zeros((n, n))
    for merge in range(n - 2, -1, -1):
        members = tree.members(merge)
        heights[np.ix_(members, members)] = tree.heights[merge]
    heights[np.arange(n), np.arange(n)] = 0.0
    return heights


@linkages
@examples(40)
@given(points=tables(rows=2), optimal=st.booleans())
def test_heights_are_finite_and_every_cut_leaves_as_many_groups_as_asked(linkage, points, optimal):
    tree = tree_of_points(points, linkage, optimal_order=optimal)
    n = len(points)
    assert np.isfinite(tree.heights).all()
    assert tree.heights.min() >= 0
    assert np.isnan(tree.cophenetic) or abs(tree.cophenetic) <= 1
    for k in range(1, n + 1):
        sizes = np.bincount(tree.labels(k))
        assert len(sizes) == k
        assert sizes.min() >= 1
    assert tree.sizes[-1] == n
    if linkage not in ("centroid", "median"):
        assert not tree.inversions.size
        assert (np.diff(tree.heights) >= -1e-9 * tree.heights[1:]).all()


@examples(100)
@given(matrix=dissimilarities(rows=2))
def test_points_come_together_no_later_than_they_are_apart_by_single_and_no_earlier_by_complete_linkage(matrix):
    single, complete = (heights_of_pairs(tree_of_proximities(matrix, linkage)) for linkage in ("single", "complete"))
    assert (single <= matrix).all()
    assert (complete >= matrix).all()


@examples(80)
@given(matrix=dissimilarities(rows=2), seed=seeds)
def test_the_order_of_points_does_not_matter_to_single_linkage_even_among_ties(matrix, seed):
    order = np.random.default_rng(seed).permutation(len(matrix))
    tree, again = (tree_of_proximities(given, "single") for given in (matrix, matrix[np.ix_(order, order)]))
    np.testing.assert_array_equal(again.heights, tree.heights)
    np.testing.assert_array_equal(heights_of_pairs(again), heights_of_pairs(tree)[np.ix_(order, order)])


@linkages
@examples(30)
@given(points=tables(rows=2, ties=False), seed=seeds)
def test_the_order_of_points_does_not_matter_to_any_linkage_without_ties(linkage, points, seed):
    order = np.random.default_rng(seed).permutation(len(points))
    tree, again = tree_of_points(points, linkage), tree_of_points(points[order], linkage)
    rounding = 1e-6 * tree.heights.max()
    np.testing.assert_allclose(heights_of_pairs(again), heights_of_pairs(tree)[np.ix_(order, order)], atol=rounding, rtol=0)


@linkages
@examples(30)
@given(points=tables(rows=2), power=powers)
def test_a_unit_that_is_a_power_of_two_scales_the_heights_to_the_last_bit(linkage, points, power):
    tree, scaled = tree_of_points(points, linkage), tree_of_points(points * 2.0**power, linkage)
    np.testing.assert_array_equal(scaled.heights, tree.heights * 2.0**power)
    np.testing.assert_array_equal(scaled.merges, tree.merges)


# soft K-means


@st.composite
def soft_starts(draw):
    points = draw(tables())
    rows = np.random.default_rng(draw(seeds)).permutation(len(points))[: draw(st.integers(1, len(points)))]
    spread = points.std(axis=0).max()
    return points, points[rows], float(spread or np.abs(points).max() or 1.0) * 10.0 ** draw(st.floats(-3, 3))


@examples(150)
@given(start=soft_starts())
def test_the_free_energy_of_soft_k_means_never_rises_and_shares_sum_to_one(start):
    points, means, width = start
    centered = points - points.mean(axis=0)
    radius = np.abs(centered).max() + 1e-15 * np.abs(points).max()
    energies = []
    for steps in (0, 1, 2, 5, 20):
        soft = soft_kmeans(points, means, width, max_iter=steps)
        assert np.isfinite(soft.means).all()
        assert soft.responsibilities.min() >= 0
        np.testing.assert_allclose(soft.responsibilities.sum(axis=1), 1, rtol=1e-12)
        squares = np.square((points[:, None] - soft.means) / width).sum(axis=2)
        energies.append(-logsumexp(-squares / 2, axis=1).sum())
        rounding = 1e-15 * np.abs(points).max(axis=0)
        assert (soft.means >= points.min(axis=0) - 9 * rounding).all()
        assert (soft.means <= points.max(axis=0) + 9 * rounding).all()
    # errors of a mean count by their product with the distance of its points
    error = 1e-15 * np.abs(points).max() / width
    rounding = 1e-9 + len(points) * points.shape[1] * error * (error + radius / width)
    assert all(after <= before + rounding + 1e-12 * abs(before) for before, after in pairwise(energies))


# gaps


@st.composite
def tables_with_gaps(draw):
    points = draw(tables(rows=2, columns=2))
    n, d = points.shape
    rng = np.random.default_rng(draw(seeds))
    gaps = rng.random((n, d)) < draw(st.sampled_from([0.0, 0.1, 0.4]))
    gaps[rng.integers(n, size=d), np.arange(d)] = False
    return np.where(gaps, np.nan, points), draw(st.integers(1, d - 1))


@examples(150)
@given(table=tables_with_gaps())
def test_the_loss_of_a_table_with_gaps_never_rises_and_no_gap_is_left(table):
    points, components = table
    method = ProbabilisticPCA(components)
    prepared = method.prepare(points)
    steps = list(iterate(method, prepared, max_iter=15))
    for before, after in pairwise(steps):
        between = method.half_step_loss(prepared, before.assignment, before.parameters, after.parameters)
        margins = [method.rounding(prepared, step.assignment, step.loss) for step in (before, after)]
        assert between <= before.loss + margins[0]
        assert after.loss <= between + margins[1]
    assert all(notice.name != LOSS_ROSE for step in steps for notice in step.notices)
    filled, deviations, last = impute(points, components, max_iter=15)
    assert np.isfinite(filled).all()
    assert np.isfinite(deviations).all()
    assert (deviations >= 0).all()
    assert np.isfinite(last.loss)
    observed = ~np.isnan(points)
    np.testing.assert_array_equal(filled[observed], points[observed])


@examples(80)
@given(table=tables_with_gaps(), power=powers)
def test_a_unit_that_is_a_power_of_two_scales_what_fills_a_gap_to_the_last_bit(table, power):
    points, components = table
    unit = 2.0**power
    some = np.nanmax(points, axis=0) > np.nanmin(points, axis=0)
    one, other = (impute(points * by, components, max_iter=15) for by in (1.0, unit))
    np.testing.assert_array_equal(other.points, one.points * unit)
    if some.any():  # a table that never varies has no width for the unit to scale
        np.testing.assert_array_equal(other.deviations, one.deviations * unit)


# projections


@examples(100)
@given(points=tables(rows=2), seed=seeds, power=powers)
def test_principal_components_are_orthonormal_hold_all_variance_and_scale_with_the_unit(points, seed, power):
    components = principal_components(points)
    d = points.shape[1]
    np.testing.assert_allclose(components.axes @ components.axes.T, np.eye(d), atol=1e-12)
    assert (np.diff(components.variances) <= 0).all()
    total = points.var(axis=0, ddof=1).sum()
    rounding = np.square(1e-15 * np.abs(points).max()) * d
    assert components.variances.sum() == pytest.approx(total, rel=1e-9, abs=rounding)
    assert components.shares.sum() == pytest.approx(1) or not components.shares.any()
    scaled = principal_components(points * 2.0**power)
    np.testing.assert_array_equal(scaled.variances, components.variances * 4.0**power)
    np.testing.assert_array_equal(scaled.axes, components.axes)
    shuffled = principal_components(np.random.default_rng(seed).permutation(points))
    largest = max(components.variances[0], rounding)
    np.testing.assert_allclose(shuffled.variances, components.variances, rtol=0, atol=1e-9 * largest + rounding)


@examples(80)
@given(points=tables())
def test_scaled_distances_of_points_are_their_distances(points):
    matrix = proximity_matrix(points)
    scaling = classical_scaling(matrix, points.shape[1])
    np.testing.assert_allclose(proximity_matrix(scaling.points), matrix, rtol=0, atol=1e-6 * matrix.max())
    assert scaling.share == pytest.approx(1)


@examples(80)
@given(matrix=dissimilarities(), dimensions=st.integers(1, 4), power=powers)
def test_scaling_of_any_dissimilarities_is_finite_centred_and_in_their_unit(matrix, dimensions, power):
    points, share = classical_scaling(matrix, dimensions)
    assert np.isfinite(points).all()
    assert 0 <= share <= 1 + 1e-12
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-7 * matrix.max())
    np.testing.assert_array_equal(classical_scaling(matrix * 2.0**power, dimensions).points, points * 2.0**power)


# proximities


@pytest.mark.parametrize("metric", METRICS)
@examples(40)
@given(points=tables(), power=powers)
def test_proximities_pass_their_check_and_scale_with_the_unit_or_a_row_without_direction_is_named(metric, points, power):
    if metric == "correlation" and points.shape[1] < 3:
        with pytest.raises(ValueError, match="at least 3 columns"):
            proximity_matrix(points, metric)
        return
    still = np.ptp(points, axis=1) == 0 if metric == "correlation" else ~points.any(axis=1)
    if metric in ("cosine", "correlation") and still.any():
        with pytest.raises(UndefinedProximity) as refused:
            proximity_matrix(points, metric)
        assert refused.value.row == np.flatnonzero(still)[0]
        return
    matrix = proximity_matrix(points, metric)
    np.testing.assert_array_equal(check_proximities(matrix), matrix.T)
    times = {"squared euclidean": 4.0**power, "cosine": 1.0, "correlation": 1.0}.get(metric, 2.0**power)
    np.testing.assert_array_equal(proximity_matrix(points * 2.0**power, metric), matrix * times)


@examples(80)
@given(points=tables(), seed=seeds)
def test_gowers_measure_lies_between_zero_and_one_and_does_not_know_unit_or_order(points, seed):
    matrix = gower_matrix(points)
    assert matrix.min() >= 0
    assert matrix.max() <= 1 + 1e-12
    order = np.random.default_rng(seed).permutation(len(points))
    np.testing.assert_array_equal(gower_matrix(points[order]), matrix[np.ix_(order, order)])
    units = 2.0 ** np.random.default_rng(seed).integers(-30, 30, size=points.shape[1])
    np.testing.assert_array_equal(gower_matrix(points * units), matrix)
