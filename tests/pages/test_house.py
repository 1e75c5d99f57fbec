"""The house: arrows between folders run one way, Streamlit stays upstairs, and no algorithm is asked for by its name."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from pages.methods import methods

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("watch", "hierarchy", "mixture", "data", "report", "compare", "restarts", "choose_k", "failures")
FLOORS = ("ui", "export", "runs", "methods", "figures", "datasets")
"""from the top down: a folder may use those below it"""
ABOUT_ONE_METHOD = ("hierarchy", "mixture")
FILES = sorted((ROOT / "pages").rglob("*.py"))


def folder_of(file: Path) -> str:
    return file.relative_to(ROOT / "pages").parts[0]


def imports(source: str) -> list[str]:
    """The modules that a file imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def wrong_arrows(folder: str, source: str) -> list[str]:
    """The imports that do not point down, or that bring Streamlit where it does not belong."""
    below = FLOORS[FLOORS.index(folder) + 1 :] if folder in FLOORS else FLOORS
    wrong = []
    for name in imports(source):
        parts = name.split(".")
        if parts[0] == "pages" and parts[1] not in (folder, *below):
            wrong.append(name)
        if parts[0] == "streamlit" and folder not in (*PAGES, "ui"):
            wrong.append(name)
    return wrong


def named_methods(source: str, names: set[str]) -> list[str]:
    """Where a file compares something with the name of a method, matches it, or has a dictionary by these names."""
    found = []

    def is_name(node) -> bool:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(map(is_name, node.elts))
        return isinstance(node, ast.Constant) and node.value in names

    for node in ast.walk(ast.parse(source)):
        compared = isinstance(node, ast.Compare) and any(map(is_name, (node.left, *node.comparators)))
        matched = isinstance(node, ast.MatchValue) and is_name(node.value)
        keyed = isinstance(node, ast.Dict) and sum(key is not None and is_name(key) for key in node.keys) > 1
        if compared or matched or keyed:
            found.append(f"line {node.lineno}: {ast.unparse(node)[:80]}")
    return found


def test_every_folder_has_a_place():
    assert {folder_of(file) for file in FILES} == {*PAGES, *FLOORS}
    assert all((ROOT / "pages" / page / "page.py").is_file() for page in PAGES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT / "pages")))
def test_arrows_run_down_and_streamlit_stays_upstairs(file):
    assert wrong_arrows(folder_of(file), file.read_text(encoding="utf-8")) == []


def test_an_arrow_that_runs_up_is_found():
    assert wrong_arrows("runs", "from pages.ui import widgets") == ["pages.ui.widgets"]
    assert wrong_arrows("watch", "def f():\n    import pages.compare.scores") == ["pages.compare.scores"]
    assert wrong_arrows("figures", "import streamlit as st") == ["streamlit"]
    assert wrong_arrows("ui", "import streamlit\nfrom pages.runs import run\nfrom clustering import fit") == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT / "pages")))
def test_no_method_is_asked_for_by_its_name(file):
    if folder_of(file) not in ("methods", *ABOUT_ONE_METHOD):
        assert named_methods(file.read_text(encoding="utf-8"), set(methods())) == []


@pytest.mark.parametrize(
    "source",
    [
        'if settings.method == "kmeans": ...',
        'x = 1 if name in ("mixture", "tree") else 2',
        'titles = {"kmeans": 1, "kmedoids": 2}',
        'match name:\n    case "tree": ...',
    ],
)
def test_a_method_that_is_asked_for_by_its_name_is_found(source):
    assert len(named_methods(source, {"kmeans", "kmedoids", "mixture", "tree"})) == 1


def test_no_class_stands_for_two_things():
    names = Counter(
        node.name
        for file in (*FILES, *(ROOT / "clustering").glob("*.py"))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in names.items() if count > 1} == set()


def test_page_scripts_are_short():
    lengths = {page: len((ROOT / "pages" / page / "page.py").read_text(encoding="utf-8").splitlines()) for page in PAGES}
    assert {page: length for page, length in lengths.items() if length > 150} == {}
