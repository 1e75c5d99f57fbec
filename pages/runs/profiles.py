"""What sets segments apart: the columns of the original table by segment, ranked, and as sentences."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from clustering import category_test_values, cramers_v, eta_squared, mean_test_values
from pages.datasets.columns import describe, is_number, to_floats, value_text
from pages.datasets.formatting import format_short, minus_signs
from pages.runs.segments import TRUE_LABEL, Segments

MIN_DIFFERENCE = 0.25
"""smallest standardized difference that a sentence mentions"""
MAX_PARTS = 3
"""maximum number of differences in a sentence"""


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

    @property
    def effect_name(self) -> str:
        """What `effect_of` returns."""
        return "Cramér's V" if self.categories else "η²"

    def effect_of(self, values: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
        """How strongly such values separate the clusters: η² of numbers and dates, Cramér's V of categories; both in 0..1.

        weights : (n,) how often each value counts; by default once.
        """
        return cramers_v(values, labels, weights) if self.categories else float(eta_squared(values, labels, weights))

    def means_of(self, rows: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """(m,) mean of each of the `indicators` over the rows (n,) with a value, with weights (n,); NaN if there are none."""
        columns = self.indicators
        inside = np.flatnonzero(rows & ~np.isnan(columns[:, 0]) & (True if weights is None else weights > 0))
        if not inside.size:
            return np.full(columns.shape[1], np.nan)
        return np.average(columns[inside], axis=0, weights=None if weights is None else weights[inside])

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
        """Such as "highest Income (72,000 vs. 41,000)" or "Churn = yes more often (64% vs. 21%)"."""
        larger = self.standardized > 0
        if self.category:
            values = f"{self.inside:.0%} vs. {self.outside:.0%}"
            return f"{self.variable.name} = {self.category} {'more' if larger else 'less'} often ({values})"
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
        """`Variable.effect_of` the values of each variable."""
        labels, weights = self.segments.labels, self.segments.frequencies
        return np.array([variable.effect_of(variable.values, labels, weights) for variable in self.variables])

    @cached_property
    def features(self) -> list[int]:
        """Indices of the variables that the points were clustered by, in the order of the columns of the points."""
        names = [variable.name for variable in self.variables]
        origin = self.segments.data.origin
        order = names if origin is None else [*origin.numbers, *origin.categories]
        return [names.index(name) for name in order if name in names and self.variables[names.index(name)].is_feature]

    @cached_property
    def ranked(self) -> list[int]:
        """Indices of the variables, those that separate the segments most strongly first."""
        return np.argsort(-self.effects, kind="stable").tolist()

    @cached_property
    def differences(self) -> list[list[Difference]]:
        """For each segment its largest difference from all other rows in each column, sorted by size."""
        found = [[] for _ in range(self.segments.k)]
        for variable in self.variables:
            parts = _differences(variable, self.segments.labels, self.segments.k, self.segments.frequencies)
            for differences, part in zip(found, parts, strict=True):
                differences += part
        return [sorted(one, key=lambda difference: -abs(difference.standardized)) for one in found]

    def rows_of(self, j: int) -> list[tuple[str, list[str], str, np.ndarray]]:
        """Rows of a table about variable j: one, or one for each category.

        Each has a name, the mean or share in each segment and in all rows as strings, and the test values (k,), which are NaN
        if there are none.
        """
        variable, labels, k, weights = self.variables[j], self.segments.labels, self.segments.k, self.segments.frequencies
        test_values = np.full((max(len(variable.categories), 1), k), np.nan)
        if self.has_test_values:
            if variable.categories:
                found = category_test_values(variable.values, labels, weights).T
            else:
                found = mean_test_values(variable.values, labels, weights)[None]
            # the last segments may be empty, and the last categories only in rows without a segment
            test_values[: found.shape[0], : found.shape[1]] = found
        groups = [*(labels == i for i in range(k)), np.ones(len(labels), dtype=bool)]
        rows = []
        for c, means in enumerate(np.array([variable.means_of(group, weights) for group in groups]).T):
            if variable.categories:
                texts = ["–" if np.isnan(mean) else f"{mean:.0%}" for mean in means]
                rows.append((f"{variable.name} = {variable.categories[c]}", texts[:-1], texts[-1], test_values[c]))
            else:
                texts = [variable.text(mean) for mean in means]
                rows.append((variable.name, texts[:-1], texts[-1], test_values[c]))
        return rows

    @property
    def has_test_values(self) -> bool:
        """Whether there are test values: with weights that are not whole numbers, the number of rows is unknown."""
        return self.segments.weights is None or self.segments.data.has_whole_weights

    def sentence(self, segment: int) -> str:
        """The largest differences of a segment from all other rows, as a sentence."""
        found = [one for one in self.differences[segment] if abs(one.standardized) >= MIN_DIFFERENCE][:MAX_PARTS]
        if not found:
            return "No column differs clearly from the other rows." if self.segments.k > 1 else "All rows."
        text = ", ".join(one.text for one in found)
        return f"{text}." if found[0].category else f"{text[0].upper()}{text[1:]}."  # names of columns stay as they are


def _differences(variable: Variable, labels: np.ndarray, k: int, weights: np.ndarray | None = None) -> list[list[Difference]]:
    """For each segment its difference in a column, of its best category; empty if it or all other rows have no values."""
    columns = variable.indicators
    known = ~np.isnan(columns[:, 0]) & (True if weights is None else weights > 0)
    values, groups = columns[known], labels[known]
    own = np.ones(len(values)) if weights is None else weights[known]
    member = own[:, None] * (groups[:, None] == np.arange(k))
    sizes, total = member.sum(axis=0), own @ values
    others = np.where([(groups != i).any() for i in range(k)], own.sum() - sizes, 0.0)  # exactly 0 in spite of rounding
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = member.T @ values / sizes[:, None]
        outside = (total - member.T @ values) / others[:, None]
        deviation = deviations_of(values, own)
        standardized = (inside - outside) / deviation
    parts = []
    for i in range(k):
        usable = np.flatnonzero(np.isfinite(standardized[i]))
        if not usable.size:
            parts.append([])
            continue
        j = usable[np.abs(standardized[i, usable]).argmax()]
        if len(variable.categories) == 2:  # both differ equally; describe the one that is more frequent here
            j = usable[standardized[i, usable].argmax()]
        others = inside[np.isfinite(inside[:, j]), j]
        extreme = k > 2 and inside[i, j] in (others.min(), others.max())
        category = variable.categories[j] if variable.categories else ""
        parts.append([Difference(variable, category, inside[i, j], outside[i, j], float(standardized[i, j]), bool(extreme))])
    return parts


def deviations_of(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """(m,) standard deviation (divisor N) of each column of values (n, m), with weights (n,) if there are any."""
    if weights is None or not len(values):
        return values.std(axis=0)
    return np.sqrt(np.average(np.square(values - np.average(values, axis=0, weights=weights)), axis=0, weights=weights))


def variables_of(segments: Segments) -> list[Variable]:
    """The features, and all other columns of the original rows that are numbers, dates or categories, in their order."""
    data, table = segments.data, segments.table
    if data.origin is None:
        categories = {TRUE_LABEL}
        numbers = [] if data.precomputed is not None else [name for name in table if name not in (data.noun, TRUE_LABEL)]
    else:
        categories = {*data.origin.categories, *data.origin.preparation.as_categories, data.label_name}
        numbers = data.origin.numbers
    features = {*numbers, *(() if data.origin is None else data.origin.categories)}
    found = []
    for column in describe(table):
        cells, kind = table[column.name], column.kind
        if column.name in numbers:
            kind = "date" if pd.api.types.is_datetime64_any_dtype(cells) else "number"
        elif column.name in categories:
            kind = "category"
        if kind in ("number", "date"):
            found.append(Variable(column.name, kind, column.name in features, to_floats(cells)))
        elif kind == "category":
            codes, values = pd.factorize(cells, sort=is_number(cells))
            found.append(Variable(column.name, kind, column.name in features, codes, tuple(map(value_text, values))))
    return found
