"""What has been published about the bundled data, to be shown next to what is found here."""

from dataclasses import dataclass

import numpy as np

from pages.datasets.catalog import read_table
from pages.datasets.data import Data
from pages.runs.run import Settings


@dataclass(frozen=True)
class Published:
    """Of many runs of K-means from one way of starting."""

    index: str
    """mean centroid index to the truth"""
    right: str | None = None
    """share of runs that find all groups"""


SOURCE = "Fränti & Sieranoja 2019, Pattern Recognition 93, 95–112"
LEAST_LOSS = 8.91762e12
STARTS_ON_S1 = {
    "random": Published("1.8–1.95", "3%"),
    "plain k-means++": Published("0.94"),
    "maxmin": Published("0.7"),
}


def published_starts(data: Data, settings: Settings) -> dict[str, Published]:
    """By way of starting, what is known of K-means with these settings on these data; empty where nothing is."""
    if settings.algorithm != "kmeans" or settings.k != 15 or data.points.shape != (5_000, 2):
        return {}
    return STARTS_ON_S1 if np.array_equal(data.points, read_table("s1").iloc[:, :2].to_numpy()) else {}
