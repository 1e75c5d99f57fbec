"""How long a person waits at the screen, and how smoothly a run plays.

    python tests/benchmarks/screen.py

prints Markdown tables: from `streamlit run` to the first picture with nothing warm; from a click on "New random start" to the
new animation and what is sent for it; frames per second of a run that plays. Needs Chromium, without a window.
"""

import os
import sys
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser.launch import CHROMIUM, FLAGS, serve

COLD = 3
"""fresh servers, each with a fresh browser"""
CLICKS = 7
CLICKED = ["500", "2,000", "5,000", "100,000"]
"""points, as the address has them"""
PLAYED = ["500", "2,000", "100,000"]
SECONDS = 5
"""for which each run plays"""
CHARTS = [".st-key-picture .js-plotly-plot", ".st-key-loss .js-plotly-plot"]

DRAWN = """(charts, old) => {
    const [a, b] = charts.map(chart => document.querySelector(chart));
    // both of the same run, with their frames and with what the player drives
    return a?.layout?.meta && a.layout.meta !== old && a.layout.meta === b?.layout?.meta
        && [a, b].every(graph => graph._transitionData?._frames?.length && graph.querySelector('.updatemenu-button'));
}"""
SETTLED = f"""charts => ({DRAWN})(charts, null) && !document.querySelector('[data-testid=stStatusWidget]')"""
CLICK = f"""charts => new Promise(resolve => {{
    const drawn = {DRAWN};
    const old = document.querySelector(charts[0]).layout.meta;
    const button = [...document.querySelectorAll('button')].find(button => button.textContent.includes('New random start'));
    const began = performance.now();
    button.click();
    const look = () => {{
        if (!drawn(charts, old)) return requestAnimationFrame(look);
        // what was found before one painting is on the screen before the next
        requestAnimationFrame(() => resolve([
            performance.now() - began, document.querySelector(charts[0])._transitionData._frames.length
        ]));
    }};
    requestAnimationFrame(look);
}})"""
COUNT = """chart => {
    window.painted = [];
    let moved = false;
    document.querySelector(chart).on('plotly_animatingframe', () => moved = true);
    const look = now => {
        if (moved) window.painted.push(now);
        moved = false;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""


def table(title, *names):
    print(f"\n**{title}**\n")
    row(*names)
    row(*["---"] * len(names))


def row(*cells):
    print("|", " | ".join(cells), "|", flush=True)


def browser_of(playwright):
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def opened(browser, address):
    """A page in which the picture is there."""
    page = browser.new_page(viewport=dict(width=1400, height=1000))
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_function(SETTLED, arg=CHARTS)
    return page


def cold(playwright):
    """Seconds until the server answered, until the browser was there, and until the picture was."""
    began = time.perf_counter()
    with serve() as address:
        answered = time.perf_counter()
        browser = browser_of(playwright)
        page = browser.new_page(viewport=dict(width=1400, height=1000))
        there = time.perf_counter()
        page.goto(address)
        page.wait_for_function(f"charts => ({DRAWN})(charts, null)", arg=CHARTS)
        drawn = time.perf_counter()
        browser.close()
    return answered - began, there - began, drawn - began


def clicks(browser, address, n):
    """For each click the milliseconds, the frames of the new run, and the bytes received for it."""
    page = browser.new_page(viewport=dict(width=1400, height=1000))
    page.set_default_timeout(60_000)
    received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda payload: received.append(len(payload))))
    page.goto(f"{address}/?n={n}")
    page.wait_for_function(SETTLED, arg=CHARTS)
    made = []
    for _ in range(CLICKS):
        page.wait_for_timeout(400)  # until nothing of the page before is still underway
        received.clear()
        took, frames = page.evaluate(CLICK, CHARTS)
        page.wait_for_function(SETTLED, arg=CHARTS)
        made.append((took, frames, sum(received)))
    page.close()
    return made


def play(browser, address, n):
    """Paintings of the page, by their moments in milliseconds, that showed another picture of the run."""
    page = opened(browser, f"{address}/?n={n}")
    page.wait_for_timeout(1000)
    page.evaluate(COUNT, CHARTS[0])
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1000 * SECONDS)
    painted = page.evaluate("window.painted")
    page.close()
    return painted


def main():
    assert CHROMIUM, "this needs Chromium on the PATH"
    with sync_playwright() as playwright:
        table(
            f"From `streamlit run` to the first picture, seconds, median of {COLD}",
            *("the server answers", "a new browser is there", "the first picture is drawn"),
        )
        row(*(f"{median(moments):.1f}" for moments in zip(*(cold(playwright) for _ in range(COLD)), strict=True)))
        browser = browser_of(playwright)
        print(f"\n{os.cpu_count()} cores, Chromium {browser.version} without a window or a graphics card.")
        with serve() as address:
            opened(browser, address).close()  # the first visit is slower
            table(
                f'From a click on "New random start" to the new animation, medians of {CLICKS} clicks',
                *("points", "ms", "least–most", "frames", "kB received", "kB per frame"),
            )
            for n in CLICKED:
                times, frames, sizes = zip(*clicks(browser, address, n), strict=True)
                row(
                    *(n, f"{median(times):.0f}", f"{min(times):.0f}–{max(times):.0f}", f"{median(frames):.0f}"),
                    *(f"{median(sizes) / 1e3:,.0f}", f"{median(map(lambda s, f: s / f / 1e3, sizes, frames)):,.1f}"),
                )
            table(
                f"Pictures per second while a run plays, of 30 that the player asks for, over {SECONDS} s",
                *("points", "per second", "longest gap, ms"),
            )
            for n in PLAYED:
                painted = play(browser, address, n)
                gaps = [after - before for before, after in zip(painted, painted[1:], strict=False)]
                row(n, f"{1000 * len(gaps) / sum(gaps):.1f}", f"{max(gaps):.0f}")
        browser.close()


if __name__ == "__main__":
    main()
