"""Input that every algorithm refuses: complex numbers, masked values, and values whose squares overflow or underflow."""

import warnings

import numpy as np
import pytest

from clustering import (
    FuzzyCMeans,
    GaussianMixture,
    KMeans,
    KMedoids,
    ProbabilisticPCA,
    SoftKMeans,
    davies_bouldin,
    fit,
    impute,
    principal_components,
    proximity_matrix,
    silhouette,
)

POINTS = np.random.default_rng(0).normal(size=(30, 2))
PROXIMITIES = proximity_matrix(POINTS)
MASKED = np.ma.masked_greater(POINTS, 1.0)
LABELS = np.arange(30) % 2
OF_POINTS = {
    "K-means": lambda points: fit(KMeans(2), points, rng=0),
    "mixture": lambda points: fit(GaussianMixture(2), points, rng=0),
    "fuzzy": lambda points: fit(FuzzyCMeans(2), points, rng=0),
    "soft": lambda points: fit(SoftKMeans(2, 1.0), points, rng=0),
    "silhouette": lambda points: silhouette(points, LABELS),
    "Davies-Bouldin": lambda points: davies_bouldin(points, LABELS),
    "proximities": proximity_matrix,
    "PCA": principal_components,
}
COMPLETED = {
    "probabilistic PCA": lambda points: fit(ProbabilisticPCA(1), points, rng=0),
    "impute": lambda points: impute(points, 1),
}
"""functions that accept missing values"""
OF_MATRICES = {"K-medoids": lambda matrix: fit(KMedoids(2), matrix, rng=0)}


@pytest.mark.parametrize("name", [*OF_POINTS, *COMPLETED, *OF_MATRICES])
def test_complex_numbers_are_refused(name):
    function = (OF_POINTS | COMPLETED | OF_MATRICES)[name]
    with pytest.raises(ValueError, match="must be real numbers, not complex"):
        function((PROXIMITIES if name in OF_MATRICES else POINTS) + 0j)


@pytest.mark.parametrize("name", [*OF_POINTS, *OF_MATRICES])
def test_masked_values_are_refused_as_missing_values_are(name):
    masked = np.ma.masked_greater(PROXIMITIES, 2.0) if name in OF_MATRICES else MASKED
    with pytest.raises(ValueError, match=r"must be finite, but .* is nan"):
        (OF_POINTS | OF_MATRICES)[name](masked)


def test_masked_values_are_missing_values_where_those_are_allowed():
    ours, expected = (impute(table, 1) for table in (MASKED, MASKED.filled(np.nan)))
    np.testing.assert_array_equal(ours.points, expected.points)
    assert (ours.points[MASKED.mask] != MASKED.data[MASKED.mask]).all()


def test_a_masked_array_without_masked_values_is_an_array():
    assert fit(KMeans(2), np.ma.array(POINTS), rng=0).loss == fit(KMeans(2), POINTS, rng=0).loss


@pytest.mark.parametrize("unit", [1e-151, 1e-300])
@pytest.mark.parametrize("name", [*OF_POINTS, *COMPLETED])
def test_values_whose_squares_underflow_are_refused(name, unit):
    points = POINTS * unit
    for table in (points, np.column_stack([np.full(30, 7.0), points])):
        with pytest.raises(ValueError, match="values above 1e-150, so that their squares are not rounded to 0"):
            (OF_POINTS | COMPLETED)[name](table)


@pytest.mark.parametrize("name", [*OF_POINTS, *COMPLETED])
def test_small_values_and_a_column_of_tiny_values_among_others_are_accepted(name):
    function = (OF_POINTS | COMPLETED)[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        function(POINTS * 1e-100)
        function(np.column_stack([POINTS, 1e-200 * POINTS[:, 0]]))
        function(np.zeros((30, 2)) if name in ("K-means", "proximities") else POINTS)
