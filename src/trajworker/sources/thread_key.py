"""Which conversation a run says it belongs to (langsmith-api.md section 6)."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

METADATA_KEYS = ("session_id", "conversation_id", "thread_id")
"""Precedence as the newest documentation lists it; the first key that is present wins."""


class ThreadKey:
    """The rule: the server's own field first, else the first of `keys` that the run's metadata holds."""

    def __init__(self, keys: Sequence[str] = METADATA_KEYS) -> None:
        self._keys = tuple(keys)
        fields = [(f"key_{index}", Any, msgspec.field(name=key, default=None)) for index, key in enumerate(keys)]
        metadata = msgspec.defstruct("Metadata", fields)
        extra = msgspec.defstruct("Extra", [("metadata", metadata | None, None)])
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(extra)

    def __call__(self, told: str | None, extra: Raw) -> str | None:
        """The key of a run, from the server's field and the run's undecoded `extra`."""
        if told:
            return told
        if len(extra) <= len(b"null"):
            return None
        try:
            metadata = self._decoder.decode(extra).metadata
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return None
        return _first_text(metadata) if metadata is not None else None


def _first_text(metadata: Struct) -> str | None:
    for value in msgspec.structs.astuple(metadata):
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None
