"""What the process keeps for everybody: it must not grow with the people who come."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHES = {"cache", "lru_cache", "cache_data", "cache_resource"}
BOUNDS = {"maxsize", "max_entries"}


def unbounded(source: str) -> list[str]:
    """The functions of this module whose results are all kept, for any arguments that they were called with."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [one.name for one in functions if ast.unparse(one.args) and any(map(keeps_all, one.decorator_list))]


def keeps_all(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = ast.unparse(called).split(".")[-1]
    bounds = [key.value for key in getattr(decorator, "keywords", []) if key.arg in BOUNDS]
    return name in CACHES and not any(isinstance(bound, ast.Constant) and bound.value for bound in bounds)


def test_no_cache_keeps_everything():
    files = [ROOT / "dashboard.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "clustering").glob("*.py")]
    found = {str(file.relative_to(ROOT)): unbounded(file.read_text(encoding="utf-8")) for file in files}
    assert {file: names for file, names in found.items() if names} == {}


def test_a_cache_that_keeps_everything_is_found():
    keep_all = "@cache\ndef a(x): ...\n@st.cache_data\ndef b(x): ...\n@st.cache_resource(ttl=3)\ndef c(*x): ...\n"
    bounded = "@lru_cache(maxsize=8)\ndef d(x): ...\n@st.cache_data(max_entries=3)\ndef e(x): ...\n@cache\ndef f(): ...\n"
    assert unbounded(keep_all + bounded) == ["a", "b", "c"]
