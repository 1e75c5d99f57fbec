"""Opening pages in the browser, changing settings, and waiting until the page shows the result."""

import re
from contextlib import contextmanager

PLOT, LOSS = (f".st-key-{key} .js-plotly-plot" for key in ("picture", "loss"))
ENDED = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
"""JavaScript: whether the script of the page has ended"""


def visit(page, address, *charts):
    """Opens an address and waits for its charts, unless the previous test left the page unchanged at this address."""
    if page.evaluate("window.leftUnchanged") == address:
        page.evaluate("delete window.leftUnchanged")
    else:
        page.goto(address)
        wait_for_charts(page, *charts)


def leave_unchanged(page, address):
    """Lets the next test use the open page. For the end of a test that changed no setting."""
    page.evaluate("address => { window.leftUnchanged = address }", address)


def wait_for_charts(page, *charts):
    """Waits until the script has ended and these animated charts show the same run, with a player if there are any."""
    page.wait_for_function(
        f"""charts => {{
            const graphs = charts.map(chart => document.querySelector(chart));
            return {ENDED} && graphs.every(g => g?.layout?.meta && g.layout.meta === graphs[0].layout.meta
                && g.querySelector('.updatemenu-button'));
        }}""",
        arg=charts,
    )
    if charts:
        page.get_by_role("button", name="Play", exact=True).first.wait_for()


def wait_for_query(page, names=None, **expected):
    """Waits until the address has these query parameters, without those that are None, and no others than `names`, if given.

    The server sends a new address while a page is drawn, and the player adds its frame a moment later.
    """
    page.wait_for_function(
        """([names, expected]) => {
            const found = new URLSearchParams(location.search);
            return Object.entries(expected).every(([name, value]) => found.get(name) === value)
                && (!names || JSON.stringify([...found.keys()].sort()) === JSON.stringify(names));
        }""",
        arg=[names and sorted(names), expected],
    )


def idle(page):
    """Waits until the script of the page has ended."""
    page.wait_for_function(
        f"""() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() =>
            resolve({ENDED} && document.querySelector('[data-testid=stMain] h1')))))"""
    )


def wait_for_player(page, *charts, other_than=None):
    """Waits until the script has ended and the player drives these charts, whose run is not `other_than`."""
    page.wait_for_function(
        f"""([charts, before]) => {{
            const graphs = charts.map(chart => document.querySelector(chart));
            return {ENDED} && graphs.every(graph => graph?.__figures && graph.__figures !== before
                && graph.__figures === graph.layout.meta && graph.__figures === graphs[0].__figures);
        }}""",
        arg=[charts, other_than],
    )
    still(page)


@contextmanager
def another_run(page, *charts):
    """Waits for another run after the actions in the `with` block, until the player drives its charts."""
    charts = charts or (PLOT, LOSS)
    before = page.evaluate("chart => document.querySelector(chart)?.layout?.meta", charts[0])
    yield
    wait_for_player(page, *charts, other_than=before)


def choose(page, label, option):
    """Chooses the option that begins with this text. A rerun of the page closes an open list, so it is opened again."""
    from playwright.sync_api import TimeoutError  # which takes long to import

    for _ in range(6):
        idle(page)
        page.get_by_role("combobox", name=label).click()
        found = page.get_by_role("option", name=re.compile("^" + re.escape(option)))
        try:
            found.wait_for(timeout=5_000)
        except TimeoutError:
            page.keyboard.press("Escape")
            continue
        found.click()
        return
    raise AssertionError(f"the list {label} does not open with {option}")


def enter(page, label, text):
    """Types into a field and confirms."""
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def open_page(page, title, heading=None):
    """Opens a page from the menu."""
    page.get_by_test_id("stSidebarNav").get_by_text(title, exact=True).click()
    page.get_by_role("heading", name=heading or title, level=1).wait_for()


def still(page):
    """Waits until no chart is being animated."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.js-plotly-plot')].every(graph => !graph._transitionData?._animationRaf)"
    )


def to_frame(page, index, player=0):
    """Moves the slider of the player to a frame."""
    page.locator(".player").nth(player).locator(".scrub").evaluate(
        "(slider, index) => { slider.value = index; slider.dispatchEvent(new Event('input', { bubbles: true })) }", index
    )
    still(page)


def step(page, direction):
    """Presses the "forward" or "back" button of the player."""
    page.get_by_role("button", name=f"One step {direction}").first.click()
    still(page)


def play_to_end(page, player=0):
    """Plays until the player stops, so fast that each of its frames is shown, but few moves between frames."""
    page.locator(".player").nth(player).evaluate(
        """player => new Promise(resolve => {
            const [button, {selectedOptions: [option]}] = ['.play', '.speed'].map(name => player.querySelector(name));
            const usual = option.value;
            option.value = 20;
            button.click();
            const look = () => {
                if (button.textContent === 'Pause') return requestAnimationFrame(look);
                option.value = usual;
                resolve();
            };
            look();
        })"""
    )
    still(page)


def shown_frame(page):
    return int(page.locator(".scrub").first.input_value())


def wait_for_frame(page, number):
    """Waits until the player shows this frame."""
    from playwright.sync_api import expect  # which takes long to import

    expect(page.locator(".scrub").first).to_have_value(str(number))


def sentence(page):
    return page.locator(".sentence").first.inner_text()


FITS = """() => [document.scrollingElement, document.querySelector('[data-testid=stMain]')]
    .every(element => element.scrollWidth <= element.clientWidth)"""
"""whether the page is not wider than the window"""
