"""Which of the many similar cases of a test are run by default."""

import os
from zlib import crc32

EXAMPLES = os.environ.get("EXAMPLES", "some")
"""EXAMPLES=all, as in .ci/run, runs all cases of all tests and all examples of the property tests."""

SELECTED = "TESTS_ARE_SELECTED"
"""environment variable that the first process sets for the others if no paths are given"""


def selects() -> bool:
    return SELECTED in os.environ and EXAMPLES != "all"


def is_chosen(item) -> bool:
    """Whether a collected test is run by default: of the cases of a test marked `one_in(n)`, about one in n.

    Which ones depends on the name of the test. In a table of cases, such as methods and checks, every row and column has some.
    """
    mark = item.get_closest_marker("one_in")
    return mark is None or (sum(set(item.callspec.indices.values())) + crc32(item.originalname.encode())) % mark.args[0] == 0
