"""Which llm calls and tool runs are the agent's: not a guard's, a grader's or a chronicler's, nor another agent's."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from support.chat import assistant, result, system, user, words_of
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Header, assemble
from trajworker.model.message import Role
from trajworker.model.run import Run
from trajworker.trajectory import Trajectory

AGENT = system("You know all about boats.")


def guarded(
    record: Recorder, guard: list[dict[str, Any]], question: str, verdict: dict[str, Any], answer: str
) -> list[Run]:
    """A turn in which a guard is asked first; the agent is asked only where that lets the question pass."""
    root = record.run("chain", {"message": question}, {"output": answer})
    runs = [root, record.run("llm", {"messages": guard}, verdict, root)]
    if "no" not in str(verdict):
        runs.append(record.run("llm", {"messages": [AGENT, user(question)]}, assistant(answer), root))
    return runs


def test_a_guard_is_known_by_how_it_was_asked_beside_the_agent_before() -> None:
    record = Recorder()

    def about(question: str) -> list[dict[str, Any]]:
        return [system("Is this about boats? Answer as JSON."), user(question)]

    yes, no = assistant('{"allowed": "yes", "topic": "boats"}'), assistant('{"allowed": "no"}')
    traces = [
        guarded(record, about("What is a jib?"), "What is a jib?", yes, "A sail."),
        guarded(record, about("How do I bake?"), "How do I bake?", no, "Let us talk about boats."),
    ]
    trajectory = assemble(fold_all(traces), Header(conversation_id="t"))
    assert words_of(trajectory) == ["What is a jib?", "A sail.", "How do I bake?", "Let us talk about boats."]
    assert [one.content for one in trajectory.internal] == [yes["content"], no["content"]]


def test_a_guard_without_a_system_prompt_is_known_by_how_its_prompt_begins() -> None:
    record = Recorder()

    def about(question: str) -> list[dict[str, Any]]:
        return [user(f"Is this message about boats? Answer in one word. Message: {question}")]

    traces = [
        guarded(record, about("What is a jib?"), "What is a jib?", assistant("yes"), "A sail."),
        guarded(record, about("How do I bake?"), "How do I bake?", assistant("no"), "Let us talk about boats."),
    ]
    trajectory = assemble(fold_all(traces), Header(conversation_id="t"))
    assert words_of(trajectory)[-1] == "Let us talk about boats."


def test_where_a_trace_fails_behind_its_guard_nobody_answered() -> None:
    record, guard = Recorder(), [system("Is this about boats? Answer as JSON."), user("What is a jib?")]
    first = guarded(record, guard, "What is a jib?", assistant('{"allowed": "yes"}'), "A sail.")
    root = record.run("chain", {"message": "And a keel?"}, {}, error="DatabaseError: locked")
    failed = [
        root,
        record.run("llm", {"messages": [guard[0], user("And a keel?")]}, assistant('{"allowed": "yes"}'), root),
    ]
    trajectory = told(first, failed)
    assert words_of(trajectory) == ["What is a jib?", "A sail.", "And a keel?"]
    assert len(trajectory.internal) == 2


def test_a_short_answer_that_the_app_puts_in_other_words_is_the_agents() -> None:
    record = Recorder()
    traces = []
    for day, question, answer in (("Monday", "Open?", "Yes."), ("Tuesday", "And now?", "No.")):
        root = record.run("chain", {"message": question}, {"output": "sent"})
        prompt = [system(f"Be brief. It is {day}."), user(question)]
        traces.append([root, record.run("llm", {"messages": prompt}, assistant(answer), root)])
    assert words_of(assemble(fold_all(traces), Header(conversation_id="t"))) == ["Open?", "Yes.", "And now?", "No."]


def test_a_grader_that_reads_the_dialogue_is_not_the_agents_last_step() -> None:
    record = Recorder()
    asked, answer = user("Is Faro by the sea?"), assistant("Yes, on a lagoon.")
    root = record.run("chain", {"question": "Is Faro by the sea?"}, {"output": "Yes, on a lagoon."})
    runs = [
        root,
        record.run("llm", {"messages": [AGENT, asked]}, answer, root),
        record.run(
            "llm", {"messages": [system("Grade the last answer."), asked, answer]},
            assistant("", ("g1", "Grade", '{"grounded": true}')), root,
        ),
    ]  # fmt: skip
    trajectory = told(runs)
    assert words_of(trajectory) == ["Is Faro by the sea?", "Yes, on a lagoon."]
    assert len(trajectory.internal) == 1


def test_a_summary_of_a_session_is_not_its_last_answer() -> None:
    record = Recorder()
    lines = [
        ("user", "I lost my card"),
        ("assistant", "Which one?"),
        ("user", "The blue one"),
        ("assistant", "Blocked."),
    ]
    dialogue = [AGENT, *({"role": role, "content": words} for role, words in lines)]
    root = record.run("chain", {}, {"summary": "Card lost, blocked."})
    transcript = "\n".join(f"{role}: {words}" for role, words in lines)
    summing_up = [system("Sum up the call."), user(f"Transcript:\n{transcript}")]
    runs = [
        root,
        record.run("llm", {"messages": dialogue[:2]}, dialogue[2], root),
        record.run("llm", {"messages": dialogue[:4]}, dialogue[4], root),
        record.run("llm", {"messages": summing_up}, assistant("Card lost, blocked."), root),
    ]
    trajectory = told(runs)
    assert words_of(trajectory) == [words for _, words in lines]
    assert [one.content for one in trajectory.internal] == ["Card lost, blocked."]


def test_answers_that_the_server_goes_on_from_are_one_dialogue() -> None:
    record = Recorder()
    root = record.run("chain", {"questions": ["I am Ana.", "Who am I?"]}, {"output": "Ana."})

    def answer(one: str, words: str) -> dict[str, Any]:
        content = [{"type": "output_text", "text": words}]
        item = {"type": "message", "role": "assistant", "id": f"m-{one}", "content": content}
        return {"id": one, "object": "response", "output": [item]}

    runs = [
        root,
        record.run("llm", {"input": "I am Ana."}, answer("resp_1", "Hello."), root),
        record.run("llm", {"input": "Who am I?", "previous_response_id": "resp_1"}, answer("resp_2", "Ana."), root),
    ]
    trajectory = told(runs)
    assert words_of(trajectory) == ["I am Ana.", "Hello.", "Who am I?", "Ana."]
    assert trajectory.task.num_turns == 2


def test_a_loop_recorded_as_one_call_is_its_answers_one_by_one() -> None:
    record = Recorder()

    def answer(one: str, *content: dict[str, Any], stop: str) -> dict[str, Any]:
        usage = {"input_tokens": 10, "output_tokens": 5}
        return {
            "id": one,
            "type": "message",
            "role": "assistant",
            "content": list(content),
            "stop_reason": stop,
            "usage": usage,
        }

    told_first = answer(
        "m1",
        {"type": "text", "text": "I water."},
        {"type": "tool_use", "id": "w1", "name": "water", "input": {"bed": "figs"}},
        stop="tool_use",
    )
    told_last = answer("m2", {"type": "text", "text": "Done."}, stop="end_turn")
    run = record.run("llm", {"messages": [user("Water the figs")]}, {"outputs": [told_first, told_last]})
    watered = record.run("tool", {"bed": "figs"}, {"output": "wet"}, run, name="water")
    trajectory = told([run, watered])
    assert words_of(trajectory) == ["Water the figs", "I water.", "wet", "Done."]
    assert [one.finish_reason for one in trajectory.messages if one.role is Role.ASSISTANT] == ["tool_calls", "stop"]
    assert (trajectory.task.num_steps, trajectory.task.total_tokens) == (2, 30)


def loop_in_steps(
    record: Recorder, words: str, *steps: list[tuple[str, str]], finish: str = "stop", asked: list[dict[str, Any]]
) -> list[Run]:
    """A loop told as one call, below it tools in steps, which nobody reads; each step calls by id and bed."""
    root = record.run("chain", {"input": asked[-1:]}, {"text": words})
    calls = [{"toolCallId": one, "toolName": "water", "args": {"bed": bed}} for step in steps for one, bed in step]
    told_at_once = {"text": words, "toolCalls": calls}
    runs = [root, record.run("llm", {"messages": asked}, told_at_once, root, metadata={"finishReason": finish})]
    for step in steps:
        unread = record.run("chain", {}, {}, runs[1])
        for one, bed in step:
            about = {"toolCallId": one}
            runs.append(record.run("tool", {"bed": bed}, {"output": [{"wet": bed}]}, unread, name="w", metadata=about))
    return runs


def test_a_loop_whose_tools_ran_in_steps_below_it_is_a_call_for_each_step() -> None:
    asked, steps = [user("Water all")], ([("w1", "figs"), ("w2", "limes")], [("w3", "plums")])
    trajectory = told(loop_in_steps(Recorder(), "All wet.", *steps, asked=asked))
    called = [[call.id for call in one.tool_calls or ()] for one in trajectory.messages if one.role is Role.ASSISTANT]
    assert called == [["w1", "w2"], ["w3"], []]
    wet = [f'[{{"wet": "{bed}"}}]' for bed in ("figs", "limes", "plums")]
    assert [one.content or "" for one in trajectory.messages] == ["Water all", "", *wet[:2], "", wet[2], "All wet."]
    assert trajectory.task.num_steps == 3


def test_a_step_behind_which_its_model_did_not_go_on_is_no_loop() -> None:
    calling = loop_in_steps(Recorder(), "I water.", [("w1", "figs")], finish="tool-calls", asked=[user("Water")])
    assert words_of(told(calling)) == ["Water", "I water.", '[{"wet": "figs"}]']


def test_a_history_that_tells_when_the_words_of_a_loop_were_said_is_no_new_word() -> None:
    record, asked = Recorder(), [user("Water all")]
    first = loop_in_steps(record, "I water.All wet.", [("w1", "figs")], [("w2", "limes")], asked=asked)
    history = [*asked]
    for words, one, bed in (("I water.", "w1", "figs"), ("", "w2", "limes")):
        data = {"type": "json", "value": [{"wet": bed}]}
        back = {"type": "tool-result", "toolCallId": one, "toolName": "water", "output": data}
        history += [assistant(words, (one, "water", f'{{"bed": "{bed}"}}')), {"role": "tool", "content": [back]}]
    asked = [*history, assistant("All wet."), user("Thanks")]
    trajectory = told(first, loop_in_steps(record, "Bye.", asked=asked))
    wet = ['[{"wet": "figs"}]', '[{"wet": "limes"}]']
    expected = ["Water all", "", wet[0], "", wet[1], "I water.All wet.", "Thanks", "Bye."]
    assert [one.content or "" for one in trajectory.messages] == expected


def test_calls_whose_starts_were_written_too_late_stand_as_their_dotted_orders_tell() -> None:
    record, prompt = Recorder(), [user("How deep?")]
    root = record.run("chain", {"input": "How deep?"}, {"output": "Four metres."})
    runs = [root]
    for place in ("north", "south"):
        sounding = assistant("", (place, "sound", f'{{"at": "{place}"}}'))
        runs.append(record.run("llm", {"messages": prompt}, sounding, root))
        prompt = [*prompt, sounding, result(place, f"{place}: 4 m")]
    runs.append(record.run("llm", {"messages": prompt}, assistant("Four metres."), root))
    runs[2] = structs.replace(runs[2], start_time=runs[2].start_time + timedelta(milliseconds=300))
    trajectory = told(runs)
    assert words_of(trajectory) == ["How deep?", "", "north: 4 m", "", "south: 4 m", "Four metres."]
    answers = [one.run_id for one in trajectory.messages if one.role is Role.ASSISTANT]
    assert answers == [run.id for run in runs[1:]]


def test_each_tool_run_that_nobody_called_is_told_where_it_ran() -> None:
    record = Recorder()
    root = record.run("chain", {"question": "Move me"}, {"output": "Moved."})
    calling = assistant("", ("c1", "move", '{"flight": 7}'))
    prompt = [AGENT, user("Move me")]
    booked = result("c1", "moved")
    runs = [
        root,
        record.run("tool", {"user": 3}, {"output": "flight 5"}, root, name="look_up"),
        record.run("llm", {"messages": prompt}, calling, root),
        record.run("tool", {"flight": 7}, {"output": "moved"}, root, name="move"),
        record.run("llm", {"messages": [*prompt, calling, booked]}, assistant("Moved."), root),
    ]
    trajectory = told(runs)
    assert words_of(trajectory) == ["Move me", "flight 5", "", "moved", "Moved."]
    assert [one.flags for one in trajectory.messages if one.role is Role.TOOL] == [("orphan",), ()]


def test_a_result_that_stood_before_a_human_let_the_turn_go_on_is_told_once() -> None:
    record = Recorder()
    calling = assistant("", ("c1", "ask", "{}"), ("c2", "find", "{}"))
    prompt = [system("Be brief."), user("A book")]
    root = record.run("chain", {"messages": prompt[1:]}, None, error="GraphInterrupt((Interrupt(value='Which?'),))")
    first = [
        root,
        record.run("llm", {"messages": prompt}, calling, root),
        record.run("tool", {}, None, root, name="ask", error="GraphInterrupt((Interrupt(value='Which?'),))"),
        record.run("tool", {}, {"output": "shelf 4"}, root, name="find"),
    ]
    results = [result(one, text) for one, text in (("c1", "Emma"), ("c2", "shelf 4"))]
    root = record.run("chain", {"input": {"resume": "Emma", "update": None, "goto": []}}, {"output": "Here."})
    second = [
        root,
        record.run("tool", {}, {"output": "Emma"}, root, name="ask"),
        record.run("llm", {"messages": [*prompt, calling, *results]}, assistant("Here."), root),
    ]
    trajectory = assemble(fold_all([first, second]), Header(conversation_id="t"))
    assert sorted(one.content or "" for one in trajectory.messages if one.role is Role.TOOL) == ["Emma", "shelf 4"]


def test_results_find_calls_that_the_history_numbers_anew() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "How warm?"}, {"output": "21."})
    asked = [AGENT, user("How warm?")]
    first = record.run("llm", {"messages": asked}, assistant("", ("adk-7f", "look", "{}")), root)
    ran = record.run("tool", {}, {"output": "21"}, root, name="look")
    prompt = [*asked, assistant("", ("ls-0", "look", "{}")), result("ls-0", '{"result": "21"}')]
    messages = told([root, first, ran, record.run("llm", {"messages": prompt}, assistant("21."), root)]).messages
    assert [one.tool_response.id for one in messages if one.tool_response is not None] == ["adk-7f"]


def test_a_tool_that_waits_for_a_human_gave_nothing_back_yet() -> None:
    record = Recorder()
    asked = [AGENT, user("Ship it")]
    calling = assistant("", ("c1", "ship", "{}"))
    root = record.run("chain", {"messages": asked}, {"output": [calling]})
    first = record.run("llm", {"messages": asked}, calling, root)
    waiting = record.run("tool", {}, {"output": None}, root, name="ship")
    again = record.run("chain", {"messages": [*asked, calling]}, {"output": "Shipped."})
    ran = record.run("tool", {}, {"output": "B-1"}, again, name="ship")
    last = record.run("llm", {"messages": [*asked, calling, result("c1", "B-1")]}, assistant("Shipped."), again)
    messages = told([root, first, waiting], [again, ran, last]).messages
    assert [one.content for one in messages if one.role is Role.TOOL] == ["B-1"]


def test_what_is_recorded_as_a_tool_of_which_nothing_is_told_is_none() -> None:
    record = Recorder()
    root = record.run("chain", {"message": "What is a jib?"}, {"output": "A sail."})
    guardrail = record.run("tool", {}, {}, root, name="guardrail")
    judging = record.run(
        "llm", {"messages": [system("Say bad or fine."), user("What is a jib?")]}, assistant("fine"), guardrail
    )
    answering = record.run("llm", {"messages": [AGENT, user("What is a jib?")]}, assistant("A sail."), root)
    trajectory = told([root, guardrail, judging, answering])
    assert ([one.content for one in trajectory.internal], len(trajectory.nested)) == (["fine"], 0)


def handed_over(prompt: list[dict[str, Any]]) -> Trajectory:
    """A turn in which an agent calls to be replaced by another, which is asked with a prompt of its own."""
    record = Recorder()
    root = record.run("chain", {"message": "Which glass?"}, {"output": "Clear glass."})
    calling = assistant("", ("n1", "transfer_to_glazier", "{}"))
    return told([
        root, record.run("llm", {"messages": [AGENT, user("Which glass?")]}, calling, root),
        record.run("llm", {"messages": [system("You know glass."), *prompt]}, assistant("Clear glass."), root),
    ])  # fmt: skip


def test_an_agent_that_no_tool_ran_for_takes_the_dialogue_over() -> None:
    trajectory = handed_over([user("Which glass?")])
    assert words_of(trajectory) == ["Which glass?", "", "Clear glass."]
    assert (trajectory.task.num_turns, trajectory.task.num_steps) == (1, 2)


def test_what_another_agent_is_told_of_the_dialogue_that_it_takes_over_is_nobodys_word() -> None:
    history = assistant("So far: user: Which glass? call: transfer_to_glazier n1")
    trajectory = handed_over([history])
    assert words_of(trajectory) == ["Which glass?", "", "Clear glass."]
    assert [one.content for one in trajectory.asides] == [history["content"]]


def labelled(label: str, back: str) -> Trajectory:
    """A turn of which only the call is traced that was asked for a word."""
    record = Recorder()
    root = record.run("chain", {"question": "What is a jib?"}, {"answer": back})
    prompt = [system("In one word."), user("What is a jib?")]
    return told([root, record.run("llm", {"messages": prompt}, assistant(label), root)])


@pytest.mark.parametrize("label", ["SAFE", "off-topic"])
def test_where_only_who_labels_is_traced_the_traces_answer_is_told(label: str) -> None:
    trajectory = labelled(label, "A sail, before the mast.")
    assert words_of(trajectory) == ["What is a jib?", "A sail, before the mast."]
    assert [one.content for one in trajectory.internal] == [label]


@pytest.mark.parametrize(
    ("label", "back"),
    [
        pytest.param("sail", "SAIL", id="in capitals"),
        pytest.param("sail", "The answer is: Sail!", id="with words around it"),
        pytest.param("sail", "Segel", id="translated"),
        pytest.param("4", "It costs four euros.", id="a figure in words"),
        pytest.param("A sail.", "Une voile, voyons.", id="more than a word"),
    ],
)
def test_what_an_answer_was_made_of_is_told_though_it_is_a_word(label: str, back: str) -> None:
    assert words_of(labelled(label, back)) == ["What is a jib?", label]


@pytest.mark.parametrize("label", ["A sail.", "boats"])
@pytest.mark.parametrize("behind", [False, True])
def test_a_side_call_that_happens_to_say_what_the_agent_said_is_still_one(label: str, *, behind: bool) -> None:
    record = Recorder()
    history: list[dict[str, Any]] = []
    traces, own = [], []
    for question, answer in (("What is a jib?", "A sail."), ("Is it about boats?", "boats"), ("A sail?", "A sail.")):
        root = record.run("chain", {"message": question}, {"output": answer})
        title = [user(f"Write a title for this chat.\n\nUser: {question}\nAssistant: {answer}")]
        side = title if behind else [system("Label the message in a word or two."), user(question)]
        agents = [AGENT, *history, user(question)], assistant(answer)
        calls = [agents, (side, assistant(label if history else "topic"))]
        given = [record.run("llm", {"messages": asked}, said, root) for asked, said in calls[:: 1 if behind else -1]]
        traces.append([root, *given])
        own.append(given[0 if behind else 1].id)
        history += [user(question), assistant(answer)]
    trajectory = assemble(fold_all(traces), Header(conversation_id="t"))
    assert words_of(trajectory) == [message["content"] for message in history]
    assert [message.run_id for message in trajectory.messages if message.role is Role.ASSISTANT] == own
    assert [one.content for one in trajectory.internal] == ["topic", label, label]
