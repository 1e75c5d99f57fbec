"""Browser component: keeps the secret token of the tab, and opens another address. It is invisible."""

import secrets
from pathlib import Path

import streamlit as st

KEY = "tab"
QUESTION = "question to the tab"
"""session key: the number that the answer has"""
_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    return st.components.v2.component("tab", js=(_HERE / "tab.js").read_text(encoding="utf-8"))


def ask(waits: bool) -> str | None:
    """Ask the tab for its token: "" if it has none, None if not known yet. The script runs again when it is known.

    Without `waits`, a tab that has none does not answer.
    """
    _show(question=st.session_state.setdefault(QUESTION, secrets.randbelow(2**50)), waits=waits)
    return answer()


def answer() -> str | None:
    """The token of the tab: "" if it has none, None if not known. It comes from the browser and is not trusted."""
    found = dict(st.session_state.get(KEY) or {}).get("answer")
    if not isinstance(found, dict) or found.get("question") != st.session_state.get(QUESTION):
        return None
    token = found.get("token")
    return token if isinstance(token, str) and len(token) < 100 else None


def give(token: str, open: str | None = None) -> None:
    """Give the tab its token; then open an address, relative to this page."""
    _show(token=token, open=open)


def _show(token: str | None = None, question: int | None = None, waits: bool = False, open: str | None = None) -> None:
    name = f"clustering {st.get_option('server.baseUrlPath')}".strip()  # other apps may have the same origin
    _component()(key=KEY, data=dict(name=name, token=token, question=question, waits=waits, open=open), height=0)
