"""What a person takes away of a run, as files that arrive."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.browser


def taken(page, press) -> tuple[str, bytes]:
    with page.expect_download() as download:
        press()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_the_picture_is_saved_as_it_is_on_the_screen(page, server):
    page.goto(f"{server}/?n=100")
    page.locator(".sentence", has_text="Converged").wait_for()
    page.get_by_role("button", name="SVG", exact=True).wait_for()
    last, _ = taken(page, page.get_by_role("button", name="SVG", exact=True).click)
    page.get_by_role("button", name="One step back").click()
    name, svg = taken(page, page.get_by_role("button", name="SVG", exact=True).click)
    shown = [int(re.search(r"picture-(\d+)\.svg", one)[1]) for one in (last, name)]
    assert shown[1] == shown[0] - 1
    assert svg.decode().startswith("<svg")
    assert svg.decode().count('class="point ') >= 100
    name, png = taken(page, page.get_by_role("button", name="PNG", exact=True).click)
    box = page.locator(".st-key-picture .js-plotly-plot").bounding_box()
    assert Image.open(io.BytesIO(png)).size == pytest.approx((2 * box["width"], 2 * box["height"]), abs=4)
    assert not page.locator(".st-key-picture .modebar-btn").first.is_visible()


def test_tables_and_scripts_are_behind_one_button(page, server):
    page.goto(f"{server}/?n=100&algorithm=Mixture+of+Gaussians")
    page.get_by_role("button", name="Take it away").click()
    name, table = taken(page, page.get_by_role("button", name="Assignments, CSV").click)
    assert name == "assignments.csv"
    headers, *rows = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    assert headers[-1] == "responsibility_3"
    assert len(rows) == 100
    name, told = taken(page, page.get_by_role("button", name="Parameters, JSON").click)
    assert name == "three-gaussians-mixture-3-parameters.json"
    assert json.loads(told)["points"] == 100
    page.get_by_text("from clustering import GaussianMixture").wait_for()
    page.get_by_role("radio", name="scikit-learn").or_(page.get_by_role("button", name="scikit-learn")).first.click()
    page.get_by_text("from sklearn.mixture import GaussianMixture").wait_for()


def test_the_animation_plays_in_one_file_without_a_network(page, chromium, server, tmp_path):
    page.goto(f"{server}/?n=100")
    told = page.locator(".sentence", has_text="Converged").inner_text()
    page.get_by_role("button", name="Take it away").click()
    name, html = taken(page, page.get_by_role("button", name="Animation, HTML").click)
    assert name == "three-gaussians-kmeans-3-animation.html"
    (tmp_path / name).write_bytes(html)
    context = chromium.new_context(offline=True)
    alone = context.new_page()
    errors = []
    alone.on("pageerror", lambda fault: errors.append(str(fault)))
    alone.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    alone.goto((tmp_path / name).as_uri())
    sentence = alone.locator("p[aria-live]")
    assert sentence.inner_text() == told
    alone.locator(".updatemenu-button", has_text="From the start").click()
    alone.wait_for_function("() => document.querySelector('p[aria-live]').textContent.startsWith('Start: 3 centers')")
    alone.locator(".updatemenu-button", has_text="Play").click()
    alone.wait_for_function("told => document.querySelector('p[aria-live]').textContent === told", arg=told)
    assert errors == []
    context.close()
