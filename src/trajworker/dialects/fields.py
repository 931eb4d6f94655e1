"""Messages of inputs that hold no array of them: told by the names of their fields, else kept raw."""

from typing import Any

import msgspec
from msgspec import Raw

from trajworker.dialects import otel, respelled
from trajworker.dialects.draft import Draft
from trajworker.dialects.lone import lone_text
from trajworker.dialects.placeholders import is_placeholder
from trajworker.dialects.reader import read_all
from trajworker.dialects.speech import is_raw, raw, speak

_WORDS = ("question", "query", "user_input", "text", "content", "message", "human_input", "user_message", "task", "q",
          "user_prompt")  # fmt: skip
_HOLDERS = ("messages", "input", "prompt", "contents", "input.value", "args", "kwargs", "inputs", "request", "body",
            "params", "options")  # fmt: skip
_HISTORIES = ("chat_history", "history", "conversation")


def unknown_messages(inputs: Raw) -> list[Draft]:
    """Messages of undecoded inputs that are no object, or none of the usual fields."""
    try:
        payload = msgspec.json.decode(inputs)
    except (msgspec.DecodeError, UnicodeError):  # words; what nests too deep is none, and the caller keeps it raw
        payload = bytes(inputs).decode("utf-8", "replace")
    return payload_messages(payload)


def payload_messages(payload: Any) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    """Messages of decoded inputs without an array of them."""
    if payload is None or payload in ({}, [], ""):
        return []
    if isinstance(payload, str):
        return speak("user", payload)
    if isinstance(payload, list):
        return read_all(payload)
    return _fields(payload) if isinstance(payload, dict) else [raw(payload)]


def _fields(payload: dict[str, Any]) -> list[Draft]:
    """Messages of inputs by the names of their fields."""
    prompts = payload.get("prompts")
    if isinstance(prompts, list) and prompts:
        return speak("user", prompts[0])
    found = otel.prompt(payload) if otel.claims(payload) else None
    if found is not None:
        return read_all(found)
    for name in _HOLDERS:
        value = otel.decoded(payload.get(name))
        if isinstance(value, list) and name == "args" and value and (len(value) == 1 or isinstance(value[0], list)):
            value = value[0]
        if isinstance(value, (dict, list, str)) and value and not is_placeholder(value):
            return _value(value)
    return read_all([payload]) if isinstance(payload.get("role"), str) else _worded(payload)


def _value(value: Any) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    if isinstance(value, dict) and not isinstance(value.get("role"), str) and "lc" not in value:
        if isinstance(value.get("parts"), list):
            return speak("user", value["parts"])
        system = value.get("system")
        return (speak("system", system) if isinstance(system, str) else []) + payload_messages(value)
    return read_all(value if isinstance(value, list) else [value])


def _worded(payload: dict[str, Any]) -> list[Draft]:
    """The user's words under a plain key, with a history before them where there is one."""
    before: list[Draft] = []
    for name in _HISTORIES:
        if isinstance(payload.get(name), list):
            before = read_all(payload[name])
    for name in _WORDS:
        if isinstance(payload.get(name), str) and payload[name]:
            return before + speak("user", payload[name])
    if isinstance(payload.get("user"), str) and "system" in payload:
        return before + speak("user", payload["user"])
    text = lone_text(payload)
    if text is not None:
        return before + speak("user", text)
    other = respelled.fields(payload)
    held = (_fields(other) if other != payload else []) or _sole_list(payload)
    if held and not is_raw(held):
        return held
    return before if otel.claims(payload) else [*before, raw(payload)]


def _sole_list(payload: dict[str, Any]) -> list[Draft]:
    """The messages of the one list among the fields that holds nothing else, whatever its name."""
    lists = [value for value in payload.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    found = [drafts for drafts in map(read_all, lists) if not is_raw(drafts)]
    return found[0] if len(found) == 1 else []
