"""Scores of the runs of a comparison."""

from dataclasses import dataclass

import numpy as np

from pages.compare.comparison import Comparison
from pages.datasets.formatting import pluralize
from pages.runs.known_groups import NOISE_IS_A_GROUP
from pages.runs.random_starts import StartResults, has_random_start
from pages.runs.run import Run


@dataclass(frozen=True)
class PanelScores:
    """A row of the table of scores; None where a score is not defined."""

    name: str
    duration: str
    """number of iterations or merges, as text"""
    seconds: float
    loss: float | None
    loss_name: str | None
    silhouette: float | None
    adjusted_rand: float | None
    v_measure: float | None
    compared: dict[str, str]
    """other comparable scores, such as the BIC of mixtures, as text by name"""
    starts: StartResults | None
    """the random starts whose best is shown; None for a single start"""

    @property
    def loss_spread(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the final losses of the random starts."""
        return _spread(None if self.starts is None else self.starts.losses)

    @property
    def adjusted_rand_spread(self) -> tuple[float, float] | None:
        return _spread(None if self.starts is None else self.starts.adjusted_rand)

    @property
    def v_measure_spread(self) -> tuple[float, float] | None:
        return _spread(None if self.starts is None else self.starts.v_measure)


def _spread(values: np.ndarray | None) -> tuple[float, float] | None:
    """Mean and standard deviation of at least two values; None if there are fewer, or if one is undefined."""
    if values is None or len(values) < 2 or np.isnan(values).any():
        return None
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    return mean, 0.0 if deviation < 1e-6 * abs(mean) else deviation  # the same optimum, up to convergence


def scores(comparison: Comparison) -> list[PanelScores]:
    """Scores of each successful run."""
    return [
        PanelScores(
            name,
            run.view.duration(run),
            run.seconds,
            run.history.last.loss,
            run.history.process.loss_name,
            None if run.silhouette is None else run.silhouette.mean,
            run.agreement,
            None if run.known_groups is None else run.known_groups.v_measure,
            {score.name: score.text for score in run.view.scores(run) if score.comparable},
            starts,
        )
        for (name, run), starts in zip(comparison.named_runs, comparison.named_starts, strict=True)
    ]


def compared_names(rows: list[PanelScores]) -> list[str]:
    """Names of the compared scores of all rows, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in row.compared))


def notes(comparison: Comparison, rows: list[PanelScores]) -> list[str]:
    """Sentences that explain the table."""
    data, runs = comparison.data, [run for _, run in comparison.named_runs]
    exceptions = dict.fromkeys(run.view.time_exception for run in runs if run.view.time_exception)
    sentences = _restart_notes(comparison) + [
        "Time excludes initialization and, where a method needs them, the distance matrix and eigenvectors"
        + "".join(f", except {one}" for one in exceptions)
        + "."
    ]
    distances = list(dict.fromkeys(run.silhouette_distances for run in runs if run.silhouette)) or ["Euclidean distances"]
    has_noise = any((run.labels < 0).any() for run in runs)
    inside = [(run.silhouette, _counted(run)) for run in runs if run.silhouette is not None]
    sampled = next((len(width.rows) for width, count in inside if len(width.rows) < count), None)
    sentences.append(
        f"Silhouette: mean over {'a sample of ' if sampled else 'all '}{sampled or data.n:,} points, using "
        + (f"{distances[0]} for every run" if len(distances) == 1 else f"the distances of each run ({', '.join(distances)})")
        + " (1 = well separated, about 0 = overlapping clusters; undefined for one cluster)."
        + " Points in no cluster are left out." * has_noise
        + " Values based on different distances cannot be compared." * (len(distances) > 1)
    )
    if comparison.true_labels is not None:
        excluded = "" if (data.labels >= 0).all() else ", excluding points without a true label"
        sentences.append(
            f"Adjusted Rand index and V-measure: agreement with the {data.true_labels_name}{excluded}; "
            "1 = identical; for the adjusted Rand index, 0 = as expected by chance."
            + f" {NOISE_IS_A_GROUP[0].upper()}{NOISE_IS_A_GROUP[1:]}."
            * has_noise
        )
    if len({run.weights is None for run in runs}) > 1:
        sentences.append(
            "Losses and other scores of algorithms that use the weights of rows cannot be compared with those of algorithms "
            "that ignore them."
        )
    sentences += dict.fromkeys(run.view.score_note for run, row in zip(runs, rows, strict=True) if row.compared)
    return sentences


def weights_in_agreement(comparison: Comparison) -> str:
    """Whether the agreement of clusterings depends on weights of rows, a sentence; empty if the data have none."""
    if comparison.data.row_weights is None:
        return ""
    how = "each row once, because a run ignores its weight" if comparison.frequencies is None else "rows with their weights"
    return f"These indices count {how}; the contingency table counts each row once."


def _counted(run: Run) -> int:
    """Number of points in clusters whose weight is not 0."""
    return np.count_nonzero((run.labels >= 0) & (True if run.weights is None else run.weights > 0))


def _restart_notes(comparison: Comparison) -> list[str]:
    """Sentences about the random starts whose best the table shows."""
    counts = {
        name: 1 if starts is None else len(starts.seeds)
        for (name, run), starts in zip(comparison.named_runs, comparison.named_starts, strict=True)
        if has_random_start(run.settings)
    }
    if not counts or comparison.restarts == 1:
        return []
    most = max(counts.values())
    if most == 1:
        return ["The data are large, so each run from a random start is the only one that was tried."]
    fewer = [f"{name}: {count}" for name, count in counts.items() if count < most]
    return [
        f"Each run from a random start is the one with the lowest loss of {pluralize(most, 'restart')}"
        + (f" (fewer for large data: {'; '.join(fewer)})" if fewer else "")
        + "; below its scores, mean ± standard deviation over all of them."
        + (f" The data are large, so {comparison.restarts - most} more were not tried." if most < comparison.restarts else "")
    ]
