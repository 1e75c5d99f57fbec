"""Stability of clusters: by hand, by brute force over pairs, by laws, and published values."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from clustering import (
    Resample,
    Stability,
    noisy_points,
    principal_components,
    resampled,
    resampled_with_noise,
    three_gaussians,
    tree_of_points,
    tree_of_proximities,
)
from tests.core.tables import examples, seeds

PROTEIN = Path(__file__).with_name("protein.csv")
"""Protein in the food of 25 European countries, by source, in grams per person and day (Weber 1973; DASL)"""


def stability_of(labels, resamples):
    stability = Stability.of(labels)
    for resample in resamples:
        stability = stability.add(resample)
    return stability


def brute_force(labels, resamples):
    """Mean similarity, shares of members kept and heat map, by loops over clusters and pairs of rows."""
    n, k = len(labels), max(labels, default=-1) + 1
    similarity = [[] for _ in range(k)]
    kept, pairs = [[] for _ in range(n)], [[[] for _ in range(k)] for _ in range(k)]
    for resample in resamples:
        new = dict(zip(resample.rows.tolist(), resample.labels.tolist(), strict=True))

        def together(i, j):
            return new[i] >= 0 and new[i] == new[j]

        members = [{i for i in new if labels[i] == q} for q in range(k)]
        found = [{i for i in new if new[i] == c} for c in set(new.values()) if c >= 0]
        for q in range(k):
            similarity[q].append(max([len(members[q] & b) / len(members[q] | b) for b in found], default=0.0))
            for r in range(k):
                shares = [together(i, j) for i in members[q] for j in members[r] if i != j]
                if shares:
                    pairs[q][r].append(np.mean(shares))
            for i in members[q]:
                others = [together(i, j) for j in members[q] - {i}]
                if others:
                    kept[i].append(np.mean(others))

    def mean(values):
        return np.mean(values) if values else np.nan

    return [mean(s) for s in similarity], [mean(s) for s in kept], [[mean(s) for s in row] for row in pairs]


def random_resamples(n, k, number, rng):
    for _ in range(number):
        rows = np.flatnonzero(rng.random(n) < 0.7)
        yield Resample(rows, rng.integers(-1, k, size=len(rows)))


# by hand


def test_one_resample_by_hand():
    labels = [0, 0, 0, 0, 1, 1, 2, -1]
    # rows 3 and 6 are not drawn; row 2 joins rows 4 and 7, row 5 is noise
    stability = stability_of(labels, [Resample([0, 1, 2, 4, 5, 7], [5, 5, 3, 3, -1, 3])])
    assert stability.similarities.tolist() == [[2 / 3, 1 / 4, 0]]
    assert stability.mean.tolist() == [2 / 3, 1 / 4, 0]
    assert stability.dissolved.tolist() == [0, 1, 1]
    assert stability.recovered.tolist() == [0, 0, 0]
    assert stability.drawn.tolist() == [1, 1, 1, 0, 1, 1, 0, 1]
    assert stability.missed.tolist() == [0, 0, 1]
    nan = np.nan
    np.testing.assert_array_equal(stability.kept, [1 / 2, 1 / 2, 0, nan, 0, 0, nan, nan])
    np.testing.assert_allclose(stability.together, [[1 / 3, 1 / 6, nan], [1 / 6, 0, nan], [nan, nan, nan]])


def test_the_mean_is_over_resamples_and_the_limits_are_those_of_fpc():
    labels = np.zeros(4, dtype=int)
    splits = [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 2, 3]]
    stability = stability_of(labels, [Resample(np.arange(4), split) for split in splits])
    assert stability.similarities[:, 0].tolist() == [1, 0.75, 0.5, 0.25]
    assert stability.mean.tolist() == [0.625]
    # 0.5 is dissolved, 0.75 is not recovered
    assert stability.dissolved.tolist() == [2]
    assert stability.recovered.tolist() == [1]
    assert stability.kept == pytest.approx(np.array([2, 2, 2, 4 / 3]) / 4)
    assert stability.together.tolist() == [[pytest.approx((1 + 1 / 2 + 1 / 3) / 4)]]


def test_without_resamples_or_clusters():
    empty = Stability.of([0, 1, 1])
    assert empty.resamples == 0
    assert np.isnan(np.concatenate([empty.mean, empty.kept, empty.together.ravel()])).all()
    noise = stability_of([-1, -1], [Resample(np.arange(2), [0, 0])])
    assert (noise.mean.shape, noise.together.shape, noise.drawn.tolist()) == ((0,), (0, 0), [1, 1])
    nothing = stability_of([0, 1], [Resample(np.arange(0), np.arange(0)), Resample(np.arange(2), [-1, -1])])
    assert nothing.mean.tolist() == [0, 0]


def test_adding_does_not_change_the_stability_before():
    before = stability_of([0, 0, 0], [Resample(np.arange(3), [0, 0, 1])])
    after = before.add(Resample(np.arange(3), [0, 0, 0]))
    assert (before.resamples, after.resamples) == (1, 2)
    assert (before.kept.tolist(), after.kept.tolist()) == ([0.5, 0.5, 0], [0.75, 0.75, 0.5])
    assert (before.drawn.tolist(), after.drawn.tolist()) == ([1, 1, 1], [2, 2, 2])
    assert (before.together.tolist(), after.together.tolist()) == ([[1 / 3]], [[2 / 3]])


# brute force and laws


@given(st.integers(1, 14), st.integers(1, 4), st.integers(1, 4), seeds)
@examples(100)
def test_stability_agrees_with_loops_over_pairs(n, k, new_k, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, k, size=n)
    resamples = list(random_resamples(n, new_k, 4, rng))
    stability = stability_of(labels, resamples)
    similarity, kept, together = brute_force(labels.tolist(), resamples)
    np.testing.assert_allclose(stability.mean, similarity, atol=1e-12)
    np.testing.assert_allclose(stability.kept, kept, atol=1e-12)
    np.testing.assert_allclose(stability.together, np.reshape(together, stability.together.shape), atol=1e-12)
    np.testing.assert_array_equal(stability.drawn, sum(np.isin(np.arange(n), resample.rows) for resample in resamples))


@given(st.integers(2, 14), st.integers(1, 4), seeds)
@examples(60)
def test_numbers_of_clusters_do_not_matter(n, k, seed):
    rng = np.random.default_rng(seed)
    labels = np.append(np.arange(k), rng.integers(-1, k, size=n))
    resamples = list(random_resamples(n + k, 3, 3, rng))
    first, numbers, new_numbers = stability_of(labels, resamples), rng.permutation(k), rng.permutation(3)
    renamed = [Resample(rows, np.where(new < 0, -1, new_numbers[new])) for rows, new in resamples]
    second = stability_of(np.where(labels < 0, -1, numbers[labels]), renamed)
    np.testing.assert_allclose(second.mean[numbers], first.mean)
    np.testing.assert_allclose(second.kept, first.kept)
    np.testing.assert_allclose(second.together[np.ix_(numbers, numbers)], first.together)


@pytest.mark.parametrize("scheme", ["bootstrap", "subset"])
def test_clusters_that_do_not_depend_on_the_resample_are_perfectly_stable(scheme):
    labels = np.repeat([0, 1, 2], 20)
    resamples = islice(resampled(lambda rows: 7 - labels[rows], 60, np.random.default_rng(0), scheme), 10)
    stability = stability_of(labels, resamples)
    assert stability.mean.tolist() == [1, 1, 1]
    assert stability.recovered.tolist() == [10, 10, 10]
    assert stability.kept.tolist() == [1] * 60
    assert stability.together.tolist() == np.eye(3).tolist()


# resamples


def test_a_bootstrap_sample_uses_each_drawn_row_once_and_a_subset_has_the_given_share():
    def rows_of(**options):
        resamples = resampled(lambda rows: rows, 100, np.random.default_rng(0), **options)
        return [resample.rows for resample in islice(resamples, 50)]

    for rows in rows_of() + rows_of(scheme="subset"):
        assert (np.diff(rows) > 0).all()
        assert rows[0] >= 0
        assert rows[-1] < 100
    # of 100 rows, 1 - 0.99^100 are drawn on average
    assert np.mean([len(rows) for rows in rows_of()]) == pytest.approx(63.4, abs=2)
    assert {len(rows) for rows in rows_of(scheme="subset")} == {50}
    assert {len(rows) for rows in rows_of(scheme="subset", share=0.29)} == {29}
    # every row has the same chance
    assert np.ptp(np.bincount(np.concatenate(rows_of(scheme="subset")), minlength=100)) < 25


def test_points_and_their_distances_give_the_same_stability():
    points = three_gaussians(40, np.random.default_rng(0)).points
    distances = cdist(points, points)
    by_points, by_distances = (
        stability_of(cluster(np.arange(40)), islice(resampled(cluster, 40, np.random.default_rng(1)), 5))
        for cluster in (
            lambda rows: tree_of_points(points[rows]).labels(3),
            lambda rows: tree_of_proximities(distances[np.ix_(rows, rows)]).labels(3),
        )
    )
    np.testing.assert_array_equal(by_points.similarities, by_distances.similarities)


def test_noise_is_uniform_in_a_box_along_the_principal_components():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(4000, 2)) @ [[3.0, 1.0], [0.0, 0.5]] + [10, -5]
    noisy, replaced = noisy_points(points, rng, share=0.5, extent=3)
    np.testing.assert_array_equal(noisy[~replaced], points[~replaced])
    assert replaced.mean() == pytest.approx(0.5, abs=0.03)
    components = principal_components(points)
    scores = components.project(noisy[replaced], 2) / np.sqrt(components.variances)
    assert np.abs(scores).max() <= 3 + 1e-9
    assert np.abs(scores).max(axis=0) == pytest.approx(3, abs=0.02)
    # the standard deviation of a uniform distribution on -3..3 is sqrt(3)
    assert scores.std(axis=0) == pytest.approx(np.sqrt(3), abs=0.05)
    assert scores.mean(axis=0) == pytest.approx(0, abs=0.15)
    assert not noisy_points(points, rng, share=0)[1].any()


def test_noise_leaves_the_replaced_points_out_of_the_comparison():
    points, seen = three_gaussians(200, np.random.default_rng(0)).points, []

    def cluster(noisy):
        seen.append(noisy)
        return np.arange(200)

    for resample in islice(resampled_with_noise(cluster, points, np.random.default_rng(1)), 5):
        np.testing.assert_array_equal(resample.labels, resample.rows)
        unchanged = (seen[-1] == points).all(axis=1)
        np.testing.assert_array_equal(resample.rows, np.flatnonzero(unchanged))
        assert 170 < len(resample.rows) < 200


def test_errors_state_the_rule_and_the_value():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got 0"):
        resampled(len, 0, rng)
    with pytest.raises(ValueError, match="scheme must be one of bootstrap, subset, got 'jitter'"):
        resampled(len, 5, rng, "jitter")
    with pytest.raises(ValueError, match="share must be above 0 and at most 1, got 0"):
        resampled(len, 5, rng, "subset", share=0)
    with pytest.raises(ValueError, match=r"one integer label for each of 2 rows, got int64 of shape \(3,\)"):
        next(resampled(lambda rows: np.arange(3), 5, rng, "subset"))
    with pytest.raises(ValueError, match=r"share must lie in 0..1, got 2"):
        noisy_points(np.eye(3), rng, share=2)
    with pytest.raises(ValueError, match="extent must be above 0 and finite, got 0"):
        noisy_points(np.eye(3), rng, extent=0)
    with pytest.raises(ValueError, match="one integer label for each of 2 points, got float64"):
        Stability.of([0.0, 1.0])
    for rows in ([0, 0], [0, 2]):
        with pytest.raises(ValueError, match=r"rows must be distinct and lie in 0..n-1=1"):
            Stability.of([0, 1]).add(Resample(rows, [0, 1]))


# published values


def test_stability_of_the_protein_clusters_is_near_the_published_runs():
    """Zumel & Mount 2014, "Practical Data Science with R": Ward linkage as R's "ward.D", 100 bootstrap samples."""
    countries = np.loadtxt(PROTEIN, delimiter=",", skiprows=1, usecols=0, dtype=str).tolist()
    grams = np.loadtxt(PROTEIN, delimiter=",", skiprows=1, usecols=range(1, 10))

    def cluster(rows):
        points = grams[rows]
        points = (points - points.mean(axis=0)) / points.std(axis=0, ddof=1)
        # Ward's formula for squared distances, applied to distances
        return tree_of_proximities(np.sqrt(cdist(points, points)), "ward").labels(5)

    labels = cluster(np.arange(25))
    stability = stability_of(labels, islice(resampled(cluster, 25, np.random.default_rng(0)), 300))
    # two published runs, and the mean of 12 runs of another implementation
    for members, published, recomputed in [
        ("Albania,Bulgaria,Romania,Yugoslavia", (0.79, 0.80), 0.82),
        ("Austria,Belgium,France,Ireland,Netherlands,Switzerland,UK,W Germany", (0.80, 0.79), 0.78),
        ("Czechoslovakia,E Germany,Hungary,Poland,USSR", (0.62, 0.66), 0.64),
        ("Denmark,Finland,Norway,Sweden", (0.93, 0.92), 0.89),
        ("Greece,Italy,Portugal,Spain", (0.76, 0.76), 0.76),
    ]:
        rows = [countries.index(name) for name in members.split(",")]
        (number,) = set(labels[rows].tolist())
        assert np.count_nonzero(labels == number) == len(rows)
        # the mean of 100 samples has a standard deviation of up to 0.04
        assert stability.mean[number] == pytest.approx(np.mean(published), abs=0.06)
        assert stability.mean[number] == pytest.approx(recomputed, abs=0.03)
