"""The popover with the files of the segments, without a browser."""

from pages.segments import downloads
from tests.pages.app import latest, opened


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


def test_tables_with_too_many_rows_for_excel_have_only_a_csv_file(monkeypatch):
    monkeypatch.setattr(downloads, "MAX_EXCEL_ROWS", 50)
    app = opened("/segments?n=60")
    assert labels(app) == ["Rows (CSV)", "Summary (Excel)", "Summary (CSV)"]
    assert "The table has 60 rows, and an Excel sheet at most 50: use the CSV file." in [info.value for info in app.info]


def test_files_are_named_after_the_data():
    app = opened("/segments?source=Built-in&table=Penguins")
    segments = latest(app, "segments")
    assert downloads.file_name(segments).startswith("penguins")
    assert not downloads.file_name(segments).endswith("csv")
