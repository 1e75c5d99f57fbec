"""What sets segments apart: the columns of the original table by segment, ranked, and as sentences."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from clustering.profiles import cramers_v, eta_squared
from pages.datasets.columns import describe, is_number, to_floats, value_text
from pages.datasets.formatting import format_short, minus_signs
from pages.runs.segments import TRUE_LABEL, Segments

MIN_DIFFERENCE = 0.25
"""smallest standardized difference that a sentence mentions"""
MAX_PARTS = 3
"""number of differences in a sentence"""


@dataclass(frozen=True, eq=False)
class Variable:
    """A column of the original table, for the points of a run."""

    name: str
    kind: str
    """"number", "date" or "category\""""
    is_feature: bool
    """whether the points were clustered by it"""
    values: np.ndarray
    """(n,) numbers, days since 1970 for dates, NaN for missing values; codes of the categories, -1 for missing values"""
    categories: tuple[str, ...] = ()

    def text(self, value: float) -> str:
        """A value as text: three digits, or a date."""
        if np.isnan(value):
            return "–"
        if self.kind == "date":
            return str(np.datetime64(0, "D") + np.timedelta64(round(value), "D"))
        return minus_signs(format_short(value))

    def effect(self, labels: np.ndarray) -> float:
        """How far it sets the segments apart: η² of numbers and dates, Cramér's V of categories; both in 0..1."""
        return cramers_v(self.values, labels) if self.categories else float(eta_squared(self.values, labels))

    @property
    def indicators(self) -> np.ndarray:
        """(n, m) numbers or dates as one column, categories as one column of 0 and 1 each; NaN for missing values."""
        if not self.categories:
            return self.values[:, None]
        indicators = (self.values[:, None] == np.arange(len(self.categories))).astype(float)
        indicators[self.values < 0] = np.nan
        return indicators


@dataclass(frozen=True)
class Difference:
    """The difference between a segment and all other rows in one column or category."""

    variable: Variable
    category: str
    """empty for numbers and dates"""
    inside: float
    """mean of the segment, or share of the category in it"""
    outside: float
    """the same for all other rows"""
    standardized: float
    """their difference, divided by the standard deviation of all rows"""
    extreme: bool
    """whether the segment has the largest or smallest mean of all segments (of at least three)"""

    @property
    def text(self) -> str:
        """Such as "highest Income (72,000 vs. 41,000)" or "more often Churn = yes (64% vs. 21%)"."""
        larger = self.standardized > 0
        if self.category:
            values = f"{self.inside:.0%} vs. {self.outside:.0%}"
            return f"{'more' if larger else 'less'} often {self.variable.name} = {self.category} ({values})"
        words = ("earliest", "earlier", "latest", "later") if self.variable.kind == "date" else _WORDS
        values = f"{self.variable.text(self.inside)} vs. {self.variable.text(self.outside)}"
        return f"{words[2 * larger + (not self.extreme)]} {self.variable.name} ({values})"


_WORDS = ("lowest", "lower", "highest", "higher")


@dataclass(frozen=True, eq=False)
class Profiles:
    """The columns of the original table, by segment."""

    segments: Segments

    @cached_property
    def variables(self) -> list[Variable]:
        """The columns that are numbers, dates or categories, in the order of the table."""
        return variables_of(self.segments)

    @cached_property
    def effects(self) -> np.ndarray:
        """`Variable.effect` of each variable."""
        return np.array([variable.effect(self.segments.labels) for variable in self.variables])

    @cached_property
    def ranked(self) -> list[int]:
        """Indices of the variables, those that set the segments apart the most first."""
        return np.argsort(-self.effects, kind="stable").tolist()

    @cached_property
    def differences(self) -> list[list[Difference]]:
        """For each segment its largest difference from all other rows in each column, sorted by size."""
        found = [[] for _ in range(self.segments.k)]
        for variable in self.variables:
            parts = _differences(variable, self.segments.labels, self.segments.k)
            for differences, part in zip(found, parts, strict=True):
                differences += part
        return [sorted(one, key=lambda difference: -abs(difference.standardized)) for one in found]

    def sentence(self, segment: int) -> str:
        """The largest differences of a segment from all other rows, as a sentence."""
        parts = [one.text for one in self.differences[segment] if abs(one.standardized) >= MIN_DIFFERENCE][:MAX_PARTS]
        if not parts:
            return "No column differs clearly from the other rows." if self.segments.k > 1 else "All rows."
        text = ", ".join(parts)
        return f"{text[0].upper()}{text[1:]}."


def _differences(variable: Variable, labels: np.ndarray, k: int) -> list[list[Difference]]:
    """For each segment its difference in a column, of its best category; empty if it or all other rows have no values."""
    columns = variable.indicators
    known = ~np.isnan(columns[:, 0])
    values, groups = columns[known], labels[known]
    member = (groups[:, None] == np.arange(k)).astype(float)
    sizes, total = member.sum(axis=0), values.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = member.T @ values / sizes[:, None]
        outside = (total - member.T @ values) / (len(values) - sizes)[:, None]
        deviation = values.std(axis=0)
        standardized = (inside - outside) / deviation
    parts = []
    for i in range(k):
        usable = np.flatnonzero(np.isfinite(standardized[i]))
        if not usable.size:
            parts.append([])
            continue
        j = usable[np.abs(standardized[i, usable]).argmax()]
        if len(variable.categories) == 2:  # both differ equally; tell of the one that is more frequent here
            j = usable[standardized[i, usable].argmax()]
        others = inside[np.isfinite(inside[:, j]), j]
        extreme = k > 2 and inside[i, j] in (others.min(), others.max())
        category = variable.categories[j] if variable.categories else ""
        parts.append([Difference(variable, category, inside[i, j], outside[i, j], float(standardized[i, j]), bool(extreme))])
    return parts


def variables_of(segments: Segments) -> list[Variable]:
    """The columns of the original rows that are numbers, dates or categories, in the order of the table."""
    data, table = segments.data, segments.table
    features = set(table.columns) if data.origin is None else {*data.origin.numbers, *data.origin.categories}
    if data.origin is None:
        features -= {data.noun, TRUE_LABEL}
        as_categories = {TRUE_LABEL}
    else:
        as_categories = {*data.origin.preparation.as_categories, data.label_name}
    found = []
    for column in describe(table):
        cells, is_feature = table[column.name], column.name in features
        if column.kind == "number" and column.name not in as_categories:
            found.append(Variable(column.name, "number", is_feature, to_floats(cells)))
        elif column.kind == "date":
            found.append(Variable(column.name, "date", is_feature, to_floats(cells)))
        elif column.kind in ("number", "category"):
            codes, values = pd.factorize(cells, sort=is_number(cells))
            found.append(Variable(column.name, "category", is_feature, codes, tuple(map(value_text, values))))
    return found
