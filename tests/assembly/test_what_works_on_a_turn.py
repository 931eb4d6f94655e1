"""Functions that work on each turn behind it, in traces of their own: later prompts, or those before, tell them."""

import pytest

from support.chat import assistant, system, user, words_of
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Conversation, Header, encode_line
from trajworker.model.run import Run

AGENT, TITLE, CHECK = system("You are a ferryman."), system("Write a title of two words."), system("Is this harmful?")
Q, A, NEXT, LAST = "Is there a ferry?", "There is one at noon.", "And back?", "At six."
SAID = [user(Q), assistant(A)]
Prompt = list[dict[str, object]]


def called(record: Recorder, name: str, given: dict[str, object], prompt: Prompt, answer: str) -> list[Run]:
    """A trace of a function that asks a model."""
    root = record.run("chain", given, {"output": answer}, name=name)
    return [root, record.run("llm", {"messages": prompt}, assistant(answer), root)]


def titled(record: Recorder) -> list[list[Run]]:
    """A turn, and a title for its question."""
    return [
        called(record, "chat", {"text": Q}, [AGENT, user(Q)], A),
        called(record, "title", {"text": Q}, [TITLE, user(Q)], "Ferry times"),
    ]


def judged(record: Recorder) -> list[list[Run]]:
    """Two turns, each with a function behind it that is given its question."""
    judge = system("Grade the answer.")
    return [
        called(record, "chat", {"text": Q}, [AGENT, user(Q)], A),
        called(record, "judge", {"text": Q}, [judge, user(f"Of: {Q}")], "4"),
        called(record, "chat", {"text": NEXT}, [AGENT, *SAID, user(NEXT)], LAST),
        called(record, "judge", {"text": NEXT}, [judge, user(f"Of: {NEXT}")], "5"),
    ]


def test_the_first_answer_is_the_one_that_the_next_prompt_goes_on_from() -> None:
    record = Recorder()
    traces = [*titled(record), called(record, "chat", {"text": NEXT}, [AGENT, *SAID, user(NEXT)], LAST)]
    trajectory = told(*traces)
    assert words_of(trajectory) == [Q, A, NEXT, LAST]
    assert [(one.content, one.turn) for one in trajectory.internal] == [("Ferry times", 1)]
    assert [len(one.trace_ids) for one in trajectory.turns] == [2, 1]


def test_the_first_answer_is_the_one_that_the_next_root_is_given_where_no_model_answers() -> None:
    record, no = Recorder(), "I cannot say."
    root = record.run("chain", {"text": NEXT, "history": SAID}, {"messages": [*SAID, user(NEXT), assistant(no)]})
    refused = [root, record.run("llm", {"messages": [CHECK, user(NEXT)]}, assistant('{"harmful": true}'), root)]
    first = called(record, "chat", {"text": Q}, [AGENT, user(Q)], A)
    title = called(record, "title", {"text": Q}, [TITLE, user(Q)], "Ferry times")
    assert words_of(told(first, title, refused))[:2] == [Q, A]


def test_the_second_answer_to_the_first_words_is_the_one_where_the_next_prompt_holds_it() -> None:
    record = Recorder()
    traces = [
        called(record, "check", {"text": Q}, [CHECK, user(Q)], "no"),
        called(record, "chat", {"text": Q}, [AGENT, user(Q)], A),
        called(record, "chat", {"text": NEXT}, [AGENT, user(Q), assistant("no"), *SAID, user(NEXT)], LAST),
    ]
    assert words_of(told(*traces))[:2] == [Q, A]


def test_a_title_without_system_prompt_is_no_turn_of_an_agent_whose_prompt_holds_what_was_found() -> None:
    record, traces = Recorder(), []
    for found, before, (question, answer) in [("Noon: ferry.", [], (Q, A)), ("Six: boat.", SAID, (NEXT, LAST))]:
        root = record.run("chain", {"text": question}, {"output": answer}, name="chat")
        guided = system(f"You are a ferryman.\n\nContext:\n{found}")
        documents = {"documents": [{"page_content": found}]}
        traces.append([
            root,
            record.run("retriever", {"query": question}, documents, root),
            record.run("llm", {"messages": [guided, *before, user(question)]}, assistant(answer), root),
        ])  # fmt: skip
        if not before:
            traces.append(called(record, "title", {"q": Q}, [user(f"A title for: {Q}")], "Ferry times"))
    trajectory = told(*traces)
    assert words_of(trajectory) == [Q, A, NEXT, LAST]
    assert [one.content for one in trajectory.internal] == ["Ferry times"]


def test_a_template_may_stand_around_a_question_of_one_word() -> None:
    record, said = Recorder(), [user("hm"), assistant(A)]
    traces = [
        called(record, "chat", {"text": "hm"}, [AGENT, user("hm")], A),
        called(record, "title", {"q": "hm"}, [user("A title for a chat that starts with: hm")], "Ferry times"),
        called(record, "chat", {"text": NEXT}, [AGENT, *said, user(NEXT)], LAST),
    ]
    assert words_of(told(*traces)) == ["hm", A, NEXT, LAST]


def test_what_was_left_out_behind_a_turn_is_none_behind_the_last_either() -> None:
    trajectory = told(*judged(Recorder()))
    assert words_of(trajectory) == [Q, A, NEXT, LAST]
    assert [(one.content, one.turn) for one in trajectory.internal] == [("4", 1), ("5", 2)]


def test_what_was_left_out_behind_a_turn_is_none_before_a_prompt_without_history_either() -> None:
    record = Recorder()
    fresh = called(record, "chat", {"text": "Thanks"}, [AGENT, user("Thanks")], "Welcome.")
    assert words_of(told(*judged(record), fresh)) == [Q, A, NEXT, LAST, "Thanks", "Welcome."]


def test_a_check_of_new_words_at_the_end_tells_that_somebody_spoke() -> None:
    record = Recorder()
    traces = [
        called(record, "chat", {"text": Q}, [AGENT, user(Q)], A),
        called(record, "check", {"text": NEXT}, [CHECK, user(NEXT)], "no"),
        called(record, "chat", {"text": NEXT}, [AGENT, *SAID, user(NEXT)], LAST),
        called(record, "check", {"text": "Thanks"}, [CHECK, user("Thanks")], "no"),
    ]
    assert told(*traces).task.num_turns == 3


@pytest.mark.parametrize("late", range(1, 7))
def test_it_is_the_same_folded_at_once_or_anew_from_a_trace_that_came_late(late: int) -> None:
    record = Recorder()
    first = titled(record)
    traces = [
        *first,
        *judged(record)[2:],
        called(record, "chat", {"text": "So?"}, [AGENT, user("So?")], "So."),
        first[1],
    ]
    at_once = Conversation()
    for trace in traces:
        at_once.fold(trace)
    anew = fold_all(traces[:late])
    for trace in traces[late:]:
        anew.append(Conversation(folds=anew).fold(trace))
    header = Header(conversation_id="t")
    assert b"".join(encode_line(at_once.folds, header)) == b"".join(encode_line(anew, header))
