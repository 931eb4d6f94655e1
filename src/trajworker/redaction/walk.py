"""Redacting decoded JSON: every text in it, at any depth, and nothing of its structure.

Texts that are JSON themselves (a tool call's arguments) are walked in turn and stay valid JSON. Keys that are program
identifiers stay; keys that are data (`{"ada@example.com": ...}`) are redacted as texts are. Numbers stay, except a
payment card's. What did not change is returned as the same object, so a caller can keep the bytes it came from.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import DecodeError, Raw
from msgspec.json import decode, encode

from trajworker.errors import RedactionFailed
from trajworker.redaction.redactor import BasePiiRedactor
from trajworker.redaction.rules import DEFAULT_RULES
from trajworker.redaction.scanning import scanner
from trajworker.redaction.structure import is_plain_name, is_structure
from trajworker.redaction.texts import Texts

NO_KEYS: frozenset[str] = frozenset()
DEEPEST_JSON_TEXT = 8
"""JSON within JSON within JSON: below this a text is only a text."""
_SMALLEST_CARD = 10**12
_CARDS = scanner([rule for rule in DEFAULT_RULES if rule.label == "CARD"])


def redact_value(value: Any, redactor: BasePiiRedactor) -> Any:  # noqa: ANN401  JSON
    """Redact a decoded JSON value.

    Args:
        value: what `json.loads` gives; it is not changed.
        redactor: what masks each text.

    Returns:
        The redacted value; the very same object where nothing was masked.

    Raises:
        RedactionFailed: the redactor raised or returned no text, or the value is nested too deeply.
    """
    return Walk(Texts(redactor)).whole(value)


def decoded(raw: Raw) -> Any:  # noqa: ANN401  JSON
    """Decode a payload field.

    Raises:
        RedactionFailed: it is no JSON, or nested too deeply.
    """
    with suppress(DecodeError, RecursionError):  # their messages may hold text: none becomes the cause
        return decode(raw)
    raise RedactionFailed("a payload is no JSON that could be redacted")


class Walk:
    """One walk over values that belong together, until one of them fails.

    `kept` are keys whose texts stay as they are, at any depth: thread keys.
    """

    def __init__(self, texts: Texts, kept: frozenset[str] = NO_KEYS) -> None:
        self._texts = texts
        self._kept = kept
        self._known: dict[tuple[str | None, str], str] = {}
        """Of its own, since a text that is JSON is walked: what becomes of it depends on `kept`."""
        self._depth = 0

    def payload(self, raw: Raw) -> Raw:
        """Redact a payload field that is undecoded JSON; the same bytes come back where nothing was masked.

        Raises:
            RedactionFailed: as `whole`, and for bytes that are no JSON.
        """
        value = decoded(raw)
        masked = self.whole(value)
        return raw if masked is value else Raw(encode(masked))

    def whole(self, value: Any) -> Any:  # noqa: ANN401  JSON
        """Redact a value that stands in no other.

        Raises:
            RedactionFailed: as `text`, or the value is nested too deeply.
        """
        with suppress(RecursionError):
            return self.value(value)
        raise RedactionFailed("the payload is nested too deeply to be redacted")

    def value(self, value: Any, key: str | None = None, owner: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401  JSON
        """Redact any JSON value; `key` and `owner` say where it stands."""
        if isinstance(value, str):
            return self._member(key, value, owner)
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return self._array(value, key, owner)
        if isinstance(value, int) and value >= _SMALLEST_CARD and _CARDS.find(str(value)):
            text = str(value)
            masked = self.text(text)
            return value if masked == text else masked
        return value

    def text(self, text: str, key: str | None = None) -> str:
        """Redact one text.

        Raises:
            RedactionFailed: the redactor raised or returned no text; names the redactor and what happened, no more.
        """
        if not text:
            return text
        known = self._known.get((key, text))
        if known is None:
            known = self._json_text(text) or self._texts.masked(key, text)
            self._known[key, text] = known
        return known

    def _member(self, key: str | None, text: str, owner: Mapping[str, Any] | None) -> str:
        if key in self._kept or is_structure(key, text, owner):
            return text
        masked = self.text(text, key)
        return text if masked == text else masked

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        masked: dict[str, Any] = {}
        for key, member in value.items():
            name = key if is_plain_name(key) else self.text(key)
            masked[_free(name, masked) if name != key else key] = self.value(member, key, value)
        same = all(a is b for a, b in zip(value.values(), masked.values(), strict=True)) and list(value) == list(masked)
        return value if same else masked

    def _array(self, value: list[Any], key: str | None, owner: Mapping[str, Any] | None) -> list[Any]:
        texts = len(value) > 1 and all(isinstance(item, str) for item in value)
        if texts and not any(is_structure(key, item, owner) for item in value):
            masked = self._stream([self._member(key, item, owner) for item in value])
        else:
            masked = [self.value(item, key, owner) for item in value]
        return value if all(a is b for a, b in zip(value, masked, strict=True)) else masked

    def _stream(self, pieces: list[str]) -> list[str]:
        """Texts in a row may be one streamed text: what is personal only over their seams is masked in the first."""
        whole = "".join(pieces)
        masked = self.text(whole)
        return pieces if masked == whole else [masked, *[""] * (len(pieces) - 1)]

    def _json_text(self, text: str) -> str | None:
        """Redact a text that is a JSON object or array as what it is; None if it is no such text."""
        if self._depth >= DEEPEST_JSON_TEXT or not _looks_like_json(text):
            return None
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        self._depth += 1
        masked = self.value(value)
        self._depth -= 1
        if masked is value:
            return text
        spaced = None if '": ' in text or '", ' in text else (",", ":")
        return json.dumps(masked, ensure_ascii=text.isascii(), separators=spaced)


def _looks_like_json(text: str) -> bool:
    ends = text[0] + text[-1] if text[0] in "{[" else text.strip()[:1] + text.strip()[-1:]
    return ends in {"{}", "[]"}


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """A key that is not taken: two keys that a redactor masks alike both stay."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
