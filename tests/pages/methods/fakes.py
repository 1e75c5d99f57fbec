"""Two methods that are not in the app, by which tests see what a method may be: a scan by density, which has no center, no
loss and no start and leaves points in no group, and a mean shift, whose clusters become fewer.

Process and view of a method stand in one file here; in the app they are the two files of the same name.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from clustering import State
from clustering.process import check_limits, iteration_limit_notice
from pages.datasets.formatting import format_number, pluralize
from pages.methods.base import MethodView, Script
from pages.methods.formulas import NOTE, VALUE, Formula, cluster_number, loss_value, symbol
from pages.methods.options import Option, Settings
from pages.methods.traits import Loss, Traits


@dataclass(frozen=True, eq=False)
class Groups:
    """A hard assignment; labels are -1 for points in no group."""

    labels: np.ndarray
    k: int
    changed: int

    shares = None

    @property
    def sizes(self) -> np.ndarray:
        return np.bincount(self.labels[self.labels >= 0], minlength=self.k)


def grouped(labels: np.ndarray, k: int, before: np.ndarray | None = None) -> Groups:
    return Groups(labels, k, len(labels) if before is None else int(np.count_nonzero(labels != before)))


class FakeView(MethodView):
    """What the views here have in common."""

    def script(self, run, iterations: int) -> Script:
        script, process = super().script(run, iterations), type(run.history.process).__name__
        return Script(script.imports - {process}, f"from {__name__} import {process}\n{script.body}")


class Reached(NamedTuple):
    """How many groups have been reached."""

    groups: int


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Which points are near each other, (n, n)."""

    near: np.ndarray


@dataclass(frozen=True)
class Scan:
    """Groups of dense points and what is near them (as DBSCAN), one group in each iteration; what is left is noise."""

    eps: float
    least: int = 4

    k = None
    loss_name = None
    tol = 0.0

    def prepare(self, data) -> Neighbors:
        return data if isinstance(data, Neighbors) else Neighbors(cdist(data, data) <= self.eps)

    def start(self, prepared, rng) -> Reached:
        return Reached(0)

    def check_start(self, prepared, start):
        raise ValueError("a scan starts nowhere")

    def states(self, prepared, *, start=None, rng=None, tol=None, max_iter=300):
        check_limits(self.tol if tol is None else tol, max_iter)
        if start is not None:
            self.check_start(prepared, start)
        return self._states(prepared, max_iter)

    def _states(self, prepared, max_iter):
        labels, before = self._labels(prepared), None
        last = int(labels.max()) + 1
        for t in range(min(last, max_iter) + 1):
            now = np.where(labels < t, labels, -1)
            notices = () if t == last or t < max_iter else (iteration_limit_notice(max_iter),)
            yield State("expand", t, Reached(t), grouped(now, t, before), None, t == last, notices)
            before = now

    def between(self, prepared, before, after) -> tuple:
        return ()

    def assign(self, prepared, parameters: Reached) -> Groups:
        labels = self._labels(prepared)
        return grouped(np.where(labels < parameters.groups, labels, -1), parameters.groups)

    def _labels(self, prepared) -> np.ndarray:
        """(n,) the groups in the order of their first dense points; -1 for points that are near no dense one."""
        near = prepared.near
        dense = near.sum(axis=1) >= self.least
        labels = np.full(len(near), -1)
        _, found = connected_components(near[np.ix_(dense, dense)], directed=False)
        _, first, found = np.unique(found, return_index=True, return_inverse=True)
        labels[dense] = np.argsort(np.argsort(first))[found]
        for i in np.flatnonzero(~dense & near[:, dense].any(axis=1)):
            labels[i] = labels[dense][near[i, dense]].min()
        return labels


class ScanView(FakeView):
    name = "scan"
    title = "Density scan"
    order = 90
    traits = Traits(groups="found", center=None, cluster="group", loss=None, random=False)
    options = (Option("eps", "Radius", 0.8, low=0.05, high=50.0, step=0.4, short_label=lambda eps: f"eps = {eps:g}"),)
    initializations = ()
    result_code = "state.parameters.groups"

    def process(self, settings: Settings, init=None) -> Scan:
        return Scan(settings.option("eps"))

    def state_size(self, k: int, d: int) -> int:
        return 1

    def phases(self, run) -> dict[str, str]:
        return {"start": "No point is in a group.", "expand": "A group takes all that is near its dense points."}

    def sentences(self) -> dict[str, Any]:
        return {"start": self.start_sentence, "expand": self.expand_sentence}

    def start_sentence(self, run, state: int, now) -> str:
        return f"Start: {pluralize(len(run.data.points), 'point')} in no group."

    def expand_sentence(self, run, state: int, now) -> str:
        if now.iteration == 0:
            return "No group has been reached."
        return f"Group {now.iteration} takes {pluralize(int(now.assignment.sizes[-1]), 'point')}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        def values(frame) -> list[str]:
            size = run.history.states[frame.state].parameters.groups
            return [f"= {size}", "so far."]

        return [Formula("Expand", "expand", f"{symbol('K')}{VALUE}", f"Groups {NOTE}", values)]

    def arrays(self, run) -> dict[str, np.ndarray]:
        return {"reached": np.array([parameters.groups for parameters in run.history.parameters])}


@dataclass(frozen=True)
class Shift:
    """Modes that climb the density of a Gaussian kernel and merge where they meet (mean shift): K falls."""

    width: float

    k = None
    loss_name = "mean negative log density at the modes"
    tol = 1e-6

    def prepare(self, data) -> np.ndarray:
        return np.asarray(data, dtype=float)

    def start(self, prepared, rng) -> np.ndarray:
        """One mode in each occupied cell of a grid as wide as the kernel."""
        _, first = np.unique(np.floor(prepared / self.width), axis=0, return_index=True)
        return prepared[np.sort(first)]

    def check_start(self, prepared, start) -> np.ndarray:
        return np.array(start, dtype=float)

    def states(self, prepared, *, start=None, rng=None, tol=None, max_iter=300):
        tol = self.tol if tol is None else tol
        check_limits(tol, max_iter)
        modes = self.start(prepared, rng) if start is None else self.check_start(prepared, start)
        return self._states(prepared, modes, tol, max_iter)

    def _states(self, prepared, modes, tol, max_iter):
        before, settled = None, False
        for t in range(max_iter + 1):
            assignment = grouped(self.predict(modes, prepared), len(modes), before)
            notices = (iteration_limit_notice(max_iter),) if t == max_iter and not settled else ()
            yield State("shift", t, modes, assignment, self._loss(prepared, modes), settled, notices)
            if settled:
                return
            before, new = assignment.labels, self._shifted(prepared, modes)
            settled = len(new) == len(modes) and float(np.abs(new - modes).max()) <= tol * self.width
            modes = new

    def between(self, prepared, before, after) -> tuple:
        return ()

    def assign(self, prepared, parameters) -> Groups:
        return grouped(self.predict(parameters, prepared), len(parameters))

    def predict(self, parameters, points) -> np.ndarray:
        return cdist(points, parameters).argmin(axis=1)

    def _weights(self, prepared, modes) -> np.ndarray:
        """(k, n)"""
        return np.exp(-0.5 * cdist(modes, prepared, "sqeuclidean") / self.width**2)

    def _loss(self, prepared, modes) -> float:
        return float(-np.log(self._weights(prepared, modes).mean(axis=1)).mean())

    def _shifted(self, prepared, modes) -> np.ndarray:
        """The modes at the means that they weigh, without those that meet an earlier one."""
        weights = self._weights(prepared, modes)
        moved = weights @ prepared / weights.sum(axis=1, keepdims=True)
        meets = np.tril(cdist(moved, moved) < 0.1 * self.width, -1)
        return moved[~meets.any(axis=1)]


class ShiftView(FakeView):
    name = "shift"
    title = "Mean shift"
    order = 91
    traits = Traits(groups="found", center="mode", loss=Loss(), random=False, regions=True)
    options = (Option("width", "Width", 1.5, low=0.05, high=50.0, step=0.5, short_label=lambda width: f"width {width:g}"),)
    initializations = ()

    def process(self, settings: Settings, init=None) -> Shift:
        return Shift(settings.option("width"))

    def phases(self, run) -> dict[str, str]:
        return {"start": "A mode stands wherever there are points.", "shift": "Every mode climbs the density."}

    def sentences(self) -> dict[str, Any]:
        return {"start": self.start_sentence, "shift": self.shift_sentence}

    def start_sentence(self, run, state: int, now) -> str:
        return f"Start: {pluralize(len(now.parameters), 'mode')} at points."

    def shift_sentence(self, run, state: int, now) -> str:
        return f"Shift: {pluralize(len(now.parameters), 'mode')}, loss {self.loss_text(now.loss)}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        def values(frame) -> list[str]:
            modes = run.history.states[frame.state].parameters
            return [format_number(float(cdist(run.data.points[[point]], modes).min()))]

        loss = Formula("Objective", "", f"{symbol('L')}{VALUE}", "Mean over the modes.", loss_value)
        return [
            loss,
            Formula("Shift", "shift", symbol("m"), f"Nearest mode at {NOTE}; cluster {cluster_number(run, cluster)}.", values),
        ]


FAKES = {view.name: view for view in (ScanView(), ShiftView())}
