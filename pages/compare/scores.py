"""Scores of the runs of a comparison."""

from dataclasses import dataclass

from pages.compare.comparison import Comparison


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
    mutual_information: float | None
    """normalized, 0 to 1"""
    compared: dict[str, str]
    """other comparable scores, such as the BIC of mixtures, as text by name"""


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
            run.mutual_information,
            {score.name: score.text for score in run.view.scores(run) if score.comparable},
        )
        for name, run in comparison.named_runs
    ]


def compared_names(rows: list[PanelScores]) -> list[str]:
    """Names of the compared scores of all rows, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in row.compared))


def notes(comparison: Comparison, rows: list[PanelScores]) -> list[str]:
    """Sentences that explain the table."""
    data, runs = comparison.data, [run for _, run in comparison.named_runs]
    exceptions = dict.fromkeys(run.view.time_exception for run in runs if run.view.time_exception)
    sentences = [
        "Time excludes initialization and distance computation" + "".join(f", except {one}" for one in exceptions) + "."
    ]
    widths = [run.silhouette for run in runs if run.silhouette is not None]
    distances = list(dict.fromkeys(run.silhouette_distances for run in runs if run.silhouette)) or ["Euclidean distances"]
    sampled = next((len(width.rows) for width in widths if len(width.rows) < data.n), None)
    sentences.append(
        f"Silhouette: mean over {'a sample of ' if sampled else 'all '}{sampled or data.n:,} points, using "
        + (f"{distances[0]} for every run" if len(distances) == 1 else f"the distances of each run ({', '.join(distances)})")
        + " (1 = well separated, 0 = on the boundary; undefined for one cluster)."
        + " Values by different distances cannot be compared." * (len(distances) > 1)
    )
    if comparison.true_labels is not None:
        excluded = "" if (data.labels >= 0).all() else ", excluding points without a true label"
        sentences.append(
            f"Adjusted Rand index and normalized mutual information: agreement with the {data.true_labels_name}{excluded}; "
            "1 = identical; for the adjusted Rand index, 0 = as expected by chance."
        )
    sentences += dict.fromkeys(run.view.score_note for run, row in zip(runs, rows, strict=True) if row.compared)
    return sentences
