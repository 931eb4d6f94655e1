"""Matchers: what an expectation may put in place of a value that is not known to the letter.

A matcher wants its key to be there; what it says about the value is all it says. Objects of other libraries that answer
`==` (`unittest.mock.ANY`, `pytest.approx`) work as values too.
"""

import math
import re
from typing import Any, Final

from msgspec import Struct

DEFAULT_RELATIVE: Final = 1e-6
"""How far `approx` lets a number be off, as a share of the expected one."""

DEFAULT_ABSOLUTE: Final = 1e-12
"""How far `approx` lets a number be off where the share says less than this."""


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

    def accepts(self, value: object) -> bool:
        """Whether `value` will do."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return math.isclose(value, self.value, rel_tol=self.relative, abs_tol=self.absolute)

    def __str__(self) -> str:
        return f"about {self.value}"


class OneOf(Struct, frozen=True, tag="one_of", tag_field="$trajworker"):
    """Accepts what equals one of the values, as JSON values are equal, or what one of them, a matcher, accepts."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        shown = (str(value) if isinstance(value, MATCHERS) else repr(value) for value in self.values)
        return f"one of {', '.join(shown)}"


MATCHERS: Final = (AnyValue, Regex, Approx, OneOf)

ANY: Final = AnyValue()
"""The one instance `any_value()` gives out."""


def any_value() -> AnyValue:
    """Any value at all, if only the key is there."""
    return ANY


def regex(pattern: str) -> Regex:
    """Text in which `pattern` is found (`re.search`); raises `re.error` at once where it is no pattern."""
    re.compile(pattern)
    return Regex(pattern)


def approx(value: float, relative: float = DEFAULT_RELATIVE, absolute: float = DEFAULT_ABSOLUTE) -> Approx:
    """A number within `relative * max(|value|, |actual|)` or within `absolute` of `value`."""
    return Approx(value, relative, absolute)


def one_of(*values: Any) -> OneOf:  # noqa: ANN401 - any JSON value or matcher may be among them
    """One of these values; raises ValueError where there is none to choose from."""
    if not values:
        raise ValueError("one_of() accepts nothing without values: name at least one")
    return OneOf(values)
