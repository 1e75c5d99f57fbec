"""Export, links, the report and the failures in a browser."""

import asyncio
import csv
import io
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from pages.ui.failure_examples import FAILURES
from tests.browser.waiting import LOSS, PLOT, leave_unchanged, step, visit, wait_for_query
from tests.load.person import Person

pytestmark = pytest.mark.browser


ADDRESS = "/?n=50&seed=12"  # a run of one iteration


def download(page, button) -> tuple[str, bytes]:
    """Name and content of the file that a button downloads."""
    with page.expect_download() as file:
        page.get_by_role("button", name=button, exact=True).click()
    return file.value.suggested_filename, Path(file.value.path()).read_bytes()


@contextmanager
def busy_visitors(server, count):
    """While the context is open, several visitors without a browser draw one sample after another."""
    done = threading.Event()

    async def visit(number):
        person = Person(server, "")
        await person.open(n="50", seed=str(100 * number))
        for seed in range(100 * number + 1, 100 * number + 100):
            if done.is_set():
                break
            await person.set(seed=seed)
        await person.leave()
        assert not person.errors
        return person.requests

    async def visit_all():
        return await asyncio.gather(*map(visit, range(1, count + 1)))

    with ThreadPoolExecutor(1) as thread:
        requests = thread.submit(asyncio.run, visit_all())
        try:
            yield
        finally:
            done.set()
            assert min(requests.result()) > 2  # they were not idle


def final_sentence(page):
    return page.locator(".sentence", has_text="Converged").inner_text()


def test_the_plot_is_saved_as_shown_and_so_are_curves_and_tables(page, server):
    visit(page, server + ADDRESS, PLOT, LOSS)
    page.get_by_role("button", name="SVG", exact=True).wait_for()
    last, _ = download(page, "SVG")
    step(page, "back")
    name, svg = download(page, "SVG")
    frames = [int(re.search(r"picture-(\d+)\.svg", file)[1]) for file in (last, name)]
    assert frames[1] == frames[0] - 1
    assert svg.decode().startswith("<svg")
    assert svg.decode().count('class="point ') >= 50
    name, png = download(page, "PNG")
    box = page.locator(PLOT).bounding_box()
    assert Image.open(io.BytesIO(png)).size == pytest.approx((2 * box["width"], 2 * box["height"]), abs=4)
    assert not page.locator(".st-key-picture .modebar-btn").first.is_visible()
    name, svg = download(page, "Save as SVG: Loss curve")
    assert name == "loss-curve.svg"
    assert svg.decode().startswith("<svg")
    name, table = download(page, "Download as CSV: Cluster sizes")
    assert name == "cluster-sizes.csv"
    header, *rows = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    assert header == ["Cluster", "Size", "x1", "x2"]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert sum(int(row[1]) for row in rows) == 50
    assert min(float(row[2]) for row in rows) < 0  # the minus sign is one that computers read
    step(page, "forward")
    leave_unchanged(page, server + ADDRESS)


def test_the_animation_file_plays_without_a_network(page, chromium, server, tmp_path):
    visit(page, server + ADDRESS, PLOT, LOSS)
    final = final_sentence(page)
    page.get_by_role("button", name="Export").click()
    name, html = download(page, "Animation (HTML)")
    assert name == "three-gaussians-kmeans-3-animation.html"
    (tmp_path / name).write_bytes(html)
    context = chromium.new_context(offline=True)
    offline = context.new_page()
    errors = []
    offline.on("pageerror", lambda fault: errors.append(str(fault)))
    offline.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    offline.goto((tmp_path / name).as_uri())
    sentence = offline.locator("p[aria-live]")
    text = "document.querySelector('p[aria-live]').textContent"
    assert sentence.inner_text() == final
    offline.locator(".updatemenu-button", has_text="First frame").click()
    offline.wait_for_function(f"() => {text}.startsWith('Start: 3 centers')")
    offline.locator(".updatemenu-button", has_text="Play").click()
    offline.wait_for_function(f"final => {text} === final", arg=final)
    # the same keys as in the app
    offline.keyboard.press("ArrowLeft")
    offline.wait_for_function(f"final => {text} !== final", arg=final)
    offline.keyboard.press("ArrowRight")
    offline.wait_for_function(f"final => {text} === final", arg=final)
    offline.locator(".updatemenu-button", has_text="First frame").click()
    offline.locator(".updatemenu-button", has_text="Play").click()
    offline.wait_for_function(f"() => {text}.startsWith('Update (M)')")
    offline.keyboard.press(" ")
    offline.wait_for_timeout(100)
    paused = sentence.inner_text()
    offline.wait_for_timeout(900)  # the next frame would be shown
    assert sentence.inner_text() == paused != final
    assert errors == []
    context.close()
    page.keyboard.press("Escape")
    leave_unchanged(page, server + ADDRESS)


def test_downloads_succeed_while_others_use_the_server(page, server):
    visit(page, server + ADDRESS, PLOT, LOSS)
    with busy_visitors(server, 3):
        page.get_by_role("button", name="Export").click()
        for _ in range(4):
            for label in ("Assignments (CSV)", "Parameters (JSON)", "All iterations (NPZ)"):
                name, content = download(page, label)
                assert name
                assert content
    page.keyboard.press("Escape")
    leave_unchanged(page, server + ADDRESS)


def test_a_gif_is_created_on_demand_and_has_all_frames(page, server):
    visit(page, server + ADDRESS, PLOT, LOSS)
    frames = int(page.locator(".count").inner_text().split("/")[1]) + 1
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Create animation (GIF)").click()
    name, gif = download(page, "Animation (GIF)")
    assert name == "three-gaussians-kmeans-3-animation.gif"
    assert Image.open(io.BytesIO(gif)).n_frames == frames
    page.keyboard.press("Escape")
    leave_unchanged(page, server + ADDRESS)


def test_tables_and_scripts_are_in_the_export_menu(page, server):
    visit(page, server + ADDRESS, PLOT, LOSS)
    page.get_by_role("button", name="Export").click()
    name, table = download(page, "Assignments (CSV)")
    assert name == "assignments.csv"
    _, *rows = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    assert len(rows) == 50
    name, parameters = download(page, "Parameters (JSON)")
    assert name == "three-gaussians-kmeans-3-parameters.json"
    assert json.loads(parameters)["points"] == 50
    page.get_by_text(re.compile("from clustering import .*KMeans")).wait_for()
    page.get_by_role("radio", name="scikit-learn").or_(page.get_by_role("button", name="scikit-learn")).first.click()
    page.get_by_text("from sklearn.cluster import KMeans").wait_for()


def test_the_copied_link_is_that_of_the_report_and_going_back_keeps_the_settings(page, server):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(page, f"{server}{ADDRESS}&k=4&start_kmeans=Manual&centers=-5,0;0,1;5,-1;2,2", PLOT, LOSS)
    final = page.locator(".sentence").first.inner_text()  # of the first frame, in which centers can be dragged
    wait_for_query(page, frame="0")
    page.get_by_role("button", name="Copy link").first.click()
    page.get_by_text("Link copied.").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    page.get_by_role("link", name="Report", exact=True).click()
    page.locator(".report .kind", has_text="K-means, K = 4: Three Gaussians").wait_for()
    printed = page.locator(".report a").get_attribute("href")
    page.go_back()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    page.locator(".sentence", has_text=final).wait_for()
    page.wait_for_function("document.querySelector('input[aria-label=\"Clusters (K)\"]').value === '4'")
    wait_for_query(page, k="4")
    # the report is about all frames
    assert parse_qs(urlsplit(printed).query) | dict(frame=["0"]) == parse_qs(urlsplit(link).query)
    page.context.clear_permissions()


def test_a_failure_is_opened_and_remedied_by_a_click_each(page, server):
    failure = next(iter(FAILURES.values()))
    page.goto(f"{server}/failures?source=Built-in&table=Iris&k=4")  # settings that the example replaces
    page.get_by_role("button", name="Show example").first.click()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    page.get_by_text(failure.text).wait_for()
    final = final_sentence(page)
    page.get_by_role("button", name=failure.fix).click()
    page.get_by_text(failure.after).wait_for()
    page.wait_for_function("final => document.querySelector('.sentence')?.textContent !== final", arg=final)
    wait_for_query(page, names=["grid_side", "k", "sample", "seed", "start_kmeans"], start_kmeans="k-means++")
    page.go_back()
    page.get_by_role("heading", name="Failures").wait_for()
