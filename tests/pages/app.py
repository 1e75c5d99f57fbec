"""The app as a person meets it, without a browser."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

DASHBOARD = str(Path(__file__).resolve().parents[2] / "dashboard.py")


def opened(link: str) -> AppTest:
    """The app as it comes by this link, such as "/compare?panels=2"."""
    page, _, query = link[1:].partition("?")
    app = AppTest.from_file(DASHBOARD, default_timeout=60)
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        app.query_params[name] = value
    app.switch_page(f"pages/{page or 'watch'}/page.py").run()
    assert not app.exception
    return app


def last_made(app: AppTest, *kinds: str):
    """What the session made last of one of these kinds: "run", "comparison", "restarts", …"""
    return next(value for key, value in reversed(app.session_state["recent"].items()) if key[0] in kinds)
