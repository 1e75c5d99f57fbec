"""HTML tables, for screen readers, printing and copying; their cells can contain markers and bars."""

import html
from collections.abc import Sequence

from pages.figures.palette import NEUTRAL, color_of, mark_of

STYLE = (
    "<style>.table{width:100%;border-collapse:collapse;font-size:.9rem}"
    ".table th,.table td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #8883}"
    ".table td{font-variant-numeric:tabular-nums}.table th{font-weight:600}.table th[scope=row]{min-width:8rem}"
    ".table td:has(small){min-width:9rem}.table .bar{min-width:2rem}"
    ".table .bar div{height:.6rem;border-radius:.3rem;min-width:2px}"
    # shadows at the edges beyond which there is more: they are covered by parts of the background that scroll with the table
    ".scroll{overflow:auto;max-height:480px;--page:light-dark(#fff,#14161b);background:"
    "linear-gradient(90deg,var(--page) 30%,#0000) 0 0/3rem 100% local,"
    "linear-gradient(270deg,var(--page) 30%,#0000) 100% 0/3rem 100% local,"
    "linear-gradient(0deg,var(--page) 30%,#0000) 0 100%/100% 3rem local,"
    "linear-gradient(90deg,#8887,#0000) 0 0/1rem 100% scroll,"
    "linear-gradient(270deg,#8887,#0000) 100% 0/1rem 100% scroll,"
    "linear-gradient(0deg,#8887,#0000) 0 100%/100% 1rem scroll;background-repeat:no-repeat}</style>"
)


class Raw(str):
    """Text that is already HTML."""


def cell(value) -> str:
    """Return the value as HTML: text is escaped, None is a dash."""
    return value if isinstance(value, Raw) else "–" if value is None else html.escape(str(value))


def breakable(text: str) -> Raw:
    """Return a name as HTML in which lines may break after underscores."""
    return Raw(html.escape(text).replace("_", "_<wbr>"))


def table(headers: Sequence, rows: Sequence[Sequence], label: str, row_headers: bool = False) -> str:
    """Return an HTML table. Text is escaped unless it is `Raw`.

    label : name of the table for screen readers
    row_headers : whether the first cell of each row is its header
    """
    head = "".join(f"<th scope='col'>{cell(header)}</th>" if header != "" else "<td></td>" for header in headers)
    body = []
    for row in rows:
        first, *others = [cell(value) for value in row]
        first = f"<th scope='row'>{first}</th>" if row_headers else f"<td>{first}</td>"
        body.append(f"<tr>{first}{''.join(f'<td>{value}</td>' for value in others)}</tr>")
    return (
        f"{STYLE}<div class='scroll' tabindex='0' role='region' aria-label='{html.escape(label, quote=True)}'>"
        f"<table class='table'><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def mark(symbol: str, color: str, text="") -> Raw:
    """Return a colored symbol followed by a text."""
    return Raw(f"<span style='color:{color};font-size:1.15em' aria-hidden='true'>{symbol}</span> {cell(text)}")


def cluster_mark(rank: int, text="") -> Raw:
    """Return the colored symbol of the cluster with this rank, followed by a text."""
    return mark(mark_of(rank), color_of(rank), text)


def noise_mark() -> Raw:
    """Return the symbol of points that belong to no cluster, followed by "Noise"."""
    return mark(mark_of(0), NEUTRAL, "Noise")


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Return a legend of colored disks, in one or more lines; `entries` are colors and labels."""
    items = "".join(f"<li style='white-space:nowrap'>{mark('●', color, text)}</li>" for color, text in entries)
    style = "display:flex;flex-wrap:wrap;gap:0 .7rem;list-style:none;margin:0;padding:0;font-size:.85rem"
    return f"<ul style='{style}' aria-label='Legend'>{items}</ul>"


def bar(fraction: float, color: str, attributes: str = "") -> Raw:
    """Return a horizontal bar; `fraction` is its length, 0 to 1. `attributes` are those of the element with this width."""
    return Raw(f"<div class='bar'><div {attributes} style='width:{100 * fraction:.1f}%;background:{color}'></div></div>")


def reading(text: str) -> Raw:
    """Return a text that the player replaces in each frame."""
    return Raw(f"<span class='reading'>{cell(text)}</span>")


def reading_bar(width: str, color: str) -> Raw:
    """Return a horizontal bar whose CSS width the player replaces in each frame."""
    return bar(float(width.rstrip("%")) / 100, color, "class='reading' data-reading='width'")
