"""The metric, an option of methods that use a proximity matrix."""

from pages.datasets.data import PRECOMPUTED
from pages.methods.options import Option

METRIC = Option(
    "metric",
    "Metric",
    "euclidean",
    values_for=lambda data: data.metrics,
    short_label=str.capitalize,
    omitted_in_labels=frozenset({"euclidean", PRECOMPUTED}),
    argument=None,
)
