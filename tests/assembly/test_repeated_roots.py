"""A root that repeats what its first call was given and its last one gave back tells nobody's answer by itself."""

from typing import Any

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.run import Run

AGENT, NAMING, GRADING = system("You are a guide."), system("Name this chat."), system("Grade the answer.")
LOOK_UP = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}

Said = tuple[list[dict[str, Any]], dict[str, Any]]


def repeated(record: Recorder, *calls: Said, tools: tuple[dict[str, Any], ...] = ()) -> list[Run]:
    """A trace of agents that ran one after another, as its exporter records it; the first may use `tools`."""
    offered = {"tools": list(tools)} if tools else {}
    given = [{"input": prompt} | (offered if place == 0 else {}) for place, (prompt, _) in enumerate(calls)]
    root = record.run("chain", given[0], calls[-1][1])
    return [root, *(record.run("llm", one, said, root) for one, (_, said) in zip(given, calls, strict=True))]


def exchange(question: str, answer: str) -> dict[str, Any]:
    return user(f"Q: {question}\nA: {answer}")


def test_who_names_the_chat_behind_an_agent_with_tools_is_not_told_as_the_answer() -> None:
    question = user("How warm is Faro?")
    trajectory = told(
        repeated(
            Recorder(),
            ([AGENT, question], assistant("It is 21 degrees.")),
            ([NAMING, question], assistant("About Faro")),
            tools=(LOOK_UP,),
        )
    )
    assert words_of(trajectory) == ["How warm is Faro?", "It is 21 degrees."]
    assert [one.content for one in trajectory.internal] == ["About Faro"]


def test_who_grades_what_an_agent_found_with_tools_is_not_told_as_the_answer() -> None:
    prompt = [AGENT, user("How warm is Faro?")]
    calling = assistant("", ("c1", "look_up", "{}"))
    trajectory = told(
        repeated(
            Recorder(),
            (prompt, calling),
            ([*prompt, calling, result("c1", "21")], assistant("It is 21 degrees.")),
            ([NAMING, prompt[-1]], assistant("About Faro")),
            ([GRADING, exchange("How warm is Faro?", "It is 21 degrees.")], assistant("7")),
        )
    )
    assert words_of(trajectory) == ["How warm is Faro?", "", "21", "It is 21 degrees."]
    assert [one.content for one in trajectory.internal] == ["About Faro", "7"]


def test_who_sums_up_an_exchange_at_length_is_told_by_the_history_that_the_agent_goes_on_with() -> None:
    record, first = Recorder(), [AGENT, user("How warm is Faro?")]
    second = [*first, assistant("It is 21 degrees."), user("And Beja?")]
    trajectory = told(
        repeated(record, (first, assistant("It is 21 degrees."))),
        repeated(
            record,
            (second, assistant("Also 21.")),
            ([system("Sum up."), exchange("And Beja?", "Also 21.")], assistant("They asked about Beja.")),
        ),
    )
    assert words_of(trajectory)[2:] == ["And Beja?", "Also 21."]


def test_who_writes_of_what_others_planned_is_told_as_the_answer() -> None:
    outline = "A dragon wakes. It finds a flower. It weeps."
    trajectory = told(
        repeated(
            Recorder(),
            ([system("Outline."), user("A dragon")], assistant(outline)),
            ([system("Judge."), user(outline)], assistant('{"good": true}')),
            ([system("Write."), user(outline)], assistant("The dragon wept.")),
            tools=(LOOK_UP,),
        )
    )
    assert trajectory.messages[-1].content == "The dragon wept."


def test_who_writes_about_as_much_of_question_and_findings_is_told_as_the_answer() -> None:
    trajectory = told(
        repeated(
            Recorder(),
            ([system("Search."), user("How warm is Faro?")], assistant("It is 21 degrees.")),
            ([AGENT, exchange("How warm is Faro?", "It is 21 degrees.")], assistant("Faro is mild today.")),
            tools=(LOOK_UP,),
        )
    )
    assert trajectory.messages[-1].content == "Faro is mild today."


def test_who_answers_behind_a_label_for_the_same_words_is_told_as_the_answer() -> None:
    question = user("How warm is Faro?")
    trajectory = told(
        repeated(
            Recorder(),
            ([system("Which desk?"), question], assistant('{"desk": "weather"}')),
            ([AGENT, question], assistant("It is 21 degrees.")),
            tools=(LOOK_UP,),
        )
    )
    assert words_of(trajectory) == ["How warm is Faro?", "It is 21 degrees."]
