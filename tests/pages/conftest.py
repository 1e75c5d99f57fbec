"""What tests of pages share: they may open any page first, as a link does."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash


@pytest.fixture(autouse=True, scope="session")
def _pages_by_their_address():
    """`AppTest` knows a page by the name of its file until the app has run once; here each is known by its folder."""

    def resolve(app, path: str) -> str:
        folder = Path(path).parent.name
        return calc_hash("" if folder == "watch" else folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AppTest, "_resolve_page_hash", resolve)
        yield
