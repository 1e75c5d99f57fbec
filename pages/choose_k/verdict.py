"""Criteria for the number of clusters: their values, the K they suggest, and the strength of the evidence."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from clustering import calinski_harabasz, davies_bouldin, elbow, gap_statistic, match_clusters, within_groups
from pages.choose_k.sweep import REFERENCE_SETS, RESAMPLED_SETS, BestRun, InformationCriteria, ReferenceScores, Sweep
from pages.datasets.formatting import minus_signs

MIN_SDS = 3.0
"""minimum distance of a criterion from its mean on reference data, in standard deviations, to count as evidence; also the
minimum lead over the next best K to count as strong evidence"""


@dataclass(frozen=True, eq=False)
class Criterion:
    """Values of one criterion over K."""

    name: str
    ks: np.ndarray
    """(m,)"""
    values: np.ndarray
    """(m,)"""
    larger_is_better: bool
    reference: np.ndarray | None = None
    """(B, m) values on reference data sets"""
    standard_errors: np.ndarray | None = None
    """(m,)"""
    samples: np.ndarray | None = None
    """(pairs, m) value of each pair of subsamples; `values` are the means over the pairs"""
    choice: int = 0
    """suggested K"""
    evidence: str = ""
    """short description of the strength of the evidence"""
    supported: bool = True
    """whether the evidence suffices; otherwise the criterion counts as suggesting K = 1"""


NAMES = {
    "elbow": "Elbow of the loss",
    "silhouette": "Silhouette",
    "gap": "Gap statistic",
    "calinski_harabasz": "Caliński–Harabasz",
    "davies_bouldin": "Davies–Bouldin",
    "stability": "Stability",
    "bic": "BIC",
    "icl": "ICL",
    "aic": "AIC",
}
INFORMATION = ("bic", "icl", "aic")
"""criteria based on the likelihood"""
MIN_SILHOUETTE = 0.25
"""threshold without reference data; below it, "no substantial structure has been found" (Kaufman & Rousseeuw 1990,
doi:10.1002/9780470316801, p. 88)"""
MIN_STABILITY = 0.8
"""threshold without reference data"""
MIN_REFERENCE_SETS = 5
"""minimum number of finished reference data sets to compare with, if the job was stopped"""
MIN_STABILITY_GAIN = 0.05
"""minimum difference from the highest stability on reference data to count as evidence"""


class Verdict:
    """The criteria of a sweep, as far as they apply and are finished. The data must have been clustered with every K."""

    def __init__(self, sweep: Sweep):
        self.sweep, self.ks = sweep, sweep.ks
        ks = sweep.ks.tolist()
        self.best_runs: list[BestRun] = [sweep.results["data", k] for k in ks]
        self.information: list[InformationCriteria] = self._all([("model", k, m) for m in sweep.models for k in ks])
        rows = [self._all([("reference", k, b) for k in ks]) for b in range(REFERENCE_SETS)]
        self.reference: list[list[ReferenceScores]] = [row for row in rows if row]
        """one row per reference data set; empty if too few are finished, or if the data are distances"""
        if len(self.reference) < MIN_REFERENCE_SETS:
            self.reference = []
        resampled = sweep.resampled_ks.tolist()
        self.stability: list[np.ndarray] = self._all([("stability", k) for k in resampled])
        rows = [self._all([("reference stability", k, b) for k in resampled]) for b in range(RESAMPLED_SETS)]
        self.reference_stability = [[pairs.mean() for pairs in row] for row in rows if row]

    def _all(self, tasks: list[tuple]) -> list:
        """The results of these tasks if all are finished, otherwise an empty list."""
        results = self.sweep.results
        return [results[task] for task in tasks] if all(task in results for task in tasks) else []

    @cached_property
    def criteria(self) -> dict[str, Criterion]:
        """Available criteria, by the keys of `NAMES`."""
        found = {"elbow": self._elbow()}
        if len(self.ks) < 3:
            return found
        points, several = self.sweep.data.points, self.best_runs[1:]
        silhouettes = np.array([np.nan if best.silhouette is None else best.silhouette.mean for best in several])
        found["silhouette"] = self._compared("silhouette", silhouettes, MIN_SILHOUETTE)
        if self.reference:
            found["gap"] = self._gap()
            for name, function in (("calinski_harabasz", calinski_harabasz), ("davies_bouldin", davies_bouldin)):
                found[name] = self._compared(name, np.array([_if_defined(function, points, best.labels) for best in several]))
        if self.stability:
            found["stability"] = self._stability()
        found |= {name: self._information_criterion(name) for name in INFORMATION if self.information}
        return found

    @cached_property
    def votes(self) -> dict[int, list[str]]:
        """Names of the criteria that suggest each K, by decreasing number of criteria; unsupported choices count as K = 1.

        The elbow and AIC are not counted: the elbow always suggests some K > 1, and AIC tends to suggest too many clusters.
        """
        votes: dict[int, list[str]] = {}
        for name, criterion in self.criteria.items():
            if name not in ("elbow", "aic"):
                votes.setdefault(criterion.choice if criterion.supported else 1, []).append(NAMES[name])
        return dict(sorted(votes.items(), key=lambda vote: (-len(vote[1]), vote[0])))

    @property
    def headline(self) -> str:
        """The suggested K, as a headline.

        A number of clusters above 1 is suggested only if at least two criteria suggest the same K > 1, and at least one of
        them is neither BIC nor ICL: a single criterion may differ from reference data by chance, and BIC and ICL only compare
        Gaussian models with each other. Otherwise, the headline says whether all, most or fewer criteria suggest K = 1.
        """
        votes = ", ".join(f"{k} ({', '.join(names)})" for k, names in self.votes.items())
        information = {NAMES[name] for name in INFORMATION}
        if any(k > 1 and len(names) > 1 and set(names) - information for k, names in self.votes.items()):
            return f"Suggested K: {votes}"
        start = "No evidence for"
        if any(k > 1 for k in self.votes):
            most = 2 * len(self.votes.get(1, [])) > sum(map(len, self.votes.values()))
            start = "Most criteria find no evidence for" if most else "The criteria do not agree on"
        text = f"{start} more than one cluster with {self.sweep.view.title_in_sentence}"
        return f"{text}; suggested K: {votes}" if votes else text

    def _elbow(self) -> Criterion:
        losses = np.array([best.loss for best in self.best_runs])
        if len(self.ks) < 3:
            return Criterion(NAMES["elbow"], self.ks, losses, False, choice=1, evidence="too few values of K")
        choice, distances = elbow(self.ks, losses)
        line = "the line joining the first and last values, both axes scaled to 0–1"
        evidence = f"always weak: distance {distances.max():.2f} from {line} (at most {np.sqrt(0.5):.2f})"
        return Criterion(NAMES["elbow"], self.ks, losses, False, choice=choice, evidence=evidence)

    def _compared(self, name: str, values: np.ndarray, threshold: float = 0.0) -> Criterion:
        """A criterion for K > 1, compared with reference data, or with a threshold if there are none."""
        larger_is_better = name != "davies_bouldin"
        ks = self.ks[1:]
        if not self.reference:
            return _with_choice(Criterion(NAMES[name], ks, values, larger_is_better), threshold)
        reference = np.array([[getattr(scores, name) for scores in row[1:]] for row in self.reference])
        return _with_choice(Criterion(NAMES[name], ks, values, larger_is_better, reference=reference))

    def _stability(self) -> Criterion:
        samples, ks = np.array(self.stability).T, self.sweep.resampled_ks
        criterion = Criterion(NAMES["stability"], ks, samples.mean(axis=0), True, samples=samples)
        if not self.reference_stability:
            return _with_choice(criterion, MIN_STABILITY)
        reference = np.array(self.reference_stability)
        best = int(criterion.values.argmax())
        value, highest = float(criterion.values[best]), float(reference[:, best].max())
        # noise can be split the same way every time, for example a square into four
        supported = value >= highest + MIN_STABILITY_GAIN
        evidence = minus_signs(
            f"{value:.2f} (highest on reference data: {highest:.2f})"
            if supported
            else f"not clearly better than reference data: {value:.2f} (highest there: {highest:.2f})"
        )
        if len(ks) > 1:
            others = np.delete(criterion.values, best)
            evidence += minus_signs(f"; next: K = {np.delete(ks, best)[others.argmax()]} with {others.max():.2f}")
        return replace(
            criterion,
            reference=reference,
            choice=int(ks[best]),
            supported=supported,
            evidence=evidence,
        )

    def _gap(self) -> Criterion:
        within = [within_groups(self.sweep.data.points, best.labels) for best in self.best_runs]
        gap = gap_statistic(self.ks, within, [[one.within for one in row] for row in self.reference])
        at = int(np.flatnonzero(self.ks == gap.choice)[0])
        criterion = Criterion(NAMES["gap"], self.ks, gap.gaps, True, standard_errors=gap.errors, choice=gap.choice)
        if gap.choice == 1:
            return replace(
                criterion, evidence="K = 2 is not better than K = 1 by more than one standard error", supported=False
            )
        rise = (gap.gaps[at] - gap.gaps[0]) / max(gap.errors[at], 1e-12)
        evidence = f"{'strong' if rise > MIN_SDS else 'weak'}: {rise:.1f} standard errors above K = 1"
        return replace(criterion, evidence=evidence)

    def _information_criterion(self, name: str) -> Criterion:
        """An information criterion of the best model for each K."""
        values = np.array([min(getattr(one, name) for one in self.information if one.k == k) for k in self.ks])
        order = np.argsort(values)
        choice, ahead = int(self.ks[order[0]]), float(values[order[1]] - values[order[0]])
        # Raftery 1995, doi:10.2307/271063: a difference in BIC above 10 is very strong evidence, below 2 is weak
        strength = "strong" if ahead > 10 else "weak" if ahead < 2 else "moderate"
        model = min((one for one in self.information if one.k == choice), key=lambda one: getattr(one, name)).model
        option = self.sweep.view.model_option
        evidence = f"{strength}: {ahead:.1f} below K = {self.ks[order[1]]}; {option.short_label(model)} {option.label.lower()}"
        return Criterion(NAMES[name], self.ks, values, False, choice=choice, evidence=evidence, supported=choice > 1)


def _if_defined(function, points: np.ndarray, labels: np.ndarray) -> float:
    """The criterion, or NaN if duplicate points leave too few clusters."""
    return function(points, labels) if 1 < len(np.unique(labels)) < len(labels) else np.nan


def _with_choice(criterion: Criterion, threshold: float = 0.0) -> Criterion:
    """The criterion with its suggested K and evidence; `threshold` is the minimum value without reference data."""
    sign = 1.0 if criterion.larger_is_better else -1.0
    values = sign * np.where(np.isnan(criterion.values), -sign * np.inf, criterion.values)
    best = int(values.argmax())
    choice = int(criterion.ks[best])
    others = np.delete(values, best)
    second = int(np.delete(criterion.ks, best)[others.argmax()]) if others.size else None
    if criterion.reference is None:
        supported = bool(criterion.values[best] >= threshold)
        evidence = minus_signs(f"{criterion.values[best]:.2f}")
        if not supported:
            evidence += f", below {threshold}"
        if others.size:
            evidence += minus_signs(f"; next: K = {second} with {sign * others.max():.2f}")
        return replace(criterion, choice=choice, supported=supported, evidence=evidence)
    reference = criterion.reference[:, best]
    deviation = max(float(reference.std(ddof=1)) * np.sqrt(1 + 1 / len(reference)), 1e-12)
    above = float(sign * (criterion.values[best] - reference.mean()) / deviation)
    ahead = 0.0 if values[best] == others.max() else (values[best] - others.max()) / deviation  # both may be infinite
    if above < MIN_SDS:
        return replace(
            criterion,
            choice=choice,
            supported=False,
            evidence=minus_signs(f"not clearly better than reference data ({above:.1f} SDs)"),
        )
    strength = "strong" if ahead > MIN_SDS else "weak"
    return replace(criterion, choice=choice, evidence=f"{strength}: {ahead:.1f} SDs better than K = {second}")


def matched_colors(best_runs: list[BestRun]) -> list[np.ndarray]:
    """For each K, (k,) color numbers of the clusters: that of the matching cluster for K - 1, and a new one for the
    additional cluster."""
    colors = [np.zeros(1, dtype=np.intp)]
    for before, after in zip(best_runs, best_runs[1:], strict=False):
        # a permutation of the k clusters; the last index stands for the additional cluster
        match = match_clusters(after.labels, before.labels, after.k)
        extended = np.append(colors[-1], np.full(after.k - before.k, after.k - 1))
        colors.append(extended[match])
    return colors
