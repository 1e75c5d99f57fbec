"""Changes that would move a row into another segment: the least change in one column and in all, in the units of the table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustering import (
    least_changes_by_search,
    least_changes_to_nearest,
    least_move_by_search,
    least_move_to_nearest,
)
from pages.datasets.formatting import format_short, minus_signs
from pages.runs.model import Feature, Model, model_of
from pages.runs.rules import columns_of, date_text, number_text
from pages.runs.segments import Segments

MAX_GRID_VALUES = 400_000
"""maximum number of values of the points that a search tries at once"""
MAX_STEPS, MIN_STEPS = 200, 20
"""maximum number of values of each column that a search tries"""
CANDIDATES = 50
"""rows of the other segment toward which a search moves"""
PRECISIONS = (2, 3, 4, 6, 9, 12)
"""numbers of digits to which a change is rounded; the first is used with which it still leads into the segment"""
MARGINS = (1e-9, 1e-6, 1e-3, 1e-2)
"""shares by which a move is extended, because it ends on the border, which may belong to another segment"""
MAX_DAYS = 105_000
"""dates are changed to at most this number of days before or after 1970, about the years 1682 to 2257"""
LISTED = 4
"""number of columns that a sentence lists"""


def either(categories: tuple[str, ...]) -> str:
    """The categories as alternatives, at most `LISTED` of them by name."""
    more = (f"{len(categories) - LISTED} others",) if len(categories) > LISTED else ()
    return " or ".join(categories[:LISTED] + more)


@dataclass(frozen=True)
class ColumnChange:
    """A change of a number or date."""

    feature: Feature
    old: float
    new: float

    @property
    def deviations(self) -> float:
        """The change in standard deviations of the column."""
        return (self.new - self.old) / self.feature.deviation

    @property
    def signed(self) -> str:
        """The change with its sign, such as "+8.2" or "−12 days"."""
        change = self.new - self.old
        days = " days" if self.feature.kind == "date" else ""
        return minus_signs(f"{'+' if change > 0 else ''}{format_short(change)}{days}")

    @property
    def values(self) -> str:
        """Such as "43 → 51.2 (+8.2)"."""
        return f"{self._text(self.old)} → {self._text(self.new, exact=True)} ({self.signed})"

    @property
    def text(self) -> str:
        """Such as "Age from 43 to 51.2 (+8.2)"."""
        return f"{self.feature.name} from {self._text(self.old)} to {self._text(self.new, exact=True)} ({self.signed})"

    def _text(self, value: float, exact: bool = False) -> str:
        if self.feature.kind == "date":
            return date_text(value) if exact else self.feature.text(value)
        return number_text(value) if exact or value == np.rint(value) else self.feature.text(value)


@dataclass(frozen=True)
class RowChange:
    """Changes that would move a row into a segment."""

    segment: int
    columns: dict[str, ColumnChange]
    """for each number or date that suffices alone, its least change"""
    categories: dict[str, tuple[str, ...]]
    """for each column of categories that suffices alone, the categories that do"""
    together: tuple[ColumnChange, ...] | None
    """least change of all numbers and dates together, the largest first; None if none is found"""
    is_there: bool = False
    """whether the rule assigns the row to the segment without a change"""

    @property
    def least(self) -> ColumnChange | None:
        """The change of one column that is the smallest in standard deviations; None if no number or date suffices."""
        return min(self.columns.values(), key=lambda change: abs(change.deviations), default=None)

    @property
    def length(self) -> float:
        """Length of `together` in standard deviations."""
        return float(np.linalg.norm([change.deviations for change in self.together]))

    @property
    def together_text(self) -> str:
        """The change of all columns, such as "move by 1.3 SD: Age +4.1, Income +6,200"."""
        parts = [f"{change.feature.name} {change.signed}" for change in self.together]
        more = f" and {len(parts) - LISTED} more" if len(parts) > LISTED else ""
        return f"move by {format_short(self.length)} SD: {', '.join(parts[:LISTED])}{more}"


@dataclass(frozen=True, eq=False)
class RowSpace:
    """The rows of a run in the units of the table, and the rule by which a changed row belongs to a segment."""

    segments: Segments
    model: Model

    @classmethod
    def of(cls, segments: Segments) -> "RowSpace":
        """Raise ValueError if the data are a distance matrix, or no row is in a segment."""
        if segments.data.precomputed is not None:
            raise ValueError("There are no changes to show: these data are a distance matrix, without columns.")
        return cls(segments, model_of(segments))

    @cached_property
    def numbers(self) -> np.ndarray:
        """(n, p) numbers, and dates in days since 1970."""
        values = [column.values for column in columns_of(self.segments.data)[: len(self.model.numbers)]]
        return np.array(values).reshape(len(values), len(self.segments.labels)).T

    @cached_property
    def codes(self) -> np.ndarray:
        """(n, q) codes of the categories."""
        mixed = self.segments.data.mixed
        return np.zeros((len(self.segments.labels), 0), dtype=np.intp) if mixed is None else mixed[1]

    @cached_property
    def is_whole(self) -> np.ndarray:
        """(p,) whether a column has only whole numbers or days."""
        return (self.numbers == np.rint(self.numbers)).all(axis=0)

    @cached_property
    def deviations(self) -> np.ndarray:
        """(p,) standard deviations."""
        return np.array([feature.deviation for feature in self.model.numbers])

    @cached_property
    def centers(self) -> np.ndarray | None:
        """(k', d) center of each of `model.segments` if a row belongs to the nearest one; None if the rule differs."""
        if self.model.by_means:
            return self.model.arrays["means"]
        return self.segments.run.view.nearest_centers(self.segments.run)

    def segment_of(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """(m,) segment of changed rows, with numbers (m, p) and codes (m, q); -1 where distances are undefined."""
        placement = self.model.place(self.model.encode(numbers, codes))
        return np.where(np.isnan(placement.distances), -1, placement.labels)

    def rule_segment(self, row: int) -> int:
        """The segment of a row by the rule, which may be another one than that of the row after edits."""
        return int(self.segment_of(self.numbers[[row]], self.codes[[row]])[0])

    def change(self, row: int, segment: int) -> RowChange:
        """The least changes that move a row into a segment."""
        if self.rule_segment(row) == segment:
            return RowChange(segment, {}, {}, (), is_there=True)
        if segment not in self.model.segments:  # it has no rows
            return RowChange(segment, {}, {}, None)
        old, codes = self.numbers[row], self.codes[row]
        dates = [feature.kind == "date" for feature in self.model.numbers]

        def accepts(numbers: np.ndarray) -> np.ndarray:
            reached = self.segment_of(numbers, np.broadcast_to(codes, (len(numbers), len(codes)))) == segment
            return reached & (np.abs(numbers[:, dates]) <= MAX_DAYS).all(axis=1)

        categories = self._categories(row, segment)
        if not old.size:
            return RowChange(segment, {}, categories, None)
        limits, move = self._by_centers(row, segment) if self.centers is not None else self._by_search(row, segment, accepts)
        features = self.model.numbers
        columns = {
            feature.name: ColumnChange(feature, float(old[j]), float(new))
            for j, (feature, new) in enumerate(zip(features, self._rounded_columns(old, limits, accepts), strict=True))
            if not np.isnan(new)
        }
        new = self._rounded_move(old, move, accepts)
        together = None
        if new is not None:
            changes = [
                ColumnChange(feature, float(a), float(b)) for feature, a, b in zip(features, old, new, strict=True) if a != b
            ]
            together = tuple(sorted(changes, key=lambda change: -abs(change.deviations)))
        return RowChange(segment, columns, categories, together)

    def _by_centers(self, row: int, segment: int) -> tuple[np.ndarray, np.ndarray]:
        """Least change of each number (p,), and of all together (p,), in closed form; NaN if there is none."""
        p, point, target = len(self.deviations), self.segments.data.points[row], self.model.segments.index(segment)
        scale = self.model.scale[:p]
        units = np.zeros(len(point))
        units[:p] = self.deviations / scale
        changes = least_changes_to_nearest(self.centers, point, target)[:p]
        return changes * scale, least_move_to_nearest(self.centers, point, target, units)[:p] * scale

    def _by_search(self, row: int, segment: int, accepts: Callable) -> tuple[np.ndarray, np.ndarray]:
        """The same by search."""
        old, p = self.numbers[row], len(self.deviations)
        steps = int(np.clip(MAX_GRID_VALUES // p**2, MIN_STEPS, MAX_STEPS))
        low, high = self.numbers.min(axis=0), self.numbers.max(axis=0)
        changes = least_changes_by_search(accepts, old, True, low, high, steps=steps)
        # lengths of moves are in standard deviations
        units = np.where(self.deviations > 0, self.deviations, 1.0)
        members = self.numbers[self.segments.labels == segment] / units
        if not len(members):
            return changes, np.full(p, np.nan)
        nearest = np.argsort(np.linalg.norm(members - old / units, axis=1), kind="stable")[:CANDIDATES]
        # the changes in one column are candidates as well
        alone = (old + np.diag(np.nan_to_num(changes)))[~np.isnan(changes)] / units
        candidates = np.vstack([members[nearest], alone])
        return changes, least_move_by_search(lambda points: accepts(points * units), old / units, True, candidates) * units

    def _rounded_columns(self, old: np.ndarray, changes: np.ndarray, accepts: Callable) -> np.ndarray:
        """(p,) short new value of each column that still leads into the segment; NaN if there is none."""
        new = np.full(len(old), np.nan)
        trials: list[tuple[int, float]] = []
        for j in np.flatnonzero(~np.isnan(changes)).tolist():
            if changes[j] == 0:
                trials.append((j, float(old[j])))
                continue
            direction, limit = np.sign(changes[j]), old[j] + changes[j]
            magnitude = int(np.floor(np.log10(abs(changes[j]))))
            for digits in [0] if self.is_whole[j] else [precision - 1 - magnitude for precision in PRECISIONS]:
                unit = 10.0**-digits
                first = np.ceil(limit / unit) if direction > 0 else np.floor(limit / unit)
                trials += [(j, round(float((first + more * direction) * unit), digits)) for more in (0, 1)]
            if not self.is_whole[j]:
                trials += [(j, float(old[j] + changes[j] * (1 + margin))) for margin in MARGINS]
        if trials:
            numbers = np.tile(old, (len(trials), 1))
            places = [j for j, _ in trials]
            numbers[np.arange(len(trials)), places] = [value for _, value in trials]
            for (j, value), accepted in zip(trials, accepts(numbers), strict=True):
                if accepted and np.isnan(new[j]):
                    new[j] = value
        return new

    def _rounded_move(self, old: np.ndarray, move: np.ndarray, accepts: Callable) -> np.ndarray | None:
        """(p,) values after the move, rounded, that lead into the segment; None if there is none."""
        if np.isnan(move).any():
            return None
        trials = []
        with np.errstate(divide="ignore"):
            magnitudes = np.floor(np.log10(np.where(self.deviations > 0, self.deviations, 1.0)))
        for precision in PRECISIONS:
            unit = 10.0 ** (magnitudes + 1 - precision)
            steps = np.abs(move) / unit
            up = np.where(steps < 0.5, 0.0, np.ceil(steps))
            for count in (np.rint(steps), up, up + (up > 0)):
                trials.append(old + np.sign(move) * count * unit)
        trials += [old + move * (1 + margin) for margin in MARGINS]
        accepted = np.flatnonzero(accepts(np.array(trials)))
        return trials[accepted[0]] if accepted.size else None

    def _categories(self, row: int, segment: int) -> dict[str, tuple[str, ...]]:
        """For each column of categories, those that alone move the row into the segment."""
        trials, names = [], []
        for j, feature in enumerate(self.model.categorical):
            for code, category in enumerate(feature.categories):
                if code != self.codes[row, j]:
                    trial = self.codes[row].copy()
                    trial[j] = code
                    trials.append(trial)
                    names.append((feature.name, category))
        found: dict[str, tuple[str, ...]] = {}
        if trials:
            accepted = self.segment_of(np.tile(self.numbers[row], (len(trials), 1)), np.array(trials)) == segment
            for (name, category), leads in zip(names, accepted, strict=True):
                if leads:
                    found[name] = (*found.get(name, ()), category)
        return found

    def category(self, row: int, name: str) -> str:
        """The category of a row in a column of categories."""
        j, feature = next((j, one) for j, one in enumerate(self.model.categorical) if one.name == name)
        return feature.categories[self.codes[row, j]]

    def sentences(self, row: int, change: RowChange) -> list[str]:
        """The least change in one column, and in all numbers and dates together."""
        if change.is_there:
            return ["No change is needed: by this rule, the row is there already."]
        parts = []
        if (least := change.least) is not None:
            parts.append(f"{least.text}, {format_short(abs(least.deviations))} SD")
        for name, categories in list(change.categories.items())[:LISTED]:
            parts.append(f"{name} from {self.category(row, name)} to {either(categories)}")
        alone = f"One column: {'; or '.join(parts)}." if parts else "One column: no change of a single column suffices."
        if not self.model.numbers:
            return [alone]
        together = "no change of the numbers alone was found" if change.together is None else change.together_text
        return [alone, f"All {'numbers' if self.model.categorical else 'columns'} together: {together}."]
