"""The metric as an option, for methods that work on proximities."""

from pages.datasets.data import GIVEN
from pages.methods.options import Option


def _short(metric: str) -> str:
    return metric.capitalize()


METRIC = Option(
    "metric",
    "Metric",
    "euclidean",
    fits=lambda data: data.metrics,
    short=_short,
    plain=frozenset({"euclidean", GIVEN}),
    argument=None,
)
