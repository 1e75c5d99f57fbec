"""What the criteria for the number of clusters say, and how clearly."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from clustering import calinski_harabasz, davies_bouldin, elbow, gap_statistic, match_clusters, within_groups
from pages.choose_k.sweep import REFERENCES, RESAMPLED, BestRun, InformationCriteria, NoiseScores, Sweep
from pages.datasets.formatting import minus

BEYOND = 3.0
"""standard deviations by which a criterion must be better than on noise to count as evidence"""


@dataclass(frozen=True, eq=False)
class Criterion:
    """A curve over the numbers of clusters."""

    name: str
    ks: np.ndarray
    values: np.ndarray
    """(m,) one for each of `ks`"""
    larger: bool
    """whether larger is better"""
    noise: np.ndarray | None = None
    """(B, m) the same for sets of noise"""
    errors: np.ndarray | None = None
    """(m,) of the values"""
    spread: np.ndarray | None = None
    """(pairs, m) what the values are means of"""
    choice: int = 0
    """the number that it prefers"""
    clarity: str = ""
    """how clearly, in a few words"""
    evidence: bool = True
    """whether what it prefers is more than noise would give"""


NAMES = {
    "elbow": "Elbow of the loss",
    "silhouette": "Silhouette",
    "gap": "Gap statistic",
    "calinski_harabasz": "Calinski–Harabasz",
    "davies_bouldin": "Davies–Bouldin",
    "stability": "Stability",
    "bic": "BIC",
    "icl": "ICL",
    "aic": "AIC",
}
INFORMATION = ("bic", "icl", "aic")
"""the criteria that compare models by their likelihood"""
WIDE_SILHOUETTE = 0.25
"""where there is no noise to compare with, below it there is "no substantial structure" (Kaufman & Rousseeuw 1990, p. 88)"""
STABLE = 0.8
"""agreement that counts as evidence where there is no noise to compare with"""
FEWEST_REFERENCES = 5
"""sets of noise that are enough to compare with, if the work was stopped"""
MORE_STABLE = 0.05
"""how far the agreement must be above that of all sets of noise to count as evidence"""


class Verdict:
    """What the criteria say of a sweep in which at least the data have been clustered; those that apply and are done."""

    def __init__(self, sweep: Sweep):
        self.sweep, self.ks = sweep, sweep.ks
        ks = sweep.ks.tolist()
        self.best_runs: list[BestRun] = [sweep.results["data", k] for k in ks]
        self.information: list[InformationCriteria] = self._all([("model", k, m) for m in sweep.models for k in ks])
        rows = [self._all([("noise", k, b) for k in ks]) for b in range(REFERENCES)]
        self.noise: list[list[NoiseScores]] = [row for row in rows if row]
        """one row for each set of noise; none where there are too few, or none at all because the data are proximities"""
        if len(self.noise) < FEWEST_REFERENCES:
            self.noise = []
        resampled = sweep.resampled_ks.tolist()
        self.agreement: list[np.ndarray] = self._all([("agreement", k) for k in resampled])
        rows = [self._all([("agreement of noise", k, b) for k in resampled]) for b in range(RESAMPLED)]
        self.agreement_of_noise = [[pairs.mean() for pairs in row] for row in rows if row]

    def _all(self, tasks: list[tuple]) -> list:
        """The results of these tasks if all are there, else none."""
        done = self.sweep.results
        return [done[task] for task in tasks] if all(task in done for task in tasks) else []

    @cached_property
    def criteria(self) -> dict[str, Criterion]:
        """All that apply, by their short names."""
        found = {"elbow": self._elbow()}
        if len(self.ks) < 3:
            return found
        points, several = self.sweep.data.points, self.best_runs[1:]
        silhouettes = np.array([np.nan if best.silhouette is None else best.silhouette.mean for best in several])
        found["silhouette"] = self._judged("silhouette", silhouettes, WIDE_SILHOUETTE)
        if self.noise:
            found["gap"] = self._gap()
            for name, function in (("calinski_harabasz", calinski_harabasz), ("davies_bouldin", davies_bouldin)):
                found[name] = self._judged(name, np.array([_if_defined(function, points, best.labels) for best in several]))
        if self.agreement:
            found["stability"] = self._stability()
        found |= {name: self._by_model(name) for name in INFORMATION if self.information}
        return found

    @cached_property
    def votes(self) -> dict[int, list[str]]:
        """The names of the criteria that prefer each number, the number with most of them first; 1 is no more than noise.

        The elbow, which always bends somewhere, and AIC, which asks for too many, have no vote.
        """
        votes: dict[int, list[str]] = {}
        for name, criterion in self.criteria.items():
            if name not in ("elbow", "aic"):
                votes.setdefault(criterion.choice if criterion.evidence else 1, []).append(NAMES[name])
        return dict(sorted(votes.items(), key=lambda vote: (-len(vote[1]), vote[0])))

    @property
    def headline(self) -> str:
        """The votes in a sentence.

        There is evidence for more than one cluster where two criteria prefer the same number, and at least one of them is
        better than on noise: a single one may be so by chance, and BIC and ICL only compare Gaussians with other Gaussians.
        """
        votes = ", ".join(f"{k} ({', '.join(names)})" for k, names in self.votes.items())
        information = {NAMES[name] for name in INFORMATION}
        if any(k > 1 and len(names) > 1 and set(names) - information for k, names in self.votes.items()):
            return votes
        none = f"No evidence for more than one cluster by {self.sweep.view.title}"
        return f"{none}: {votes}." if votes else f"{none}."

    def _elbow(self) -> Criterion:
        losses = np.array([best.loss for best in self.best_runs])
        if len(self.ks) < 3:
            return Criterion(NAMES["elbow"], self.ks, losses, False, choice=1, clarity="too few numbers to compare")
        choice, distances = elbow(self.ks, losses)
        clarity = f"weak evidence: {distances.max():.2f} of at most {np.sqrt(0.5):.2f} below the chord"
        return Criterion(NAMES["elbow"], self.ks, losses, False, choice=choice, clarity=clarity)

    def _judged(self, name: str, values: np.ndarray, least: float = 0.0) -> Criterion:
        """A criterion from two clusters on, next to what it is on noise, or else to the least value that counts."""
        larger = name != "davies_bouldin"
        ks = self.ks[1:]
        if not self.noise:
            return _chosen(Criterion(NAMES[name], ks, values, larger), least)
        noise = np.array([[getattr(one, name) for one in row[1:]] for row in self.noise])
        return _chosen(Criterion(NAMES[name], ks, values, larger, noise=noise))

    def _stability(self) -> Criterion:
        spread, ks = np.array(self.agreement).T, self.sweep.resampled_ks
        criterion = Criterion(NAMES["stability"], ks, spread.mean(axis=0), True, spread=spread)
        if not self.agreement_of_noise:
            return _chosen(criterion, STABLE)
        noise = np.array(self.agreement_of_noise)
        best = int(criterion.values.argmax())
        value, most = float(criterion.values[best]), float(noise[:, best].max())
        # noise can be cut the same way every time, a square into four, say
        evidence = value >= most + MORE_STABLE
        clarity = f"{value:.2f}; the most on noise is {most:.2f}"
        if len(ks) > 1:
            clarity += f"; the next best K has {np.delete(criterion.values, best).max():.2f}"
        return replace(
            criterion,
            noise=noise,
            choice=int(ks[best]),
            evidence=evidence,
            clarity=clarity if evidence else f"no better than noise: {clarity}",
        )

    def _gap(self) -> Criterion:
        within = [within_groups(self.sweep.data.points, best.labels) for best in self.best_runs]
        gap = gap_statistic(self.ks, within, [[one.within for one in row] for row in self.noise])
        at = int(np.flatnonzero(self.ks == gap.choice)[0])
        criterion = Criterion(NAMES["gap"], self.ks, gap.gaps, True, errors=gap.errors, choice=gap.choice)
        if gap.choice == 1:
            return replace(criterion, clarity="one cluster is no worse than two", evidence=False)
        rise = (gap.gaps[at] - gap.gaps[0]) / max(gap.errors[at], 1e-12)
        clarity = f"{'clearly' if rise > BEYOND else 'narrowly'}: {rise:.1f} standard errors above one cluster"
        return replace(criterion, clarity=clarity)

    def _by_model(self, name: str) -> Criterion:
        """An information criterion, of the best model with each number of clusters."""
        values = np.array([min(getattr(one, name) for one in self.information if one.k == k) for k in self.ks])
        order = np.argsort(values)
        choice, ahead = int(self.ks[order[0]]), float(values[order[1]] - values[order[0]])
        # Raftery 1995, doi:10.2307/271063: a difference in BIC above 10 is very strong evidence, below 2 hardly any
        how = "clearly" if ahead > 10 else "narrowly" if ahead < 2 else "moderately"
        model = min((one for one in self.information if one.k == choice), key=lambda one: getattr(one, name)).model
        option = self.sweep.view.model_option
        clarity = f"{how}: {ahead:.1f} less than K = {self.ks[order[1]]}; {option.short_label(model)} {option.label.lower()}s"
        return Criterion(NAMES[name], self.ks, values, False, choice=choice, clarity=clarity, evidence=choice > 1)


def _if_defined(function, points: np.ndarray, labels: np.ndarray) -> float:
    """The criterion, or NaN where copies of points leave it too few groups."""
    return function(points, labels) if 1 < len(np.unique(labels)) < len(labels) else np.nan


def _chosen(criterion: Criterion, least: float = 0.0) -> Criterion:
    """The criterion with the number that it prefers, and how clearly."""
    sign = 1.0 if criterion.larger else -1.0
    values = sign * np.where(np.isnan(criterion.values), -sign * np.inf, criterion.values)
    best = int(values.argmax())
    choice = int(criterion.ks[best])
    others = np.delete(values, best)
    second = int(np.delete(criterion.ks, best)[others.argmax()]) if others.size else None
    if criterion.noise is None:
        evidence = bool(criterion.values[best] >= least)
        clarity = f"{criterion.values[best]:.2f}"
        if others.size:
            clarity += f"; then K = {second} with {sign * others.max():.2f}"
        return replace(
            criterion, choice=choice, evidence=evidence, clarity=clarity if evidence else f"below {least}: {clarity}"
        )
    noise = criterion.noise[:, best]
    deviation = max(float(noise.std(ddof=1)) * np.sqrt(1 + 1 / len(noise)), 1e-12)
    above = float(sign * (criterion.values[best] - noise.mean()) / deviation)
    ahead = 0.0 if values[best] == others.max() else (values[best] - others.max()) / deviation  # both may be infinite
    if above < BEYOND:
        return replace(
            criterion,
            choice=choice,
            evidence=False,
            clarity=minus(f"no better than noise ({above:+.1f} deviations)"),
        )
    how = "clearly" if ahead > BEYOND else "narrowly"
    return replace(criterion, choice=choice, clarity=f"{how}: {ahead:.1f} deviations of noise before K = {second}")


def matched_colors(best_runs: list[BestRun]) -> list[np.ndarray]:
    """For each K (k,) the number of the color of each cluster: that of most of its points with one cluster less, and a new
    one for the cluster that is left over."""
    colors = [np.zeros(1, dtype=np.intp)]
    for before, after in zip(best_runs, best_runs[1:], strict=False):
        # a permutation of the k clusters, of which the last of those before is not there
        partner = match_clusters(after.labels, before.labels, after.k)
        known = np.append(colors[-1], np.full(after.k - before.k, after.k - 1))
        colors.append(known[partner])
    return colors
