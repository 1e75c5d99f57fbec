"""Many people open a link to a large run at the same time; one more person does small runs meanwhile.

    python tests/load/large_runs.py [--people 20] [--points 1000000] [--k 50] [--iterations 5] [--minutes 60] [--stop-at GB]

Few iterations are enough to measure the memory, which hardly depends on their number. Runs the app in a single process. Prints
when the large runs finished, the time of the small runs, and the memory of the app. The exit status is 1 if anyone received an
error message, if the app ended, or if a small run took longer than `MAX_SMALL_SECONDS`.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.load import person  # noqa: E402
from tests.load.person import Person  # noqa: E402
from tests.load.server import Server  # noqa: E402

MAX_SMALL_SECONDS = 2.0
"""from the click to the new plot of a run with `SMALL` points"""
SMALL = 500
PAUSE = 2.0
"""seconds between two small runs"""


class Measured(NamedTuple):
    before: float
    """megabytes of the app before the first large run"""
    peak: float
    """largest number of megabytes"""
    small: list[float]
    """seconds from click to plot of each small run"""
    large: list[float]
    """seconds until the page of each large run was complete, sorted"""
    errors: list[str]


async def measure(server: Server, people: int, n: int, k: int, stop_at: float = np.inf, report=lambda text: None) -> Measured:
    """Open `people` links to a mixture of `k` components for `n` points, and do small runs until all pages are complete.

    Gives up, with an error, if the app uses more than `stop_at` megabytes.
    """
    visitor, visitors = Person(server.address, ""), [Person(server.address, "") for _ in range(people)]
    small, large, errors = [], [], []
    await visitor.open(n=str(SMALL))
    await visitor.press("New random start")
    before, began = server.megabytes()[0], time.monotonic()
    server.reset_peak()

    async def open_link(one: Person, seed: int) -> None:
        await one.open(n=str(n), k=str(k), algorithm="Gaussian mixture", data_seed=str(seed))
        large.append(time.monotonic() - began)
        report(f"{large[-1]:5.0f} s: {len(large)} of {people} finished, {server.megabytes()[0]:,.0f} MB")

    links = [asyncio.create_task(open_link(one, seed)) for seed, one in enumerate(visitors, 1)]
    while not all(link.done() for link in links):
        small.append((await visitor.press("New random start")).until_plot)
        if server.megabytes()[0] > stop_at:
            errors.append(f"The app used {server.megabytes()[0]:,.0f} MB with {len(large)} of {people} runs finished.")
            for link in links:
                link.cancel()
            break
        await asyncio.wait(links, timeout=PAUSE)
    results = await asyncio.gather(*links, return_exceptions=True)
    errors += [f"{type(one).__name__} {one}" for one in results if isinstance(one, Exception)]
    errors += [error for one in (visitor, *visitors) for error in one.errors]
    peak = server.megabytes("VmHWM")[0]
    for one in (visitor, *visitors):
        if hasattr(one, "socket"):
            await one.leave()
    return Measured(before, peak, small, sorted(large), errors + server.tracebacks())


async def main(args) -> list[str]:
    """Run the test, print the measurements and return all errors."""
    person.TIMEOUT = 60 * args.minutes
    server = Server(0, limits={"MAX_ITERATIONS": args.iterations})
    try:
        server.wait()
        found = await measure(server, args.people, args.points, args.k, 1024 * args.stop_at, print)
    finally:
        server.stop()
    print(f"\nmemory, MB: {found.before:,.0f} before, {found.peak:,.0f} at most")
    print("large runs finished after s:", *(f"{seconds:.0f}" for seconds in found.large))
    quantiles = np.percentile(found.small, [50, 95, 100])
    print(f"{len(found.small)} small runs, s to the plot:", *(f"{value:.2f}" for value in quantiles), "(median, 95%, max)")
    slow = sum(seconds > MAX_SMALL_SECONDS for seconds in found.small)
    return found.errors + [f"{slow} small runs took longer than {MAX_SMALL_SECONDS} s."] * (slow > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=20, help="number of links (default: 20)")
    parser.add_argument("--points", type=int, default=1_000_000, help="number of points of each (default: 1000000)")
    parser.add_argument("--k", type=int, default=50, help="number of components of each (default: 50)")
    parser.add_argument("--iterations", type=int, default=5, help="iterations of each (default: 5)")
    parser.add_argument("--minutes", type=float, default=60, help="time limit (default: 60)")
    parser.add_argument("--stop-at", type=float, default=np.inf, help="gigabytes of memory at which to give up")
    errors = asyncio.run(main(parser.parse_args()))
    print("", *errors, f"{len(errors)} errors", sep="\n")
    sys.exit(1 if errors else 0)
