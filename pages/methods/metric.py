"""The metric, an option of methods that work on proximities."""

from pages.datasets.data import PRECOMPUTED
from pages.methods.options import Option


def _short(metric: str) -> str:
    return metric.capitalize()


METRIC = Option(
    "metric",
    "Metric",
    "euclidean",
    values_for=lambda data: data.metrics,
    short_label=_short,
    omitted_in_labels=frozenset({"euclidean", PRECOMPUTED}),
    argument=None,
)
