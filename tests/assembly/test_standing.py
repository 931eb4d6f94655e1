"""Traces on the thread that only work on the dialogue: what came later, or what they quote, shows it."""

from typing import Any

import pytest

from support.chat import assistant, system, user, words_of
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Conversation, Header, encode_line
from trajworker.model.run import Run
from trajworker.trajectory import TerminationReason

AGENT, TITLE = system("You are a ferryman."), system("Write a title of two words.")
FIRST = [user("Is there a ferry?"), assistant("There is one at noon.")]


def asked(record: Recorder, prompt: list[dict[str, Any]], answer: str, name: str = "ChatOpenAI") -> list[Run]:
    """A trace that is one call of a wrapped client."""
    return [record.run("llm", {"messages": prompt}, assistant(answer), name=name)]


def called(record: Recorder, name: str, text: str, prompt: list[dict[str, Any]], answer: str) -> list[Run]:
    """A trace of a function that asks a model."""
    root = record.run("chain", {"text": text}, {"output": answer}, name=name)
    return [root, record.run("llm", {"messages": prompt}, assistant(answer), root)]


def titled_and_tagged() -> list[list[Run]]:
    """A turn, two calls that only work on it, and a turn."""
    record = Recorder()
    return [
        asked(record, [AGENT, FIRST[0]], "There is one at noon."),
        asked(record, [TITLE, user("On: Is there a ferry?")], "Ferry times"),
        asked(record, [system("Tag it."), user("On: Is there a ferry?")], "travel"),
        asked(record, [AGENT, *FIRST, user("And back?")], "At six."),
    ]


def test_a_call_that_the_next_prompt_leaves_out_is_no_turn() -> None:
    record = Recorder()
    turn = asked(record, [AGENT, FIRST[0]], "There is one at noon.")
    title = asked(record, [TITLE, user("On: Is there a ferry?")], "Ferry times")
    after = asked(record, [AGENT, *FIRST, user("And back?")], "At six.")
    trajectory = told(turn, title, after)
    assert words_of(trajectory) == ["Is there a ferry?", "There is one at noon.", "And back?", "At six."]
    assert [(one.content, one.turn, one.name) for one in trajectory.internal] == [("Ferry times", 1, "ChatOpenAI")]
    assert [one.trace_ids for one in trajectory.turns] == [(turn[0].id, title[0].id), (after[0].id,)]
    assert (trajectory.task.num_turns, trajectory.task.num_steps, len(trajectory.steps)) == (2, 2, 2)
    assert trajectory.metrics is not None
    assert trajectory.metrics.llm_calls == 3


@pytest.mark.parametrize("prompt", [[TITLE, user("Sing")], [AGENT, user("Sing")]], ids=["held", "same agent"])
def test_a_call_is_a_turn_where_a_prompt_holds_its_answer_or_the_agent_itself_was_asked(prompt: Any) -> None:
    record, said = Recorder(), [] if prompt[0] is AGENT else [user("Sing"), assistant("La la.")]
    traces = [
        asked(record, [AGENT, FIRST[0]], "There is one at noon."),
        asked(record, prompt, "La la."),
        asked(record, [AGENT, *FIRST, *said, user("And back?")], "At six."),
    ]
    assert told(*traces).task.num_turns == 3


def test_who_speaks_to_another_agent_in_between_speaks() -> None:
    record = Recorder()
    traces = [
        asked(record, [AGENT, FIRST[0]], "There is one at noon."),
        asked(record, [system("You are a poet."), user("Sing")], "La la."),
        asked(record, [AGENT, *FIRST, user("And back?")], "At six."),
    ]
    assert told(*traces).task.num_turns == 3


def test_several_calls_that_a_prompt_leaves_out_are_no_turns() -> None:
    traces = titled_and_tagged()
    trajectory = told(*traces)
    assert ([one.content for one in trajectory.internal], trajectory.task.num_turns) == (["Ferry times", "travel"], 2)


def test_a_call_without_system_prompt_is_the_agents_where_that_has_none() -> None:
    record = Recorder()
    first = asked(record, [user("Is there a ferry?")], "There is one at noon.")
    second = asked(record, [user("Sing")], "La la.")
    assert told(first, second, asked(record, [*FIRST, user("And back?")], "At six.")).task.num_turns == 3


def test_a_call_about_the_last_question_and_answer_which_it_quotes_is_no_turn() -> None:
    record = Recorder()
    quoted = user("User: Is there a ferry?\nAssistant: There is one at noon.")
    title = asked(record, [TITLE, quoted], "Ferry times")
    trajectory = told(asked(record, [AGENT, FIRST[0]], "There is one at noon."), title)
    assert words_of(trajectory) == ["Is there a ferry?", "There is one at noon."]
    assert [one.content for one in trajectory.internal] == ["Ferry times"]


@pytest.mark.parametrize(
    "text",
    [
        "Is there a ferry? There is one at noon. And back?",
        "There is one at noon, you said. Is there a ferry?",
    ],
)
def test_who_quotes_the_agent_to_itself_speaks(text: str) -> None:
    record = Recorder()
    first = asked(record, [user("Is there a ferry?")], "There is one at noon.")
    assert told(first, asked(record, [user(text)], "Yes.")).task.num_turns == 2


def test_who_gives_the_agent_its_last_answer_to_work_on_speaks() -> None:
    record = Recorder()
    quoted = user("Is there a ferry?\n\nThere is one at noon.")
    first = asked(record, [AGENT, user("Is there a ferry?")], "There is one at noon.")
    assert told(first, asked(record, [AGENT, quoted], "At noon.")).task.num_turns == 2


def test_a_function_that_is_given_new_words_beside_the_quote_is_a_turn() -> None:
    record = Recorder()
    quoted = user("Is there a ferry? There is one at noon. Name two more.")
    root = record.run("chain", {"wish": "Two more, please"}, {"output": "At six."}, name="more")
    more = [root, record.run("llm", {"messages": [TITLE, quoted]}, assistant("At six."), root)]
    assert told(asked(record, [AGENT, FIRST[0]], "There is one at noon."), more).task.num_turns == 2


def dated(hour: int) -> dict[str, Any]:
    return system(f"You are a ferryman. It is {hour} o'clock.")


def test_who_goes_on_in_a_transcript_speaks_though_the_agents_prompt_tells_the_time() -> None:
    record, q, a = Recorder(), "Is there a ferry?", "There is one at noon."
    first = asked(record, [dated(1), user(q)], a)
    second = asked(record, [dated(2), user(f"User: {q}\nAI: {a}\nUser: And back?")], "At six.")
    assert told(first, second).task.num_turns == 2


@pytest.mark.parametrize(
    ("first", "between"), [("hi", "What is the weather in Chicago?"), ("1", "Book room 21 for my mother")]
)
def test_a_short_word_within_another_is_nobodys_quote(first: str, between: str) -> None:
    record = Recorder()
    traces = [
        asked(record, [AGENT, user(first)], "Hello!"),
        asked(record, [system("You are another."), user(between)], "Windy."),
        asked(record, [AGENT, user(first), assistant("Hello!"), user("And back?")], "At six."),
    ]
    assert told(*traces).task.num_turns == 3


def test_a_function_that_is_given_a_wish_of_the_users_is_a_turn() -> None:
    record, wish = Recorder(), "Make it friendlier for Bob"
    traces = [
        called(record, "chat", "Is there a ferry?", [AGENT, FIRST[0]], "There is one at noon."),
        called(record, "rewrite", wish, [system("Rewrite."), user(f"{wish}: There is one at noon.")], "Dear Bob!"),
        called(record, "chat", "And back?", [AGENT, *FIRST, user("And back?")], "At six."),
    ]
    assert told(*traces).task.num_turns == 3


def test_a_call_whose_answer_any_call_of_a_trace_holds_is_a_turn() -> None:
    record, sung = Recorder(), [user("Sing of this: There is one at noon."), assistant("La la.")]
    root = record.run("chain", {"text": "And back?"}, {"output": "At six."})
    last = [
        root,
        record.run("llm", {"messages": [system("Route."), *FIRST, user("And back?")]}, assistant("chat"), root),
        record.run("llm", {"messages": [AGENT, *FIRST, *sung, user("And back?")]}, assistant("At six."), root),
    ]
    first = asked(record, [AGENT, FIRST[0]], "There is one at noon.")
    assert told(first, asked(record, [system("You are a poet."), sung[0]], "La la."), last).task.num_turns == 3


def test_a_first_trace_that_worked_with_tools_is_a_turn() -> None:
    record, q = Recorder(), "Is there a ferry?"
    root = record.run("chain", {"text": q}, {"output": "looked"}, name="lookup")
    calling = assistant("", ("c1", "find", "{}"))
    first = [
        root,
        record.run("llm", {"messages": [system("Look it up."), user(q)]}, calling, root),
        record.run("tool", {}, {"output": "noon"}, root, name="find"),
    ]
    assert told(first, called(record, "chat", q, [AGENT, user(q)], "At noon.")).task.num_turns == 2


def test_what_was_asked_and_found_in_a_trace_that_is_withdrawn_is_kept_with_its_turn() -> None:
    record, title = Recorder(), user("On: Is there a ferry?")
    root = record.run("chain", {}, {"output": "Ferry times"}, name="title")
    between = [
        root,
        record.run("retriever", {"query": "q"}, {"documents": [{"page_content": "A timetable"}]}, root),
        record.run("llm", {"messages": [TITLE, title]}, assistant("Ferry times"), root),
    ]
    first = asked(record, [AGENT, FIRST[0]], "There is one at noon.")
    trajectory = told(first, between, asked(record, [AGENT, *FIRST, user("And back?")], "At six."))
    assert [(one.turn, one.rendered) for one in trajectory.internal] == [(1, title["content"])]
    assert [one.turn for one in trajectory.retrieved] == [1]


def test_a_title_that_was_cut_off_does_not_cut_off_the_conversation() -> None:
    record, quoted = Recorder(), user("User: Is there a ferry?\nAssistant: There is one at noon.")
    cut = {"choices": [{"message": assistant("Ferry ti"), "finish_reason": "length"}]}
    title = [record.run("llm", {"messages": [TITLE, quoted]}, cut)]
    trajectory = told(asked(record, [AGENT, FIRST[0]], "There is one at noon."), title)
    assert trajectory.execution_metrics is not None
    assert trajectory.execution_metrics.termination_reason is TerminationReason.ENV_DONE


def test_a_check_before_each_turn_belongs_to_the_turn_that_comes() -> None:
    record, check = Recorder(), system("Is this harmful?")
    words = ["Is there a ferry?", "And back?"]
    traces = [
        called(record, "moderate", words[0], [check, user(words[0])], "no"),
        called(record, "chat", words[0], [AGENT, user(words[0])], "There is one at noon."),
        called(record, "moderate", words[1], [check, user(words[1])], "no"),
        called(record, "chat", words[1], [AGENT, *FIRST, user(words[1])], "At six."),
    ]
    trajectory = told(*traces)
    assert words_of(trajectory) == ["Is there a ferry?", "There is one at noon.", "And back?", "At six."]
    ids = [trace[0].id for trace in traces]
    assert [one.trace_ids for one in trajectory.turns] == [tuple(ids[:2]), tuple(ids[2:])]
    assert [one.turn for one in trajectory.internal] == [1, 2]


@pytest.mark.parametrize(("name", "prompt"), [("again", "You are a ferryman. It is two o'clock."), ("chat", "Sing.")])
def test_the_first_words_asked_again_are_asked_again(name: str, prompt: str) -> None:
    """By the same function, or of the same agent, whose prompt tells the time."""
    record, text = Recorder(), "Is there a ferry?"
    first = called(record, "chat", text, [system("You are a ferryman. It is one o'clock."), user(text)], "At noon.")
    assert told(first, called(record, name, text, [system(prompt), user(text)], "Yes.")).task.num_turns == 2


def test_what_is_withdrawn_is_the_same_whether_folded_at_once_or_anew_from_a_trace_that_came_late() -> None:
    traces = titled_and_tagged()
    at_once, without = Conversation(), fold_all([traces[0], traces[1], traces[3]])
    late = fold_all([traces[0], traces[1]])
    for trace in traces:
        at_once.fold(trace)
    header = Header(conversation_id="t")
    for trace in traces[2:]:
        late.append(Conversation(folds=late).fold(trace))
    assert [fold.trace_id for fold in without[:2]] == [fold.trace_id for fold in late[:2]]
    assert b"".join(encode_line(at_once.folds, header)) == b"".join(encode_line(late, header))
