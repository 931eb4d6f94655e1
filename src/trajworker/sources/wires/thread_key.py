"""The conversation key of a run whose metadata is not decoded yet; the rule itself is `assembly.threads.thread_key`."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from trajworker.assembly.threads import thread_key
from trajworker.decoding import REFUSED
from trajworker.model.run import THREAD_KEYS


class ThreadKey:
    """Decodes just the metadata keys of the rule, because all else in `extra` stays undecoded in the source."""

    def __init__(self, keys: Sequence[str] = THREAD_KEYS) -> None:
        self._keys = tuple(keys)
        fields = [(f"key_{index}", Any, msgspec.field(name=key, default=None)) for index, key in enumerate(keys)]
        metadata = msgspec.defstruct("Metadata", fields)
        extra = msgspec.defstruct("Extra", [("metadata", metadata | None, None)])
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(extra)

    def __call__(self, server_thread_id: str | int | None, extra: Raw) -> str | None:
        """The key of a run, from the server's field and the run's undecoded `extra`."""
        return thread_key(server_thread_id, {} if server_thread_id else self._metadata(extra), self._keys)

    def _metadata(self, extra: Raw) -> dict[str, Any]:
        try:
            metadata = self._decoder.decode(extra).metadata
        except (AttributeError, *REFUSED):
            return {}
        return dict(zip(self._keys, msgspec.structs.astuple(metadata), strict=True)) if metadata is not None else {}
