"""What is found while cells are converted: notes, markers of missing values, and values that are ambiguous."""

import re
from collections import Counter

from pages.datasets.readers.formats import Doubt, Format, ambiguity

CODES_OF_MISSING = (-99.0, -999.0, -9999.0, -99999.0)
"""numbers that often stand for missing values"""
ORDERS = {"dmy": "day", "mdy": "month"}
"""what comes first in a date"""


class TableFindings:
    """Collects notes and doubts while columns are converted."""

    def __init__(self):
        self.notes: dict[str, list[str]] = {}
        self.gaps: Counter = Counter()
        self.orders: dict[str, list[str]] = {}
        """columns of dates for which this order of day and month is a guess"""
        self.cases: dict[str, list[str]] = {}
        """columns with text values that differ only in case, with examples"""
        self.codes: dict[float, list[str]] = {}
        """columns with each of `CODES_OF_MISSING`"""
        self.ambiguous = ""
        """a number such as 1.234 whose separator was read as decimal but may be a thousands separator"""
        self.column = ""

    def note(self, kind: str, predicate: str) -> None:
        """Adds a note about the current column; notes of one kind are shown together."""
        is_number = re.fullmatch("column [0-9]+", self.column)
        subject = self.column.capitalize() if is_number else f"Column {self.column}"
        self.notes.setdefault(kind, []).append(subject + predicate)

    def doubts(self, format: Format) -> list[Doubt]:
        """Values that may have a different meaning than this format gives them."""
        doubts = [ambiguity(self.ambiguous, format)] if self.ambiguous else []
        for order, columns in self.orders.items():
            other = "mdy" if order == "dmy" else "dmy"
            doubts.append(
                Doubt(
                    f"{_list_of(columns)}: dates such as 01/02/2021 are read with the {ORDERS[order]} first.",
                    f"Read the {ORDERS[other]} first",
                    (("dates", other),),
                )
            )
        for code, columns in self.codes.items():
            shown = f"{code:g}".replace("-", "−")
            doubts.append(
                Doubt(
                    f"{_list_of(columns)}: {shown} is read as a number, but often stands for a missing value.",
                    f"Treat {shown} as missing",
                    (("missing", (f"{code:g}",)),),
                )
            )
        if self.cases:
            examples = [example for column in self.cases.values() for example in column]
            shown = ", ".join(examples[:2]) + (", …" if len(examples) > 2 else "")
            sentence = f"{_list_of(list(self.cases))}: {shown} differ only in case."
            doubts.append(Doubt(sentence, "Ignore case", (("ignore_case", True),)))
        return doubts


def _list_of(columns: list[str]) -> str:
    shown = ", ".join(columns[:3]) + (", …" if len(columns) > 3 else "")
    return f"{'Column' if len(columns) == 1 else 'Columns'} {shown}"
