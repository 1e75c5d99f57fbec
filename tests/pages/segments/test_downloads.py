"""The popover with the files of the segments, without a browser."""

import io
from pathlib import Path

import openpyxl
import pytest

from pages.segments import downloads
from tests.pages.app import opened, opened_with_pasted

CUSTOMERS = "name,age,country\n" + "".join(f"Client {i},{20 + i % 3 * 20},{'USA' if i % 2 else 'Peru'}\n" for i in range(12))


def labels(app):
    return [download.proto.label for download in app.get("download_button")]


def test_the_page_offers_rows_and_summary_as_excel_and_csv():
    app = opened("/segments?n=60")
    assert labels(app) == ["Rows (Excel)", "Rows (CSV)", "Summary (Excel)", "Summary (CSV)"]


def test_large_tables_are_written_on_request(monkeypatch):
    monkeypatch.setattr(downloads, "MAX_QUICK_CELLS", 10)
    app = opened("/segments?n=60")
    assert labels(app) == ["Summary (Excel)", "Summary (CSV)"]
    for label in ("Create rows (Excel)", "Create rows (CSV)"):
        next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
    assert labels(app) == ["Rows (Excel)", "Rows (CSV)", "Summary (Excel)", "Summary (CSV)"]
