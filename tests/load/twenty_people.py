"""Twenty people at once on one server, each sampling, fitting and turning pages for a minute.

    python tests/load/twenty_people.py [--people 20] [--seconds 60] [--port 0]

Prints how long it takes from a click to the new picture, and what the server's memory does. Ends with 1 if anybody saw an
error, a picture of other points than those asked for, or a word that only somebody else brought; or if the memory of the
server went too high, or those who had gone left theirs behind.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from person import Answer, Person  # noqa: E402

from pages.datasets.catalog import SAMPLES, draw_sample  # noqa: E402
from pages.figures.plots import hoverable_rows  # noqa: E402
from pages.methods import available_methods  # noqa: E402
from pages.ui.memory import CLEANING_DELAY  # noqa: E402

MAX_REQUESTS = 60
"""of each person"""
THINKING = (1.0, 3.0)
"""seconds between two clicks"""
METHODS = available_methods("watch")
NAMES = ("three", "round", "stretched", "moons", "rings")
SIZES = {500: 14, 2_000: 4, 5_000: 2}
"""how many points, and how often of twenty times"""
LARGE = 100_000
"""that one person asks for once"""
MEGABYTES_EACH = 60
"""by which the memory may grow for each person who is there"""
OBJECTS_LEFT, MEMORY_LEFT = 1.1, 1.5
"""times as many objects of Python, and as much memory, as after the first visitor there may be when all have gone"""
MARGIN = 120
"""seconds for all but the clicking and the waiting until sessions are out of date, after which the test gives up"""
KEPT_FOR = 10
"""seconds for which Streamlit keeps the session of who left, in case that it was the network; the app itself says 60"""
COUNTING = """
import gc, signal, sys
from streamlit.web.cli import main

def count(*_):
    gc.collect()
    objects = gc.get_objects()
    print("counted", sum(type(one).__name__ == "AppSession" for one in objects), len(objects), flush=True)

signal.signal(signal.SIGUSR1, count)
sys.exit(main())
"""
"""Streamlit, which on a signal counts the sessions and all objects that it keeps"""
BRINGING = 5
"""each so many-th person brings a table, and all others their own seed of the sample"""


class Server:
    """The app in a process of its own, and what the system says about it."""

    def __init__(self, port: int):
        if not port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
        self.port = port
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [sys.executable, "-c", COUNTING, "run", "dashboard.py", "--server.port", str(port)]
        command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
        command += ["--server.disconnectedSessionTTL", str(KEPT_FOR)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT)

    def wait(self) -> None:
        """Until it answers."""
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=1).close()
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("the app did not start within a minute")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def megabytes(self, what: str = "VmRSS") -> float:
        """Its memory now, or the most since `forget_peak`, which is "VmHWM"."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{what}:")[1].split()[0]) / 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def seconds(self) -> float:
        """Of processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def counted(self) -> list[int]:
        """Sessions and objects that it keeps."""
        before = self._said().count("counted")
        self.process.send_signal(signal.SIGUSR1)
        while self._said().count("counted") == before:
            await asyncio.sleep(0.2)
        return [int(word) for word in self._said().rsplit("counted", 1)[1].split()[:2]]

    def _said(self) -> str:
        return os.pread(self.log.fileno(), 2**30, 0).decode()  # which does not move where the app writes

    def tracebacks(self) -> list[str]:
        return [f"The server's log has a traceback:\n{self._said()}"] if "Traceback" in self._said() else []


class Visit:
    """What one person does, and what comes of it."""

    def __init__(self, port: int, number: int):
        self.number, self.random = number, random.Random(number)
        self.mark = f"only-of-{secrets.token_hex(6)}"
        self.person = Person(port, self.mark)
        self.sample, self.n, self.seed, self.k = self.random.choice(NAMES), 500, 1_000 * (number + 1), 3
        self.algorithm, self.page, self.own = "kmeans", "Watch", None
        self.on = {"shade": True, "formulas": False}
        self.brings = number % BRINGING == BRINGING - 1
        self.times: list[tuple[str, float, float]] = []  # of what, to the picture and to the end of the run
        self.shown: list[tuple] = []  # what was asked for, and the points that were shown

    async def come(self) -> None:
        address = dict(sample=SAMPLES[self.sample].title, n=str(self.n), data_seed=str(self.seed))
        self._note(await self.person.open(**address), "first visit")
        if self.brings:
            await self.bring()

    async def bring(self) -> None:
        """Pastes a table with a column that is called by a word that nobody else knows."""
        self.own = np.random.default_rng(self.number).normal(size=(self.n, 2)).round(6)
        await self.person.go_to("Data")
        await self.person.set(source=["Upload"])
        await self.person.set(how=["Paste"])
        await self.person.set(pasted="\n".join([f"{self.mark},y", *(f"{x},{y}" for x, y in self.own)]))
        self._note(await self.person.go_to("Watch"))

    async def stay(self, until: float) -> None:
        """Clicks on this and that."""
        while time.monotonic() < until and self.person.requests < MAX_REQUESTS - 2:
            await asyncio.sleep(self.random.uniform(*THINKING))
            if self.number == 0 and self.own is None and self.n != LARGE and self.person.requests in (4, 5):
                await self.do("large")
            else:
                await self.do(self.random.choices(*zip(*self._offered().items(), strict=True))[0])

    def _offered(self) -> dict[str, int]:
        """What there is to be done on this page, and how often of a hundred times it is."""
        if self.n == LARGE:
            return {"start": 50, "size": 50}
        offered = {"k": 15, "haste": 10, "start": 25}
        if self.own is None:
            offered |= {"seed": 20, "sample": 5, "size": 5, "turn": 5}
        return offered | ({"algorithm": 10, "shade": 5, "formulas": 5} if self.page == "Watch" else {"turn": 25})

    async def do(self, what: str) -> None:
        person = self.person
        if what == "seed":
            self.seed += 1
            answer = await person.set(data_seed=self.seed)
        elif what == "sample":
            self.sample = self.random.choice([name for name in NAMES if name != self.sample])
            answer = await person.set(sample=SAMPLES[self.sample].title)
        elif what in ("size", "large"):
            others = {n: often for n, often in SIZES.items() if n != self.n}
            self.n = LARGE if what == "large" else self.random.choices(list(others), others.values())[0]
            if what == "large" and METHODS[self.algorithm].traits.pairwise:  # which would take a sample
                await self.do("algorithm")
            answer = await person.set(n=[f"{self.n:,}"])
        elif what == "k":
            self.k = self.random.choice([k for k in range(2, 9) if k != self.k])
            answer = await person.set(k=self.k)
        elif what == "haste":
            self.k = self.k + 2 if self.k < 7 else 2
            answer = await person.set(f" in {self.k} clusters. ", again=[dict(k=self.k - 1)], k=self.k)
        elif what == "start":
            answer = await person.press("New random start")
        elif what == "algorithm":
            self.algorithm = self.random.choice([name for name in METHODS if name != self.algorithm])
            answer = await person.set(algorithm=METHODS[self.algorithm].title)
        elif what == "turn":
            self.page = "Watch" if self.page != "Watch" else "Compare"
            answer = await person.go_to(self.page)
        else:
            self.on[what] = not self.on[what]
            answer = await person.set(**{what: self.on[what]})
        self._note(answer)

    def _note(self, answer: Answer, what: str = "") -> None:
        what = what or ("the race" if self.page != "Watch" else f"{self.n:,} points")
        if answer.seconds is not None:
            self.times.append((what, answer.seconds, answer.until_done))
        if not answer.pictures:
            self.person.faults.append("was shown no picture")
        self.shown += [(self.sample, self.n, self.seed, self.own, picture.x) for picture in answer.pictures]

    def faults(self) -> list[str]:
        """What went wrong, in sentences. Only now are the points compared, so as not to take time from the server."""
        faults = list(self.person.faults)
        for name, n, seed, own, x in self.shown:
            if own is None:
                sample = SAMPLES[name]
                own = draw_sample(name, n, seed, {one.name: sample.default(one) for one in sample.settings}).points
            seen = np.frombuffer(base64.b64decode(json.loads(f'"{x}"')))
            asked = (
                own[:, 0] if len(seen) == n else own[hoverable_rows(n), 0]
            )  # where all are painted, some answer to the pointer
            if not np.array_equal(seen, asked):
                faults.append(f"was shown other points than {n:,} of {name} with the seed {seed}")
        if self.own is not None and not self.person.marked:
            faults.append("was not shown what it brought")
        return [f"Person {self.number} {fault}." for fault in faults]


async def alone(visit: Visit) -> None:
    """One visitor who does each thing once and goes: what the server needs only once is there then."""
    await visit.come()
    for what in "seed sample k haste algorithm algorithm algorithm start shade shade formulas turn start turn".split():
        await visit.do(what)
    await visit.bring()
    await visit.person.leave()


async def together(visit: Visit, until: float) -> None:
    await asyncio.sleep(visit.random.uniform(0, 3))
    try:
        await visit.come()
        await visit.stay(until)
        await visit.person.leave()
    except Exception as fault:
        visit.person.faults.append(f"could not go on: {type(fault).__name__} {fault}")


async def at_rest(server: Server) -> float:
    """Megabytes of the server's memory, some time after the last work."""
    await asyncio.sleep(2 * CLEANING_DELAY)
    return server.megabytes()


def table(visits: list[Visit]) -> None:
    times = [time for visit in visits for time in visit.times]
    names = sorted({what for what, *_ in times}, key=lambda what: (what[0].isalpha(), len(what), what))
    print(f"\n{'click to new picture, s':24}{'clicks':>8}{'median':>8}{'95 %':>8}{'most':>8}{'run ended, median':>19}")
    for name in [*names, "all"]:
        shown, ended = np.array([time[1:] for time in times if name in (time[0], "all")]).T
        print(f"{name:24}{len(shown):8}", *(f"{value:7.2f}" for value in np.percentile(shown, [50, 95, 100])), end="")
        print(f"{np.median(ended):19.2f}")


def used(server: Server, visits: list[Visit], began: tuple[float, ...]) -> None:
    """What it took."""
    took, of_server, of_people = (now - then for now, then in zip(clocks(server), began, strict=True))
    requests = [visit.person.requests for visit in visits]
    received = sum(visit.person.received for visit in visits) / 2**20
    print(
        f"\n{len(visits)} people, {took:.0f} s, {os.cpu_count()} cores: {sum(requests)} requests, at most {max(requests)} of "
        f"one; {received:,.0f} MB received"
        f"\nprocessor time: {of_server:.0f} s of the server, {of_people:.0f} s of the people"
    )


def clocks(server: Server) -> tuple[float, ...]:
    return time.monotonic(), server.seconds(), time.process_time()


async def main(args) -> list[str]:
    server = Server(args.port)
    visits = [Visit(server.port, number) for number in range(args.people)]
    first, passing = Visit(server.port, 1_001), Visit(server.port, 1_002)
    faults = []
    try:
        async with asyncio.timeout(args.seconds + KEPT_FOR + MARGIN):
            server.wait()
            await alone(first)
            start = await at_rest(server)
            _, objects = await server.counted()
            server.forget_peak()
            began = clocks(server)
            await asyncio.gather(*(together(visit, began[0] + args.seconds) for visit in visits))
            peak = server.megabytes("VmHWM")
            table(visits)
            used(server, visits, began)
            await asyncio.sleep(KEPT_FOR + 1)
            # sessions that are out of date are put away when the next person leaves
            await passing.come()
            await passing.person.leave()
            end = await at_rest(server)
            kept, left = await server.counted()
        print(
            f"memory of the server: {start:.0f} MB after a first visitor, at most {peak:.0f} MB, {end:.0f} MB when all had "
            f"gone\nkept then: sessions {kept}, objects {left:,} (after the first visitor {objects:,})"
        )
        if peak > start + MEGABYTES_EACH * args.people:
            faults.append(f"The memory grew to {peak:.0f} MB, by more than {MEGABYTES_EACH} MB for each person.")
        if end > MEMORY_LEFT * start:
            faults.append(f"{end:.0f} MB of memory are in use when all have gone, and {start:.0f} MB were after the first.")
        if kept > 1:  # that of who left last
            faults.append(f"{kept - 1} sessions are kept of people who have gone.")
        if left > OBJECTS_LEFT * objects:
            faults.append(f"{left:,} objects are kept, and there were {objects:,} after the first visitor.")
    except Exception as fault:
        faults.append(f"It came to an end before its time: {type(fault).__name__} {fault}")
    finally:
        server.stop()
    return faults + [fault for visit in [first, *visits, passing] for fault in visit.faults()] + server.tracebacks()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--port", type=int, default=0, help="of the server; by default a free one")
    found = asyncio.run(main(parser.parse_args()))
    print(*found or ["no faults"], sep="\n")
    sys.exit(1 if found else 0)
