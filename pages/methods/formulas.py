"""The formulas of a run: objective, E step and M step, typeset, with the quantities of each frame for a chosen point and
cluster.

Typeset as MathML, which browsers draw themselves. The quantities are places in it that the player fills frame by frame.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np

from pages.datasets.formatting import counted, number, short
from pages.runs.frames import Frame
from pages.runs.run import Run

MOST_SHOWN = 4
"""clusters of which a distance is shown, and coordinates of a vector"""


@dataclass(frozen=True)
class Formulas:
    html: str
    """with an empty element of the class "value" for each quantity"""
    values: list[list[str]]
    """the quantities of each frame, as text, in this order"""


def formulas(run: Run, frames: list[Frame], point: int, rank: int) -> Formulas:
    """Those of the frames of a run, for this point (its position) and the cluster of this number, from 0."""
    cluster = int(np.flatnonzero(run.ranks == rank)[0])
    teller = {"kmeans": _Means, "kmedoids": _Medoids, "mixture": _Mixture}[run.settings.algorithm](run, point, cluster)
    rows = teller.rows()
    body = "".join(
        f"<div class='formula' data-kind='{kind}'><span class='what'>{what}</span>"
        f"<div class='math'><math display='block'>{math}</math></div><span class='note'>{note}</span></div>"
        for what, kind, math, note in rows
    )
    return Formulas(body, [teller.values(frame) for frame in frames])


# MathML


def _i(name: str) -> str:
    return f"<mi>{name}</mi>"


def _v(name: str) -> str:
    """A vector."""
    return f"<mi mathvariant='bold'>{name}</mi>"


def _o(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _sub(of: str, below: str) -> str:
    return f"<msub>{of}{below}</msub>"


def _sum(over: str) -> str:
    return f"<munder><mo>∑</mo>{over}</munder>"


def _fraction(above: str, below: str) -> str:
    return f"<mfrac>{_row(above)}{_row(below)}</mfrac>"


def _squared(of: str) -> str:
    return f"<msup>{_row(_o('‖'), of, _o('‖'))}<mn>2</mn></msup>"


VALUE = "<mspace width='0.4em'/><mtext class='value'></mtext>"
"""the place of a quantity"""
NOTE = "<span class='value'></span>"
"""the same in a sentence"""
N, K, J, Z = _i("n"), _i("k"), _i("j"), _i("z")
X = _sub(_v("x"), N)
NK = _sub(_i("N"), K)


def _vector(values: Iterable[float]) -> str:
    values = list(values)
    shown = ", ".join(_short(value) for value in values[:MOST_SHOWN])
    return f"({shown}{', …' if len(values) > MOST_SHOWN else ''})"


def _short(value: float) -> str:
    return short(float(value)).replace("-", "−")


class _Teller:
    def __init__(self, run: Run, point: int, cluster: int):
        self.run, self.history, self.point, self.cluster = run, run.history, point, cluster
        self.called = run.data.called([point])[0]
        self.order = np.argsort(run.ranks)

    def values(self, frame: Frame) -> list[str]:
        loss = "" if frame.loss is None else f"= {number(frame.loss)}"
        return [loss, *self.e_step(frame.assignment), *self.m_step(frame.parameters)]

    def m_step(self, t: int) -> list[str]:
        if t == 0:
            return ["", f"{self.where(0)}: where it starts."]
        return [f"= {self.place(t)}", self.came(t)]

    def number_of(self, cluster: int) -> int:
        return int(self.run.ranks[cluster]) + 1

    def among(self, quantities: np.ndarray) -> str:
        """The quantities of all clusters, in the order of their numbers, as far as there is room."""
        told = [f"{self.number_of(k)}: {_short(quantities[k])}" for k in self.order[: 2 * MOST_SHOWN]]
        return ", ".join(told) + (", …" if len(quantities) > 2 * MOST_SHOWN else "")


class _Means(_Teller):
    def rows(self):
        c = _sub(_v("c"), K)
        of_point = _sub(Z, N)
        loss = _row(_i("L"), _o("="), _sum(N), _squared(_row(X, _o("−"), _sub(_v("c"), of_point))), VALUE)
        e_step = _row(of_point, _o("="), "<munder><mo>arg min</mo>", K, "</munder>", _squared(_row(X, _o("−"), c)), VALUE)
        members = _row(N, _o(":"), of_point, _o("="), K)
        m_step = _row(c, _o("="), _fraction("<mn>1</mn>", NK), _sum(members), X, VALUE)
        point, k = escape(self.called), self.number_of(self.cluster)
        return [
            ("Objective", "", loss, "Sum of squared distances of all points to the centers of their clusters."),
            ("E step", "E", e_step, f"For {point}, squared distances to center {NOTE}"),
            ("M step", "M", m_step, f"For cluster {k}: {NOTE}"),
        ]

    def e_step(self, t: int | None) -> list[str]:
        if t is None:
            return ["", "not yet."]
        centers = self.history.parameters[t]
        squares = np.square(centers - self.run.data.points[self.point]).sum(axis=1)
        return [f"= {self.number_of(int(squares.argmin()))}", f"{self.among(squares)}."]

    def where(self, t: int) -> str:
        return f"center {_vector(self.history.parameters[t][self.cluster])}"

    def place(self, t: int) -> str:
        return _vector(self.history.parameters[t][self.cluster])

    def came(self, t: int) -> str:
        size = int(self.history.sizes[t - 1][self.cluster])
        return f"the mean of its {counted(size, 'point')}." if size else "it had lost all points and took the farthest one."


class _Medoids(_Teller):
    def rows(self):
        m = _sub(_i("m"), K)
        of_point = _sub(Z, N)
        loss = _row(_i("L"), _o("="), _sum(N), _i("D"), _o("("), X, _o(","), _sub(_i("m"), of_point), _o(")"), VALUE)
        e_step = _row(
            of_point, _o("="), "<munder><mo>arg min</mo>", K, "</munder>", _i("D"), _o("("), X, _o(","), m, _o(")"), VALUE
        )
        members = _row(N, _o(":"), of_point, _o("="), K)
        best = f"<munder><mo>arg min</mo>{_row(_i('i'), _o(':'), _sub(Z, _i('i')), _o('='), K)}</munder>"
        m_step = _row(m, _o("="), best, _sum(members), _i("D"), _o("("), X, _o(","), _sub(_v("x"), _i("i")), _o(")"), VALUE)
        swaps = self.run.settings.update != "alternating" and self.run.settings.k > 1
        if swaps:
            m_step = _row(
                m, _o("←"), _i("i"), _o(":"), _i("L"), _o("("), m, _o("←"), _i("i"), _o(")"), _o("<"), _i("L"), VALUE
            )
        point, k = escape(self.called), self.number_of(self.cluster)
        return [
            ("Objective", "", loss, "Sum of dissimilarities of all points to the medoids of their clusters."),
            ("E step", "E", e_step, f"For {point}, dissimilarities to medoid {NOTE}"),
            ("M step", "M", m_step, NOTE if swaps else f"For cluster {k}: {NOTE}"),
        ]

    def e_step(self, t: int | None) -> list[str]:
        if t is None:
            return ["", "not yet."]
        apart = self.history.prepared.matrix[self.point, self.history.parameters[t]]
        return [f"= {self.number_of(int(self.labels(t)[self.point]))}", f"{self.among(apart)}."]

    def labels(self, t: int) -> np.ndarray:
        medoids = self.history.parameters[t]
        labels = self.history.prepared.matrix[:, medoids].argmin(axis=1)
        labels[medoids] = np.arange(len(medoids))  # a medoid is always with itself
        return labels

    def where(self, t: int) -> str:
        return f"medoid {self.place(t)}"

    def place(self, t: int) -> str:
        return self.run.data.called([self.history.parameters[t][self.cluster]])[0]

    def m_step(self, t: int) -> list[str]:
        if t > 0 and self.run.settings.update != "alternating" and self.run.settings.k > 1:
            before, now = self.history.parameters[t - 1], self.history.parameters[t]
            slots = np.flatnonzero(before != now)
            if not len(slots):
                return ["", "no swap lowers the loss."]
            gone, taken = self.run.data.called([before[slots[0]], now[slots[0]]])
            loss, half = self.history.losses[t - 1], self.history.half_losses[t - 1]
            swap = f"{taken} takes the place of {gone} in cluster {self.number_of(int(slots[0]))}"
            return ["", f"{swap}: {number(half)} < {number(loss)}."]
        return super().m_step(t)

    def came(self, t: int) -> str:
        before, now = (int(self.history.parameters[s][self.cluster]) for s in (t - 1, t))
        if before == now:
            return "it stays."
        mine = self.labels(t - 1) == self.cluster
        sums = [_short(self.history.prepared.matrix[mine, medoid].sum()) for medoid in (before, now)]
        return f"the sum over its {counted(int(mine.sum()), 'point')} goes from {sums[0]} to {sums[1]}."


class _Mixture(_Teller):
    def rows(self):
        w, m, s = _sub(_i("w"), K), _sub(_v("m"), K), _sub(_i("S"), K)
        others = [_sub(_i("w"), J), _sub(_v("m"), J), _sub(_i("S"), J)]

        def part(weight, mean, covariance):
            return _row(weight, _i("𝒩"), _o("("), X, _o("|"), mean, _o(","), covariance, _o(")"))

        share = _sub(_i("r"), _row(N, K))
        one_n = _fraction("<mn>1</mn>", _i("N"))
        loss = _row(_i("L"), _o("="), _o("−"), one_n, _sum(N), _i("ln"), _sum(K), part(w, m, s), VALUE)
        e_step = _row(share, _o("="), _fraction(part(w, m, s), _row(_sum(J), part(*others))), VALUE)
        one_k = _fraction("<mn>1</mn>", NK)
        away = _row(_o("("), X, _o("−"), m, _o(")"))
        scatter = _row(away, f"<msup>{away}<mo>⊤</mo></msup>")
        gap = _o(",") + "<mspace width='1em'/>"
        of_weight = _row(w, _o("="), _fraction(NK, _i("N")))
        of_mean = _row(m, _o("="), one_k, _sum(N), share, X)
        m_step = _row(of_weight, gap, of_mean, gap, s, _o("="), one_k, _sum(N), share, scatter, VALUE)
        point, k = escape(self.called), self.number_of(self.cluster)
        return [
            (
                "Objective",
                "",
                loss,
                "Mean negative log-likelihood, in nats per point; after an M step the bound that it lowers.",
            ),
            ("E step", "E", e_step, f"For {point} and component {k}: {NOTE}"),
            ("M step", "M", m_step, f"For component {k}: {NOTE}"),
        ]

    def e_step(self, t: int | None) -> list[str]:
        if t is None:
            return ["", "not yet."]
        parameters = self.history.parameters[t]
        joint = parameters.log_joint(self.run.data.points[[self.point]])[0]
        top = joint.max()
        total = top + np.log(np.exp(joint - top).sum())
        shares = np.exp(joint - total)
        weight = float(parameters.weights[self.cluster])
        density = np.exp(joint[self.cluster]) / weight if weight else 0.0
        return [
            f"= {shares[self.cluster]:.3f}",
            f"{_short(weight)} × {_short(density)} over a density of {_short(np.exp(total))}; "
            f"of component {self.among(shares)}.",
        ]

    def where(self, t: int) -> str:
        return f"mean {_vector(self.history.parameters[t].means[self.cluster])}"

    def place(self, t: int) -> str:
        return ""

    def m_step(self, t: int) -> list[str]:
        if t == 0:
            return ["", f"{self.where(0)}: where it starts."]
        weights, means, covariances = (part[self.cluster] for part in self.history.parameters[t])
        mass, n = float(self.history.sizes[t - 1][self.cluster]), len(self.run.data.points)
        scatter = "; ".join(" ".join(_short(value) for value in row[:MOST_SHOWN]) for row in covariances[:MOST_SHOWN])
        more = " …" if len(covariances) > MOST_SHOWN else ""
        return [
            "",
            f"w = {_short(mass)} / {n:,} = {_short(weights)}, m = {_vector(means)}, S = [{scatter}{more}]"
            + {"full": "", "tied": ", shared by all", "diagonal": ", its diagonal", "spherical": ", one variance"}[
                self.run.settings.covariance
            ]
            + ".",
        ]
