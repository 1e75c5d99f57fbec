"""From a table to what is clustered: which columns, what their gaps call for, and the numbers that come of it.

No Streamlit here: what cannot be used raises `ValueError` with the sentence to show.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from clustering import State, impute
from clustering.points import LARGEST
from pages.datasets.columns import MOST_CATEGORIES, Column, in_words, is_number, numbers_of
from pages.datasets.data import Data
from pages.datasets.limits import MOST_CELLS, MOST_COLUMNS, MOST_ROWS_FOR_PPCA

LARGEST_NUMBER = LARGEST / 1e6
"""so that what is drawn around the points can be squared, too"""
MOST_PRESELECTED = 50
MOST_COMPONENTS = 10
TOO_MANY_FOR_PPCA = (
    f"Probabilistic PCA is offered for at most {MOST_ROWS_FOR_PPCA:,} rows: leave rows out, or fill with the median."
)
LABEL_NAMES = {"label", "labels", "class", "species", "target", "cluster", "group", "category", "type"}
GAPS = {"drop": "Drop rows", "median": "Impute median", "ppca": "Impute with probabilistic PCA"}
SCALINGS = {"none": "None", "standardize": "Standardize", "range": "Range 0–1", "robust": "Robust"}
SCALED = {"none": "", "standardize": " (standardized)", "range": " (0–1)", "robust": " (robust)"}
SCALING_TEXTS = {
    "none": "As measured: right when all columns share a unit.",
    "standardize": "Mean 0, standard deviation 1: every column counts alike.",
    "range": "Smallest value 0, largest 1: simple, but one outlier squeezes all the rest.",
    "robust": "Median 0, interquartile range 1: outliers have no say in it.",
}


@dataclass(frozen=True)
class Preparation:
    """How the rows of a table become points."""

    columns: tuple[str, ...]
    label: str | None = None
    names: str | None = None
    as_categories: tuple[str, ...] = ()
    """columns of numbers that are codes"""
    gaps: str = "drop"
    components: int = 2
    """of the probabilistic PCA"""
    scaling: str = "none"


def sensible(columns: list[Column]) -> Preparation:
    """What to begin with: all columns of numbers but one that is named like a label, which becomes the known groups."""
    groups = [c for c in columns if c.distinct <= MOST_CATEGORIES and c.kind in ("category", "number")]
    label = next((c.name for c in groups if c.name.lower() in LABEL_NAMES), None)
    numbers = [c.name for c in columns if c.kind == "number" and c.name != label]
    chosen = numbers or [c.name for c in columns if c.kind in ("date", "category") and c.name != label]
    most = max((c.distinct for c in columns), default=0)
    named = [c.name for c in columns if c.kind in ("text", "identifier") and c.distinct == most]
    texts = {c.name for c in columns if c.kind == "text"}
    return Preparation(
        tuple(chosen[:MOST_PRESELECTED]), label, next((name for name in named if name in texts), (named or [None])[0])
    )


@dataclass(frozen=True, eq=False)
class Gathered:
    """The chosen columns of a table as arrays, before their gaps are dealt with."""

    numbers: np.ndarray
    """(n, p) floats, NaN for gaps"""
    codes: np.ndarray
    """(n, q) numbers of the categories, -1 for gaps"""
    number_names: tuple[str, ...]
    category_names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    """the categories of each of the q columns, in the order of their numbers"""

    @property
    def cells(self) -> int:
        """How many numbers it holds."""
        return self.numbers.size + self.codes.size

    @cached_property
    def gaps(self) -> np.ndarray:
        """(n,) how many gaps each row has"""
        return np.isnan(self.numbers).sum(axis=1) + (self.codes < 0).sum(axis=1)


def gather(table: pd.DataFrame, how: Preparation) -> Gathered:
    """The columns that `how` names.

    Raises
    ------
    ValueError
        If no column is chosen, one has no value at all or one too large to be squared, or a category has more than
        `MOST_CATEGORIES` values.
    """
    if not how.columns:
        raise ValueError("Choose at least one column to cluster by.")
    numbers, codes, values, names, category_names = [], [], [], [], []
    for name in how.columns:
        cells = table[name]
        numeric = is_number(cells)
        if (numeric and name not in how.as_categories) or pd.api.types.is_datetime64_any_dtype(cells):
            column = numbers_of(cells)
            largest = np.fmax.reduce(np.abs(column), initial=-1.0)
            if largest > LARGEST_NUMBER:
                raise ValueError(
                    f"Column {name} holds numbers as large as {largest:g}, and their squares cannot be computed: divide it by "
                    "a constant, or leave it out."
                )
            present = largest >= 0
            numbers.append(column)
            names.append(name)
        else:
            column, categories = pd.factorize(
                cells.replace([np.inf, -np.inf], np.nan) if numeric else _comparable(cells), sort=numeric
            )
            if len(categories) > MOST_CATEGORIES:
                raise ValueError(
                    f"Column {name} has {len(categories):,} different values, and a category may have {MOST_CATEGORIES}: "
                    "leave it out."
                )
            present = len(categories) > 0
            codes.append(column)
            values.append(tuple(map(in_words, categories)))
            category_names.append(name)
        if not present:
            raise ValueError(f"Column {name} has no value in any row: leave it out.")
    n = len(table)
    return Gathered(
        np.column_stack(numbers) if numbers else np.empty((n, 0)),
        np.column_stack(codes) if codes else np.empty((n, 0), dtype=np.intp),
        tuple(names),
        tuple(category_names),
        tuple(values),
    )


def _comparable(cells: pd.Series) -> pd.Series:
    """The column with values of any type, of which some cannot be sorted and some print alike, as text."""
    return cells.map(str, na_action="ignore") if cells.dtype == object else cells


def consequences(gathered: Gathered) -> dict[str, str]:
    """What each way of dealing with gaps would do, in a sentence; empty if there are no gaps."""
    gaps = gathered.gaps
    rows, cells, n = int((gaps > 0).sum()), int(gaps.sum()), len(gaps)
    if not rows:
        return {}
    d = gathered.numbers.shape[1] + gathered.codes.shape[1]
    which = f"Fills {cells:,} {'cell' if cells == 1 else 'cells'} in {rows:,} of {n:,} rows"
    blank = int((gaps == d).sum())
    lost = (
        f" {blank:,} of these rows {'has' if blank == 1 else 'have'} no value at all, so nothing is known of "
        f"{'it' if blank == 1 else 'them'}."
        if blank and d > 1
        else ""
    )
    likely = "what the row's other columns make likely, each with its uncertainty"
    return {
        "drop": f"Leaves out {rows:,} of {n:,} rows and keeps {n - rows:,}.",
        "median": f"{which} with {_filling(gathered, 'the median of their column')}.{lost}",
        "ppca": TOO_MANY_FOR_PPCA if n > MOST_ROWS_FOR_PPCA else f"{which} with {_filling(gathered, likely)}.{lost}",
    }


def _filling(gathered: Gathered, by: str) -> str:
    """What fills the gaps, if `by` fills those of the numbers."""
    ways = [by] * bool(np.isnan(gathered.numbers).any()) + ["the commonest value"] * bool((gathered.codes < 0).any())
    return " or, in a category, ".join(ways)


def prepare(table: pd.DataFrame, title: str, how: Preparation, on_step: Callable[[State], None] | None = None) -> Data:
    """The points that come of the rows of a table; `on_step` sees the steps of probabilistic PCA.

    Numbers are scaled as `how.scaling` says; each category becomes one column of 0 and 1 per value, not scaled.

    Raises
    ------
    ValueError
        As `gather`; if fewer than two rows are left; or if probabilistic PCA is asked for where it cannot be had.
    """
    gathered = gather(table, how)
    whole = _left_whole(gathered) if how.gaps == "drop" or not gathered.gaps.any() else _filled(gathered, how, on_step)
    shift, scale = scaling_of(whole.numbers, how.scaling)
    numbers = (whole.numbers - shift) / scale if how.scaling != "none" else whole.numbers
    names = [f"{name}{SCALED[how.scaling]}" for name in gathered.number_names]
    sizes = [1] * len(names)
    dummies = []
    for name, codes, categories in zip(gathered.category_names, whole.codes.T, gathered.values, strict=True):
        dummies.append(codes[:, None] == np.arange(len(categories)))
        names += [f"{name} = {value}" for value in categories]
        sizes.append(len(categories))
    check_width(len(numbers), sum(sizes))
    points = np.ascontiguousarray(np.column_stack([numbers, *dummies]))
    filled = deviations = None
    if whole.gaps is not None:
        filled = np.repeat(whole.gaps, sizes, axis=1)
        if whole.deviations is not None:
            deviations = np.zeros(points.shape)
            deviations[:, : numbers.shape[1]] = whole.deviations / scale
    labels = None
    if how.label is not None:
        labels = pd.factorize(_comparable(table[how.label]), sort=True)[0][whole.rows]
    called = None
    if how.names is not None:
        cells = table[how.names].iloc[whole.rows]
        called = np.where(cells.isna(), "", cells.astype(object).map(in_words))
    note = whole.note
    if dummies:
        columns = sum(sizes[numbers.shape[1] :])
        note += f" Categories became {columns} columns of 0 and 1; K-medoids also has Gower's dissimilarity."
    data = Data(
        key="",
        title=title,
        columns=_different(names),
        points=points,
        labels=labels,
        label_name=how.label or "",
        note=note.strip(),
        rows=whole.rows + 1,
        names=called,
        filled=filled,
        deviations=deviations,
        mixed=(whole.numbers, whole.codes) if gathered.values else None,
    )
    return replace(data, key=_digest(data))


@dataclass(frozen=True, eq=False)
class _Whole:
    """The chosen columns when their gaps have been dealt with."""

    numbers: np.ndarray
    codes: np.ndarray
    rows: np.ndarray
    """which rows of the table are left"""
    note: str
    gaps: np.ndarray | None = None
    """(n, p + q) which values have been filled"""
    deviations: np.ndarray | None = None
    """(n, p) how uncertain they are"""


def _left_whole(gathered: Gathered) -> _Whole:
    n = len(gathered.numbers)
    rows = np.flatnonzero(gathered.gaps == 0)
    if len(rows) < 2:
        few = "Only one row has" if len(rows) else "No row has"
        raise ValueError(
            f"{few} a value in every chosen column, and groups need at least two: fill the gaps, or choose fewer columns."
        )
    if len(rows) == n:
        return _Whole(gathered.numbers, gathered.codes, rows, "")
    note = f"{n - len(rows):,} of {n:,} rows have a gap or an infinity and are left out."
    return _Whole(gathered.numbers[rows], gathered.codes[rows], rows, note)


def _filled(gathered: Gathered, how: Preparation, on_step) -> _Whole:
    missing = np.isnan(gathered.numbers)
    numbers, deviations = _fill(gathered.numbers, missing, how, on_step)
    codes = gathered.codes.copy()
    for column, values in zip(codes.T, gathered.values, strict=True):
        column[column < 0] = np.bincount(column[column >= 0], minlength=len(values)).argmax()
    by = _filling(gathered, {"median": "the median of their column", "ppca": "probabilistic PCA"}[how.gaps])
    n, cells, rows = len(codes), int(gathered.gaps.sum()), int((gathered.gaps > 0).sum())
    note = f"{cells:,} gap{'s' * (cells > 1)} in {rows:,} of {n:,} rows {'are' if cells > 1 else 'is'} filled by {by}."
    return _Whole(numbers, codes, np.arange(n), note, np.column_stack([missing, gathered.codes < 0]), deviations)


def _different(names: list[str]) -> tuple[str, ...]:
    """The names, those that come again with a number."""
    told: list[str] = []
    for name in names:
        other, again = name, 2
        while other in told:
            other, again = f"{name} ({again})", again + 1
        told.append(other)
    return tuple(told)


def _digest(data: Data) -> str:
    """A key that differs whenever anything does that a picture or a run depends on."""
    digest = hashlib.sha256()
    for part in (data.points, data.rows, data.labels, data.names, data.filled, data.deviations, *(data.mixed or ())):
        if part is not None and part.dtype == object:
            part = np.frombuffer(repr(part.tolist()).encode(), dtype=np.uint8)
        digest.update(b"none" if part is None else repr((part.shape, part.dtype)).encode())
        digest.update(b"" if part is None else np.ascontiguousarray(part))
    return f"table/{digest.hexdigest()[:24]}/{(data.title, data.columns, data.label_name, data.note)}"


def _fill(numbers, missing, how: Preparation, on_step) -> tuple[np.ndarray, np.ndarray | None]:
    """The numbers without gaps, and the standard deviations of what was filled, where these are known."""
    if not missing.any():
        return numbers, None
    if how.gaps == "median":
        return np.where(missing, np.nanmedian(numbers, axis=0), numbers), None
    n, p = numbers.shape
    if p < 2:
        raise ValueError(
            "Probabilistic PCA fills a gap from the row's other columns, and there is only one column of numbers: "
            "choose more columns, or fill with the median."
        )
    if n > MOST_ROWS_FOR_PPCA:
        raise ValueError(TOO_MANY_FOR_PPCA)
    # its noise is alike in all columns, so these are first given one scale
    shift, scale = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
    scale[~(scale > 0)] = 1.0
    components = min(how.components, p - 1, MOST_COMPONENTS)
    done = impute((numbers - shift) / scale, components, on_step=on_step)
    return np.where(missing, done.points * scale + shift, numbers), done.deviations * scale


def scaling_of(numbers: np.ndarray, scaling: str) -> tuple[np.ndarray, np.ndarray]:
    """(p,) what is subtracted from each column and (p,) what it is then divided by."""
    d = numbers.shape[1]
    if scaling == "none":
        return np.zeros(d), np.ones(d)
    low, extent = numbers.min(axis=0), np.ptp(numbers, axis=0)
    varies = extent > 0  # exact, where a mean or a deviation of equal numbers may be a rounding error off
    extent = np.where(varies, extent, 1.0)

    def deviation():
        return ((numbers - low) / extent).std(axis=0) * extent

    if scaling == "standardize":
        shift, scale = numbers.mean(axis=0), deviation()
    elif scaling == "range":
        shift, scale = low, extent
    else:
        first, shift, third = np.quantile(numbers, [0.25, 0.5, 0.75], axis=0)
        scale = third - first
        if not (scale > 0).all():  # half of a column's values are alike
            scale = np.where(scale > 0, scale, deviation())
    return np.where(varies, shift, low), np.where(varies & (scale > 0), scale, 1.0)


def outweighing(data: Data) -> str:
    """A warning where one column makes up nearly all of the squared distances between points; else empty."""
    varies = np.ptp(data.points, axis=0) > 0
    if data.same_units or varies.sum() < 2:
        return ""
    variances = np.where(varies, data.points.var(axis=0), 0.0)
    if not variances.sum() > 0:
        return ""
    shares = variances / variances.sum()
    j = int(shares.argmax())
    if shares[j] < 0.9:
        return ""
    return (
        f"{data.columns[j]} makes up {min(shares[j], 0.999):.1%} of the squared distances between rows, so the clusters will "
        "follow it almost alone. Scale the columns if that is not what you mean."
    )


def check_width(rows: int, columns: int) -> None:
    """ValueError if points of so many columns, categories spread out, are more than can be worked on."""
    if columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
        raise ValueError(
            f"These are {rows:,} rows of {columns:,} columns, where each category is one, and at most {MOST_COLUMNS:,} "
            f"columns and {MOST_CELLS:,} numbers fit: choose fewer columns."
        )


def components_to_offer(gathered: Gathered) -> int:
    """The largest number of components that probabilistic PCA can have here; 0 if there is nothing that it could fill."""
    return min(gathered.numbers.shape[1] - 1, MOST_COMPONENTS) if np.isnan(gathered.numbers).any() else 0
