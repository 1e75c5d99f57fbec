"""Edits of segments as text in links."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.runs.segments import NUMBER_OF_SEGMENTS, Edit, edits_text, parse_edits

numbers = st.integers(0, 59)


@st.composite
def edits(draw):
    kind = draw(st.sampled_from(list(NUMBER_OF_SEGMENTS)))
    count = NUMBER_OF_SEGMENTS[kind]
    segments = draw(st.lists(numbers, min_size=count, max_size=count))
    return Edit(kind, tuple(segments), tuple(draw(st.lists(numbers, max_size=3))), draw(st.text(max_size=60)))


@given(st.lists(edits(), max_size=4))
def test_edits_come_back_from_their_text(some):
    assert parse_edits(edits_text(some)) == tuple(some)


@given(st.text(max_size=30))
def test_no_text_leads_to_another_error(text):
    with suppress(ValueError):
        assert isinstance(parse_edits(text), tuple)


@pytest.mark.parametrize(
    "text", ['[["merge",[0]]]', '[["rename",[true]]]', '[["rename",[-1]]]', '[["rename",[0],[],5]]', '{"a":1}', "[" * 5000]
)
def test_malformed_edits_are_refused(text):
    with pytest.raises(ValueError, match="is not a list of edits"):
        parse_edits(text)
