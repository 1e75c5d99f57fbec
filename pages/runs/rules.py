"""Rules for the segments: a tree of thresholds in the columns and units of the original table, with its price."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Number
from typing import Any, Literal

import numpy as np
import pandas as pd

from clustering import ThresholdTree, TreePrice, threshold_tree, tree_price
from clustering.threshold_tree import LEAF
from pages.datasets.columns import to_floats, value_text
from pages.datasets.data import Data
from pages.datasets.formatting import format_amount, format_percentage, minus_signs, pluralize
from pages.runs.segments import Segments

MAX_TREE_POINTS, MAX_TREE_VALUES = 50_000, 2_000_000
"""maximum number of points, and of their values, from which a tree is built; above it, a random sample"""
DATE_UNITS = ("D", "m", "s", "us")
"""units of the thresholds of dates; the first one is used that has a value between the neighboring dates"""


@dataclass(frozen=True, eq=False)
class RuleColumn:
    """A column of the points, as a column of the original table."""

    name: str
    """name in the original table"""
    kind: Literal["number", "date", "category"]
    values: np.ndarray
    """(n,) numbers, or dates in days since 1970; 0 and 1 for the indicator of a category"""
    category: str = ""
    """the category that the column indicates"""
    cells: dict[str, Any] | None = None
    """for each category, in the order of their codes, the cell of the table that it stands for"""
    is_utc: bool = False
    """whether dates have a time zone"""


@dataclass(frozen=True)
class Condition:
    """A condition on a column of the original table, in words and as code."""

    text: str
    python: str
    sql: str


@dataclass(frozen=True)
class SegmentRule:
    """The conditions of a leaf, and the rows that meet them, or sums of their weights; rows in no segment are not counted."""

    segment: int
    conditions: tuple[Condition, ...]
    rows: float
    """number of rows that meet the conditions"""
    inside: float
    """number of these rows that are in the segment"""
    size: float
    """number of rows in the segment"""
    weighted: bool = False
    """whether the numbers are sums of weights"""

    @property
    def purity(self) -> str:
        """How many rows meet the conditions, and the share of them that is in the segment."""
        if not self.rows:
            return "no rows"
        amount = f"weight {format_amount(self.rows)}" if self.weighted else pluralize(int(self.rows), "row")
        return f"{amount}, {format_percentage(self.inside / self.rows)}"

    def sentence(self, name: str) -> str:
        """The rule of a leaf with rows as a sentence; `name` is that of the segment."""
        conditions = " and ".join(condition.text for condition in self.conditions) or "All rows"
        covered = format_percentage(self.inside / self.size) if self.size else "0%"
        them = "it" if self.weighted else "them"
        return f"{conditions} → {name}: {self.purity} of {them} in this segment; covers {covered} of the segment"


@dataclass(frozen=True)
class Question:
    """The question of an inner node."""

    name: str
    """column of the original table"""
    predicate: str
    """such as "≤ 52,300" or "is USA\""""
    yes: int
    """child of the rows for which the answer is yes"""
    no: int


@dataclass(frozen=True, eq=False)
class Rules:
    """A tree of thresholds that approximates the segments, and what it means in the original table."""

    segments: Segments
    tree: ThresholdTree
    price: TreePrice
    note: str = ""
    """message about a sample, or empty"""

    @cached_property
    def columns(self) -> list[RuleColumn]:
        """The columns of the points."""
        return columns_of(self.segments.data)

    @cached_property
    def leaf_of(self) -> np.ndarray:
        """(n,) leaf of each point, as an index into `leaves`."""
        return self.tree.leaf_of(self.segments.data.points)

    @cached_property
    def leaves(self) -> list[SegmentRule]:
        """The rule of each leaf, from left to right."""
        segments, found = self.segments, []
        for i, rule in enumerate(self.tree.rules()):
            there, size = self.leaf_of == i, segments.sizes[rule.cluster].item()
            rows = segments.size_of(there & (segments.labels >= 0))
            inside = segments.size_of(there & (segments.labels == rule.cluster))
            conditions = self._conditions(rule.intervals)
            found.append(SegmentRule(rule.cluster, conditions, rows, inside, size, segments.weights is not None))
        return found

    @cached_property
    def by_segment(self) -> list[SegmentRule]:
        """The rules that rows meet, by segment; within a segment, those that cover more of it first."""
        return sorted((rule for rule in self.leaves if rule.rows), key=lambda rule: (rule.segment, -rule.inside))

    @property
    def text(self) -> str:
        """All rules in words, one in each line."""
        return "\n".join(rule.sentence(self.segments.names[rule.segment]) for rule in self.by_segment)

    @property
    def python(self) -> str:
        """A Python function that returns the segment of a row of the original table."""
        lines = [
            "def segment(row):",
            '    """Return the segment of a row: a dictionary of its values, or a row of a pandas table."""',
        ]
        for rule in self.by_segment:
            lines.append(f"    if {' and '.join(condition.python for condition in rule.conditions) or 'True'}:")
            lines.append(f"        return {self.segments.names[rule.segment]!r}")
        code = "\n".join([*lines, "    return None  # a value is missing"])
        return f"from datetime import datetime\n\n\n{code}" if "datetime.fromisoformat(" in code else code

    @property
    def sql(self) -> str:
        """An SQL expression for the segment of a row of the original table."""
        lines = ["CASE"]
        for rule in self.by_segment:
            conditions = " AND ".join(condition.sql for condition in rule.conditions) or "TRUE"
            lines.append(f"  WHEN {conditions} THEN {_sql_literal(self.segments.names[rule.segment])}")
        return "\n".join([*lines, "END"])

    @property
    def price_text(self) -> str:
        """How the loss and the segments of rows change if the tree replaces the clustering, as a sentence."""
        price = self.price
        loss = "infinitely many times" if np.isinf(price.ratio) else f"{price.ratio:.2f} times"
        what = "rows" if self.segments.weights is None else "weight"
        moved = f"it puts {price.moved:.1%} of the {what} into another segment"
        return f"The tree's loss is {loss} that of the clustering, and {moved}."

    def question(self, node: int) -> Question:
        """The question of an inner node."""
        j = int(self.tree.column[node])
        column, left, right = self.columns[j], int(self.tree.left[node]), int(self.tree.right[node])
        if column.kind == "category":
            return Question(column.name, f"is {column.category}", right, left)
        value = self._thresholds[j, float(self.tree.threshold[node])]
        predicate = f"before {date_text(value)}" if column.kind == "date" else f"≤ {number_text(value)}"
        return Question(column.name, predicate, left, right)

    @cached_property
    def _thresholds(self) -> dict[tuple[int, float], float]:
        """For each column and threshold of the tree, the threshold of `Condition`, in original units and rounded.

        A row goes left if and only if its number is at most the threshold, or its date is before it.
        """
        data, found = self.segments.data, {}
        for j, threshold in zip(self.tree.column.tolist(), self.tree.threshold.tolist(), strict=True):
            if j == LEAF or self.columns[j].kind == "category":
                continue
            left, values = data.points[:, j] <= threshold, self.columns[j].values
            low, high = values[left].max(initial=-np.inf), values[~left].min(initial=np.inf)
            scale, shift = (1.0, 0.0) if data.scaling is None else (data.scaling.scale[j], data.scaling.shift[j])
            rounded = rounded_date if self.columns[j].kind == "date" else rounded_number
            found[j, threshold] = rounded(float(low), float(high), float(threshold * scale + shift))
        return found

    def _conditions(self, intervals: dict[int, tuple[float | None, float | None]]) -> tuple[Condition, ...]:
        """The conditions of a leaf, one for each column of the table."""
        found, answers = [], {}
        for j, (low, high) in sorted(intervals.items()):
            column = self.columns[j]
            if column.kind == "category":
                answers.setdefault(column.name, []).append((column, low is not None))
            else:
                low, high = (None if t is None else self._thresholds[j, t] for t in (low, high))
                found.append((_date_condition if column.kind == "date" else _number_condition)(column, low, high))
        return (*found, *(_category_condition(*zip(*given, strict=True)) for given in answers.values()))


def rules_of(segments: Segments, leaves: int) -> Rules:
    """A tree with at most this number of leaves, and at least one for each segment with rows.

    Raises
    ------
    ValueError
        If the data have no columns or no row is in a segment.
    """
    data, labels, note = segments.data, segments.labels, ""
    if data.precomputed is not None:
        raise ValueError("There are no rules: these data are a distance matrix, without columns.")
    weights = segments.frequencies
    counted = labels >= 0 if weights is None else (labels >= 0) & (weights > 0)
    if not counted.any():
        raise ValueError("There are no rules, because no row is in a segment.")
    points, given, own = data.points, labels, weights
    most = min(MAX_TREE_POINTS, MAX_TREE_VALUES // points.shape[1])
    if len(points) > most:
        chosen = data.sample_indices(most)
        if counted[chosen].any():
            points, given, own = points[chosen], labels[chosen], None if weights is None else weights[chosen]
            note = f"The thresholds are based on a random sample of {most:,} rows, the counts on all."
    # by default there is one leaf for each center; a larger number is only an upper limit
    tree = threshold_tree(points, segments.centers, given, leaves if leaves > segments.k else None, own)
    return Rules(segments, tree, tree_price(data.points, labels, tree, weights), note)


def columns_of(data: Data) -> list[RuleColumn]:
    """The columns of the points, in the columns and units of the original table."""
    own = data.points if data.scaling is None else data.scaling.positions(data.points)
    if data.origin is None:
        names = data.columns if data.scaling is None else data.scaling.columns
        return [RuleColumn(name, "number", values) for name, values in zip(names, own.T, strict=True)]
    table, found = data.origin.table.iloc[data.rows - 1], []
    for name in data.origin.numbers:
        # those of the table are exact; imputed ones are not in it
        values = to_floats(table[name])
        values = np.where(np.isnan(values), own[:, len(found)], values)
        if pd.api.types.is_datetime64_any_dtype(table[name]):
            found.append(RuleColumn(name, "date", values, is_utc=table[name].dt.tz is not None))
        else:
            found.append(RuleColumn(name, "number", values))
    widths = data.origin.widths[len(found) :]
    for (name, categories), width in zip(data.origin.categories.items(), widths, strict=True):
        values_of = {value_text(value): value for value in data.origin.table[name].dropna().unique()}
        cells = {category: values_of.get(category, category) for category in categories}
        for category in categories[len(categories) - width :]:
            found.append(RuleColumn(name, "category", own[:, len(found)], category, cells))
    return found


def rounded_number(low: float, high: float, threshold: float) -> float:
    """The shortest decimal number near a threshold that lies strictly between two numbers.

    Between whole numbers it is a whole number, which may be the lower one of them: for 40 and 41 it is 40.
    """
    is_whole = low == np.rint(low) and high == np.rint(high)
    gap = high - low if np.isfinite(high - low) else abs(threshold) or 1.0
    digits = -int(np.floor(np.log10(gap / 2)))
    for more in range(20):
        at = min(digits, 0) + more if is_whole else digits + more
        # a threshold may be next to one of the numbers: those in the middle select the same rows
        for candidate in (round(threshold, at), round(threshold - 0.5 * 10.0**-at, at), round(low + (high - low) / 2, at)):
            if low < candidate < high or (is_whole and candidate == low):
                return candidate
    return low if np.isfinite(low) else threshold


def rounded_date(low: float, high: float, threshold: float) -> float:
    """The date or time near a threshold that is after `low` and not after `high`, all in days; a whole day if there is one."""
    for unit in DATE_UNITS:
        per_day = float(np.timedelta64(1, "D") / np.timedelta64(1, unit))
        for count in (np.ceil(threshold * per_day), np.floor(threshold * per_day)):
            if low < count / per_day <= high:
                return float(count / per_day)
    return high if np.isfinite(high) else threshold


def number_text(value: float) -> str:
    """All digits of a number, with thousands separators."""
    text = repr(value).removesuffix(".0")
    if "e" not in text:
        whole, point, decimals = text.partition(".")
        sign = whole[: whole.startswith("-")]
        text = f"{sign}{abs(int(whole)):,}{point}{decimals}"
    return minus_signs(text)


def date_text(days: float) -> str:
    """Days since 1970 as a date, or as date and time, in ISO format."""
    moment = np.datetime64(0, "us") + np.timedelta64(round(days * 86_400_000_000), "us")
    unit = next(unit for unit in DATE_UNITS if moment == moment.astype(f"datetime64[{unit}]"))
    return str(moment.astype(f"datetime64[{unit}]")).replace("T", " ")


def _sql_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sql_literal(value) -> str:
    if isinstance(value, bool | np.bool_ | Number):
        return value_text(value).upper()
    return "'" + str(value).replace("'", "''") + "'"


def _python_literal(value) -> str:
    return value_text(value) if isinstance(value, bool | np.bool_ | Number) else repr(str(value))


def _number_condition(column: RuleColumn, low: float | None, high: float | None) -> Condition:
    """low < number <= high; None where it is unbounded."""
    cell, name = f"row[{column.name!r}]", _sql_name(column.name)
    if low is None or high is None:
        sign, value = ("<=", high) if low is None else (">", low)
        text, code = number_text(value), repr(value).removesuffix(".0")
        return Condition(f"{column.name} {sign.replace('<=', '≤')} {text}", f"{cell} {sign} {code}", f"{name} {sign} {code}")
    (first, second), (a, b) = (number_text(low), number_text(high)), (repr(one).removesuffix(".0") for one in (low, high))
    return Condition(f"{first} < {column.name} ≤ {second}", f"{a} < {cell} <= {b}", f"{name} > {a} AND {name} <= {b}")


def _date_condition(column: RuleColumn, low: float | None, high: float | None) -> Condition:
    """low <= date < high; None where it is unbounded."""
    cell, name = f"row[{column.name!r}]", _sql_name(column.name)
    texts, codes, sqls = [], [], []
    for value, word, sign in ((low, "from", ">="), (high, "before", "<")):
        if value is not None:
            text = date_text(value)
            iso = f"{text}{' 00:00' * (':' not in text)}+00:00" if column.is_utc else text
            texts.append(f"{word} {text}" + " on" * (high is None))
            codes.append(f"{cell} {sign} datetime.fromisoformat({iso!r})")
            sqls.append(f"{name} {sign} '{text}'")
    return Condition(f"{column.name} {' and '.join(texts)}", " and ".join(codes), " AND ".join(sqls))


def _category_condition(columns: tuple[RuleColumn, ...], answers: tuple[bool, ...]) -> Condition:
    """Which categories a leaf accepts, given its answers for the indicators of some of them."""
    name, cells = columns[0].name, columns[0].cells
    listed = [column.category for column, answer in zip(columns, answers, strict=True) if answer]
    negated = not listed
    if negated:
        listed = [column.category for column in columns]
        others = [category for category in cells if category not in listed]
        if len(others) == 1:
            negated, listed = False, others
    cell, column = f"row[{name!r}]", _sql_name(name)
    python, sql = ([literal(cells[category]) for category in listed] for literal in (_python_literal, _sql_literal))
    if not negated:
        return Condition(f"{name} is {listed[0]}", f"{cell} == {python[0]}", f"{column} = {sql[0]}")
    if len(listed) == 1:
        return Condition(f"{name} is not {listed[0]}", f"{cell} != {python[0]}", f"{column} <> {sql[0]}")
    text = f"{', '.join(listed[:-1])} or {listed[-1]}"
    return Condition(f"{name} is not {text}", f"{cell} not in ({', '.join(python)})", f"{column} NOT IN ({', '.join(sql)})")
