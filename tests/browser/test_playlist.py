"""Playlists in a browser, stepped through without loading the app again; predictions in a presentation."""

import json
import re

import numpy as np
import pytest

from tests.browser.waiting import ENDED, LOSS, PLOT, sentence, shown_frame, to_frame, visit, wait_for_player, wait_for_query

pytestmark = pytest.mark.browser

STEPS = [
    ("Start", "?n=50&frame=0", True),
    ("Update", "?n=50&frame=2", True),
    ("Other data", "?n=50&sample=Rings&k=2&frame=1", True),
    ("A limit", "mixture?n=50&section=K-means+as+a+limit", False),
]


def written(steps=STEPS):
    """A playlist as a file for the browser."""
    found = [dict(title=title, sentence="Look.", link=link, presented=presented) for title, link, presented in steps]
    content = dict(kind="clustering playlist", version=1, title="Lecture", steps=found)
    return dict(name="lecture.json", mimeType="application/json", buffer=json.dumps(content).encode())


def wait_for_step(page, title, query):
    """Waits until the bar shows the step with this title, and the page with this query string is drawn."""
    page.wait_for_function(
        f"""([title, query]) => {{
            const bar = [...document.querySelectorAll('.st-key-playlist_bar *')].find(one => one.shadowRoot)?.shadowRoot;
            return bar?.querySelector('.step-title')?.textContent === title && location.search.includes(query) && {ENDED};
        }}""",
        arg=[title, query],
    )


def wait_for_frame(page, index):
    """Waits until the player shows this frame of its figures."""
    wait_for_player(page, PLOT, LOSS)
    page.wait_for_function(
        "index => [...document.querySelectorAll('.st-key-player_panel *')].some("
        "element => element.shadowRoot?.querySelector('.scrub')?.value === String(index))",
        arg=index,
    )


def test_a_playlist_is_opened_and_stepped_through(page, server):
    visit(page, f"{server}/?n=50&k=4", PLOT, LOSS)
    wait_for_player(page, PLOT, LOSS)
    page.evaluate("window.sameDocument = true")
    page.get_by_test_id("stSidebar").get_by_role("button", name="Playlist").click()
    dialog = page.get_by_role("dialog")
    file = dialog.get_by_test_id("stFileUploaderDropzoneInput")
    file.set_input_files(written([("Elsewhere", "https://example.org/", True)]))
    dialog.get_by_text("Step 1 of this playlist does not lead to a page of this app.").wait_for()
    file.set_input_files(written())
    dialog.get_by_role("button", name="Present", exact=True).click()

    wait_for_step(page, "Start", "present=1")
    wait_for_frame(page, 0)
    page.keyboard.press("PageDown")
    wait_for_step(page, "Update", "frame=2")
    wait_for_frame(page, 2)
    assert sentence(page).startswith("Update (M)")
    # the address has the frame that is shown, also after stepping by hand
    page.keyboard.press("ArrowRight")
    wait_for_query(page, frame="3")
    page.keyboard.press("]")
    wait_for_step(page, "Other data", "frame=1")
    wait_for_frame(page, 1)
    page.keyboard.press("[")
    wait_for_step(page, "Update", "frame=2")
    wait_for_frame(page, 2)
    for width, height in ((1280, 720), (420, 800)):
        page.set_viewport_size(dict(width=width, height=height))
        bar = page.locator(".playlist").bounding_box()
        assert bar["y"] >= 0
        assert bar["x"] + bar["width"] <= width
        page.wait_for_function(
            "([plot, bottom]) => document.querySelector(`${plot} .main-svg`).getBoundingClientRect().top >= bottom - 1",
            arg=[PLOT, bar["y"] + bar["height"]],
        )
    page.set_viewport_size(dict(width=1280, height=720))
    page.keyboard.press("PageDown")
    wait_for_step(page, "Other data", "frame=1")

    # a section of a page does not fill the window
    page.keyboard.press("PageDown")
    wait_for_step(page, "A limit", "section=")
    page.locator(".st-key-narrowing").wait_for()
    assert page.locator(".playlist").get_by_role("button", name="Next step").is_disabled()
    page.wait_for_function(
        "() => document.querySelector('.stMain .st-key-section').getBoundingClientRect().top < innerHeight / 3"
    )
    page.keyboard.press("PageUp")
    wait_for_step(page, "Other data", "present=1")
    wait_for_player(page, PLOT, LOSS)
    assert page.evaluate("window.sameDocument")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Close the playlist").click()
    page.locator(".playlist").wait_for(state="detached")


def test_a_step_with_the_old_label_of_a_section_opens_the_section(page, server):
    visit(page, f"{server}/?n=50", PLOT, LOSS)
    page.get_by_test_id("stSidebar").get_by_role("button", name="Playlist").click()
    dialog = page.get_by_role("dialog")
    steps = [("Start", "?n=50&frame=0", True), ("Rows", "segments?n=50&segments_section=Pictures", False)]
    dialog.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(written(steps))
    dialog.get_by_role("button", name="Present", exact=True).click()
    wait_for_step(page, "Start", "present=1")
    page.keyboard.press("PageDown")
    wait_for_step(page, "Rows", "segments_section=Plots")
    page.get_by_text("Select rows with").wait_for()
    assert not page.get_by_text("Ignored unavailable settings").count()


def ask(page, kind):
    page.keyboard.press("q")
    page.locator(".which").select_option(kind)


def test_predictions_are_compared_with_the_frame_that_follows(page, server):
    visit(page, f"{server}/?n=50&present=1", PLOT, LOSS)
    wait_for_player(page, PLOT, LOSS)
    frame = shown_frame(page)
    assert frame == 0

    # a center, moved with the keyboard
    ask(page, "center")
    page.locator(".question .center").select_option("1")
    ghost = page.locator(".ghost-handle")
    before = ghost.bounding_box()
    ghost.focus()
    page.keyboard.press("Shift+ArrowRight")
    assert shown_frame(page) == 0  # the key belongs to the ghost
    assert ghost.bounding_box()["x"] > before["x"] + 5
    page.keyboard.press("Enter")
    assert shown_frame(page) == 2
    guess, truth = page.evaluate(
        """() => {
            const layout = document.querySelector('.st-key-picture .js-plotly-plot')._fullLayout;
            const line = document.querySelector('.prediction line'), axes = [layout.xaxis, layout.yaxis];
            const place = names => names.map((name, i) => axes[i].p2d(line.getAttribute(name) - axes[i]._offset));
            return [place(['x1', 'y1']), place(['x2', 'y2'])];
        }"""
    )
    text = page.locator(".answer").inner_text().replace("−", "-")
    numbers = re.search(r"^Center \d minus your prediction: (\S+) in x1, (\S+) in x2; distance (\S+)\.$", text).groups()
    apart = np.subtract(truth, guess)
    assert list(map(float, numbers)) == pytest.approx([*apart, np.hypot(*apart)], rel=1e-2)
    page.keyboard.press("Escape")  # removes the answer, but does not leave the presentation
    assert page.locator(".prediction").count() == 0
    assert page.locator(".answer").inner_text() == ""

    # points: a number, then a line around all of them
    ask(page, "points")
    page.locator(".guess").fill("50")
    page.locator(".reveal").click()
    text = page.locator(".answer").inner_text()
    changed = int(text.split()[0])
    assert shown_frame(page) == 3
    assert f"{changed} points changed clusters" in sentence(page)
    assert text.startswith(f"{changed} points changed clusters; ")
    assert text.endswith(f"you predicted 50: {50 - changed} too many.")
    assert page.locator(".prediction circle:not(.ghost)").count() == changed
    to_frame(page, 2)
    ask(page, "points")
    box = page.locator(".prediction").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    for x, y in ((1, 0), (1, 1), (0, 1)):
        page.mouse.move(box["x"] + 2 + x * (box["width"] - 4), box["y"] + 2 + y * (box["height"] - 4))
    page.mouse.up()
    assert page.locator(".guess").input_value() == "50"
    page.keyboard.press("Enter")
    assert page.locator(".answer").inner_text().endswith(f"you marked 50, of which {changed} changed clusters.")

    # iterations; Esc cancels, and digits are not keys of the presentation
    ask(page, "iterations")
    page.locator(".guess").focus()
    page.keyboard.type("1")
    page.keyboard.press("Escape")
    assert not page.locator(".question").is_visible()
    assert "k=" not in page.url
    ask(page, "iterations")
    page.locator(".guess").fill("0")
    page.keyboard.press("Enter")
    iterations = re.search(r"Converged after (\d+) iterations", sentence(page))[1]
    assert page.locator(".answer").inner_text() == (
        f"The run takes {iterations} iterations; you predicted 0: {iterations} too few."
    )
    page.keyboard.press("q")
    page.get_by_text("The run has ended.").wait_for()
    page.keyboard.press("Escape")  # removes the answer
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).wait_for()


def test_a_tree_has_no_questions_about_points_that_change_clusters(page, server):
    visit(page, f"{server}/hierarchy?n=50&present=1", PLOT)
    wait_for_player(page, PLOT)
    page.keyboard.press("q")
    page.get_by_text("There are no questions here.").wait_for()
    assert not page.locator(".asking-button").is_visible()
    visit(page, f"{server}/?n=50&algorithm=Hierarchical+clustering&present=1", PLOT, LOSS)
    wait_for_player(page, PLOT, LOSS)
    to_frame(page, 2)
    page.keyboard.press("q")
    assert page.locator(".which option").all_inner_texts() == ["Iterations"]
