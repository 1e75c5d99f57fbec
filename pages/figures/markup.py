"""Tables as HTML, which can be read aloud, printed and copied, and whose cells may hold a mark or a bar."""

import html
from collections.abc import Sequence

STYLE = (
    "<style>.table{width:100%;border-collapse:collapse;font-size:.9rem}"
    ".table th,.table td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #8883}"
    ".table td{font-variant-numeric:tabular-nums}.table th{font-weight:600}.table th[scope=row]{min-width:8rem}"
    ".table .bar{min-width:4rem}.table .bar div{height:.6rem;border-radius:.3rem;min-width:2px}"
    ".scroll{overflow-x:auto;max-height:480px}</style>"
)


class Raw(str):
    """Text that is HTML already."""


def cell(value) -> str:
    """The value as HTML; what is not known is a dash."""
    return value if isinstance(value, Raw) else "–" if value is None else html.escape(str(value))


def table(headers: Sequence, rows: Sequence[Sequence], label: str, row_headers: bool = False) -> str:
    """A table in HTML. Text is shown as it is, whatever is in it, unless it is `Raw`; `label` is what it is called aloud."""
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
    """A colored mark before a text."""
    return Raw(f"<span style='color:{color};font-size:1.15em' aria-hidden='true'>{symbol}</span> {cell(text)}")


def bar(share: float, color: str) -> Raw:
    """A bar as long as the share, 0..1."""
    return Raw(f"<div class='bar'><div style='width:{100 * share:.1f}%;background:{color}'></div></div>")
