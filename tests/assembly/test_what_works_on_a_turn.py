"""Functions that work on each turn behind it, in traces of their own: later prompts, or those before, tell them."""

from support.chat import assistant, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.run import Run

AGENT, TITLE, CHECK = system("You are a ferryman."), system("Write a title of two words."), system("Is this harmful?")
Q, A, NEXT, LAST = "Is there a ferry?", "There is one at noon.", "And back?", "At six."
SAID = [user(Q), assistant(A)]
Prompt = list[dict[str, object]]


def called(record: Recorder, name: str, given: dict[str, object], prompt: Prompt, answer: str) -> list[Run]:
    """A trace of a function that asks a model."""
    root = record.run("chain", given, {"output": answer}, name=name)
    return [root, record.run("llm", {"messages": prompt}, assistant(answer), root)]


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
