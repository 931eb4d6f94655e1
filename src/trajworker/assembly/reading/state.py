"""Which messages of a graph's state are of the turn that a trace is of."""

from collections.abc import Iterable

from trajworker.dialects import Draft
from trajworker.model.message import ASSISTANT, USER

MAX_TASKS = 8
"""User messages of a state that are looked behind for what the user said; agents keep their tasks as such."""


def answers_of_turn(newest_first: Iterable[Draft], words: Iterable[Draft]) -> list[Draft]:
    """The assistant messages behind what the root was given; where the state has that no more, behind the last task."""
    said = {draft.content for draft in words}
    found: list[Draft] = []
    tasks: list[int] = []
    for draft in newest_first:
        if draft.role is ASSISTANT:
            found.append(draft)
        elif draft.role is USER and draft.content in said:
            return found
        elif draft.role is USER:
            tasks.append(len(found))
        if len(tasks) > (MAX_TASKS if said else 0):
            break
    return found[: tasks[0]] if tasks else found
