"""Distance matrices as text."""

import re

import numpy as np


def triangle_separator(text: str) -> str | None:
    """The separator of a text in which each line has one number more than the previous line, or None for other texts.

    " " stands for any run of spaces. The first line and the first cell of each line may hold names.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    for separator in ("\t", ";", ",", " "):
        cells = [line.rstrip(separator + " ").split(None if separator == " " else separator) for line in lines]
        for rows in (cells, cells[1:]):
            steps = np.diff([len(row) for row in rows])
            if len(steps) > 1 and (steps == 1).all() and len(rows[0]) <= 2 and all(map(_ends_in_numbers, rows[1:])):
                return separator
    return None


def _ends_in_numbers(row: list[str]) -> bool:
    """Whether all cells except the first are numbers."""
    return all(re.fullmatch(r"\s*[+-]?[0-9]*[.,]?[0-9]+([eE][+-]?[0-9]+)?\s*", cell) for cell in row[1:])
