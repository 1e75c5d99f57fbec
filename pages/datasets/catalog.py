"""The data sets of the app: simulated samples with their parameters, and bundled tables.

Sources of the tables: Azzalini & Bowman 1990 (Old Faithful), doi:10.2307/2347385; Fisher 1936 (iris),
doi:10.1111/j.1469-1809.1936.tb02137.x; Gorman, Williams & Fraser 2014 (penguins), doi:10.1371/journal.pone.0090081; Ruspini
1970, doi:10.1016/S0020-0255(70)80056-1; Fränti & Virmajoki 2006 (S1), doi:10.1016/j.patcog.2005.09.012; Gionis, Mannila &
Tsaparas 2007 (Aggregation), doi:10.1145/1217299.1217303; Jain & Law 2005, doi:10.1007/11590316_1. The number words were
compiled for this app.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from clustering import sampling
from pages.datasets.data import Data
from pages.datasets.limits import MAX_SAMPLE_VALUES

FOLDER = Path(__file__).resolve().parent / "tables"


@dataclass(frozen=True)
class Setting:
    """A numeric parameter of a sample."""

    name: str
    """argument of `Sample.function`"""
    label: str
    low: float
    high: float
    step: float


@dataclass(frozen=True)
class Sample:
    """A simulated data set."""

    title: str
    text: str
    function: Callable[..., sampling.Dataset]
    settings: tuple[Setting, ...] = ()

    def default(self, setting: Setting):
        """Default value of this parameter, from the signature of `function`."""
        return inspect.signature(self.function).parameters[setting.name].default


DIMENSIONS = Setting("d", "Dimensions", 1, 10, 1)
AT_LEAST_TWO = replace(DIMENSIONS, low=2)
SAMPLES = {
    "three": Sample("Three Gaussians", "Unit variance; mixing weights 0.5, 0.3 and 0.2.", sampling.three_gaussians),
    "round": Sample(
        "Round groups",
        "Equal size and spread: the ideal case for K-means.",
        sampling.round_groups,
        (Setting("k", "Groups", 1, 12, 1), Setting("distance", "Distance", 1.0, 12.0, 0.5), DIMENSIONS),
    ),
    "sizes": Sample(
        "Unequal sizes",
        "One large, one medium and one small group.",
        sampling.unequal_sizes,
        (Setting("ratio", "Size ratio", 1.0, 100.0, 1.0), DIMENSIONS),
    ),
    "spreads": Sample(
        "Unequal spreads",
        "One wide group and several narrow ones.",
        sampling.unequal_spreads,
        (Setting("ratio", "Spread ratio", 1.0, 20.0, 0.5), DIMENSIONS),
    ),
    "stretched": Sample(
        "Stretched groups",
        "Long, parallel groups; K-means cuts across them.",
        sampling.stretched,
        (Setting("ratio", "Aspect ratio", 1.0, 12.0, 0.5), AT_LEAST_TWO),
    ),
    "overlap": Sample(
        "Overlapping groups",
        "Strong overlap.",
        sampling.overlapping,
        (Setting("distance", "Distance", 0.5, 5.0, 0.25), DIMENSIONS),
    ),
    "moons": Sample("Two moons", "Crescent-shaped groups.", sampling.two_moons, (Setting("noise", "Noise", 0.0, 0.4, 0.02),)),
    "rings": Sample(
        "Rings",
        "One group inside the other.",
        sampling.rings,
        (Setting("k", "Rings", 1, 5, 1), Setting("noise", "Noise", 0.0, 0.5, 0.02)),
    ),
    "outliers": Sample(
        "With outliers",
        "Three groups and points that belong to none.",
        sampling.with_outliers,
        (Setting("share", "Fraction of outliers", 0.0, 0.3, 0.01), DIMENSIONS),
    ),
    "grid": Sample(
        "Many groups on a grid",
        "Random starts often miss a group.",
        sampling.grid,
        (
            Setting("side", "Groups per side", 1, 6, 1),
            Setting("distance", "Distance", 2.0, 12.0, 0.5),
            replace(DIMENSIONS, high=3),
        ),
    ),
    "noise": Sample(
        "Hidden in noise columns",
        "Three groups in two columns; the other columns are noise.",
        sampling.hidden_in_noise,
        (Setting("noise", "Noise columns", 0, 400, 20), Setting("distance", "Distance", 1.0, 12.0, 0.5)),
    ),
    "deformed": Sample(
        "Deformed groups",
        "Three groups in a row; the Breaking points page varies one setting.",
        sampling.deformed_groups,
        (
            Setting("stretch", "Stretch", 1.0, 12.0, 0.5),
            Setting("size_ratio", "Size ratio", 1.0, 64.0, 1.0),
            Setting("spread_ratio", "Spread ratio", 1.0, 8.0, 0.5),
            Setting("distance", "Distance", 1.0, 12.0, 0.5),
            Setting("noise", "Fraction of noise", 0.0, 0.6, 0.05),
            replace(AT_LEAST_TWO, high=100),
        ),
    ),
    "uniform": Sample("Uniform noise", "No groups.", sampling.uniform, (DIMENSIONS,)),
}


@dataclass(frozen=True)
class Table:
    """A real data set that is bundled with the app."""

    title: str
    file: str
    text: str
    label: str | None = None
    """column of the true labels"""
    words: str | None = None
    """column of words to cluster by edit distance, instead of rows"""


TABLES = {
    "faithful": Table("Old Faithful", "faithful.csv", "272 eruptions: duration and waiting time (Azzalini & Bowman 1990)."),
    "iris": Table("Iris", "iris.csv", "150 flowers of three species (Fisher 1936).", "species"),
    "penguins": Table("Palmer penguins", "penguins.csv", "344 penguins of three species (Gorman et al. 2014).", "species"),
    "ruspini": Table("Ruspini", "ruspini.csv", "75 points in four groups (Ruspini 1970)."),
    "s1": Table("S1", "s1.csv", "5,000 points, fifteen Gaussian groups (Fränti & Virmajoki 2006).", "label"),
    "aggregation": Table(
        "Aggregation", "aggregation.csv", "788 points, seven groups, some of which touch (Gionis et al. 2007).", "label"
    ),
    "jain": Table("Jain", "jain.csv", "373 points, two crescents of unequal density (Jain & Law 2005).", "label"),
    "numbers": Table("Number words", "numbers.csv", "One to ten in eight languages, compared by edit distance.", words="word"),
}


def draw_sample(name: str, n: int, seed: int, values: dict) -> Data:
    """Draws n points of a sample.

    Parameters
    ----------
    name : key of `SAMPLES`
    n : number of points
    seed : random seed
    values : value of each parameter in `Sample.settings`

    Raises
    ------
    ValueError
        If the number of points times the number of columns exceeds `MAX_SAMPLE_VALUES`.
    """
    sample = SAMPLES[name]
    columns = sample.function(1, np.random.default_rng(0), **values).points.shape[1]
    if n * columns > MAX_SAMPLE_VALUES:
        raise ValueError(
            f"{n:,} points with {columns:,} columns exceed the limit of {MAX_SAMPLE_VALUES:,} values: choose at most "
            f"{MAX_SAMPLE_VALUES // columns:,} points, or fewer columns."
        )
    dataset = sample.function(n, np.random.default_rng(seed), **values)
    return Data(
        key=f"sample/{name}/{n}/{seed}/{sorted(values.items())}",
        title=sample.title,
        columns=tuple(f"x{i + 1}" for i in range(dataset.points.shape[1])),
        points=dataset.points,
        labels=dataset.labels,
        truth=dataset.truth,
        same_units=True,
    )


def read_table(name: str) -> pd.DataFrame:
    """Reads a bundled table."""
    return pd.read_csv(FOLDER / TABLES[name].file)
