"""What a prompt tells again is told once; what somebody says again is told again."""

from typing import Any

import pytest

from support.chat import assistant, result, system, user, words_of
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Conversation, Header, assemble
from trajworker.model.message import Role
from trajworker.model.run import Feedback, Run
from trajworker.trajectory import Trajectory

SYSTEM = system("Be brief.")
LONG = 150
"""Turns of a conversation that is longer than anything folding looks back on at once."""


def whole(traces: list[list[Run]]) -> Trajectory:
    return assemble(fold_all(traces), Header(conversation_id="t"))


def said(trajectory: Trajectory) -> list[tuple[str, str | None]]:
    return [(one.role.value, one.content) for one in trajectory.messages if one.role is not Role.SYSTEM]


def answered(
    record: Recorder, given: Any, prompt: list[dict[str, Any]], answer: dict[str, Any], **about: Any
) -> list[Run]:
    root = record.run("chain", given, {"output": answer["content"]}, **about)
    return [root, record.run("llm", {"messages": prompt}, answer, root)]


def test_own_words_behind_a_template_are_known_however_long_the_conversation_goes_on() -> None:
    record, history, conversation = Recorder(), [SYSTEM], Conversation()
    for turn in range(LONG):
        question = f"Question {turn} of many"
        shown = user(f"Context: none.\n\n{question}")
        conversation.fold(answered(record, {"question": question}, [*history, shown], assistant(f"Answer {turn}.")))
        history += [user(question), assistant(f"Answer {turn}.")]
    trajectory = assemble(conversation.folds, Header(conversation_id="t"))
    assert (trajectory.task.num_turns, len(trajectory.messages), trajectory.asides) == (LONG, 2 * LONG + 1, ())


def test_context_that_a_history_keeps_is_aside_once_however_long_the_conversation_goes_on() -> None:
    record, history, conversation = Recorder(), [], Conversation()
    for turn in range(LONG):
        document, question = f"The document number {turn} tells of the sea.", f"Question {turn} of many"
        root = record.run("chain", {"question": question}, {"output": f"Answer {turn}."})
        history += [user(f"Context: {document}"), user(question)]
        now = system(f"It is day {turn}.")
        runs = [
            root,
            record.run("retriever", {"query": "q"}, {"documents": [{"page_content": document}]}, root),
            record.run("llm", {"messages": [now, *history]}, assistant(f"Answer {turn}."), root),
        ]
        conversation.fold(runs)
        history.append(assistant(f"Answer {turn}."))
    assert len(assemble(conversation.folds, Header(conversation_id="t")).asides) == LONG


def test_who_lets_calls_pass_with_the_same_word_says_it_each_time() -> None:
    record, history, traces = Recorder(), [SYSTEM], []
    for place, sum_ in (("c1", "12"), ("c2", "13")):
        paying = assistant("", (place, "pay", f'{{"sum": {sum_}}}'))
        history.append(user(f"Pay {sum_}."))
        traces.append(answered(record, {"message": f"Pay {sum_}."}, list(history), paying))
        history += [paying, result(place, f"paid {sum_}")]
        root = record.run("chain", {"message": "yes"}, {"output": "Paid."})
        paid = record.run("tool", {"sum": int(sum_)}, {"output": f"paid {sum_}"}, root, name="pay")
        traces.append([root, paid, record.run("llm", {"messages": list(history)}, assistant("Paid."), root)])
        history.append(assistant("Paid."))
    assert [words for role, words in said(whole(traces)) if role == "user"] == ["Pay 12.", "yes", "Pay 13.", "yes"]


def test_a_trace_for_each_step_of_a_turn_begins_no_turn() -> None:
    record = Recorder()
    calling = assistant("", ("c1", "find", "{}"))
    first = answered(record, {"query": "Free tables?"}, [SYSTEM, user("Free tables?")], calling)
    prompt = [SYSTEM, user("Free tables?"), calling, result("c1", "two")]
    second = answered(record, {"query": "free tables tonight"}, prompt, assistant("Two."))
    assert whole([first, second]).task.num_turns == 1


def test_results_that_say_the_same_are_as_many_as_they_were() -> None:
    record = Recorder()
    calling = assistant("", ("c1", "send", '{"to": 1}'), ("c2", "send", '{"to": 2}'))
    prompt = [SYSTEM, user("Send both")]
    runs = answered(record, {"question": "Send both"}, prompt, calling)
    root = runs[0]
    runs += [record.run("tool", {"to": one}, {"output": "ok"}, root, name="send") for one in (1, 2)]
    told_again = [*prompt, calling, result("c1", "ok"), result("c2", "ok")]
    runs.append(record.run("llm", {"messages": told_again}, assistant("Sent."), root))
    assert said(told(runs))[2:] == [("tool", "ok"), ("tool", "ok"), ("assistant", "Sent.")]


@pytest.mark.parametrize("empty", ["", [], None])
def test_a_result_that_says_nothing_is_a_result(empty: Any) -> None:
    record = Recorder()
    calling = assistant("", ("c1", "delete", "{}"))
    prompt = [SYSTEM, user("Delete it"), calling, result("c1", empty)]
    runs = [record.run("llm", {"messages": prompt}, assistant("Deleted."))]
    trajectory = told(runs)
    assert [one.role.value for one in trajectory.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert not any(one.flags for one in trajectory.messages)


def test_a_summary_in_the_middle_of_a_task_goes_on_with_the_task() -> None:
    record = Recorder()
    summary = "Read a.py and b.py; the fault is in the second loop."
    reading = assistant("", ("c1", "read", '{"file": "a.py"}'))
    prompt = [SYSTEM, user("Find the fault"), reading, result("c1", "for x in y")]
    root = record.run("chain", {"task": "Find the fault"}, {"output": "Mended."})
    runs = [
        root,
        record.run("llm", {"messages": prompt[:2]}, reading, root),
        record.run("tool", {"file": "a.py"}, {"output": "for x in y"}, root, name="read"),
        record.run("llm", {"messages": [*prompt, user("Write down what you know.")]}, assistant(summary), root),
        record.run("llm", {"messages": [SYSTEM, user(f"So far: {summary}")]}, assistant("Mended."), root),
    ]
    trajectory = told(runs)
    assert said(trajectory) == [
        ("user", "Find the fault"),
        ("assistant", ""),
        ("tool", "for x in y"),
        ("assistant", "Mended."),
    ]
    assert [one.content for one in trajectory.internal] == [summary]
    assert [one.flags for one in trajectory.asides if summary in (one.content or "")] == [("summary",)]


def test_a_turn_tried_again_as_a_whole_is_one_dialogue() -> None:
    record = Recorder()
    prompt = [SYSTEM, user("Book")]
    first, second = (assistant("", (one, "book", "{}")) for one in ("c1", "c2"))
    root = record.run("chain", {"question": "Book"}, {"output": "Booked."})
    runs = [
        root,
        record.run("llm", {"messages": prompt}, first, root),
        record.run("tool", {}, None, root, name="book", error="OSError('away')"),
        record.run("llm", {"messages": prompt}, second, root),
        record.run("tool", {}, {"output": "ok"}, root, name="book"),
        record.run("llm", {"messages": [*prompt, second, result("c2", "ok")]}, assistant("Booked."), root),
    ]
    trajectory = told(runs)
    assert trajectory.nested == ()
    assert [one.role for one in trajectory.messages].count(Role.ASSISTANT) == 3


def test_an_agent_that_failed_behind_its_tool_and_was_tried_again_from_its_start_is_one_dialogue() -> None:
    record = Recorder()
    prompt = [SYSTEM, user("Weather?")]
    first, second = (assistant("", (one, "look", "{}")) for one in ("c1", "c2"))
    root = record.run("chain", {"question": "Weather?"}, {"output": "Sunny."})
    runs = [
        root,
        record.run("llm", {"messages": prompt}, first, root),
        record.run("tool", {}, {"output": "24 degrees"}, root, name="look"),
        record.run("llm", {"messages": [*prompt, first, result("c1", "24 degrees")]}, {}, root, error="APIError: 500"),
        record.run("llm", {"messages": prompt}, second, root),
        record.run("tool", {}, {"output": "24 degrees"}, root, name="look"),
        record.run("llm", {"messages": [*prompt, second, result("c2", "24 degrees")]}, assistant("Sunny."), root),
    ]
    trajectory = told(runs)
    assert trajectory.nested == ()
    assert words_of(trajectory) == ["Weather?", "", "24 degrees", "", "24 degrees", "Sunny."]


def test_feedback_on_a_loop_recorded_as_one_call_stands_on_its_last_step() -> None:
    record = Recorder()
    answers = [
        {"id": one, "type": "message", "role": "assistant", "content": words, "stop_reason": stop}
        for one, words, stop in (("m1", "I look.", "pause_turn"), ("m2", "Done.", "end_turn"))
    ]
    run = record.run("llm", {"messages": [user("Go")]}, {"outputs": answers})
    liked = Feedback(id="f", run_id=run.id, trace_id=run.trace_id, key="good", score=1.0)
    conversation = Conversation()
    conversation.fold([run], [liked])
    steps = assemble(conversation.folds, Header(conversation_id="t")).steps
    assert [step.reward is not None for step in steps] == [False, True]


def test_several_answers_of_one_call_are_alternatives_and_no_loop() -> None:
    answers = [
        {"id": one, "type": "message", "role": "assistant", "content": one, "stop_reason": "end_turn"}
        for one in ("Red", "Blue")
    ]
    trajectory = told([Recorder().run("llm", {"messages": [user("A colour")]}, {"outputs": answers})])
    assert said(trajectory) == [("user", "A colour"), ("assistant", "Red")]
    assert [(one.content, one.flags) for one in trajectory.asides] == [("Blue", ("alternative",))]


def test_an_equal_result_of_another_call_is_another_result_though_no_history_is_sent() -> None:
    record = Recorder()

    def responded(number: int, call: str | None) -> dict[str, Any]:
        item = {"type": "function_call", "call_id": call, "name": "poll", "arguments": "{}"}
        words = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Unchanged."}]}
        return {"object": "response", "id": f"resp_{number}", "output": [item if call else words]}

    def returned(number: int, call: str) -> dict[str, Any]:
        output = {"type": "function_call_output", "call_id": call, "output": "snow"}
        return {"input": [output], "previous_response_id": f"resp_{number}"}

    root = record.run("chain", {"text": "Poll twice."}, {"output": "Unchanged."})
    runs = [
        record.run("llm", {"input": [user("Poll twice.")]}, responded(1, "c1"), root),
        record.run("llm", returned(1, "c1"), responded(2, "c2"), root),
        record.run("llm", returned(2, "c2"), responded(3, None), root),
    ]
    results = [one.tool_response for one in told([root, *runs]).messages if one.tool_response is not None]
    assert [one.id for one in results] == ["c1", "c2"]


def test_the_same_order_behind_another_answer_that_the_server_knows_is_another_message() -> None:
    record = Recorder()

    def responded(number: int, words: str) -> dict[str, Any]:
        item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": words}]}
        return {"object": "response", "id": f"resp_{number}", "output": [item]}

    def wrote(number: int, topic: str) -> list[Run]:
        root = record.run("chain", {"topic": topic}, {"output": f"{topic}!"})
        asked = {"input": topic} | ({"previous_response_id": f"resp_{number - 1}"} if number > 1 else {})
        again = {"input": "Make it shorter.", "previous_response_id": f"resp_{number}"}
        return [
            root, record.run("llm", asked, responded(number, f"There is {topic}."), root),
            record.run("llm", again, responded(number + 1, f"{topic}!"), root),
        ]  # fmt: skip

    trajectory = whole([wrote(1, "Fog"), wrote(3, "Rain")])
    assert words_of(trajectory) == [
        "Fog", "There is Fog.", "Make it shorter.", "Fog!", "Rain", "There is Rain.", "Make it shorter.", "Rain!",
    ]  # fmt: skip


def test_a_question_that_was_asked_before_is_asked_again_although_the_app_calls_a_tool_behind_it() -> None:
    record, history = Recorder(), [SYSTEM]
    traces = []
    for number, question in enumerate(["rope", "tar", "rope"]):
        call = assistant("", (f"auto{number}", "search", f'{{"query":"{question}"}}'))
        history += [user(question), call, result(f"auto{number}", "3 euro")]
        traces.append(answered(record, {"text": question}, [*history], assistant(f"Three, {number}.")))
        history.append(assistant(f"Three, {number}."))
    trajectory = whole(traces)
    assert [one.turn for one in trajectory.messages if one.role is Role.USER] == [1, 2, 3]
    assert trajectory.task.num_turns == len(traces)


def test_an_answer_whose_blocks_were_written_as_text_is_told_once() -> None:
    record = Recorder()
    written = "[{'text': 'It is 21.', 'type': 'text', 'index': 0}]"
    root = record.run("chain", {"input": "How warm?"}, {"messages": [{"type": "ai", "content": written}]})
    answer = {"role": "assistant", "content": [{"type": "text", "text": "It is 21.", "index": 0}]}
    assert words_of(told([root, record.run("llm", {"messages": [user("How warm?")]}, answer, root)])) == [
        "How warm?",
        "It is 21.",
    ]


def test_a_complaint_about_a_tool_that_there_is_none_of_is_the_result_of_its_call() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Book it"}, {"output": "I cannot."})
    calling = assistant("", ("c1", "book_table", "{}"))
    complaint = "book_table is not a valid tool, try one of [look]."
    asked = {"requested_tool_name": "book_table", "available_tool_names": ["look"]}
    asking = [user("Book it")]
    runs = [
        record.run("llm", {"messages": asking}, calling, root),
        record.run("tool", asked, {"output": complaint}, root, name="invalid_tool"),
        record.run(
            "llm", {"messages": [user("Book it"), calling, result("c1", complaint)]}, assistant("I cannot."), root
        ),
    ]
    assert words_of(told([root, *runs])) == ["Book it", "", complaint, "I cannot."]


@pytest.mark.parametrize("named", ["look", "seek"])
def test_a_tool_that_ran_behind_a_prompt_ran_for_no_call_that_the_prompt_tells(named: str) -> None:
    record = Recorder()
    before, again = (assistant("", (one, "look", '{"at": "sky"}')) for one in ("c1", "c2"))
    prompt = [user("Sky?"), before, result("c1", "Blue"), assistant("Blue."), user("Sky?")]
    runs = [record.run("chain", {"text": "Sky?"}, {"answer": "Blue again."})]
    runs.append(record.run("llm", {"messages": prompt}, again, runs[0]))
    runs.append(record.run("tool", {"at": "sky"}, {"output": "Blue"}, runs[0], name=named))
    prompt = [*prompt, again, result("c2", "Blue")]
    runs.append(record.run("llm", {"messages": prompt}, assistant("Blue again."), runs[0]))
    results = [one.tool_response for one in told(runs).messages if one.tool_response is not None]
    assert [(one.id, one.run_id) for one in results] == [("c1", None), ("c2", runs[2].id)]
