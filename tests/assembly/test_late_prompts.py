"""A client that serialises late shows a call what came after it: a prompt ends before its own answer.

What an app shows a model on time stays: examples, words said twice, answers begun for the model, turns that were lost.
"""

from copy import deepcopy
from typing import Any

import pytest

from support.chat import assistant, result, system, user
from support.folding import brief, told
from support.runs import Recorder
from trajworker.model.run import Run

Message = dict[str, Any]
SYSTEM = system("Be brief.")


def call(record: Recorder, prompt: list[Message], answer: Message, root: Run) -> Run:
    reason = "tool_calls" if answer.get("tool_calls") else "stop"
    outputs = {"choices": [{"message": answer, "finish_reason": reason}]}
    return record.run("llm", {"messages": deepcopy(prompt), "model": "m"}, outputs, root)


def answered(record: Recorder, given: Any, prompt: list[Message], answer: Message) -> list[Run]:
    root = record.run("chain", given, {"output": answer["content"]})
    return [root, call(record, prompt, answer, root)]


def acted(record: Recorder, given: Any, prompts: list[list[Message]], answers: list[Message]) -> list[Run]:
    """A trace of several calls."""
    root = record.run("chain", given, {"output": answers[-1]["content"]})
    return [root, *(call(record, prompt, answer, root) for prompt, answer in zip(prompts, answers, strict=True))]


def looked(number: int) -> list[Message]:
    return [assistant("", (f"c{number}", "look", "{}")), result(f"c{number}", f"found {number}")]


def words(*traces: list[Run]) -> list[tuple[str, object]]:
    return [one for one in brief(told(*traces).messages) if one[0] != "system"]


def spoken(messages: list[Message]) -> list[tuple[str, object]]:
    return [
        (one["role"], [("look", {})] if one.get("tool_calls") else one["content"])
        for one in messages
        if one["role"] != "system"
    ]


def test_what_the_user_says_next_is_not_told_before_it_was_said() -> None:
    record = Recorder()
    first, second = [SYSTEM, user("Is it far?"), assistant("Yes.")], [user("How far?"), assistant("A mile.")]
    late = [*first, second[0]]
    traces = [
        answered(record, {"input": "Is it far?"}, late, assistant("Yes.")),
        answered(record, {"input": "How far?"}, late, assistant("A mile.")),
    ]
    assert words(*traces) == spoken([*first, *second])
    trajectory = told(*traces)
    assert [len(step.messages) for step in trajectory.steps] == [3, 5]
    assert [message.turn for message in trajectory.messages] == [0, 1, 1, 2, 2]


@pytest.mark.parametrize("more", [1, 2, 3])
def test_a_loop_of_tools_is_told_once_however_late_its_prompts_are(more: int) -> None:
    record, one, other = Recorder(), looked(1), looked(2)
    first = [SYSTEM, user("Is it there?"), *one, assistant("Yes.")]
    whole = [*first, user("And there?"), *other, assistant("Yes.")]
    late = whole[: len(first) + more]
    traces = [
        acted(record, {"input": "Is it there?"}, [late, late], [one[0], assistant("Yes.")]),
        acted(record, {"input": "And there?"}, [whole[:6], [*whole, user("Bye")]], [other[0], assistant("Yes.")]),
        answered(record, {"input": "Bye"}, [*whole, user("Bye")], assistant("Bye!")),
    ]
    assert words(*traces) == spoken([*whole, user("Bye"), assistant("Bye!")])


def test_a_template_around_the_question_shows_what_was_asked_too() -> None:
    record = Recorder()
    shown = [
        user("Context: none.\nQuestion: Is it far?"),
        assistant("Yes."),
        user("Context: none.\nQuestion: How far?"),
    ]
    traces = [
        answered(record, {"question": "Is it far?"}, shown, assistant("Yes.")),
        answered(record, {"question": "How far?"}, shown, assistant("A mile.")),
    ]
    assert words(*traces) == spoken([user("Is it far?"), assistant("Yes."), user("How far?"), assistant("A mile.")])


def test_the_id_of_an_answer_is_known_without_a_root() -> None:
    record = Recorder()
    said = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}
    late = [user("Is it far?"), said, user("How far?")]
    more = {**said, "id": "msg_2", "content": [{"type": "output_text", "text": "A mile."}]}
    traces = [
        [record.run("llm", {"input": late}, {"object": "response", "output": [answer]})] for answer in (said, more)
    ]
    assert words(*traces) == spoken([user("Is it far?"), assistant("Yes."), user("How far?"), assistant("A mile.")])


def test_an_answer_in_the_words_of_one_before_is_cut_where_it_was_given() -> None:
    record = Recorder()
    history = [SYSTEM, user("Is it far?"), assistant("Yes.")]
    late = [*history, user("Sure?"), assistant("Yes."), user("Thanks")]
    traces = [
        answered(record, {"input": "Is it far?"}, history[:2], assistant("Yes.")),
        answered(record, {"input": "Sure?"}, late, assistant("Yes.")),
        answered(record, {"input": "Thanks"}, late, assistant("Bye!")),
    ]
    assert words(*traces) == spoken([*late, assistant("Bye!")])


def test_examples_and_lost_turns_in_the_words_of_the_answer_stay() -> None:
    record = Recorder()
    prompt = [
        SYSTEM,
        user("Is snow cold?"),
        assistant("Yes."),
        user("Is fire cold?"),
        assistant("No."),
        user("And ice?"),
    ]
    assert words(answered(record, {"input": "And ice?"}, prompt, assistant("Yes."))) == spoken(
        [*prompt, assistant("Yes.")]
    )


def test_who_may_have_asked_the_same_before_is_not_cut_off() -> None:
    record = Recorder()
    prompt = [SYSTEM, user("Hi"), assistant("Hello."), user("Hi")]
    assert words(answered(record, {"input": "Hi"}, prompt, assistant("Hello."))) == spoken(
        [*prompt, assistant("Hello.")]
    )


def test_who_says_the_same_while_tools_run_is_heard_behind_the_answer() -> None:
    record, one = Recorder(), looked(1)
    first = [SYSTEM, user("Go on"), *one, assistant("Done.")]
    late = [*first, user("Go on")]
    traces = [
        acted(record, {"input": "Go on"}, [first[:2], late], [one[0], assistant("Done.")]),
        answered(record, {"input": "Go on"}, late, assistant("Done.")),
    ]
    assert words(*traces) == spoken([*late, assistant("Done.")])


def test_an_answer_begun_for_the_model_does_not_end_the_prompt_at_an_example() -> None:
    record = Recorder()
    shots = [SYSTEM, user("Is snow cold?"), assistant("Yes.")]
    prompt = [*shots, user("And ice?"), assistant("Well")]
    assert words(answered(record, {"input": "And ice?"}, prompt, assistant("Yes."))) == spoken(
        [*prompt, assistant("Yes.")]
    )


def test_a_regenerated_answer_in_a_late_prompt_is_told_once() -> None:
    record = Recorder()
    asked = [SYSTEM, user("Is it far?")]
    late = [*asked, assistant("Quite."), user("Thanks")]
    trajectory = told(
        answered(record, {"input": "Is it far?"}, asked, assistant("Yes.")),
        answered(record, {"input": "Is it far?"}, late, assistant("Quite.")),
        answered(record, {"input": "Thanks"}, late, assistant("Bye!")),
    )
    kept = [one.content for one in trajectory.messages if "alternative" not in one.flags]
    assert kept[-4:] == ["Is it far?", "Quite.", "Thanks", "Bye!"]
    assert next(one.content for one in trajectory.messages if "alternative" in one.flags) == "Yes."


def test_an_answer_that_is_given_again_word_for_word_is_given_twice() -> None:
    record = Recorder()
    prompt = [SYSTEM, user("Plan it."), assistant("A plan."), user("Reviewer: say it again.")]
    root = record.run("chain", {"input": "Plan it."}, {"output": "A plan."})
    trace = [root, call(record, prompt[:2], prompt[2], root), call(record, prompt, prompt[2], root)]
    assert words(trace) == spoken([*prompt, assistant("A plan.")])
