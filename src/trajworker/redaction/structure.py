"""What in a payload is structure and stays as it is, whatever the redactor: ids, times, words of the formats.

Everything here is recognised by its form, or by its key together with a harmless form; no key alone exempts a text.
Source of the keys: payload-shapes.md.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from trajworker.redaction.scanning import Scanner, scanner

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_INSTANT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DOTTED = rf"[0-9]{{8}}T[0-9]{{6,18}}Z{_UUID}"
_FORM = re.compile(rf"(?:[a-z_]{{1,12}}-{{1,2}})?{_UUID}(?:-[0-9]{{1,4}})?|{_INSTANT}|{_DOTTED}(?:\.{_DOTTED})*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.:|/-]{1,200}")
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.:/-]{0,100}")

_LINKS = frozenset(
    [
        "run_id",
        "trace_id",
        "parent_run_id",
        "dotted_order",
        "tool_call_id",
        "tool_use_id",
        "call_id",
        "item_id",
        "response_id",
        "previous_response_id",
        "checkpoint_id",
        "checkpoint_ns",
        "langgraph_checkpoint_ns",
        "revision_id",
        "project_id",
        "ls_run_id",
        "system_fingerprint",
        "thread_id",
        "session_id",
        "conversation_id",
        "message_id",
    ]
)
_WORDS = frozenset(
    [
        "role",
        "type",
        "status",
        "object",
        "finish_reason",
        "stop_reason",
        "run_type",
        "model",
        "model_name",
        "response_model",
        "ls_provider",
        "ls_model_name",
        "ls_model_type",
        "ls_agent_type",
        "media_type",
        "mime_type",
        "langgraph_node",
        "tool_choice",
    ]
)
_MEMBERS_OF_MESSAGES = frozenset(
    {"lc", "role", "function", "args", "arguments", "tool_call_id", "tool_calls", "choices"}
)
_TYPES_WITH_IDS = frozenset(
    [
        "tool_call",
        "tool_use",
        "function",
        "function_call",
        "function_call_output",
        "server_tool_use",
        "reasoning",
        "message",
        "human",
        "ai",
        "system",
        "tool",
        "invalid_tool_call",
    ]
)

SHORTEST_ENCODED = 1024
"""Characters from which on a text of nothing but base64 is taken for binary data and not searched."""
KEYS_REMEMBERED = 4096
_LONGEST_DATA_PREFIX = 100
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-\r\n"


def is_structure(key: str | None, text: str, owner: Mapping[str, Any] | None) -> bool:
    """Whether a text is an id, a time, a format's own word or binary data.

    Args:
        key: the key it stands under; None inside a list.
        text: the value.
        owner: the object it is a member of.
    """
    if _FORM.fullmatch(text):
        return True
    if len(text) >= SHORTEST_ENCODED:
        return _is_encoded(text)
    linked = key in _LINKS or key in _WORDS or (key == "id" and owner is not None and _is_message(owner))
    return linked and _IDENTIFIER.fullmatch(text) is not None and not _known().find(text)


@lru_cache(maxsize=KEYS_REMEMBERED)
def is_plain_name(key: str) -> bool:
    """Whether an object's key is an identifier of a program, not data used as a key."""
    return _NAME.fullmatch(key) is not None and not _known().find(key)


def _is_message(owner: Mapping[str, Any]) -> bool:
    kind = owner.get("type")
    return (isinstance(kind, str) and kind in _TYPES_WITH_IDS) or not _MEMBERS_OF_MESSAGES.isdisjoint(owner)


def _is_encoded(text: str) -> bool:
    if text.startswith("data:"):
        head, mark, rest = text.partition(";base64,")
        text = rest if mark and len(head) <= _LONGEST_DATA_PREFIX else text
    return text.isascii() and not text.encode().translate(None, _BASE64)


@cache
def _known() -> Scanner:
    return scanner()
