"""The store of projects of browser tabs: secret tokens, limits, files on disk."""

import os
import stat

import pytest

from pages.export import tab_store
from pages.export.project import Project, StoredFile
from pages.export.tab_store import TabStore, configured_folder, new_token


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def project(content: bytes = b"a,b\n1,2\n", k: str = "3") -> Project:
    return Project("watch", {"k": [k]}, {"settings": {}}, {"file": StoredFile("a.csv", content)})


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["folder", "memory"])
def make(request, tmp_path, clock):
    """Creates a store in a folder or in memory, with any limits."""

    def create(**limits) -> TabStore:
        return TabStore(tmp_path / "kept" if request.param == "folder" else None, clock=clock, **limits)

    return create


def test_a_tab_gets_its_project_and_no_other_token_does(make):
    store, token = make(), new_token()
    store.save(token, project())
    found = store.load(token)
    assert (found.page, found.address, found.files["file"].content) == ("watch", {"k": ["3"]}, b"a,b\n1,2\n")
    for other in ("", new_token(), token[:-1], token + "A", token.swapcase(), "../" + token, "*", "\ud800", "\0"):
        assert store.load(other) is None


def test_neither_memory_nor_names_nor_contents_of_files_hold_the_token(tmp_path):
    store, token = TabStore(tmp_path / "kept"), new_token()
    store.save(token, project())
    for file in (tmp_path / "kept").rglob("*"):
        assert token not in str(file)
        assert file.is_dir() or token.encode() not in file.read_bytes()
    assert store.load(next((tmp_path / "kept").iterdir()).name) is None  # the hash is not a token
    in_memory = TabStore(None)
    in_memory.save(token, project())
    assert token not in repr(vars(in_memory))


def test_tokens_are_random_and_have_256_bits():
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 43  # characters of six bits


def test_a_project_expires_an_hour_after_its_last_use(make, clock):
    store, token = make(), new_token()
    store.save(token, project())
    clock.now += 3_599
    assert store.load(token)
    store.save(token, project(k="4"))
    clock.now += 3_599
    assert store.load(token).address == {"k": ["4"]}
    clock.now += 2
    assert store.load(token) is None


def test_the_oldest_projects_are_dropped_if_there_are_too_many(make, clock):
    store, tokens = make(max_projects=3), [new_token() for _ in range(5)]
    for token in tokens:
        clock.now += 1
        store.save(token, project())
    assert [store.load(token) is not None for token in tokens] == [False, False, True, True, True]


def test_the_oldest_projects_are_dropped_if_they_are_too_large(make, clock):
    store, tokens = make(max_folder_bytes=5_000, max_memory_bytes=5_000), [new_token() for _ in range(4)]
    for token in tokens:
        clock.now += 1
        store.save(token, project(bytes(2_000)))
    assert [store.load(token) is not None for token in tokens] == [False, False, True, True]


def test_the_file_that_was_replaced_is_deleted(tmp_path):
    store, token = TabStore(tmp_path), new_token()
    os.chmod(tmp_path, 0o700)
    store.save(token, project(b"first"))
    store.save(token, project(b"second"))
    assert store.load(token).files["file"].content == b"second"
    assert len(list(tmp_path.rglob("*"))) == 3  # the folder of the tab, the description and the file


def test_another_process_and_a_restarted_one_find_the_project(tmp_path):
    token = new_token()
    TabStore(tmp_path / "kept").save(token, project())
    assert TabStore(tmp_path / "kept").load(token).files["file"].name == "a.csv"
    assert TabStore(None).load(token) is None


def test_only_the_owner_can_read_the_folder(tmp_path):
    TabStore(tmp_path / "new" / "kept").save(new_token(), project())
    paths = [tmp_path / "new" / "kept", *(tmp_path / "new" / "kept").rglob("*")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o700 if path.is_dir() else 0o600 for path in paths]


@pytest.mark.parametrize("obstacle", ["a file", "a link", "open to others", "no space"])
def test_projects_are_kept_in_memory_if_the_folder_cannot_be_used(tmp_path, monkeypatch, obstacle):
    folder, elsewhere = tmp_path / "kept", tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if obstacle == "a file":
        folder.write_bytes(b"")
    elif obstacle == "a link":
        folder.symlink_to(elsewhere)
    elif obstacle == "open to others":
        folder.mkdir()
        folder.chmod(0o777)
    else:

        def fail(path, content):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(tab_store, "_write_file", fail)
    store, token = TabStore(folder), new_token()
    store.save(token, project())
    assert store.load(token).address == {"k": ["3"]}
    assert not list(elsewhere.iterdir())
    assert not folder.is_dir() or not list(folder.iterdir())


def test_other_files_in_the_folder_stay(tmp_path, clock):
    os.chmod(tmp_path, 0o700)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("words")
    os.utime(tmp_path / "precious", (0, 0))
    store = TabStore(tmp_path, max_projects=1)
    for _ in range(2):
        store.save(new_token(), project())
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "words"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_project_is_not_restored(tmp_path):
    store, token = TabStore(tmp_path / "kept"), new_token()
    store.save(token, project())
    next((tmp_path / "kept").rglob("project.json")).write_bytes(b"{")
    assert store.load(token) is None


def test_the_operator_chooses_the_folder(monkeypatch):
    monkeypatch.setenv(tab_store.FOLDER, "/srv/kept")
    assert str(configured_folder()) == "/srv/kept"
    monkeypatch.setenv(tab_store.FOLDER, "none")
    assert configured_folder() is None
    monkeypatch.delenv(tab_store.FOLDER)
    assert configured_folder().name.startswith("clustering-kept-")
