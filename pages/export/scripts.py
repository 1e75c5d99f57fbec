"""A run as a short Python script that repeats it: with `clustering`, and with scikit-learn where that has the method.

A script draws a sample anew; for other data it reads the table of assignments.
"""

import ast
from collections.abc import Callable, Iterable

from clustering.proximity import METRICS
from pages.datasets.catalog import SAMPLES
from pages.methods.base import NoScript, Script
from pages.runs.preparation import iteration_limit
from pages.runs.run import Run

TABLE = "assignments.csv"
"""what the script calls the table that it reads"""


def with_clustering(run: Run) -> str:
    """The script that repeats the run with `clustering`; NoScript where the data cannot be had again."""
    data, names = _data(run)
    script = _written(run.view.script, run)
    return f"import numpy as np\n{_from_clustering(names | script.imports)}\n{data}{script.body}"


def with_scikit_learn(run: Run) -> str:
    """The script that repeats the run with scikit-learn from the same start; NoScript where that has no such method."""
    script = _written(run.view.peer_script, run)
    data, names = _data(run)
    modules = sorted(line for line in script.imports if line.startswith("import "))
    parts = sorted(script.imports - set(modules))
    before = "".join(f"{line}\n" for line in modules) + "\n" * bool(modules)
    after = "".join(f"{line}\n" for line in parts)
    return f"{before}import numpy as np\n{_from_clustering(names)}{after}\n{data}{script.body}"


def _written(write: Callable[[Run, int], Script], run: Run) -> Script:
    """What the method writes for this run, at most as long as it was; NoScript with the reason if it cannot."""
    try:
        return write(run, iteration_limit(run.data, run.settings))
    except NoScript:
        raise
    except ValueError as fault:
        raise NoScript(str(fault)) from fault


def _from_clustering(names: Iterable[str]) -> str:
    return f"from clustering import {', '.join(sorted(names, key=str.lower))}\n" if names else ""


def _data(run: Run) -> tuple[str, frozenset[str]]:
    """The lines that make the points, and the names of `clustering` that they need."""
    data = run.data
    if data.precomputed is not None:
        raise NoScript("proximities that are given cannot be made anew by a script")
    metric = run.view.matrix_metric(run.settings)
    if metric is not None and metric not in METRICS:
        raise NoScript(f"{metric} dissimilarities are of categories, which the table of assignments does not have")
    line = _sample_line(data.key)
    if line:
        return line, frozenset({"sampling"})
    first = 1 + (data.names is not None)
    return (
        f'points = np.loadtxt("{TABLE}", delimiter=",", skiprows=1, usecols=range({first}, {first + data.points.shape[1]}), '
        'ndmin=2, encoding="utf-8-sig", quotechar=\'"\', comments=None)\n'
    ), frozenset()


def _sample_line(key: str) -> str:
    """The line that draws the sample with this `Data.key` of `catalog.draw_sample`; empty for all other data."""
    kind, *parts = key.split("/", 4)
    if kind != "sample" or len(parts) != 4 or parts[0] not in SAMPLES:
        return ""
    name, n, seed, written = parts
    try:
        values = dict(ast.literal_eval(written))
        n, seed = int(n), int(seed)
    except (ValueError, TypeError, SyntaxError):  # a part of a sample, or one that was changed
        return ""
    if not values.keys() <= {setting.name for setting in SAMPLES[name].settings}:
        return ""
    options = "".join(f", {option}={value!r}" for option, value in values.items())
    return f"points = sampling.{SAMPLES[name].function.__name__}({n}, np.random.default_rng({seed}){options}).points\n"
