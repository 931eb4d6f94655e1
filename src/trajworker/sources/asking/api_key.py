"""The API key in a wrapper that shows itself to nobody but the transport."""

from collections.abc import Callable

from trajworker.errors import ConfigError
from trajworker.ports import header_text


class ApiKey:
    """A key. `read` gives it anew from where it is kept, for when the server refuses the one in force (rotation).

    Its repr, str and format are `***`; only `reveal` gives the text.

    Raises:
        ConfigError: no header can carry the key; the message never shows it.
    """

    __slots__ = ("_read", "_text")

    def __init__(self, text: str, read: Callable[[], str] | None = None) -> None:
        self._text = _checked(text)
        self._read = read

    def reveal(self) -> str:
        """The key itself, for the request header and nothing else."""
        return self._text

    def read_again(self) -> bool:
        """Take the key anew from where it is kept; True if it is another one now."""
        if self._read is None:
            return False
        try:
            text = _checked(self._read())
        except ConfigError:
            return False
        before, self._text = self._text, text
        return before != text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __reduce__(self) -> str:
        raise TypeError("An API key is not copied into files or other processes.")


def _checked(text: str) -> str:
    if (refusal := header_text.refusal(text)) is not None:
        raise ConfigError(f"the API key cannot be sent: {refusal}; copy it again, whole and alone")
    return text
