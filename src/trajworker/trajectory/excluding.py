"""Which messages of a run were there before it: by id, else at the beginning, in order."""

from trajworker.dialects import Draft, digest


def without(drafts: list[Draft], before: list[Draft]) -> list[Draft]:
    """Drop what was there before: by id wherever it stands, else at the beginning, in order."""
    ids = {draft.id for draft in before if draft.id}
    waiting = list(before)
    kept: list[Draft] = []
    for draft in drafts:
        if draft.id is not None and draft.id in ids:
            continue
        at = next((index for index, old in enumerate(waiting) if _same(draft, old)), None) if not kept else None
        if at is None:
            kept.append(draft)
        else:
            del waiting[: at + 1]
    return kept


def _same(draft: Draft, old: Draft) -> bool:
    return not (draft.id and old.id) and digest(draft) == digest(old)
