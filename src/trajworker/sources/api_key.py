"""The API key in a wrapper that shows itself to nobody but the transport."""

from pathlib import Path

from trajworker.errors import ConfigError

PRINTABLE = range(0x21, 0x7F)
"""What a header value of one token may hold."""


class ApiKey:
    """A key, given as text or kept in a file that is read again when the server refuses the key (rotation).

    Its repr, str and format are `***`; only `reveal` gives the text.

    Raises:
        ConfigError: the key is empty or holds characters that no header can carry; the message never shows it.
    """

    __slots__ = ("_path", "_text")

    def __init__(self, text: str | None = None, *, path: Path | None = None) -> None:
        if (text is None) == (path is None):
            raise ConfigError("Give the API key either as text or as a file, not both or neither.")
        self._path = path
        self._text = _checked(text if text is not None else _content(path))

    def reveal(self) -> str:
        """The key itself, for the request header and nothing else."""
        return self._text

    def read_again(self) -> bool:
        """Read the file once more; True if it holds another key now."""
        if self._path is None:
            return False
        try:
            text = _checked(_content(self._path))
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


def _content(path: Path | None) -> str:
    try:
        return path.read_text("utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The API key file {path} cannot be read: {type(error).__name__}.") from None


def _checked(text: str) -> str:
    key = text.removesuffix("\n").removesuffix("\r")
    if not key:
        raise ConfigError("The API key is empty: set LANGSMITH_API_KEY or name a key file.")
    if any(ord(character) not in PRINTABLE for character in key):
        raise ConfigError(
            "The API key holds blanks, line ends or characters outside ASCII: copy it again, whole and alone."
        )
    return key
