"""Waiting in the browser."""


def idle(page):
    """Waits until the page stands still."""
    page.wait_for_timeout(300)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stMain] h1') && !document.querySelector('[data-testid=stStatusWidget]')"
    )
