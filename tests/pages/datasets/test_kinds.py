"""Kinds of files: each supported ending is read, and other files are rejected with a sentence."""

import io
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
import xlwt

from pages.datasets import readers
from pages.datasets.readers import kinds, limits

CSV = b"a,b\n1,2\n3,4\n"
TABLE = pd.DataFrame({"a": [1, 3], "b": [2, 4]})


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def saved(write):
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def excel(frame=TABLE, **options):
    return saved(lambda file: frame.to_excel(file, index=False, **options))


def old_excel():
    book = xlwt.Workbook()
    sheet = book.add_sheet("s")
    for i, row in enumerate([TABLE.columns, *TABLE.to_numpy().tolist()]):
        for j, cell in enumerate(row):
            sheet.write(i + 2, j + 1, cell)
    return saved(book.save)


def open_document():
    """A minimal OpenDocument spreadsheet with repeated empty rows and cells at its end, as written by LibreOffice."""
    cells = '<table:table-cell office:value-type="{}"{}><text:p>{}</text:p></table:table-cell>'
    rows = ["".join(cells.format("string", "", name) for name in "ab")]
    rows += ["".join(cells.format("float", f' office:value="{n}"', n) for n in row) for row in TABLE.to_numpy()]
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{urn}:office:1.0" xmlns:table="{urn}:table:1.0" xmlns:text="{urn}:text:1.0">'
        '<office:automatic-styles/><office:body><office:spreadsheet><table:table table:name="s">'
        + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
        + '<table:table-row table:number-rows-repeated="1048573"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mimetype}"/>'
    manifest = f'<manifest:manifest xmlns:manifest="{urn}:manifest:1.0">{entry}</manifest:manifest>'
    return zipped({"mimetype": mimetype, "META-INF/manifest.xml": manifest, "content.xml": content})


FILES = {
    **{f"t.{end}": CSV for end in ("csv", "txt", "dat", "data", "asc")},
    "t.tab": CSV.replace(b",", b"\t"),
    "t.xlsx": excel(),
    "t.xlsm": excel(),
    "t.xls": old_excel(),
    "t.ods": open_document(),
    "t.parquet": saved(TABLE.to_parquet),
    "t.pq": saved(TABLE.to_parquet),
    "t.feather": saved(TABLE.to_feather),
    "t.arrow": saved(lambda file: pa.feather.write_feather(TABLE, file, compression="uncompressed")),
    "t.jsonl": TABLE.to_json(orient="records", lines=True).encode(),
    "t.ndjson": TABLE.to_json(orient="records", lines=True).encode(),
    "t.zip": zipped({"folder/t.csv": CSV, "__MACOSX/folder/._t.csv": b"x", "folder/.DS_Store": b"x"}),
    "workbook.zip": zipped({"t.xlsx": excel()}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_each_ending_is_read(name):
    reading = readers.read(FILES[name], name)
    assert list(reading.table) == ["a", "b"]
    np.testing.assert_array_equal(reading.table.to_numpy(), TABLE.to_numpy())
    assert reading.notes == ()
    assert reading.format.compressed == name.endswith(".zip")
    assert reading.format == readers.detect(FILES[name], name)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped({"a.csv": CSV, "b.csv": CSV}), "contains 2 files instead of one table: unpack it"),
        (zipped({}), "contains 0 files instead of one table"),
        (zipped({"a.npy": b"x", "b.npy": b"y"}), "contains 2 files instead of one table"),
        (zipped({"b.zip": zipped({"a.csv": CSV})}), "compressed twice"),
        (zipped({"word/document.xml": b"x", "a": b"y"}), "a Word document, which is not supported"),
        (zipped({"a.csv": CSV}).replace(b"a,b", b"x,y"), None),
        (zipped({"a.csv": b""}), "The file is empty"),
    ],
)
def test_a_zip_archive_without_exactly_one_table_is_rejected(content, sentence):
    if sentence:
        with pytest.raises(ValueError, match=sentence):
            readers.read(content, "t.zip")
    else:
        assert list(readers.read(content, "t.zip").table) == ["a", "b"]


def test_an_encrypted_file_in_a_zip_archive_is_rejected():
    content = bytearray(zipped({"a.csv": CSV}))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(signature) + offset] |= 1
    with pytest.raises(ValueError, match="protected by a password"):
        readers.read(bytes(content), "t.zip")


def test_a_zip_archive_that_is_too_large_after_unpacking_is_rejected(monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 2**21)
    with pytest.raises(ValueError, match="exceeds the limit of 2 MB"):
        readers.read(zipped({"a.csv": bytes(2**22)}), "t.zip")


def test_text_with_the_beginning_of_a_signature_is_text():
    assert readers.read(b"ORC,b\n1,2\n3,4\n", "t.csv").format.kind == "text"
    assert set(kinds.KINDS.values()) == set(readers.formats.KIND_NAMES)


# Arrow


def test_arrow_columns_are_converted_like_parquet_columns():
    columns = pa.table(
        {"n": [1.5, None], "t": pa.array(["x", "y"]).dictionary_encode(), "d": pa.array([0, None], pa.date32())}
    )
    table = readers.read(saved(lambda file: pa.feather.write_feather(columns, file)), "t.feather").table
    np.testing.assert_array_equal(table["n"], [1.5, np.nan])
    assert list(table["t"]) == ["x", "y"]
    assert table["d"][0] == pd.Timestamp("1970-01-01")


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"a": [[1], [2]]}, "Column a contains lists"),
        ({"a": [b"x", b"y"]}, "Column a contains bytes"),
        ({"a": pa.array([], pa.float64())}, "no rows"),
    ],
)
def test_an_arrow_file_that_is_not_a_table_is_rejected(columns, sentence):
    content = saved(lambda file: pa.feather.write_feather(pa.table(columns), file))
    with pytest.raises(ValueError, match=sentence):
        readers.read(content, "t.feather")
    with pytest.raises(ValueError, match="Arrow file is damaged"):
        readers.read(content[:-20], "t.feather")


# Workbooks


def book(rows, **options):
    workbook = openpyxl.Workbook(**options)
    sheet = workbook.active
    for row in rows:
        sheet.append(row)
    return workbook


def test_errors_in_a_workbook_are_missing_values_and_counted():
    workbook = book([["a", "b"], [1, "x"], [None, "y"], [3, "z"]])
    workbook.active["A3"].value, workbook.active["A3"].data_type = "#DIV/0!", "e"
    reading = readers.read(saved(workbook.save), "t.xlsx")
    np.testing.assert_array_equal(reading.table["a"], [1, np.nan, 3])
    assert reading.notes == ("1 cell has an error such as #DIV/0!, treated as missing.",)


def test_whole_numbers_in_workbooks_are_integers():
    table = readers.read(excel(pd.DataFrame({2020: [1, 2], "b": [1.5, 2], "c": [2**53, 1]})), "t.xlsx").table
    assert list(table) == ["2020", "b", "c"]
    assert [table[name].dtype.kind for name in table] == ["i", "f", "i"]
    assert table["c"][0] == 2**53


def test_a_workbook_with_too_many_rows_or_cells_is_rejected_before_it_is_parsed(monkeypatch):
    content = excel(pd.DataFrame({"a": range(9), "b": range(9)}))
    monkeypatch.setattr(readers.workbooks, "_workbook", None)  # must not be needed
    for limit, sentence in (("MAX_SHEET_ROWS", "sheet exceeds the limit of 8 rows"), ("MAX_CELLS", "the limit of 8 cells")):
        with monkeypatch.context() as context:
            context.setattr(limits, limit, 8)
            with pytest.raises(ValueError, match=sentence):
                readers.read(content, "t.xlsx")


def test_tags_between_two_parts_of_a_worksheet_are_counted(monkeypatch):
    rows = "".join(f"<row r='{i}'><c t='n'><v>{'1' * (i % 97)}</v></c></row>" for i in range(30_000)).encode()
    assert len(rows) > 2**20
    content = zipped({"xl/worksheets/sheet1.xml": rows})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for limit, error in ((29_999, True), (30_000, False)):
            monkeypatch.setattr(limits, "MAX_SHEET_ROWS", limit)
            if error:
                with pytest.raises(ValueError, match="the limit of 29,999 rows"):
                    readers.workbooks._check_worksheets(archive)
            else:
                assert readers.workbooks._check_worksheets(archive) == 0


def test_a_workbook_with_a_password_is_rejected(monkeypatch):
    def protected(file):
        raise readers.workbooks.calamine.PasswordError

    monkeypatch.setattr(readers.workbooks.calamine.CalamineWorkbook, "from_filelike", staticmethod(protected), raising=False)
    with pytest.raises(ValueError, match="protected by a password"):
        readers.read(old_excel(), "t.xls")


def test_a_text_with_too_many_columns_is_rejected_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(limits, "MAX_TABLE_COLUMNS", 30)
    monkeypatch.setattr(readers, "detect_text", None)  # must not be needed
    for separator in ",;\t|":
        for text in (separator.join(f"x{i}" for i in range(31)), separator.join(f'"x{i}"' for i in range(31))):
            with pytest.raises(ValueError, match="has 31 columns, more than the limit of 30"):
                readers.detect(f"{text}\n{separator.join(['1'] * 31)}\n".encode(), "t.csv")


def test_separators_in_quotation_marks_are_not_counted(monkeypatch):
    monkeypatch.setattr(limits, "MAX_TABLE_COLUMNS", 3)
    assert list(readers.read(b'a,b\n"1,2,3,4",2\n"5,6,7,8",3\n', "t.csv").table) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"{\\rtf1 hello}", "a text document"), (b"<kml><a>1</a>\n</kml>\n", "an XML document"), (b"%!PS-Adobe-3.0\n%%x\n", "a")],
)
def test_documents_that_are_text_are_named(content, what):
    with pytest.raises(readers.ReadError, match=f"This file is {what}"):
        readers.read(content, "a.txt")


def test_a_stream_of_arrow_is_read():
    table = pa.Table.from_pandas(TABLE)
    content = saved(lambda file: pa.ipc.new_stream(file, table.schema).write_table(table))
    reading = readers.read(content, "a.arrows")
    assert reading.format.kind == "arrow"
    assert reading.table.to_numpy().tolist() == TABLE.to_numpy().tolist()
