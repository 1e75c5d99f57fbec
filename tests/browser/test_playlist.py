"""Playlists in a browser: stepped through without loading the app again, in a presentation and beside it."""

import json

import pytest

from tests.browser.waiting import ENDED, LOSS, PLOT, sentence, shown_frame, visit, wait_for_player

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
    wait_for_player(page, PLOT, LOSS)
    assert shown_frame(page) == 0
    page.keyboard.press("PageDown")
    wait_for_step(page, "Update", "frame=2")
    assert sentence(page).startswith("Update (M)")
    # the address has the frame that is shown, also after stepping by hand
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => location.search.includes('frame=3')")
    page.keyboard.press("]")
    wait_for_step(page, "Other data", "frame=1")
    wait_for_player(page, PLOT, LOSS)
    assert shown_frame(page) == 1
    page.keyboard.press("[")
    wait_for_step(page, "Update", "frame=2")
    wait_for_player(page, PLOT, LOSS)
    assert shown_frame(page) == 2
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
