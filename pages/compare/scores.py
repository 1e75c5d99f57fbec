"""What the runs of a comparison came to, in numbers."""

from dataclasses import dataclass

from pages.compare.comparison import Comparison


@dataclass(frozen=True)
class PanelScores:
    """A row of the table of a comparison; None where something is not defined."""

    name: str
    duration: str
    """number of iterations, or of what the method has instead"""
    seconds: float
    loss: float | None
    loss_name: str | None
    silhouette: float | None
    rand: float | None
    information: float | None
    compared: dict[str, str]
    """the scores by which runs of the same method can be compared, by name"""


def scores(comparison: Comparison) -> list[PanelScores]:
    """What each run of the comparison came to."""
    return [
        PanelScores(
            name,
            run.view.duration(run),
            run.least_seconds,
            run.history.last.loss,
            run.history.process.loss_name,
            None if run.silhouette is None else run.silhouette.mean,
            run.agreement,
            run.information,
            {score.name: score.text for score in run.view.scores(run) if score.compared},
        )
        for name, run in comparison.ran
    ]


def compared_names(rows: list[PanelScores]) -> list[str]:
    """The names of all compared scores that some row has, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in row.compared))


def notes(comparison: Comparison, rows: list[PanelScores]) -> list[str]:
    """What has to be known to read the table, in sentences."""
    data, runs = comparison.data, [run for _, run in comparison.ran]
    sentences = ["Time: E and M steps alone, without start and proximities, on this server."]
    sentences += dict.fromkeys(run.view.time_note for run in runs if run.view.time_note)
    widths = [run.silhouette for run in runs if run.silhouette is not None]
    sampled = next((len(width.rows) for width in widths if len(width.rows) < len(data.points)), None)
    sentences.append(
        f"Silhouette, the mean over {'a sample of ' if sampled else 'all '}{sampled or len(data.points):,} points, by "
        + ("the proximities" if data.given is not None else "Euclidean distance")
        + " in every panel: near 1 is compact and apart, 0 is on the border; none for a single group."
    )
    if comparison.known is not None:
        of = "" if (data.labels >= 0).all() else ", of the points of which it is known"
        sentences.append(
            f"Adjusted Rand and mutual information against {data.label_name}{of}: 1 is the same groups; for independent "
            "groups the first is about 0."
        )
    sentences += dict.fromkeys(run.view.compared_note for run, row in zip(runs, rows, strict=True) if row.compared)
    return sentences
