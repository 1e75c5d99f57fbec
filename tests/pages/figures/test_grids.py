"""Densities and labels on a grid agree with those that the package `clustering` computes point by point."""

import numpy as np
import pytest

from clustering import GaussianMixture, KMeans
from clustering.gaussians import Gaussians
from pages.figures.grids import Grid

EXTENT, SHAPE = (-3.0, 5.0, -2.0, 2.0), (40, 70)


def mixture(k, d=2, seed=0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(k, d, d))
    return Gaussians(rng.dirichlet(np.ones(k)), rng.normal(size=(k, d)), roots @ roots.transpose(0, 2, 1) + 0.01 * np.eye(d))


def transformed(gaussians, scale, shift):
    return Gaussians(gaussians.weights, shift + scale * gaussians.means, scale**2 * gaussians.covariances)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-9, 0.0), (1e9, 0.0), (1.0, 1e6), (1e-3, -50.0)], ids=str)
@pytest.mark.parametrize("k", [1, 4, 200])
def test_density_and_labels_agree_with_the_package(k, scale, shift):
    gaussians = transformed(mixture(k), scale, shift)
    extent = tuple(shift + scale * np.array(EXTENT))
    grid = Grid(extent, SHAPE)
    expected = gaussians.log_density(grid.points).reshape(SHAPE)
    np.testing.assert_allclose(grid.log_density(gaussians), expected, rtol=1e-6, atol=1e-6)
    joint = np.sort(gaussians.log_joint(grid.points), axis=1)
    clear = np.ones(SHAPE, bool) if k == 1 else (joint[:, -1] - joint[:, -2] > 1e-6).reshape(SHAPE)
    labels = GaussianMixture(k).predict(gaussians, grid.points).reshape(SHAPE)
    np.testing.assert_array_equal(grid.labels(gaussians)[clear], labels[clear])
    assert clear.mean() > 0.99


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-120, 0.0), (1e120, 0.0), (1.0, 1e9), (1e-9, -1.0)], ids=str)
@pytest.mark.parametrize("k", [1, 9, 200])
def test_the_nearest_center_agrees_with_the_package(k, scale, shift):
    centers = shift + scale * np.random.default_rng(1).uniform(-2, 2, size=(k, 2))
    grid = Grid(tuple(shift + scale * np.array(EXTENT)), SHAPE)
    nearest = KMeans(k).predict(centers, grid.points).reshape(SHAPE)
    assert (grid.nearest(centers) == nearest).mean() > 0.999


def test_rows_start_at_the_top_and_axes_can_be_exchanged():
    points = Grid(EXTENT, SHAPE).points.reshape(*SHAPE, 2)
    assert points[0, 0] == pytest.approx((-3 + 4 / 70, 2 - 2 / 40))
    assert points[-1, -1] == pytest.approx((5 - 4 / 70, -2 + 2 / 40))
    exchanged = Grid(EXTENT, SHAPE, np.array([[0.0, 1.0], [1.0, 0.0]])).points.reshape(*SHAPE, 2)
    np.testing.assert_array_equal(exchanged, points[..., ::-1])
