"""Formats numbers and names for display, in Markdown and in Plotly figures."""

import html
import re
from decimal import ROUND_CEILING, Context

import numpy as np

WORD_JOINER = "\u2060"
"""invisible zero-width character; inside an address it prevents Markdown from making a link"""
ADDRESS = re.compile("://|www[.]|.@", re.IGNORECASE)
NEGATIVE_ZERO = re.compile(r"(?<![\w.])-(?=0(?:\.0+)?(?![\d.e]))")
"""the sign of a negative number that was rounded to zero"""
MAX_LENGTH = 22
"""maximum number of characters of a truncated text"""
MAX_TITLE_LENGTH = 80
"""maximum number of characters of a title or a name in a tooltip"""


def minus_signs(text: str) -> str:
    """The text with minus signs instead of hyphens; numbers that are rounded to zero have no sign."""
    return NEGATIVE_ZERO.sub("", text).replace("-", "−")


def format_number(value: float) -> str:
    """A number with six significant digits."""
    if value == 0 or not np.isfinite(value):
        return minus_signs(f"{value:g}")
    if 1e-4 <= abs(value) < 1e9:
        digits = max(0, 5 - int(np.floor(np.log10(abs(value)))))
        return minus_signs(f"{value:,.{digits}f}")
    return minus_signs(f"{value:.5e}")


def format_short(value: float) -> str:
    """A number with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:z.3g}"


def format_value(value: float) -> str:
    """A number with four significant digits, whole if it is large."""
    if not 1e-4 <= abs(value) < 1e15:
        return minus_signs(f"{value:z.3g}")
    return minus_signs(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}")


def format_p_value(p: float) -> str:
    """A p-value with three decimals, or that it is below 0.001 or above 0.999."""
    return "< 0.001" if p < 0.001 else "> 0.999" if p > 0.999 else f"{p:.3f}"


def format_percentage(share: float) -> str:
    """A share as a percentage that is 0% or 100% only if the share is exactly 0 or 1, up to rounding errors."""
    if 1e-12 < share <= 0.005:
        return "under 1%"
    return "over 99%" if 0.995 <= share < 1 - 1e-12 else f"{share:.0%}"


def format_amount(amount: float) -> str:
    """A count, or a sum of weights, as text: whole numbers with all digits, other ones with six."""
    return f"{amount:,.0f}" if amount == round(amount) else f"{amount:,.6g}"


def pluralize(n: int, noun: str) -> str:
    """The count and its noun: "no points", "1 point", "14 points"."""
    return f"no {noun}s" if n == 0 else f"1 {noun}" if n == 1 else f"{n:,} {noun}s"


def plural_of(noun: str) -> str:
    """The plural of a regular noun, such as "responsibilities\""""
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def as_sentence(error: Exception) -> str:
    """The message of an error as a sentence."""
    text = str(error).removesuffix(".")
    return f"{text[:1].upper()}{text[1:]}."


def with_article(noun: str) -> str:
    """The noun with its indefinite article, such as 'an item'."""
    return f"a{'n' * (noun[:1].lower() in 'aeiou')} {noun}"


def escape_html(text: str) -> str:
    """The text escaped so that Plotly shows it unchanged, in hover templates too.

    Plotly decodes no quotes. In templates, and in titles of figures with a player, it replaces %{…} by a variable.
    """
    return html.escape(str(text), quote=False).replace("%{", "&#37;{")


def escape_title(text: str) -> str:
    """The text on one line of at most `MAX_TITLE_LENGTH` characters, escaped, for titles and tooltips of Plotly."""
    return escape_html(truncate(" ".join(str(text).split()), MAX_TITLE_LENGTH))


def truncate(text: str, length: int = MAX_LENGTH) -> str:
    """The text, shortened to this many characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def escape_markdown(text: str) -> str:
    """The text on one line, with Markdown characters escaped and addresses broken so that they do not become links."""
    text = ADDRESS.sub(lambda match: match[0][:-1] + WORD_JOINER + match[0][-1], text)
    return "".join("\\" + c if c in "\\`*_{}[]()#+-.!|<>~$:&=" else c for c in " ".join(text.split()))


def rounded_up(value: float) -> float:
    """The smallest number of three significant digits that is at least this positive value."""
    return float(Context(prec=3, rounding=ROUND_CEILING).create_decimal_from_float(value))
