"""The frames of the animation of a run, with their captions."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pages.datasets.limits import MAX_FRAMES
from pages.runs.run import Run

FIRST = 20
"""number of iterations at the beginning that are always shown, counting the start as iteration 0"""


@dataclass(frozen=True)
class Frame:
    phase: str
    """phase of the state"""
    state: int
    """index of the state in the history"""
    parameters: int
    """index of the first state with the same parameters"""
    assigned: int | None
    """index of the state whose assignment is shown; None before the first assignment"""
    position: float
    """position on the axis of iterations; an M step lies between two iterations"""
    loss: float | None
    sentence: str
    """caption"""
    explanation: str = ""
    """explanation of the phase; only in its first frame"""
    moves: bool = False
    """whether centers move while the assignment stays that of the previous frame, or points move"""


def frames_of(run: Run) -> tuple[list[Frame], str]:
    """Frames of a run, and a message if some iterations are not shown."""
    (frames,), omitted_note = aligned_frames([run])
    return frames, omitted_note


def aligned_frames(runs: list[Run]) -> tuple[list[list[Frame]], str]:
    """Frames of several runs, aligned by iteration, and a message if some iterations are not shown.

    Frame i has the same position on the axis of iterations in all runs. A run without a state at that position repeats its
    previous frame; a finished run has no further frames.
    """
    last = max(run.history.iterations for run in runs)
    max_frames = MAX_FRAMES if max(run.k for run in runs) <= 12 else MAX_FRAMES // 2  # frames grow with K
    shown = np.arange(last + 1)
    omitted_note = ""
    # the start and the first complete state belong to no iteration
    states = max(-(-(len(run.history.states) - 2) // max(run.history.iterations, 1)) for run in runs)
    if states * last + 2 > max_frames:
        ends = [run.history.iterations for run in runs]
        spread = np.linspace(FIRST, last, (max_frames - 1) // states - FIRST)
        shown = np.unique(np.rint(np.concatenate([np.arange(FIRST), spread, ends])).astype(int))
        omitted_note = (
            f"Showing the start and {len(shown) - 1} of {last} iterations (the first {FIRST - 1}, then evenly spaced)."
        )
    several = [_frames(run, shown.tolist()) for run in runs]
    return (_aligned(several) if len(runs) > 1 else several), omitted_note


def _frames(run: Run, shown: Iterable[int]) -> list[Frame]:
    history, view = run.history, run.view
    shown = set(shown)
    phases = view.phases(run)
    frames, explained = [], set()
    complete = None
    for i, state in enumerate(history.states):
        is_complete = i + 1 == len(history.states) or history.states[i + 1].iteration != state.iteration
        if state.assignment is not None and is_complete:
            complete = i
        # an M step is shown only together with the iteration before it
        if state.iteration not in shown or (not is_complete and state.iteration and state.iteration - 1 not in shown):
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
                bool(frames)
                and (
                    state.phase not in view.still_phases or frames[-1].state < i - 1
                    if view.traits.moves_points
                    else state.assignment is not None and frames[-1].assigned == complete
                ),
            )
        )
    return frames


def _aligned(several: list[list[Frame]]) -> list[list[Frame]]:
    """Repeat frames so that frame i of all runs has the same position."""
    # the start and the first assignment share position 0
    at_zero = max(sum(frame.position == 0 for frame in frames) for frames in several)
    positions = sorted({frame.position for frames in several for frame in frames if frame.position > 0})
    aligned = []
    for frames in several:
        first = [frame for frame in frames if frame.position == 0]
        rest = frames[len(first) :]
        row = first + [first[-1]] * (at_zero - len(first)) if rest else first
        by_position = {frame.position: frame for frame in rest}
        for position in positions:
            if not rest or position > rest[-1].position:
                break
            row.append(by_position.get(position, row[-1]))
        aligned.append(row)
    return aligned
