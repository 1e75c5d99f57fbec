"""Properties for arbitrary tables, except runs: trees, projections, imputation, soft clusters, dissimilarities."""

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


def cophenetic_heights(tree):
    """(n, n) height at which two points are first in the same cluster."""
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
def test_heights_are_finite_and_cuts_give_the_requested_number_of_clusters(linkage, points, optimal):
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
def test_cophenetic_heights_bound_dissimilarities_from_below_for_single_and_above_for_complete(matrix):
    single, complete = (cophenetic_heights(tree_of_proximities(matrix, linkage)) for linkage in ("single", "complete"))
    assert (single <= matrix).all()
    assert (complete >= matrix).all()


@examples(80)
@given(matrix=dissimilarities(rows=2), seed=seeds)
def test_single_linkage_does_not_depend_on_the_order_of_points_even_with_ties(matrix, seed):
    order = np.random.default_rng(seed).permutation(len(matrix))
    tree, again = (tree_of_proximities(given, "single") for given in (matrix, matrix[np.ix_(order, order)]))
    np.testing.assert_array_equal(again.heights, tree.heights)
    np.testing.assert_array_equal(cophenetic_heights(again), cophenetic_heights(tree)[np.ix_(order, order)])


@linkages
@examples(30)
@given(points=tables(rows=2, ties=False), seed=seeds)
def test_no_linkage_depends_on_the_order_of_points_without_ties(linkage, points, seed):
    order = np.random.default_rng(seed).permutation(len(points))
    tree, again = tree_of_points(points, linkage), tree_of_points(points[order], linkage)
    rounding = 1e-6 * tree.heights.max()
    np.testing.assert_allclose(
        cophenetic_heights(again), cophenetic_heights(tree)[np.ix_(order, order)], atol=rounding, rtol=0
    )


@linkages
@examples(30)
@given(points=tables(rows=2), power=powers)
def test_heights_scale_exactly_with_a_power_of_two(linkage, points, power):
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
def test_soft_k_means_never_increases_the_free_energy(start):
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
    # the error of a mean is multiplied by the distance of its points
    error = 1e-15 * np.abs(points).max() / width
    rounding = 1e-9 + len(points) * points.shape[1] * error * (error + radius / width)
    assert all(after <= before + rounding + 1e-12 * abs(before) for before, after in pairwise(energies))


# missing values


@st.composite
def tables_with_missing_values(draw):
    points = draw(tables(rows=2, columns=2))
    n, d = points.shape
    rng = np.random.default_rng(draw(seeds))
    missing = rng.random((n, d)) < draw(st.sampled_from([0.0, 0.1, 0.4]))
    missing[rng.integers(n, size=d), np.arange(d)] = False
    return np.where(missing, np.nan, points), draw(st.integers(1, d - 1))


@examples(150)
@given(table=tables_with_missing_values())
def test_ppca_never_increases_the_loss_and_imputes_all_missing_values(table):
    points, components = table
    process = ProbabilisticPCA(components)
    prepared = process.prepare(points)
    states = list(iterate(process, prepared, max_iter=15))
    for before, after in pairwise(states):
        between = process.m_step_loss(prepared, before.assignment, before.parameters, after.parameters)
        margins = [process.rounding_error(prepared, state.assignment, state.loss) for state in (before, after)]
        assert between <= before.loss + margins[0]
        assert after.loss <= between + margins[1]
    assert all(notice.name != LOSS_ROSE for state in states for notice in state.notices)
    filled, deviations, last = impute(points, components, max_iter=15)
    assert np.isfinite(filled).all()
    assert np.isfinite(deviations).all()
    assert (deviations >= 0).all()
    assert np.isfinite(last.loss)
    observed = ~np.isnan(points)
    np.testing.assert_array_equal(filled[observed], points[observed])


@examples(80)
@given(table=tables_with_missing_values(), power=powers)
def test_imputed_values_scale_exactly_with_a_power_of_two(table, power):
    points, components = table
    unit = 2.0**power
    varies = np.nanmax(points, axis=0) > np.nanmin(points, axis=0)
    one, other = (impute(points * factor, components, max_iter=15) for factor in (1.0, unit))
    np.testing.assert_array_equal(other.points, one.points * unit)
    if varies.any():  # the deviations of a constant table do not scale
        np.testing.assert_array_equal(other.deviations, one.deviations * unit)


# projections


@examples(100)
@given(points=tables(rows=2), seed=seeds, power=powers)
def test_principal_components_are_orthonormal_and_scale_with_the_unit(points, seed, power):
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
def test_classical_scaling_reproduces_euclidean_distances(points):
    matrix = proximity_matrix(points)
    scaling = classical_scaling(matrix, points.shape[1])
    np.testing.assert_allclose(proximity_matrix(scaling.points), matrix, rtol=0, atol=1e-6 * matrix.max())
    assert scaling.share == pytest.approx(1)


@examples(80)
@given(matrix=dissimilarities(), dimensions=st.integers(1, 4), power=powers)
def test_classical_scaling_is_finite_centered_and_scales_with_the_unit(matrix, dimensions, power):
    points, share = classical_scaling(matrix, dimensions)
    assert np.isfinite(points).all()
    assert 0 <= share <= 1 + 1e-12
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-7 * matrix.max())
    np.testing.assert_array_equal(classical_scaling(matrix * 2.0**power, dimensions).points, points * 2.0**power)


# dissimilarities


@pytest.mark.parametrize("metric", METRICS)
@examples(40)
@given(points=tables(), power=powers)
def test_proximities_are_valid_and_scale_with_the_unit_or_undefined_rows_are_named(metric, points, power):
    if metric == "correlation" and points.shape[1] < 3:
        with pytest.raises(ValueError, match="at least 3 columns"):
            proximity_matrix(points, metric)
        return
    undefined = np.ptp(points, axis=1) == 0 if metric == "correlation" else ~points.any(axis=1)
    if metric in ("cosine", "correlation") and undefined.any():
        with pytest.raises(UndefinedProximity) as error:
            proximity_matrix(points, metric)
        assert error.value.row == np.flatnonzero(undefined)[0]
        return
    matrix = proximity_matrix(points, metric)
    np.testing.assert_array_equal(check_proximities(matrix), matrix.T)
    factor = {"squared euclidean": 4.0**power, "cosine": 1.0, "correlation": 1.0}.get(metric, 2.0**power)
    np.testing.assert_array_equal(proximity_matrix(points * 2.0**power, metric), matrix * factor)


@examples(80)
@given(points=tables(), seed=seeds)
def test_gower_dissimilarity_is_bounded_and_invariant_to_unit_and_order(points, seed):
    matrix = gower_matrix(points)
    assert matrix.min() >= 0
    assert matrix.max() <= 1 + 1e-12
    order = np.random.default_rng(seed).permutation(len(points))
    np.testing.assert_array_equal(gower_matrix(points[order]), matrix[np.ix_(order, order)])
    units = 2.0 ** np.random.default_rng(seed).integers(-30, 30, size=points.shape[1])
    np.testing.assert_array_equal(gower_matrix(points * units), matrix)
