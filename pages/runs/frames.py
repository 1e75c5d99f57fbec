"""A run in frames, one for each state, with the sentence that belongs under its picture."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pages.datasets.limits import MOST_FRAMES
from pages.runs.run import Run

FIRST = 20
"""iterations that are always shown, where not all are"""


@dataclass(frozen=True)
class Frame:
    phase: str
    """as that of the state"""
    state: int
    """number of the state in the history"""
    parameters: int
    """number of the first state with the same parameters"""
    assigned: int | None
    """number of the complete state whose assignment is drawn; None before the first"""
    position: float
    """on an axis of iterations"""
    loss: float | None
    sentence: str
    explanation: str = ""
    """what this phase means; on its first frame only"""
    moves: bool = False
    """whether the centers move here, while the assignment stays that of the frame before"""


def frames_of(run: Run) -> tuple[list[Frame], str]:
    """The frames of a run, and a sentence if some iterations had to be left out of them."""
    (frames,), left_out = aligned_frames([run])
    return frames, left_out


def aligned_frames(runs: list[Run]) -> tuple[list[list[Frame]], str]:
    """The frames of each of several runs, and a sentence if some iterations had to be left out of them.

    Frame i is at the same position on the axis of iterations in all runs that go on that far; one that has no state there
    stays at the last one before it, and one that has ended has no more frames.
    """
    last = max(run.history.iterations for run in runs)
    most_frames = MOST_FRAMES if max(run.k for run in runs) <= 12 else MOST_FRAMES // 2  # many clusters: heavy frames
    shown = np.arange(last + 1)
    left_out = ""
    if 2 * last + 2 > most_frames:
        most = (most_frames - 1) // 2
        ends = [run.history.iterations for run in runs]
        spread = np.linspace(FIRST, last, most - FIRST)
        shown = np.unique(np.rint(np.concatenate([np.arange(FIRST), spread, ends])).astype(int))
        left_out = (
            f"The pictures show {len(shown)} of the {last + 1} states: all of the first {FIRST}, then evenly spread ones."
        )
    several = [_frames(run, shown.tolist()) for run in runs]
    return (_aligned(several) if len(runs) > 1 else several), left_out


def _frames(run: Run, shown: Iterable[int]) -> list[Frame]:
    history, view = run.history, run.view
    kept = set(shown)
    phases = view.phases(run)
    frames, explained = [], set()
    complete = None
    for i, state in enumerate(history.states):
        is_complete = i + 1 == len(history.states) or history.states[i + 1].iteration != state.iteration
        if state.assignment is not None and is_complete:
            complete = i
        # the way to an iteration is shown where the one before it is shown, too
        if state.iteration not in kept or (not is_complete and state.iteration and state.iteration - 1 not in kept):
            continue
        explanation = "" if state.phase in explained else phases[state.phase]
        explained.add(state.phase)
        frames.append(
            Frame(
                state.phase,
                i,
                run.parameters_of[i],
                None if state.assignment is None else complete,
                float(history.positions[i]),
                state.loss,
                view.sentence(run, i),
                explanation,
                bool(frames) and state.assignment is not None and frames[-1].assigned == complete,
            )
        )
    return frames


def _aligned(several: list[list[Frame]]) -> list[list[Frame]]:
    """The frames of each run, those that stay repeated, so that frame i of all runs is at one position."""
    # the start and the first assignment are both at 0: they count one by one
    opening = max(sum(frame.position == 0 for frame in frames) for frames in several)
    positions = sorted({frame.position for frames in several for frame in frames if frame.position > 0})
    aligned = []
    for frames in several:
        first = [frame for frame in frames if frame.position == 0]
        rest = frames[len(first) :]
        row = first + [first[-1]] * (opening - len(first)) if rest else first
        by_position = {frame.position: frame for frame in rest}
        for position in positions:
            if not rest or position > rest[-1].position:
                break
            row.append(by_position.get(position, row[-1]))
        aligned.append(row)
    return aligned
