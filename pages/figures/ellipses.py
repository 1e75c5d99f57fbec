"""Covariance ellipses of Gaussians in a plane."""

import numpy as np

from pages.datasets.planes import Plane

ANGLES = np.linspace(0, 2 * np.pi, 37)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)])


def ellipses(covariances: np.ndarray, plane: Plane) -> np.ndarray:
    """Return the one-standard-deviation ellipse of each Gaussian, projected on the plane, as a (k, 37, 2) array.

    The ellipses are centered at the origin.
    """
    values, vectors = np.linalg.eigh(plane.project_covariances(covariances))
    roots = (vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    return (roots @ CIRCLE).transpose(0, 2, 1)
