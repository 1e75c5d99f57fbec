"""What the runs of a race came to, in numbers."""

from dataclasses import dataclass

import numpy as np

from clustering import adjusted_rand_index, bic, normalized_mutual_information
from pages.compare.comparison import Race


@dataclass(frozen=True)
class Scores:
    """A row of the table of a race; None where something is not defined."""

    name: str
    of_tree: bool
    """whether it is the cut of a tree, whose iterations are the merges below it"""
    iterations: int
    converged: bool
    seconds: float
    loss: float
    loss_name: str
    silhouette: float | None
    rand: float | None
    information: float | None
    bic: float | None


def scores(race: Race) -> list[Scores]:
    """What each run of the race came to."""
    rows = []
    for (name, run), width in zip(race.ran, race.silhouettes, strict=True):
        history = run.history
        n, d = run.data.points.shape
        known = race.data.labels >= 0 if race.known else np.zeros(n, dtype=bool)
        pair = (race.data.labels[known], history.last.labels[known]) if race.known else ()
        tree, mixture = run.settings.algorithm == "tree", run.settings.algorithm == "mixture"
        rows.append(
            Scores(
                name,
                tree,
                n - run.settings.k if tree else history.iterations,
                history.converged,
                run.least_seconds,
                float(history.losses[-1]),
                history.method.loss_name,
                None if width is None else width.mean,
                adjusted_rand_index(*pair) if pair else None,
                normalized_mutual_information(*pair) if pair else None,
                bic(-float(history.losses[-1]) * n, history.method.parameter_count(d), n) if mixture else None,
            )
        )
    return rows
