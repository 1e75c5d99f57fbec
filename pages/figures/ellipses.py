"""Ellipses of Gaussians in a plane."""

import numpy as np

from pages.datasets.planes import Plane

ANGLES = np.linspace(0, 2 * np.pi, 37)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)])


def ellipses(covariances: np.ndarray, plane: Plane) -> np.ndarray:
    """(k, 37, 2) the curves at one standard deviation from the mean of each Gaussian, as they are seen in the plane."""
    values, vectors = np.linalg.eigh(plane.project_covariances(covariances))
    half = (vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    return (half @ CIRCLE).transpose(0, 2, 1)
