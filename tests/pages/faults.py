"""What is wrong with the texts on a page: markup, links, variables or icons that come from a name."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from tests import hostile

TAGS = set(
    "a article body br caption circle dd details div dl dt em figcaption figure h2 h3 h4 head html i img li math meta mfrac "
    "mi mn mo mover mrow mspace msqrt msub msubsup msup mtable mtd mtext mtr munder munderover ol p path polygon rect section "
    "small span strong style sub summary sup svg table tbody td th thead title tr ul".split()
)
"""tags that the app itself writes"""
PLOTLY_TAGS = {"b", "br", "i", "span", "extra"}
RAW = (
    *("<img src=x", "<script", "</script", '"><b>', "%{evil}", "$a$", "](javascript", "![i]", ":material/home", "<style>*"),
    *("<u>kind", "<svg onload", "://evil", hostile.BREAK),
)
"""what Markdown cannot contain unless it is escaped"""
UNREAD = {"id", "form_id", "element_id", "user_key", "key", "default", "value", "raw_value", "raw_values", "set_value"}
"""fields of widgets that are not shown as Markdown"""


class Markup(HTMLParser):
    """The tags, attributes and texts of an HTML document."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.texts.append(data)


def faults_of_html(text: str, scripts: bool = False) -> Iterator[str]:
    found = Markup(text)
    for tag in found.tags - TAGS - ({"script"} if scripts else set()):
        yield f"tag {tag}"
    for name, value in found.attributes:
        if (
            name.startswith("on")
            or (name == "src" and not value.startswith("data:image/"))
            or (name == "href" and not value.startswith(("http://localhost", "https://", "/", "#")))
        ):
            yield f"attribute {name} = {value[:80]}"


def faults_of_markdown(text: str) -> Iterator[str]:
    plain = re.sub(r"\\.", "", text)
    return (f"{raw} in {text[:200]!r}" for raw in RAW if raw in plain)


def faults_of_figure(spec) -> Iterator[str]:
    for text in strings_in(spec):
        if text.startswith("data:image"):
            continue
        for tag, attributes in re.findall(r"</?([a-zA-Z!]\w*)([^>]*)>?", text):
            if tag not in PLOTLY_TAGS or re.sub(r"\s*style='color:#?\w+'", "", attributes):
                yield f"tag {tag} in {text[:200]!r}"
        if re.search("&(?!amp;|lt;|gt;|#37;)", text):
            yield f"an entity that Plotly does not decode in {text[:200]!r}"
        if '"><b>' in text or "%{evil}" in text or "long " * 50 in text:
            yield f"a name in {text[:200]!r}"


def strings_in(value) -> Iterator[str]:
    """All strings anywhere in a JSON value, except arrays in binary form."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            if name != "bdata":
                yield from strings_in(part)


def texts_of(message) -> Iterator[tuple[str, str]]:
    """The strings in an element of a page, each with the name of its field."""
    for field, value in message.ListFields():
        for one in value if isinstance(value, list | tuple) or type(value).__name__.startswith("Repeated") else [value]:
            if isinstance(one, str):
                yield field.name, one
            elif hasattr(one, "ListFields"):
                yield from texts_of(one)


def elements_of(block) -> Iterator:
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from elements_of(child)


def faults_of(app) -> list[str]:
    assert not app.exception, [error.value for error in app.exception]
    faults = []
    for element in elements_of(app._tree):
        kind, proto = element.type, element.proto
        if kind == "html":
            found = faults_of_html(proto.body, proto.unsafe_allow_javascript)
        elif kind == "plotly_chart":
            found = faults_of_figure(json.loads(proto.spec))
        elif kind == "code":
            found = []
            if proto.language == "python":
                compile(proto.code_text, "script.py", "exec")
        elif kind == "bidi_component":
            found = faults_of_html(json.loads(proto.json or "{}").get("html", ""))
        elif hasattr(proto, "ListFields"):
            plain = UNREAD | ({"options"} if kind in ("selectbox", "multiselect") else set())
            found = (fault for name, text in texts_of(proto) if name not in plain for fault in faults_of_markdown(text))
        else:
            continue
        faults += [f"{kind}: {fault}" for fault in found]
    return faults
