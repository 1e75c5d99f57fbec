"""A run told in frames: the start, then E step and M step in turn, each with the sentence that belongs under the picture."""

from dataclasses import dataclass

import numpy as np

from pages.datasets.formatting import counted, number, short
from pages.datasets.limits import MOST_FRAMES
from pages.runs.run import STARTS, Run


@dataclass(frozen=True)
class Frame:
    kind: str
    """"start", "E" or "M\""""
    parameters: int
    """which parameters of the history are drawn"""
    assignment: int | None
    """which assignment; None before the first"""
    loss: float | None
    sentence: str
    explanation: str = ""
    """what this kind of step means; on its first frame only"""


def storyboard(run: Run) -> tuple[list[Frame], str]:
    """The frames of a run, and a sentence if some iterations had to be left out of them."""
    (frames,), left_out = in_step([run])
    return frames, left_out


def in_step(runs: list[Run]) -> tuple[list[list[Frame]], str]:
    """The frames of each of several runs, and a sentence if some iterations had to be left out of them.

    Frame i is the same half-step of the same iteration in all runs that have one; a run that has ended has no more.
    """
    last = max(run.history.iterations for run in runs)
    most_frames = MOST_FRAMES if max(run.settings.k for run in runs) <= 12 else MOST_FRAMES // 2  # many clusters: heavy frames
    shown = np.arange(last + 1)
    left_out = ""
    if 2 * last + 2 > most_frames:
        most = (most_frames - 1) // 2
        ends = [run.history.iterations for run in runs]
        shown = np.unique(np.rint(np.concatenate([np.arange(20), np.linspace(20, last, most - 20), ends])).astype(int))
        left_out = f"The pictures show {len(shown)} of the {last + 1} states: all of the first 20, then evenly spread ones."
    return [_frames(run, shown[shown <= run.history.iterations].tolist()) for run in runs], left_out


def _frames(run: Run, shown: list[int]) -> list[Frame]:
    told = _TELLERS[run.settings.algorithm](run)
    frames = [Frame("start", 0, None, None, told.start(), told.start_means)]
    for t, following in zip(shown, [*shown[1:], None], strict=True):
        frames.append(Frame("E", t, t, float(run.history.losses[t]), told.e_step(t), told.e_means if t == 0 else ""))
        if following == t + 1:
            frames.append(
                Frame("M", t + 1, t, float(run.history.half_losses[t]), told.m_step(t), told.m_means if t == 0 else "")
            )
    return frames


def growing(run: Run) -> list[Frame]:
    """The frames of a whole tree, of which the run is a cut; `parameters` of each is how many merges are made."""
    growth, left = run.growth, run.settings.k
    n = growth.merges + 1
    frames = [Frame("start", 0, None, None, f"Start: {counted(n, 'point')}, each a group of its own.", growth.explained())]
    for made in growth.states[1:]:
        height = growth.height(made)
        if made <= growth.first_alone:
            sentence = f"{counted(made, 'merge')} made, up to height {short(height)}: {n - made:,} groups left."
        else:
            sentence = growth.told(made - 1)
        if n - made == left:
            sentence += " Here the tree is cut."
        explanation = "Above the cut, groups lose their colour: these merges are not made." if n - made == left - 1 else ""
        frames.append(Frame("E", made, None, height, sentence, explanation or growth.explained() * (made == n - 1)))
    return frames


def ending(run: Run) -> str:
    """How the run ended, as 'Converged after 7 iterations'."""
    return f"{'Converged' if run.history.converged else 'Cut off'} after {counted(run.history.iterations, 'iteration')}"


class _Teller:
    """Sentences about K-means; the other methods say what they do differently."""

    middle = "center"
    start_means = "Nothing belongs to anything yet. Press play, or step through."
    e_means = (
        "E step: every point joins the center that is nearest. The centers stay where they are, so the loss can only fall."
    )
    m_means = (
        "M step: every center moves to the mean of its points. The points keep their clusters, so the loss can only fall."
    )

    def __init__(self, run: Run):
        self.run, self.history = run, run.history

    def start(self) -> str:
        settings = self.run.settings
        by = STARTS[settings.start]
        if settings.start == "tree":
            by = f"the cut of a tree, {settings.merging.linkage} linkage"
        return f"Start: {counted(settings.k, self.middle)}, placed by {by}."

    def e_step(self, t: int) -> str:
        changed = int(self.history.changed[t])
        what = (
            f"{counted(changed, 'point')} assigned for the first time"
            if t == 0
            else f"{counted(changed, 'point')} changed cluster"
        )
        return f"E step: {what}, loss {number(self.history.losses[t])}.{self.end(t)}"

    def end(self, t: int) -> str:
        return "" if t < self.history.iterations else f" {ending(self.run)}."

    def moved(self, t: int) -> np.ndarray:
        return np.linalg.norm(self.run.centers[t + 1] - self.run.centers[t], axis=1)

    def m_step(self, t: int) -> str:
        loss = number(self.history.half_losses[t])
        empty = np.flatnonzero(self.history.sizes[t] == 0)
        filled = (
            f" Cluster {self.run.ranks[empty[0]] + 1} had lost all points and took the farthest one." if len(empty) else ""
        )
        return f"M step: {self.middle}s moved by at most {short(self.moved(t).max())}, loss {loss}.{filled}"


class _MixtureTeller(_Teller):
    middle = "mean"
    start_means = "Each ellipse is a Gaussian, at one and two standard deviations. Press play, or step through."
    e_means = (
        "E step: every point is shared out among the Gaussians, each taking the share with which it may have made the point "
        "(its responsibility). Colours blend by these shares."
    )
    m_means = (
        "M step: every Gaussian takes the weighted mean and covariance of its share of the points. The loss shown is the "
        "bound that this step lowers; it meets the true loss again in the next E step."
    )

    def e_step(self, t: int) -> str:
        changed = int(self.history.changed[t])
        what = "responsibilities given for the first time"
        if t > 0:
            what = f"{counted(changed, 'point')} changed the likeliest component"
        return f"E step: {what}, loss {number(self.history.losses[t])} nats per point.{self.end(t)}"

    def m_step(self, t: int) -> str:
        moved = short(self.moved(t).max())
        return f"M step: means moved by at most {moved}, loss {number(self.history.half_losses[t])} nats per point (bound)."


class _MedoidsTeller(_Teller):
    middle = "medoid"
    start_means = "A medoid is a point of the data that stands for its cluster. Press play, or step through."
    e_means = "E step: every point joins the nearest medoid, by the chosen metric."

    def __init__(self, run: Run):
        super().__init__(run)
        self.swaps = run.settings.update != "alternating" and run.settings.k > 1
        self.m_means = (
            "Swap: one medoid gives its place to another point, if that lowers the loss when all points may choose anew."
            if self.swaps
            else "M step: in every cluster, the point with the least sum of dissimilarities to the others becomes the medoid."
        )

    def m_step(self, t: int) -> str:
        old, new = self.history.parameters[t], self.history.parameters[t + 1]
        slots = np.flatnonzero(old != new)
        loss = number(self.history.half_losses[t])
        if self.swaps:
            if not len(slots):
                return f"Swap: no swap of a medoid with another point lowers the loss, {loss}."
            out, taken = self.run.data.called([old[slots[0]], new[slots[0]]])
            cluster = self.run.ranks[slots[0]] + 1
            return f"Swap: {taken} takes the place of {out} as the medoid of cluster {cluster}, loss {loss}."
        if not len(slots):
            return f"M step: every medoid is the best of its cluster already, loss {loss}."
        return f"M step: {counted(len(slots), 'medoid')} moved, by at most {short(self.moved(t).max())}, loss {loss}."


class _TreeTeller:
    """Sentences about the merges before a tree is cut."""

    start_means = "Every point is a group of its own."
    e_means = "Merge by merge, two groups become one; outlines show the groups that there are."

    def __init__(self, run: Run):
        self.run, self.growth = run, run.growth
        self.m_means = self.growth.explained()

    def merges(self, t: int) -> int:
        """How many merges are made in state t."""
        return self.growth.merges + 1 - self.run.settings.k - (self.run.history.iterations - t)

    def start(self) -> str:
        return f"Start: {counted(len(self.run.data.points), 'point')}, each a group of its own."

    def e_step(self, t: int) -> str:
        made = self.merges(t)
        if made == 0:
            what = "No merge is made."
        elif t == 0:
            what = f"The first {counted(made, 'merge')}, up to height {short(self.growth.height(made))}."
        else:
            what = self.growth.told(made - 1)
        return what + (" Here the tree is cut." if t == self.run.history.iterations else "")

    def m_step(self, t: int) -> str:
        return f"The next two to merge, at height {short(self.growth.height(self.merges(t) + 1))}."


_TELLERS = {"tree": _TreeTeller, "kmeans": _Teller, "kmedoids": _MedoidsTeller, "mixture": _MixtureTeller}
