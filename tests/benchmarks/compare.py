"""Compares our running time with that of scikit-learn and kmedoids: same start, same data, same process.

    python tests/benchmarks/compare.py [PART …] [--quick]

prints Markdown tables. For each row, all implementations run in turn, for several rounds, and the minimum of the times counts,
as the one that is least affected by other processes. A ratio is the other package's time divided by ours: above 1, we are
faster. If the results differ, the difference is printed instead of the ratio.
"""

import argparse
import os
import platform
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import kmedoids
import numpy as np
from sklearn.cluster import KMeans as PeerKMeans
from sklearn.metrics import silhouette_samples
from sklearn.mixture import GaussianMixture as PeerMixture

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from clustering import (
    GaussianMixture,
    Gaussians,
    History,
    KMeans,
    KMedoids,
    fit,
    proximity_matrix,
    restarts,
    silhouette,
)

KMEANS = [(10_000, 2, 5), (100_000, 2, 5), (1_000_000, 2, 8), (200_000, 16, 10), (50_000, 50, 50)]
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
RESTARTS = [(200, 15, "random"), (200, 15, "k-means++")]
"""runs, k, initialization; on S1, where random initializations lead to many different local minima"""
SILHOUETTES = [(5_000, 2, 10), (5_000, 16, 10)]
GROWTH = [1_000, 10_000, 100_000, 1_000_000]
"""n"""
ITERATIONS = 20
"""of EM in all tables, and at most of K-means in the table of growth"""
MIN_ROUNDS, MAX_ROUNDS = 3, 15
ENOUGH_SECONDS = 3.0
"""after which no further round begins, except for the first `MIN_ROUNDS`"""

S1 = Path(__file__).resolve().parents[2] / "pages" / "datasets" / "tables" / "s1.csv"


def draw_groups(n, d, k, rng):
    """Draws n points around k centers. The groups overlap, so that K-means and EM need many iterations."""
    centers = rng.uniform(-4, 4, size=(k, d))
    return centers[rng.integers(k, size=n)] + rng.standard_normal((n, d))


def run_in_turn(*functions):
    """Calls all functions in turn, for several rounds. Returns the minimum time of each and the results of the last round."""
    times, start = [], time.perf_counter()
    while len(times) < MIN_ROUNDS or (len(times) < MAX_ROUNDS and time.perf_counter() - start < ENOUGH_SECONDS):
        results, seconds = [], []
        for function in functions:
            before = time.perf_counter()
            results.append(function())
            seconds.append(time.perf_counter() - before)
        times.append(seconds)
    return np.min(times, axis=0), results


def row(*cells):
    print("|", " | ".join(cells), "|", flush=True)


def header(title, description, *names):
    print(f"\n**{title}**, {description}\n")
    row(*names)
    row(*["---"] * len(names))


def ms(seconds):
    return f"{seconds * 1e3:,.2f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"


def ratio(peer, ours, problem=""):
    return problem or f"{peer / ours:.2f}"


def difference(name, ours, theirs, tolerance):
    """Describes the largest difference of these numbers if it exceeds the tolerance; otherwise, returns an empty string."""
    largest = float(np.abs(np.asarray(ours) - theirs).max())
    return "" if largest <= tolerance else f"{name} differ by {largest:.0e}"


def kmeans(cases, rng):
    header(
        "K-means",
        'milliseconds to convergence. "With history" also stores the loss of every state and half-step.',
        *("n, d, k", "iterations", "ours, with history", "ours, without", "scikit-learn Lloyd", "Elkan"),
        *("faster of both / ours, with history", "/ ours, without"),
    )
    for n, d, k in cases:
        points = draw_groups(n, d, k, rng)
        start = points[rng.choice(n, k, replace=False)]
        process = KMeans(k)

        def peer(algorithm):
            return PeerKMeans(k, init=start, n_init=1, tol=0, max_iter=300, algorithm=algorithm).fit(points)

        seconds, (history, state, lloyd, elkan) = run_in_turn(
            lambda: History.record(process, points, start=start),
            lambda: fit(process, points, start=start),
            lambda: peer("lloyd"),
            lambda: peer("elkan"),
        )
        problem = ""
        for model in (lloyd, elkan):
            for last in (history.last, state):
                problem = problem or difference("labels", last.labels, model.labels_, 0)
                problem = problem or difference("relative losses", last.loss / model.inertia_, 1, 1e-9)
        fastest = min(seconds[2:])
        row(
            *(f"{n:,}, {d}, {k}", str(history.iterations), *map(ms, seconds)),
            *(ratio(fastest, seconds[0], problem), ratio(fastest, seconds[1], problem)),
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
        options = dict(start=start, tol=0, max_iter=ITERATIONS)
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

        seconds, (history, state, model) = run_in_turn(
            lambda: History.record(process, points, **options), lambda: fit(process, points, **options), peer
        )
        problem = difference("means", history.parameters[-1].means, model.means_, 1e-8)
        problem = problem or difference("means", state.parameters.means, model.means_, 1e-8)
        problem = problem or difference("weights", state.parameters.weights, model.weights_, 1e-8)
        row(
            *(f"{n:,}, {d}, {k}, {covariance}", *map(ms, seconds)),
            *(ratio(seconds[2], seconds[0], problem), ratio(seconds[2], seconds[1], problem)),
        )


def medoids(title, description, cases, rng, update, peer):
    header(
        f"K-medoids by {title}",
        f"{description}, with the distance matrix given. `kmedoids` is written in Rust.",
        *("n, k", "swaps" if update == "swap" else "iterations", "ours", "kmedoids", "kmedoids / ours"),
    )
    for n, k in cases:
        proximities = proximity_matrix(draw_groups(n, 2, k, rng))
        rows = rng.choice(n, k, replace=False)
        process = KMedoids(k, update=update)
        seconds, (state, model) = run_in_turn(
            lambda: fit(process, proximities, start=rows), lambda: peer(proximities, rows.astype(np.uint64))
        )
        problem = difference("relative losses", state.loss / model.loss, 1, 1e-9)
        # the last iteration of "swap" makes no swap, because none reduces the loss
        count = state.iteration - (update == "swap")
        row(f"{n:,}, {k}", str(count), *map(ms, seconds), ratio(seconds[1], seconds[0], problem))


def swaps(cases, rng):
    def peer(proximities, rows):
        return kmedoids.fasterpam(proximities, rows, n_cpu=1)

    medoids("swaps", "milliseconds, one thread each", cases, rng, "swap", peer)


def alternating(cases, rng):
    medoids("alternating updates", "milliseconds", cases, rng, "alternating", kmedoids.alternating)


def restarted_kmeans(cases, rng):
    header(
        "Restarts of K-means",
        "milliseconds for all runs on S1 (n = 5,000, d = 2):",
        *("runs, k, initialization", "ours", "scikit-learn `n_init`, Lloyd", "Elkan", "faster of both / ours"),
    )
    points = np.loadtxt(S1, delimiter=",", skiprows=1, usecols=(0, 1))
    for runs, k, init in cases:
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

        seconds, (loss, lloyd, elkan) = run_in_turn(
            lambda: min(run.last.loss for run in restarts(process, points, range(runs))),
            lambda: peer("lloyd"),
            lambda: peer("elkan"),
        )
        problem = difference("relative losses", [loss / lloyd.inertia_, loss / elkan.inertia_], 1, 1e-9)
        row(f"{runs}, {k}, {init}", *map(ms, seconds), ratio(min(seconds[1:]), seconds[0], problem))


def silhouettes(cases, rng):
    header("Silhouette widths", "milliseconds for all points:", "n, d, k", "ours", "scikit-learn", "scikit-learn / ours")
    for n, d, k in cases:
        points = draw_groups(n, d, k, rng)
        labels = fit(KMeans(k), points, rng=rng).labels
        seconds, (ours, theirs) = run_in_turn(
            lambda: silhouette(points, labels, max_points=n).widths, lambda: silhouette_samples(points, labels)
        )
        row(f"{n:,}, {d}, {k}", *map(ms, seconds), ratio(seconds[1], seconds[0], difference("widths", ours, theirs, 1e-9)))


def growth(sizes, rng):
    header(
        "Growth with n",
        f'milliseconds with the full history, d = 2, k = 5, up to {ITERATIONS} iterations. "Factor" compares the time per '
        "iteration with the row above, where n is ten times smaller.",
        *("n", "K-means", "per iteration", "factor", "mixture", "per iteration", "factor"),
    )
    before = [None, None]
    for n in sizes:
        points = draw_groups(n, 2, 5, rng)
        start = points[rng.choice(n, 5, replace=False)]
        seconds, histories = run_in_turn(
            lambda: History.record(KMeans(5), points, start=start, max_iter=ITERATIONS),
            lambda: History.record(GaussianMixture(5), points, start=start, tol=0, max_iter=ITERATIONS),
        )
        cells = []
        for i, (total, history) in enumerate(zip(seconds, histories, strict=True)):
            per_iteration = total / history.iterations
            cells += [ms(total), ms(per_iteration), "" if before[i] is None else f"{per_iteration / before[i]:.1f}"]
            before[i] = per_iteration
        row(f"{n:,}", *cells)


PARTS = {
    "kmeans": (kmeans, KMEANS),
    "mixture": (mixture, MIXTURES),
    "swaps": (swaps, SWAPS),
    "alternating": (alternating, ALTERNATING),
    "restarts": (restarted_kmeans, RESTARTS),
    "silhouette": (silhouettes, SILHOUETTES),
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
    print("Ratios are the other package's time divided by ours: above 1, we are faster.")
    start = time.perf_counter()
    for name in args.parts or PARTS:
        benchmark, cases = PARTS[name]
        # each part has its own random numbers, so that it gets the same data when it runs alone
        benchmark(cases[: 1 + (name == "growth")] if args.quick else cases, np.random.default_rng(0))
    print(f"\nTotal time: {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
