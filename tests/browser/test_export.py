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
    page.goto(f"{server}/?n=100&algorithm=Gaussian+mixture")
    page.get_by_role("button", name="Export").click()
    name, table = taken(page, page.get_by_role("button", name="Assignments (CSV)").click)
    assert name == "assignments.csv"
    headers, *rows = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    assert headers[-1] == "responsibility_3"
    assert len(rows) == 100
    name, told = taken(page, page.get_by_role("button", name="Parameters (JSON)").click)
    assert name == "three-gaussians-mixture-3-parameters.json"
    assert json.loads(told)["points"] == 100
    page.get_by_text("from clustering import GaussianMixture").wait_for()
    page.get_by_role("radio", name="scikit-learn").or_(page.get_by_role("button", name="scikit-learn")).first.click()
    page.get_by_text("from sklearn.mixture import GaussianMixture").wait_for()


def test_the_animation_plays_in_one_file_without_a_network(page, chromium, server, tmp_path):
    page.goto(f"{server}/?n=100")
    told = page.locator(".sentence", has_text="Converged").inner_text()
    page.get_by_role("button", name="Export").click()
    name, html = taken(page, page.get_by_role("button", name="Animation (HTML)").click)
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
    # by its keys, as in the app
    alone.keyboard.press("ArrowLeft")
    alone.wait_for_function("told => document.querySelector('p[aria-live]').textContent !== told", arg=told)
    alone.keyboard.press("ArrowRight")
    alone.wait_for_function("told => document.querySelector('p[aria-live]').textContent === told", arg=told)
    alone.locator(".updatemenu-button", has_text="From the start").click()
    alone.locator(".updatemenu-button", has_text="Play").click()
    alone.wait_for_function("() => document.querySelector('p[aria-live]').textContent.startsWith('M step')")
    alone.keyboard.press(" ")
    alone.wait_for_timeout(300)
    paused = sentence.inner_text()
    alone.wait_for_timeout(900)
    assert sentence.inner_text() == paused != told
    assert errors == []
    context.close()


def test_the_animation_is_made_as_a_gif_while_a_bar_says_how_far_it_is(page, server):
    page.goto(f"{server}/?n=100")
    page.locator(".sentence", has_text="Converged").wait_for()
    frames = int(page.locator(".count").inner_text().split("/")[1]) + 1
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Create animation (GIF)").click()
    page.get_by_text("Creating animation (GIF)").wait_for()
    name, gif = taken(page, page.get_by_role("button", name="Animation (GIF)", exact=True).click)
    assert name == "three-gaussians-kmeans-3-animation.gif"
    assert Image.open(io.BytesIO(gif)).n_frames == frames


def test_the_link_is_copied_and_opens_the_same_run_from_the_report_too(page, server, chromium):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server}/?n=100&k=4&start_kmeans=Manual&centers=-5,0;0,1;5,-1;2,2")
    told = page.locator(".sentence", has_text="Converged").inner_text()
    page.get_by_role("button", name="Copy link").first.click()
    page.get_by_text("Link copied.").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("link", name="Report", exact=True).click()
    page.locator(".report h2", has_text="K-means, K = 4: Three Gaussians").wait_for()
    printed = page.locator(".report a").get_attribute("href")
    for address in (link, printed):
        context = chromium.new_context()
        other = context.new_page()
        other.goto(address)
        other.locator(".sentence", has_text="Converged").wait_for()
        assert other.locator(".sentence").inner_text() == told
        context.close()


def test_the_report_is_printed_on_white_paper_without_the_frame(page, server):
    page.emulate_media(color_scheme="dark")
    page.goto(f"{server}/report?n=100")
    page.locator(".report img").nth(3).wait_for()
    page.emulate_media(media="print")
    assert not page.locator("[data-testid=stSidebar]").is_visible()
    assert not page.get_by_role("button", name="Print").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.report')).backgroundColor") == "rgb(255, 255, 255)"
    # nothing of it is cut off by what scrolls on the screen
    assert page.evaluate(
        """() => {
            const report = document.querySelector('.report');
            for (let at = report; at !== document.documentElement; at = at.parentElement)
                if (at.scrollHeight > at.clientHeight + 1 && getComputedStyle(at).overflowY !== 'visible') return false;
            return true;
        }"""
    )


def test_what_goes_wrong_opens_from_the_gallery_and_is_mended_by_a_click(page, server):
    page.goto(f"{server}/?source=Built-in&table=Iris&k=4")  # which the gallery has to leave behind
    page.locator(".sentence", has_text="Converged").wait_for()
    page.get_by_role("link", name="Failures").click()
    page.get_by_role("button", name="Show example").first.click()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    page.get_by_text("one group is split in two").wait_for()
    page.locator(".sentence", has_text="Converged").wait_for()
    loss = page.locator(".sentence").inner_text()
    page.get_by_role("button", name="Start with k-means++").click()
    page.get_by_text("each group has a center from the beginning").wait_for()
    page.wait_for_function("old => document.querySelector('.sentence')?.textContent !== old", arg=loss)
    page.wait_for_function("location.search.includes('start_kmeans=k-means')")
    names = page.evaluate("[...new URLSearchParams(location.search).keys()].sort()")
    assert names == ["grid_side", "k", "sample", "seed", "start_kmeans"]
    page.go_back()
    page.get_by_role("heading", name="Failures").wait_for()


def test_back_leaves_the_settings_as_they_are(page, server):
    page.goto(f"{server}/?n=100&k=5")
    page.locator(".sentence", has_text="Converged").wait_for()
    page.get_by_role("link", name="Report", exact=True).click()
    page.locator(".report h2", has_text="K = 5").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    page.locator(".sentence", has_text="Converged").wait_for()
    page.wait_for_function("document.querySelector('input[aria-label=\"Clusters (K)\"]').value === '5'")
    page.wait_for_function("location.search.includes('k=5')")
