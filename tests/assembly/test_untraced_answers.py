"""What a trace answers of which only calls around the answer were recorded: its words are told, and none of theirs."""

from typing import Any

import pytest

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.trajectory import Trajectory

AGENT, ASKED, ANSWER = system("You sell rope."), "How long is the hemp one?", "Thirty metres, on a reel."
JUDGE = ([system("Is that polite?"), user(f"Q: {ASKED}\nA: {ANSWER}")], assistant("yes"))
SEARCH = ([system("Write a query."), user(ASKED)], assistant("hemp rope length"))
GUARD = ([system("Is it safe?"), user(ASKED)], assistant('{"safe": true, "risk": "none"}'))

Asking = tuple[list[dict[str, Any]], dict[str, Any]]


def answering(back: Any, *calls: Asking, question: str = ASKED) -> Trajectory:
    """A turn with these calls in it, whose root gives this back."""
    record = Recorder()
    root = record.run("chain", {"question": question}, back)
    return told([root, *(record.run("llm", {"messages": prompt}, said, root) for prompt, said in calls)])


@pytest.mark.parametrize(
    "back",
    [
        pytest.param({"answer": ANSWER, "questions": ["How much?"]}, id="by name"),
        pytest.param({"output": ANSWER}, id="a plain text"),
        pytest.param({"messages": [user(ASKED), assistant(ANSWER)]}, id="messages"),
    ],
)
@pytest.mark.parametrize(
    "calls",
    [
        pytest.param([JUDGE], id="judged"),
        pytest.param([SEARCH, JUDGE], id="searched for and judged"),
        pytest.param([GUARD], id="guarded"),
        pytest.param([GUARD, ([system("Order them."), user(ASKED)], assistant("[1,0]"))], id="guarded and ranked"),
    ],
)
def test_calls_around_an_answer_that_none_of_them_said_are_internal(back: Any, calls: list[Asking]) -> None:
    trajectory = answering(back, *calls)
    assert words_of(trajectory) == [ASKED, ANSWER]
    assert [one.content for one in trajectory.internal] == [said["content"] for _, said in calls]


def test_a_refusal_of_the_app_is_told_though_calls_knew_the_history() -> None:
    record = Recorder()
    refusal = "We cannot speak of this."
    first = record.run("chain", {"question": ASKED}, {"answer": ANSWER})
    turn = [first, record.run("llm", {"messages": [AGENT, user(ASKED)]}, assistant(ANSWER), first)]
    second = record.run("chain", {"question": "And yours?"}, {"answer": refusal})
    history = [user(ASKED), assistant(ANSWER), user("And yours?")]
    calls = [
        ([system("Make it stand alone."), *history], assistant("How long is your rope?")),
        ([system("Suggest."), user(f"Q: And yours?\nA: {refusal}")], assistant('["Why is that?"]')),
    ]
    later = [second, *(record.run("llm", {"messages": prompt}, said, second) for prompt, said in calls)]
    trajectory = told(turn, later)
    assert words_of(trajectory) == [ASKED, ANSWER, "And yours?", refusal]
    assert [one.content for one in trajectory.internal] == [said["content"] for _, said in calls]


@pytest.mark.parametrize(
    ("said", "back"),
    [
        pytest.param(f"<p>{ANSWER}</p>", {"answer": ANSWER}, id="cut out of tags"),
        pytest.param('{"reply": "Thirty metres, on a reel."}', {"answer": ANSWER}, id="cut out of an object"),
        pytest.param('{"metres": 30}', {"answer": "It is 30 metres long."}, id="made of a figure in an object"),
        pytest.param("Dreissig Meter.", {"answer": "Trente metres, voila."}, id="translated"),
        pytest.param("Thirty metres.", {"answer": ASKED}, id="what the root was given"),
        pytest.param("Thirty metres.", {"status": "saved"}, id="no answer"),
    ],
)
def test_an_answer_of_which_a_call_said_anything_is_the_calls(said: str, back: Any) -> None:
    asked = ([AGENT, user(ASKED)], assistant(said))
    assert words_of(answering(back, asked))[:2] == [ASKED, said]


def test_an_app_that_says_what_it_said_before_has_not_been_asked_about_it() -> None:
    history = [user("Hello"), assistant(ANSWER), user(ASKED)]
    assert words_of(answering({"answer": ANSWER}, ([AGENT, *history], assistant("Thirty.")))) == [
        "Hello", ANSWER, ASKED, "Thirty.",
    ]  # fmt: skip


def test_who_worked_with_tools_has_answered_though_the_answer_is_worded_anew() -> None:
    calling = assistant("", ("c1", "measure", "{}"))
    asked = [AGENT, user(ASKED)]
    working = ([*asked, calling, result("c1", "30")], assistant("Dreissig Meter."))
    assert words_of(answering({"answer": ANSWER}, (asked, calling), working, JUDGE))[-1] == "Dreissig Meter."
