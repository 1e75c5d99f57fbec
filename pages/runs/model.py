"""A model: everything that is needed to assign new rows to the segments of a run, without its data.

New rows are cleaned and scaled with the medians, categories, shifts and scales of the old ones, and assigned by the rule of
the run's last E step, see `MethodView.place`.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from clustering import weighted_quantiles
from pages.datasets.cleaning import fit_ppca, select_columns
from pages.datasets.data import Data
from pages.datasets.formatting import format_percentage
from pages.methods import method
from pages.methods.base import MethodView, Placement
from pages.methods.options import Settings
from pages.runs.profiles import Variable, deviations_of
from pages.runs.run import means_of
from pages.runs.segments import Segments

LIMIT = 0.99
"""share of the old rows that are not farther from their segment than `Model.limit`"""
BINS = 10
"""number of bins of a column of numbers, whose shares of the rows are compared with those of new rows"""


@dataclass(frozen=True)
class Feature:
    """A column that the rows were clustered by, as it was in the old rows."""

    name: str
    kind: Literal["number", "date", "category"]
    shares: tuple[float, ...]
    """share of the values in each bin or category; they sum to one"""
    missing: float
    """share of missing values in the whole old table, including rows that were left out because of them"""
    fill: float | None = None
    """number, or code of the category, that is imputed for missing values; None if there is none"""
    mean: float = 0.0
    """of numbers, and of dates in days since 1970"""
    deviation: float = 0.0
    """standard deviation"""
    edges: tuple[float, ...] = ()
    """increasing inner edges of the bins; a bin includes its lower edge"""
    categories: tuple[str, ...] = ()
    """categories in the order of their codes"""
    width: int = 1
    """number of columns of the points: indicators of the last `width` categories, or the number itself"""

    def text(self, value: float) -> str:
        """A value as text: three digits, a date, or a share in percent for categories."""
        return f"{value:.0%}" if self.categories else Variable(self.name, self.kind, True, np.zeros(0)).text(value)


@dataclass(frozen=True)
class Imputation:
    """Probabilistic PCA of the old rows: standardized numbers have the distribution N(mean, covariance)."""

    shift: np.ndarray
    """(p,) subtracted from the numbers"""
    scale: np.ndarray
    """(p,) divisor of the numbers"""
    mean: np.ndarray
    """(p,)"""
    covariance: np.ndarray
    """(p, p)"""

    def complete(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers (m, p) with the expectation of missing values, given the other ones of the row."""
        values = (numbers - self.shift) / self.scale - self.mean
        patterns, of_row = np.unique(np.isnan(values), axis=0, return_inverse=True)
        for i, gaps in enumerate(patterns):
            rows, known = np.flatnonzero(of_row.ravel() == i), ~gaps
            weights = np.linalg.lstsq(self.covariance[np.ix_(known, known)], self.covariance[np.ix_(known, gaps)])[0]
            values[np.ix_(rows, gaps)] = values[np.ix_(rows, known)] @ weights
        return np.where(np.isnan(numbers), (values + self.mean) * self.scale + self.shift, numbers)


@dataclass(frozen=True, eq=False)
class Model:
    """The segments of a run as a rule for new rows. It contains no rows, except medoids and core points."""

    title: str
    """title of the data set"""
    n: int
    """number of old rows, or the sum of their weights, see `Data.observations`"""
    settings: Settings
    """method, K and options of the run; without its initialization and seed"""
    features: tuple[Feature, ...]
    """numbers and dates, then categories, in the order of the points' columns"""
    missing: str
    """key of `cleaning.MISSING_OPTIONS`"""
    shift: np.ndarray
    """(d,) subtracted from the columns after encoding"""
    scale: np.ndarray
    """(d,) divisor of the columns after encoding"""
    names: tuple[str, ...]
    """(k,) names of the segments"""
    ranks: tuple[int, ...]
    """(k,) ranks for colors, see `Segments.ranks`"""
    sizes: tuple[int, ...]
    """(k,) number of old rows in each segment, or sum of their weights as frequencies, rounded"""
    by_means: bool
    """whether new rows belong to the segment with the nearest mean, because the method or the edits left no other rule"""
    arrays: dict[str, np.ndarray]
    """result of `MethodView.placement_arrays`, or "means" (k', d) if `by_means`"""
    segments: tuple[int, ...]
    """(k',) segment of each cluster or mean of `arrays`"""
    limit: float
    """distance to their segment that `LIMIT` of the old rows do not exceed"""
    agreement: float
    """share of the old rows in segments that the rule for new rows assigns to the segment that they are in"""
    imputation: Imputation | None = None
    """probabilistic PCA for missing numbers; None if there is none"""
    missing_marks: tuple[str, ...] = ()
    """markers of missing values in the file, in addition to the usual ones"""
    ignore_case: bool = False
    """whether categories that differ only in case are equal"""
    dates: str = ""
    """order of day and month in the file, see `readers.Format`"""
    weighted: bool = False
    """whether old rows counted with weights"""

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.names)

    @cached_property
    def view(self) -> MethodView:
        return method(self.settings.method)

    @property
    def numbers(self) -> tuple[Feature, ...]:
        """The features that are numbers or dates."""
        return tuple(feature for feature in self.features if feature.kind != "category")

    @property
    def categorical(self) -> tuple[Feature, ...]:
        """The features that are categories."""
        return tuple(feature for feature in self.features if feature.kind == "category")

    @property
    def rule(self) -> str:
        """How new rows are assigned, as a sentence."""
        if not self.by_means:
            return f"Each row belongs to {self.view.placement_rule(self.settings)}, as in the last step of {self.view.title}."
        reason = "the segments were edited" if self.view.traits.regions else "the method has no rule for new rows"
        return (
            f"Each row belongs to the segment with the nearest mean, because {reason}. This rule assigns "
            f"{format_percentage(self.agreement)} of the old rows to the segment that they are in."
        )

    @property
    def distance_name(self) -> str:
        """What the distance of a row to its segment is."""
        return "Euclidean distance to the mean" if self.by_means else self.view.placement_distance(self.settings)

    def encode(self, numbers: np.ndarray, codes: np.ndarray) -> Data:
        """Complete rows as points: numbers (m, p) and category codes (m, q), encoded and scaled."""
        parts = [numbers]
        for column, feature in zip(codes.T, self.categorical, strict=True):
            count = len(feature.categories)
            parts.append(np.eye(count)[column, count - feature.width :])
        points = (np.column_stack(parts) - self.shift) / self.scale
        names = tuple(f"column {i + 1}" for i in range(points.shape[1]))
        return Data("new rows", self.title, names, points, mixed=(numbers, codes) if self.categorical else None)

    def place(self, data: Data) -> Placement:
        """The segment of each point and its distance to it.

        Raises
        ------
        ValueError
            If the parameters, which may come from a file, do not fit each other.
        """
        try:
            if self.by_means:
                distances = cdist(data.points, self.arrays["means"])
                labels = distances.argmin(axis=1)
                placement = Placement(labels, distances[np.arange(len(labels)), labels])
            else:
                placement = self.view.place(self.arrays, self.settings, data)
            # the extra entry is for label -1
            return placement._replace(labels=np.append(self.segments, -1).astype(np.intp)[placement.labels])
        except (ValueError, TypeError, LookupError, np.linalg.LinAlgError) as error:
            raise ValueError("The parameters of this model do not fit its columns.") from error


def model_of(segments: Segments) -> Model:
    """The model of the segments of a run.

    Raises
    ------
    ValueError
        If the data are a distance matrix.
    """
    run, data = segments.run, segments.data
    if data.precomputed is not None:
        raise ValueError("New rows cannot be assigned: these data are a distance matrix, which says nothing about other rows.")
    arrays = {} if segments.is_edited else run.view.placement_arrays(run)
    clusters = tuple(run.ranks.tolist())
    by_means = not arrays
    if by_means:
        clusters = tuple(np.flatnonzero(segments.sizes).tolist())
        arrays = {"means": means_of(data.points, segments.labels, segments.k, segments.weights)[list(clusters)]}
    d = data.points.shape[1]
    missing = "drop" if data.origin is None else data.origin.preparation.missing
    weights = segments.frequencies
    features, imputation = _features(data, missing, weights)
    file = None if data.origin is None else data.origin.file
    model = Model(
        title=data.title,
        n=len(data.points) if weights is None else round(data.observations),
        settings=run.view.settings(run.settings.k, **dict(run.settings.options)),
        features=features,
        missing=missing,
        shift=np.zeros(d) if data.scaling is None else data.scaling.shift,
        scale=np.ones(d) if data.scaling is None else data.scaling.scale,
        names=segments.names,
        ranks=segments.ranks,
        sizes=_sizes(segments),
        by_means=by_means,
        arrays=arrays,
        segments=clusters,
        limit=0.0,
        agreement=1.0,
        imputation=imputation,
        missing_marks=() if file is None else file.format.missing,
        ignore_case=file is not None and file.format.ignore_case,
        dates="" if file is None else file.format.dates,
        weighted=weights is not None,
    )
    inside = (segments.labels >= 0) & (True if weights is None else weights > 0)
    if not inside.any():
        raise ValueError("New rows cannot be assigned, because no row is in a segment.")
    placement = model.place(data)
    own = None if weights is None else weights[inside]
    return replace(
        model,
        limit=float(weighted_quantiles(placement.distances[inside], [LIMIT], own)[0]),
        agreement=float(np.average((placement.labels == segments.labels)[inside], weights=own)),
    )


def _sizes(segments: Segments) -> tuple[int, ...]:
    inside, weights = segments.labels >= 0, segments.frequencies
    sizes = np.bincount(segments.labels[inside], None if weights is None else weights[inside], minlength=segments.k)
    return tuple(np.rint(sizes).astype(int).tolist())


def _features(data: Data, missing: str, weights: np.ndarray | None) -> tuple[tuple[Feature, ...], Imputation | None]:
    """The columns that the points were clustered by, with statistics of the old rows, and how missing numbers are imputed.

    The statistics are weighted with `weights` (n,), if they are given, except for the shares of missing values.
    """
    if data.origin is None:
        scaling = data.scaling
        names, points = (data.columns, data.points) if scaling is None else (scaling.columns, scaling.positions(data.points))
        columns = zip(names, points.T, strict=True)
        return tuple(_number(name, "number", values, None, 0.0, weights) for name, values in columns), None
    origin, imputation = data.origin, None
    selected = select_columns(origin.table, origin.preparation)
    fills = missing != "drop"
    if missing == "ppca" and np.isnan(selected.numbers).any():
        imputation = _imputation(selected.numbers, origin.preparation)
    features, rows = [], data.rows - 1
    for name, column in zip(selected.number_names, selected.numbers.T, strict=True):
        kind = "date" if pd.api.types.is_datetime64_any_dtype(origin.table[name]) else "number"
        fill = float(np.nanmedian(column)) if fills else None
        features.append(_number(name, kind, column[rows], fill, float(np.isnan(column).mean()), weights))
    widths = origin.widths[len(selected.number_names) :]
    for name, codes, categories, width in zip(
        selected.category_names, selected.codes.T, selected.categories, widths, strict=True
    ):
        frequent = np.bincount(codes[codes >= 0], minlength=len(categories)).argmax()
        known = codes[rows] >= 0
        shares = np.bincount(codes[rows][known], None if weights is None else weights[known], minlength=len(categories))
        features.append(
            Feature(
                name,
                "category",
                tuple((shares / (shares.sum() or 1)).tolist()),
                float((codes < 0).mean()),
                float(frequent) if fills else None,
                categories=categories,
                width=width,
            )
        )
    return tuple(features), imputation


def _number(
    name: str,
    kind: Literal["number", "date"],
    values: np.ndarray,
    fill: float | None,
    missing: float,
    weights: np.ndarray | None,
) -> Feature:
    """A feature of numbers or dates (n,), NaN for missing values, with weights (n,) if there are any."""
    known = ~np.isnan(values) & (True if weights is None else weights > 0)
    present, own = values[known], None if weights is None else weights[known]
    if not present.size:
        return Feature(name, kind, (1.0,), missing, fill)
    edges = np.unique(weighted_quantiles(present, np.arange(1, BINS) / BINS, own))
    shares = np.bincount(edges.searchsorted(present, side="right"), own, minlength=len(edges) + 1)
    shares = shares / shares.sum()
    return Feature(
        name,
        kind,
        tuple(shares.tolist()),
        missing,
        fill,
        float(np.average(present, weights=own)),
        float(deviations_of(present[:, None], own)[0]),
        tuple(edges.tolist()),
    )


def _imputation(numbers: np.ndarray, preparation) -> Imputation:
    """Probabilistic PCA of numbers (n, p), as in `cleaning.prepare`."""
    result, shift, scale = fit_ppca(numbers, preparation.components)
    loadings, mean, noise = result.last.parameters
    return Imputation(shift, scale, mean, loadings @ loadings.T + noise * np.eye(len(mean)))
