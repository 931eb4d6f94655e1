"""Traces in which nobody speaks: titles and memories made of what was said, ratings, the same call told twice."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.run import Run

AGENT = system("You are a guide.")


def chat(record: Recorder, message: str, reply: str, history: tuple[dict[str, Any], ...] = ()) -> list[Run]:
    root = record.run("chain", {"message": message}, {"reply": reply})
    return [root, record.run("llm", {"messages": [AGENT, *history, user(message)]}, assistant(reply), root)]


def titled(record: Recorder, given: dict[str, Any], answer: str = "Boats of Faro") -> list[Run]:
    root = record.run("chain", given, {"output": answer})
    prompt = [system("Write a title."), user("user: Boats in Faro?\nassistant: Many boats.")]
    return [root, record.run("llm", {"messages": prompt}, assistant(answer), root)]


def test_a_title_made_in_a_trace_of_its_own_is_no_turn() -> None:
    record = Recorder()
    talk = [user("Boats in Faro?"), assistant("Many boats.")]
    first = chat(record, "Boats in Faro?", "Many boats.")
    title = titled(record, {"conversation": talk})
    trajectory = told(first, title, chat(record, "And in Olhao?", "Some.", tuple(talk)))
    assert words_of(trajectory) == ["Boats in Faro?", "Many boats.", "And in Olhao?", "Some."]
    assert ([one.content for one in trajectory.internal], trajectory.task.num_turns) == (["Boats of Faro"], 2)


TALK = [user("Boats in Faro?"), assistant("Many boats.")]
BEHIND, OVER = [AGENT, *TALK, user("Suggest what to ask next.")], [system("Suggest what to ask next."), *TALK]


@pytest.mark.parametrize(
    ("name", "prompt", "internal"),
    [("suggest", BEHIND, 1), ("suggest", OVER, 1), ("suggest", [AGENT, *TALK], 0), ("", BEHIND, 0), ("", OVER, 0)],
)
def test_what_another_function_asks_over_the_dialogue_it_was_given_is_no_turn(
    name: str, prompt: list[dict[str, Any]], internal: int
) -> None:
    """A request behind the dialogue, or another agent, tells that it is worked on; the agent itself may go on."""
    record = Recorder()
    root = record.run("chain", {"history": TALK}, {"output": "And in Olhao?"}, name=name)
    suggesting = [root, record.run("llm", {"messages": prompt}, assistant("And in Olhao?"), root)]
    trajectory = told(chat(record, "Boats in Faro?", "Many boats."), suggesting)
    assert (len(trajectory.internal), len(trajectory.steps)) == (internal, 2 - internal)


@pytest.mark.parametrize(("prompt", "turns"), [([system("Is it safe?")], 1), ([AGENT], 2), ([], 2)])
def test_an_answer_checked_in_a_trace_of_its_own_is_no_turn(prompt: list[dict[str, Any]], turns: int) -> None:
    """Somebody may say the same word as the agent, to the same agent."""
    record = Recorder()
    root = record.run("chain", {"text": "Many."}, {"output": "yes"}, name="check")
    check = [root, record.run("llm", {"messages": [*prompt, user("Many.")]}, assistant("yes"), root)]
    assert told(chat(record, "Boats?", "Many."), check).task.num_turns == turns


def test_who_repeats_what_the_agent_said_to_it_speaks() -> None:
    record = Recorder()
    root = record.run("chain", {"message": "Many boats."}, {"reply": "Well said!"}, name="practise")
    repeats = [
        root,
        record.run("llm", {"messages": [AGENT, *TALK, user("Many boats.")]}, assistant("Well said!"), root),
    ]
    assert told(chat(record, "Boats in Faro?", "Many boats."), repeats).task.num_turns == 2


def test_who_asks_about_the_last_answer_speaks() -> None:
    record = Recorder()
    first = chat(record, "Boats in Faro?", "Many boats.")
    given = {"question": "Boats in Faro?", "answer": "Many boats.", "feedback": "Name three of them"}
    second = titled(record, given, "Tern, Heron, Gull.")
    assert told(first, second).task.num_turns == 2


@pytest.mark.parametrize("given", [{"stars": 5}, {"rating": "up", "comment": "very helpful"}])
def test_a_rating_between_two_turns_is_no_turn(given: dict[str, Any]) -> None:
    record = Recorder()
    first = chat(record, "Boats?", "Many.")
    rating = [record.run("chain", {"run_id": "0190-aa"} | given, {"stored": True})]
    trajectory = told(first, rating, chat(record, "Thanks", "Welcome.", (user("Boats?"), assistant("Many."))))
    assert words_of(trajectory) == ["Boats?", "Many.", "Thanks", "Welcome."]
    assert trajectory.task.num_turns == 2


def test_a_field_for_the_answer_that_is_empty_says_nothing() -> None:
    record = Recorder()
    handed = [record.run("chain", {"message": "A human!"}, {"reply": None, "forwarded_to": "agent:maria"})]
    assert words_of(told(handed)) == ["A human!"]


def test_what_an_executor_says_when_it_stops_is_told_and_a_result_given_back_is_not() -> None:
    for output, expected in (
        ("Agent stopped.", ["Poll", "", "snow", "Agent stopped."]),
        ("snow", ["Poll", "", "snow"]),
    ):
        record = Recorder()
        root = record.run("chain", {"input": "Poll"}, {"output": output})
        polling = record.run("llm", {"messages": [user("Poll")]}, assistant("", ("c1", "poll", "{}")), root)
        ran = record.run("tool", {"tool_call_id": "c1"}, {"output": "snow"}, root, name="poll")
        assert words_of(told([root, polling, ran])) == expected


def test_one_call_recorded_by_two_clients_side_by_side_is_one() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Hi"}, {"output": "Hello."})
    inner = record.run("llm", {"messages": [user("Hi")]}, assistant("Hello."), root, name="ChatOpenAI")
    around = msgspec.structs.replace(
        record.run("llm", {"messages": [user("Hi")]}, assistant("Hello."), root, name="Wrapped"),
        start_time=root.start_time,
    )
    assert words_of(told([root, around, inner])) == ["Hi", "Hello."]


def test_an_agent_below_a_tool_of_a_loop_recorded_as_one_call_is_nested() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Way?"}, {"output": "Go north."})
    loop = record.run("llm", {"messages": [AGENT, user("Way?")]}, assistant("Go north."), root)
    tool = record.run("tool", {"prompt": "Find the way"}, {"output": "North."}, loop, name="pilot")
    pilot = record.run("llm", {"messages": [system("You pilot."), user("Find the way")]}, assistant("North."), tool)
    trajectory = told([root, loop, tool, pilot])
    assert "Go north." in words_of(trajectory)
    assert [words_of(one) for one in trajectory.nested] == [["Find the way", "North."]]


def test_what_a_stopped_tool_gave_back_is_told_once_though_the_next_request_words_it_anew() -> None:
    record = Recorder()
    root = record.run("chain", {"prompt": "build"}, None, error="KeyboardInterrupt('stopped')")
    asked, building = [AGENT, user("build")], assistant("", ("c1", "bash", "{}"))
    first = record.run("llm", {"messages": asked}, building, root)
    stopped = record.run("tool", {"tool_call_id": "c1"}, None, root, name="bash", error="KeyboardInterrupt('stopped')")
    again = record.run("chain", {"prompt": "what happened?"}, {"output": "Stopped."})
    prompt = [*asked, building, result("c1", "Interrupted by user"), user("what happened?")]
    second = record.run("llm", {"messages": prompt}, assistant("Stopped."), again)
    roles = [message.role.value for message in told([root, first, stopped], [again, second]).messages]
    assert roles == ["system", "user", "assistant", "tool", "user", "assistant"]


def test_what_an_app_said_behind_a_tool_of_its_own_is_told_once() -> None:
    record = Recorder()
    first = chat(record, "Hi", "Hello.")
    root = record.run("chain", {"message": "/ticket mast"}, {"reply": "Ticket T-1 is open."})
    ticket = record.run("tool", {"topic": "mast"}, {"ticket": "T-1"}, root, name="open_ticket")
    history = (user("Hi"), assistant("Hello."), user("/ticket mast"), assistant("Ticket T-1 is open."))
    trajectory = told(first, [root, ticket], chat(record, "thanks", "Gladly.", history))
    assert [one for one in words_of(trajectory) if one == "Ticket T-1 is open."] == ["Ticket T-1 is open."]


def test_an_empty_span_of_an_sdk_beside_or_below_an_instrumented_call_is_not_another_call() -> None:
    for below in (True, False):
        record = Recorder()
        root = record.run("chain", {"input": "Hi"}, {"output": "Hello."})
        outer = record.run("llm", {"messages": [user("Hi")]}, assistant("Hello."), root, name="chat")
        hollow = record.run("llm", {}, {}, outer if below else root, name="messages.create")
        around = msgspec.structs.replace(outer, end_time=hollow.end_time + timedelta(milliseconds=1))  # type: ignore[operator]
        trajectory = told([root, around, hollow])
        assert (words_of(trajectory), trajectory.metrics.llm_calls) == (["Hi", "Hello."], 1)


def test_a_failure_is_told_by_its_error_though_the_run_gave_something_back() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Map"}, {"output": "No map."})
    calling = record.run("llm", {"messages": [user("Map")]}, assistant("", ("c1", "map", "{}")), root)
    ran = record.run("tool", {"tool_call_id": "c1"}, {"endTime": 17}, root, name="map", error="no chart")
    assert words_of(told([root, calling, ran]))[2] == "no chart"


def test_what_works_on_a_turn_tells_nothing_of_how_it_went() -> None:
    record = Recorder()
    failing = record.run("chain", {"message": "Boats?"}, None, error="ValueError: boom")
    failed = [failing, record.run("llm", {"messages": [user("Boats?")]}, assistant("Many boats."), failing)]
    rating = [record.run("chain", {"run_id": "0190-aa", "stars": 1}, {"stored": True})]
    title = titled(record, {"conversation": [user("Boats?"), assistant("Many boats.")]})
    (turn,) = told(failed, rating, title).turns
    assert (turn.status, turn.end_time, len(turn.trace_ids)) == ("error", told(failed).turns[0].end_time, 3)


@pytest.mark.parametrize("question", ["Prices?", "\u50f9\u683c\uff1f", "why", "What prices?"])
def test_a_new_word_beside_the_last_answer_is_a_turn(question: str) -> None:
    record = Recorder()
    given = {"input": question, "history": [{"human": "Boats in Faro?", "ai": "Many boats."}]}
    root = record.run("chain", given, {"output": "From ten euros."})
    rendered = [user(f"History: Human: Boats in Faro? AI: Many boats. Human: {question} AI:")]
    second = [root, record.run("llm", {"messages": rendered}, assistant("From ten euros."), root)]
    trajectory = told(chat(record, "Boats in Faro?", "Many boats."), second)
    assert (trajectory.task.num_turns, trajectory.messages[-1].content) == (2, "From ten euros.")


def test_an_executor_that_stops_is_heard_though_its_words_stand_elsewhere() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Poll"}, {"output": "Polling stopped after 7 tries."})
    polling = record.run("llm", {"messages": [user("Poll")]}, assistant("", ("c1", "poll", "{}")), root)
    ran = record.run("tool", {"tool_call_id": "c1"}, {"output": "7"}, root, name="poll")
    assert words_of(told([root, polling, ran]))[-1] == "Polling stopped after 7 tries."


def test_empty_spans_around_and_below_a_call_leave_it_one_call() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Hi"}, {"output": "Hello."})
    full = record.run("llm", {"messages": [user("Hi")]}, assistant("Hello."), root, name="agent")
    attributes = {"gen_ai.system": "openai"}
    hollow = record.run("llm", attributes, {}, full, name="chat")
    below = record.run("llm", attributes, {}, hollow, name="http")
    inner = record.run("llm", {"messages": [user("Hi")]}, assistant("Hello."), full, name="wrapped")
    for runs in ([root, full, hollow, below], [root, full, hollow, inner]):
        trajectory = told(runs)
        assert (words_of(trajectory), len(trajectory.internal), trajectory.metrics.llm_calls) == (
            ["Hi", "Hello."],
            0,
            1,
        )
