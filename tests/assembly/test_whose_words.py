"""Whose words a user message holds: the user's own, wherever a root was given them, not a template's nor an app's."""

import json
from typing import Any

import pytest

from support.chat import assistant, result, system, user, words_of
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Header, assemble
from trajworker.model.message import Message, Role
from trajworker.model.run import Run
from trajworker.trajectory import Trajectory

SYSTEM = system("Be brief.")


def turn(record: Recorder, given: Any, prompt: list[dict[str, Any]], answer: str = "Yes.") -> list[Run]:
    """A root that was `given` something, around one llm run."""
    root = record.run("chain", given, {"output": answer})
    return [root, record.run("llm", {"messages": prompt}, assistant(answer), root)]


def asked(runs: list[Run]) -> Message:
    (found,) = [message for message in told(runs).messages if message.role is Role.USER]
    return found


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"caller": "+351 1", "utterance": "Now"}, "[caller +351 1] Now"),
        ({"req": {"customer": 7, "message": "Now"}}, "Context: none.\n\nNow"),
        ({"event": {"channel": "C1", "text": "Now"}}, "<@U1>: Now"),
        ({"subject": "Order 1182", "body": "Now"}, "Subject: Order 1182\n\nNow"),
        ({"page": "/boats", "message": 'Is "Möwe" free?'}, r'{"page": "/boats", "message": "Is \"M\u00f6we\" free?"}'),
        ({"message": "I am Mina", "channel": "web"}, "I am <NAME>"),
        ({"question": "And Beja?", "tenant": "t1"}, "How warm is Beja?"),
    ],
)
def test_the_users_words_are_found_behind_what_the_model_was_shown(given: dict[str, Any], shown: str) -> None:
    message = asked(turn(Recorder(), given, [SYSTEM, user(shown)]))
    words = [text for value in given.values() for text in (value.values() if isinstance(value, dict) else [value])]
    assert message.content in words
    assert message.content in ("Now", 'Is "Möwe" free?', "I am Mina", "And Beja?")
    assert message.rendered == shown


@pytest.mark.parametrize(
    "given",
    [
        {"args": ["Right now", {"temperature": 0.2, "userId": "u-12"}]},
        {"args": ["u-12", "Right now"]},
        {"args": [[{"role": "user", "content": "Right now"}], {"temperature": 0.2}]},
        {"args": [{"body": {"message": "Right now"}}, {"requestId": "r-1"}]},
        {"parts": [{"type": "text", "text": "Right now"}]},
        {"httpMethod": "POST", "body": '{"message": "Right now", "session": "s-1"}'},
        {"fields": {"name": "Ana", "comment": "Right now"}},
    ],
    ids=["text", "id", "messages", "request", "parts", "lambda", "form"],
)
def test_arguments_by_position_and_what_stands_in_requests_are_the_users_words(given: dict[str, Any]) -> None:
    message = asked(turn(Recorder(), given, [SYSTEM, user("Customer says: Right now\n\nAnswer shortly.")]))
    assert (message.content, message.rendered) == ("Right now", "Customer says: Right now\n\nAnswer shortly.")


def test_objects_in_which_nobody_speaks_are_not_looked_into() -> None:
    message = asked(turn(Recorder(), {"config": {"text": "dark"}}, [SYSTEM, user("Use the dark sails")]))
    assert (message.content, message.rendered) == ("Use the dark sails", None)


def test_a_document_that_shares_a_word_with_a_message_is_not_quoted_by_it() -> None:
    record = Recorder()
    root = record.run("chain", {"question": "How were sales in May?"}, {"output": "Good."})
    documents = {"documents": [{"page_content": "sales"}]}
    prompt = [system("You answer questions about sales."), user("How were sales in May?")]
    runs = [
        root,
        record.run("retriever", {"query": "sales"}, documents, root),
        record.run("llm", {"messages": prompt}, assistant("Good."), root),
    ]
    assert [message.role for message in told(runs).messages] == [Role.SYSTEM, Role.USER, Role.ASSISTANT]


PAGE = 'The library opens at 9:00 on "weekdays".\nOn Saturdays it opens at 11:00 for Zoë.'


@pytest.mark.parametrize("shown", [PAGE, json.dumps([PAGE]), json.dumps([PAGE], ensure_ascii=False), PAGE[:40] + "..."])
def test_a_system_prompt_with_documents_in_it_is_not_told_in_whatever_form_they_are(shown: str) -> None:
    record = Recorder()
    root = record.run("chain", {"question": "When does it open?"}, {"output": "At nine."})
    found = record.run("retriever", {"query": "When?"}, {"documents": [{"page_content": PAGE}]}, root)
    asked = [{"role": "system", "content": f"Answer from this:\n{shown}"}, user("When does it open?")]
    answering = record.run("llm", {"messages": asked}, assistant("At nine."), root)
    assert [message.role.value for message in told([root, found, answering]).messages] == ["user", "assistant"]


@pytest.mark.parametrize("pages", [["1", "2"], ["lend", "books"], ["books, at most"]])
def test_instructions_with_words_of_the_documents_in_their_sentences_are_told(pages: list[str]) -> None:
    record = Recorder()
    root = record.run("chain", {"question": "When does it open?"}, {"output": "At nine."})
    documents = {"documents": [{"page_content": page} for page in pages]}
    found = record.run("retriever", {"query": "When?"}, documents, root)
    prompt = [system("You lend books, at most 12 at a time."), user("When does it open?")]
    runs = [root, found, record.run("llm", {"messages": prompt}, assistant("At nine."), root)]
    assert [message.role for message in told(runs).messages] == [Role.SYSTEM, Role.USER, Role.ASSISTANT]


def test_a_question_that_a_document_begins_with_is_the_users() -> None:
    record = Recorder()
    asked = user("How do I reset my password?")
    root = record.run("chain", {"question": asked["content"]}, {"output": "Press it."})
    page = {"page_content": f"{asked['content']} Press the button below the screen."}
    found = record.run("retriever", {"query": "password"}, {"documents": [page]}, root)
    trajectory = told([root, found, record.run("llm", {"messages": [asked]}, assistant("Press it."), root)])
    assert words_of(trajectory) == [asked["content"], "Press it."]


def test_several_users_in_one_prompt_speak_in_one_turn() -> None:
    prompt = [SYSTEM, user("Ana: who deploys?"), user("Rui: I do"), user("Ana: thanks")]
    runs = [Recorder().run("llm", {"messages": prompt}, assistant("Good."))]
    assert [message.turn for message in told(runs).messages] == [0, 1, 1, 1, 1]


def test_an_own_summary_and_what_acknowledges_it_are_kept_aside() -> None:
    record = Recorder()
    first = turn(record, {"question": "How warm is Faro?"}, [SYSTEM, user("How warm is Faro?")], "21.")
    summary = "The user compares towns; Faro had 21."
    root = record.run("chain", {"question": "And Beja?"}, {"output": "22."})
    about = [system("Sum up."), user("How warm is Faro?\n21.")]
    prompt = [SYSTEM, user(f"<summary>{summary}</summary>"), assistant("Understood."), user("And Beja?")]
    second = [
        root,
        record.run("llm", {"messages": about}, assistant(summary), root),
        record.run("llm", {"messages": prompt}, assistant("22."), root),
    ]
    trajectory = assemble(fold_all([first, second]), Header(conversation_id="t"))
    assert [message.content for message in trajectory.messages][1:] == ["How warm is Faro?", "21.", "And Beja?", "22."]
    assert [(message.role, message.flags) for message in trajectory.asides] == [
        (Role.USER, ("summary",)),
        (Role.ASSISTANT, ("context",)),
    ]


SUMMARY = "The user compares towns; Faro had 21."


def later(passed_on: str, written: str = SUMMARY) -> Trajectory:
    """A turn in which a call sums up behind the answer, and two that begin with what is `passed_on`."""
    record = Recorder()
    first = turn(record, {"question": "How warm is Faro?"}, [SYSTEM, user("How warm is Faro?")], "21.")
    about = [system("Sum up."), user("User: How warm is Faro?\nAgent: 21.")]
    first.append(record.run("llm", {"messages": about}, assistant(written), first[0]))
    prompt = [SYSTEM, user(passed_on), assistant("Understood."), user("And Beja?")]
    second = turn(record, {"question": "And Beja?"}, prompt, "22.")
    third = turn(record, {"question": "Thanks"}, [*prompt, assistant("22."), user("Thanks")], "Welcome.")
    return assemble(fold_all([first, second, third]), Header(conversation_id="t"))


@pytest.mark.parametrize(
    "passed_on", [SUMMARY, f"So far: {SUMMARY}", f"<summary>\n{SUMMARY}\n</summary>", f'Before:\n"{SUMMARY}" Go on.']
)
def test_a_summary_that_was_written_in_a_trace_before_stands_in_place_of_the_history(passed_on: str) -> None:
    trajectory = later(passed_on)
    said = ["How warm is Faro?", "21.", "And Beja?", "22.", "Thanks", "Welcome."]
    assert [message.content for message in trajectory.messages][1:] == said
    assert [message.turn for message in trajectory.messages][1:] == [1, 1, 2, 2, 3, 3]
    assert [(one.content, one.flags) for one in trajectory.asides] == [
        (passed_on, ("summary",)), ("Understood.", ("context",)),
    ]  # fmt: skip


@pytest.mark.parametrize(("passed_on", "written"), [("How warm is Evora?", SUMMARY), ("So far: Faro.", "Faro.")])
def test_a_history_that_nobody_wrote_down_was_said_in_turns_that_nobody_recorded(passed_on: str, written: str) -> None:
    trajectory = later(passed_on, written)
    assert [message.content for message in trajectory.messages][3:5] == [passed_on, "Understood."]


def test_a_question_above_a_call_that_the_app_made_itself_begins_a_turn() -> None:
    record = Recorder()
    first = turn(record, {"question": "Hi"}, [SYSTEM, user("Hi")], "Hello.")
    looked_up = [
        assistant("", ("c1", "look_up", "{}")),
        result("c1", "21"),
    ]
    prompt = [SYSTEM, user("Hi"), assistant("Hello."), user("How warm is Faro?"), *looked_up]
    second = turn(record, {"question": "How warm is Faro?"}, prompt, "21.")
    trajectory = assemble(fold_all([first, second]), Header(conversation_id="t"))
    assert [message.turn for message in trajectory.messages] == [0, 1, 1, 2, 2, 2, 2]


def test_a_word_with_which_a_user_lets_a_call_pass_is_not_lost() -> None:
    record = Recorder()
    asking = assistant("", ("c1", "book", '{"boat": "Heron"}'))
    root = record.run("chain", {"message": "Book the Heron"}, {"output": "Shall I?"})
    first = [root, record.run("llm", {"messages": [SYSTEM, user("Book the Heron")]}, asking, root)]
    root = record.run("chain", {"message": "yes"}, {"output": "Booked."})
    booked = result("c1", "Heron booked")
    second = [
        root,
        record.run("tool", {"boat": "Heron"}, {"output": "Heron booked"}, root, name="book"),
        record.run(
            "llm", {"messages": [SYSTEM, user("Book the Heron"), asking, booked]}, assistant("Booked."), root
        ),
    ]  # fmt: skip
    trajectory = assemble(fold_all([first, second]), Header(conversation_id="t"))
    said = [(message.role.value, message.content, message.turn) for message in trajectory.messages[1:]]
    assert said == [
        ("user", "Book the Heron", 1),
        ("assistant", "", 1),
        ("user", "yes", 2),
        ("tool", "Heron booked", 2),
        ("assistant", "Booked.", 2),
    ]


def test_a_prompt_made_of_what_a_planner_said_has_the_roots_words() -> None:
    record = Recorder()
    plan, story = "Boat, then beach.", "First the boat, then the beach."
    root = record.run("chain", {"messages": [user("A trip to Faro")]}, {"output": story})
    planning = record.run("llm", {"messages": [system("You plan."), user("A trip to Faro")]}, assistant(plan), root)
    writing = [system("You write."), user(f"Write it up: {plan}")]
    trajectory = told([root, planning, record.run("llm", {"messages": writing}, assistant(story), root)])
    assert [(one.content, one.rendered) for one in trajectory.messages][1:] == [
        ("A trip to Faro", f"Write it up: {plan}"),
        (story, None),
    ]


def test_a_prompt_that_is_what_an_agent_made_of_the_roots_words_has_those() -> None:
    record = Recorder()
    plan, story = "Boat, then beach.", "First the boat, then the beach."
    for planned, words, rendered in (("A trip to Faro", "A trip to Faro", plan), ("Of what kind?", plan, None)):
        root = record.run("chain", {"messages": [user("A trip to Faro")]}, {"messages": [assistant(story)]})
        planning = record.run("llm", {"messages": [system("You plan."), user(planned)]}, assistant(plan), root)
        writing = [system("You write."), user(plan)]
        trajectory = told([root, planning, record.run("llm", {"messages": writing}, assistant(story), root)])
        assert [(one.content, one.rendered) for one in trajectory.messages][1:] == [(words, rendered), (story, None)]


@pytest.mark.parametrize(
    "given", ["***", "<function make.<locals>.app at 0x7f00aa>", "<bound method Bot.ask of <app.Bot object at 0x7f>>"]
)
def test_masks_and_what_python_writes_for_its_objects_are_nobodys_words(given: str) -> None:
    record = Recorder()
    root = record.run("chain", {"question": given}, {"output": "Hello."})
    called = record.run("llm", {"messages": [SYSTEM, user("Hi there")]}, assistant("Hello."), root)
    assert [one.content for one in told([root, called]).messages][1:] == ["Hi there", "Hello."]
