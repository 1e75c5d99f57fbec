"""A model as a JSON file."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from pages.datasets.cleaning import MISSING_OPTIONS
from pages.datasets.limits import MAX_CATEGORIES, MAX_CLUSTERS, MAX_COLUMNS, MAX_JSON_BYTES
from pages.methods import method
from pages.methods.options import Option, Settings
from pages.runs.model import Feature, Imputation, Model

KIND = "clustering model"
VERSION = 1
MAX_DAYS = 2_900_000
"""maximum number of days from 1970: the last date that Python can write is in the year 9999"""
MAX_MARKS = 1_000
"""maximum number of markers of missing values"""


def to_json(model: Model) -> bytes:
    """The model as JSON."""
    content = dict(
        kind=KIND,
        version=VERSION,
        data=model.title,
        rows=model.n,
        weighted=model.weighted,
        method=model.settings.method,
        k=model.settings.k,
        options=dict(model.settings.options),
        reading=dict(missing=model.missing_marks, ignore_case=model.ignore_case, dates=model.dates),
        columns=[asdict(feature) for feature in model.features],
        missing=model.missing,
        imputation=None if model.imputation is None else asdict(model.imputation),
        shift=model.shift,
        scale=model.scale,
        segments=[
            dict(name=name, color=rank, rows=size)
            for name, rank, size in zip(model.names, model.ranks, model.sizes, strict=True)
        ],
        nearest_mean=model.by_means,
        parameters=model.arrays,
        segment_of_parameters=model.segments,
        limit=model.limit,
        agreement=model.agreement,
    )
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False, default=lambda value: value.tolist()).encode()


class _Wrong(ValueError):
    """The content is not that of a model."""


def from_json(content: bytes) -> Model:
    """The model in a JSON file.

    Raises
    ------
    ValueError
        If the file is too large, is not a model, has another version, or if its parts do not fit each other; the message is a
        sentence.
    """
    if len(content) > MAX_JSON_BYTES:
        raise ValueError(f"This file is larger than the limit of {MAX_JSON_BYTES // 2**20} MB for a model.")
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError("This file is not a model: it is not valid JSON.") from None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise ValueError("This file is not a model: save one on the Segments page, under Export.")
    if found.get("version") != VERSION:
        raise ValueError(
            f"This model has the version {str(found.get('version'))[:20]}, but only version {VERSION} can be read."
        )
    try:
        model = _model(found)
        # one row of means and frequent categories shows whether the parameters fit the columns
        numbers = np.array([[feature.mean for feature in model.numbers]])
        data = model.encode(numbers, np.zeros((1, len(model.categorical)), dtype=np.intp))
        placement = model.place(data)
        if not placement.distances.shape == placement.labels.shape == (1,):
            raise _Wrong("parameters")
        if model.imputation is not None:
            model.imputation.complete(np.full_like(numbers, np.nan))
        return model
    except _Wrong as error:
        raise ValueError(f"This model file is damaged: its entry “{error}” is missing or invalid.") from None
    except (ValueError, TypeError, LookupError, OverflowError, np.linalg.LinAlgError):
        raise ValueError("This model file is damaged: its parameters do not fit its columns.") from None


def _refuse(constant: str):
    raise ValueError(f"{constant} is not a number")


def _model(found: dict) -> Model:
    settings, features = _settings(found), tuple(_feature(one) for one in _list(found, "columns", MAX_COLUMNS))
    if not features or len({feature.name for feature in features}) < len(features):
        raise _Wrong("columns")
    if sorted(features, key=lambda feature: feature.kind == "category") != list(features):
        raise _Wrong("columns")
    d = sum(feature.width for feature in features)
    missing = _one_of(found, "missing", MISSING_OPTIONS)
    if missing != "drop" and any(feature.fill is None for feature in features):
        raise _Wrong("fill")
    segments = [_dict(one, "segments") for one in _list(found, "segments", 1_000)]
    if not segments:
        raise _Wrong("segments")
    arrays = {str(name): _array(values, "parameters") for name, values in _get(found, "parameters", dict).items()}
    of_parameters = tuple(
        _whole(value, "segment_of_parameters", len(segments) - 1) for value in _list(found, "segment_of_parameters")
    )
    reading = _get(found, "reading", dict)
    p = sum(feature.kind != "category" for feature in features)
    scale = _numbers(found, "scale", (d,))
    if not (scale > 0).all():
        raise _Wrong("scale")
    return Model(
        title=_get(found, "data", str),
        n=_whole(found.get("rows"), "rows"),
        settings=settings,
        features=features,
        missing=missing,
        shift=_numbers(found, "shift", (d,)),
        scale=scale,
        names=tuple(_get(segment, "name", str) for segment in segments),
        ranks=tuple(_whole(segment.get("color"), "color", 1_000) for segment in segments),
        sizes=tuple(_whole(segment.get("rows"), "rows") for segment in segments),
        by_means=_get(found, "nearest_mean", bool),
        arrays=arrays,
        segments=of_parameters,
        limit=float(_numbers(found, "limit", ())),
        agreement=float(_numbers(found, "agreement", ())),
        imputation=_imputation(found.get("imputation"), p),
        missing_marks=tuple(_checked(mark, "missing", str) for mark in _list(reading, "missing", MAX_MARKS)),
        ignore_case=_get(reading, "ignore_case", bool),
        dates=_one_of(reading, "dates", ("", "dmy", "mdy")),
        weighted=found.get("weighted") is True,  # older files have no such entry
    )


def _settings(found: dict) -> Settings:
    """The method with its options."""
    try:
        view = method(_get(found, "method", str))
    except ValueError:
        raise _Wrong("method") from None
    if not view.traits.clusters:
        raise _Wrong("method")
    given, options = _get(found, "options", dict), {}
    for option in view.options:
        value = given.get(option.name)
        if value is not None and not _fits(option, value):
            raise _Wrong(option.name)
        options[option.name] = value
    k = None
    if view.traits.k == "chosen":
        k = _whole(found.get("k"), "k", MAX_CLUSTERS)
        if not k:
            raise _Wrong("k")
    return view.settings(k, **options)


def _fits(option: Option, value: Any) -> bool:
    """Whether an option can have this value."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return False
    if option.choices is not None:
        return value in option.choices
    low, high = (-np.inf if option.low is None else option.low), (np.inf if option.high is None else option.high)
    return not isinstance(value, str) and low <= value <= high


def _feature(found: Any) -> Feature:
    found = _dict(found, "columns")
    kind = _one_of(found, "kind", ("number", "date", "category"))
    categories = tuple(_checked(one, "categories", str) for one in _list(found, "categories", MAX_CATEGORIES))
    edges = _numbers(found, "edges", (None,))
    bins = len(categories) if kind == "category" else len(edges) + 1
    if (
        not bins
        or len(set(categories)) < len(categories)
        or (kind != "category" and categories)
        or (np.diff(edges) <= 0).any()
    ):
        raise _Wrong("columns")
    width = _whole(found.get("width"), "width", max(1, len(categories)))
    fill = None if found.get("fill") is None else float(_numbers(found, "fill", ()))
    if not width or (kind == "category" and fill is not None and fill not in range(len(categories))):
        raise _Wrong("columns")
    shares, mean = _numbers(found, "shares", (bins,)), float(_numbers(found, "mean", ()))
    if kind == "date" and abs(mean) > MAX_DAYS:
        raise _Wrong("mean")
    return Feature(
        name=_get(found, "name", str),
        kind=kind,
        shares=tuple(shares.tolist()),
        missing=float(_numbers(found, "missing", ())),
        fill=fill,
        mean=mean,
        deviation=float(_numbers(found, "deviation", ())),
        edges=tuple(edges.tolist()),
        categories=categories,
        width=width,
    )


def _imputation(found: Any, p: int) -> Imputation | None:
    if found is None:
        return None
    found = _dict(found, "imputation")
    scale = _numbers(found, "scale", (p,))
    if not (scale > 0).all():
        raise _Wrong("imputation")
    shift, mean, covariance = (
        _numbers(found, name, shape) for name, shape in (("shift", (p,)), ("mean", (p,)), ("covariance", (p, p)))
    )
    return Imputation(shift, scale, mean, covariance)


def _checked(value: Any, name: str, kind: type) -> Any:
    if type(value) is not kind:
        raise _Wrong(name)
    return value


def _get(found: dict, name: str, kind: type) -> Any:
    return _checked(found.get(name), name, kind)


def _dict(value: Any, name: str) -> dict:
    return _checked(value, name, dict)


def _list(found: dict, name: str, longest: int | None = None) -> list:
    values = _get(found, name, list)
    if longest is not None and len(values) > longest:
        raise _Wrong(name)
    return values


def _one_of(found: dict, name: str, values) -> str:
    value = _get(found, name, str)
    if value not in values:
        raise _Wrong(name)
    return value


def _whole(value: Any, name: str, largest: int = 2**53) -> int:
    if type(value) is not int or not 0 <= value <= largest:
        raise _Wrong(name)
    return value


def _numbers(found: dict, name: str, shape: tuple) -> np.ndarray:
    """Finite numbers of this shape; None stands for any length."""
    values = _array(found.get(name), name)
    if values.ndim != len(shape) or any(n is not None and n != length for n, length in zip(shape, values.shape, strict=True)):
        raise _Wrong(name)
    return values


def _array(value: Any, name: str) -> np.ndarray:
    """Nested lists of numbers as an array."""
    if not isinstance(value, list | int | float):
        raise _Wrong(name)
    try:
        array = np.array(value)
    except ValueError:  # lists of different lengths
        raise _Wrong(name) from None
    if array.dtype.kind not in "if" and array.size:
        raise _Wrong(name)
    if not np.isfinite(array).all():
        raise _Wrong(name)
    return array if array.dtype.kind == "i" else array.astype(float)
