"""Numbers and names as people read them, on the page, in Markdown and in Plotly's figures."""

import html
import re

import numpy as np

WORD_JOINER = "\u2060"
"""not seen, and no space: it parts what would be taken for an address"""
ADDRESS = re.compile("://|www[.]|.@", re.IGNORECASE)


def minus(text: str) -> str:
    """The text with minus signs in place of hyphens."""
    return text.replace("-", "−")


def number(value: float) -> str:
    """A number with six significant digits, for reading."""
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    if 1e-4 <= abs(value) < 1e9:
        digits = max(0, 5 - int(np.floor(np.log10(abs(value)))))
        return minus(f"{value:,.{digits}f}")
    return minus(f"{value:.5e}")


def short(value: float) -> str:
    """A number with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def counted(n: int, noun: str) -> str:
    """'no points', '1 point', '14 points'."""
    return f"no {noun}s" if n == 0 else f"1 {noun}" if n == 1 else f"{n:,} {noun}s"


def as_sentence(fault: Exception) -> str:
    """What an error says, as a sentence."""
    text = str(fault)
    return f"{text[:1].upper()}{text[1:]}."


def safe(text: str) -> str:
    """Text as Plotly shows it, whatever signs are in it."""
    return html.escape(str(text))


def in_template(text: str) -> str:
    """The same within a hover template, where a percent sign begins a variable."""
    return safe(text).replace("%", "&#37;")


def shortened(text: str) -> str:
    """The text, cut where it would not fit beside other things."""
    return text if len(text) <= 22 else text[:21] + "…"


def plain(text: str) -> str:
    """The text in one line, with everything that Markdown would read as a sign, or as an address, made harmless."""
    text = ADDRESS.sub(lambda found: found[0][:-1] + WORD_JOINER + found[0][-1], text)
    return "".join("\\" + c if c in "\\`*_{}[]()#+-.!|<>~$:&=" else c for c in " ".join(text.split()))
