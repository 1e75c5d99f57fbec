"""Projects: one file with the data and settings of a session, which may come from anyone."""

import io
import json
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from pages.datasets import catalog
from pages.datasets.data import ColumnScaling, Data
from pages.datasets.readers import ReadError
from pages.export import project
from pages.export.project import Project, StoredFile, from_parquet, from_zip, is_project, to_parquet, to_zip

PROJECT = Project(
    "segments",
    {"source": ["Upload"], "k": ["4"]},
    {"settings": {"focus": 3}, "drawn": [[0.1, 2.0]]},
    {"file": StoredFile("Kunden 2024 (ö).csv", b"a,b\n1,2\n3,4\n"), "pasted": StoredFile("pasted.txt", b"x\n1\n")},
)
VALID = dict(kind=project.KIND, version=1, page="", address={}, state={}, files={})
FILE = dict(name="a.csv", member="data/a.csv")


def archive(description, members=(), **changes) -> bytes:
    """A project file with any description, as an object or as bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        if description is not None:
            text = description if isinstance(description, bytes) else json.dumps(description | changes).encode()
            file.writestr("project.json", text)
        for name, data in members:
            file.writestr(name, data)
    return content.getvalue()


def same(one: Project, other: Project) -> bool:
    files = [{purpose: (file.name, file.content) for purpose, file in p.files.items()} for p in (one, other)]
    return (one.page, one.address, one.state) == (other.page, other.address, other.state) and files[0] == files[1]


def test_a_saved_project_is_the_same_when_it_is_opened():
    content = to_zip(PROJECT)
    assert is_project(content)
    assert same(from_zip(content), PROJECT)


def test_the_file_holds_json_and_the_original_bytes_and_never_a_path_outside():
    with zipfile.ZipFile(io.BytesIO(to_zip(PROJECT))) as file:
        assert file.namelist() == ["project.json", "data/1 Kunden-2024-.csv", "data/2 pasted.txt"]
        assert file.read("data/1 Kunden-2024-.csv") == b"a,b\n1,2\n3,4\n"
        assert json.loads(file.read("project.json"))["version"] == 1
    hostile = Project(files={"file": StoredFile("../../etc/passwd", b"1")})
    with zipfile.ZipFile(io.BytesIO(to_zip(hostile))) as file:
        assert file.namelist()[1] == "data/1 -..-etc-passwd"


@given(name=strategies.text(min_size=1, max_size=50), content=strategies.binary(max_size=100))
@settings(max_examples=30, deadline=None)
def test_any_name_and_content_are_kept(name, content):
    assert same(from_zip(to_zip(one := Project(files={"file": StoredFile(name, content)}))), one)


def test_other_zip_archives_are_no_projects():
    assert not is_project(b"")
    assert not is_project(b"a,b\n1,2\n")
    assert not is_project(archive(None, [("table.csv", b"a\n1\n")]))
    with pytest.raises(ValueError, match="not a project"):
        from_zip(archive(None, [("table.csv", b"a\n1\n")]))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (archive(b"{"), "not valid JSON"),
        (archive(b"\xff\xfe"), "not valid JSON"),
        (archive(b"[" * 100_000), "not valid JSON"),
        (archive(json.dumps(VALID)[:-1].encode() + b', "x": NaN}'), "not valid JSON"),
        (archive(b"[]"), "not a project"),
        (archive(VALID, kind="model"), "not a project"),
        (archive(VALID, version=2), "has the version 2, but only version 1 can be read"),
        (archive(VALID, version="1"), "has the version"),
        (archive(VALID, version=True), "has the version"),
        (archive(VALID, page="../../etc"), "missing or invalid"),
        (archive(VALID, page="https://example.org"), "missing or invalid"),
        (archive(VALID, page="nowhere"), "missing or invalid"),
        (archive(VALID, page=None), "missing or invalid"),
        (archive(VALID, address=[]), "missing or invalid"),
        (archive(VALID, address={"k": "3"}), "missing or invalid"),
        (archive(VALID, address={"k": [3]}), "missing or invalid"),
        (archive(VALID, address={str(i): [] for i in range(501)}), "missing or invalid"),
        (archive(VALID, state=3), "missing or invalid"),
        (archive(VALID, files={"file": 3}), "missing or invalid"),
        (archive(VALID, files={"file": {"name": "a"}}), "missing or invalid"),
        (archive(VALID, files={"file": FILE | {"name": ""}}), "missing or invalid"),
        (archive(VALID, files={"file": FILE | {"member": "project.json"}}), "missing or invalid"),
        (archive(VALID, files={"file": FILE}), "damaged or incomplete"),
        (archive(VALID, files={"file": FILE | {"member": "/etc/passwd"}}), "damaged or incomplete"),
        (archive(VALID, [(f"data/{i}", b"") for i in range(10)]), "not a project"),
        (archive(VALID)[:-30], "not a project"),
        (archive(VALID).replace(b"PK\x01\x02", b"PK\x01\x03"), "damaged or incomplete"),
    ],
)  # fmt: skip
def test_a_hostile_file_gets_a_sentence(content, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        from_zip(content)
    assert str(error.value).endswith(".")


def test_a_file_that_is_damaged_anywhere_gets_a_sentence_or_is_read():
    content = to_zip(PROJECT)
    for position in range(0, len(content), 7):
        damaged = content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]
        with suppress(ReadError):
            from_zip(damaged)


def test_a_zip_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(project, "MAX_UNPACKED_BYTES", 10_000)
    monkeypatch.setattr(project, "MAX_DESCRIPTION_BYTES", 1_000)
    files = {str(i): FILE | {"member": f"data/{i}"} for i in range(3)}
    assert from_zip(archive(VALID, [(f"data/{i}", bytes(3_000)) for i in range(3)], files=files)).size == 9_000
    with pytest.raises(ValueError, match="exceeds the limit"):
        from_zip(archive(VALID, [(f"data/{i}", bytes(4_000)) for i in range(3)], files=files))
    # one member of which every file is a copy counts each time
    with pytest.raises(ValueError, match="exceeds the limit"):
        from_zip(archive(VALID, [("data/a.csv", bytes(4_000))], files=dict.fromkeys("abc", FILE)))
    with pytest.raises(ValueError, match="exceeds the limit"):
        from_zip(archive(VALID, state={"x": "y" * 2_000}))
    lying = archive(VALID, [("data/a.csv", bytes(20_000))], files={"file": FILE}).replace(
        (20_000).to_bytes(4, "little"), (20).to_bytes(4, "little")
    )
    with pytest.raises(ValueError, match=r"damaged|exceeds"):
        from_zip(lying)


def test_a_project_that_could_not_be_opened_is_not_saved(monkeypatch):
    monkeypatch.setattr(project, "MAX_UNPACKED_BYTES", 10)
    with pytest.raises(ValueError, match="larger than the limit"):
        to_zip(PROJECT)


def test_generated_points_are_the_same_in_a_parquet_file():
    sample = catalog.draw_sample("three", 50, 0, {})
    data = Data(
        "key",
        "Words",
        ("a", "b"),
        sample.points,
        labels=sample.labels,
        label_name="true",
        note="A note.",
        noun="word",
        names=np.array([f"w{i}" for i in range(50)], dtype=object),
        occurrences=np.arange(50, 0, -1),
        rows=np.arange(7, 57),
        same_units=True,
        scaling=ColumnScaling("standardize", ("a", "b"), np.array([1.0, 2.0]), np.array([3.0, 4.0])),
    )
    found = from_parquet(to_parquet(data))
    for name in ("points", "labels", "names", "occurrences", "rows"):
        assert np.array_equal(getattr(found, name), getattr(data, name)), name
    for name in ("title", "columns", "label_name", "note", "noun", "same_units"):
        assert getattr(found, name) == getattr(data, name), name
    assert found.scaling.name == "standardize"
    assert found.scaling.scale.tolist() == [3.0, 4.0]
    assert found.key == from_parquet(to_parquet(found)).key != data.key


@pytest.mark.parametrize(
    "content", [b"", b"PAR1PAR1", b"a,b\n", to_parquet(catalog.draw_sample("three", 5, 0, {}))[:-9]], ids=range(4)
)
def test_a_damaged_parquet_file_gets_a_sentence(content):
    with pytest.raises(ValueError, match=r"\.$"):
        from_parquet(content)
