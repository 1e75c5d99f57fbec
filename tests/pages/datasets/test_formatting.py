"""Numbers as text."""

import pytest

from pages.datasets.formatting import format_number, format_p_value, format_percentage, format_short, minus_signs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-0.0 SDs", "0.0 SDs"),
        ("(-0.00, -0.05)", "(0.00, −0.05)"),
        ("-0.00 0.00; -0.50 -0", "0.00 0.00; −0.50 0"),
        ("-0.0% and -0.04%", "0.0% and −0.04%"),
        ("-1,000.00 and -10", "−1,000.00 and −10"),
        ("-0e+00 and 1e-07", "−0e+00 and 1e−07"),
        ("1.0e-0", "1.0e−0"),
    ],
)
def test_minus_signs_are_not_hyphens_and_zeros_have_none(text, expected):
    assert minus_signs(text) == expected


def test_a_negative_zero_has_no_sign():
    assert format_number(-0.0) == "0"
    assert format_short(-0.0) == "0"
    assert format_number(float("-inf")) == "−inf"


@pytest.mark.parametrize(
    ("p", "text"), [(1e-300, "< 0.001"), (0.001, "0.001"), (0.0304, "0.030"), (0.999, "0.999"), (1.0, "> 0.999")]
)
def test_a_p_value_has_three_decimals(p, text):
    assert format_p_value(p) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.004, "under 1%"),
        (0.005, "under 1%"),
        (0.0051, "1%"),
        (0.9949, "99%"),
        (0.995, "over 99%"),
        (1 - 1e-16, "100%"),
    ],
)
def test_a_positive_share_is_never_0_percent_and_a_smaller_share_than_1_never_100_percent(share, text):
    assert format_percentage(share) == text
