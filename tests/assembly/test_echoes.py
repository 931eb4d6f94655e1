"""A user message inside a turn that only tells again what was said in it is an echo; a user's own words are none."""

import pytest

from trajworker.assembly.telling.echoes import TurnSoFar, is_echo
from trajworker.dialects import Draft
from trajworker.model.message import Role, ToolCall

CALLS = (
    ToolCall(name="search", arguments={"q": "SELECT name FROM artist"}),
    ToolCall(name="look_up", arguments={}),
)


def echo(
    text: str,
    *,
    asked: str = "How warm is Faro?",
    results: tuple[str, ...] = (),
    told: bool = False,
    answered: bool = False,
) -> bool:
    so_far = TurnSoFar(
        asked=Draft(role=Role.USER, content=asked),
        shown="Question: How warm is Faro?\nThought:",
        answer=Draft(role=Role.ASSISTANT, content="I should search.", tool_calls=CALLS),
        results=list(results),
        awaited=[] if answered else list(results),
        told=told,
    )
    return is_echo(Draft(role=Role.USER, content=text), so_far)


@pytest.mark.parametrize(
    "text",
    [
        "Context: 21 degrees.\n\nHow warm is Faro?",
        "Question: How warm is Faro?\nThought: I should search.\nObservation:",
        "SELECT name FROM artist",
        "The tool look_up gave back nothing.",
    ],
)
def test_the_question_the_answer_and_its_calls_told_again_are_echoes(text: str) -> None:
    assert echo(text)


@pytest.mark.parametrize("result", ["Faro has 21 degrees", '{"returncode": 0, "output": "Faro has 21 degrees\\n"}'])
def test_a_result_told_in_words_is_an_echo_where_the_prompt_has_no_results(result: str) -> None:
    text = "<observation>Faro has 21 degrees</observation>"
    assert echo(text, asked="Warm?", results=(result,))
    assert not echo(text, asked="Warm?", results=(result,), told=True)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Stop, do not search; I know it now", "How warm is Faro?"),
        ("Help me with my taxes", "Help"),
        ("And in Beja?", "How warm is Faro?"),
    ],
)
def test_words_that_a_question_happens_to_be_part_of_are_no_echo(text: str, asked: str) -> None:
    assert not echo(text, asked=asked)


@pytest.mark.parametrize("result", ["Faro", '{"city": "Faro", "degrees": 21}'])
def test_a_word_of_a_result_that_was_answered_may_stand_in_a_question_too(result: str) -> None:
    assert not echo("Is Faro near Beja?", asked="Warm?", results=(result,), answered=True)
    assert echo("<observation>Faro</observation>", asked="Warm?", results=(result,))
