"""Waiting in the browser."""

from playwright.sync_api import TimeoutError


def idle(page):
    """Waits until the page stands still."""
    page.wait_for_timeout(300)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stMain] h1') && !document.querySelector('[data-testid=stStatusWidget]')"
    )


def choose(page, label, option):
    """Chooses an option of the list with this label. A rerun of the page closes an open list, so it is opened again."""
    for _ in range(6):
        idle(page)
        page.get_by_role("combobox", name=label).click()
        found = page.get_by_role("option", name=option, exact=True)
        try:
            found.wait_for(timeout=5_000)
        except TimeoutError:
            page.keyboard.press("Escape")
            continue
        found.click()
        return
    raise AssertionError(f"the list {label} does not open with {option}")
