"""A run as a short Python script that repeats it: with `clustering`, and with scikit-learn where that has the method.

A script makes a sample anew; for other data it reads the table of assignments that can be taken away with it.
"""

import ast

import numpy as np

from pages.datasets.catalog import SAMPLES
from pages.runs.run import Run, iterations_for

TABLE = "assignments.csv"
"""what the script calls the table that it reads"""


class NoScript(ValueError):
    """There is no such method in that package."""


def with_clustering(run: Run) -> str:
    """The script that repeats the run with `clustering`."""
    settings, most = run.settings, iterations_for(run.data, run.settings)
    if settings.algorithm == "tree":
        return _tree_with_clustering(run)
    named = {
        "kmeans": f"KMeans({settings.k}, init={{}})",
        "kmedoids": f'KMedoids({settings.k}, init={{}}, update="{settings.update}")',
        "mixture": f'GaussianMixture({settings.k}, "{settings.covariance}", init={{}}, floor={settings.floor!r})',
    }[settings.algorithm]
    method = named.split("(")[0]
    is_named = settings.rows is None and settings.start not in ("hand", "tree", "alike")
    begin, extra, start = repr(settings.start).replace("'", '"'), "", ""
    if not is_named:
        begin, start = "None", _start(run)
    data, imports = _data(run)
    work = "points"
    if settings.algorithm == "kmedoids":
        imports.add("proximity_matrix")
        extra = f'proximities = proximity_matrix(points, "{settings.metric}")\n'
        work = "proximities"
    call = named.format(begin) if is_named else named.replace(", init={}", "")
    options = f"rng={settings.seed}" if is_named else "start=start"
    imports |= {method, "iterate"} | ({"Gaussians"} if not is_named and settings.algorithm == "mixture" else set())
    result = {"kmeans": "step.parameters", "kmedoids": "step.parameters", "mixture": "step.parameters.means"}
    return (
        f"import numpy as np\n{_from_clustering(imports)}\n{data}{extra}{start}"
        f"for step in iterate({call}, {work}, {options}, max_iter={most}):\n"
        "    print(step.iteration, step.loss)\n"
        f"labels, found = step.labels, {result[settings.algorithm]}\nprint(found)\n"
    )


def with_scikit_learn(run: Run) -> str:
    """The script that repeats the run with scikit-learn from the same start; NoScript for K-medoids."""
    settings, most = run.settings, iterations_for(run.data, run.settings)
    if settings.algorithm == "kmedoids":
        raise NoScript("scikit-learn has no K-medoids")
    if settings.algorithm == "tree":
        return _tree_with_scikit_learn(run)
    data, imports = _data(run)
    lines = f"import numpy as np\n{_from_clustering(imports)}"
    first = run.history.parameters[0]
    if settings.algorithm == "kmeans":
        return (
            f"{lines}from sklearn.cluster import KMeans\n\n{data}start = np.array({_array(first)})\n"
            f"model = KMeans({settings.k}, init=start, n_init=1, tol=0, max_iter={most}).fit(points)\n"
            "labels, found, loss = model.labels_, model.cluster_centers_, model.inertia_\nprint(loss)\nprint(found)\n"
        )
    kind = {"full": "full", "tied": "tied", "diagonal": "diag", "spherical": "spherical"}[settings.covariance]
    precisions = np.linalg.inv(first.covariances)
    if kind == "tied":
        precisions = precisions[0]
    elif kind == "diag":
        precisions = np.diagonal(precisions, axis1=1, axis2=2)
    elif kind == "spherical":
        precisions = precisions[:, 0, 0]
    return (
        f"import warnings\n\n{lines}from sklearn.mixture import GaussianMixture\n\n"
        f'warnings.simplefilter("ignore")  # that it has not converged\n{data}'
        f'model = GaussianMixture(\n    {settings.k}, covariance_type="{kind}", tol=0, reg_covar=1e-12, '
        f"max_iter={max(run.history.iterations, 1)},  # as many as here, where the rule to stop is another one\n"
        f"    weights_init=np.array({_array(first.weights)}),\n    means_init=np.array({_array(first.means)}),\n"
        f"    precisions_init=np.array({_array(precisions)}),\n).fit(points)\n"
        "labels, found, loss = model.predict(points), model.means_, -model.score(points)\nprint(loss)\nprint(found)\n"
    )


def _tree_with_clustering(run: Run) -> str:
    data, imports = _data(run)
    merging = run.settings.merging
    tree = f'tree_of_points(points, "{merging.linkage}")'
    imports.add("tree_of_points")
    if merging.metric != "euclidean":
        tree = f'tree_of_proximities(proximity_matrix(points, "{merging.metric}"), "{merging.linkage}")'
        imports = imports - {"tree_of_points"} | {"tree_of_proximities", "proximity_matrix"}
    return (
        f"import numpy as np\n{_from_clustering(imports)}\n{data}tree = {tree}\n"
        f"labels = tree.labels({run.settings.k})\nprint(np.bincount(labels))\n"
    )


def _tree_with_scikit_learn(run: Run) -> str:
    merging = run.settings.merging
    if merging.linkage in ("centroid", "median"):
        raise NoScript(f"scikit-learn has no {merging.linkage} linkage")
    if merging.metric not in ("euclidean", "manhattan", "cosine"):
        raise NoScript(f"scikit-learn has no trees by {merging.metric} dissimilarity")
    if merging.linkage == "ward" and merging.metric != "euclidean":
        raise NoScript("scikit-learn has Ward linkage for Euclidean distances only")
    data, imports = _data(run)
    return (
        f"import numpy as np\n{_from_clustering(imports)}from sklearn.cluster import AgglomerativeClustering\n\n{data}"
        f'model = AgglomerativeClustering({run.settings.k}, linkage="{merging.linkage}", metric="{merging.metric}")\n'
        "labels = model.fit(points).labels_\nprint(np.bincount(labels))\n"
    )


def _from_clustering(names: set[str]) -> str:
    return f"from clustering import {', '.join(sorted(names, key=str.lower))}\n" if names else ""


def _array(values: np.ndarray) -> str:
    return repr(np.asarray(values).tolist())


def _start(run: Run) -> str:
    """The parameters that the run began with."""
    first = run.history.parameters[0]
    if run.settings.algorithm == "mixture":
        parts = ", ".join(f"np.array({_array(part)})" for part in first)
        return f"start = Gaussians({parts})\n"
    return f"start = np.array({_array(first)})\n"


def _data(run: Run) -> tuple[str, set[str]]:
    """The lines that make the points, and what they need of `clustering`."""
    data = run.data
    if data.given is not None:
        raise NoScript("proximities that are given cannot be made anew by a script")
    kind, *parts = data.key.split("/", 4)
    if kind == "sample" and len(parts) == 4 and "/" not in parts[3]:
        name, n, seed, values = parts
        function = SAMPLES[name].function
        options = "".join(f", {key}={value!r}" for key, value in ast.literal_eval(values))
        line = f"points = sampling.{function.__name__}({n}, np.random.default_rng({seed}){options}).points\n"
        return line, {"sampling"}
    columns = 1 + (data.names is not None)
    d = data.points.shape[1]
    return (
        f'points = np.loadtxt("{TABLE}", delimiter=",", skiprows=1, usecols=range({columns}, {columns + d}), '
        'ndmin=2, encoding="utf-8-sig", quotechar=\'"\')\n'
    ), set()
