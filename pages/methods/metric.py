"""The metric, an option of methods that use a proximity matrix."""

from pages.datasets.data import PRECOMPUTED
from pages.methods.options import Option

METRIC_NAMES = {
    "gower": "Gower",
    "euclidean": "Euclidean",
    "squared euclidean": "squared Euclidean",
    "manhattan": "Manhattan",
    "chebyshev": "Chebyshev",
    "cosine": "cosine",
    "correlation": "correlation",
    PRECOMPUTED: "as given",
}
"""names of the metrics in running text"""
LABELS = {metric: name[0].upper() + name[1:] for metric, name in METRIC_NAMES.items()}
METRIC = Option(
    "metric",
    "Metric",
    "euclidean",
    choices=LABELS,
    values_for=lambda data: data.metrics,
    short_label=LABELS.get,
    omitted_in_labels=frozenset({"euclidean", PRECOMPUTED}),
    argument=None,
)


def distances_name(metric: str) -> str:
    """The distances by a metric in running text, such as "Euclidean distances" or "given distances"."""
    return "given distances" if metric == PRECOMPUTED else f"{METRIC_NAMES[metric]} distances"


def proximities_code(metric: str) -> tuple[str, str, frozenset[str]]:
    """Code that computes the proximity matrix of `points`, as in `MethodView.input_code`; Gower's of `numbers` and `codes`."""
    if metric == "gower":
        return "proximities = gower_matrix(numbers, codes)\n", "proximities", frozenset({"gower_matrix"})
    return f'proximities = proximity_matrix(points, "{metric}")\n', "proximities", frozenset({"proximity_matrix"})
