"""A conversation is aligned, neither concatenated nor hashed: said twice stands twice, repeated stands once."""

from collections.abc import Sequence
from typing import Any

import pytest

from support.decoding import drafts_decoded
from support.folding import brief, fold_all, told
from support.runs import Recorder
from trajworker.assembly import Conversation, Header, assemble, encode_fold
from trajworker.assembly.telling.repeats import WINDOW
from trajworker.errors import MalformedRun
from trajworker.model.message import ASSISTANT, TrainableStatus
from trajworker.model.run import Run
from trajworker.trajectory import TerminationReason

Message = dict[str, Any]
SYSTEM = {"role": "system", "content": "Be kind."}


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str | None, *calls: tuple[str, str, str]) -> Message:
    message: Message = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": given}}
            for call_id, name, given in calls
        ]
    return message


def tool(call_id: str, text: str) -> Message:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def chat(
    record: Recorder, prompt: Sequence[Message], answer: Message | None, parent: Run | None = None, **more: Any
) -> Run:
    outputs = {"choices": [{"message": answer, "finish_reason": "stop"}]} if answer is not None else {"output": None}
    return record.run("llm", {"messages": list(prompt), "model": "m"}, outputs, parent, **more)


def turn(record: Recorder, prompt: Sequence[Message], answer: Message) -> list[Run]:
    root = record.run("chain", {"question": prompt[-1]["content"]}, {"output": answer["content"]})
    return [root, chat(record, prompt, answer, root)]


def test_a_user_who_says_yes_twice_said_it_twice() -> None:
    record = Recorder()
    history = [SYSTEM, user("yes"), assistant("ok")]
    trajectory = told(
        turn(record, history[:2], assistant("ok")), turn(record, [*history, user("yes")], assistant("ok"))
    )
    assert brief(trajectory.messages) == [
        ("system", "Be kind."),
        ("user", "yes"),
        ("assistant", "ok"),
        ("user", "yes"),
        ("assistant", "ok"),
    ]
    assert [len(step.messages) for step in trajectory.steps] == [3, 5]
    assert list(trajectory.steps[1].messages) == list(trajectory.messages)


def test_what_is_said_twice_to_an_agent_without_history_is_no_regeneration() -> None:
    record = Recorder()
    trajectory = told(*(turn(record, [user(text)], assistant("ok")) for text in ("hi", "yes", "yes")))
    assert brief(trajectory.messages) == [
        (role, text) for said in ("hi", "yes", "yes") for role, text in (("user", said), ("assistant", "ok"))
    ]
    assert not any(message.flags for message in trajectory.messages)


def test_a_regenerated_answer_supersedes_the_one_before() -> None:
    record = Recorder()
    trajectory = told(
        turn(record, [user("fruit?")], assistant("apple")), turn(record, [user("fruit?")], assistant("plum"))
    )
    statuses = [message.trainable_status for message in trajectory.messages]
    assert [message.content for message in trajectory.messages] == ["fruit?", "apple", "fruit?", "plum"]
    assert statuses[1] is TrainableStatus.SUPERSEDED
    assert statuses[3] is TrainableStatus.TRAINABLE
    assert [step.trainable_status for step in trajectory.steps] == [statuses[1], statuses[3]]
    assert trajectory.messages[1].flags == ("alternative",)


def test_an_answer_that_is_regenerated_twice_is_superseded_twice() -> None:
    record = Recorder()
    trajectory = told(
        *(turn(record, [user("fruit?")], assistant(answer)) for answer in ("apple", "pear", "plum")),
        turn(record, [user("fruit?"), assistant("plum"), user("more")], assistant("fig")),
    )
    statuses = {one.content: one.trainable_status for one in trajectory.messages if one.role is ASSISTANT}
    assert [statuses[answer] for answer in ("apple", "pear", "plum", "fig")] == [
        *[TrainableStatus.SUPERSEDED] * 2,
        *[TrainableStatus.TRAINABLE] * 2,
    ]


def test_an_edited_turn_starts_again_and_loses_nothing() -> None:
    record = Recorder()
    kept = [SYSTEM, user("a"), assistant("1")]
    trajectory = told(
        turn(record, kept[:2], assistant("1")),
        turn(record, [*kept, user("b")], assistant("2")),
        turn(record, [*kept, user("b, I mean c")], assistant("3")),
    )
    assert [message.content for message in trajectory.messages] == ["Be kind.", "a", "1", "b", "2", "b, I mean c", "3"]
    assert [message.content for message in trajectory.steps[2].messages] == ["Be kind.", "a", "1", "b, I mean c", "3"]
    assert trajectory.messages[4].trainable_status is TrainableStatus.SUPERSEDED
    assert trajectory.messages[2].trainable_status is TrainableStatus.TRAINABLE


def test_turns_that_nobody_recorded_are_taken_from_the_history() -> None:
    record = Recorder()
    history = [user("a"), assistant("1"), user("b"), assistant("2")]
    trajectory = told(turn(record, history[:1], assistant("1")), turn(record, [*history, user("c")], assistant("3")))
    assert [message.content for message in trajectory.messages] == ["a", "1", "b", "2", "c", "3"]
    assert [message.run_id is not None for message in trajectory.messages] == [False, True, False, False, False, True]
    assert trajectory.task.num_turns == 2
    assert [message.turn for message in trajectory.messages] == [1, 1, 1, 1, 2, 2]


def test_a_history_before_the_first_recorded_turn_belongs_to_turn_zero() -> None:
    record = Recorder()
    trajectory = told(turn(record, [user("a"), assistant("1"), user("b")], assistant("2")))
    assert [message.turn for message in trajectory.messages] == [0, 0, 1, 1]
    assert trajectory.task.num_turns == 1


def test_a_word_of_the_user_inside_a_turn_is_kept() -> None:
    record = Recorder()
    root = record.run("chain", {"question": "a"}, {"output": "2"})
    call = assistant(None, ("c", "look", "{}"))
    first = chat(record, [user("a")], call, root)
    second = chat(record, [user("a"), call, tool("c", "r"), user("hurry")], assistant("2"), root)
    trajectory = told([root, first, second])
    assert brief(trajectory.messages) == [
        ("user", "a"),
        ("assistant", [("look", {})]),
        ("tool", "r"),
        ("user", "hurry"),
        ("assistant", "2"),
    ]
    assert trajectory.task.num_turns == 1


def test_reasoning_that_only_a_later_trace_tells_is_given_back_to_its_answer() -> None:
    record = Recorder()
    bare = assistant(None, ("c", "look", "{}"))
    full = {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "tool_use", "id": "c", "name": "look", "input": {}},
        ],
    }
    result = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "c", "content": "no", "is_error": True}],
    }
    trajectory = told([chat(record, [user("a")], bare)], [chat(record, [user("a"), full, result], assistant("1"))])
    assert [message.role.value for message in trajectory.messages] == ["user", "assistant", "tool", "assistant"]
    assert trajectory.messages[1].reasoning == "hm"
    assert trajectory.messages[1].flags == ()
    answer = trajectory.messages[2].tool_response
    assert answer is not None
    assert answer.error == "no"
    assert len(trajectory.turns) == 1


def test_a_call_without_a_result_and_a_result_without_a_call_are_flagged() -> None:
    record = Recorder()
    trajectory = told([chat(record, [user("a")], assistant(None, ("c", "look", "{}")))])
    assert trajectory.messages[1].flags == ("unanswered",)
    trajectory = told([chat(record, [user("a"), tool("zz", "stray")], assistant("1"))])
    assert trajectory.messages[1].flags == ("orphan",)


def test_late_serialised_prompts_do_not_tell_the_future() -> None:
    record = Recorder()
    call = assistant(None, ("c", "look", "{}"))
    whole = [user("a"), call, tool("c", "r"), assistant("1")]
    root = record.run("chain", {"question": "a"}, {"output": "1"})
    trajectory = told([root, chat(record, whole, call, root), chat(record, whole, assistant("1"), root)])
    assert brief(trajectory.messages) == [
        ("user", "a"),
        ("assistant", [("look", {})]),
        ("tool", "r"),
        ("assistant", "1"),
    ]
    assert [message.run_id is not None for message in trajectory.messages] == [False, True, False, True]


def test_parallel_results_keep_the_order_of_the_calls() -> None:
    record = Recorder()
    call = assistant(None, ("a", "look", '{"n": 1}'), ("b", "look", '{"n": 2}'))
    root = record.run("chain", {"question": "q"}, {"output": "x"})
    first = chat(record, [user("q")], call, root)
    second = record.run("tool", {"n": 2}, {"output": "two"}, root, name="look")
    one = record.run("tool", {"n": 1}, {"output": "one"}, root, name="look")
    last = chat(record, [user("q"), call, tool("b", "two"), tool("a", "one")], assistant("x"), root)
    trajectory = told([root, first, second, one, last])
    assert [message.content for message in trajectory.messages[2:4]] == ["one", "two"]
    assert [message.tool_response.run_id for message in trajectory.messages[2:4] if message.tool_response] == [
        one.id,
        second.id,
    ]
    assert [message.content for message in trajectory.steps[1].messages] == ["q", None, "two", "one", "x"]


def test_a_summary_stands_aside_and_marks_its_step() -> None:
    record = Recorder()
    summary = {"role": "user", "content": "Summary: a was said.", "is_summary": True}
    trajectory = told(
        turn(record, [SYSTEM, user("a")], assistant("1")),
        turn(record, [SYSTEM, summary, user("b")], assistant("2")),
        turn(record, [SYSTEM, summary, user("b"), assistant("2"), user("c")], assistant("3")),
    )
    assert [message.content for message in trajectory.messages] == ["Be kind.", "a", "1", "b", "2", "c", "3"]
    assert [message.content for message in trajectory.asides] == ["Summary: a was said."]
    seen = [[message.content for message in step.messages] for step in trajectory.steps[1:]]
    assert seen == [
        ["Be kind.", "Summary: a was said.", "b", "2"],
        ["Be kind.", "Summary: a was said.", "b", "2", "c", "3"],
    ]
    assert trajectory.steps[1].trainable_status is TrainableStatus.SUMMARIZATION_BOUNDARY
    assert trajectory.steps[2].trainable_status is TrainableStatus.TRAINABLE


def test_an_interrupted_tool_is_no_failure_and_its_resume_goes_on() -> None:
    record = Recorder()
    call = assistant(None, ("c", "send", "{}"))
    root = record.run("chain", {"messages": [user("a")]}, {"messages": []}, name="LangGraph")
    about = {"langgraph_node": "agent"}
    first = chat(record, [user("a")], call, root, metadata=about)
    held = record.run("tool", {}, None, root, name="send", error="GraphInterrupt((Interrupt(value='ok?'),))")
    resumed = record.run("chain", {"input": {"resume": "yes", "update": None, "goto": [], "graph": None}}, {})
    sent = record.run("tool", {}, {"output": "sent"}, resumed, name="send")
    last = chat(record, [user("a"), call, tool("c", "sent")], assistant("done"), resumed, metadata=about)
    trajectory = told([root, first, held], [resumed, sent, last])
    assert [turn.status for turn in trajectory.turns] == ["interrupted", "success"]
    assert [turn.resumes for turn in trajectory.turns] == [False, True]
    assert trajectory.task.num_turns == 1
    assert brief(trajectory.messages)[2:] == [("tool", "sent"), ("assistant", "done")]
    assert trajectory.metrics is not None
    assert (trajectory.metrics.num_tool_failures, trajectory.metrics.num_tool_runs_failed) == (0, 0)


@pytest.mark.parametrize(
    "error",
    [
        "GraphInterrupt((Interrupt(value='ok?'),))",
        "NodeInterrupt('ok?')",
        '[\n {"value": "ok?"}\n]\n\nGraphInterrupt: [\n {"value": "ok?"}\n]\n    at interrupt (x.js)',
    ],
)
@pytest.mark.parametrize("qualified", ["", "langgraph.errors."])
@pytest.mark.parametrize("at_root", [True, False])
def test_an_interrupt_is_no_error_wherever_it_is_recorded(error: str, qualified: str, *, at_root: bool) -> None:
    record = Recorder()
    told_at = {"error": qualified + error}
    root = record.run("chain", {"messages": [user("a")]}, {"messages": []}, **(told_at if at_root else {}))
    asked = chat(record, [user("a")], assistant(None, ("c", "send", "{}")), root)
    held = record.run("tool", {}, None, root, name="send", **({} if at_root else told_at))
    (only,) = told([root, asked, held]).turns
    assert (only.status, only.error) == ("interrupted", None)


def test_attempts_of_one_call_are_one_result() -> None:
    record = Recorder()
    call = assistant(None, ("c", "look", '{"n": 1}'))
    root = record.run("chain", {"question": "q"}, {"output": "x"})
    first = chat(record, [user("q")], call, root)
    failed = record.run("tool", {"n": 1}, None, root, name="look", error="TimeoutError('slow')\n\nTraceback ...")
    worked = record.run("tool", {"n": 1}, {"output": "r"}, root, name="look")
    last = chat(record, [user("q"), call, tool("c", "r")], assistant("x"), root)
    trajectory = told([root, first, failed, worked, last])
    assert [message.role.value for message in trajectory.messages] == ["user", "assistant", "tool", "assistant"]
    result = trajectory.messages[2].tool_response
    assert result is not None
    assert (result.run_id, result.error) == (worked.id, None)
    assert trajectory.metrics is not None
    assert trajectory.metrics.num_tool_runs_failed == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            "GraphRecursionError('Recursion limit of 4 reached')Traceback (most recent call last):\n  File",
            TerminationReason.MAX_STEPS,
        ),
        ("TimeoutError('slow')\n\nTraceback (most recent call last):", TerminationReason.TIMEOUT),
        ("ValueError('bad')", TerminationReason.ERROR),
    ],
)
def test_a_failed_turn_tells_why_it_ended(error: str, reason: TerminationReason) -> None:
    record = Recorder()
    root = record.run("chain", {"question": "q"}, {}, error=error)
    trajectory = told([root, chat(record, [user("q")], assistant("half"), root)])
    assert [message.content for message in trajectory.messages] == ["q", "half"]
    assert trajectory.error is not None
    assert "Traceback" not in trajectory.error
    assert trajectory.execution_metrics is not None
    assert trajectory.execution_metrics.termination_reason is reason


def test_a_trace_without_llm_calls_tells_its_roots_words() -> None:
    record = Recorder()
    trajectory = told([record.run("chain", {"question": "q"}, {"answer": "cached"})])
    assert brief(trajectory.messages) == [("user", "q"), ("assistant", "cached")]
    assert trajectory.messages[1].run_id is None
    assert trajectory.steps == ()


def test_a_call_that_only_works_on_the_answer_is_internal() -> None:
    record = Recorder()
    root = record.run("chain", {"question": "a"}, {"output": "1"})
    guard, title = {"role": "system", "content": "Is it safe?"}, {"role": "system", "content": "Give it a title."}
    calls = [
        chat(record, [guard, user("a")], assistant("safe"), root),
        chat(record, [SYSTEM, user("a")], assistant("1"), root),
        chat(record, [title, user("a"), assistant("1")], assistant("A title"), root),
    ]
    trajectory = told([root, *calls])
    assert brief(trajectory.messages) == [("system", "Be kind."), ("user", "a"), ("assistant", "1")]
    assert [message.content for message in trajectory.internal] == ["safe", "A title"]


def test_a_system_prompt_that_changes_is_kept_with_its_turn() -> None:
    record = Recorder()
    days = [{"role": "system", "content": f"Today is day {day}."} for day in (1, 2)]
    first = turn(record, [days[0], user("a")], assistant("1"))
    second = turn(record, [days[1], user("a"), assistant("1"), user("b")], assistant("2"))
    trajectory = told(first, second)
    assert [(message.content, message.turn) for message in trajectory.messages] == [
        ("Today is day 1.", 0),
        ("a", 1),
        ("1", 1),
        ("Today is day 2.", 2),
        ("b", 2),
        ("2", 2),
    ]
    assert [message.content for message in trajectory.steps[1].messages] == ["Today is day 2.", "a", "1", "b", "2"]


def lc(kind: str, **kwargs: Any) -> Message:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": kwargs}


def generation(run_id: str, content: str, **more: Any) -> Message:
    return {"generations": [[{"text": content, "message": lc("AIMessage", content=content, id=run_id, **more)}]]}


def test_a_graph_that_renders_its_prompts_anew_in_each_node_is_one_dialogue() -> None:
    record = Recorder()
    question = "When does it open?"
    call = {"name": "search", "args": {"q": "open"}, "id": "c1", "type": "tool_call"}
    found = {
        "type": "tool",
        "content": "It opens at nine.",
        "tool_call_id": "c1",
        "name": "search",
        "status": "success",
    }
    state = [
        {"type": "human", "content": question, "id": "h1"},
        {"type": "ai", "content": "", "id": "a1", "tool_calls": [call]},
        found,
        {"type": "ai", "content": "At nine.", "id": "a3"},
    ]
    root = record.run(
        "chain", {"messages": [{"role": "user", "content": question}]}, {"messages": state}, name="LangGraph"
    )
    human = lc("HumanMessage", content=question, id="h1")
    decide = record.run("llm", {"messages": [[human]]}, generation("a1", "", tool_calls=[call]), root)
    tool_run = record.run("tool", {"q": "open"}, {"output": found}, root, name="search")
    grade = record.run(
        "llm",
        {"messages": [[lc("HumanMessage", content=f"Is this relevant? It opens at nine. {question}")]]},
        generation("g1", "yes"),
        root,
    )
    answer = record.run(
        "llm",
        {"messages": [[lc("HumanMessage", content=f"Context: It opens at nine. Question: {question}")]]},
        generation("a3", "At nine."),
        root,
    )
    trajectory = told([root, decide, tool_run, grade, answer])
    assert brief(trajectory.messages) == [
        ("user", question),
        ("assistant", [("search", {"q": "open"})]),
        ("tool", "It opens at nine."),
        ("assistant", "At nine."),
    ]
    assert [message.content for message in trajectory.internal] == ["yes"]
    assert [message.content for message in trajectory.steps[1].messages][-2:] == [
        f"Context: It opens at nine. Question: {question}",
        "At nine.",
    ]
    assert trajectory.nested == ()


def long_conversation(turns: int) -> list[list[Run]]:
    record = Recorder()
    history: list[Message] = [SYSTEM]
    traces = []
    for number in range(turns):
        history.append(user(f"question {number}"))
        call = assistant(None, (f"c{number}", "look", f'{{"n": {number}}}'))
        root = record.run("chain", {"question": history[-1]["content"]}, {"output": f"answer {number}"})
        first = chat(record, history, call, root)
        look = record.run("tool", {"n": number}, {"output": f"r{number}"}, root, name="look")
        history += [call, tool(f"c{number}", f"r{number}")]
        last = chat(record, history, assistant(f"answer {number}"), root)
        history.append(assistant(f"answer {number}"))
        traces.append([root, first, look, last])
    return traces


def test_a_late_turn_decodes_and_keeps_no_more_than_an_early_one(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = drafts_decoded(monkeypatch)
    folds = fold_all(long_conversation(400))
    assert len(decoded) <= 400 * 4
    assert sum(len(fold.messages) for fold in folds) == 1 + 400 * 4
    sizes = [len(encode_fold(fold)) for fold in folds]
    assert sizes[399] <= sizes[200] * 1.05
    trajectory = assemble(folds, Header(conversation_id="t"))
    assert [len(step.messages) for step in trajectory.steps][-2:] == [1 + 399 * 4 + 2, 1 + 400 * 4]
    assert len(trajectory.messages) == 1 + 400 * 4


def test_a_turn_edited_far_back_is_found_in_the_whole_history() -> None:
    traces = long_conversation(WINDOW // 4 + 40)
    folds = fold_all(traces)
    record = Recorder()
    edited = turn(
        record,
        [
            SYSTEM,
            user("question 0"),
            assistant(None, ("c0", "look", '{"n": 0}')),
            tool("c0", "r0"),
            assistant("answer 0"),
            user("another way"),
        ],
        assistant("fine"),
    )
    assert folds[-1].after.total > WINDOW + 1, "the question is among those that are looked through at first"
    last = Conversation(folds=folds).fold(edited)
    trajectory = assemble([*folds, last], Header(conversation_id="t"))
    assert len(trajectory.messages) == 1 + len(traces) * 4 + 2
    assert [message.content for message in trajectory.steps[-1].messages] == [
        "Be kind.",
        "question 0",
        None,
        "r0",
        "answer 0",
        "another way",
        "fine",
    ]


def test_a_trace_without_runs_is_refused_in_words() -> None:
    with pytest.raises(MalformedRun, match="without any run"):
        Conversation().fold([])
