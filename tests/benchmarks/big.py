"""Tables larger than the memory of the workers: time per iteration, memory of all processes, and bytes between workers.

    python tests/benchmarks/big.py [--points 20_000_000] [--folder FOLDER] [--workers 1 2] [--dask-ml]

writes two columns of normal groups as Parquet files of a million rows, unless the folder has them, and runs K-means (K = 8)
and a mixture (K = 5) on clusters of processes with one thread and 1 GiB each. Prints Markdown tables. With `--dask-ml`,
dask-ml's KMeans runs from the same start on the same Dask cluster.
"""

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # other pools keep memory of files that were read
os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])

import dask.dataframe as dd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, LocalCluster

from clustering import GaussianMixture, KMeans, iterate, pixel_counts, quantile_extent

PER_FILE = 1_000_000
ITERATIONS = 10
GROUPS = np.array([[x, y] for x in (-9.0, -3.0, 3.0, 9.0) for y in (-4.0, 4.0)])
MEMORY = "1GiB"


def write(folder: Path, n: int) -> None:
    """Write the files that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, begin in enumerate(range(0, n, PER_FILE)):
        path = folder / f"{i:04}.parquet"
        if not path.exists():
            rng = np.random.default_rng(i)
            rows = min(PER_FILE, n - begin)
            points = GROUPS[rng.integers(len(GROUPS), size=rows)] + 1.5 * rng.normal(size=(rows, 2))
            pq.write_table(pa.table({"x": points[:, 0], "y": points[:, 1]}), path)


class Memory(threading.Thread):
    """Largest memory of this process and its descendants since `reset`, in MiB; shared pages count once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.largest = 0.0
        self.start()

    def run(self):
        while True:
            self.largest = max(self.largest, sum(map(self._used, self._processes())))
            time.sleep(0.2)

    def reset(self):
        self.largest = 0.0

    @staticmethod
    def _processes() -> set[int]:
        parents = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(status.parent.name)] = int(fields[1])
        family, size = {os.getpid()}, 0
        while size < len(family):
            size = len(family)
            family |= {child for child, parent in parents.items() if parent in family}
        return family

    @staticmethod
    def _used(process: int) -> float:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            return 0.0
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def sent(client) -> int:
    """Bytes that workers have sent to each other."""
    return sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())


def busy(client) -> float:
    """Processor time of the workers in seconds."""
    return sum(client.run(time.process_time).values())


def measured(name: str, process, data, start, memory: Memory, client) -> tuple[list[str], list[float]]:
    """A row of the table, and the losses."""
    memory.reset()
    began = time.perf_counter()
    prepared = process.prepare(data)
    preparing, before, times, losses = time.perf_counter() - began, sent(client), [], []
    began = time.perf_counter()
    for state in iterate(process, prepared, start=start, max_iter=ITERATIONS, tol=0):
        times.append(time.perf_counter() - began)
        if len(times) == 1:
            used = busy(client)
        losses.append(state.loss)
        began = time.perf_counter()
    used = (busy(client) - used) / (len(times) - 1)
    moved = (sent(client) - before) / max(1, len(times) - 1)
    extent = quantile_extent(prepared.points)
    began = time.perf_counter()
    counts = pixel_counts(prepared.points, state.labels, extent, (560, 720), process.k)
    image_seconds = time.perf_counter() - began
    kept = ("labels", "labels, bounds", "points", "points, precomputed values")[prepared.blocks.kept]
    row = [
        name,
        kept,
        f"{preparing:.1f}",
        f"{times[0]:.2f}",
        f"{np.median(times[1:]):.2f}",
        f"{used:.2f}",
        f"{image_seconds:.1f}",
        f"{counts.nbytes / 1e6:.1f}",
        f"{moved / 1e3:.1f}",
        f"{memory.largest:,.0f}",
    ]
    return row, losses


def peer(data, start, memory: Memory, client) -> list[str]:
    """The row of dask-ml's KMeans."""
    from dask_ml.cluster import KMeans as Peer

    memory.reset()
    began = time.perf_counter()
    array = data.to_dask_array(lengths=True)
    preparing, began, used = time.perf_counter() - began, time.perf_counter(), busy(client)
    Peer(len(start), init=start, max_iter=ITERATIONS, tol=0).fit(array)
    each, used = (time.perf_counter() - began) / ITERATIONS, (busy(client) - used) / ITERATIONS
    return ["dask-ml", "", f"{preparing:.1f}", "", f"{each:.2f}", f"{used:.2f}", "", "", "", f"{memory.largest:,.0f}"]


def show(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


HEAD = (
    "",
    "kept in memory",
    "preparation, s",
    "first E step, s",
    "iteration, s",
    "its processor time, s",
    "image, s",
    "image, MB",
    "between workers per iteration, kB",
    "memory of all processes, MiB",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are written and kept (default: a temporary folder)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dask-ml", action="store_true")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    free, needed = shutil.disk_usage(folder if folder.exists() else folder.parent).free, 18 * options.points
    if free < 2 * needed:
        parser.error(f"{folder} has {free / 1e9:.1f} GB of free space, but the files need up to {needed / 1e9:.1f} GB")
    write(folder, options.points)
    memory = Memory()
    rng = np.random.default_rng(1)
    first = pq.read_table(folder / "0000.parquet").to_pandas().to_numpy()
    starts = {k: first[rng.choice(len(first), k, replace=False)] for k in (8, 5)}
    for workers in options.workers:
        cluster = LocalCluster(n_workers=workers, threads_per_worker=1, memory_limit=MEMORY, dashboard_address=None)
        with cluster, Client(cluster) as client:
            print(f"\n{options.points:,} points, {workers} workers\n")
            show(*HEAD)
            show(*["---"] * len(HEAD))
            data = dd.read_parquet(folder)
            for name, process in (("K-means, K = 8", KMeans(8)), ("mixture, K = 5", GaussianMixture(5))):
                row, losses = measured(name, process, data, starts[process.k], memory, client)
                show(*row)
                print(f"{name}: losses {losses[0]:.12g}, …, {losses[-1]:.12g}", file=sys.stderr, flush=True)
            if options.dask_ml:
                show(*peer(data, starts[8], memory, client))
    if options.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
