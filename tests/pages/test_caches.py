"""Caches of the process are bounded: they must not grow with the number of sessions."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHES = {"cache", "lru_cache", "cache_data", "cache_resource"}
BOUNDS = {"maxsize", "max_entries"}


def unbounded(source: str) -> list[str]:
    """The functions of a module that have arguments and an unbounded cache."""
    if "cache" not in source:  # as in most files, whose syntax trees take long to build
        return []
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [one.name for one in functions if ast.unparse(one.args) and any(map(is_unbounded, one.decorator_list))]


def is_unbounded(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = ast.unparse(called).split(".")[-1]
    bounds = [key.value for key in getattr(decorator, "keywords", []) if key.arg in BOUNDS]
    return name in CACHES and not any(isinstance(bound, ast.Constant) and bound.value for bound in bounds)


def test_all_caches_are_bounded():
    files = [ROOT / "dashboard.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "clustering").glob("*.py")]
    found = {str(file.relative_to(ROOT)): unbounded(file.read_text(encoding="utf-8")) for file in files}
    assert {file: names for file, names in found.items() if names} == {}


def test_unbounded_caches_are_found():
    unlimited = "@cache\ndef a(x): ...\n@st.cache_data\ndef b(x): ...\n@st.cache_resource(ttl=3)\ndef c(*x): ...\n"
    bounded = "@lru_cache(maxsize=8)\ndef d(x): ...\n@st.cache_data(max_entries=3)\ndef e(x): ...\n@cache\ndef f(): ...\n"
    assert unbounded(unlimited + bounded) == ["a", "b", "c"]
