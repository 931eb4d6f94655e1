"""Messages as OpenAI's clients send them, for the prompts and answers of hand-written runs."""

from typing import Any

from trajworker.model.message import Role
from trajworker.trajectory import Trajectory


def system(words: str) -> dict[str, Any]:
    return {"role": "system", "content": words}


def user(words: str) -> dict[str, Any]:
    return {"role": "user", "content": words}


def assistant(words: str, *calls: tuple[str, str, str]) -> dict[str, Any]:
    """What a model said; `calls` are ids, names of tools and arguments as JSON text."""
    made = [
        {"id": one, "type": "function", "function": {"name": name, "arguments": given}} for one, name, given in calls
    ]
    return {"role": "assistant", "content": words} | ({"tool_calls": made} if made else {})


def result(call_id: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def words_of(trajectory: Trajectory) -> list[str | None]:
    """What was said, without system prompts."""
    return [message.content for message in trajectory.messages if message.role is not Role.SYSTEM]
