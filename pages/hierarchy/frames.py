"""The frames of a whole tree, from single points to one group, with the sentences under its pictures."""

from pages.datasets.formatting import counted, short
from pages.hierarchy.cut import merges_of
from pages.runs.frames import Frame
from pages.runs.run import Run


def tree_frames(run: Run) -> list[Frame]:
    """One frame for each of `Growth.states`, whether before or after the cut.

    `position` is the number of merges made. `state` and `parameters` are the number of the frame: the history of the run has
    only the last merges before the cut.
    """
    growth, cut = run.model_input, merges_of(run)
    start = f"Start: {counted(growth.merges + 1, 'point')}, each a group of its own."
    frames = [Frame("start", 0, 0, None, 0.0, None, start, growth.explained())]
    for i, merges in enumerate(growth.states[1:], 1):
        height, left = growth.height(merges), growth.merges + 1 - merges
        if merges <= growth.first_alone:
            sentence = f"{counted(merges, 'merge')} made, up to height {short(height)}: {left:,} groups left."
        else:
            sentence = growth.told(merges - 1)
        if merges == cut:
            sentence += " Here the tree is cut."
        explanation = growth.explained() if left == 1 else ""
        if merges == cut + 1:
            explanation = "Above the cut, groups lose their color: these merges are not made."
        frames.append(Frame("merge", i, i, None, float(merges), height, sentence, explanation))
    return frames


def frame_of_cut(run: Run) -> int:
    """Number of the frame with the groups of the cut."""
    return run.model_input.states.index(merges_of(run))


def pace(frames: list[Frame]) -> list[int]:
    """For how many thirtieths of a second each frame but the last is shown: longest for the last merges."""
    return [2 if to_come > 40 else 4 if to_come > 12 else 14 for to_come in range(len(frames) - 1, 0, -1)]
