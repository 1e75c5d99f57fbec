"""New rows: a second table with the columns of a model, assigned to its segments and compared with the old rows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from pages.datasets.cleaning import MAX_NUMBER
from pages.datasets.columns import is_number, to_floats, value_text
from pages.runs.model import Feature, Model

SMALLEST_SHIFT = 0.2
"""smallest change of a mean, in standard deviations, that counts as drift"""
SMALLEST_CHANGE = 0.05
"""smallest change of a share that counts as drift"""
ERRORS = 3.0
"""number of standard errors that a drift must exceed"""
SMALLEST_SHARE = 1e-4
"""shares below count as this one in the population stability index, which is infinite for a share of 0"""
LISTED = 5
"""number of columns that a reason or message lists"""


@dataclass(frozen=True)
class Drift:
    """How a column of new rows differs from that of the old rows."""

    feature: Feature
    category: str
    """category whose share has changed most; empty for numbers and dates"""
    old: float
    """old mean, or share of the category"""
    new: float
    """new mean, or share of the category; NaN without values"""
    change: float
    """change in the mean in old standard deviations, or in the share"""
    missing: float
    """share of missing values among the new rows"""
    stability: float
    """population stability index: sum over bins or categories of (new - old) ln(new / old), of their shares; 0 if equal"""
    is_clear: bool
    """whether the change is large, and larger than chance explains"""

    @property
    def change_text(self) -> str:
        """The change with its sign and unit."""
        if np.isnan(self.change):
            return "–"
        return points_text(self.change) if self.category else f"{self.change:+z.2f} SD".replace("-", "−")

    @property
    def sentence(self) -> str:
        """Such as "Age has risen from 41.2 to 47.9 (0.60 SD)."."""
        old, new = self.feature.text(self.old), self.feature.text(self.new)
        if self.category:
            change = "risen" if self.change > 0 else "fallen"
            return f"The share of {self.feature.name} = {self.category} has {change} from {old} to {new}."
        if self.feature.kind == "date":
            change = "later" if self.change > 0 else "earlier"
            return f"{self.feature.name} is {change}: {new} instead of {old} on average ({abs(self.change):.2f} SD)."
        change = "risen" if self.change > 0 else "fallen"
        return f"{self.feature.name} has {change} from {old} to {new} on average ({abs(self.change):.2f} SD)."


@dataclass(frozen=True, eq=False)
class NewRows:
    """A new table with the segments of its rows."""

    model: Model
    table: pd.DataFrame
    """all rows and columns"""
    labels: np.ndarray
    """(m,) segment of each row; -1 if it is left out"""
    distances: np.ndarray
    """(m,) distance to the segment; NaN if it is left out"""
    reasons: np.ndarray
    """(m,) why each row is left out; empty strings for the others"""
    values: tuple[np.ndarray, ...]
    """for each feature (m,) numbers, NaN for missing values, or codes: -1 for missing and -2 for unknown categories"""

    @property
    def n_values(self) -> int:
        """Number of values in the table."""
        return self.table.size

    @cached_property
    def unlike(self) -> np.ndarray:
        """(m,) whether each row is unlike all segments: farther from its own than 99% of the old rows."""
        return self.distances > self.model.limit  # false for NaN

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) number of new rows in each segment."""
        return np.bincount(self.labels[self.labels >= 0], minlength=self.model.k)

    @cached_property
    def left_out(self) -> list[tuple[str, int]]:
        """Each reason and the number of rows that are left out for it, the most frequent first."""
        reasons, counts = np.unique(self.reasons[self.labels < 0], return_counts=True)
        return [(str(reasons[i]), int(counts[i])) for i in np.argsort(-counts, kind="stable")]

    @cached_property
    def drifts(self) -> list[Drift]:
        """The drift of each feature, clear ones first, then by population stability index."""
        found = []
        for feature, values in zip(self.model.features, self.values, strict=True):
            # without imputation, all old rows have a value
            share = 1.0 if feature.fill is None else 1 - feature.missing
            found.append(_drift(feature, values, max(1.0, share * self.model.n)))
        return sorted(found, key=lambda drift: (not drift.is_clear, -drift.stability))

    @cached_property
    def result(self) -> pd.DataFrame:
        """The table with the segment of each row, its distance, whether it is unlike all, and why it is left out."""
        names = np.array([*self.model.names, ""], dtype=object)
        added = {
            "segment": names[self.labels],
            "distance to segment": self.distances,
            "unlike all segments": np.where(self.labels < 0, "", np.where(self.unlike, "yes", "no")),
            "left out because": self.reasons,
        }
        taken = set(self.table.columns)
        columns = {(name if name not in taken else f"{name} (new rows)"): values for name, values in added.items()}
        return self.table.assign(**columns)


def assign(model: Model, table: pd.DataFrame) -> NewRows:
    """Assign the rows of a table to the segments of a model.

    Columns that the model does not use are ignored. Rows are left out if they lack a value that the model does not impute, or
    have a category that is unknown to it.

    Raises
    ------
    ValueError
        If a column of the model is missing in the table or holds something else there.
    """
    absent = [feature.name for feature in model.features if feature.name not in table.columns]
    if absent:
        more = f" and {len(absent) - LISTED:,} more" if len(absent) > LISTED else ""
        word = "column" if len(absent) == 1 else "columns"
        raise ValueError(f"This table lacks the {word} {', '.join(absent[:LISTED])}{more}, by which the rows were clustered.")
    m = len(table)
    reasons = np.full(m, "", dtype=object)
    values = tuple(_values(feature, table[feature.name], reasons, model.ignore_case) for feature in model.features)
    numbers = np.column_stack([np.empty((m, 0)), *(one for one in values if one.dtype.kind == "f")])
    codes = np.column_stack([np.empty((m, 0), np.intp), *(one for one in values if one.dtype.kind == "i")])
    if model.missing == "drop":
        gaps = np.column_stack([np.isnan(numbers), codes == -1])
        names = np.array([feature.name for feature in model.features], dtype=object)
        for i in np.flatnonzero(gaps.any(axis=1) & (reasons == "")):
            missing = names[gaps[i]]
            reasons[i] = f"no value in {', '.join(missing[:LISTED])}" + " and others" * (len(missing) > LISTED)
    else:
        filled = numbers if model.imputation is None else model.imputation.complete(numbers)
        numbers = np.where(np.isnan(filled), [feature.fill for feature in model.numbers], filled)
        codes = np.where(codes == -1, np.array([feature.fill for feature in model.categorical], dtype=np.intp), codes)
    labels, distances = np.full(m, -1), np.full(m, np.nan)
    rows = np.flatnonzero(reasons == "")
    if rows.size:
        data = model.encode(numbers[rows], codes[rows])
        small = np.abs(data.points).max(axis=1, initial=0.0) <= MAX_NUMBER
        reasons[rows[~small]] = "a number is too far from all old ones"
        rows, data = rows[small], model.encode(numbers[rows[small]], codes[rows[small]])
    if rows.size:
        placement = model.place(data)
        defined = ~np.isnan(placement.distances)
        labels[rows[defined]] = placement.labels[defined]
        distances[rows] = placement.distances
        reasons[rows[~defined]] = "its distance to the segments is undefined"
        reasons[rows[defined & (placement.labels < 0)]] = "noise: in no segment by the rule of the method"
    return NewRows(model, table, labels, distances, reasons, values)


def _values(feature: Feature, cells: pd.Series, reasons: np.ndarray, ignore_case: bool) -> np.ndarray:
    """(m,) numbers or codes as in `NewRows.values`; adds reasons for rows whose category is unknown or number too large."""
    if feature.kind == "category":
        return _codes(feature, cells, reasons, ignore_case)
    is_date = pd.api.types.is_datetime64_any_dtype(cells)
    if not (is_date or is_number(cells)) or (is_date != (feature.kind == "date") and cells.notna().any()):
        found = "dates" if is_date else "numbers" if is_number(cells) else "text"
        raise ValueError(
            f"Column {feature.name} held {feature.kind}s when the rows were clustered, but holds {found} in this table: check "
            "how the file is written."
        )
    numbers = to_floats(cells)
    reasons[np.abs(numbers) > MAX_NUMBER] = f"too large a number in {feature.name}"
    return numbers


def _codes(feature: Feature, cells: pd.Series, reasons: np.ndarray, ignore_case: bool) -> np.ndarray:
    known = {category: code for code, category in enumerate(feature.categories)}
    if is_number(cells):
        cells = cells.replace([np.inf, -np.inf], np.nan)
    codes, values = pd.factorize(cells)
    of_value = np.full(len(values) + 1, -1)  # the extra entry is for code -1
    texts = [value_text(value) for value in values]
    if ignore_case:
        known = {category.casefold(): code for category, code in known.items()}
    for i, text in enumerate(texts):
        of_value[i] = known.get(text.casefold() if ignore_case else text, -2)
    found = of_value[codes]
    for i in np.flatnonzero((found == -2) & (reasons == "")):
        reasons[i] = f"unknown category “{texts[codes[i]]}” in {feature.name}"
    return found


def points_text(change: float) -> str:
    """The change of a share in percentage points, with its sign."""
    return f"{round(100 * change):+d} points".replace("-", "−").replace("+0 ", "0 ")


def _drift(feature: Feature, values: np.ndarray, n_old: float) -> Drift:
    """The drift of a column; `n_old` is the number of old rows with a value."""
    if feature.kind != "category":
        present = values[~np.isnan(values)]
        missing = 1 - len(present) / len(values)
        if not present.size:
            return Drift(feature, "", feature.mean, np.nan, np.nan, missing, 0.0, False)
        new = float(present.mean())
        change = (new - feature.mean) / feature.deviation if feature.deviation > 0 else 0.0
        error = np.sqrt(1 / n_old + 1 / len(present))
        counts = np.bincount(np.searchsorted(feature.edges, present, side="right"), minlength=len(feature.shares))
        stability = _stability(np.array(feature.shares), counts / len(present))
        return Drift(
            feature, "", feature.mean, new, change, missing, stability, abs(change) >= max(SMALLEST_SHIFT, ERRORS * error)
        )
    present = values[values != -1]
    missing = 1 - len(present) / len(values)
    if not present.size:
        return Drift(feature, feature.categories[0], feature.shares[0], np.nan, np.nan, missing, 0.0, False)
    # the last share is that of unknown categories
    old = np.append(feature.shares, 0.0)
    counts = np.bincount(np.where(present < 0, len(feature.categories), present), minlength=len(old))
    new = counts / len(present)
    i = int(np.abs(new - old).argmax())
    pooled = (old[i] * n_old + counts[i]) / (n_old + len(present))
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_old + 1 / len(present)))
    change = float(new[i] - old[i])
    return Drift(
        feature,
        [*feature.categories, "any unknown category"][i],
        float(old[i]),
        float(new[i]),
        change,
        missing,
        _stability(old, new),
        abs(change) >= max(SMALLEST_CHANGE, ERRORS * error),
    )


def _stability(old: np.ndarray, new: np.ndarray) -> float:
    """Population stability index of two distributions, the Jeffreys divergence in nats (Siddiqi 2006, ISBN 9780471754510)."""
    old, new = np.maximum(old, SMALLEST_SHARE), np.maximum(new, SMALLEST_SHARE)
    return float(((new - old) * np.log(new / old)).sum())
