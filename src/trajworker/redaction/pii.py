"""Masking with placeholders such as `<EMAIL_kdfhagce>`: the same value, the same placeholder, no table of values.

The eight letters are a keyed digest (HMAC-SHA256) of the value, so pages can be redacted in any order, on any machine
that has the secret, and a link between two mentions survives. Placeholders have no digits and no punctuation that a
rule looks for, and what stands in one is never looked into: redacting twice changes nothing.

Without a secret a placeholder can be undone by trying all values of a small set (phone numbers, SSNs): give one
wherever redacted text leaves your hands.
"""

import hmac
import re
from abc import abstractmethod
from collections.abc import Sequence

from trajworker.errors import ConfigError
from trajworker.redaction.redactor import BasePiiRedactor, known_text
from trajworker.redaction.rules import DEFAULT_RULES, NUMBER_LABELS, Rule
from trajworker.redaction.scanning import Engine, Found, scanner

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*_[a-p]{8}>")
_DIGEST_BYTES = 4
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_SEPARATORS = re.compile(r"[^0-9A-Za-z]")
_TELLING_NAME = re.compile(
    r"(?i:key|secret|token|credential|passw|passphrase|pwd|authorization|ssn|social|tax|phone|mobile|tel|cell|fax|whatsapp)"
)
_LONGEST_NAME = 100
_NORTH_AMERICAN = 11


class PlaceholderRedactor(BasePiiRedactor):
    """Masks what `detect` finds; a subclass says what that is.

    Args:
        secret: key of the digests. Keep it as long as text redacted before must agree with text redacted later.

    Raises:
        ConfigError: a secret that is no bytes.
    """

    def __init__(self, *, secret: bytes | None = None) -> None:
        if not isinstance(secret, bytes | None):
            raise ConfigError(f"secret is bytes, not {type(secret).__name__}")
        self._secret = secret or b""

    @abstractmethod
    def detect(self, text: str) -> list[Found]:
        """Return (label, start, end) of what is personal in a text, in order of place, without overlaps."""

    def redact(self, text: str) -> str:
        """Return the text with a placeholder for everything found; raises NoText for what is none."""
        text = known_text(text)
        # What a rule left over next to another's value is found in the next round. Each round masks characters that
        # were not masked before, so the rounds end; the last one proves that redacting again would change nothing.
        while found := self.find(text):
            text = self._mask(text, found)
        return text

    def redact_named(self, name: str, text: str) -> str:
        """As `redact`; a name such as `password` tells what the text is, as `password=...` in a text would."""
        if len(name) > _LONGEST_NAME or not _TELLING_NAME.search(name):
            return self.redact(text)
        offset = len(name) + 1
        found = self._unmasked(f"{name}={text}", self.detect(f"{name}={text}"))
        inside = [(label, start - offset, end - offset) for label, start, end in found if start >= offset]
        if inside and inside[0][:2] == ("PASSWORD", 0):  # a passphrase has blanks: the name says it is one to its end
            inside = [("PASSWORD", 0, len(text))]
        return self.redact(self._mask(text, inside))

    def find(self, text: str) -> list[Found]:
        """Return what one round would mask: (label, start, end), in order of place."""
        return self._unmasked(text, self.detect(text))

    def _mask(self, text: str, found: Sequence[Found]) -> str:
        pieces: list[str] = []
        last = 0
        for label, start, end in found:
            pieces += text[last:start], self._placeholder(label, text[start:end])
            last = end
        return "".join((*pieces, text[last:]))

    def _placeholder(self, label: str, value: str) -> str:
        if label in NUMBER_LABELS:
            value = _SEPARATORS.sub("", value).upper()
            if label == "PHONE" and len(value) == _NORTH_AMERICAN and value[0] == "1":
                value = value[1:]  # with and without the country code
        elif label == "EMAIL":
            value = value.replace("%40", "@").casefold()
        keyed = f"{label}\0{value}".encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._secret, keyed, "sha256")
        return f"<{label}_{digest[:_DIGEST_BYTES].hex().translate(_LETTERS)}>"

    @staticmethod
    def _unmasked(text: str, found: list[Found]) -> list[Found]:
        """Leave out what touches a placeholder that is already there."""
        if not found or "<" not in text:
            return found
        masked = [match.span() for match in _PLACEHOLDER.finditer(text)]
        clear: list[Found] = []
        number = 0
        for hit in found:
            while number < len(masked) and masked[number][1] <= hit[1]:
                number += 1
            if number == len(masked) or hit[2] <= masked[number][0]:
                clear.append(hit)
        return clear


class PiiRedactor(PlaceholderRedactor):
    """The built-in redactor: addresses, numbers with checksums, keys and tokens.

    It knows no names and no streets, and leaves ten bare digits alone unless something says that they are a phone.

    Args:
        rules: what to mask, in order of precedence; yours beside `DEFAULT_RULES` need the extra `trajworker[redact]`.
        secret: see `PlaceholderRedactor`.
        engine: `auto` takes google-re2 where it is installed; `re` and `re2` find the same.

    Raises:
        ConfigError: what is no `Rule`, rules of your own without google-re2, or a pattern that is not RE2 syntax.

    Example:
        >>> redactor = PiiRedactor(secret=b"kept with the staging file")
        >>> text = "ada@example.com wrote, 4111 1111 1111 1111 paid"
        >>> redactor.preview(text).counts
        {'EMAIL': 1, 'CARD': 1}
        >>> redactor.redact(redactor.redact(text)) == redactor.redact(text)
        True
    """

    def __init__(
        self, rules: Sequence[Rule] = DEFAULT_RULES, secret: bytes | None = None, *, engine: Engine = "auto"
    ) -> None:
        super().__init__(secret=secret)
        self._scanner = scanner(rules, engine)

    def detect(self, text: str) -> list[Found]:
        """Return what the rules claim."""
        return self._scanner.find(text)
