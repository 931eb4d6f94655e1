"""Messages of typed languages: the fields everybody has, spelt as Java, Go and .NET spell them.

`{"type": "AI", "toolExecutionRequests": ..}` (LangChain4j), `{"messageType": "USER", "text": ..}` (Spring AI),
`{"Role": "user", "Content": ..}` (structs written without their JSON names), `{"Role": {"Label": ..}, "Items": ..}`
(Semantic Kernel).
"""

from typing import Any

from trajworker.dialects import openai_chat
from trajworker.dialects.blocks import result_of
from trajworker.dialects.draft import Draft
from trajworker.dialects.speech import tool_draft
from trajworker.dialects.vocabulary import role_of, snake
from trajworker.model.message import TOOL

_OPAQUE = frozenset({"arguments", "args", "input", "parameters", "metadata", "schema"})
"""Fields whose keys are somebody else's."""
_RENAMED = {"ai_message": "message", "tool_execution_requests": "tool_calls", "response_data": "content",
            "message_type": "role", "tool_results": "responses"}  # fmt: skip
_SAID = ("content", "text", "contents", "tool_calls", "responses", "output", "result")


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
    plain = fields(_untagged(item))
    word = plain.get("role") or plain.get("type")
    if isinstance(word, dict):
        word = word.get("label")
        plain.setdefault("content", plain.get("items"))
    if role_of(word) is None or not any(name in plain for name in _SAID):
        return None
    return {**plain, "role": word}


def _untagged(item: dict[str, Any]) -> dict[str, Any]:
    """A message that stands under the name of its role, as Rust and Swift write the cases of an enumeration."""
    if len(item) != 1:
        return item
    ((tag, held),) = item.items()
    return {"role": snake(tag), **held} if isinstance(held, dict) and role_of(snake(tag)) is not None else item


def messages(item: dict[str, Any]) -> list[Draft] | None:
    """Messages of such a dictionary; None where it is none."""
    plain = _read(item)
    if plain is None:
        return None
    if role_of(plain["role"]) is not TOOL:
        return openai_chat.messages(plain)
    answers = plain.get("responses")
    held = [one for one in answers if isinstance(one, dict)] if isinstance(answers, list) else [plain]
    return [draft for one in held for draft in _results(one, plain["role"])]


def _results(one: dict[str, Any], word: str) -> list[Draft]:
    if "output" in one or "result" in one:
        return [tool_draft(result_of(one))]
    return openai_chat.messages({"tool_call_id": one.get("id"), **one, "role": word})
