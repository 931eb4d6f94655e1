"""Dialogues that a rule which is too eager would misread."""

from typing import Any

import pytest

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.message import Role
from trajworker.model.run import Run

AGENT = system("You are a clerk.")
LONG = "The contract may be ended with a notice of 30 days."


def traced(given: Any, back: Any, *calls: tuple[list[dict[str, Any]], dict[str, Any]]) -> list[Run]:
    record = Recorder()
    root = record.run("chain", given, back)
    return [root, *(record.run("llm", {"messages": prompt}, answer, root) for prompt, answer in calls)]


def test_a_graph_that_keeps_its_answer_beside_the_messages_has_answered() -> None:
    human = {"type": "human", "content": "How long?", "id": "h"}
    back = {"messages": [human], "answer": "30 days."}
    runs = traced({"messages": [human]}, back, ([AGENT, user("How long?")], assistant("30 days.")))
    assert words_of(told(runs)) == ["How long?", "30 days."]


@pytest.mark.parametrize("shown", [f"<p>{LONG}</p>", LONG.replace("30 days", "&lt;30 days&gt;")])
def test_an_answer_that_the_graph_puts_in_another_form_is_the_agents(shown: str) -> None:
    human = {"type": "human", "content": "How long?", "id": "h"}
    back = {"messages": [human, {"type": "ai", "content": shown, "id": "own"}]}
    trajectory = told(traced({"messages": [human]}, back, ([AGENT, user("How long?")], assistant(LONG))))
    assert (LONG in words_of(trajectory), trajectory.task.num_steps) == (True, 1)


def test_a_check_that_quotes_the_answer_does_not_make_a_summary_of_it() -> None:
    looking = assistant("", ("c1", "look", "{}"))
    prompt = [AGENT, user("How long?")]
    runs = traced(
        {"question": "How long?"}, {"output": LONG},
        (prompt, looking),
        ([*prompt, looking, result("c1", "30 days")], assistant(LONG)),
        ([AGENT, user(f"Verify: {LONG}")], assistant("The answer is correct.")),
    )  # fmt: skip
    assert words_of(told(runs)) == ["How long?", "", "30 days", LONG]


def test_an_app_that_asks_for_another_try_begins_no_turn() -> None:
    prompt = [AGENT, user("Ticket 5: the printer is broken")]
    again = [*prompt, assistant("repair"), user("That is no category; choose again.")]
    runs = traced(
        {"ticket_id": "T-5"}, {"category": "hardware"}, (prompt, assistant("repair")), (again, assistant("hardware"))
    )
    assert told(runs).task.num_turns == 1


def test_an_error_that_came_over_http_is_nobodys_answer() -> None:
    failed = {"error": {"message": "Rate limit reached", "code": 429}}
    (asked, answer) = told([Recorder().run("llm", {"messages": [user("Hi")]}, failed)]).messages
    assert (asked.content, answer.content, answer.flags) == ("Hi", None, ("raw",))


def test_an_answer_in_the_first_history_is_no_summary_because_an_internal_call_said_the_same() -> None:
    history = [AGENT, user("How long?"), assistant(LONG), user("And in writing?")]
    record = Recorder()
    root = record.run("chain", {"question": "And in writing?"}, {"output": "Yes."})
    internal = {"lc_source": "summarization"}
    runs = [
        root,
        record.run("llm", {"messages": [user("Pick a sentence.")]}, assistant(LONG), root, metadata=internal),
        record.run("llm", {"messages": history}, assistant("Yes."), root),
    ]
    trajectory = told(runs)
    assert words_of(trajectory) == ["How long?", LONG, "And in writing?", "Yes."]
    assert trajectory.asides == ()


def test_a_query_that_shares_no_word_with_the_prompt_is_not_what_the_user_said() -> None:
    runs = traced(
        {"query": "SELECT * FROM tickets WHERE open", "limit": "ten"}, {"output": "hardware"},
        ([AGENT, user("Ticket 5: printer is broken")], assistant("hardware")),
    )  # fmt: skip
    assert words_of(told(runs))[0] == "Ticket 5: printer is broken"


def test_votes_over_one_prompt_are_no_turn_tried_again() -> None:
    prompt = [AGENT, user("Is it spam?")]
    votes = [(prompt, assistant("", (f"v{number}", "Vote", '{"spam": true}'))) for number in range(3)]
    trajectory = told(traced({"question": "Is it spam?"}, {"spam": True}, *votes))
    assert [one.role for one in trajectory.messages].count(Role.ASSISTANT) == 1


def test_a_result_told_twice_in_one_prompt_is_two_results() -> None:
    prompt = [user("Roll twice"), result("call_0", "6"), result("call_0", "6")]
    trajectory = told([Recorder().run("llm", {"messages": prompt}, assistant("Two sixes."))])
    assert words_of(trajectory) == ["Roll twice", "6", "6", "Two sixes."]


def test_a_title_does_not_stand_for_an_answer_that_the_trace_gave_back_in_html() -> None:
    question = user("How long?")
    naming = [system("Make a title."), question]
    runs = traced(
        {"question": "How long?"}, {"html": f"<p>{LONG}</p>", "answer": f"<p>{LONG}</p>", "title": "Notice"},
        ([AGENT, question], assistant(LONG)), (naming, assistant("Notice")),
    )  # fmt: skip
    assert words_of(told(runs)) == ["How long?", LONG]
