"""What stands in the place of something else: of an object that JSON cannot hold, of an id; nobody's words."""

import re
from typing import Any

_PLACEHOLDER = re.compile(
    r"<(?:[\w.<>]+ object at 0x[0-9a-f]+"
    r"|(?:function|bound method|built-in \w+|coroutine object|(?:async_)?generator object|class|module) .+"
    r"|\w*Response \[\d+.*\].*)>"
    r"|NOT_GIVEN"
)
"""OpenAI's and Anthropic's clients have objects for what was left out: one of them calls itself NOT_GIVEN."""

_NO_ID = re.compile(r"__\w+__")
"""What OpenAI Agents writes where a chat model gave no id: `__fake_id__`."""


def is_placeholder(value: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether a value is what Python writes for an object that it cannot write; a parameter of it was left out."""
    return isinstance(value, str) and value.startswith(("<", "N")) and _PLACEHOLDER.fullmatch(value) is not None


def text_of(value: Any) -> str | None:  # noqa: ANN401 - recorded JSON
    """A text that says something."""
    return value if isinstance(value, str) and value and not is_placeholder(value) else None


def id_of(value: Any) -> str | None:  # noqa: ANN401 - recorded JSON
    """An id by which a thing is known; none where a word stands in its place."""
    return value if isinstance(value, str) and _NO_ID.fullmatch(value) is None else None
