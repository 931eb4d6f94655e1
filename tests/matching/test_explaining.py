"""Why two trajectories are not equal, told from the calls outward."""

from msgspec import structs

from support.calls import call
from trajworker.matching.explaining import MESSAGES_SHOWN, explain_inequality
from trajworker.model.message import Message, Role
from trajworker.trajectory import Step, Trajectory

TALK = Trajectory.from_messages([{"role": "user", "content": f"question {n}"} for n in range(9)], {"model": "m"})


def test_messages_of_the_same_calls_are_told_field_by_field_up_to_a_limit() -> None:
    other = Trajectory.from_messages([{"role": "user", "content": f"other {n}"} for n in range(9)], {"model": "n"})
    lines = str(explain_inequality(TALK, other)).splitlines()
    assert lines[0] == '  message 1 (user), content: "question 0" != "other 0"'
    assert sum(line.startswith("  message ") for line in lines) == MESSAGES_SHOWN
    assert lines[-1] == '  metadata: {"model": "m"} != {"model": "n"}'


def test_a_missing_message_is_told_by_number() -> None:
    shorter = structs.replace(TALK, messages=TALK.messages[:-1])
    assert explain_inequality(TALK, shorter) == "  messages: 9 != 8"


def test_steps_that_saw_other_messages_are_mentioned() -> None:
    stepped = structs.replace(TALK, steps=(Step(messages=[Message(role=Role.USER, content="x")]),))
    assert "steps" in str(explain_inequality(TALK, stepped))


def test_long_values_are_cut() -> None:
    long = structs.replace(TALK, error="x" * 1_000)
    assert max(map(len, str(explain_inequality(TALK, long)).splitlines())) < 220


def test_long_texts_are_shown_where_they_part() -> None:
    one, other = (Trajectory.from_messages([{"role": "user", "content": "y" * 400 + end}]) for end in "AB")
    told = str(explain_inequality(one, other))
    assert 'yyyA" != …yyy' in told
    assert told.endswith('yyyB"')


def test_other_kinds_of_values_are_left_alone() -> None:
    assert explain_inequality(TALK, None) is None
    assert explain_inequality(TALK, 3) is None
    assert explain_inequality([], []) is None
    assert "1 call missing" in str(explain_inequality(TALK, [call("t", {})]))
