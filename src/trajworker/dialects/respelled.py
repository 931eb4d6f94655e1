"""Messages of typed languages: the fields everybody has, spelt as Java, Go and .NET spell them.

`{"type": "AI", "toolExecutionRequests": ..}` (LangChain4j), `{"messageType": "USER", "text": ..}` (Spring AI),
`{"Role": "user", "Content": ..}` (structs written without their JSON names).
"""

from typing import Any

from trajworker.dialects import openai_chat
from trajworker.dialects.draft import Draft
from trajworker.dialects.vocabulary import role_of, snake
from trajworker.model.message import Role

_OPAQUE = frozenset({"arguments", "args", "input", "parameters", "metadata", "schema"})
"""Fields whose keys are somebody else's."""
_RENAMED = {"ai_message": "message", "tool_execution_requests": "tool_calls", "response_data": "content",
            "message_type": "role"}  # fmt: skip
_SAID = ("content", "text", "contents", "tool_calls", "responses")


def fields(value: Any) -> Any:  # noqa: ANN401 - recorded JSON
    """A value with its keys in snake case."""
    if isinstance(value, list):
        return [fields(one) for one in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, held in value.items():
        name = snake(key)
        found[_RENAMED.get(name, name)] = held if name in _OPAQUE else fields(held)
    return found


def claims(item: dict[str, Any]) -> bool:
    """Whether a dictionary without a plain `role` is a message all the same."""
    return "role" not in item and _read(item) is not None


def _read(item: dict[str, Any]) -> dict[str, Any] | None:
    plain = fields(item)
    word = plain.get("role") or plain.get("type")
    if role_of(word) is None or not any(name in plain for name in _SAID):
        return None
    return {**plain, "role": word}


def messages(item: dict[str, Any]) -> list[Draft] | None:
    """Messages of such a dictionary; None where it is none."""
    plain = _read(item)
    if plain is None:
        return None
    if role_of(plain["role"]) is not Role.TOOL:
        return openai_chat.messages(plain)
    answers = plain.get("responses")
    held = [one for one in answers if isinstance(one, dict)] if isinstance(answers, list) else [plain]
    return [
        draft
        for one in held
        for draft in openai_chat.messages({"tool_call_id": one.get("id"), **one, "role": plain["role"]})
    ]
