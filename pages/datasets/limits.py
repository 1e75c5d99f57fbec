"""What one session may ask for, so that a server can be shared. The page Data states it.

How a file is read has bounds of its own, in `readers/limits.py`.
"""

MOST_UPLOADED = 200
"""megabytes of a file, as .streamlit/config.toml says too"""
MOST_UNPACKED = 400 * 2**20
"""bytes that a compressed file may grow to"""
MOST_CELLS = 50_000_000
"""of a table: rows times columns"""
MOST_COLUMNS = 2_000
"""of points, where each category is a column: planes and colors take time that grows with the cube of it"""
MOST_ROWS_FOR_PPCA = 100_000
"""whose gaps are filled by probabilistic PCA"""
MOST_RESAMPLED = 1_000
"""fits of the bootstrap"""
MOST_SAMPLED = 20_000_000
"""numbers in a sample: points times columns"""
MOST_POINTS_FOR_PROXIMITIES = 5_000
"""a matrix of 5,000 x 5,000 proximities takes 200 MB"""
MOST_ORDERED = 500
"""points whose tree is put in the optimal order, which takes time that grows with the third power of their number"""
MOST_CLUSTERS = 50
MOST_ITERATIONS = 500
LEAST_ITERATIONS = 20
"""for a run whose states are so large that it can have no more; with fewer it is refused"""
MOST_STATE_NUMBERS = 100_000_000
"""centers, means and covariances in all states of a run together"""
MOST_FRAMES = 121
MOST_PANELS = 4
MOST_RUNS = (10, 500)
"""least and most starts of each way of starting"""
MOST_COUNTED = (3, 20)
"""least and most of the largest number of clusters that is tried"""
MOST_SWEPT_POINTS = 5_000
"""for which the number of clusters is looked for, with hundreds of runs"""
MOST_SWEPT_PAIRWISE = 1_500
"""the same by methods that work on the matrix of proximities"""
MOST_GENERATED = 100_000
"""points drawn from a mixture"""
MOST_DRAWN = 5_000
"""points drawn by hand"""


def told() -> list[tuple[str, str, str]]:
    """What is limited, to how much, and what happens beyond."""
    medoids = f"{MOST_POINTS_FOR_PROXIMITIES:,} points"
    swept = f"{MOST_SWEPT_POINTS:,} points (K-medoids {MOST_SWEPT_PAIRWISE:,})"
    return [
        ("A file", f"{MOST_UPLOADED} MB, {MOST_UNPACKED // 2**20} MB unpacked", "It is refused: bring a part of it."),
        ("A table", f"{MOST_CELLS:,} cells, rows times columns", "It is refused: take fewer rows or columns."),
        ("Columns to cluster by", f"{MOST_COLUMNS:,}, each category being one", "They are refused: choose fewer."),
        (
            "Filling by probabilistic PCA",
            f"{MOST_ROWS_FOR_PPCA:,} rows",
            "It is not offered: leave rows out, or take the median.",
        ),
        ("A sample", f"{MOST_SAMPLED:,} numbers, points times columns", "It is refused, with how many points may be."),
        ("K-medoids, the tree, words", medoids, "They work on a random sample of so many, and say so."),
        ("A matrix of proximities", medoids, "It is refused: bring a part of it."),
        ("The optimal order of a tree", f"{MOST_ORDERED} points", "The order is not optimal, and that is said."),
        ("Clusters", f"{MOST_CLUSTERS}", "No more can be chosen."),
        ("Iterations", f"{MOST_ITERATIONS}", "The run is cut off, and says so."),
        (
            "States of a run",
            f"{MOST_STATE_NUMBERS:,} numbers in all",
            f"The run has fewer iterations, and says so; below {LEAST_ITERATIONS} it is refused.",
        ),
        (
            "Frames of an animation",
            f"{MOST_FRAMES}, with more than 12 clusters half as many",
            "Of long runs the first 20 iterations are shown, then evenly spread ones.",
        ),
        ("Panels of a race", f"{MOST_PANELS}", "No more can be chosen."),
        ("Many starts", f"{MOST_RUNS[1]} runs of each way of starting", "No more can be chosen."),
        (
            "How many clusters?",
            f"K up to {MOST_COUNTED[1]}, {swept}",
            "It works on a random sample of so many, and says so.",
        ),
        ("Bootstrap of a mixture", f"{MOST_RESAMPLED:,} fits", "No more can be chosen."),
        ("Points drawn by hand, from a mixture", f"{MOST_DRAWN:,}, {MOST_GENERATED:,}", "No more can be drawn."),
    ]
