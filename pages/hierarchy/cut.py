"""The cut of a tree as a run of the method "tree"."""

from clustering import History
from pages.methods import method
from pages.methods.trees import Growth
from pages.runs.run import Run


def cut_run(growth: Growth, k: int) -> Run:
    """The run that ends with the k groups of this tree, or with all n points alone where k is larger.

    Unlike `make_run` it takes the tree as it is, with its leaves in any order.
    """
    view = method("tree")
    settings = view.settings(min(k, growth.merges + 1), linkage=growth.linkage, metric=growth.metric)
    return Run(settings, growth.data, History.record(view.process(settings), view.prepared(growth)), growth.note, growth)


def merges_of(run: Run) -> int:
    """Number of merges before the cut."""
    return run.model_input.merges + 1 - run.settings.k


def height_of_cut(growth: Growth, k: int, wanted: float | None = None) -> float:
    """A height at which a cut leaves k groups: `wanted` if it does, else a round number between the two merges around it.

    Where merges tie or are inverted no height may leave k groups; then that of the next merge.
    """
    low, high = growth.tree.gap(k)
    if wanted is not None and low <= wanted < high:
        return wanted
    top = float(growth.tree.heights.max())
    low, end = max(low, 0.0), min(high, 1.04 * top or 1.0)
    if not low < end:
        return min(low, end) if low < high else float(growth.tree.heights[growth.merges - k])
    middle = low + (end - low) / 2
    rounded = float(f"{middle:.3g}")
    return rounded if low <= rounded < end else middle
