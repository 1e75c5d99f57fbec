"""Two methods that exist only in tests, with properties that no method of the app has.

A density scan has no centers, no loss and no initialization, and labels some points as noise. Mean shift starts with many
clusters, which merge. Each method has its process and its view in this file; for methods of the app these are separate files.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from clustering import State
from clustering.hard_assignment import HardAssignment
from clustering.process import check_limits, iteration_limit_notice
from pages.datasets.formatting import format_number, pluralize
from pages.methods.base import MethodView, Script
from pages.methods.formulas import NOTE, VALUE, Formula, cluster_number, loss_value, symbol
from pages.methods.options import Option, Settings
from pages.methods.traits import Loss, Traits


def hard_assignment(labels: np.ndarray, k: int, before: np.ndarray | None = None) -> HardAssignment:
    return HardAssignment(labels, k, len(labels) if before is None else int(np.count_nonzero(labels != before)))


class FakeView(MethodView):
    """Base class of their views; scripts import the process from this module, not from `clustering`."""

    def script(self, run, iterations: int) -> Script:
        script, process = super().script(run, iterations), type(run.history.process).__name__
        return Script(script.imports - {process}, f"from {__name__} import {process}\n{script.body}")


class ScanParameters(NamedTuple):
    k: int
    """number of clusters found so far"""


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Prepared data of the scan."""

    near: np.ndarray
    """(n, n) whether two points are neighbors"""


@dataclass(frozen=True)
class Scan:
    """DBSCAN with one cluster per iteration: dense points that are connected, and their neighbors; the rest is noise."""

    eps: float
    min_points: int = 4

    k = None
    loss_name = None
    tol = 0.0

    def prepare(self, data) -> Neighbors:
        return data if isinstance(data, Neighbors) else Neighbors(cdist(data, data) <= self.eps)

    def start(self, prepared, rng) -> ScanParameters:
        return ScanParameters(0)

    def check_start(self, prepared, start):
        raise ValueError("the scan has no start")

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
            yield State("expand", t, ScanParameters(t), hard_assignment(now, t, before), None, t == last, notices)
            before = now

    def between(self, prepared, before, after) -> tuple:
        return ()

    def assign(self, prepared, parameters: ScanParameters) -> HardAssignment:
        labels = self._labels(prepared)
        return hard_assignment(np.where(labels < parameters.k, labels, -1), parameters.k)

    def _labels(self, prepared) -> np.ndarray:
        """(n,) clusters, in the order of their first dense points; -1 for points without a dense neighbor."""
        near = prepared.near
        dense = near.sum(axis=1) >= self.min_points
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
    traits = Traits(k="found", center=None, loss=None, random=False)
    options = (Option("eps", "Radius", 0.8, low=0.05, high=50.0, step=0.4, short_label=lambda eps: f"eps = {eps:g}"),)
    initializations = ()
    result_code = "state.parameters.k"

    def process(self, settings: Settings, init=None) -> Scan:
        return Scan(settings.option("eps"))

    def state_size(self, k: int, d: int) -> int:
        return 1

    def phases(self, run) -> dict[str, str]:
        return {"start": "All points are noise.", "expand": "A cluster contains connected dense points and their neighbors."}

    def sentences(self) -> dict[str, Any]:
        return {"start": self.start_sentence, "expand": self.expand_sentence}

    def start_sentence(self, run, state: int, now) -> str:
        return f"Start: {pluralize(len(run.data.points), 'point')} without a cluster."

    def expand_sentence(self, run, state: int, now) -> str:
        if now.iteration == 0:
            return "No cluster yet."
        return f"Cluster {now.iteration} contains {pluralize(int(now.assignment.sizes[-1]), 'point')}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        def values(frame) -> list[str]:
            size = run.history.states[frame.state].parameters.k
            return [f"= {size}", "so far."]

        return [Formula("Expand", "expand", f"{symbol('K')}{VALUE}", f"Clusters {NOTE}", values)]

    def arrays(self, run) -> dict[str, np.ndarray]:
        return {"number_of_clusters": np.array([parameters.k for parameters in run.history.parameters])}


@dataclass(frozen=True)
class Shift:
    """Mean shift with a Gaussian kernel; modes that meet are merged, so K decreases."""

    width: float

    k = None
    loss_name = "mean negative log density at the modes"
    tol = 1e-6

    def prepare(self, data) -> np.ndarray:
        return np.asarray(data, dtype=float)

    def start(self, prepared, rng) -> np.ndarray:
        """One mode in each occupied cell of a grid; the cells are as wide as the kernel."""
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
            assignment = hard_assignment(self.predict(modes, prepared), len(modes), before)
            notices = (iteration_limit_notice(max_iter),) if t == max_iter and not settled else ()
            yield State("shift", t, modes, assignment, self._loss(prepared, modes), settled, notices)
            if settled:
                return
            before, new = assignment.labels, self._shifted(prepared, modes)
            settled = len(new) == len(modes) and float(np.abs(new - modes).max()) <= tol * self.width
            modes = new

    def between(self, prepared, before, after) -> tuple:
        return ()

    def assign(self, prepared, parameters) -> HardAssignment:
        return hard_assignment(self.predict(parameters, prepared), len(parameters))

    def predict(self, parameters, points) -> np.ndarray:
        return cdist(points, parameters).argmin(axis=1)

    def _weights(self, prepared, modes) -> np.ndarray:
        """(k, n) kernel value of each point at each mode."""
        return np.exp(-0.5 * cdist(modes, prepared, "sqeuclidean") / self.width**2)

    def _loss(self, prepared, modes) -> float:
        return float(-np.log(self._weights(prepared, modes).mean(axis=1)).mean())

    def _shifted(self, prepared, modes) -> np.ndarray:
        """Move each mode to its weighted mean, and remove modes that meet an earlier one."""
        weights = self._weights(prepared, modes)
        moved = weights @ prepared / weights.sum(axis=1, keepdims=True)
        meets = np.tril(cdist(moved, moved) < 0.1 * self.width, -1)
        return moved[~meets.any(axis=1)]


class ShiftView(FakeView):
    name = "shift"
    title = "Shifting modes"
    order = 91
    traits = Traits(k="found", center="mode", loss=Loss(), random=False, regions=True)
    options = (Option("width", "Width", 1.5, low=0.05, high=50.0, step=0.5, short_label=lambda width: f"width {width:g}"),)
    initializations = ()

    def process(self, settings: Settings, init=None) -> Shift:
        return Shift(settings.option("width"))

    def phases(self, run) -> dict[str, str]:
        return {"start": "Modes start throughout the data.", "shift": "Every mode moves to a higher density."}

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
