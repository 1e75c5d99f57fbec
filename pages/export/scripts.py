"""Python scripts that reproduce a run, with `clustering` or with scikit-learn.

For simulated data the script draws the sample again; for other data it reads the exported table of assignments.
"""

import ast
import sys
from collections.abc import Callable, Iterable

from clustering.proximity import METRICS
from pages.datasets.catalog import SAMPLES
from pages.methods.base import NoScript, Script
from pages.methods.metric import distances_name
from pages.runs.preparation import iteration_limit
from pages.runs.run import Run

TABLE = "assignments.csv"
"""file name of the table that the script reads"""


def with_clustering(run: Run) -> str:
    """Return a script that reproduces the run with `clustering`.

    Raises NoScript, with the reason, if there is none.
    """
    data = run.view.data_code(run) or data_script(run)
    return assembled(data, script_of(run.view.script, run))


def with_scikit_learn(run: Run) -> str:
    """Return a script that reproduces the run with scikit-learn from the same initial state.

    Raises NoScript, with the reason, if there is none.
    """
    script, data = script_of(run.view.scikit_learn_script, run), data_script(run)
    return assembled(data, script)


def assembled(data: Script, script: Script) -> str:
    """The script: imports of the standard library, then of packages, then the lines."""
    statements = data.statements | script.statements
    standard_library = sorted(line for line in statements if line.split()[1] in sys.stdlib_module_names)
    packages = sorted(statements - set(standard_library))
    first = "".join(f"{line}\n" for line in standard_library) + "\n" * bool(standard_library)
    modules, names = ("".join(f"{line}\n" for line in packages if line.startswith(word)) for word in ("import", "from"))
    imports = f"{first}import numpy as np\n{modules}{_from_clustering(data.imports | script.imports)}{names}"
    return f"{imports}\n{data.body}{script.body}"


def script_of(write: Callable[[Run, int], Script], run: Run) -> Script:
    """The method's part of the script, with the run's iteration limit. Raises NoScript with the reason if there is none."""
    try:
        return write(run, iteration_limit(run.data, run.settings))
    except NoScript:
        raise
    except ValueError as error:
        raise NoScript(str(error)) from error


def _from_clustering(names: Iterable[str]) -> str:
    return f"from clustering import {', '.join(sorted(names, key=str.lower))}\n" if names else ""


def data_script(run: Run) -> Script:
    """The lines that define the points."""
    data = run.data
    if data.precomputed is not None:
        raise NoScript("a script cannot load a precomputed distance matrix")
    if data.all_rows is not None:
        raise NoScript("a script cannot load a table on the server, of which the exported tables have a random sample")
    metric = run.view.matrix_metric(run.settings)
    if metric is not None and metric not in METRICS:
        raise NoScript(f"{distances_name(metric)} use categories, which the table of assignments does not contain")
    line = _sample_line(data.key)
    if line:
        return Script(frozenset({"sampling"}), line)
    first = 1 + (data.names is not None)
    # names can contain line breaks, quotation marks and "#", with which np.loadtxt has difficulties
    body = (
        f'with open("{TABLE}", encoding="utf-8-sig", newline="") as table:\n'
        "    rows = list(csv.reader(table))[1:]\n"
        f"points = np.array([row[{first}:{first + data.points.shape[1]}] for row in rows], dtype=float)\n"
    )
    if run.weights is not None:
        body += f"weights = np.array([row[{first + data.points.shape[1]}] for row in rows], dtype=float)\n"
    return Script(frozenset(), body, frozenset({"import csv"}))


def _sample_line(key: str) -> str:
    """The line that draws the sample with this `Data.key` (see `catalog.draw_sample`); empty for all other data."""
    kind, *parts = key.split("/", 4)
    if kind != "sample" or len(parts) != 4 or parts[0] not in SAMPLES:
        return ""
    name, n, seed, literal = parts
    try:
        values = dict(ast.literal_eval(literal))
        n, seed = int(n), int(seed)
    except (ValueError, TypeError, SyntaxError):  # a subset of a sample, or a modified one
        return ""
    if not values.keys() <= {setting.name for setting in SAMPLES[name].settings}:
        return ""
    options = "".join(f", {option}={value!r}" for option, value in values.items())
    return f"points = sampling.{SAMPLES[name].function.__name__}({n}, np.random.default_rng({seed}){options}).points\n"
