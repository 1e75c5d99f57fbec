"""A server and a browser. Where no Chromium is found the tests are skipped, unless BROWSER_TESTS=required."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def pytest_collection_modifyitems(items):
    if CHROMIUM is None and os.environ.get("BROWSER_TESTS") != "required":
        for item in items:
            if "browser" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="no Chromium was found on the PATH"))


def start_server():
    """A fresh app: (process, address)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(address + "/_stcore/health", timeout=1).close()
            return process, address
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise RuntimeError("the app did not start within a minute")


@pytest.fixture
def cold_server():
    """A server that nobody has visited yet."""
    process, address = start_server()
    yield address
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def server(chromium):
    """A server that has been visited: the first deep link to a new one would be an error on the console."""
    process, address = start_server()
    first = chromium.new_page()
    first.goto(address)
    first.get_by_role("heading", name="Clustering, step by step").wait_for(timeout=60_000)
    first.close()
    yield address
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def chromium():
    assert CHROMIUM, "these tests need Chromium: install it, or unset BROWSER_TESTS to skip them"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A new page; anything on its console that is an error fails the test."""
    context = chromium.new_context(viewport=dict(width=1400, height=1000))
    page = context.new_page()
    page.set_default_timeout(30_000)
    errors = []
    page.on("pageerror", lambda fault: errors.append(str(fault)))

    def heard(message):
        # on a deep link Streamlit looks for its own service below the page's path first
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            errors.append(message.text)

    page.on("console", heard)
    yield page
    context.close()
    assert errors == []
