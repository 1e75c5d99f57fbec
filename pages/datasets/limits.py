"""Limits on the resources of one session, so that many people can share a server. The Data page lists them."""

from pages.datasets.server.configuration import configured_memory

MAX_UPLOAD_MB = 200
"""maximum size of an uploaded file in MB; `.streamlit/config.toml` has the same number"""
MAX_UNPACKED_BYTES = 400 * 2**20
"""maximum size of a compressed file after unpacking"""
MAX_JSON_BYTES = 50 * 2**20
"""maximum size of a JSON file, which takes many times as much memory while it is parsed"""
MAX_READING_SECONDS = 60
"""maximum processor time for reading a file"""
MAX_READING_BYTES = 3 * 2**30
"""maximum memory for reading a file"""
MAX_JSON_ROWS = 2_000_000
"""maximum number of rows of a JSON file"""
MAX_ROW_BYTES = 2**24
"""maximum size of one row of a text file"""
MAX_CELLS = 50_000_000
"""maximum number of cells (rows times columns) of a table"""
MAX_TABLE_COLUMNS = 20_000
"""maximum number of columns of a table"""
MAX_SHEET_ROWS = 2**20
"""maximum number of rows of a sheet of a workbook, the same as in Excel"""
MAX_COLUMNS = 2_000
"""maximum number of features after one-hot encoding; the principal components, for projections and colors, take cubic time"""
MAX_CATEGORIES = 50
"""maximum number of distinct values of a categorical column; a column with more is treated as text"""
MAX_ROWS_FOR_PPCA = 100_000
"""maximum number of rows for imputation with probabilistic PCA"""
MAX_COMPONENTS = 10
"""maximum number of components of probabilistic PCA"""
MAX_SAMPLE_VALUES = 20_000_000
"""maximum number of values (points times columns) of simulated data"""
MAX_DRAWN_POINTS = 5_000
"""maximum number of points drawn by hand"""
MAX_POINTS_FOR_PROXIMITIES = 5_000
"""maximum number of points of a distance matrix; with 5,000 points it takes 200 MB"""
MAX_POINTS_FOR_DENSITY = 10_000
"""maximum number of points for OPTICS and HDBSCAN, whose time is quadratic in it: a few seconds for this many"""
MAX_CHARACTERS = 64
"""maximum length of a word compared by edit distance, which is fast if the word fits into one 64-bit word"""
MAX_ORDERED_LEAVES = 500
"""maximum number of leaves for the optimal leaf ordering of a tree, which takes time cubic in this number"""
MAX_CLUSTERS = 50
"""maximum K"""
MAX_LISTED_CLUSTERS = 60
"""maximum number of clusters that tables list and that are matched between runs; a method that finds K may find more"""
MAX_ITERATIONS = 500
"""maximum number of iterations of a run"""
MAX_STATE_VALUES = 100_000_000
"""maximum number of values in the parameters of a run, over all its iterations"""
MIN_ITERATIONS = 20
"""minimum number of iterations that must fit into `MAX_STATE_VALUES`"""
MAX_MEMORY_PERCENT = 60
"""maximum memory of all sessions together, as a percentage of the machine's memory; `CLUSTERING_MEMORY` overrides it"""
MAX_WAITLESS_BYTES = 256 * 2**20
"""estimated memory of a run above which it waits for its turn"""
MAX_FRAMES = 121
"""maximum number of frames of an animation"""
MAX_PANELS = 4
"""maximum number of runs on the Compare page"""
RUNS_RANGE = (10, 500)
"""smallest and largest number of runs per initialization on the Restarts page"""
MAX_K_RANGE = (3, 20)
"""smallest and largest value of "Maximum K" on the Choose K page"""
MAX_RESTARTS_PER_K = 50
"""maximum number of restarts per K on the Choose K page"""
MAX_SWEEP_POINTS = 5_000
"""maximum number of points on the Choose K page, which needs hundreds of runs"""
MAX_SWEEP_POINTS_PAIRWISE = 1_500
"""maximum number of points on the Choose K page for methods that take time quadratic in their number"""
MAX_BOOTSTRAP_FITS = 1_000
"""maximum number of refits of a Gaussian mixture to bootstrap resamples"""
MAX_GENERATED_POINTS = 100_000
"""maximum number of points sampled from a Gaussian mixture"""
MAX_TOKENS = 2_000_000
"""maximum number of words of a text, counted with repetitions; of items of all baskets; of values of all rows"""
MAX_WORDS = 2_000
"""maximum number of distinct words, items or values; vectors are learned for the most frequent ones"""


def limit_rows() -> list[tuple[str, str, str]]:
    """The table of limits: what is limited, the limit, and what happens if it is exceeded."""
    rejected = "Rejected; upload a subset."
    sampled = "A random sample is used, with a message."
    maximum = "Larger values cannot be entered."
    outside = "Other values cannot be entered."
    memory = configured_memory()
    return [
        ("Uploaded file", f"{MAX_UPLOAD_MB} MB; {MAX_UNPACKED_BYTES // 2**20} MB after unpacking", rejected),
        (
            "Reading a file",
            f"{MAX_READING_SECONDS} seconds of processor time, {MAX_READING_BYTES // 2**20} MB of memory",
            rejected,
        ),
        ("JSON file", f"{MAX_JSON_BYTES // 2**20} MB, {MAX_JSON_ROWS:,} rows", "Rejected; use CSV or Parquet."),
        ("Row of a text file", f"{MAX_ROW_BYTES // 2**20} MB", "Rejected; check line breaks and quotation marks."),
        ("Table", f"{MAX_CELLS:,} cells (rows × columns), {MAX_TABLE_COLUMNS:,} columns", rejected),
        ("Sheet of a workbook", f"{MAX_SHEET_ROWS:,} rows", "Rejected; use CSV or Parquet."),
        ("Features", f"{MAX_COLUMNS:,} after one-hot encoding", "Rejected; choose fewer features."),
        ("Categories in a column", f"{MAX_CATEGORIES}", "The column cannot be a feature."),
        (
            "Imputation with probabilistic PCA",
            f"{MAX_ROWS_FOR_PPCA:,} rows, {MAX_COMPONENTS} components",
            "Not available; drop rows or impute the median.",
        ),
        (
            "Simulated data",
            f"{MAX_SAMPLE_VALUES:,} values (points × columns)",
            "Rejected; the message states the largest possible size.",
        ),
        ("Drawn data", f"{MAX_DRAWN_POINTS:,} points", "No more points can be added."),
        ("Distance matrix", f"{MAX_POINTS_FOR_PROXIMITIES:,} points", rejected),
        ("K-medoids, hierarchical and spectral clustering, mean shift", f"{MAX_POINTS_FOR_PROXIMITIES:,} points", sampled),
        ("OPTICS, HDBSCAN", f"{MAX_POINTS_FOR_DENSITY:,} points", sampled),
        ("Distinct words compared by edit distance", f"{MAX_POINTS_FOR_PROXIMITIES:,} words", sampled),
        ("Length of a word", f"{MAX_CHARACTERS} characters", "The rest is ignored, with a message."),
        (
            "Optimal leaf ordering of a dendrogram",
            f"{MAX_ORDERED_LEAVES} points",
            "The default order is used, with a message.",
        ),
        ("Clusters (K)", f"{MAX_CLUSTERS}", maximum),
        ("Clusters in a table", f"{MAX_LISTED_CLUSTERS}", "The rest are in the exported files."),
        ("Iterations", f"{MAX_ITERATIONS}", "The run stops, with a message."),
        (
            "Parameters of a run",
            f"{MAX_STATE_VALUES:,} values over all iterations",
            f"The iteration limit is reduced, with a message; rejected if fewer than {MIN_ITERATIONS} iterations fit.",
        ),
        (
            "Memory of all visitors together",
            f"{memory / 2**30:.1f} GB" if memory else f"{MAX_MEMORY_PERCENT}% of the memory of the server",
            f"Runs above {MAX_WAITLESS_BYTES // 2**20} MB, or less on a small server, wait for their turn; those "
            "that can never fit are rejected. Where memory is short, earlier results are dropped and computed again, with a "
            "message.",
        ),
        ("Frames of an animation", f"{MAX_FRAMES}", "Some iterations are skipped, with a message."),
        ("Runs on the Compare page", f"{MAX_PANELS}", maximum),
        ("Runs on the Restarts page", f"{RUNS_RANGE[0]} to {RUNS_RANGE[1]} per initialization method", outside),
        ("Maximum K on the Choose K page", f"{MAX_K_RANGE[0]} to {MAX_K_RANGE[1]}", outside),
        ("Restarts per K on the Choose K page", f"{MAX_RESTARTS_PER_K}", maximum),
        (
            "Points on the Choose K page",
            f"{MAX_SWEEP_POINTS:,} points, {MAX_SWEEP_POINTS_PAIRWISE:,} for K-medoids, spectral clustering, mean shift, "
            "OPTICS and HDBSCAN",
            sampled,
        ),
        ("Bootstrap refits of a Gaussian mixture", f"{MAX_BOOTSTRAP_FITS:,}", maximum),
        ("Points sampled from a Gaussian mixture", f"{MAX_GENERATED_POINTS:,}", maximum),
        ("Words of a text, with repetitions", f"{MAX_TOKENS:,}", "Rejected; use a part of the text."),
        ("Distinct words of a text", f"{MAX_WORDS:,}", "The most frequent words are used, with a message."),
    ]
