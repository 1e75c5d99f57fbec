"""The popover with the files of the segments, without a browser."""

from dataclasses import replace

from pages.export.pipeline import pipeline
from pages.segments import downloads
from tests.pages.app import latest, opened, opened_with_pasted


def opened_menu(link):
    """The app with the popover open."""
    app = opened(link)
    assert labels(app) == []
    app.session_state["export menu of segments"] = True
    return app.run()


def labels(app):
    """The labels of the tables that can be downloaded."""
    found = [download.proto.label for download in app.get("download_button")]
    return [label for label in found if label.startswith(("Rows", "Summary"))]


def test_the_page_offers_rows_and_summary_as_excel_and_csv():
    app = opened_menu("/segments?n=50")
    assert labels(app) == ["Rows (Excel)", "Rows (CSV)", "Summary (Excel)", "Summary (CSV)"]


def test_large_tables_are_written_on_request(monkeypatch):
    monkeypatch.setattr(downloads, "MAX_QUICK_CELLS", 10)
    app = opened_menu("/segments?n=50")
    assert labels(app) == ["Summary (Excel)", "Summary (CSV)"]
    for label in ("Create rows (Excel)", "Create rows (CSV)"):
        next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
    assert labels(app) == ["Rows (Excel)", "Rows (CSV)", "Summary (Excel)", "Summary (CSV)"]


def test_tables_with_too_many_rows_for_excel_have_only_a_csv_file(monkeypatch):
    monkeypatch.setattr(downloads, "MAX_EXCEL_ROWS", 40)
    app = opened_menu("/segments?n=50")
    assert labels(app) == ["Rows (CSV)", "Summary (Excel)", "Summary (CSV)"]
    assert "The table has 50 rows, and an Excel sheet at most 40: use the CSV file." in [info.value for info in app.info]


def test_files_are_named_after_the_data():
    segments = latest(opened("/segments?source=Built-in"), "segments")
    assert downloads.file_name(segments) == "old-faithful"
    for title, name in (
        ("Kunden 2024.v2.csv.gz", "kunden-2024-v2"),
        ("Größe_ä.XLSX", "größe-ä"),
        ("???", "data"),
        ("v1.5", "v1-5"),
    ):
        data = replace(segments.data, title=title)
        assert downloads.file_name(replace(segments, run=replace(segments.run, data=data))) == name


def test_the_page_offers_the_model_and_the_script():
    app = opened_menu("/segments?n=50")
    found = [one.proto.label for one in app.get("download_button")]
    assert found[-2:] == ["Model (JSON)", "Script (Python)"]
    assert not app.info


def test_reasons_replace_a_model_and_a_script_that_are_impossible():
    app = opened_menu("/segments?source=Built-in&table=Number words&algorithm=K-medoids")
    segments = latest(app, "segments")
    assert segments.data.precomputed is not None
    found = [one.proto.label for one in app.get("download_button")]
    assert not {"Model (JSON)", "Script (Python)"} & set(found)
    reasons = [info.value for info in app.info]
    assert any("New rows cannot be assigned" in reason for reason in reasons)
    assert any("A script cannot load a precomputed distance matrix" in reason for reason in reasons)


def test_scripts_read_the_file_that_was_pasted_or_is_built_in():
    app = opened_with_pasted("a;b\n" + "\n".join(f"{i},5;{i * i % 7}" for i in range(20)))
    app.switch_page("pages/segments/page.py").run()
    assert 'pd.read_csv("pasted.csv", sep=";"' in pipeline(latest(app, "segments"), "rows.csv")
    app = opened("/segments?source=Built-in&table=Iris")
    assert 'pd.read_csv("iris.csv", sep=","' in pipeline(latest(app, "segments"), "rows.csv")
