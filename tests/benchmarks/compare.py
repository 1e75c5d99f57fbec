"""Our time against that of the well-known packages, from the same start, on the same data, in the same process.

    python tests/benchmarks/compare.py [PART …] [--quick]

prints Markdown tables. The sides of a line run in turn, several times each, and the least time of each counts: the others
were disturbed. A ratio is the peer's time over ours, so above 1 we are faster; where the results do not agree there is none.
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
"""n, d, k"""
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
"""n, k"""
ALTERNATING = [(1_000, 5), (8_000, 10)]
RESTARTS = [(200, 15, "random"), (200, 15, "k-means++")]
"""runs, k, start; on S1, whose random starts end in many different places"""
SILHOUETTES = [(5_000, 2, 10), (5_000, 16, 10)]
GROWTH = [1_000, 10_000, 100_000, 1_000_000]
ITERATIONS = 20
"""of EM, and of K-means where growth is measured"""
REPEATS = (3, 15, 3.0)
"""at least so many times each, at most so many, and no more once so many seconds have gone"""

S1 = Path(__file__).resolve().parents[2] / "pages" / "datasets" / "tables" / "s1.csv"


def groups(n, d, k, rng):
    """n points around k centers, overlapping enough to take a while"""
    centers = rng.uniform(-4, 4, size=(k, d))
    return centers[rng.integers(k, size=n)] + rng.standard_normal((n, d))


def in_turn(*sides):
    """Runs all sides in turn, again and again: the least seconds of each, and what each returned."""
    least, most, enough = REPEATS
    times, began = [], time.perf_counter()
    while len(times) < least or (len(times) < most and time.perf_counter() - began < enough):
        results, seconds = [], []
        for side in sides:
            started = time.perf_counter()
            results.append(side())
            seconds.append(time.perf_counter() - started)
        times.append(seconds)
    return np.min(times, axis=0), results


def row(*cells):
    print("|", " | ".join(cells), "|", flush=True)


def header(title, *names):
    print(f"\n**{title}**\n")
    row(*names)
    row(*["---"] * len(names))


def ms(seconds):
    return f"{seconds * 1e3:,.2f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"


def ratio(peer, ours, fault=""):
    return f"none: {fault}" if fault else f"{peer / ours:.2f}"


def off(name, ours, theirs, tolerance):
    """What to say if these numbers are further apart than the tolerance, else nothing."""
    apart = float(np.abs(np.asarray(ours) - theirs).max())
    return "" if apart <= tolerance else f"{name} differ by {apart:.0e}"


def kmeans(cases, rng):
    header(
        "K-means, ms to convergence; the history has the loss of every state and half-step",
        *("n, d, k", "iterations", "ours with history", "ours without", "scikit-learn Lloyd", "Elkan"),
        *("quicker peer / ours with history", "/ ours without"),
    )
    for n, d, k in cases:
        points = groups(n, d, k, rng)
        start = points[rng.choice(n, k, replace=False)]
        process = KMeans(k)

        def peer(algorithm):
            return PeerKMeans(k, init=start, n_init=1, tol=0, max_iter=300, algorithm=algorithm).fit(points)

        seconds, (history, state, lloyd, elkan) = in_turn(
            lambda: History.record(process, points, start=start),
            lambda: fit(process, points, start=start),
            lambda: peer("lloyd"),
            lambda: peer("elkan"),
        )
        fault = ""
        for model in (lloyd, elkan):
            for last in (history.last, state):
                fault = fault or off("labels", last.labels, model.labels_, 0)
                fault = fault or off("relative losses", last.loss / model.inertia_, 1, 1e-9)
        best = min(seconds[2:])
        row(
            *(f"{n:,}, {d}, {k}", str(history.iterations), *map(ms, seconds)),
            *(ratio(best, seconds[0], fault), ratio(best, seconds[1], fault)),
        )


def mixture(cases, rng):
    header(
        f"Mixture of Gaussians, ms for {ITERATIONS} iterations of EM",
        *("n, d, k, covariances", "ours with history", "ours without", "scikit-learn"),
        *("peer / ours with history", "/ ours without"),
    )
    for n, d, k, covariance in cases:
        points = groups(n, d, k, rng)
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
                warnings.simplefilter("ignore")  # that it has not converged
                return model.fit(points)

        seconds, (history, state, model) = in_turn(
            lambda: History.record(process, points, **options), lambda: fit(process, points, **options), peer
        )
        fault = off("means", history.parameters[-1].means, model.means_, 1e-8)
        fault = fault or off("means", state.parameters.means, model.means_, 1e-8)
        fault = fault or off("weights", state.parameters.weights, model.weights_, 1e-8)
        row(
            *(f"{n:,}, {d}, {k}, {covariance}", *map(ms, seconds)),
            *(ratio(seconds[2], seconds[0], fault), ratio(seconds[2], seconds[1], fault)),
        )


def medoids(title, cases, rng, update, peer):
    header(
        f"K-medoids by {title}, ms, the proximities given; the peer is in Rust",
        *("n, k", "swaps" if update == "swap" else "iterations", "ours", "kmedoids", "peer / ours"),
    )
    for n, k in cases:
        proximities = proximity_matrix(groups(n, 2, k, rng))
        rows = rng.choice(n, k, replace=False)
        process = KMedoids(k, update=update)
        seconds, (state, model) = in_turn(
            lambda: fit(process, proximities, start=rows), lambda: peer(proximities, rows.astype(np.uint64))
        )
        fault = off("relative losses", state.loss / model.loss, 1, 1e-9)
        row(f"{n:,}, {k}", str(state.iteration - (update == "swap")), *map(ms, seconds), ratio(seconds[1], seconds[0], fault))


def swaps(cases, rng):
    medoids("swaps, each on one thread", cases, rng, "swap", lambda matrix, rows: kmedoids.fasterpam(matrix, rows, n_cpu=1))


def alternating(cases, rng):
    medoids("alternating steps", cases, rng, "alternating", kmedoids.alternating)


def many_starts(cases, rng):
    header(
        "Many starts of K-means on S1 (n = 5,000, d = 2), ms",
        *("runs, k, start", "ours", "scikit-learn's n_init, Lloyd", "Elkan", "quicker peer / ours"),
    )
    points = np.loadtxt(S1, delimiter=",", skiprows=1, usecols=(0, 1))
    for runs, k, init in cases:
        process = KMeans(k, init)
        prepared = process.prepare(points)
        # the peer asks for starts among centred points
        same = [process.start(prepared, np.random.default_rng(seed)) - prepared.origin for seed in range(runs)]

        def peer(algorithm):
            # random points are the very ones that we draw, in copies, because the peer moves them; k-means++ draws its own,
            # at the cost that this has
            starts = iter(same)
            begin = init if init == "k-means++" else lambda X, n_clusters, random_state: next(starts).copy()
            options = dict(tol=0, max_iter=300, algorithm=algorithm, random_state=0)
            return PeerKMeans(k, init=begin, n_init=runs, **options).fit(points)

        seconds, (loss, lloyd, elkan) = in_turn(
            lambda: min(run.last.loss for run in restarts(process, points, range(runs))),
            lambda: peer("lloyd"),
            lambda: peer("elkan"),
        )
        fault = off("relative losses", [loss / lloyd.inertia_, loss / elkan.inertia_], 1, 1e-9)
        row(f"{runs}, {k}, {init}", *map(ms, seconds), ratio(min(seconds[1:]), seconds[0], fault))


def silhouettes(cases, rng):
    header("Silhouette widths of all points, ms", "n, d, k", "ours", "scikit-learn", "peer / ours")
    for n, d, k in cases:
        points = groups(n, d, k, rng)
        labels = fit(KMeans(k), points, rng=rng).labels
        seconds, (ours, theirs) = in_turn(
            lambda: silhouette(points, labels, max_points=n).widths, lambda: silhouette_samples(points, labels)
        )
        row(f"{n:,}, {d}, {k}", *map(ms, seconds), ratio(seconds[1], seconds[0], off("widths", ours, theirs, 1e-9)))


def growth(sizes, rng):
    header(
        f"Growth with n: ms with the whole history, d = 2, k = 5, up to {ITERATIONS} iterations; per iteration, and how many "
        "times that of the line above",
        *("n", "K-means", "per iteration", "times", "mixture", "per iteration", "times"),
    )
    before = [None, None]
    for n in sizes:
        points = groups(n, 2, 5, rng)
        start = points[rng.choice(n, 5, replace=False)]
        seconds, histories = in_turn(
            lambda: History.record(KMeans(5), points, start=start, max_iter=ITERATIONS),
            lambda: History.record(GaussianMixture(5), points, start=start, tol=0, max_iter=ITERATIONS),
        )
        cells = []
        for i, (whole, history) in enumerate(zip(seconds, histories, strict=True)):
            each = whole / history.iterations
            cells += [ms(whole), ms(each), "" if before[i] is None else f"{each / before[i]:.1f}"]
            before[i] = each
        row(f"{n:,}", *cells)


PARTS = {
    "kmeans": (kmeans, KMEANS),
    "mixture": (mixture, MIXTURES),
    "swaps": (swaps, SWAPS),
    "alternating": (alternating, ALTERNATING),
    "restarts": (many_starts, RESTARTS),
    "silhouette": (silhouettes, SILHOUETTES),
    "growth": (growth, GROWTH),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; by default all")
    parser.add_argument("--quick", action="store_true", help="only the first size of each, two for growth")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn", "kmedoids"))
    print(f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {packages}.")
    print("Ratios are the peer's time over ours: above 1 we are faster.")
    began = time.perf_counter()
    for name in asked.parts or PARTS:
        benchmark, cases = PARTS[name]
        # each part has its own numbers, so that it is the same alone
        benchmark(cases[: 1 + (name == "growth")] if asked.quick else cases, np.random.default_rng(0))
    print(f"\nAll in {time.perf_counter() - began:.0f} s.")


if __name__ == "__main__":
    main()
