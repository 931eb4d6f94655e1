"""Llm runs that hold no answer: a step that puts a request together, recorded as if it were the call that follows."""

from msgspec import Raw

from trajworker.assembly.reading.payloads import FIELDS, ITEMS, drafts_of, lenient
from trajworker.dialects import ANSWERS
from trajworker.dialects.speech import RAW
from trajworker.model.message import ASSISTANT, Role
from trajworker.model.run import NULL, Run

_TOLD = frozenset({*ANSWERS, "choices", "generations", "candidates", "usage", "usage_metadata"})
"""Fields that tell of an answer, whatever stands beside them."""


def without_requests(runs: list[Run]) -> list[Run]:
    """Llm runs without those that gave a request back and no answer, which took no tokens."""
    for run in runs:
        if not run.total_tokens and _gives_request(run):
            return [run for run in runs if run.total_tokens or not _gives_request(run)]
    return runs


def _gives_request(run: Run) -> bool:
    """Whether a run gave back messages and the tools to be offered with them, and none of the messages is an answer."""
    outputs = bytes(run.outputs)
    if b'"tools"' not in outputs or b'"messages"' not in outputs:
        return False
    fields = lenient(run.outputs, FIELDS, {})
    items = lenient(fields.get("messages", NULL), ITEMS, [])
    if not items or "tools" not in fields or not _TOLD.isdisjoint(fields):
        return False
    given = bytes(run.inputs)
    roles = [_role(item) for item in items]
    asks = all(role not in (None, ASSISTANT) or bytes(item) in given for item, role in zip(items, roles, strict=True))
    return asks and roles[-1] is not ASSISTANT


def _role(item: Raw) -> Role | None:
    """Whose message it is; None where nobody can tell."""
    drafts = drafts_of(item) if bytes(item)[:1] == b"{" else []
    return drafts[-1].role if drafts and RAW not in drafts[-1].flags else None
