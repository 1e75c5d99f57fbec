"""Twenty people use one server at the same time: for a minute, they draw samples, run algorithms and change pages.

    python tests/load/twenty_people.py [--people 20] [--seconds 60] [--port 0] [--processes N | --direct]

Runs `.streamlit/serve.py`, that is, nginx with as many processes of the app as cores, or with `--direct` a single process
without nginx. Prints the time from a click to the new plot, and the memory of each process. The exit status is 1 if anyone
received an error message, a plot of the wrong points or data that another person pasted, if the server used too much memory,
or if it kept sessions or objects after everyone had left.
"""

import argparse
import asyncio
import os
import random
import secrets
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from person import Person, Response  # noqa: E402
from server import COOKIE, NGINX, Server  # noqa: E402

from pages.datasets.catalog import SAMPLES, draw_sample  # noqa: E402
from pages.figures.plots import hoverable_rows  # noqa: E402
from pages.methods import methods_for_points  # noqa: E402
from pages.ui.memory import CLEANING_DELAY  # noqa: E402

MAX_REQUESTS = 60
"""per person"""
PAUSE = (1.0, 3.0)
"""shortest and longest time between two clicks, in seconds"""
METHODS = {name: method for name, method in methods_for_points("watch").items() if method.traits.k == "chosen"}
"""The methods with clusters. The others have no K to change, and may draw the points elsewhere."""
SAMPLE_NAMES = ("three", "round", "stretched", "moons", "rings")
SIZES = {500: 14, 2_000: 4, 5_000: 2}
"""numbers of points, with their weights in the random choice"""
LARGE = 100_000
"""number of points that one person requests once"""
MAX_MEGABYTES_PER_PERSON = 60
"""limit on the growth of the server's memory, per person"""
MAX_OBJECT_RATIO, MAX_MEMORY_RATIO = 1.1, 1.5
"""limits on the number of Python objects and on the memory after everyone has left, as multiples of those after the first
visitor"""
MARGIN = 120
"""seconds, in addition to `--seconds` and `SESSION_TTL`, after which the test gives up"""
SESSION_TTL = 10
"""seconds for which Streamlit keeps the session of a visitor who left, because the connection may only have been lost; 60 in
.streamlit/config.toml"""
PASTE_INTERVAL = 5
"""Every fifth person pastes a table. The others draw samples, each with their own random seeds."""


class Visit:
    """The random actions of one person, and the plots that they receive.

    `cookies` can choose the process of the app.
    """

    def __init__(self, address: str, number: int, cookies: dict[str, str] | None = None):
        self.number, self.random = number, random.Random(number)
        self.secret = f"secret-{secrets.token_hex(6)}"
        self.person = Person(address, self.secret, cookies)
        self.sample, self.n, self.seed, self.k = self.random.choice(SAMPLE_NAMES), 500, 1_000 * (number + 1), 3
        self.algorithm, self.page, self.pasted = "kmeans", "Watch", None
        self.checkboxes = {"shade": True, "formulas": False}
        self.pastes = number % PASTE_INTERVAL == PASTE_INTERVAL - 1
        self.times: list[
            tuple[str, float, float]
        ] = []  # row of the table, seconds until the plot and until the end of the run
        self.plots: list[tuple] = []  # sample, n, seed and pasted points that were requested, and the plot that was received

    async def arrive(self) -> None:
        query = dict(sample=SAMPLES[self.sample].title, n=str(self.n), data_seed=str(self.seed))
        self._record(await self.person.open(**query), "first visit")
        if self.pastes:
            await self.paste()

    async def paste(self) -> None:
        """Pastes a table with the secret as the name of a column."""
        self.pasted = np.random.default_rng(self.number).normal(size=(self.n, 2)).round(6)
        await self.person.go_to("Data")
        await self.person.set(source=["Upload"])
        await self.person.set(input=["Paste"])
        await self.person.set(pasted="\n".join([f"{self.secret},y", *(f"{x},{y}" for x, y in self.pasted)]))
        self._record(await self.person.go_to("Watch"))

    async def stay(self, until: float) -> None:
        """Takes random actions until this time."""
        while time.monotonic() < until and self.person.requests < MAX_REQUESTS - 2:
            await asyncio.sleep(self.random.uniform(*PAUSE))
            if self.number == 0 and self.pasted is None and self.n != LARGE and self.person.requests in (4, 5):
                await self.act("large")
            else:
                await self.act(self.random.choices(*zip(*self._actions().items(), strict=True))[0])

    def _actions(self) -> dict[str, int]:
        """Returns the actions that are available on this page, with their weights in the random choice."""
        # not all methods have random starts or regions
        starts = {"start": 25} if "New random start" in self.person.widgets else {}
        regions = {"shade": 5} if "shade" in self.person.widgets else {}
        if self.n == LARGE:
            return starts | {"size": 25}
        actions = {"k": 15, "interrupt": 10} | starts
        if self.pasted is None:
            actions |= {"seed": 20, "sample": 5, "size": 5, "page": 5}
        return actions | ({"algorithm": 10, "formulas": 5} | regions if self.page == "Watch" else {"page": 25})

    async def act(self, action: str) -> None:
        person = self.person
        if action == "seed":
            self.seed += 1
            response = await person.set(data_seed=self.seed)
        elif action == "sample":
            self.sample = self.random.choice([name for name in SAMPLE_NAMES if name != self.sample])
            response = await person.set(sample=SAMPLES[self.sample].title)
        elif action in ("size", "large"):
            others = {n: weight for n, weight in SIZES.items() if n != self.n}
            self.n = LARGE if action == "large" else self.random.choices(list(others), others.values())[0]
            if action == "large" and METHODS[self.algorithm].traits.pairwise:  # it would use a subsample
                await self.act("algorithm")
            response = await person.set(n=[f"{self.n:,}"])
        elif action == "k":
            self.k = self.random.choice([k for k in range(2, 9) if k != self.k])
            response = await person.set(k=self.k)
        elif action == "interrupt":
            self.k = self.k + 2 if self.k < 7 else 2
            # "clusters" or "components"
            response = await person.set(f" in {self.k} c", superseded=[dict(k=self.k - 1)], k=self.k)
        elif action == "start":
            response = await person.press("New random start")
        elif action == "algorithm":
            self.algorithm = self.random.choice([name for name in METHODS if name != self.algorithm])
            response = await person.set(algorithm=METHODS[self.algorithm].title)
        elif action == "page":
            self.page = "Watch" if self.page != "Watch" else "Compare"
            response = await person.go_to(self.page)
        else:
            self.checkboxes[action] = not self.checkboxes[action]
            response = await person.set(**{action: self.checkboxes[action]})
        self._record(response)

    def _record(self, response: Response, row: str = "") -> None:
        row = row or ("Compare page" if self.page != "Watch" else f"{self.n:,} points")
        if response.until_plot is not None:
            self.times.append((row, response.until_plot, response.until_finished))
        if not response.plots:
            self.person.errors.append("received no plot")
        self.plots += [(self.sample, self.n, self.seed, self.pasted, plot) for plot in response.plots]

    def errors(self) -> list[str]:
        """Returns what went wrong, in sentences.

        Compares the points in all plots with those that were requested. Call it after the measurements, because it takes
        processor time.
        """
        errors = list(self.person.errors)
        for name, n, seed, points, plot in self.plots:
            if points is None:
                sample = SAMPLES[name]
                points = draw_sample(name, n, seed, {one.name: sample.default(one) for one in sample.settings}).points
            received = plot.coordinates()
            # a large plot is an image, with markers only for some rows
            requested = points[:, 0] if len(received) == n else points[hoverable_rows(n), 0]
            if not np.array_equal(received, requested):
                errors.append(f"received other points than {n:,} of {name} with random seed {seed}")
        if self.pasted is not None and not self.person.received_secret:
            errors.append("did not receive the pasted column")
        return [f"Person {self.number} {error}." for error in errors]


async def visit_alone(visit: Visit) -> None:
    """Does everything once, so that the server has loaded whatever it loads only once."""
    await visit.arrive()
    for action in "seed sample k interrupt algorithm algorithm algorithm start shade shade formulas page start page".split():
        await visit.act(action)
    await visit.paste()
    await visit.person.leave()


async def visit_with_others(visit: Visit, until: float) -> None:
    await asyncio.sleep(visit.random.uniform(0, 3))
    try:
        await visit.arrive()
        await visit.stay(until)
        await visit.person.leave()
    except Exception as error:
        visit.person.errors.append(f"could not continue: {type(error).__name__} {error}")


async def idle_megabytes(server: Server) -> list[float]:
    """Returns the memory of each process after its memory cleaner has run."""
    await asyncio.sleep(2 * CLEANING_DELAY)
    return server.megabytes()


def print_times(visits: list[Visit]) -> None:
    times = [times for visit in visits for times in visit.times]
    rows = sorted({row for row, *_ in times}, key=lambda row: (row[0].isalpha(), len(row), row))
    print(f"\n{'click to new plot, s':24}{'clicks':>8}{'median':>8}{'95%':>8}{'max':>8}{'run finished, median':>22}")
    for row in [*rows, "all"]:
        until_plot, until_finished = np.array([seconds for name, *seconds in times if row in (name, "all")]).T
        quantiles = np.percentile(until_plot, [50, 95, 100])
        print(f"{row:24}{len(until_plot):8}", *(f"{value:7.2f}" for value in quantiles), end="")
        print(f"{np.median(until_finished):22.2f}")


def print_usage(server: Server, visits: list[Visit], before: tuple[float, ...]) -> None:
    elapsed, of_server, of_people = (now - then for now, then in zip(clocks(server), before, strict=True))
    requests = [visit.person.requests for visit in visits]
    received = sum(visit.person.received for visit in visits) / 2**20
    load = os.getloadavg()[0]
    print(
        f"\n{len(visits)} people, {elapsed:.0f} s, {os.cpu_count()} cores, load average {load:.1f}: {sum(requests)} requests, "
        f"at most {max(requests)} per person; {received:,.0f} MB received"
        f"\nprocessor time: server {of_server:.0f} s, people {of_people:.0f} s"
    )


def clocks(server: Server) -> tuple[float, ...]:
    """Returns the time, and the processor time of the server and of this process, in seconds."""
    return time.monotonic(), server.processor_seconds(), time.process_time()


def print_processes(before: list[float], peak: list[float], after: list[float], counts: list[tuple], people: Counter) -> None:
    print(f"\n{'memory, MB':12}{'first visitor':>16}{'peak':>8}{'all left':>10}{'people':>8}{'sessions':>10}{'objects':>11}")
    for i, (sessions, objects) in enumerate(counts):
        print(f"{f'process {i}':12}{before[i]:16.0f}{peak[i]:8.0f}{after[i]:10.0f}", end="")
        print(f"{people[str(i)]:8}{sessions:10}{objects:11,}")
    if len(counts) > 1:
        print(f"{'total':12}{sum(before):16.0f}{sum(peak):8.0f}{sum(after):10.0f}{people.total():8}")


async def main(args) -> list[str]:
    """Runs the test, prints the measurements and returns all errors."""
    processes = 0 if args.direct else args.processes
    server = Server(processes, args.port, session_ttl=SESSION_TTL)
    visits = [Visit(server.address, number) for number in range(args.people)]
    cookies = [{COOKIE: str(i)} for i in range(max(1, processes))]
    first = [Visit(server.address, 1_001, cookie) for cookie in cookies]
    last = [Visit(server.address, 1_002, cookie) for cookie in cookies]
    errors = []
    try:
        async with asyncio.timeout(args.seconds + SESSION_TTL + MARGIN):
            server.wait()
            for visit in first:
                await visit_alone(visit)
            memory_before = await idle_megabytes(server)
            counts_before = await server.count()
            server.reset_peak()
            start = clocks(server)
            await asyncio.gather(*(visit_with_others(visit, start[0] + args.seconds) for visit in visits))
            peak = server.megabytes("VmHWM")
            print_times(visits)
            print_usage(server, visits, start)
            await asyncio.sleep(SESSION_TTL + 1)
            # Streamlit deletes expired sessions when another visitor leaves
            for visit in last:
                await visit.arrive()
                await visit.person.leave()
            memory = await idle_megabytes(server)
            counts = await server.count()
        people = Counter(visit.person.cookies.get(COOKIE, "0") for visit in visits)
        print_processes(memory_before, peak, memory, counts, people)
        if sum(peak) > sum(memory_before) + MAX_MEGABYTES_PER_PERSON * args.people:
            errors.append(f"The memory grew to {sum(peak):.0f} MB, by more than {MAX_MEGABYTES_PER_PERSON} MB per person.")
        for i, (sessions, objects) in enumerate(counts):
            if memory[i] > MAX_MEMORY_RATIO * memory_before[i]:
                errors.append(
                    f"Process {i} uses {memory[i]:.0f} MB after everyone has left; after the first visitor, it used "
                    f"{memory_before[i]:.0f} MB."
                )
            if sessions > 1:  # that of the last visitor has not expired
                errors.append(f"Process {i} keeps {sessions - 1} expired sessions.")
            _, objects_before = counts_before[i]
            if objects > MAX_OBJECT_RATIO * objects_before:
                errors.append(f"Process {i} keeps {objects:,} objects; after the first visitor, it had {objects_before:,}.")
        errors += [f"Process {i} ended during the test." for i in server.restarted()]
    except Exception as error:
        errors.append(f"The test stopped early: {type(error).__name__} {error}")
    errors += [error for visit in [*first, *visits, *last] for error in visit.errors()] + server.tracebacks()
    server.stop()
    return errors


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=20, help="number of people (default: 20)")
    parser.add_argument("--seconds", type=int, default=60, help="how long they stay (default: 60)")
    parser.add_argument("--port", type=int, default=0, help="port of the server (default: a free one)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="processes of the app (default: one per core)")
    parser.add_argument("--direct", action="store_true", help="use a single process without nginx")
    args = parser.parse_args()
    if not args.direct and NGINX is None:
        sys.exit("nginx is missing. Install it, for example with `apt-get install nginx-light`, or use --direct.")
    if args.processes < 1:
        parser.error(f"--processes must be at least 1, got {args.processes}")
    errors = asyncio.run(main(args))
    print("", *errors, f"{len(errors)} errors", sep="\n")
    sys.exit(1 if errors else 0)
