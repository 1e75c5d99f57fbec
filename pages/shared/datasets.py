"""The data sets that a person can choose: samples with their settings, bundled tables, and a CSV of their own.

No Streamlit here: bad input raises `ValueError` with the sentence to show.
"""

import hashlib
import inspect
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from clustering import sampling
from clustering.gaussians import Gaussians

FOLDER = Path(__file__).resolve().parents[1] / "data"


@dataclass(frozen=True, eq=False)
class Data:
    """What is clustered."""

    key: str
    """differs whenever anything else here differs"""
    title: str
    columns: tuple[str, ...]
    """names of the d columns"""
    points: np.ndarray
    """(n, d)"""
    labels: np.ndarray | None = None
    """(n,) the known group of each point, integers; -1 for none; never used for clustering"""
    label_name: str = ""
    truth: Gaussians | None = None
    """the mixture that the points were drawn from"""
    same_units: bool = False
    """whether all columns are measured alike, so that a picture shows them at one scale"""
    note: str = ""
    """what was left out, in a sentence"""
    rows: np.ndarray = field(default=None)
    """(n,) row of each point in the table it came from, counted from one"""

    def __post_init__(self):
        if self.rows is None:
            object.__setattr__(self, "rows", np.arange(1, len(self.points) + 1))

    @property
    def groups(self) -> int:
        """number of known groups, 0 if none are known"""
        return 0 if self.labels is None else len(np.unique(self.labels[self.labels >= 0]))

    def sample(self, n: int) -> "Data":
        """n of these points, always the same ones."""
        chosen = np.sort(np.random.default_rng(0).choice(len(self.points), n, replace=False))
        return replace(
            self,
            key=f"{self.key}/{n}",
            points=self.points[chosen],
            labels=None if self.labels is None else self.labels[chosen],
            rows=self.rows[chosen],
        )


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
        (Setting("side", "Groups per side", 1, 6, 1), Setting("distance", "Distance", 2.0, 12.0, 0.5)),
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
}


def draw_sample(name: str, n: int, seed: int, values: dict) -> Data:
    """n points of the sample `name` with these values of its settings."""
    sample = SAMPLES[name]
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


def read_csv(content: bytes) -> pd.DataFrame:
    """The table in an uploaded CSV: separator comma, semicolon or tab, found from its first line.

    Raises
    ------
    ValueError
        If it is empty, not text in UTF-8 or Latin-1, has no rows below its header, or cannot be split into columns.
    """
    if not content.strip():
        raise ValueError("This file is empty: choose a CSV file with a header and one row per point.")
    if b"\0" in content[:4096]:
        raise ValueError("This file is not text: save the table as CSV (UTF-8) and upload it again.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    header = text.lstrip().splitlines()[0]
    separator = max(",;\t", key=header.count)
    try:
        readings = [
            pd.read_csv(io.StringIO(text), sep=separator, decimal=decimal) for decimal in ".,"[: 1 + (separator != ",")]
        ]
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        reason = str(fault).splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        raise ValueError(
            f"This file could not be read as a table: {reason}. Every row needs the same number of cells."
        ) from None
    table = max(readings, key=lambda reading: len(numeric_columns(reading)))
    if table.empty:
        raise ValueError("This file has a header but no rows: it needs one row per point.")
    table.columns = [str(column).strip() for column in table.columns]
    return table


def numeric_columns(table: pd.DataFrame) -> list[str]:
    """Names of the columns that hold numbers only (and gaps)."""
    return [c for c in table.columns if pd.api.types.is_numeric_dtype(table[c]) and not pd.api.types.is_bool_dtype(table[c])]


def spoilt_columns(table: pd.DataFrame) -> list[tuple[str, int, str]]:
    """Columns that are numbers but for a few cells: name, row of the first such cell counted from one, and what it holds."""
    spoilt = []
    for column in table.columns:
        cells = table[column].dropna()
        if len(cells) and not pd.api.types.is_numeric_dtype(cells):
            wrong = pd.to_numeric(cells, errors="coerce").isna()
            if 0 < wrong.mean() < 0.5:
                row = wrong.idxmax()
                spoilt.append((column, int(row) + 1, str(cells[row])))
    return spoilt


def from_table(
    table: pd.DataFrame, title: str, columns: list[str], label: str | None = None, standardise: bool = False
) -> Data:
    """The chosen columns of a table; rows with a gap or an infinity in one of them are left out, and counted in the note.

    With `standardise`, each column is given mean 0 and standard deviation 1 (a constant one becomes 0).

    Raises
    ------
    ValueError
        If no column is chosen or no row is left.
    """
    if not columns:
        raise ValueError("Choose at least one column of numbers to cluster by.")
    points = table[columns].to_numpy(dtype=float)
    whole = np.isfinite(points).all(axis=1)
    if not whole.any():
        raise ValueError("No row has a number in every chosen column: choose other columns.")
    left_out = int(len(table) - whole.sum())
    labels = None
    if label is not None:
        labels = pd.factorize(table[label], sort=True)[0][whole]
    points = points[whole]
    names = tuple(columns)
    if standardise:
        spread = points.std(axis=0)
        points = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        names = tuple(f"{name} (standardised)" for name in names)
    digest = hashlib.sha256(np.ascontiguousarray(points)).hexdigest()[:16]
    return Data(
        key=f"table/{digest}/{names}/{label}",
        title=title,
        columns=names,
        points=points,
        labels=labels,
        label_name=label or "",
        note=f"{left_out} of {len(table)} rows have a gap or an infinity and are left out." if left_out else "",
        rows=np.flatnonzero(whole) + 1,
    )
