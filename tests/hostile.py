"""Names that look like markup, code, formulas or variables, and tables and texts that consist of them."""

import csv
import io

import numpy as np
from openpyxl import Workbook

IMAGE = "<img src=x onerror=window.hacked=1>"
BREAK = "a\nb"
FORMULA = '=HYPERLINK("http://evil.example")'
LONG = "long " * 1_000
CATEGORIES = "{0}"
"""a column of categories in the table below"""
NAMES = (
    IMAGE,
    "<script>window.hacked=1</script>",
    '"><b>',
    "%{x} 100%{evil}",
    "%{customdata}",
    "$a$ \\(x\\)",
    "[x](javascript:alert(1))",
    "![i](http://evil.example/x.png)",
    ":material/home:",
    CATEGORIES,
    BREAK,
    FORMULA,
    "&quot;",
    "'; DROP TABLE x; --",
    "\u202eright to left\u202c zero\u200bwidth\ufeff",
    LONG,
    "constructor",
    "__proto__",
    "bell\x07 escape\x1b[31m",
    'a\\nb \'""" {x!r}',
    "</script><svg onload=window.hacked=1>",
    "<style>*{display:none}</style>",
)
BLANK = "   "
ROW_NAMES, LABELS = "name", "<u>kind</u>"
"""columns of the table below"""
TITLE = f"{IMAGE} \"%{{x}}' &quot; $a$ [x](javascript:alert(1)) %{{evil}}"
SHEETS = ("<img src=x onerror=hacked=1>", '"><b>', "%{x} $a$", "=1+1", "__proto__")
"""Excel allows no more than 31 characters in them, and no brackets, colons and slashes"""
SEGMENTS = (IMAGE, '"><b> %{evil} $a$\n', "![i](http://evil.example/x.png)")
N = 3 * len(NAMES)


def table(*more: str) -> list[list[str]]:
    """A header and N rows in three groups: these names of columns and `more`; two columns of categories, names, labels."""
    rng = np.random.default_rng(0)
    rows = [[*NAMES, *more, ROW_NAMES, LABELS]]
    for i in range(N):
        cells = [f"{value:.2f}" for value in rng.normal(size=len(NAMES) + len(more)) + 4 * (i % 3)]
        cells[8], cells[9] = NAMES[5 * (i % 3)], NAMES[2 + 7 * (i % 3)]
        rows.append([*cells, f"{NAMES[i % len(NAMES)]}{i // len(NAMES) or ''}", NAMES[i % 3]])
    return rows


def csv_text(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def workbook() -> bytes:
    """The table as an Excel file, in the first of several sheets."""
    book = Workbook()
    book.active.title = SHEETS[0]
    for row in table():
        book.active.append([cell.replace("\x07", "").replace("\x1b", "") for cell in row])
    for name in SHEETS[1:]:
        book.create_sheet(name).append(["a", "b"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def item_lists(n: int = 120) -> str:
    """Lists of items, one in each line."""
    items = [name.replace(",", "").replace("\n", " ") for name in NAMES]
    steps = np.random.default_rng(0).integers(1, 5, (n, 3)).cumsum(axis=1)
    return "\n".join(", ".join(items[(i + step) % len(items)] for step in row) for i, row in enumerate(steps.tolist()))
