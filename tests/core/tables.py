"""Hypothesis strategies for difficult inputs, and the methods for which the property tests run."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from clustering import GaussianMixture, KMeans, KMedoids, StudentMixture, VariationalMixture, gower_matrix, proximity_matrix

METHODS = {
    "K-means": (KMeans, {}),
    "alternating": (KMedoids, {}),
    "swap": (KMedoids, {"update": "swap"}),
    "steepest swap": (KMedoids, {"update": "steepest swap"}),
    **{kind: (GaussianMixture, {"covariance": kind}) for kind in ("full", "tied", "diagonal", "spherical")},
    "student": (StudentMixture, {}),
    "variational": (VariationalMixture, {}),
}
SEEDED = ("random", "k-means++", "plain k-means++", "maxmin")
INITIALIZATIONS = {
    KMeans: SEEDED,
    KMedoids: (*SEEDED, "build"),
    GaussianMixture: (*SEEDED, "k-means"),
    StudentMixture: (*SEEDED, "k-means"),
    VariationalMixture: (*SEEDED, "k-means"),
}
DISTANCES = ("euclidean", "squared euclidean", "manhattan", "chebyshev")
"""metrics that are defined for any points"""
seeds = st.integers(0, 2**32 - 1)


def examples(number):
    """Hypothesis settings with `number` examples with EXAMPLES=all, and a fifth of them by default (tests/conftest.py)."""
    return settings(max_examples=max(1, number * settings.default.max_examples // 100))


def method_of(name, k, init="random"):
    kind, options = METHODS[name]
    return kind(k, init=init, **options)


def data_for(method, points):
    return proximity_matrix(points) if isinstance(method, KMedoids) else points


@st.composite
def tables(draw, rows=1, columns=1, ties=True):
    """Tables of up to 24 rows and 5 columns at any scale; with `ties` also duplicate rows, ties and constant columns."""
    n, d = draw(st.integers(rows, 24)), draw(st.integers(columns, 5))
    kind = draw(st.sampled_from(["whole", "free", "tight", "outlier"] if ties else ["free", "tight"]))
    duplicates, constant, mixed_scales = (draw(st.booleans()) for _ in range(3))
    offset = draw(st.sampled_from([0.0, 1.0, -1e3, 1e8] if ties else [0.0, 1.0, -1e3]))
    exponent = draw(st.floats(-12, 12))
    rng = np.random.default_rng(draw(seeds))
    points = rng.integers(-2, 3, size=(n, d)).astype(float) if kind == "whole" else rng.normal(size=(n, d))
    if kind == "tight":
        points = rng.integers(-2, 3, size=(n, d)) + 1e-4 * points
    if kind == "outlier":
        points[0] *= 1e6
    if ties and duplicates:
        points = points[rng.integers(n, size=n)]
    if ties and constant:
        points[:, rng.integers(d)] = rng.normal()
    scale = 10.0 ** (rng.uniform(-12, 12, size=d) if ties and mixed_scales else exponent)
    return (points + offset) * scale


@st.composite
def dissimilarities(draw, rows=1):
    """Dissimilarity matrices: any metric, Gower's dissimilarity, or arbitrary symmetric matrices."""
    kind = draw(st.sampled_from([*DISTANCES, "gower", "any"]))
    if kind != "any":
        points = draw(tables(rows))
        return gower_matrix(points) if kind == "gower" else proximity_matrix(points, kind)
    n, rng = draw(st.integers(rows, 24)), np.random.default_rng(draw(seeds))
    matrix = rng.integers(0, 6, size=(n, n)) * 10.0 ** draw(st.floats(-12, 12))
    return np.triu(matrix, 1) + np.triu(matrix, 1).T


def numbers(n):
    """Numbers of clusters in 1..n; every other one is small, because these runs take more iterations."""
    return st.one_of(st.integers(1, min(4, n)), st.integers(1, n))


@st.composite
def runs(draw, name, **options):
    """A process, its input and a seed, for any number of clusters and any initialization."""
    kind = METHODS[name][0]
    data = draw(dissimilarities() if kind is KMedoids else tables(**options))
    k = draw(numbers(len(data)))
    return method_of(name, k, draw(st.sampled_from(INITIALIZATIONS[kind]))), data, draw(seeds)


def parts(parameters):
    """List of the arrays in the parameters."""
    return [np.asarray(part) for part in (parameters if isinstance(parameters, tuple) else [parameters])]
