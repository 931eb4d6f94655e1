"""Which messages of a run were there before it: by id wherever they stand, else at the beginning, in order."""

from collections.abc import Sequence

from trajworker.dialects import Draft, digest
from trajworker.model.message import Role


def without(drafts: Sequence[Draft], before: Sequence[Draft]) -> list[Draft]:
    """The messages that were not there before."""
    ids = {draft.id for draft in before if draft.id}
    rest = [draft for draft in drafts if draft.id is None or draft.id not in ids]
    return rest[_repeated(rest, before) :]


def _repeated(drafts: Sequence[Draft], before: Sequence[Draft]) -> int:
    """How many messages at the beginning say again what was said before.

    The same words under other ids are said anew: they end the repetition, and their turn is none of it.
    """
    waiting = [(digest(old), old) for old in before]
    for number, draft in enumerate(drafts):
        words = digest(draft)
        alike = [index for index, (said, _) in enumerate(waiting) if said == words]
        at = next((index for index in alike if not _other_ids(draft, waiting[index][1])), None)
        if at is None:
            return _turn_start(drafts[:number]) if alike else number
        del waiting[: at + 1]
    return len(drafts)


def _turn_start(drafts: Sequence[Draft]) -> int:
    """Where the last turn of these begins: at what the user said."""
    return next((index for index in range(len(drafts) - 1, -1, -1) if drafts[index].role is Role.USER), len(drafts))


def _other_ids(draft: Draft, old: Draft) -> bool:
    """Whether both bear ids, their own or those of their calls and results, that are not the same."""
    return any(one and other and one != other for one, other in zip(_ids(draft), _ids(old), strict=False))


def _ids(draft: Draft) -> list[str | None]:
    result = draft.tool_response
    return [draft.id, result.id if result is not None else None, *(call.id for call in draft.tool_calls or ())]
