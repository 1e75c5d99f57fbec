"""Spectral clustering: by hand, against scikit-learn and plain formulas, and for affinities with separate components."""

import warnings

import numpy as np
import pytest
import sklearn.cluster
import sklearn.manifold
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import kneighbors_graph

from clustering import (
    History,
    KMeans,
    SpectralClustering,
    adjusted_rand_index,
    fit,
    iterate,
    proximity_matrix,
    three_gaussians,
)
from clustering import spectral_clustering as module
from clustering.notices import LOSS_ROSE
from clustering.sampling import rings, two_moons
from clustering.spectral_clustering import SEPARATE_COMPONENTS, neighbor_scale
from tests.core.tables import SEEDED, dissimilarities, examples, numbers, seeds


def distances(n=200, seed=0):
    return proximity_matrix(three_gaussians(n, np.random.default_rng(seed)).points)


def gaussian_affinities(matrix, width):
    affinities = np.exp(-(matrix**2) / (2 * width**2))
    np.fill_diagonal(affinities, 0)
    return affinities


def narrow_rings(n, rng):
    return rings(n, rng, noise=0.05)


# eigenvectors


def test_two_points_by_hand():
    # N has the rows (0, 1) and (1, 0): eigenvalues 1 and -1, eigenvectors (1, 1) and (1, -1)
    spectrum = SpectralClustering(2).prepare([[0.0, 3.0], [3.0, 0.0]])
    np.testing.assert_allclose(spectrum.values, [1, -1])
    np.testing.assert_allclose(np.abs(spectrum.rows.points), np.sqrt([[0.5, 0.5], [0.5, 0.5]]))
    assert spectrum.width == 3.0
    assert spectrum.degrees == pytest.approx([np.exp(-0.5)] * 2)


def test_the_rows_are_normalized_eigenvectors_of_the_normalized_affinities():
    matrix = distances(60)
    spectrum = SpectralClustering(4, width=1.5).prepare(matrix)
    affinities = gaussian_affinities(matrix, spectrum.width)
    normalized = affinities / np.sqrt(np.outer(affinities.sum(axis=0), affinities.sum(axis=0)))
    values, vectors = np.linalg.eigh(normalized)
    np.testing.assert_allclose(spectrum.values, values[:-5:-1], atol=1e-12)
    vectors = vectors[:, :-5:-1]
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    # products of rows do not depend on the signs of the eigenvectors
    np.testing.assert_allclose(spectrum.rows.points @ spectrum.rows.points.T, rows @ rows.T, atol=1e-9)


@pytest.mark.parametrize("affinity", ["gaussian", "neighbors"])
def test_the_eigenvectors_match_scikit_learn(affinity):
    points = three_gaussians(150, np.random.default_rng(1)).points
    matrix = proximity_matrix(points)
    spectrum = SpectralClustering(3, affinity, neighbors=8).prepare(matrix)
    if affinity == "gaussian":
        affinities = gaussian_affinities(matrix, spectrum.width)
    else:
        graph = kneighbors_graph(points, 8).toarray()
        affinities = (graph + graph.T) / 2
    assert spectrum.components == 1
    vectors = sklearn.manifold.spectral_embedding(affinities, n_components=3, drop_first=False, random_state=0)
    vectors *= np.sqrt(affinities.sum(axis=1))[:, None]
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(spectrum.rows.points @ spectrum.rows.points.T, rows @ rows.T, atol=1e-6)


@pytest.mark.parametrize("affinity", ["gaussian", "neighbors"])
@pytest.mark.parametrize(("sample", "k"), [(two_moons, 2), (narrow_rings, 2), (three_gaussians, 3)])
def test_the_labels_match_scikit_learn_for_separated_groups(sample, k, affinity):
    """scikit-learn divides eigenvectors by roots of degrees instead of lengths, which makes no difference here."""
    data = sample(300, np.random.default_rng(0))
    matrix = proximity_matrix(data.points)
    process = SpectralClustering(k, affinity, init="maxmin")
    labels = fit(process, matrix, rng=0).labels
    affinities, _ = process._affinities(matrix)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the graph is not connected
        peer = sklearn.cluster.SpectralClustering(k, affinity="precomputed", random_state=0).fit(affinities)
    assert adjusted_rand_index(labels, peer.labels_) > (0.999 if sample is not three_gaussians else 0.95)
    assert adjusted_rand_index(labels, data.labels) > 0.8


def test_the_solver_for_many_points_finds_the_same_eigenvectors(monkeypatch):
    matrix = distances(150)
    dense = SpectralClustering(4).prepare(matrix)
    monkeypatch.setattr(module, "MAX_DENSE", 10)
    other = SpectralClustering(4).prepare(matrix)
    np.testing.assert_allclose(other.values, dense.values, atol=1e-12)
    np.testing.assert_allclose(other.rows.points, dense.rows.points, atol=1e-9)


# affinities


def test_the_width_is_a_multiple_of_the_median_distance_to_the_seventh_neighbor():
    matrix = distances(50)
    seventh = np.sort(matrix, axis=1)[:, 7]
    assert neighbor_scale(matrix) == np.median(seventh)
    assert SpectralClustering(3, width=2.5).prepare(matrix).width == 2.5 * np.median(seventh)
    assert neighbor_scale(proximity_matrix([[0.0], [1.0], [5.0]])) == 5.0  # the farthest points of 0, 1 and 5
    assert neighbor_scale(proximity_matrix(np.repeat([[0.0], [4.0]], 20, axis=0))) == 4.0  # most distances are 0
    assert neighbor_scale(np.zeros((3, 3))) == 1.0


def test_affinities_of_neighbors_are_one_if_mutual_and_one_half_otherwise_by_hand():
    # neighbors: 0 of 1 is 1 away, and 1 of 2 is 2 away
    affinities, _ = SpectralClustering(1, "neighbors", neighbors=1)._affinities(proximity_matrix([[0.0], [1.0], [3.0]]))
    assert affinities.tolist() == [[0, 1, 0], [1, 0, 0.5], [0, 0.5, 0]]


def test_separate_groups_have_equal_rows_and_no_loss():
    x = np.concatenate([np.random.default_rng(0).normal(size=(20, 2)), np.random.default_rng(1).normal(size=(20, 2)) + 1e4])
    last = fit(SpectralClustering(2, init="maxmin"), proximity_matrix(x), rng=0)
    assert last.loss < 1e-20
    assert set(last.labels[:20]) != set(last.labels[20:])
    assert SpectralClustering(2).prepare(proximity_matrix(x)).components == 2
    assert not last.notices


def test_more_components_than_clusters_and_isolated_points_give_a_notice():
    x = np.append((np.arange(10.0) + 1e4 * np.arange(3)[:, None]).ravel(), 1e6)[:, None]
    process = SpectralClustering(2)
    spectrum = process.prepare(proximity_matrix(x))
    assert spectrum.components == 4
    assert spectrum.degrees[-1] == 0
    assert np.isfinite(spectrum.rows.points).all()
    (notice,) = [one for one in fit(process, spectrum, rng=0).notices if one.name == SEPARATE_COMPONENTS]
    assert "Choose a larger width" in notice.sentence


@examples(60)
@given(data=st.data())
def test_any_matrix_gives_finite_states_whose_loss_never_rises(data):
    matrix = data.draw(dissimilarities())
    k = data.draw(numbers(len(matrix)))
    affinity = data.draw(st.sampled_from(["gaussian", "neighbors"]))
    width, init = data.draw(st.sampled_from([0.1, 1.0, 30.0])), data.draw(st.sampled_from(SEEDED))
    process = SpectralClustering(k, affinity, width, 3, init)
    spectrum = process.prepare(matrix)
    lengths = np.linalg.norm(spectrum.rows.points, axis=1)
    assert ((np.abs(lengths - 1) < 1e-9) | (lengths == 0)).all()
    assert (np.abs(spectrum.values) < 1 + 1e-9).all()
    assert (np.diff(spectrum.values) <= 1e-12).all()
    for state in iterate(process, spectrum, rng=data.draw(seeds), max_iter=20):
        assert np.isfinite(state.loss)
        assert 0 <= state.labels.min() <= state.labels.max() < k
        assert LOSS_ROSE not in {notice.name for notice in state.notices}


# K-means in the space of the eigenvectors


def test_it_is_k_means_on_the_rows_of_the_eigenvectors():
    process = SpectralClustering(3)
    spectrum = process.prepare(distances())
    rows = spectrum.rows.points
    ours, theirs = list(iterate(process, spectrum, rng=5)), list(iterate(KMeans(3), rows, rng=5))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.parameters, other.parameters)
        assert one.loss == other.loss
    assert (
        History.record(process, spectrum, rng=5).half_losses.tolist()
        == History.record(KMeans(3), rows, rng=5).half_losses.tolist()
    )


def test_a_start_can_be_rows_or_centers():
    process, matrix = SpectralClustering(3), distances()
    spectrum = process.prepare(matrix)
    rows = np.array([3, 50, 120])
    of_rows, of_centers = (fit(process, spectrum, start=start) for start in (rows, spectrum.rows.points[rows]))
    of_init = fit(SpectralClustering(3, init=rows), matrix)
    assert of_rows.loss == of_centers.loss == of_init.loss


# arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"affinity": "cosine"}, "affinity must be one of gaussian, neighbors, got 'cosine'"),
        ({"width": 0.0}, "width must be a finite number above 0"),
        ({"width": np.nan}, "width must be a finite number above 0"),
        ({"neighbors": 0}, "neighbors must be an integer of at least 1"),
    ],
)
def test_invalid_settings_are_rejected(options, message):
    with pytest.raises(ValueError, match=message):
        SpectralClustering(3, **options)


@pytest.mark.parametrize("start", [[0, 1], [0, 1, 200], [0, 1, -1], [0.0, 1.0, 2.0]])
def test_invalid_rows_are_rejected(start):
    with pytest.raises(ValueError, match=r"start must be 3 rows in 0\.\.n-1=199, or centers"):
        iterate(SpectralClustering(3), distances(), start=start)


def test_other_invalid_inputs_are_rejected():
    with pytest.raises(ValueError, match="proximities must be a square matrix"):
        SpectralClustering(2).prepare(np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"k must lie in 1\.\.n"):
        SpectralClustering(4).prepare(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="this spectrum has 3 eigenvectors instead of k=2"):
        SpectralClustering(2).prepare(SpectralClustering(3).prepare(distances()))
