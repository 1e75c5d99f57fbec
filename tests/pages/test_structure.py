"""The structure of the code: folders import only from those below them, only pages and `ui` import Streamlit, and only the
code of methods contains names of methods."""

import ast
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pages.methods import methods

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *("watch", "segments", "hierarchy", "density", "mixture", "embedding", "data", "report"),
    *("compare", "grid", "breaking_points", "restarts", "choose_k"),
    "failures",
)
LAYERS = ("ui", "export", "runs", "methods", "figures", "datasets")
"""from top to bottom: a folder may import from those below it"""
FILES = sorted((ROOT / "pages").rglob("*.py"))
CORE = sorted((ROOT / "clustering").rglob("*.py"))
MAX_SCRIPT_LINES = 120

KNOW_METHODS = ("methods", "hierarchy", "density", "mixture", "embedding")
"""folders that may name a method: the methods themselves, and pages about one or two methods"""
EXEMPT_FILES = {
    # data: the methods of each example on the Compare page
    "compare/examples.py",
    # data: the method of each example on the Restarts page
    "restarts/examples.py",
    # data: the method of each failure example and its fix
    "ui/failure_examples.py",
}
"""files that contain lists of methods"""
EXEMPT_CONSTANTS = {
    # data: the default methods of the panels on the Compare page
    ("ui/widgets.py", "PANEL_DEFAULTS"),
    ("ui/widgets.py", "PRECOMPUTED_PANEL_DEFAULTS"),
}
"""module constants that contain names of methods"""
EXEMPT_IMPORTS = {
    # every method can be initialized with the cut of a tree, with the options of the tree
    ("ui/widgets.py", "tree_cut"),
    # the Hierarchical page is opened with the options of the tree
    ("ui/navigation.py", "tree_cut"),
}
"""files that import the module of a single method"""
EXEMPT_PAGES = {
    # the folder of the page has the name of its method
    ("ui/navigation.py", "mixture"),
}
"""files that name such a page"""


@cache
def parse(source: str) -> ast.Module:
    return ast.parse(source)


@cache
def nodes_of(source: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parse(source)))


def path_in_pages(file: Path) -> str:
    return file.relative_to(ROOT / "pages").as_posix()


def folder_of(file: Path) -> str:
    return path_in_pages(file).partition("/")[0]


def package_of(file: Path) -> str:
    return ".".join(file.parent.relative_to(ROOT).parts)


def imports(source: str, package: str) -> Iterator[str]:
    """Full names of everything that a file of this package imports; "?" for names computed at run time."""
    for node in nodes_of(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            name = node.args[0] if node.args else None
            known = isinstance(name, ast.Constant) and isinstance(name.value, str)
            yield importlib.util.resolve_name(name.value, package) if known else "?"


def shown_strings(source: str) -> list[str]:
    """Strings in a page script that Streamlit would show: expressions outside of functions, except the docstring."""
    return [
        ast.unparse(node.value)
        for node in parse(source).body[1:]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]


def wrong_imports(folder: str, source: str, package: str | None = None) -> list[str]:
    """The imports from a folder that is not below this one, and those of Streamlit where it is not allowed."""
    below = LAYERS[LAYERS.index(folder) + 1 :] if folder in LAYERS else LAYERS
    wrong = []
    for name in imports(source, package or f"pages.{folder}"):
        root, *rest = name.split(".")
        if root == "pages" and (not rest or rest[0] not in (folder, *below)):
            wrong.append(name)
        if root == "streamlit" and folder not in (*PAGES, "ui"):
            wrong.append(name)
        if root == "?" and folder != "methods":  # which imports the files of its own folder by name
            wrong.append(name)
    return wrong


def _name(node: ast.AST) -> str | None:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


@cache
def words() -> frozenset[str]:
    """Names and titles of all methods, and the names of their classes."""
    return frozenset(word for view in methods().values() for word in (view.name, view.title)) | classes()


@cache
def classes() -> frozenset[str]:
    """The names of all classes of a method: its view and its process."""
    return frozenset(cls.__name__ for view in methods().values() for cls in (type(view), type(view.process(view.settings()))))


def modules() -> set[str]:
    """The names of the files of all methods."""
    return {type(view).__module__.rpartition(".")[2] for view in methods().values()}


def named_methods(source: str, exempt: frozenset[str] = frozenset()) -> list[str]:
    """The lines with the name of a method as a string, alone or in the key of a widget.

    The values of the module constants in `exempt` are ignored.
    """
    tree = parse(source)
    allowed = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if {_name(target) for target in targets} & exempt:
            allowed |= {id(part) for part in ast.walk(node)}
    names = {view.name for view in methods().values()}
    found = []
    for node in nodes_of(source):
        if id(node) in allowed or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        parts = set(node.value.split("_"))
        if node.value in words() or (len(parts) > 1 and node.value.isidentifier() and parts & names - {"tree", "mixture"}):
            found.append(f"line {node.lineno}: {node.value!r}")
    return found


def compared_classes(source: str) -> list[str]:
    """The comparisons and instance checks in a file that involve the class of a method."""
    found = []
    for node in nodes_of(source):
        match node:
            case ast.Compare(left=left, comparators=others):
                parts_compared = [left, *others]
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                parts_compared = [kinds]
            case ast.MatchClass(cls=kind):
                parts_compared = [kind]
            case ast.MatchValue(value=value):
                parts_compared = [value]
            case _:
                continue
        if {_name(part) for one in parts_compared for part in ast.walk(one)} & classes():
            found.append(f"line {node.lineno}: {ast.unparse(node)[:80]}" if hasattr(node, "lineno") else ast.unparse(node))
    return found


def imported_methods(source: str, package: str) -> set[str]:
    """The modules of single methods that a file imports, or imports anything from."""
    parts = [name.split(".") for name in imports(source, package)]
    of_files = {rest[2] for rest in parts if rest[:2] == ["pages", "methods"] and len(rest) > 2} & modules()
    module_of_class = {type(view).__name__: type(view).__module__.rpartition(".")[2] for view in methods().values()}
    return of_files | {module_of_class[rest[-1]] for rest in parts if rest[-1] in module_of_class}


def test_every_folder_is_a_page_or_a_layer():
    assert {folder_of(file) for file in FILES} == {*PAGES, *LAYERS}
    assert all((ROOT / "pages" / page / "page.py").is_file() for page in PAGES)


@pytest.mark.parametrize("script", [ROOT / "dashboard.py", *(ROOT / "pages" / name / "page.py" for name in PAGES)], ids=str)
def test_page_scripts_contain_no_strings_that_streamlit_would_show(script):
    assert shown_strings(script.read_text(encoding="utf-8")) == []


def test_strings_in_page_scripts_are_found():
    assert shown_strings('"""docstring"""\nlimit = 1\n"""about the limit"""\ndef f():\n    "inside"\n') == [
        "'about the limit'"
    ]


@pytest.mark.parametrize("file", FILES, ids=path_in_pages)
def test_imports_come_from_lower_layers_and_streamlit_is_only_used_in_pages_and_ui(file):
    assert wrong_imports(folder_of(file), file.read_text(encoding="utf-8"), package_of(file)) == []


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.name)
def test_the_package_imports_only_numpy_scipy_and_the_standard_library(file):
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
def test_an_import_from_a_higher_layer_is_found(folder, source, wrong):
    assert wrong_imports(folder, source) == wrong


def test_relative_imports_are_resolved_in_the_package_of_the_file():
    assert wrong_imports("ui", "from ...watch import page", "pages.ui.player") == ["pages.watch.page"]
    assert wrong_imports("ui", "from ..widgets import session_cache", "pages.ui.player") == []


@pytest.mark.parametrize("file", FILES, ids=path_in_pages)
def test_no_file_outside_the_methods_names_a_method_or_its_class(file):
    path, source = path_in_pages(file), file.read_text(encoding="utf-8")
    if folder_of(file) in KNOW_METHODS:
        return
    allowed = frozenset(name for where, name in EXEMPT_CONSTANTS if where == path)
    pages = {page for where, page in EXEMPT_PAGES if where == path}
    named = [one for one in named_methods(source, allowed) if not any(one.endswith(f" {page!r}") for page in pages)]
    assert path in EXEMPT_FILES or named == []
    assert compared_classes(source) == []
    assert imported_methods(source, package_of(file)) <= {name for where, name in EXEMPT_IMPORTS if where == path}


def test_every_exemption_is_needed():
    sources = {path_in_pages(file): file.read_text(encoding="utf-8") for file in FILES}
    assert {path for path in EXEMPT_FILES if path not in sources or not named_methods(sources[path])} == set()
    unneeded = {(path, name) for path, name in EXEMPT_CONSTANTS if f"\n{name} = " not in sources[path]}
    unneeded |= {(path, name) for path, name in EXEMPT_IMPORTS if name not in imported_methods(sources[path], f"pages.{path}")}
    unneeded |= {(path, page) for path, page in EXEMPT_PAGES if f"{page!r}" not in str(named_methods(sources[path]))}
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
        'names = table.get("kmedoids", ())',
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


def test_strings_that_resemble_names_are_not_found():
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
def test_a_comparison_with_the_class_of_a_method_is_found(source):
    assert len(compared_classes(source)) == 1
    assert compared_classes("rows = KMedoids(k, init=name).start(data, rng)\nif isinstance(start, ManualStart): ...") == []


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


def test_class_names_are_unique():
    names = Counter(
        node.name
        for file in (*FILES, *CORE)
        for node in parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in names.items() if count > 1} == set()


def test_page_scripts_are_short():
    lengths = {page: len((ROOT / "pages" / page / "page.py").read_text(encoding="utf-8").splitlines()) for page in PAGES}
    assert {page: length for page, length in lengths.items() if length > MAX_SCRIPT_LINES} == {}
