"""What must hold for any table and any labels, of what says how good a clustering is and how alike two of them are."""

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
def labelled(draw, rows=3):
    """A table and labels of at least two groups, fewer than its rows."""
    points = draw(tables(rows))
    n, rng = len(points), np.random.default_rng(draw(seeds))
    k = draw(st.integers(2, n - 1))
    return points, rng.permutation(np.concatenate([np.arange(k), rng.integers(k, size=n - k)])), rng


@examples(150)
@given(given_labels=labelled(), power=powers)
def test_silhouettes_lie_in_their_bounds_and_know_neither_names_nor_order_nor_unit(given_labels, power):
    points, labels, rng = given_labels
    widths = silhouette(points, labels).widths
    assert (np.abs(widths) <= 1).all()
    np.testing.assert_array_equal(silhouette(points, rng.permutation(30)[labels]).widths, widths)
    np.testing.assert_array_equal(silhouette(points * 2.0**power, labels).widths, widths)
    order = rng.permutation(len(points))
    np.testing.assert_allclose(silhouette(points[order], labels[order]).widths, widths[order], atol=1e-9)
    matrix = proximity_matrix(points)
    np.testing.assert_allclose(silhouette_of_proximities(matrix, labels).widths, widths, atol=1e-6)


@examples(150)
@given(given_labels=labelled(), power=powers)
def test_criteria_are_numbers_that_know_neither_names_nor_order_and_the_unit_by_its_square_alone(given_labels, power):
    points, labels, rng = given_labels
    within, total = within_groups(points, labels), within_groups(points, np.zeros(len(points)))
    judged = calinski_harabasz(points, labels), davies_bouldin(points, labels)
    # infinite where all points sit on their means, or two groups have one mean, as is said of them
    assert all(criterion >= 0 for criterion in judged)
    rounding = points.size * np.square(1e-15 * np.abs(points).max())
    assert 0 <= within <= total * (1 + 1e-9) + rounding
    order, names = rng.permutation(len(points)), rng.permutation(30)
    assert within_groups(points[order], names[labels[order]]) == pytest.approx(within, rel=1e-9, abs=rounding + 1e-12 * total)
    unit = 2.0**power
    assert within_groups(points * unit, labels) == within * unit**2
    assert (calinski_harabasz(points * unit, labels), davies_bouldin(points * unit, labels)) == judged


@examples(80)
@given(given_labels=labelled())
def test_noise_for_the_gap_statistic_is_as_wide_as_the_points(given_labels):
    points, _, rng = given_labels
    noise = uniform_reference(points, rng)
    components = principal_components(points)
    along, box = ((table - components.mean) @ components.axes.T for table in (noise, points))
    rounding = 1e-12 * np.abs(points).max()
    assert (along >= box.min(axis=0) - rounding).all()
    assert (along <= box.max(axis=0) + rounding).all()


@examples(80)
@given(losses=st.lists(st.floats(0, 1), min_size=2, max_size=12), power=powers)
def test_the_elbow_is_one_of_the_numbers_and_does_not_know_the_unit_of_the_losses(losses, power):
    ks = np.arange(1, len(losses) + 1)
    k, distances = elbow(ks, losses)
    assert k in ks
    assert np.isfinite(distances).all()
    again, same = elbow(ks, np.array(losses) * 2.0**power)
    assert again == k
    np.testing.assert_allclose(same, distances, atol=1e-12)


@examples(150)
@given(n=st.integers(1, 40), k=st.integers(1, 8), other_k=st.integers(1, 8), seed=seeds)
def test_agreement_of_labels_knows_neither_names_nor_order_nor_which_came_first(n, k, other_k, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(k, size=n), rng.integers(other_k, size=n)
    order, names = rng.permutation(n), rng.permutation(8)
    for agreement, least in ((adjusted_rand_index, -0.5), (normalized_mutual_information, 0.0)):
        value = agreement(a, b)
        assert least <= value <= 1
        assert agreement(a[order], b[order]) == agreement(names[a], b) == value
        assert agreement(b, a) == pytest.approx(value, abs=1e-12)
        assert agreement(a, names[a]) == 1
    matched = match_clusters(a, b, 8)
    assert sorted(matched) == list(range(8))
    renamed = match_clusters(names[a], b, 8)
    assert np.count_nonzero(renamed[names[a]] == b) == np.count_nonzero(matched[a] == b)
    np.testing.assert_array_equal(match_clusters(a, names[a], 8)[a], names[a])
