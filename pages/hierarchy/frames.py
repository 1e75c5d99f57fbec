"""The frames of a whole tree, from single points to one cluster, with the sentence shown for each."""

from pages.datasets.formatting import format_short, pluralize
from pages.hierarchy.cut import merges_below_cut
from pages.runs.frames import Frame
from pages.runs.run import Run


def tree_frames(run: Run) -> list[Frame]:
    """One frame for each entry of `DataTree.merges_at_frames`, below and above the cut.

    `position` is the number of merges so far. `state` and `parameters` are the number of the frame, because the history of
    the run contains only the last merges before the cut.
    """
    data_tree, cut = run.model_input, merges_below_cut(run)
    start = f"Start: {pluralize(data_tree.n_merges + 1, 'point')}, each in its own cluster."
    frames = [Frame("start", 0, 0, None, 0.0, None, start, data_tree.merge_rule())]
    for i, merges in enumerate(data_tree.merges_at_frames[1:], 1):
        height, left = data_tree.height(merges), data_tree.n_merges + 1 - merges
        if merges <= data_tree.first_with_own_frame:
            sentence = f"{pluralize(merges, 'merge')} up to height {format_short(height)}: {left:,} clusters."
        else:
            sentence = data_tree.merge_sentence(merges - 1)
        if merges == cut:
            sentence += " The tree is cut here."
        explanation = data_tree.merge_rule() if left == 1 else ""
        if merges == cut + 1:
            shapes = "lines" if data_tree.linkage == "single" else "outlines"
            explanation = f"Merges above the cut are not applied; their {shapes} are drawn in gray."
        frames.append(Frame("merge", i, i, None, float(merges), height, sentence, explanation))
    return frames


def frame_of_cut(run: Run) -> int:
    """Number of the frame that shows the clusters of the cut."""
    return run.model_input.merges_at_frames.index(merges_below_cut(run))


def pace(frames: list[Frame]) -> list[int]:
    """Duration of each frame but the last, in thirtieths of a second; the last merges are shown longest."""
    return [2 if remaining > 40 else 4 if remaining > 12 else 14 for remaining in range(len(frames) - 1, 0, -1)]
