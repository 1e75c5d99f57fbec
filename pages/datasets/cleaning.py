"""Turns a table into points: selects columns, drops or imputes missing values, encodes categories and scales.

Input that cannot be used raises `ValueError` with a message for the page.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from clustering import State, impute
from clustering.points import MAX_MAGNITUDE
from clustering.ppca import Imputed
from clustering.weights import MAX_WEIGHT
from pages.datasets.columns import Column, is_number, to_floats, value_text, words_of
from pages.datasets.data import ColumnScaling, Data, Origin
from pages.datasets.limits import MAX_CATEGORIES, MAX_CELLS, MAX_COLUMNS, MAX_COMPONENTS, MAX_ROWS_FOR_PPCA

MAX_NUMBER = MAX_MAGNITUDE / 1e6
"""largest accepted absolute value; the factor leaves room for plot margins, whose coordinates are squared, too"""
MAX_PRESELECTED = 50
"""maximum number of features that are selected initially"""
MAX_NAMED = 3
"""maximum number of columns that a sentence names"""
DOMINANT_SHARE = 0.8
"""minimum share of the squared distances for which a column gets a warning"""
UNLIKE_DEVIATIONS = 10.0
"""minimum ratio of standard deviations for which columns are assumed to have different units"""
TOO_MANY_FOR_PPCA = (
    f"Probabilistic PCA is limited to {MAX_ROWS_FOR_PPCA:,} rows: drop rows with missing values, or impute the median."
)
LABEL_WORDS = {"label", "labels", "class", "species", "target", "cluster", "segment", "truth", "groundtruth", "celltype"}
"""last words, as in "species" or "customer_segment", of the names of columns that hold true labels"""
VAGUE_LABEL_WORDS = {"group", "category", "type"}
"""such words that count only if the word before is not in `NOT_BEFORE_LABELS`: "cell_type", but not "payment_type\""""
NOT_BEFORE_LABELS = {
    *("account", "age", "blood", "contract", "data", "device", "file", "house", "income", "item", "job", "payment", "product"),
    *("property", "room", "ticket", "travel", "vehicle"),
}
"""attributes of a row, whose groups or types are not true labels"""
AFTER_LABELS = {"name", "names", "code", "id", "label"}
"""words that may follow one of these last words: "species_name", "class_label\""""
NOT_IN_LABELS = {"of", "n", "num", "number", "no", "count", "per"}
"""words of names that do not refer to labels even if they end in such a word, such as "number_of_labels\""""
AFFIRMATIVE = {"yes", "y", "true", "t"}
"""categories, in lower case, that come second if there are two"""
MISSING_OPTIONS = {"drop": "Drop rows", "median": "Impute median", "ppca": "Impute with probabilistic PCA"}
SCALINGS = {"none": "None", "standardize": "Standardize", "range": "Range 0–1", "robust": "Robust"}
SCALING_SUFFIXES = {"none": "", "standardize": " (standardized)", "range": " (0–1)", "robust": " (robust)"}
SCALING_TEXTS = {
    "none": "No scaling; appropriate if all columns have the same unit.",
    "standardize": "Mean 0, standard deviation 1: all columns have equal weight.",
    "range": "Minimum 0, maximum 1; sensitive to outliers.",
    "robust": "Median 0, interquartile range 1; robust to outliers.",
}


@dataclass(frozen=True)
class Preparation:
    """Settings for turning the rows of a table into points."""

    columns: tuple[str, ...]
    """features"""
    label: str | None = None
    """column of true labels"""
    names: str | None = None
    """column of row labels"""
    as_categories: tuple[str, ...] = ()
    """numeric columns to treat as categorical"""
    missing: str = "drop"
    """key of `MISSING_OPTIONS`"""
    components: int = 2
    """number of components of probabilistic PCA"""
    scaling: str = "none"
    """key of `SCALINGS`"""
    weight: str | None = None
    """column of the weights of rows; never a feature"""


def default_preparation(columns: list[Column]) -> Preparation:
    """Initial settings, guessed from the columns.

    The features are the numeric columns, or the dates and categories if there are none. The true labels are in the column
    that `names_labels`, if its values are repeated; one with a single word is preferred. A column of text or identifiers with
    the most distinct values holds the row labels.
    """
    label_candidates = [
        c
        for c in columns
        if names_labels(c.name)
        and (c.kind == "category" or (c.kind == "number" and c.distinct <= min(MAX_CATEGORIES, max(2, sum(c.counts) / 2))))
    ]
    label_candidates.sort(key=lambda c: len(words_of(c.name)) > 1)
    label = label_candidates[0].name if label_candidates else None
    numbers = [c.name for c in columns if c.kind == "number" and c.name != label]
    features = numbers or [c.name for c in columns if c.kind in ("date", "category") and c.name != label]
    most_distinct = max((c.distinct for c in columns), default=0)
    name_candidates = [c for c in columns if c.kind in ("text", "identifier") and c.distinct == most_distinct]
    name_candidates.sort(key=lambda c: c.kind != "text")
    return Preparation(tuple(features[:MAX_PRESELECTED]), label, name_candidates[0].name if name_candidates else None)


def default_scaling(table: pd.DataFrame, features: Sequence[str]) -> str:
    """Initial scaling of these features: "standardize" if their standard deviations are very different, otherwise "none".

    They are very different if one column accounts for `DOMINANT_SHARE` of the squared distances, or if the largest standard
    deviation is `UNLIKE_DEVIATIONS` times the lower quartile of all, so that a few nearly constant columns do not count.
    Categories are never scaled.
    """
    columns = [to_floats(table[name]) for name in features if is_number(table[name])]
    with np.errstate(over="ignore", invalid="ignore"):
        deviations = np.array([np.nanstd(column) for column in columns])
        deviations = deviations[deviations > 0]
        if len(deviations) < 2:
            return "none"
        relative = deviations / deviations.max()
    low = np.quantile(relative, 0.25, method="lower")
    dominant = DOMINANT_SHARE * (relative**2).sum() <= 1
    return "standardize" if dominant or low * UNLIKE_DEVIATIONS <= 1 else "none"


def names_labels(name: str) -> bool:
    """Whether the name of a column says that it holds true labels, such as "species_name", "trueLabel" or "cell_type"."""
    words = words_of(name)
    if len(words) > 1 and words[-1] in AFTER_LABELS and words[-2] in LABEL_WORDS | VAGUE_LABEL_WORDS:
        words.pop()
    if not words or NOT_IN_LABELS.intersection(words):
        return False
    before = words[-2] if len(words) > 1 else ""
    return words[-1] in LABEL_WORDS | VAGUE_LABEL_WORDS and before not in NOT_BEFORE_LABELS


@dataclass(frozen=True, eq=False)
class SelectedColumns:
    """The selected features as arrays, before missing values are dropped or imputed."""

    numbers: np.ndarray
    """(n, p) floats, NaN for missing values"""
    codes: np.ndarray
    """(n, q) category codes from 0, -1 for missing values"""
    number_names: tuple[str, ...]
    """(p,)"""
    category_names: tuple[str, ...]
    """(q,)"""
    categories: tuple[tuple[str, ...], ...]
    """(q,) the categories of each column, in the order of their codes; of two, "yes" or "true" is the second"""

    @property
    def n_values(self) -> int:
        """Number of values."""
        return self.numbers.size + self.codes.size

    @cached_property
    def missing(self) -> np.ndarray:
        """(n,) number of missing values in each row."""
        return np.isnan(self.numbers).sum(axis=1) + (self.codes < 0).sum(axis=1)


def select_columns(table: pd.DataFrame, preparation: Preparation) -> SelectedColumns:
    """Extracts the features from a table.

    Raises
    ------
    ValueError
        If there are no features; if the weights are one of them; if a column has no values, or numbers above `MAX_NUMBER`; or
        if a categorical column has more than `MAX_CATEGORIES` values.
    """
    if not preparation.columns:
        raise ValueError("Choose at least one feature.")
    if preparation.weight in preparation.columns:
        raise ValueError(f"Column {preparation.weight} holds the weights of rows, so it cannot be a feature: remove it.")
    numbers, codes, categories, number_names, category_names = [], [], [], [], []
    for name in preparation.columns:
        cells = table[name]
        numeric = is_number(cells)
        if (numeric and name not in preparation.as_categories) or pd.api.types.is_datetime64_any_dtype(cells):
            column = to_floats(cells)
            largest = np.fmax.reduce(np.abs(column), initial=-1.0)
            if largest > MAX_NUMBER:
                raise ValueError(
                    f"Column {name} contains numbers as large as {largest:g}, whose squares overflow: "
                    "divide it by a constant, or remove it."
                )
            has_values = largest >= 0
            numbers.append(column)
            number_names.append(name)
        else:
            column, values = pd.factorize(
                cells.replace([np.inf, -np.inf], np.nan) if numeric else _comparable(cells), sort=numeric
            )
            if len(values) > MAX_CATEGORIES:
                raise ValueError(
                    f"Column {name} has {len(values):,} distinct values; a categorical column may have at most "
                    f"{MAX_CATEGORIES}: remove it."
                )
            has_values = len(values) > 0
            texts = tuple(map(value_text, values))
            if len(texts) == 2 and not numeric and texts[0].lower() in AFFIRMATIVE:
                texts, column = texts[::-1], np.where(column < 0, column, 1 - column)
            codes.append(column)
            categories.append(texts)
            category_names.append(name)
        if not has_values:
            raise ValueError(f"Column {name} has no values: remove it.")
    n = len(table)
    return SelectedColumns(
        np.column_stack(numbers) if numbers else np.empty((n, 0)),
        np.column_stack(codes) if codes else np.empty((n, 0), dtype=np.intp),
        tuple(number_names),
        tuple(category_names),
        tuple(categories),
    )


def _comparable(cells: pd.Series) -> pd.Series:
    """The column, converted to text if its values have different types, which cannot be sorted."""
    return cells.map(str, na_action="ignore") if cells.dtype == object else cells


def missing_effects(selected: SelectedColumns) -> dict[str, str]:
    """What each of `MISSING_OPTIONS` would do to the rows; empty if no value is missing."""
    missing = selected.missing
    rows, cells, n = int((missing > 0).sum()), int(missing.sum()), len(missing)
    if not rows:
        return {}
    d = selected.numbers.shape[1] + selected.codes.shape[1]
    imputes = f"Imputes {cells:,} {'value' if cells == 1 else 'values'} in {rows:,} of {n:,} rows"
    blank = int((missing == d).sum())
    warning = ""
    if blank and d > 1:
        warning = f" {blank:,} {'row has' if blank == 1 else 'rows have'} no value in any feature and would get only averages."
    predicted = "predictions from the other numeric features (with standard deviations)"
    return {
        "drop": f"Drops {rows:,} of {n:,} rows and keeps {n - rows:,}.",
        "median": f"{imputes} with {_imputed_values(selected, 'the column median')}.{warning}",
        "ppca": f"{imputes} with {_imputed_values(selected, predicted)}.{warning}"
        if n <= MAX_ROWS_FOR_PPCA
        else TOO_MANY_FOR_PPCA,
    }


def _imputed_values(selected: SelectedColumns, numbers: str) -> str:
    """Describes the imputed values; `numbers` describes those of numeric columns."""
    texts = [numbers] * bool(np.isnan(selected.numbers).any())
    texts += ["the most frequent category"] * bool((selected.codes < 0).any())
    return " or ".join(texts)


def prepare(table: pd.DataFrame, title: str, preparation: Preparation, on_step: Callable[[State], None] | None = None) -> Data:
    """Turns the rows of a table into points.

    Numeric columns are scaled. Each categorical column is one-hot encoded as columns of 0 and 1, which are not scaled; one
    with two categories is encoded as a single column, the indicator of the second category, because the other indicator would
    count each difference twice and make covariances singular.

    Parameters
    ----------
    table : the table
    title : title of the data set
    preparation : the settings
    on_step : called with each state of probabilistic PCA

    Raises
    ------
    ValueError
        As in `select_columns` and `row_weights`; if fewer than two rows are left; if there are too many columns or values; or
        if probabilistic PCA is not possible.
    """
    selected = select_columns(table, preparation)
    if preparation.missing == "drop" or not selected.missing.any():
        complete = _drop_rows(selected)
    else:
        complete = _impute(selected, preparation, on_step)
    shift, scale = shift_and_scale(complete.numbers, preparation.scaling)
    numbers = (complete.numbers - shift) / scale if preparation.scaling != "none" else complete.numbers
    own_names = list(selected.number_names)
    names = [f"{name}{SCALING_SUFFIXES[preparation.scaling]}" for name in own_names]
    widths = [1] * len(names)
    one_hot = []
    for name, codes, categories in zip(selected.category_names, complete.codes.T, selected.categories, strict=True):
        shown = range(len(categories) == 2, len(categories))
        one_hot.append(codes[:, None] == np.array(shown))
        indicators = [f"{name} = {categories[code]}" for code in shown]
        names += indicators
        own_names += indicators
        widths.append(len(shown))
    check_size(len(numbers), sum(widths))
    points = np.ascontiguousarray(np.column_stack([numbers, *one_hot]))
    imputed = deviations = None
    if complete.imputed is not None:
        imputed = np.repeat(complete.imputed, widths, axis=1)
        if complete.deviations is not None:
            deviations = np.zeros(points.shape)
            deviations[:, : numbers.shape[1]] = complete.deviations / scale
    labels = None
    if preparation.label is not None:
        labels = pd.factorize(_comparable(table[preparation.label]), sort=True)[0][complete.rows]
    row_labels = None
    if preparation.names is not None:
        cells = table[preparation.names].iloc[complete.rows]
        row_labels = np.where(cells.isna(), "", cells.astype(object).map(value_text))
    weights = None if preparation.weight is None else row_weights(table[preparation.weight], complete.rows)
    note = complete.note
    if one_hot:
        note += _encoding_note(selected.category_names, widths[numbers.shape[1] :])
    scaling = None
    if preparation.scaling != "none":
        n_indicators = len(names) - len(shift)
        shift, scale = np.append(shift, np.zeros(n_indicators)), np.append(scale, np.ones(n_indicators))
        scaling = ColumnScaling(preparation.scaling, _unique(own_names), shift, scale)
    data = Data(
        key="",
        title=title,
        columns=_unique(names),
        points=points,
        labels=labels,
        label_name=preparation.label or "",
        note=note.strip(),
        rows=complete.rows + 1,
        names=row_labels,
        noun="row",
        imputed=imputed,
        deviations=deviations,
        row_weights=weights,
        weight_name=preparation.weight or "",
        scaling=scaling,
        mixed=(complete.numbers, complete.codes) if selected.categories else None,
        origin=Origin(
            table,
            preparation,
            selected.number_names,
            dict(zip(selected.category_names, selected.categories, strict=True)),
            tuple(widths),
        ),
    )
    return replace(data, key=_digest(data))


def row_weights(cells: pd.Series, rows: np.ndarray) -> np.ndarray:
    """(n,) weights of these rows, given by their positions.

    Raises
    ------
    ValueError
        If the column does not hold numbers, or if one of them is missing, infinite, negative or above `MAX_WEIGHT`, or if all
        of them are 0 or below its inverse.
    """
    name = cells.name
    if not is_number(cells):
        raise ValueError(f"Column {name} does not hold numbers, so it cannot hold the weights of rows: choose another column.")
    weights = to_floats(cells)[rows]
    for valid, problem in (
        (np.isfinite(weights), "has no number, or an infinite one"),
        (~(weights < 0), "is negative"),
        (~(weights > MAX_WEIGHT), f"exceeds {MAX_WEIGHT:g}"),
    ):
        if not valid.all():
            row = rows[valid.argmin()] + 1
            raise ValueError(
                f"Column {name} {problem} in row {row}, so it cannot hold the weights of rows: choose another column, or "
                "correct the table."
            )
    if weights.max() < 1 / MAX_WEIGHT:
        what = "is 0" if weights.max() == 0 else f"is below {1 / MAX_WEIGHT:g}"
        raise ValueError(
            f"Column {name} {what} in all rows that are used, so it cannot hold the weights of rows: choose another column."
        )
    return weights


def _encoding_note(names: tuple[str, ...], widths: list[int]) -> str:
    """Sentences about categorical columns that were encoded as this number of columns each, after a space."""
    binary = [name for name, width in zip(names, widths, strict=True) if width == 1]
    note, several = "", sum(width for width in widths if width > 1)
    if several:
        note += f" Categories were one-hot encoded ({several} columns)."
    if binary:
        some = ", ".join(binary) if len(binary) <= MAX_NAMED else f"{len(binary)} columns with two categories"
        note += f" {some} {'were' if binary[1:] else 'was'} encoded as one column of 0 and 1{' each' * bool(binary[1:])}."
    return f"{note} For mixed types consider K-prototypes, or K-medoids with Gower distance."


@dataclass(frozen=True, eq=False)
class _Complete:
    """The selected features without missing values."""

    numbers: np.ndarray
    codes: np.ndarray
    rows: np.ndarray
    """indices of the rows that were kept"""
    note: str
    imputed: np.ndarray | None = None
    """(n, p + q) booleans, whether a value was imputed"""
    deviations: np.ndarray | None = None
    """(n, p) standard deviation of each imputed number, 0 elsewhere"""


def _drop_rows(selected: SelectedColumns) -> _Complete:
    n = len(selected.numbers)
    rows = np.flatnonzero(selected.missing == 0)
    if len(rows) < 2:
        count = "Only one row has" if len(rows) else "No row has"
        raise ValueError(
            f"{count} a value in every feature, but clustering needs at least two: impute missing values, or choose fewer "
            "features."
        )
    if len(rows) == n:
        return _Complete(selected.numbers, selected.codes, rows, "")
    dropped = n - len(rows)
    were = "was" if dropped == 1 else "were"
    note = f"{dropped:,} of {n:,} rows {were} dropped because of missing or infinite values."
    return _Complete(selected.numbers[rows], selected.codes[rows], rows, note)


def _impute(selected: SelectedColumns, preparation: Preparation, on_step) -> _Complete:
    missing = np.isnan(selected.numbers)
    numbers, deviations = _impute_numbers(selected.numbers, missing, preparation, on_step)
    codes = selected.codes.copy()
    for column, categories in zip(codes.T, selected.categories, strict=True):
        column[column < 0] = np.bincount(column[column >= 0], minlength=len(categories)).argmax()
    source = _imputed_values(selected, {"median": "the column median", "ppca": "probabilistic PCA"}[preparation.missing])
    n, cells, rows = len(codes), int(selected.missing.sum()), int((selected.missing > 0).sum())
    count = "1 value" if cells == 1 else f"{cells:,} values"
    note = f"{count} in {rows:,} of {n:,} rows {'was' if cells == 1 else 'were'} imputed with {source}."
    return _Complete(numbers, codes, np.arange(n), note, np.column_stack([missing, selected.codes < 0]), deviations)


def _unique(names: list[str]) -> tuple[str, ...]:
    """The names, with a number appended to duplicates."""
    unique: list[str] = []
    for name in names:
        candidate, count = name, 2
        while candidate in unique:
            candidate, count = f"{name} ({count})", count + 1
        unique.append(candidate)
    return tuple(unique)


def _digest(data: Data) -> str:
    """A key computed from everything that a plot or a run depends on."""
    digest = hashlib.sha256()
    scaling = () if data.scaling is None else (data.scaling.shift, data.scaling.scale)
    arrays = (data.points, data.rows, data.labels, data.names, data.imputed, data.deviations, *scaling, *(data.mixed or ()))
    if data.row_weights is not None:
        arrays += (data.row_weights,)
    for array in arrays:
        if array is not None and array.dtype == object:
            array = np.frombuffer(repr(array.tolist()).encode(), dtype=np.uint8)
        digest.update(b"none" if array is None else repr((array.shape, array.dtype)).encode())
        digest.update(b"" if array is None else np.ascontiguousarray(array))
    return f"table/{digest.hexdigest()[:24]}/{(data.title, data.columns, data.label_name, data.note)}{data.weight_name}"


def _impute_numbers(numbers, missing, preparation: Preparation, on_step) -> tuple[np.ndarray, np.ndarray | None]:
    """(n, p) numbers with missing values imputed, and (n, p) standard deviations of imputed values, None if unknown."""
    if not missing.any():
        return numbers, None
    if preparation.missing == "median":
        return np.where(missing, np.nanmedian(numbers, axis=0), numbers), None
    n, p = numbers.shape
    if p < 2:
        raise ValueError(
            "Probabilistic PCA predicts a missing value from the other numeric features, but there is only one numeric "
            "feature: choose more features, or impute the median."
        )
    if n > MAX_ROWS_FOR_PPCA:
        raise ValueError(TOO_MANY_FOR_PPCA)
    result, shift, scale = fit_ppca(numbers, preparation.components, on_step)
    return np.where(missing, result.points * scale + shift, numbers), result.deviations * scale


def fit_ppca(
    numbers: np.ndarray, components: int, on_step: Callable[[State], None] | None = None
) -> tuple[Imputed, np.ndarray, np.ndarray]:
    """Probabilistic PCA of numbers (n, p), NaN for missing values, standardized by a shift (p,) and scale (p,).

    It assumes the same noise variance in all columns, so they are standardized first.
    """
    shift, scale = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
    scale[~(scale > 0)] = 1.0
    components = min(components, numbers.shape[1] - 1, MAX_COMPONENTS)
    return impute((numbers - shift) / scale, components, on_step=on_step), shift, scale


def shift_and_scale(numbers: np.ndarray, scaling: str) -> tuple[np.ndarray, np.ndarray]:
    """(p,) shift and (p,) scale of each column; the scaled column is (column - shift) / scale."""
    d = numbers.shape[1]
    if scaling == "none":
        return np.zeros(d), np.ones(d)
    low, extent = numbers.min(axis=0), np.ptp(numbers, axis=0)
    varies = extent > 0  # exact; the standard deviation of equal numbers may be nonzero by rounding
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
        if not (scale > 0).all():  # at least half of a column's values are equal
            scale = np.where(scale > 0, scale, deviation())
    return np.where(varies, shift, low), np.where(varies & (scale > 0), scale, 1.0)


def dominance_warning(data: Data) -> str:
    """A warning if one column accounts for at least `DOMINANT_SHARE` of the squared distances between points, else ""."""
    varies = np.ptp(data.points, axis=0) > 0
    if data.same_units or varies.sum() < 2:
        return ""
    with np.errstate(over="ignore", invalid="ignore"):
        variances = np.where(varies, data.points.var(axis=0), 0.0)
    if not 0 < variances.sum() < np.inf:
        return ""
    shares = variances / variances.sum()
    j = int(shares.argmax())
    if shares[j] < DOMINANT_SHARE:
        return ""
    standardized = data.scaling is not None and data.scaling.name == "standardize"
    advice = "Columns of 0 and 1 are not scaled; consider Gower distance." if standardized else "Consider standardizing."
    return (
        f"The column “{data.columns[j]}” accounts for {min(shares[j], 0.999):.1%} of the squared distances and will dominate "
        f"the result. {advice}"
    )


def check_size(rows: int, columns: int) -> None:
    """Raises ValueError if an array of this shape exceeds `MAX_COLUMNS` or `MAX_CELLS`."""
    if columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise ValueError(
            f"{rows:,} rows and {columns:,} columns after one-hot encoding exceed the limits of {MAX_COLUMNS:,} columns and "
            f"{MAX_CELLS:,} values: choose fewer features."
        )


def max_components(selected: SelectedColumns) -> int:
    """Largest possible number of components of probabilistic PCA; 0 if there is nothing it can impute."""
    return min(selected.numbers.shape[1] - 1, MAX_COMPONENTS) if np.isnan(selected.numbers).any() else 0
