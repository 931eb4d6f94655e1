"""Whose answer it is where the trace around the calls tells neither question nor answer, as one of a web server."""

from typing import Any

import pytest

from support.chat import assistant, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.run import Run

AGENT, QUESTION = system("You are a guide."), user("How warm is Faro?")
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
ANSWER = assistant("It is warm in Faro.")


def requested(*calls: tuple[dict[str, Any], dict[str, Any]]) -> list[Run]:
    """A request for which models were asked: the inputs and the answer of each."""
    record = Recorder()
    root = record.run("chain", {"method": "POST", "path": "/chat"}, {"status": 200}, name="request")
    return [root, *(record.run("llm", inputs, answer, root) for inputs, answer in calls)]


@pytest.mark.parametrize(
    "beside",
    [
        ({"messages": [system("Write a title."), QUESTION]}, assistant("Warmth in Faro")),
        ({"messages": [user("Write a title.\n\nHow warm is Faro?")]}, assistant("Warmth in Faro")),
        ({"messages": [user("Suggest questions.\n\nIt is warm in Faro.")]}, assistant("And Beja?\nAnd Evora?")),
        ({"messages": [system("Note facts."), QUESTION], "tools": [TOOL]}, assistant("", ("c1", "facts", "{}"))),
    ],
)
def test_words_of_who_may_use_tools_are_the_answer_whatever_is_asked_behind_them(beside: tuple[Any, Any]) -> None:
    trajectory = told(requested(({"messages": [AGENT, QUESTION], "tools": [TOOL]}, ANSWER), beside))
    assert words_of(trajectory) == [QUESTION["content"], ANSWER["content"]]
    assert [one.content or "" for one in trajectory.internal] == [beside[1]["content"]]


def test_the_answer_to_words_that_a_graph_keeps_is_the_agents_whatever_is_asked_behind_it() -> None:
    kept = {"type": "human", "content": QUESTION["content"], "id": "h1"}
    summing_up = [user("Sum up.\n\nhuman: How warm is Faro?\nai: It is warm in Faro.")]
    runs = requested(({"messages": [[kept]]}, ANSWER), ({"messages": summing_up}, assistant("They spoke of Faro.")))
    assert words_of(told(runs)) == [QUESTION["content"], ANSWER["content"]]


def test_who_may_use_tools_and_hands_the_word_on_has_not_answered() -> None:
    handing = assistant("One moment.", ("c1", "transfer_to_guide", "{}"))
    triage = {"messages": [system("Find out who can help."), QUESTION], "tools": [TOOL]}
    runs = requested((triage, handing), ({"messages": [AGENT, QUESTION]}, ANSWER))
    assert words_of(told(runs))[-1] == ANSWER["content"]


def test_of_prompts_that_are_alike_in_all_that_the_last_gives_the_answer() -> None:
    polishing = [system("Polish."), user("How warm is Faro? Draft: warm")]
    runs = requested(({"messages": [AGENT, QUESTION]}, assistant("warm")), ({"messages": polishing}, ANSWER))
    assert words_of(told(runs))[-1] == ANSWER["content"]


def broken_off(
    record: Recorder,
    question: str,
    *calls: tuple[list[dict[str, Any]], dict[str, Any] | None],
    said: str | None = None,
) -> list[Run]:
    """A turn that failed, as its last call did; calls without an answer failed. The app may have `said` so."""
    root = record.run("chain", {"question": question}, {"output": said}, error=None if said else "Overloaded()")
    asked = [({"messages": prompt}, answer) for prompt, answer in calls]
    return [root, *(record.run("llm", one, said, root, error=None if said else "Overloaded()") for one, said in asked)]


def answered(record: Recorder, rewriting: dict[str, Any], titling: dict[str, Any]) -> list[Run]:
    """A turn before, with who rewrites the question and who writes a title beside the agent."""
    root = record.run("chain", {"question": QUESTION["content"]}, {"answer": ANSWER["content"]})
    calls = [
        ([rewriting, QUESTION], assistant("warmth Faro")),
        ([AGENT, user(f"Page 1.\n\n{QUESTION['content']}")], ANSWER),
        ([titling, QUESTION], assistant("Warmth there")),
    ]
    return [root, *(record.run("llm", {"messages": prompt}, said, root) for prompt, said in calls)]


REWRITING, TITLING = system("Rewrite the question."), system("Write a title.")
HISTORY = [QUESTION, ANSWER]


@pytest.mark.parametrize(
    ("helping", "history"),
    [
        pytest.param(REWRITING, [], id="helpers are known from the turn before"),
        pytest.param(system("Which language?"), HISTORY, id="it alone knows what was said"),
        pytest.param(system("Which language?"), [], id="its system prompt is known from the turn before"),
    ],
)
def test_a_turn_that_failed_with_its_last_call_is_not_told_as_what_its_helpers_said(
    helping: dict[str, Any], history: list[dict[str, Any]]
) -> None:
    record = Recorder()
    before = answered(record, REWRITING, TITLING)
    failing = [AGENT, *history, user("Page 2.\n\nAnd how warm is Beja?")]
    helped = ([helping, user("And how warm is Beja?")], assistant("warmth Beja"))
    trajectory = told(before, broken_off(record, "And how warm is Beja?", helped, (failing, None), (failing, None)))
    assert words_of(trajectory) == [QUESTION["content"], ANSWER["content"], "And how warm is Beja?"]
    assert [one.content for one in trajectory.internal] == ["warmth Faro", "Warmth there", "warmth Beja"]
    assert [turn.status for turn in trajectory.turns] == ["success", "error"]


SORRY, BEJA = "Sorry, this did not work.", "And how warm is Beja?"
CONDENSING = [system("Make it stand alone."), *HISTORY, user(BEJA)]
FAILING = [AGENT, *HISTORY, user(f"Page 2.\n\n{BEJA}")]


def test_what_an_app_says_where_a_model_failed_is_told_once_whoever_else_knows_the_history() -> None:
    record = Recorder()
    helped = CONDENSING, assistant("How warm is Beja in May?")
    failed = broken_off(record, BEJA, helped, (FAILING, None), said=SORRY)
    later = [AGENT, *HISTORY, user(BEJA), assistant(SORRY), user("Page 3.\n\nAnd Evora?")]
    root = record.run("chain", {"question": "And Evora?"}, {"answer": "Hot."})
    after = [root, record.run("llm", {"messages": later}, assistant("Hot."), root)]
    trajectory = told(answered(record, REWRITING, TITLING), failed, after)
    assert words_of(trajectory)[2:] == [BEJA, SORRY, "And Evora?", "Hot."]


def test_who_calls_a_tool_that_never_answers_is_the_agent_beside_helpers_that_are_known() -> None:
    record, calling = Recorder(), assistant("One moment.", ("c1", "weather", "{}"))
    asked = [system("You are another guide."), *HISTORY, user(BEJA)]
    crashed = broken_off(record, BEJA, ([REWRITING, user(BEJA)], assistant("warmth Beja")), (asked, calling))
    trajectory = told(answered(record, REWRITING, TITLING), crashed)
    assert words_of(trajectory)[2:] == [BEJA, "One moment."]
    assert trajectory.internal[-1].content == "warmth Beja"


def test_who_failed_and_alone_knows_what_was_said_is_the_agent_where_no_turn_before_is_known() -> None:
    helped = [system("Which language?"), user(BEJA)], assistant("It is English.")
    trajectory = told(broken_off(Recorder(), BEJA, helped, (FAILING, None)))
    assert [one.content for one in trajectory.internal] == ["It is English."]
    assert words_of(trajectory) == [*(one["content"] for one in HISTORY), BEJA]


def test_helpers_alone_in_a_turn_that_failed_have_not_answered() -> None:
    record = Recorder()
    failed = broken_off(record, BEJA, ([REWRITING, user(BEJA)], assistant("warmth Beja")))
    trajectory = told(answered(record, REWRITING, TITLING), failed)
    assert words_of(trajectory)[2:] == [BEJA]
    assert trajectory.internal[-1].content == "warmth Beja"


def test_a_helper_that_failed_behind_the_agents_answer_is_none_of_the_agents() -> None:
    record, again = Recorder(), [AGENT, *HISTORY, user(BEJA)]
    grading = [system("Grade."), user("Was it?"), assistant("no"), user(BEJA)]
    failed = broken_off(record, BEJA, (again, assistant("Beja is hot.")), (grading, None))
    assert words_of(told(answered(record, REWRITING, TITLING), failed))[2:] == [BEJA, "Beja is hot."]
