"""Properties of criteria and agreement indices for arbitrary tables and labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import (
    adjusted_rand_index,
    calinski_harabasz,
    davies_bouldin,
    elbow,
    match_clusters,
    normalized_mutual_information,
    principal_components,
    proximity_matrix,
    silhouette,
    silhouette_of_proximities,
    uniform_reference,
    within_groups,
)
from tests.core.tables import examples, seeds, tables

powers = st.integers(-30, 30)


@st.composite
def labeled_tables(draw, rows=3):
    """A table, and labels of at least two clusters but fewer than its rows."""
    points = draw(tables(rows))
    n, rng = len(points), np.random.default_rng(draw(seeds))
    k = draw(st.integers(2, n - 1))
    return points, rng.permutation(np.concatenate([np.arange(k), rng.integers(k, size=n - k)])), rng


@examples(150)
@given(labeled=labeled_tables(), power=powers)
def test_silhouettes_are_bounded_and_invariant_to_names_order_and_unit(labeled, power):
    points, labels, rng = labeled
    widths = silhouette(points, labels).widths
    assert (np.abs(widths) <= 1).all()
    np.testing.assert_array_equal(silhouette(points, rng.permutation(30)[labels]).widths, widths)
    np.testing.assert_array_equal(silhouette(points * 2.0**power, labels).widths, widths)
    order = rng.permutation(len(points))
    np.testing.assert_allclose(silhouette(points[order], labels[order]).widths, widths[order], atol=1e-9)
    matrix = proximity_matrix(points)
    np.testing.assert_allclose(silhouette_of_proximities(matrix, labels).widths, widths, atol=1e-6)


@examples(150)
@given(labeled=labeled_tables(), power=powers)
def test_criteria_are_invariant_to_names_and_order_and_scale_with_the_unit(labeled, power):
    points, labels, rng = labeled
    within, total = within_groups(points, labels), within_groups(points, np.zeros(len(points)))
    scores = calinski_harabasz(points, labels), davies_bouldin(points, labels)
    # infinite if all points coincide with their means, or two clusters have the same mean
    assert all(score >= 0 for score in scores)
    rounding = points.size * np.square(1e-15 * np.abs(points).max())
    assert 0 <= within <= total * (1 + 1e-9) + rounding
    order, names = rng.permutation(len(points)), rng.permutation(30)
    assert within_groups(points[order], names[labels[order]]) == pytest.approx(within, rel=1e-9, abs=rounding + 1e-12 * total)
    unit = 2.0**power
    assert within_groups(points * unit, labels) == within * unit**2
    assert (calinski_harabasz(points * unit, labels), davies_bouldin(points * unit, labels)) == scores


@examples(80)
@given(labeled=labeled_tables())
def test_reference_data_lie_in_the_bounding_box_of_the_points(labeled):
    points, _, rng = labeled
    reference = uniform_reference(points, rng)
    components = principal_components(points)
    actual, box = ((table - components.mean) @ components.axes.T for table in (reference, points))
    rounding = 1e-12 * np.abs(points).max()
    assert (actual >= box.min(axis=0) - rounding).all()
    assert (actual <= box.max(axis=0) + rounding).all()


@examples(80)
@given(losses=st.lists(st.floats(0, 1), min_size=2, max_size=12), power=powers)
def test_the_elbow_is_one_of_the_ks_and_invariant_to_the_unit(losses, power):
    ks = np.arange(1, len(losses) + 1)
    k, distances = elbow(ks, losses)
    assert k in ks
    assert np.isfinite(distances).all()
    again, same = elbow(ks, np.array(losses) * 2.0**power)
    assert again == k
    np.testing.assert_allclose(same, distances, atol=1e-12)


@examples(150)
@given(n=st.integers(1, 40), k=st.integers(1, 8), other_k=st.integers(1, 8), seed=seeds)
def test_agreement_is_invariant_to_names_and_order_and_symmetric(n, k, other_k, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(k, size=n), rng.integers(other_k, size=n)
    order, names = rng.permutation(n), rng.permutation(8)
    for agreement, minimum in ((adjusted_rand_index, -0.5), (normalized_mutual_information, 0.0)):
        value = agreement(a, b)
        assert minimum <= value <= 1
        assert agreement(a[order], b[order]) == agreement(names[a], b) == value
        assert agreement(b, a) == pytest.approx(value, abs=1e-12)
        assert agreement(a, names[a]) == 1
    matched = match_clusters(a, b, 8)
    assert sorted(matched) == list(range(8))
    renamed = match_clusters(names[a], b, 8)
    assert np.count_nonzero(renamed[names[a]] == b) == np.count_nonzero(matched[a] == b)
    np.testing.assert_array_equal(match_clusters(a, names[a], 8)[a], names[a])
