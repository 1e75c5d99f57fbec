"""Back and Forward in a browser bring back the settings of each page, and each visited page is one entry of the history."""

from urllib.parse import parse_qsl

import pytest

from tests.browser.waiting import ENDED, enter

pytestmark = pytest.mark.browser

WATCH, COMPARE, RESTARTS = "Clustering, step by step", "Compare", "Restarts"
MIXTURE, EMBEDDING = "Gaussian mixture", "Embedding"
K, SEED, FIRST_SEED, ALGORITHM = "Clusters (K)", "Random seed", "First seed", "Algorithm"
SHORT = "n=50"


def wait_for(page, title, path, query, fields, chosen=()):
    """Waits for a page with this title and address, these values of fields by label, and these chosen options."""
    page.wait_for_function(
        f"""([title, path, query, fields, chosen]) => {{
            const main = document.querySelector('[data-testid=stMain]'), found = [...new URLSearchParams(location.search)];
            const options = [...main.querySelectorAll('[role=radio]')].filter(one => one.ariaChecked === 'true');
            return {ENDED} && main.querySelector('h1')?.innerText === title && location.pathname === path
                && JSON.stringify(found.map(pair => pair.join('=')).sort()) === JSON.stringify(query)
                && fields.every(([label, value]) => main.querySelector(`input[aria-label="${{label}}"]`)?.value === value)
                && chosen.every(label => options.some(option => option.innerText === label));
        }}""",
        arg=[title, path, sorted("=".join(pair) for pair in parse_qsl(query)), list(fields.items()), list(chosen)],
    )


def menu(page, title):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()


def entries(page):
    return page.evaluate("history.length")


def test_k_and_seed_are_those_of_each_page_after_several_steps_back_and_forward(page, server):
    watch = (WATCH, "/", f"{SHORT}&k=4&seed=9", {K: "4", SEED: "9"})
    compare = (COMPARE, "/compare", SHORT, {K: "3", SEED: "1"})
    restarts = (RESTARTS, "/restarts", SHORT, {K: "3", FIRST_SEED: "1"})
    page.goto(f"{server}/?{watch[2]}")
    wait_for(page, *watch)
    before = entries(page)
    menu(page, COMPARE)
    wait_for(page, *compare)
    menu(page, RESTARTS)
    wait_for(page, *restarts)
    assert entries(page) in (before + 2, 50)  # browsers keep 50 entries
    page.go_back()
    wait_for(page, *compare)
    page.go_back()
    wait_for(page, *watch)
    page.go_forward()
    wait_for(page, *compare)
    page.evaluate("history.go(-1)")
    wait_for(page, *watch)
    # Streamlit calls these functions late, when it begins to draw a page that the user has left since
    page.evaluate("history.pushState({}, '', '/restarts')")
    page.evaluate("['pushState', 'replaceState'].forEach(change => history[change]({}, '', '/?n=50'))")
    wait_for(page, *watch)
    # the address of an earlier run arrives after the user has changed the seed
    page.evaluate("history.replaceState({}, '', location.href.replace('seed=9', 'seed=8'))")
    page.evaluate("writeAddress('', 'n=50&k=4&seed=9', 'n=50&k=4&seed=9', [], {}, Number.MAX_SAFE_INTEGER)")
    assert "seed=8" in page.url


def test_the_algorithm_and_sections_are_those_of_each_page_after_going_back(page, server):
    mixture = (MIXTURE, "/mixture", f"{SHORT}&k=5&section=Low-density points", {K: "5"}, ["Low-density points"])
    watch = (WATCH, "/", f"{SHORT}&algorithm=Gaussian mixture&k=4", {K: "4"})
    embedding = (
        EMBEDDING,
        "/embedding",
        f"{SHORT}&text=Baskets&baskets_n=100&skipgram_dimension=2&embedding_section=Analogies",
        {},
        ["Baskets", "Analogies"],
    )
    page.goto(f"{server}{watch[1]}?{watch[2]}")
    wait_for(page, *watch)
    algorithm = page.get_by_role("combobox", name=ALGORITHM)
    assert algorithm.input_value() == MIXTURE
    menu(page, MIXTURE)
    wait_for(page, MIXTURE, "/mixture", SHORT, {K: "3"})
    page.go_back()
    wait_for(page, *watch)
    assert algorithm.input_value() == MIXTURE
    for address in (mixture, embedding):
        page.goto(f"{server}{address[1]}?{address[2]}")
        wait_for(page, *address)
        menu(page, "Failures")
        wait_for(page, "Failures", "/failures", SHORT, {})
        page.go_back()
        wait_for(page, *address)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("milliseconds", [0, 200])
def test_going_back_and_forward_loses_nothing_while_pages_are_drawn(page, server, milliseconds):
    restarts = (RESTARTS, "/restarts", f"{SHORT}&k=5&runs=10", {K: "5", FIRST_SEED: "1"})
    watch = (WATCH, "/", f"{SHORT}&k=4&seed=9", {K: "4", SEED: "9"})
    page.goto(f"{server}{restarts[1]}?{restarts[2]}")
    wait_for(page, *restarts)
    menu(page, "Watch")
    wait_for(page, WATCH, "/", SHORT, {K: "3", SEED: "1"})
    for label, value in watch[3].items():
        enter(page, label, value)
    wait_for(page, *watch)
    for title in ("Report", RESTARTS):
        menu(page, title)
        page.wait_for_timeout(milliseconds)
        page.evaluate("history.back()")
        wait_for(page, *watch)
    page.evaluate("history.forward()")
    wait_for(page, *restarts)
    for step in (-1, -1, 1, 1, -1, -1):
        page.evaluate("step => history.go(step)", step)
        page.wait_for_timeout(milliseconds)
    wait_for(page, *restarts)
