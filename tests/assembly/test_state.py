"""Which messages of a graph's state are of the turn that a trace is of."""

from itertools import cycle

from trajworker.assembly.reading.state import answers_of_turn
from trajworker.dialects import Draft
from trajworker.model.message import Role


def drafts(*said: str) -> list[Draft]:
    """Messages, users' in capitals, the last first."""
    return [Draft(role=Role.USER if one.isupper() else Role.ASSISTANT, content=one) for one in reversed(said)]


def test_answers_to_tasks_that_agents_gave_each_other_are_of_the_users_turn() -> None:
    found = answers_of_turn(drafts("OLD", "old", "ASKED", "one", "TASK", "two"), drafts("ASKED"))
    assert [one.content for one in found] == ["two", "one"]


def test_where_nobody_knows_what_the_user_said_the_turn_begins_with_the_last_user_message() -> None:
    state = drafts("OLD", "old", "REWORDED", "one")
    assert [[one.content for one in answers_of_turn(state, words)] for words in ([], drafts("ASKED"))] == [["one"]] * 2


def test_a_state_is_not_read_to_its_end_for_words_that_it_does_not_have() -> None:
    endless = cycle(drafts("REWORDED", "one"))
    assert [one.content for one in answers_of_turn(endless, drafts("ASKED"))] == ["one"]
