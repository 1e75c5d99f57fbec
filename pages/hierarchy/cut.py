"""The cut of a tree: as a run of the method "tree", and the height of a cut."""

from clustering import History
from pages.methods import method
from pages.methods.trees import DataTree
from pages.runs.run import Run


def cut_run(data_tree: DataTree, k: int) -> Run:
    """Run whose last state has the k clusters of this tree; K is limited to the number of points.

    Unlike `make_run`, which builds the tree from the data, this function takes an existing tree, with any leaf order.
    """
    view = method("tree")
    settings = view.settings(min(k, data_tree.n_merges + 1), linkage=data_tree.linkage, metric=data_tree.metric)
    return Run(
        settings,
        data_tree.data,
        History.record(view.process(settings), view.process_data(data_tree)),
        f"{data_tree.note} {view.weights_note(data_tree.data)}".strip(),
        data_tree,
    )


def merges_below_cut(run: Run) -> int:
    """Number of merges below the cut."""
    return run.model_input.n_merges + 1 - run.settings.k


def height_of_cut(data_tree: DataTree, k: int, preferred: float | None = None) -> float:
    """Height at which a cut gives k clusters.

    Returns `preferred` if a cut there gives k clusters, otherwise a round number between the merges below and above the cut.
    If merges are tied or inverted, no height may give k clusters; then returns the height of the next merge.
    """
    low, high = data_tree.tree.height_range(k)
    if preferred is not None and low <= preferred < high:
        return preferred
    top = float(data_tree.tree.heights.max())
    low, end = max(low, 0.0), min(high, 1.04 * top or 1.0)
    if not low < end:
        return min(low, end) if low < high else float(data_tree.tree.heights[data_tree.n_merges - k])
    middle = low + (end - low) / 2
    rounded = float(f"{middle:.3g}")
    return rounded if low <= rounded < end else middle
