"""Criteria for the number of clusters: their values, the K or option they suggest, and the strength of the evidence."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from clustering import (
    calinski_harabasz,
    clusters_of_most,
    davies_bouldin,
    elbow,
    gap_statistic,
    match_clusters,
    within_groups,
)
from clustering.criteria import MIN_SHARE
from pages.choose_k.sweep import (
    REFERENCE_SETS,
    RESAMPLED_SETS,
    BestRun,
    BestScores,
    InformationCriteria,
    Range,
    ReferenceScores,
    Sweep,
    longest_range,
    ranges_of,
)
from pages.datasets.formatting import format_percentage, minus_signs, pluralize
from pages.runs.run import MAX_MATCHED

MIN_SDS = 3.0
"""minimum distance of a criterion from its mean on reference data, in standard deviations, to count as evidence; also the
minimum lead over the next best K to count as strong evidence"""


@dataclass(frozen=True, eq=False)
class Criterion:
    """Values of one criterion over K, or over the values of an option."""

    name: str
    at: np.ndarray
    """(m,) values of K or of the option"""
    values: np.ndarray
    """(m,)"""
    larger_is_better: bool
    reference: np.ndarray | None = None
    """(B, m) values on B reference data sets; for an option, each row repeats the best value on its data set"""
    standard_errors: np.ndarray | None = None
    """(m,)"""
    samples: np.ndarray | None = None
    """(pairs, m) value of each pair of subsamples; `values` are the means over the pairs"""
    choice: int | float = 0
    """suggested K or value; 0 if there is none"""
    evidence: str = ""
    """short description of the strength of the evidence"""
    supported: bool = True
    """whether the evidence suffices; otherwise the criterion counts as suggesting a single cluster"""
    counted: np.ndarray | None = None
    """(m,) whether a value can be suggested; None if all can"""


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
OPTION_NAMES = {
    "range": "Longest range",
    "noise": "Share of noise",
    "silhouette": "Silhouette",
    "validity": "DBCV",
    "stability": "Stability",
}
"""the criteria over an option, and other curves"""
INFORMATION = ("bic", "icl", "aic")
"""criteria based on the likelihood"""
MIN_SILHOUETTE = 0.25
"""minimum silhouette if there are no reference data; below it, "no substantial structure has been found" (Kaufman & Rousseeuw
1990, doi:10.1002/9780470316801, p. 88)"""
MIN_STABILITY = 0.8
"""minimum stability if there are no reference data"""
MIN_REFERENCE_SETS = 5
"""minimum number of finished reference data sets to compare with, if the job was stopped"""
MIN_GAIN = 0.05
"""minimum difference from the highest stability on reference data to count as evidence; the same for all criteria over an
option, whose values all lie between −1 and 1"""
MIN_RANGE_SHARE = 0.25
"""minimum length of the range, as a share of the axis, if there are no reference data"""
MAX_PICTURES = 8
"""maximum number of pictures of clusters for values of an option"""
MIN_VALUES = 3
"""number of values of K or of the option below which there are no criteria, apart from the elbow"""


class Verdict(ABC):
    """The criteria of a sweep, as far as they apply and are finished. The data must have been clustered with every value."""

    def __init__(self, sweep: Sweep):
        self.sweep = sweep
        self.best_runs: list[BestRun] = [sweep.results["data", value] for value in sweep.axis.values]
        self.stability: list[np.ndarray] = self._all([("stability", value) for value in sweep.resampled])

    @property
    @abstractmethod
    def criteria(self) -> dict[str, Criterion]:
        """Available criteria, by their keys."""

    @property
    def further_curves(self) -> dict[str, Criterion]:
        """Curves that are not criteria, by their keys."""
        return {}

    @abstractmethod
    def vote_of(self, criterion: Criterion) -> Hashable:
        """What a criterion suggests, so that it can be compared with what others suggest."""

    @abstractmethod
    def vote_text(self, vote: Hashable) -> str:
        """What is suggested, as text; completes "Suggested K: …"."""

    @abstractmethod
    def is_several(self, vote: Hashable) -> bool:
        """Whether more than one cluster is suggested."""

    @property
    def shown(self) -> list[int | float]:
        """The values of which there are pictures: all that are suggested, and a part of the others if there are many."""
        values = self.sweep.axis.values
        if self.sweep.axis.option is None:
            return list(values)
        suggested = {criterion.choice for criterion in self.criteria.values() if criterion.supported}
        spread = np.linspace(0, len(values) - 1, min(MAX_PICTURES - len(suggested), len(values))).astype(int).tolist()
        return sorted(suggested | {values[i] for i in spread})

    @property
    @abstractmethod
    def first_shown(self) -> int | float | None:
        """The value of which the silhouette plot is shown first; None for the first one that has such a plot."""

    @cached_property
    def votes(self) -> dict[Hashable, list[str]]:
        """Names of the criteria that suggest the same, by decreasing number of criteria; see `vote_of`.

        The elbow and AIC are not counted: the elbow always suggests some K > 1, and AIC tends to suggest too many clusters.
        """
        votes: dict[Hashable, list[str]] = {}
        for name, criterion in self.criteria.items():
            if name not in ("elbow", "aic"):
                votes.setdefault(self.vote_of(criterion), []).append(criterion.name)
        return dict(sorted(votes.items(), key=lambda vote: (-len(vote[1]), vote[0])))

    @property
    def headline(self) -> str:
        """The suggested K or range of values, as a headline.

        More than one cluster is suggested only if at least two criteria suggest the same, and at least one of them is neither
        BIC nor ICL: a single criterion may differ from reference data by chance, and BIC and ICL only compare Gaussian models
        with each other. Otherwise, the headline says whether all, most or fewer criteria suggest a single cluster.
        """
        name = self.sweep.axis.name
        votes = ", ".join(f"{self.vote_text(vote)} ({', '.join(names)})" for vote, names in self.votes.items())
        information = {NAMES[name] for name in INFORMATION}
        several = {vote: names for vote, names in self.votes.items() if self.is_several(vote)}
        if any(len(names) > 1 and set(names) - information for names in several.values()):
            return f"Suggested {name}: {votes}"
        start = "No evidence for"
        if several:
            others = sum(len(names) for vote, names in self.votes.items() if vote not in several)
            most = 2 * others > sum(map(len, self.votes.values()))
            start = "Most criteria find no evidence for" if most else "The criteria do not agree on"
        text = f"{start} more than one cluster with {self.sweep.view.title_in_sentence}"
        return f"{text}; suggested {name}: {votes}" if votes else text

    def _all(self, tasks: list[tuple]) -> list:
        """The results of these tasks if all are finished, otherwise an empty list."""
        results = self.sweep.results
        return [results[task] for task in tasks] if all(task in results for task in tasks) else []


class KVerdict(Verdict):
    """The criteria of a sweep over K."""

    def __init__(self, sweep: Sweep):
        super().__init__(sweep)
        ks = sweep.axis.values
        self.ks = np.array(ks)
        self.information: list[InformationCriteria] = self._all([("model", k, m) for m in sweep.models for k in ks])
        rows = [self._all([("reference", k, b) for k in ks]) for b in range(REFERENCE_SETS)]
        self.reference: list[list[ReferenceScores]] = [row for row in rows if row]
        """one row per reference data set; empty if too few are finished, or if the data are distances"""
        if len(self.reference) < MIN_REFERENCE_SETS:
            self.reference = []
        rows = [self._all([("reference stability", k, b) for k in sweep.resampled]) for b in range(RESAMPLED_SETS)]
        self.reference_stability = [[pairs.mean() for pairs in row] for row in rows if row]

    @cached_property
    def criteria(self) -> dict[str, Criterion]:
        """Available criteria, by the keys of `NAMES`; no elbow if losses with different K cannot be compared."""
        found = {"elbow": self._elbow()} if self.sweep.view.traits.loss.over_k else {}
        if len(self.ks) < MIN_VALUES:
            return found
        several = self.best_runs[1:]
        silhouettes = np.array([np.nan if best.silhouette is None else best.silhouette.mean for best in several])
        found["silhouette"] = self._compared("silhouette", silhouettes, MIN_SILHOUETTE)
        if self.reference:
            found["gap"] = self._gap()
            for name, function in (("calinski_harabasz", calinski_harabasz), ("davies_bouldin", davies_bouldin)):
                found[name] = self._compared(name, np.array([self._index(function, best.labels) for best in several]))
        if self.stability:
            found["stability"] = self._stability()
        found |= {name: self._information_criterion(name) for name in INFORMATION if self.information}
        return found

    def _index(self, function: Callable, labels: np.ndarray) -> float:
        """An index of the quality of clusters; NaN where it is undefined."""
        if not self.sweep.has_indices(labels):
            return np.nan
        return function(self.sweep.data.points, labels, self.sweep.frequencies)

    def vote_of(self, criterion: Criterion) -> int:
        """The suggested K; an unsupported choice counts as K = 1."""
        return criterion.choice if criterion.supported else 1

    def vote_text(self, vote: int) -> str:
        return str(vote)

    def is_several(self, vote: int) -> bool:
        return vote > 1

    @property
    def first_shown(self) -> int | None:
        return next((k for k in self.votes if k > 1), None)

    def _elbow(self) -> Criterion:
        losses = np.array([best.loss for best in self.best_runs])
        if len(self.ks) < MIN_VALUES:
            return Criterion(NAMES["elbow"], self.ks, losses, False, choice=1, evidence="too few values of K")
        choice, distances = elbow(self.ks, losses)
        line = "the line joining the first and last values, both axes scaled to 0–1"
        evidence = f"always weak: distance {distances.max():.2f} from {line} ({np.sqrt(0.5):.2f} is the maximum possible)"
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
        samples, ks = np.array(self.stability).T, np.array(self.sweep.resampled)
        criterion = Criterion(NAMES["stability"], ks, samples.mean(axis=0), True, samples=samples)
        if not self.reference_stability:
            return _with_choice(criterion, MIN_STABILITY)
        reference = np.array(self.reference_stability)
        best = int(criterion.values.argmax())
        value, highest = float(criterion.values[best]), float(reference[:, best].max())
        # noise can be split the same way every time, for example a square into four
        supported = value >= highest + MIN_GAIN
        evidence = minus_signs(
            f"{value:.2f} (highest on reference data at K = {ks[best]}: {highest:.2f})"
            if supported
            else f"not clearly better than reference data: {value:.2f} (highest there at K = {ks[best]}: {highest:.2f})"
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
        points, weights = self.sweep.data.points, self.sweep.frequencies
        within = [within_groups(points, best.labels, weights) for best in self.best_runs]
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


class OptionVerdict(Verdict):
    """The criteria of a sweep over an option of a method that finds K.

    Only values with several clusters that contain most of the points can be suggested: with the others, criteria that leave
    out noise can be good for a few points. As nearly the same value is as good, criteria agree if they suggest values of the
    same range, in which the number of these clusters is the same.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(sweep)
        self.values = np.array(sweep.axis.values)
        clusters = [clusters_of_most(best.labels) for best in self.best_runs]
        self.several = np.array(clusters) > 0
        """(m,) whether a value can be suggested"""
        self.ranges = ranges_of(sweep.axis.values, clusters)
        n = len(sweep.data.points)
        sizes = [np.bincount(best.labels[best.labels >= 0]) for best in self.best_runs]
        self.large_clusters = np.array([np.count_nonzero(each >= MIN_SHARE * n) for each in sizes])
        """(m,) number of clusters that are not too small for `clusters_of_most`"""
        finished = (sweep.results.get(("reference sweep", b)) for b in range(REFERENCE_SETS))
        self.reference: list[BestScores] = [scores for scores in finished if scores is not None]
        """of each reference data set; empty if too few are finished, or if there are none"""
        if len(self.reference) < MIN_REFERENCE_SETS:
            self.reference = []

    @cached_property
    def longest(self) -> Range | None:
        """The longest range with several clusters; None if no value gives several."""
        return longest_range(self.ranges)

    @cached_property
    def criteria(self) -> dict[str, Criterion]:
        """Available criteria, by the keys of `OPTION_NAMES`."""
        if len(self.values) < MIN_VALUES:
            return {}
        widths = np.array([np.nan if best.silhouette is None else best.silhouette.mean for best in self.best_runs])
        validities = np.array([best.validity for best in self.best_runs])
        found = {"range": self._range(), "silhouette": self._best_value("silhouette", widths, MIN_SILHOUETTE)}
        if not np.isnan(validities).all():
            found["validity"] = self._best_value("validity", validities, 0.0)
        if self.stability:
            found["stability"] = self._stability()
        return found

    @property
    def further_curves(self) -> dict[str, Criterion]:
        if not self.sweep.view.traits.noise:
            return {}
        shares = np.array([np.mean(best.labels < 0) for best in self.best_runs])
        ends = " to ".join(format_percentage(shares[at]) for at in (0, -1))
        return {"noise": Criterion(OPTION_NAMES["noise"], self.values, shares, False, evidence=f"from {ends}")}

    def vote_of(self, criterion: Criterion) -> Range:
        """The range of the suggested value; one without clusters if the evidence does not suffice."""
        if not criterion.supported:
            return Range(0, 0, 0)
        return next(one for one in self.ranges if one.first <= criterion.choice <= one.last)

    def vote_text(self, vote: Range) -> str:
        if not vote.clusters:
            return "none"
        ends = f"{vote.first:g}" if vote.first == vote.last else f"{vote.first:g} to {vote.last:g}"
        return f"{ends} with {pluralize(vote.clusters, 'cluster')}"

    def is_several(self, vote: Range) -> bool:
        return vote.clusters > 0

    @property
    def first_shown(self) -> float | None:
        chosen = sorted(self.criteria.values(), key=lambda criterion: not criterion.supported)
        return next((criterion.choice for criterion in chosen if criterion.choice), None)

    def _range(self) -> Criterion:
        """The number of clusters; suggested is the middle of the longest range."""
        counts = np.array([best.k for best in self.best_runs])
        criterion = Criterion(OPTION_NAMES["range"], self.values, counts, True)
        if self.longest is None:
            return replace(criterion, supported=False, evidence=NO_CLUSTERS)
        first, last, clusters = self.longest
        inside = self.values[(self.values >= first) & (self.values <= last)]
        choice = inside[np.abs(np.log(inside) - np.log(first * last) / 2).argmin()].item()
        share = self.longest.share_of(self.sweep.axis.values)
        highest = max((scores.range_share for scores in self.reference), default=None)
        text = f"{pluralize(clusters, 'cluster')} in {share:.0%} of the axis"
        supported, evidence = _judged(text, share, highest, MIN_RANGE_SHARE, "{:.0%}".format)
        return replace(criterion, choice=choice, supported=supported, evidence=evidence)

    def _best_value(self, key: str, values: np.ndarray, threshold: float, **fields) -> Criterion:
        """A criterion that suggests the value where it is largest."""
        counted = self.several & ~np.isnan(values)
        criterion = Criterion(OPTION_NAMES[key], self.values, values, True, counted=counted, **fields)
        best_elsewhere = [getattr(scores, key) for scores in self.reference]
        best_elsewhere = [score for score in best_elsewhere if score is not None]
        if best_elsewhere:
            criterion = replace(criterion, reference=np.repeat(np.array(best_elsewhere)[:, None], len(values), axis=1))
        if not counted.any():
            return replace(criterion, supported=False, evidence=NO_CLUSTERS)
        best = int(np.where(counted, values, -np.inf).argmax())
        highest = max(best_elsewhere, default=None)
        supported, evidence = _judged(_two_decimals(values[best]), values[best], highest, threshold, _two_decimals)
        return replace(criterion, choice=self.values[best].item(), supported=supported, evidence=evidence)

    def _stability(self) -> Criterion:
        """Stability where there are several clusters: without any, subsamples always agree."""
        pairs = dict(zip(self.sweep.resampled, self.stability, strict=True))
        samples = np.array(
            [
                pairs[best.value] if best.k > 1 and best.value in pairs else np.full(len(self.stability[0]), np.nan)
                for best in self.best_runs
            ]
        ).T
        return self._best_value("stability", samples.mean(axis=0), MIN_STABILITY, samples=samples)


NO_CLUSTERS = "no value gives several clusters that contain most of the points"


def verdict_of(sweep: Sweep) -> Verdict:
    """The criteria of a sweep."""
    return KVerdict(sweep) if sweep.axis.option is None else OptionVerdict(sweep)


def _two_decimals(value: float) -> str:
    return minus_signs(f"{value:.2f}")


def _judged(text: str, value: float, highest: float | None, threshold: float, number_text: Callable) -> tuple[bool, str]:
    """Whether a value is evidence, given the highest one on reference data or else a threshold; and both in words.

    `text` is the value in words, and `number_text` formats the others.
    """
    if highest is None:
        supported = bool(value >= threshold)
        return supported, text if supported else f"{text}, below {number_text(threshold)}"
    if value >= highest + MIN_GAIN:
        return True, f"{text} (highest on reference data: {number_text(highest)})"
    return False, f"not clearly better than reference data: {text} (highest there: {number_text(highest)})"


def _with_choice(criterion: Criterion, threshold: float = 0.0) -> Criterion:
    """The criterion with its suggested K and evidence; `threshold` is the minimum value without reference data."""
    sign = 1.0 if criterion.larger_is_better else -1.0
    values = sign * np.where(np.isnan(criterion.values), -sign * np.inf, criterion.values)
    best = int(values.argmax())
    choice = int(criterion.at[best])
    others = np.delete(values, best)
    second = int(np.delete(criterion.at, best)[others.argmax()]) if others.size else None
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


def matched_colors(best_runs: list[BestRun], first: int = 0) -> list[np.ndarray]:
    """For each run, (k,) color numbers of its clusters.

    The clusters of run number `first` have the colors 0..k-1. From there in both directions, a cluster has the color of the
    matching one of the previous run, and an additional cluster has the first color that no other cluster of its run has.
    """
    colors = {first: np.arange(best_runs[first].k)}
    for before, after in [*pairwise(range(first, len(best_runs))), *pairwise(range(first, -1, -1))]:
        colors[after] = _matching_colors(best_runs[after], best_runs[before], colors[before])
    return [colors[i] for i in range(len(best_runs))]


def _matching_colors(run: BestRun, other: BestRun, colors: np.ndarray) -> np.ndarray:
    """(k,) color numbers of the clusters of a run, given those of another one."""
    k = max(run.k, other.k)
    if k > MAX_MATCHED:
        return np.arange(run.k)
    # a permutation of k clusters; those that a run does not have have no color
    match = match_clusters(run.labels, other.labels, k)[: run.k]
    found = np.append(colors, np.full(k - other.k, -1))[match]
    free = (color for color in range(2 * k) if color not in set(found.tolist()))
    return np.array([next(free) if color < 0 else color for color in found.tolist()], dtype=np.intp)
