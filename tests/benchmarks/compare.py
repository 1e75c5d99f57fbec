"""Compares our running time with that of scikit-learn and kmedoids: same start, same data, same process, one thread each.

    python tests/benchmarks/compare.py [PART …] [--quick]

prints Markdown tables. For each row, all implementations run in turn, for several rounds, and the minimum of the times counts,
as the one that is least affected by other processes. Times are processor times, with the wall time in parentheses: on cores
shared with other work, only processor times are comparable. A ratio is the other package's processor time divided by ours:
above 1, we are faster. If the results differ, the difference is printed instead of the ratio. The package hdbscan is left out
if it is not installed.
"""

import argparse
import os
import platform
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from unittest import mock

# one thread each; read when NumPy, scikit-learn and kmedoids are imported
os.environ.update(dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"], "1"))

import kmedoids
import numpy as np
from sklearn.cluster import DBSCAN as PeerDBSCAN
from sklearn.cluster import HDBSCAN as PeerHDBSCAN
from sklearn.cluster import OPTICS as PeerOPTICS
from sklearn.cluster import KMeans as PeerKMeans
from sklearn.cluster import MeanShift as PeerMeanShift
from sklearn.metrics import silhouette_samples
from sklearn.mixture import GaussianMixture as PeerMixture

try:
    import hdbscan
except ImportError:
    hdbscan = None

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from clustering import (
    DBSCAN,
    HDBSCAN,
    OPTICS,
    GaussianMixture,
    Gaussians,
    History,
    KMeans,
    KMedoids,
    MeanShift,
    adjusted_rand_index,
    fit,
    proximity_matrix,
    restarts,
    silhouette,
)
from clustering.chunks import _pool

KMEANS = [(10_000, 2, 5), (100_000, 2, 5), (1_000_000, 2, 8), (200_000, 16, 10), (50_000, 50, 50), (1_000, 2, 5)]
"""n, d, k; likewise in MIXTURES and SILHOUETTES"""
MIXTURES = [
    (2_000, 2, 3, "full"),
    (100_000, 2, 5, "full"),
    (100_000, 2, 5, "tied"),
    (100_000, 2, 5, "diagonal"),
    (100_000, 2, 5, "spherical"),
    (100_000, 8, 8, "full"),
    (50_000, 20, 10, "full"),
]
SWAPS = [(1_000, 5), (3_000, 10), (5_000, 10), (8_000, 10)]
"""n, k; likewise in ALTERNATING"""
ALTERNATING = [(1_000, 5), (8_000, 10)]
RESTARTS = [
    (500, 200, 3, "random"),
    (1_000, 200, 5, "random"),
    ("S1", 200, 15, "random"),
    ("S1", 200, 15, "k-means++"),
]
"""n or a data set, runs, k, initialization; on S1, random initializations lead to many different local minima"""
SILHOUETTES = [(5_000, 2, 10), (5_000, 16, 10)]
DENSITY = [
    ("DBSCAN", 2_000, 2),
    ("DBSCAN", 100_000, 2),
    ("OPTICS", 2_000, 2),
    ("OPTICS", 5_000, 2),
    ("HDBSCAN", 2_000, 2),
    ("HDBSCAN", 20_000, 2),
    ("mean shift", 1_000, 2),
]
"""method, n, d"""
HIERARCHIES = [(2_000, 2), (20_000, 2), (20_000, 5)]
"""n, d"""
GROWTH = [1_000, 10_000, 100_000, 1_000_000]
"""n"""
ITERATIONS = 20
"""of EM in all tables, and at most of K-means in the table of growth"""
MIN_DIMENSIONS = 16
"""from which K-means is also compared with scikit-learn in single precision"""
MIN_ROUNDS, MAX_ROUNDS = 3, 15
ENOUGH_SECONDS = 3.0
"""of processor time, after which no further round begins, except for the first `MIN_ROUNDS`"""

S1 = Path(__file__).resolve().parents[2] / "pages" / "datasets" / "tables" / "s1.csv"


def draw_groups(n, d, k, rng):
    """Draws n points around k centers. The groups overlap, so that K-means and EM need many iterations."""
    centers = rng.uniform(-4, 4, size=(k, d))
    return centers[rng.integers(k, size=n)] + rng.standard_normal((n, d))


class Time(NamedTuple):
    """Minimum times of several runs, in seconds."""

    processor: float
    wall: float

    def __str__(self):
        return f"{ms(self.processor)} ({ms(self.wall)})"

    def per(self, count):
        return Time(self.processor / count, self.wall / count)


def timed(function):
    """Calls the function. Returns its processor time, its wall time and its result."""
    wall, processor = time.perf_counter(), time.process_time()
    result = function()
    return time.process_time() - processor, time.perf_counter() - wall, result


def run_in_turn(*functions):
    """Calls all functions in turn, for several rounds. Returns the `Time` of each and the results of the last round."""
    rounds, start = [], time.process_time()
    while len(rounds) < MIN_ROUNDS or (len(rounds) < MAX_ROUNDS and time.process_time() - start < ENOUGH_SECONDS):
        rounds.append([timed(function) for function in functions])
    times = [Time(*np.min([run[:2] for run in runs], axis=0)) for runs in zip(*rounds, strict=True)]
    return times, [result for _, _, result in rounds[-1]]


def row(*cells):
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def header(title, description, *names):
    print(f"\n**{title}**, {description}\n")
    row(*names)
    row(*["---"] * len(names))


def ms(seconds):
    return f"{seconds * 1e3:,.2f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"


def ratio(peer, ours, problem=""):
    return problem or f"{peer.processor / ours.processor:.2f}"


def ratios(peer, times, problem):
    """The ratio of the other package to ours with history and to ours without."""
    return [ratio(peer, ours, problem) for ours in times[:2]]


def ours(process, data, **options):
    """Functions that run the process with the full history and without."""
    return lambda: History.record(process, data, **options), lambda: fit(process, data, **options)


def difference(name, ours, theirs, tolerance):
    """Describes the largest difference of these numbers if it exceeds the tolerance; otherwise, returns an empty string."""
    largest = float(np.abs(np.asarray(ours) - theirs).max())
    return "" if largest <= tolerance else f"{name} differ by {largest:.0e}"


def kmeans(cases, rng):
    header(
        "K-means",
        'milliseconds to convergence. "With history" also stores the loss of every state and half-step. "float32" is the '
        "faster of Lloyd and Elkan in single precision.",
        *("n, d, k", "iterations", "ours, with history", "ours, without", "scikit-learn Lloyd", "Elkan", "float32"),
        *("faster of both / ours, with history", "/ ours, without", "float32 / ours, with history", "/ ours, without"),
    )
    for n, d, k in cases:
        points = draw_groups(n, d, k, rng)
        start = points[rng.choice(n, k, replace=False)]

        def peer(algorithm, kind=np.float64):
            data, centers = points.astype(kind, copy=False), start.astype(kind)
            return lambda: PeerKMeans(k, init=centers, n_init=1, tol=0, max_iter=300, algorithm=algorithm).fit(data)

        single = [peer("lloyd", np.float32), peer("elkan", np.float32)] if d >= MIN_DIMENSIONS else []
        times, (history, state, *models) = run_in_turn(
            *ours(KMeans(k), points, start=start), peer("lloyd"), peer("elkan"), *single
        )
        problem = ""
        for model in models[:2]:
            for last in (history.last, state):
                problem = problem or difference("labels", last.labels, model.labels_, 0)
                problem = problem or difference("relative losses", last.loss / model.inertia_, 1, 1e-9)
        # rounding may lead single precision to another local minimum
        float32_problem = difference("relative losses", [state.loss / model.inertia_ for model in models], 1, 1e-2)
        fastest_float32 = min(times[4:], default=None)
        row(
            *(f"{n:,}, {d}, {k}", history.iterations, *times[:4], fastest_float32 or ""),
            *ratios(min(times[2:4]), times, problem),
            *(ratios(fastest_float32, times, float32_problem) if single else ["", ""]),
        )


def mixture(cases, rng):
    header(
        "Mixture of Gaussians",
        f"milliseconds for {ITERATIONS} iterations of EM:",
        *("n, d, k, covariances", "ours, with history", "ours, without", "scikit-learn"),
        *("scikit-learn / ours, with history", "/ ours, without"),
    )
    for n, d, k, covariance in cases:
        points = draw_groups(n, d, k, rng)
        means = points[rng.choice(n, k, replace=False)]
        start = Gaussians(np.full(k, 1 / k), means, np.stack([np.eye(d)] * k))
        process = GaussianMixture(k, covariance, floor=0, regularization=1e-6)
        precisions = {"full": start.covariances, "tied": np.eye(d), "diagonal": np.ones((k, d)), "spherical": np.ones(k)}

        def peer():
            model = PeerMixture(
                k,
                covariance_type="diag" if covariance == "diagonal" else covariance,
                weights_init=start.weights,
                means_init=means,
                precisions_init=precisions[covariance],
                tol=0,
                max_iter=ITERATIONS,
                reg_covar=1e-6,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "did not converge"
                return model.fit(points)

        times, (history, state, model) = run_in_turn(*ours(process, points, start=start, tol=0, max_iter=ITERATIONS), peer)
        problem = difference("means", history.parameters[-1].means, model.means_, 1e-8)
        problem = problem or difference("means", state.parameters.means, model.means_, 1e-8)
        problem = problem or difference("weights", state.parameters.weights, model.weights_, 1e-8)
        row(f"{n:,}, {d}, {k}, {covariance}", *times, *ratios(times[2], times, problem))


def medoids(title, cases, rng, update, peer):
    header(
        f"K-medoids by {title}",
        "milliseconds, with the distance matrix given. `kmedoids` is written in Rust.",
        *("n, k", "swaps" if update == "swap" else "iterations", "ours, with history", "ours, without", "kmedoids"),
        *("kmedoids / ours, with history", "/ ours, without"),
    )
    for n, k in cases:
        proximities = proximity_matrix(draw_groups(n, 2, k, rng))
        rows = rng.choice(n, k, replace=False)
        times, (history, state, model) = run_in_turn(
            *ours(KMedoids(k, update=update), proximities, start=rows), lambda: peer(proximities, rows.astype(np.uint64))
        )
        losses = np.array([history.last.loss, state.loss])
        problem = difference("relative losses", losses / model.loss, 1, 1e-9)
        # the last iteration of "swap" makes no swap, because none reduces the loss
        count = state.iteration - (update == "swap")
        row(f"{n:,}, {k}", count, *times, *ratios(times[2], times, problem))


def swaps(cases, rng):
    def peer(proximities, rows):
        return kmedoids.fasterpam(proximities, rows, n_cpu=1)

    medoids("swaps", cases, rng, "swap", peer)


def alternating(cases, rng):
    medoids("alternating updates", cases, rng, "alternating", kmedoids.alternating)


def restarted_kmeans(cases, rng):
    header(
        "Restarts of K-means",
        "milliseconds for all runs, d = 2; S1 has 5,000 points:",
        *("data, runs, k, initialization", "ours", "scikit-learn `n_init`, Lloyd", "Elkan", "faster of both / ours"),
    )
    for data, runs, k, init in cases:
        points = np.loadtxt(S1, delimiter=",", skiprows=1, usecols=(0, 1)) if data == "S1" else draw_groups(data, 2, k, rng)
        process = KMeans(k, init)
        prepared = process.prepare(points)
        # scikit-learn passes centered points to `init`, and expects centers among them
        centers = [process.start(prepared, np.random.default_rng(seed)) - prepared.origin for seed in range(runs)]

        def peer(algorithm):
            # Random centers are the same as ours, in copies, because scikit-learn overwrites them. With k-means++,
            # scikit-learn draws its own, because drawing them is part of the work.
            starts = iter(centers)
            peer_init = init if init == "k-means++" else lambda X, n_clusters, random_state: next(starts).copy()
            options = dict(tol=0, max_iter=300, algorithm=algorithm, random_state=0)
            return PeerKMeans(k, init=peer_init, n_init=runs, **options).fit(points)

        times, (loss, lloyd, elkan) = run_in_turn(
            lambda: min(run.last.loss for run in restarts(process, points, range(runs))),
            lambda: peer("lloyd"),
            lambda: peer("elkan"),
        )
        problem = difference("relative losses", [loss / lloyd.inertia_, loss / elkan.inertia_], 1, 1e-9)
        name = data if data == "S1" else f"n = {data:,}"
        row(f"{name}, {runs}, {k}, {init}", *times, ratio(min(times[1:]), times[0], problem))


def silhouettes(cases, rng):
    header("Silhouette widths", "milliseconds for all points:", "n, d, k", "ours", "scikit-learn", "scikit-learn / ours")
    for n, d, k in cases:
        points = draw_groups(n, d, k, rng)
        labels = fit(KMeans(k), points, rng=rng).labels
        times, (widths, theirs) = run_in_turn(
            lambda: silhouette(points, labels, max_points=n).widths, lambda: silhouette_samples(points, labels)
        )
        row(f"{n:,}, {d}, {k}", *times, ratio(times[1], times[0], difference("widths", widths, theirs, 1e-9)))


def growth(sizes, rng):
    header(
        "Growth with n",
        f'milliseconds with the full history, d = 2, k = 5, up to {ITERATIONS} iterations. "Factor" compares the processor '
        "time per iteration with the row above, where n is ten times smaller.",
        *("n", "K-means", "per iteration", "factor", "mixture", "per iteration", "factor"),
    )
    before = None
    for n in sizes:
        points = draw_groups(n, 2, 5, rng)
        start = points[rng.choice(n, 5, replace=False)]
        times, histories = run_in_turn(
            ours(KMeans(5), points, start=start, max_iter=ITERATIONS)[0],
            ours(GaussianMixture(5), points, start=start, tol=0, max_iter=ITERATIONS)[0],
        )
        each = [total.per(history.iterations) for total, history in zip(times, histories, strict=True)]
        factors = ["", ""] if before is None else [ratio(now, then) for now, then in zip(each, before, strict=True)]
        row(f"{n:,}", *(cell for cells in zip(times, each, factors, strict=True) for cell in cells))
        before = each


def density(cases, rng):
    header(
        "Clustering by density",
        "milliseconds. scikit-learn's HDBSCAN uses its faster algorithm; mean shift has a flat kernel:",
        *("method, n, d", "ours, with history", "ours, without", "scikit-learn"),
        *("scikit-learn / ours, with history", "/ ours, without"),
    )
    for name, n, d in cases:
        points = draw_groups(n, d, 5, rng)
        eps = 0.3 if n < 10_000 else 0.05
        process, peers = {
            "DBSCAN": (DBSCAN(eps, 10), [PeerDBSCAN(eps=eps, min_samples=10)]),
            "OPTICS": (OPTICS(10), [PeerOPTICS(min_samples=10)]),
            "HDBSCAN": (
                HDBSCAN(20, 10),
                [PeerHDBSCAN(min_cluster_size=20, min_samples=10, algorithm=one, copy=True) for one in ("brute", "kd_tree")],
            ),
            "mean shift": (MeanShift(1.0), [PeerMeanShift(bandwidth=1.0)]),
        }[name]
        if n > 5_000:
            peers = peers[-1:]  # the other one keeps all distances
        times, (history, state, *labels) = run_in_turn(
            *ours(process, points), *(lambda peer=peer: peer.fit(points).labels_ for peer in peers)
        )
        worst = min(adjusted_rand_index(own.labels + 1, one + 1) for own in (history.last, state) for one in labels)
        peer = min(times[2:])
        row(
            f"{name}, {n:,}, {d}",
            *times[:2],
            peer,
            *ratios(peer, times, "" if worst > 0.999 else f"labels differ: {worst:.3f}"),
        )


def hdbscan_package(cases, rng):
    if hdbscan is None:
        print("\nThe package hdbscan is not installed, so it is left out.")
        return
    header(
        "HDBSCAN against the package hdbscan",
        "milliseconds:",
        *("n, d", "ours, with history", "ours, without", "hdbscan", "hdbscan / ours, with history", "/ ours, without"),
    )
    for n, d in cases:
        points = draw_groups(n, d, 5, rng)
        # its `min_samples` does not count the point itself
        peer = hdbscan.HDBSCAN(20, min_samples=9, approx_min_span_tree=False, core_dist_n_jobs=1)
        times, (history, _, labels) = run_in_turn(*ours(HDBSCAN(20, 10), points), lambda: peer.fit(points).labels_)
        alike = adjusted_rand_index(history.last.labels + 1, labels + 1)
        row(f"{n:,}, {d}", *times, *ratios(times[2], times, "" if alike > 0.99 else f"labels differ: {alike:.3f}"))


PARTS = {
    "kmeans": (kmeans, KMEANS),
    "mixture": (mixture, MIXTURES),
    "swaps": (swaps, SWAPS),
    "alternating": (alternating, ALTERNATING),
    "restarts": (restarted_kmeans, RESTARTS),
    "silhouette": (silhouettes, SILHOUETTES),
    "density": (density, DENSITY),
    "hdbscan": (hdbscan_package, HIERARCHIES),
    "growth": (growth, GROWTH),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="only the first row of each table, two rows for growth")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))} (choose from {', '.join(PARTS)})")
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn", "kmedoids"))
    print(f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {packages}.")
    print("One thread each. Times are processor times, with the wall time in parentheses.")
    print("Ratios are the other package's processor time divided by ours: above 1, we are faster.")
    with mock.patch("os.cpu_count", return_value=1):
        _pool()  # creates the thread pool of `clustering` with a single thread
    start = time.perf_counter(), time.process_time()
    for name in args.parts or PARTS:
        benchmark, cases = PARTS[name]
        # each part has its own random numbers, so that it gets the same data when it runs alone
        benchmark(cases[: 1 + (name == "growth")] if args.quick else cases, np.random.default_rng(0))
    wall, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    print(f"\nTotal: {processor:.0f} s of processor time, {wall:.0f} s of wall time.")


if __name__ == "__main__":
    main()
