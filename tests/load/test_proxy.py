"""The app in two processes behind nginx, as `.streamlit/serve.py` runs it. The visitors have no browser."""

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.error import HTTPError

import pytest
from websockets.asyncio.client import connect

from tests.load.person import DIRECT, TIMEOUT, Person
from tests.load.server import COOKIE, NGINX, Server

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
MEGABYTE = 2**20


def run(coroutine):
    """Runs a coroutine in another thread, because Playwright keeps an event loop in this one after browser tests."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


@contextmanager
def serve(processes, prefix=""):
    server = Server(processes, prefix=prefix)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server():
    with serve(2) as server:
        yield server


async def open_page(person):
    """Opens the Watch page and returns the number of the process that runs it."""
    response = await person.open(n="50")
    assert [len(plot.coordinates()) for plot in response.plots] == [50]
    assert not person.errors
    return person.cookies[COOKIE]


def test_two_visitors_get_different_processes_which_they_keep_when_they_reload(server):
    async def visit():
        people = [Person(server.address, "") for _ in range(2)]
        numbers = [await open_page(person) for person in people]
        assert sorted(numbers) == ["0", "1"]
        for person, number in zip(people, numbers, strict=True):
            await person.leave()
            assert await open_page(person) == number
            await person.leave()

    run(visit())


@pytest.mark.parametrize(("number", "megabytes", "status"), [("0", 199, 204), ("1", 1, 204), ("1", 201, 413)])
def test_files_of_up_to_200_megabytes_reach_the_process_of_the_visitor(server, number, megabytes, status):
    async def visit():
        person = Person(server.address, "", {COOKIE: number})
        assert await open_page(person) == number
        # the process rejects files of visitors whose session it does not have
        assert await person.upload(bytes(megabytes * MEGABYTE)) == status
        assert person.cookies[COOKIE] == number
        await person.leave()

    run(visit())


def test_a_page_may_open_websockets_at_its_own_host_name_and_port(server):
    async def visit():
        page = "clusters.example.org:8501"
        port = int(server.address.rsplit(":", 1)[1])
        # Streamlit rejects it if the proxy changes the host or omits the port
        async with connect(
            f"ws://{page}/_stcore/stream",
            origin=f"http://{page}",
            host="127.0.0.1",
            port=port,
            subprotocols=["streamlit"],
            proxy=None,
        ) as socket:
            assert socket.response.status_code == 101

    run(visit())


def test_responses_have_headers_that_protect_visitors_and_metrics_are_closed(server):
    def headers_of(path):
        with DIRECT.open(f"{server.address}{path}", timeout=TIMEOUT) as response:
            return response.headers

    for path in ("/", "/_stcore/health"):
        headers = headers_of(path)
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    with pytest.raises(HTTPError, match="404"):
        headers_of("/_stcore/metrics")


def test_the_visitors_of_a_killed_process_move_to_another_and_stay_there_after_it_is_back(server):
    async def visit():
        person = Person(server.address, "", {COOKIE: "0"})
        assert await open_page(person) == "0"
        old = server.pids()
        os.kill(old[0], signal.SIGKILL)
        await person.socket.wait_closed()
        assert await open_page(person) == "1"

        deadline = time.monotonic() + 60
        newcomer = Person(server.address, "", {COOKIE: "0"})
        while await newcomer.request("GET", "/") == 200 and newcomer.cookies[COOKIE] != "0":
            assert time.monotonic() < deadline, "the killed process did not come back"
            await asyncio.sleep(0.2)
            newcomer.cookies[COOKIE] = "0"
        assert await open_page(newcomer) == "0"
        assert server.pids()[0] != old[0]
        assert server.pids()[1] == old[1]

        assert await person.upload(b"x,y\n1,2\n") == 204
        assert person.cookies[COOKIE] == "1"
        for one in (person, newcomer):
            await one.leave()

    run(visit())


def test_the_app_can_have_a_path():
    async def visit(server):
        person = Person(server.address, "")
        await open_page(person)
        assert await person.upload(b"x,y\n1,2\n") == 204
        await person.leave()
        assert await person.request("GET", "") == 200  # redirected to the path with a slash
        assert await Person(server.address.removesuffix("/clusters"), "").request("GET", "/") == 404

    with serve(1, "/clusters") as server:
        run(visit(server))
