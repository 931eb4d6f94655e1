"""Whether an app answered in words of its own, where its models only decided what to say: routers and guards."""

from trajworker.assembly.calls import Call
from trajworker.assembly.context import Context
from trajworker.assembly.groups import system_of
from trajworker.assembly.roots import Root
from trajworker.assembly.words import is_rewording
from trajworker.dialects import Draft, digest
from trajworker.model.message import Role

OPENING = 24
"""Characters at the beginning of a prompt without system prompt by which others made of its template are known."""


def is_unheard(calls: list[Call], root: Root | None) -> bool:
    """Whether a graph answered in other words than any call's, or its one call only filled a field of its state."""
    if root is None or not root.trailing or not calls:
        return False
    texts = [call.text for call in calls if not call.failed]
    if not texts or not all(texts) or any(call.ids for call in calls):
        return False
    said = root.turn_answers()
    if not said and len(texts) == 1:
        return texts[0] in root.state()
    ids = {call.answer.draft.id for call in calls if call.answer.draft is not None}
    told = [draft.content.strip() for draft in said if draft.content and not draft.tool_calls]
    if not told or len(told) < len(said) or any(draft.id in ids for draft in said):
        return False
    return not any(text and (text in one or one in text or is_rewording(text, one)) for text in texts for one in told)


def decided_otherwise(calls: list[Call], root: Root | None, before: Context) -> bool:
    """Whether an app answered in its own words after a call that stood beside its agent's in traces before (a guard).

    Such a call is asked as that was, without history, and what it answered is not what the root gave.
    """
    if root is None or len(calls) != 1 or not before.manners or calls[0].failed:
        return False
    text, told = calls[0].text, root.answer()
    if not told or (text and (text in told or told in text)):
        return False
    asked = manner(calls[0])
    if not asked or not all(key in before.manners for key in asked):
        return False
    return all(draft.role in (Role.SYSTEM, Role.USER) for draft in calls[0].read())


def manner(call: Call) -> list[bytes]:
    """How a call is asked: its system prompts, else how its prompt begins, as digests; none where that is too short."""
    prompts = system_of(call)
    text = next((draft.content or "" for draft in call.read() if draft.role is Role.USER), "") if not prompts else ""
    return [digest(Draft(role=Role.USER, content=text[:OPENING]))] if len(text) >= OPENING else prompts
