"""Masks texts with one redactor, each once: prompts repeat the history, and a redactor may be slow (Presidio)."""

from trajworker.errors import RedactionFailed
from trajworker.redaction.faults import raised, returned
from trajworker.redaction.redactor import BasePiiRedactor

REMEMBERED_CHARS = 1 << 24
"""Characters of texts and masked texts remembered; when there are more all are forgotten."""


class Texts:
    """Texts that come together, such as those of a page, masked; one that comes again is not masked again."""

    def __init__(self, redactor: BasePiiRedactor) -> None:
        self._redactor = redactor
        self._known: dict[tuple[str | None, str], str] = {}
        self._chars = 0

    def masked(self, key: str | None, text: str) -> str:
        """A text that stands under that key, masked.

        Raises:
            RedactionFailed: the redactor raised or returned no text; names the redactor and what happened, no more.
        """
        known = self._known.get((key, text))
        if known is None:
            known = self._redacted(key, text)
            self._remember(key, text, known)
        return known

    def _remember(self, key: str | None, text: str, masked: str) -> None:
        self._chars += len(text) + len(masked)
        if self._chars > REMEMBERED_CHARS:
            self._known.clear()
            self._chars = len(text) + len(masked)
        self._known[key, text] = masked

    def _redacted(self, key: str | None, text: str) -> str:
        try:
            masked = self._redactor.redact(text) if key is None else self._redactor.redact_named(key, text)
        except RedactionFailed:
            raise
        except Exception as error:  # noqa: BLE001  whatever a user's code raises; its message may hold the text
            failure = raised(error, type(self._redactor).redact)
        else:
            if isinstance(masked, str):
                return masked
            failure = returned(masked)
        raise RedactionFailed(f"redactor {type(self._redactor).__name__} {failure}")
