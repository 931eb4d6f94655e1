"""Matchers that could not be compared are refused where they are written; numbers and patterns of any kind will do."""

import math
import re
from decimal import Decimal
from typing import Any

import pytest

from support.calls import call
from trajworker.errors import ConfigError
from trajworker.matching import MalformedGolden, MalformedMatcher, approx, matches, one_of, read_golden, regex


def pair(made: Any, wanted: Any, args: str = "exact", **options: Any) -> bool:
    return bool(matches([call("t", made)], [call("t", wanted)], args=args, **options))


MALFORMED: dict[str, tuple[Any, str]] = {
    "nothing to choose from": (one_of, "at least one"),
    "broken pattern": (lambda: regex("[a"), "is no pattern: unterminated"),
    "pattern of bytes": (lambda: regex(b"x"), "a pattern is text, not bytes"),
    "compiled bytes": (lambda: regex(re.compile(b"x")), "a pattern is text, not bytes"),
    "no pattern": (lambda: regex(None), "a pattern is text, not NoneType"),
    "about a text": (lambda: approx("x"), "value is a number, not 'x'"),
    "about true": (lambda: approx(True), "value is a number, not True"),
    "about no number": (lambda: approx(math.nan), "value is a number, not nan"),
    "negative share": (lambda: approx(1, relative=-0.1), "so -0.1 is none: give 0"),
    "negative distance": (lambda: approx(1, absolute=-1), "so -1 is none: give 0"),
    "distance in words": (lambda: approx(1, absolute="x"), "absolute is a number, not 'x'"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_could_not_be_compared_is_refused_where_it_is_written(kind: str) -> None:
    make, told = MALFORMED[kind]
    with pytest.raises(MalformedMatcher, match=told) as caught:
        make()
    assert isinstance(caught.value, ConfigError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "marker", ['"approx", "value": 1, "relative": -1', '"approx", "value": NaN', '"one_of", "values": []']
)
def test_a_golden_file_may_not_hold_one_either(tmp_path: Any, marker: str) -> None:
    file = tmp_path / "g.jsonl"
    file.write_text(f'{{"golden": 1}}\n{{"name": "a", "arguments": {{"x": {{"$trajworker": {marker}}}}}}}\n', "utf-8")
    with pytest.raises(MalformedGolden, match="line 2"):
        read_golden(file)


@pytest.mark.parametrize(
    ("value", "about", "accepted"),
    [
        (10**400, 1.0, False),
        (10**400, 10**400 + 1, True),
        (10**400, 2 * 10**400, False),
        (1.0, 10**400, False),
        (10**400, math.inf, False),
        (-math.inf, 10**400, False),
        (math.inf, math.inf, True),
        (Decimal("0.3"), 0.1 + 0.2, True),
    ],
)
def test_numbers_beyond_every_float_are_compared_as_well(value: Any, about: Any, *, accepted: bool) -> None:
    assert pair({"n": value}, {"n": approx(about)}) is accepted


def test_a_compiled_pattern_keeps_its_flags() -> None:
    for pattern in (re.compile("^x.y", re.IGNORECASE | re.DOTALL), re.compile("(?is)^x.y"), "(?is)^x.y"):
        assert pair({"v": "X\nY"}, {"v": regex(pattern)})
    assert not pair({"v": "X"}, {"v": regex(re.compile("x"))})
