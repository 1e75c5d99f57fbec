"""Our time against that of the well-known packages, from the same start, on the same data, in the same process.

    python tests/benchmarks/compare.py [--quick]

Each line runs both sides in turn several times and prints the median times, their ratio (peer / ours: above 1 we are
faster), the spread of that ratio, and how far the two results are apart. Nothing is asserted: machines are noisy.
"""

import argparse
import os
import sys
import time
import warnings
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

S1 = Path(__file__).resolve().parents[2] / "pages" / "data" / "s1.csv"


def groups(n, d, k, rng):
    """n points around k centers, overlapping enough to take a while"""
    centers = rng.uniform(-4, 4, size=(k, d))
    return centers[rng.integers(k, size=n)] + rng.standard_normal((n, d))


def compare(name, ours, peer, difference, repeats):
    """Runs both in turn and prints one line."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        mine = ours()
        between = time.perf_counter()
        theirs = peer()
        times.append((between - began, time.perf_counter() - between))
    ours_s, peer_s = np.median(times, axis=0)
    ratios = np.array([b / a for a, b in times])
    print(
        f"{name:58} ours {ours_s * 1e3:9.2f} ms   peer {peer_s * 1e3:9.2f} ms   ratio {np.median(ratios):6.2f} "
        f"({ratios.min():.2f}-{ratios.max():.2f})   {difference(mine, theirs)}",
        flush=True,
    )


def kmeans(n, d, k, repeats, rng):
    points = groups(n, d, k, rng)
    start = points[rng.choice(n, k, replace=False)]
    method = KMeans(k)

    def peer(algorithm):
        return PeerKMeans(k, init=start, n_init=1, tol=0, max_iter=300, algorithm=algorithm).fit(points)

    def same(step, model):
        step = step.last if isinstance(step, History) else step
        return f"labels differ {np.count_nonzero(step.labels != model.labels_)}, inertia {step.loss / model.inertia_ - 1:+.0e}"

    title = f"K-means n={n:,} d={d} k={k}"
    peer("lloyd"), fit(method, points, start=start)  # both warm
    for algorithm in ("lloyd", "elkan"):
        compare(
            f"{title}, every loss kept, / {algorithm}",
            lambda: History.record(method, points, start=start),
            lambda a=algorithm: peer(a),
            same,
            repeats,
        )
    compare(f"{title}, fit, / lloyd", lambda: fit(method, points, start=start), lambda: peer("lloyd"), same, repeats)


def mixture(n, d, k, covariance, repeats, rng, iterations=20):
    points = groups(n, d, k, rng)
    means = points[rng.choice(n, k, replace=False)]
    start = Gaussians(np.full(k, 1 / k), means, np.stack([np.eye(d)] * k))
    method = GaussianMixture(k, covariance, floor=0, regularization=1e-6)
    precisions = {"full": np.stack([np.eye(d)] * k), "tied": np.eye(d), "diagonal": np.ones((k, d)), "spherical": np.ones(k)}

    def peer():
        model = PeerMixture(
            k,
            covariance_type="diag" if covariance == "diagonal" else covariance,
            weights_init=start.weights,
            means_init=means,
            precisions_init=precisions[covariance],
            tol=0,
            max_iter=iterations,
            reg_covar=1e-6,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(points)

    def ours():
        return fit(method, points, start=start, tol=0, max_iter=iterations)

    def same(step, model):
        return f"means differ {np.abs(step.parameters.means - model.means_).max():.0e}"

    ours(), peer()
    compare(f"EM {covariance} n={n:,} d={d} k={k}, {iterations} iterations", ours, peer, same, repeats)


def medoids(n, k, repeats, rng):
    proximities = proximity_matrix(groups(n, 2, k, rng))
    rows = rng.choice(n, k, replace=False)
    for update, peer in (("swap", kmedoids.fasterpam), ("alternating", kmedoids.alternating)):
        options = {"n_cpu": 1} if update == "swap" else {}
        method = KMedoids(k, update=update)
        compare(
            f"K-medoids {update} n={n:,} k={k} / Rust",
            lambda m=method: fit(m, proximities, start=rows),
            lambda f=peer, o=options: f(proximities, rows.astype(np.uint64), **o),
            lambda step, model: f"loss {step.loss / model.loss - 1:+.0e}",
            repeats,
        )


def many_starts(runs, k, init, repeats, rng):
    """on S1, whose random starts end in many different places; the peer in the quicker of its two ways"""
    points = np.loadtxt(S1, delimiter=",", skiprows=1, usecols=(0, 1))

    def peer(algorithm):
        return PeerKMeans(k, init=init, n_init=runs, tol=0, max_iter=300, algorithm=algorithm, random_state=0).fit(points)

    def seconds(algorithm):
        began = time.perf_counter()
        peer(algorithm)
        return time.perf_counter() - began

    quicker = min("lloyd", "elkan", key=lambda algorithm: min(seconds(algorithm) for _ in range(3)))
    compare(
        f"{runs} restarts on S1, {init}, n={len(points):,} k={k} / {quicker}",
        lambda: min(run.last.loss for run in restarts(KMeans(k, init), points, range(runs))),
        lambda: peer(quicker),
        lambda loss, model: f"least inertia {loss / model.inertia_ - 1:+.0e}",
        repeats,
    )


def silhouettes(n, d, k, repeats, rng):
    points = groups(n, d, k, rng)
    labels = fit(KMeans(k), points, rng=rng).labels
    compare(
        f"silhouette n={n:,} d={d} k={k}",
        lambda: silhouette(points, labels, most=n).widths,
        lambda: silhouette_samples(points, labels),
        lambda mine, theirs: f"widths differ {np.abs(mine - theirs).max():.0e}",
        repeats,
    )


QUICK = {
    kmeans: [(2_000, 2, 3), (10_000, 2, 5)],
    mixture: [(2_000, 2, 3, "full")],
    medoids: [(500, 5)],
    many_starts: [],
    silhouettes: [(1_000, 2, 5)],
}
LARGE = {
    kmeans: [(100_000, 2, 5), (200_000, 16, 10), (50_000, 50, 50), (1_000_000, 2, 8)],
    mixture: [
        (100_000, 2, 5, "full"),
        (100_000, 2, 5, "tied"),
        (100_000, 2, 5, "diagonal"),
        (100_000, 2, 5, "spherical"),
        (100_000, 8, 8, "full"),
        (50_000, 20, 10, "full"),
    ],
    medoids: [(1_000, 5), (3_000, 10), (8_000, 10)],
    many_starts: [(200, 15, "random"), (200, 15, "k-means++")],
    silhouettes: [(5_000, 2, 10), (5_000, 16, 10)],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    sizes = [QUICK] if parser.parse_args().quick else [QUICK, LARGE]
    rng = np.random.default_rng(0)
    print(f"{os.cpu_count()} cores, NumPy {np.__version__}")
    for benchmark in (kmeans, mixture, medoids, many_starts, silhouettes):
        for case in (case for cases in sizes for case in cases[benchmark]):
            few = case[0] > 10_000 or benchmark in (medoids, many_starts)
            benchmark(*case, 3 if few else 9, rng)


if __name__ == "__main__":
    main()
