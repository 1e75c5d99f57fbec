"""The data sets that come with the app: samples with their settings, and bundled tables."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from clustering import sampling
from pages.datasets.data import Data
from pages.datasets.limits import MOST_SAMPLED

FOLDER = Path(__file__).resolve().parent / "tables"


@dataclass(frozen=True)
class Setting:
    """A number that a sample can be changed by."""

    name: str
    """parameter of the function"""
    label: str
    low: float
    high: float
    step: float


@dataclass(frozen=True)
class Sample:
    title: str
    text: str
    function: Callable[..., sampling.Dataset]
    settings: tuple[Setting, ...] = ()

    def default(self, setting: Setting):
        """The function's own default."""
        return inspect.signature(self.function).parameters[setting.name].default


DIMENSIONS = Setting("d", "Dimensions", 1, 10, 1)
PLANE_OR_MORE = replace(DIMENSIONS, low=2)
SAMPLES = {
    "three": Sample("Three Gaussians", "Unit variance, weights 0.5, 0.3 and 0.2.", sampling.three_gaussians),
    "round": Sample(
        "Round groups",
        "Equal size and spread: the case that K-means is made for.",
        sampling.round_groups,
        (Setting("k", "Groups", 1, 12, 1), Setting("distance", "Distance", 1.0, 12.0, 0.5), DIMENSIONS),
    ),
    "sizes": Sample(
        "Unequal sizes",
        "One large, one middling and one small group.",
        sampling.unequal_sizes,
        (Setting("ratio", "Largest to smallest", 1.0, 100.0, 1.0), DIMENSIONS),
    ),
    "spreads": Sample(
        "Unequal spreads",
        "A wide group beside narrow ones.",
        sampling.unequal_spreads,
        (Setting("ratio", "Widest to narrowest", 1.0, 20.0, 0.5), DIMENSIONS),
    ),
    "stretched": Sample(
        "Stretched groups",
        "Parallel and long: K-means cuts across them.",
        sampling.stretched,
        (Setting("ratio", "Length to width", 1.0, 12.0, 0.5), PLANE_OR_MORE),
    ),
    "overlap": Sample(
        "Overlapping groups",
        "Many points could belong to either.",
        sampling.overlapping,
        (Setting("distance", "Distance", 0.5, 5.0, 0.25), DIMENSIONS),
    ),
    "moons": Sample("Two moons", "Bent groups.", sampling.two_moons, (Setting("noise", "Noise", 0.0, 0.4, 0.02),)),
    "rings": Sample(
        "Rings",
        "One group inside the other.",
        sampling.rings,
        (Setting("k", "Rings", 1, 5, 1), Setting("noise", "Noise", 0.0, 0.5, 0.02)),
    ),
    "outliers": Sample(
        "With outliers",
        "Three groups, and points that belong to none.",
        sampling.with_outliers,
        (Setting("share", "Share of outliers", 0.0, 0.3, 0.01), DIMENSIONS),
    ),
    "grid": Sample(
        "Many groups on a grid",
        "Where a random start rarely finds them all.",
        sampling.grid,
        (
            Setting("side", "Groups per side", 1, 6, 1),
            Setting("distance", "Distance", 2.0, 12.0, 0.5),
            replace(DIMENSIONS, high=3),
        ),
    ),
    "noise": Sample(
        "Hidden in noise columns",
        "Three groups in two columns, and many columns that say nothing.",
        sampling.hidden_in_noise,
        (Setting("noise", "Columns of noise", 0, 400, 20), Setting("distance", "Distance", 1.0, 12.0, 0.5)),
    ),
    "uniform": Sample("Uniform noise", "No groups at all.", sampling.uniform, (DIMENSIONS,)),
}


@dataclass(frozen=True)
class Table:
    """A real data set that comes with the app."""

    title: str
    file: str
    text: str
    label: str | None = None
    words: str | None = None
    """column whose spellings are compared, instead of clustering rows by columns"""


TABLES = {
    "faithful": Table("Old Faithful", "faithful.csv", "272 eruptions: length and waiting time (Azzalini & Bowman 1990)."),
    "iris": Table("Iris", "iris.csv", "150 flowers of three species (Fisher 1936).", "species"),
    "penguins": Table("Palmer penguins", "penguins.csv", "344 penguins of three species (Gorman et al. 2014).", "species"),
    "ruspini": Table("Ruspini", "ruspini.csv", "75 points in four groups (Ruspini 1970)."),
    "s1": Table("S1", "s1.csv", "5,000 points, fifteen Gaussian groups (Fränti & Virmajoki 2006).", "label"),
    "aggregation": Table(
        "Aggregation", "aggregation.csv", "788 points, seven shapes that touch (Gionis et al. 2007).", "label"
    ),
    "jain": Table("Jain", "jain.csv", "373 points, two crescents of unequal density (Jain & Law 2005).", "label"),
    "numbers": Table(
        "Number words", "numbers.csv", "One to ten in eight languages, compared by their spelling.", words="word"
    ),
}


def draw_sample(name: str, n: int, seed: int, values: dict) -> Data:
    """n points of the sample `name` with these values of its settings; ValueError if they are too many numbers."""
    sample = SAMPLES[name]
    columns = sample.function(1, np.random.default_rng(0), **values).points.shape[1]
    if n * columns > MOST_SAMPLED:
        raise ValueError(
            f"{n:,} points of {columns:,} columns are more than the {MOST_SAMPLED:,} numbers that a sample may have: choose "
            f"at most {MOST_SAMPLED // columns:,} points, or fewer columns."
        )
    dataset = sample.function(n, np.random.default_rng(seed), **values)
    return Data(
        key=f"sample/{name}/{n}/{seed}/{sorted(values.items())}",
        title=sample.title,
        columns=tuple(f"x{i + 1}" for i in range(dataset.points.shape[1])),
        points=dataset.points,
        labels=dataset.labels,
        label_name="group drawn from",
        truth=dataset.truth,
        same_units=True,
    )


def read_table(name: str) -> pd.DataFrame:
    """A bundled table."""
    return pd.read_csv(FOLDER / TABLES[name].file)
