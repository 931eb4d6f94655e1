"""What a redactor is: the class users derive from, and the preview of what it would mask.

The verbs are those of seed 002 (`redact`, `redact_batch`, `preview`; peers.md section 1.6). A subclass writes `redact`
only; everything else has a working default.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from trajworker.errors import ConfigError


class Finding(Struct, frozen=True, kw_only=True):
    """One stretch of text that would be masked; it carries no text itself.

    Args:
        rule: label of the rule that found it, e.g. `EMAIL`; for a redactor that tells no rules, its class name.
        start: first character, counted in code points from 0.
        end: one past the last character.
        text: which of the previewed texts it is in, from 0.
    """

    rule: str
    start: int
    end: int
    text: int = 0


class Preview(Struct, frozen=True, kw_only=True):
    """What a redactor would mask in some texts: `counts` per rule, `findings` in order of text and place."""

    counts: dict[str, int]
    findings: tuple[Finding, ...]


class NoText(ConfigError, TypeError):
    """What was to be redacted is no text."""


def known_text(text: object) -> str:
    """The text; raises NoText for what is none."""
    if not isinstance(text, str):
        raise NoText(f"a redactor takes text, not {type(text).__name__}")
    return text


def known_texts(texts: object) -> list[str]:
    """The texts; raises NoText for what is no sequence of them."""
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise NoText(f"a redactor takes a list of texts, not {type(texts).__name__}")
    return [known_text(text) for text in texts]


class BasePiiRedactor(ABC):
    """Text in, text without personal data out; derive from it and write `redact`.

    A redactor must be deterministic, for messages of a conversation are aligned by their text after redaction, and
    must leave alone what it has redacted.
    An exception that leaves `redact`, or a result that is no `str`, stops the conversation (`RedactionFailed`);
    text that was not redacted is never passed on.

    Example:
        >>> class Initials(BasePiiRedactor):
        ...     def redact(self, text: str) -> str:
        ...         return text.replace("Ada Lovelace", "A. L.")
        >>> Initials().redact("Ada Lovelace called")
        'A. L. called'
    """

    @abstractmethod
    def redact(self, text: str) -> str:
        """Return the text with everything personal masked."""

    def redact_batch(self, texts: Sequence[str]) -> list[str]:
        """Return each text redacted, in the same order."""
        return [self.redact(text) for text in known_texts(texts)]

    def redact_named(self, name: str, text: str) -> str:
        """Redact a text that stands under a name (a JSON key), for rules to which the name says what the text is."""
        del name
        return self.redact(text)

    def preview(self, text_or_texts: str | Sequence[str]) -> Preview:
        """Say what would be masked in one text or several; nothing is changed."""
        texts = [text_or_texts] if isinstance(text_or_texts, str) else known_texts(text_or_texts)
        findings = tuple(
            Finding(rule=rule, start=start, end=end, text=number)
            for number, text in enumerate(texts)
            for rule, start, end in self.find(text)
        )
        return Preview(counts=dict(Counter(finding.rule for finding in findings)), findings=findings)

    def find(self, text: str) -> list[tuple[str, int, int]]:
        """Return (rule, start, end) of what would be masked, in order of place.

        The default compares the text with its redaction and reports the one stretch that holds every difference.
        """
        masked = self.redact(text)
        if masked == text:
            return []
        shorter = min(len(text), len(masked))
        start = next((k for k in range(shorter) if text[k] != masked[k]), shorter)
        same_at_end = next((k for k in range(shorter - start) if text[-1 - k] != masked[-1 - k]), shorter - start)
        return [(type(self).__name__, start, len(text) - same_at_end)]
