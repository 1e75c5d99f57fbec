"""Measures how long the app takes to respond in a browser, and how smoothly an animation plays.

    python tests/benchmarks/screen.py

prints Markdown tables: the time from `streamlit run` to the first plot in a new browser; the time from a click on "New random
start" to the new animation, the processor time that the server needs for it, and the data received; frames per second during
playback. Needs Linux, and Chromium, which it runs without a window.
"""

import os
import sys
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser.launch import CHROMIUM, FLAGS, serve

COLD_STARTS = 3
"""number of times a new server and a new browser are started"""
CLICKS = 15
CLICK_SIZES = ["500", "2,000", "5,000", "100,000"]
"""numbers of points, as in the query parameter `n`"""
CLICK_PAGES = [
    *(("Watch", "/", n) for n in CLICK_SIZES),
    ("Compare", "/compare", "500"),
    ("Gaussian mixture", "/mixture", "500"),
]
"""name, path and number of points of the pages on which clicks are measured"""
PLAYBACK_SIZES = ["500", "2,000", "100,000"]
PLAYBACK_SECONDS = 5
CHARTS = {
    "/": [".st-key-picture .js-plotly-plot", ".st-key-loss .js-plotly-plot"],
    "/mixture": [".st-key-picture .js-plotly-plot", ".st-key-loss .js-plotly-plot"],
    "/compare": [f".st-key-race_{key} .js-plotly-plot" for key in (0, 1, "loss_0", "loss_1")],
}
"""selectors of the animated figures of a page"""

# A run has its own `layout.meta`. `old` is that of the run before the click.
DRAWN = """(charts, old) => {
    const graphs = charts.map(chart => document.querySelector(chart));
    const name = graphs[0]?.layout?.meta;
    // all show the same run and have their frames, and the hidden button that the player uses
    return name && name !== old && graphs.every(graph => graph?.layout?.meta === name
        && graph._transitionData?._frames?.length && graph.querySelector('.updatemenu-button'));
}"""
SETTLED = f"""charts => ({DRAWN})(charts, null) && !document.querySelector('[data-testid=stStatusWidget]')"""
CLICK = f"""charts => new Promise(resolve => {{
    const drawn = {DRAWN};
    const old = document.querySelector(charts[0]).layout.meta;
    const button = [...document.querySelectorAll('button')].find(button => button.textContent.includes('New random start'));
    const start = performance.now();
    button.click();
    const check = () => {{
        if (!drawn(charts, old)) return requestAnimationFrame(check);
        // this callback runs before the browser paints, so the plot is on the screen at the next one
        requestAnimationFrame(() => resolve([
            performance.now() - start, document.querySelector(charts[0])._transitionData._frames.length
        ]));
    }};
    requestAnimationFrame(check);
}})"""
RECORD_FRAMES = """chart => {
    window.frameTimes = [];
    let changed = false;
    document.querySelector(chart).on('plotly_animatingframe', () => changed = true);
    const check = now => {
        if (changed) window.frameTimes.push(now);
        changed = false;
        requestAnimationFrame(check);
    };
    requestAnimationFrame(check);
}"""


def header(title, description, *names):
    print(f"\n**{title}**, {description}\n")
    row(*names)
    row(*["---"] * len(names))


def row(*cells):
    print("|", " | ".join(cells), "|", flush=True)


def launch(playwright):
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def new_page(browser):
    page = browser.new_page(viewport=dict(width=1400, height=1000))
    page.set_default_timeout(60_000)
    return page


def open_app(page, address, path="/", n="500"):
    """Opens a page of the app with n points and waits until its plots are drawn."""
    page.goto(f"{address}{path}?n={n}")
    page.wait_for_function(SETTLED, arg=CHARTS[path])


def server_seconds(address):
    """Processor time of the server at this address so far, in user and kernel mode."""
    port = address.rpartition(":")[2]
    for folder in Path("/proc").glob("[0-9]*"):
        command = (folder / "cmdline").read_bytes().split(b"\0")
        if b"--server.port" in command and port.encode() in command:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    raise RuntimeError(f"there is no server at {address}")


def measure_cold_start(playwright):
    """Returns the seconds until the server responds, until the browser has started, and until the first plot is drawn."""
    start = time.perf_counter()
    with serve() as address:
        responded = time.perf_counter()
        browser = launch(playwright)
        page = new_page(browser)
        launched = time.perf_counter()
        page.goto(address)
        page.wait_for_function(f"charts => ({DRAWN})(charts, null)", arg=CHARTS["/"])
        drawn = time.perf_counter()
        browser.close()
    return responded - start, launched - start, drawn - start


def measure_clicks(browser, address, path, n):
    """Returns for each click the milliseconds, the bytes received, and the number of frames of the new run; and the server's
    processor time per click in milliseconds."""
    page = new_page(browser)
    received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda payload: received.append(len(payload))))
    open_app(page, address, path, n)
    page.wait_for_timeout(7000)  # the server cleans its memory a few seconds after a visit
    clicks, before = [], server_seconds(address)
    for _ in range(CLICKS):
        page.wait_for_timeout(400)  # for late messages of the previous run
        received.clear()
        milliseconds, frames = page.evaluate(CLICK, CHARTS[path])
        page.wait_for_function(SETTLED, arg=CHARTS[path])
        clicks.append((milliseconds, sum(received), frames))
    used = server_seconds(address) - before
    page.close()
    return clicks, 1000 * used / CLICKS


def frame_times(browser, address, n):
    """Plays a run and returns the times in milliseconds at which its plot changed on the screen."""
    page = new_page(browser)
    open_app(page, address, n=n)
    page.wait_for_timeout(1000)
    page.evaluate(RECORD_FRAMES, CHARTS["/"][0])
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(1000 * PLAYBACK_SECONDS)
    times = page.evaluate("window.frameTimes")
    page.close()
    return times


def main():
    assert CHROMIUM, "this needs Chromium on the PATH"
    with sync_playwright() as playwright:
        header(
            "First plot",
            f"seconds since `streamlit run`, median of {COLD_STARTS}:",
            *("server answers", "new browser started", "first plot drawn"),
        )
        starts = [measure_cold_start(playwright) for _ in range(COLD_STARTS)]
        row(*(f"{median(seconds):.1f}" for seconds in zip(*starts, strict=True)))
        browser = launch(playwright)
        print(f"\n{os.cpu_count()} cores, Chromium {browser.version} without a window or a graphics card.")
        with serve() as address:
            # the first visit to a server is slower
            page = new_page(browser)
            open_app(page, address)
            page.close()
            header(
                "New animation",
                f'from a click on "New random start", medians of {CLICKS} clicks; the processor time is the mean:',
                *("page", "points", "click to animation, ms", "min–max, ms", "server's processor time, ms", "received, kB"),
                *("frames", "kB per frame"),
            )
            for name, path, n in CLICK_PAGES:
                clicks, processor = measure_clicks(browser, address, path, n)
                times, sizes, frames = zip(*clicks, strict=True)
                row(
                    *(name, n, f"{median(times):.0f}", f"{min(times):.0f}–{max(times):.0f}", f"{processor:.0f}"),
                    f"{median(sizes) / 1e3:,.0f}",
                    *(f"{median(frames):.0f}", f"{median(map(lambda size, f: size / f / 1e3, sizes, frames)):,.1f}"),
                )
            header(
                "Playback",
                f"over {PLAYBACK_SECONDS} s; the player asks for 30 frames per second:",
                *("points", "frames per second", "longest gap, ms"),
            )
            for n in PLAYBACK_SIZES:
                times = frame_times(browser, address, n)
                gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
                row(n, f"{1000 * len(gaps) / sum(gaps):.1f}", f"{max(gaps):.0f}")
        browser.close()


if __name__ == "__main__":
    main()
