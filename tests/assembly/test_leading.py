"""The system prompt stands first, even where a turn failed before any model was asked."""

from support.chat import assistant, system, user
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Header, encode_line
from trajworker.model.run import Run
from trajworker.trajectory import Trajectory, decode_line, encode_trajectory

AGENT = system("You plan trips.")


def refused(record: Recorder, question: str) -> list[Run]:
    """A turn whose request was refused before the client made a run for it."""
    return [record.run("chain", {"question": question}, None, error="InternalServerError('500')")]


def answered(record: Recorder, *prompt: str, answer: str) -> list[Run]:
    root = record.run("chain", {"question": prompt[-1]}, {"output": answer})
    return [root, record.run("llm", {"messages": [AGENT, *map(user, prompt)]}, assistant(answer), root)]


def roles(trajectory: Trajectory) -> list[tuple[str, int]]:
    return [(message.role.value, message.turn) for message in trajectory.messages]


def test_a_system_prompt_stands_before_turns_that_failed() -> None:
    record = Recorder()
    traces = [
        refused(record, "Ghent?"),
        refused(record, "Hello?"),
        answered(record, "Ghent?", "Hello?", "Bruges?", answer="Go."),
    ]
    trajectory = told(*traces)
    assert roles(trajectory) == [("system", 0), ("user", 1), ("user", 2), ("user", 3), ("assistant", 3)]
    seen = [message.content for message in trajectory.steps[0].messages]
    assert seen == ["You plan trips.", "Ghent?", "Hello?", "Bruges?", "Go."]
    line = b"".join(encode_line(fold_all(traces), Header(conversation_id="t")))
    assert encode_trajectory(decode_line(line)) == line


def test_what_stands_aside_stays_aside() -> None:
    record = Recorder()
    root = record.run("chain", {"question": "Bruges?"}, {"output": "Go."})
    search = record.run("retriever", {"query": "Bruges"}, {"documents": [{"page_content": "Bruges has canals."}]}, root)
    prompt = [AGENT, user("Ghent?"), system("Use this: Bruges has canals."), user("Bruges?")]
    asked = record.run("llm", {"messages": prompt}, assistant("Go."), root)
    trajectory = told(refused(record, "Ghent?"), [root, search, asked])
    assert roles(trajectory) == [("system", 0), ("user", 1), ("user", 2), ("assistant", 2)]
    assert [message.content for message in trajectory.asides] == ["Use this: Bruges has canals."]
    seen = [message.content for message in trajectory.steps[0].messages]
    assert seen == ["You plan trips.", "Ghent?", "Use this: Bruges has canals.", "Bruges?", "Go."]


def test_what_an_app_said_before_it_asked_a_model_stays_first() -> None:
    record = Recorder()
    canned = [record.run("chain", {"question": "one"}, {"output": "You chose repairs."})]
    trajectory = told(canned, answered(record, "My chain broke", answer="Bring it."))
    assert [role for role, _ in roles(trajectory)] == ["user", "assistant", "system", "user", "assistant"]


def test_a_system_prompt_that_changes_later_stays_where_it_changed() -> None:
    record = Recorder()
    first = answered(record, "Ghent?", answer="Go.")
    root = record.run("chain", {"question": "Bruges?"}, {"output": "Stay."})
    changed = [system("You plan walks."), user("Ghent?"), assistant("Go."), user("Bruges?")]
    second = [root, record.run("llm", {"messages": changed}, assistant("Stay."), root)]
    expected = ["system", "user", "assistant", "system", "user", "assistant"]
    assert [role for role, _ in roles(told(first, second))] == expected
