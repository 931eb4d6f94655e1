"""Matchers: what an expectation may put in place of a value that is not known to the letter.

A matcher wants its key to be there; what it says about the value is all it says. Objects of other libraries that answer
`==` (`unittest.mock.ANY`, `pytest.approx`) work as values too.
"""

import math
import re
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from msgspec import Struct

from trajworker.errors import ConfigError
from trajworker.matching.arrays import without_arrays

DEFAULT_RELATIVE: Final = 1e-6
"""How far `approx` lets a number be off, as a share of the expected one."""

DEFAULT_ABSOLUTE: Final = 1e-12
"""How far `approx` lets a number be off where the share says less than this."""


_FLAGS: Final = {"a": re.ASCII, "i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}


class MalformedMatcher(ConfigError, ValueError):
    """A matcher that could accept nothing or be compared with nothing; the message says what to write."""


class AnyValue(Struct, frozen=True, tag="any", tag_field="$trajworker"):
    """Accepts every value, null too; as the arguments of a call it accepts any arguments."""

    def accepts(self, value: object) -> bool:  # noqa: ARG002 - every matcher answers the same question
        """Whether `value` will do."""
        return True

    def __str__(self) -> str:
        return "any value"


class Regex(Struct, frozen=True, tag="regex", tag_field="$trajworker"):
    """Accepts text in which the pattern is found; anchor it with `^` and `$` to mean the whole text."""

    pattern: str

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise MalformedMatcher(f"a pattern is text, not {type(self.pattern).__name__}: flags go into it, (?i)")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise MalformedMatcher(f"/{self.pattern}/ is no pattern: {error}") from error

    def accepts(self, value: object) -> bool:
        """Whether `value` will do."""
        return isinstance(value, str) and re.search(self.pattern, value) is not None

    def __str__(self) -> str:
        return f"text like /{self.pattern}/"


class Approx(Struct, frozen=True, tag="approx", tag_field="$trajworker"):
    """Accepts numbers near `value`; True and False are no numbers."""

    value: float
    relative: float = DEFAULT_RELATIVE
    absolute: float = DEFAULT_ABSOLUTE

    def __post_init__(self) -> None:
        for name in ("value", "relative", "absolute"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float | Decimal) or number != number:  # noqa: PLR0124
                raise MalformedMatcher(f"approx: {name} is a number, not {number!r}")
            if name != "value" and number < 0:
                raise MalformedMatcher(f"approx: {name} is how far a number may be off, so {number!r} is none: give 0")

    def accepts(self, value: object) -> bool:
        """Whether `value` will do."""
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            return False
        try:
            return math.isclose(value, self.value, rel_tol=self.relative, abs_tol=self.absolute)
        except OverflowError:  # an integer beyond every float
            return self._is_near(value)

    def _is_near(self, value: float | Decimal) -> bool:
        """The same in exact arithmetic; nothing finite is near infinity."""
        if math.inf in (self.relative, self.absolute):
            return True
        with suppress(OverflowError):
            one, other = Fraction(value), Fraction(self.value)
            allowed = max(Fraction(self.relative) * max(abs(one), abs(other)), Fraction(self.absolute))
            return abs(one - other) <= allowed
        return False

    def __str__(self) -> str:
        return f"about {self.value}"


class OneOf(Struct, frozen=True, tag="one_of", tag_field="$trajworker"):
    """Accepts what equals one of the values, as JSON values are equal, or what one of them, a matcher, accepts."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise MalformedMatcher("one_of() accepts nothing without values: name at least one")

    def __str__(self) -> str:
        shown = (str(value) if isinstance(value, MATCHERS) else repr(value) for value in self.values)
        return f"one of {', '.join(shown)}"


MATCHERS: Final = (AnyValue, Regex, Approx, OneOf)

ANY: Final = AnyValue()
"""The one instance `any_value()` gives out."""


def any_value() -> AnyValue:
    """Any value at all, if only the key is there."""
    return ANY


def regex(pattern: str | re.Pattern[str]) -> Regex:
    """Text in which `pattern` is found (`re.search`); raises MalformedMatcher at once where it is no pattern."""
    return Regex(_text_of(pattern) if isinstance(pattern, re.Pattern) else pattern)


def _text_of(pattern: re.Pattern[Any]) -> Any:  # noqa: ANN401 - a text, or the bytes that Regex refuses
    """A compiled pattern as a text that says its flags, too."""
    letters = "".join(letter for letter, flag in _FLAGS.items() if pattern.flags & flag)
    if not letters or not isinstance(pattern.pattern, str) or re.compile(pattern.pattern).flags == pattern.flags:
        return pattern.pattern
    return f"(?{letters}){pattern.pattern}"


def approx(value: float, relative: float = DEFAULT_RELATIVE, absolute: float = DEFAULT_ABSOLUTE) -> Approx:
    """A number within `relative * max(|value|, |actual|)` or within `absolute` of `value`.

    Raises MalformedMatcher where one of them is no number or a tolerance is negative.
    """
    return Approx(without_arrays(value), without_arrays(relative), without_arrays(absolute))


def one_of(*values: Any) -> OneOf:  # noqa: ANN401 - any JSON value or matcher may be among them
    """One of these values; raises MalformedMatcher where there is none to choose from."""
    return OneOf(values)
