"""The house: arrows between folders run one way, Streamlit stays upstairs, and no algorithm is asked for by its name."""

import ast
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.methods import methods

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("watch", "hierarchy", "mixture", "data", "report", "compare", "restarts", "choose_k", "failures")
FLOORS = ("ui", "export", "runs", "methods", "figures", "datasets")
"""from the top down: a folder may use those below it"""
FILES = sorted((ROOT / "pages").rglob("*.py"))
CORE = sorted((ROOT / "clustering").rglob("*.py"))
LONGEST_SCRIPT = 120

KNOW_METHODS = ("methods", "hierarchy", "mixture")
"""folders that may name a method: that of all methods, and those of the pages about one"""
EXEMPT_FILES = {
    # data: which methods to look at in a ready-made comparison
    "compare/examples.py",
    # data: which method to look at in a ready-made study of starts
    "restarts/examples.py",
    # data: which methods fail, and which do not
    "ui/failure_examples.py",
}
"""files that name methods because that is what they list"""
EXEMPT_CONSTANTS = {
    # data: the methods that panels show until others are chosen
    ("ui/widgets.py", "PANEL_DEFAULTS"),
    ("ui/widgets.py", "GIVEN_DEFAULTS"),
}
"""constants of a module in which methods are named"""
EXEMPT_IMPORTS = {
    # a start at the cut of a tree is offered for every method, with the options of the tree
    ("ui/widgets.py", "tree_cut"),
    # the page about the tree is opened with the options of the tree
    ("ui/navigation.py", "tree_cut"),
}
"""files that import the module of one method"""
EXEMPT_PAGES = {
    # the folder of a page that has the name of its method
    ("ui/navigation.py", "mixture"),
}
"""files that name a page"""


def place_of(file: Path) -> str:
    return file.relative_to(ROOT / "pages").as_posix()


def folder_of(file: Path) -> str:
    return place_of(file).partition("/")[0]


def package_of(file: Path) -> str:
    return ".".join(file.parent.relative_to(ROOT).parts)


def imports(source: str, package: str) -> Iterator[str]:
    """The full names of what a file of this package imports, wherever in it and in whatever way; "?" where none can know."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            name = node.args[0] if node.args else None
            known = isinstance(name, ast.Constant) and isinstance(name.value, str)
            yield importlib.util.resolve_name(name.value, package) if known else "?"


def wrong_arrows(folder: str, source: str, package: str | None = None) -> list[str]:
    """The imports that do not point down, or that bring Streamlit where it does not belong."""
    below = FLOORS[FLOORS.index(folder) + 1 :] if folder in FLOORS else FLOORS
    wrong = []
    for name in imports(source, package or f"pages.{folder}"):
        root, *rest = name.split(".")
        if root == "pages" and (not rest or rest[0] not in (folder, *below)):
            wrong.append(name)
        if root == "streamlit" and folder not in (*PAGES, "ui"):
            wrong.append(name)
        if root == "?" and folder != "methods":  # which lists its own folder
            wrong.append(name)
    return wrong


def _name(node: ast.AST) -> str | None:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def words() -> set[str]:
    """Names and titles of all methods, and the names of their classes."""
    return {word for view in methods().values() for word in (view.name, view.title)} | classes()


def classes() -> set[str]:
    """The names of all classes of a method: its view and its process."""
    return {cls.__name__ for view in methods().values() for cls in (type(view), type(view.process(view.settings())))}


def modules() -> set[str]:
    """The names of the files of all methods."""
    return {type(view).__module__.rpartition(".")[2] for view in methods().values()}


def named_methods(source: str, exempt: frozenset[str] = frozenset()) -> list[str]:
    """Where a file has the name of a method as a text, alone or in a key of a widget: to compare with it, to look up by it, to
    pass it on, or for anything else. Constants of the module in `exempt` may."""
    tree = ast.parse(source)
    allowed = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if {_name(target) for target in targets} & exempt:
            allowed |= {id(part) for part in ast.walk(node)}
    names = {view.name for view in methods().values()}
    found = []
    for node in ast.walk(tree):
        if id(node) in allowed or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        parts = set(node.value.split("_"))
        if node.value in words() or (len(parts) > 1 and node.value.isidentifier() and parts & names - {"tree", "mixture"}):
            found.append(f"line {node.lineno}: {node.value!r}")
    return found


def asked_classes(source: str) -> list[str]:
    """Where a file asks whether something is of the class of a method, or is that class."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare(left=left, comparators=others):
                asked = [left, *others]
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                asked = [kinds]
            case ast.MatchClass(cls=kind):
                asked = [kind]
            case ast.MatchValue(value=value):
                asked = [value]
            case _:
                continue
        if {_name(part) for one in asked for part in ast.walk(one)} & classes():
            found.append(f"line {node.lineno}: {ast.unparse(node)[:80]}" if hasattr(node, "lineno") else ast.unparse(node))
    return found


def imported_methods(source: str, package: str) -> set[str]:
    """The files of single methods that a file imports, or imports anything from."""
    parts = [name.split(".") for name in imports(source, package)]
    of_files = {rest[2] for rest in parts if rest[:2] == ["pages", "methods"] and len(rest) > 2} & modules()
    homes = {type(view).__name__: type(view).__module__.rpartition(".")[2] for view in methods().values()}
    return of_files | {homes[rest[-1]] for rest in parts if rest[-1] in homes}


def test_every_folder_has_a_place():
    assert {folder_of(file) for file in FILES} == {*PAGES, *FLOORS}
    assert all((ROOT / "pages" / page / "page.py").is_file() for page in PAGES)


@pytest.mark.parametrize("file", FILES, ids=place_of)
def test_arrows_run_down_and_streamlit_stays_upstairs(file):
    assert wrong_arrows(folder_of(file), file.read_text(encoding="utf-8"), package_of(file)) == []


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.name)
def test_the_core_knows_neither_the_app_nor_what_it_is_drawn_with(file):
    roots = {name.partition(".")[0] for name in imports(file.read_text(encoding="utf-8"), "clustering")}
    assert roots <= {"clustering", "numpy", "scipy", *sys.stdlib_module_names}


@pytest.mark.parametrize(
    ("folder", "source", "wrong"),
    [
        ("runs", "from pages.ui import widgets", ["pages.ui.widgets"]),
        ("watch", "def f():\n    import pages.compare.scores", ["pages.compare.scores"]),
        ("figures", "import streamlit as st", ["streamlit"]),
        ("runs", "from ..ui import widgets", ["pages.ui.widgets"]),
        ("runs", "from .. import ui", ["pages.ui"]),
        ("runs", "from ..ui.widgets import *", ["pages.ui.widgets.*"]),
        ("runs", "import pages", ["pages"]),
        ("runs", "import importlib\nimportlib.import_module('pages.ui.widgets')", ["pages.ui.widgets"]),
        ("runs", "from importlib import import_module\nimport_module('..ui', 'pages.runs')", ["pages.ui"]),
        ("runs", "st = __import__('streamlit')", ["streamlit"]),
        ("runs", "import importlib\nimportlib.import_module(f'pages.{name}')", ["?"]),
        ("ui", "import streamlit\nfrom pages.runs import run\nfrom ..runs import run\nfrom clustering import fit", []),
        ("runs", "from . import frames\nfrom .frames import Frame", []),
    ],
)
def test_an_arrow_that_runs_up_is_found(folder, source, wrong):
    assert wrong_arrows(folder, source) == wrong


def test_a_relative_import_is_of_the_package_of_its_file():
    assert wrong_arrows("ui", "from ...watch import page", "pages.ui.player") == ["pages.watch.page"]
    assert wrong_arrows("ui", "from ..widgets import session_cache", "pages.ui.player") == []


@pytest.mark.parametrize("file", FILES, ids=place_of)
def test_no_method_is_asked_for_by_its_name_or_class(file):
    place, source = place_of(file), file.read_text(encoding="utf-8")
    if folder_of(file) in KNOW_METHODS:
        return
    allowed = frozenset(name for where, name in EXEMPT_CONSTANTS if where == place)
    pages = {page for where, page in EXEMPT_PAGES if where == place}
    named = [one for one in named_methods(source, allowed) if not any(one.endswith(f" {page!r}") for page in pages)]
    assert place in EXEMPT_FILES or named == []
    assert asked_classes(source) == []
    assert imported_methods(source, package_of(file)) <= {name for where, name in EXEMPT_IMPORTS if where == place}


def test_every_exemption_is_needed():
    sources = {place_of(file): file.read_text(encoding="utf-8") for file in FILES}
    assert {place for place in EXEMPT_FILES if place not in sources or not named_methods(sources[place])} == set()
    unneeded = {(place, name) for place, name in EXEMPT_CONSTANTS if f"\n{name} = " not in sources[place]}
    unneeded |= {
        (place, name) for place, name in EXEMPT_IMPORTS if name not in imported_methods(sources[place], f"pages.{place}")
    }
    unneeded |= {(place, page) for place, page in EXEMPT_PAGES if f"{page!r}" not in str(named_methods(sources[place]))}
    assert unneeded == set()


@pytest.mark.parametrize(
    "source",
    [
        'if settings.method == "kmeans": ...',
        'if view.title != "K-means": ...',
        'x = 1 if name in ("mixture", "other") else 2',
        'titles = {"kmeans": 1}',
        'match name:\n    case "tree": ...',
        'match name:\n    case "tree" | "other": ...',
        'ways = table.get("kmedoids", ())',
        'if name.startswith("kmeans"): ...',
        'x = table["fuzzy"]',
        'view = method("mixture")',
        'view = settings(name="mixture")',
        'NAME = "kmeans"',
        'if type(process).__name__ == "KMeans": ...',
        'def f(method="kmeans"): ...',
        'x = state["start_kmeans"]',
        'x = state["kmedoids_metric"]',
    ],
)
def test_the_name_of_a_method_is_found(source):
    assert len(named_methods(source)) == 1


def test_words_that_only_resemble_names_are_not_found():
    assert named_methods('"""About kmeans."""\nx = f"{a} tree"\ny = "trees"\nz = "tree_of_points"') == []
    assert named_methods('DEFAULTS = ("kmeans", {"a": "tree"})\n', frozenset({"DEFAULTS"})) == []
    assert len(named_methods('DEFAULTS = 1\nOTHERS = ("kmeans",)\n', frozenset({"DEFAULTS"}))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "if isinstance(view, KMeansView): ...",
        "if isinstance(process, clustering.KMeans): ...",
        "if isinstance(process, (TreeCut, int)): ...",
        "if issubclass(kind, GaussianMixture): ...",
        "if type(process) is KMedoids: ...",
        "if type(process) == KMedoids: ...",
        "if type(process) in (KMedoids, int): ...",
        "match process:\n    case FuzzyCMeans(): ...",
        "match kind:\n    case clustering.KMeans: ...",
        'if type(process).__name__ == KMeans.__name__: ...',
    ],
)  # fmt: skip
def test_a_question_about_the_class_of_a_method_is_found(source):
    assert len(asked_classes(source)) == 1
    assert asked_classes("rows = KMedoids(k, init=way).start(data, rng)\nif isinstance(start, ManualStart): ...") == []


@pytest.mark.parametrize(
    "source",
    [
        "from pages.methods.kmeans import METHOD",
        "from pages.methods import kmeans",
        "import pages.methods.kmeans",
        "from ..methods.kmeans import METHOD",
        "import importlib\nimportlib.import_module('pages.methods.kmeans')",
        "from pages.somewhere import KMeansView",
    ],
)
def test_an_import_of_a_single_method_is_found(source):
    assert imported_methods(source, "pages.ui") == {"kmeans"}
    assert (
        imported_methods("from pages.methods import method\nfrom pages.methods.trees import build_tree", "pages.ui") == set()
    )


def test_no_class_stands_for_two_things():
    names = Counter(
        node.name
        for file in (*FILES, *CORE)
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in names.items() if count > 1} == set()


def test_page_scripts_are_short():
    lengths = {page: len((ROOT / "pages" / page / "page.py").read_text(encoding="utf-8").splitlines()) for page in PAGES}
    assert {page: length for page, length in lengths.items() if length > LONGEST_SCRIPT} == {}
