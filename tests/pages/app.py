"""Opens the app without a browser."""

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest

DASHBOARD = str(Path(__file__).resolve().parents[2] / "dashboard.py")


def opened(link: str) -> AppTest:
    """Opens the app at a link such as "/compare?panels=2"."""
    page, _, query = link[1:].partition("?")
    app = AppTest.from_file(DASHBOARD, default_timeout=60)
    values: dict[str, list[str]] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        values.setdefault(name, []).append(value)
    for name, several in values.items():
        app.query_params[name] = several if several[1:] else several[0]
    app.switch_page(f"pages/{page or 'watch'}/page.py").run()
    assert not app.exception
    return app


def latest(app: AppTest, *kinds: str):
    """Returns the latest value of one of these kinds ("run", "comparison", "restarts", …) from the cache of the session."""
    return next(value for key, value in reversed(app.session_state["recent"].items()) if key[0] in kinds)


def component(app: AppTest, key: str) -> dict:
    """Returns the data that were sent to the browser component with this key."""
    [found] = [one.proto.json for one in app.get("bidi_component") if one.proto.id.endswith(f"-{key}")]
    return json.loads(found)


def opened_with_pasted(text: str) -> AppTest:
    """Opens the Data page and pastes a table."""
    app = opened("/data?source=Upload")
    app.button_group(key="input").set_value("paste").run()
    app.text_area(key="pasted").set_value(text).run()
    assert not app.exception
    return app
