"""The section "New rows" of the Segments page."""

import html
import re
from dataclasses import dataclass

import pandas as pd
import pytest

from pages.runs.model import model_of
from pages.runs.model_file import to_json
from pages.segments import new_rows
from pages.segments.new_rows import NEW, SAVED
from tests.pages.app import latest, opened, opened_with_pasted

LINES = [f"c{i},{20 + i % 3 * 20 + i % 5},{'abc'[i % 3]},{100 * (i % 3) + i % 7}" for i in range(60)]
HEADER = "name,age,plan,spend"


@dataclass(frozen=True)
class Upload:
    """A file as Streamlit keeps it."""

    name: str
    content: bytes

    @property
    def file_id(self) -> str:
        return str(hash(self))

    def getvalue(self) -> bytes:
        return self.content


def with_new_rows(lines, header=HEADER, saved=None):
    """The section after pasting a table, opening the page and uploading a file with these lines."""
    app = opened_with_pasted("\n".join([HEADER, *LINES]))
    app.session_state[NEW] = Upload("march.csv", "\n".join([header, *lines]).encode())
    if saved is not None:
        app.session_state[SAVED] = Upload("model.json", saved)
    app.switch_page("pages/segments/page.py").run()
    app.button_group(key="segments_section").set_value("new_rows").run()
    assert not app.exception
    return app


def tables(app) -> list[pd.DataFrame]:
    """The cells of the HTML tables on the page, as text."""
    found = []
    for element in app.get("html"):
        lines = re.findall("<tr>(.*?)</tr>", element.proto.body)
        rows = [[html.unescape(re.sub("<.*?>", "", cell)) for cell in re.findall("<t[dh].*?</t[dh]>", line)] for line in lines]
        if rows:
            found.append(pd.DataFrame(rows[1:], columns=rows[0]))
    return found


def test_without_a_file_the_section_says_how_rows_are_assigned():
    app = opened("/segments?segments_section=New rows&n=60")
    assert any("Each row belongs to the cluster with the nearest center" in caption.value for caption in app.caption)
    assert tables(app) == []


def test_the_old_rows_join_their_own_segments_and_nothing_drifts():
    app = with_new_rows(LINES)
    sizes, *_, drift = tables(app)
    segments = latest(app, "segments")
    assert sizes["New rows"].tolist() == sizes["Old rows"].tolist() == list(map(str, segments.sizes))
    assert set(sizes["Change"]) == {"0 points"}
    assert drift["Clear"].tolist() == ["no", "no"]
    assert "No column has changed clearly\\." in [one.value for one in app.markdown]


def test_older_customers_and_an_unusual_row_are_reported():
    older = [f"n{i},{30 + i % 3 * 20 + i % 5},b,{100 * (i % 3)}" for i in range(59)] + ["Rich <b>,45,a,99999", "gap,,a,100"]
    app = with_new_rows(older)
    _, unlike, drift, left_out = tables(app)
    assert unlike["name"].iloc[0] == "Rich <b>"
    assert unlike["Row"].iloc[0] == "60"
    assert drift["Column"].iloc[0] == "age"
    assert any(one.value.startswith("age has risen from 42 to 51") for one in app.markdown)
    assert left_out.to_numpy().tolist() == [["No value in age", "1"]]


def test_a_saved_model_replaces_the_current_segments():
    app = with_new_rows(LINES)
    model = model_of(latest(app, "segments"))
    other = opened("/segments?segments_section=New rows&n=60")
    other.session_state[NEW] = Upload("march.csv", "\n".join([HEADER, *LINES]).encode())
    other.session_state[SAVED] = Upload("model.json", to_json(model))
    other.run()
    assert not other.exception
    assert tables(other)[0].equals(tables(app)[0])


@pytest.mark.parametrize(
    ("lines", "header", "saved", "sentence"),
    [
        (LINES, "name,years,plan,spend", None, r"This table lacks the column age, by which the rows were clustered\."),
        (LINES, HEADER, b"{}", r"This file is not a model: save one on the Segments page, under Export\."),
        ([], HEADER, None, "rows"),
    ],
)
def test_errors_are_one_sentence_and_the_files_stay(lines, header, saved, sentence):
    app = with_new_rows(lines, header, saved=saved)
    errors = [error.value for error in app.error]
    assert len(errors) == 1
    assert sentence.replace("\\", "") in errors[0].replace("\\", "")
    assert NEW in app.session_state


def test_large_tables_are_written_on_request(monkeypatch):
    monkeypatch.setattr(new_rows, "MAX_QUICK_CELLS", 10)
    app = with_new_rows(LINES)
    assert not app.get("download_button")
    next(
        button for button in app.button if button.label == f"Create {new_rows.DOWNLOAD[0].lower()}{new_rows.DOWNLOAD[1:]}"
    ).click()
    app.run()
    assert not app.exception
    assert [one.proto.label for one in app.get("download_button")] == [new_rows.DOWNLOAD]
