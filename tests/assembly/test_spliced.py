"""Parallel calls that a client recorded as one are told apart; the prompt that repeats them gives back their ids."""

from typing import Any

import pytest

from support.chat import assistant, result, system, user
from support.folding import told
from support.runs import Recorder
from trajworker.assembly import Conversation, encode_fold
from trajworker.assembly.reading.spliced import parted
from trajworker.model.message import Role, ToolCall

OFFERED = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("look", "look_up", "weigh")]
TOOLS = b'[{"name":"look"},{"name":"look_up"},{"name":"weigh"}]'
ASKED = [system("You are a clerk."), user("Is B1 free, and B2?")]
ONE_CALL = assistant("", ("c1", "looklook", '{"berth": "B1"}{"berth": "B2"}'))
TWO_CALLS = assistant("", ("c1", "look", '{"berth": "B1"}'), ("c2", "look", '{"berth": "B2"}'))
REPEATED = [*ASKED, TWO_CALLS, result("c1", "B1 is free"), result("c2", "B2 is taken")]


def spliced(name: str, given: str) -> list[tuple[str, Any, str | None]]:
    return [(one.name, one.arguments, one.id) for one in parted((ToolCall(name=name, id="c1", invalid=given),), TOOLS)]


@pytest.mark.parametrize(
    ("name", "given", "calls"),
    [
        ("looklook", '{"a": 1}{"a": 2}', [("look", {"a": 1}, "c1"), ("look", {"a": 2}, None)]),
        ("look_uplook", '{"a": 1}{}', [("look_up", {"a": 1}, "c1"), ("look", {}, None)]),
        ("weighlookweigh", "{}{}{}", [("weigh", {}, "c1"), ("look", {}, None), ("weigh", {}, None)]),
        ("huntedhunted", "{}{}", [("hunted", {}, "c1"), ("hunted", {}, None)]),
    ],
)
def test_names_and_arguments_in_a_row_are_told_apart(name: str, given: str, calls: list[Any]) -> None:
    assert spliced(name, given) == calls


BROKEN = ['{"a": ', '{"a": 1}, {"a": 2}', '{"a": 1}[2]', "{}" * 99]


@pytest.mark.parametrize(("name", "given"), [("lookat", "{}{}"), *(("look", given) for given in BROKEN)])
def test_what_is_no_row_of_calls_stays_as_it_was_written(name: str, given: str) -> None:
    call = ToolCall(name=name, id="c1", invalid=given)
    assert parted((call,), TOOLS) == (call,)


def test_calls_get_their_ids_and_results_from_the_next_prompt() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Is B1 free, and B2?"}, {"output": "B1 is."})
    first = record.run("llm", {"messages": ASKED, "tools": OFFERED}, ONE_CALL, root)
    looks = [
        record.run("tool", {"berth": berth}, {"output": f"{berth} is"}, root, name="look") for berth in ("B1", "B2")
    ]
    last = record.run("llm", {"messages": REPEATED, "tools": OFFERED}, assistant("B1 is."), root)
    messages = told([root, first, *looks, last]).messages
    assert [call.id for call in messages[2].tool_calls or ()] == ["c1", "c2"]
    assert [message.content for message in messages if message.role is Role.TOOL] == ["B1 is free", "B2 is taken"]


def test_ids_that_only_a_later_trace_tells_are_given_back_to_their_calls() -> None:
    record = Recorder()
    first = [record.run("llm", {"messages": ASKED, "tools": OFFERED}, ONE_CALL)]
    second = [record.run("llm", {"messages": REPEATED, "tools": OFFERED}, assistant("B1 is."))]
    messages = told(first, second).messages
    assert [call.id for call in messages[2].tool_calls or ()] == ["c1", "c2"]
    assert [message.role.value for message in messages] == ["system", "user", "assistant", "tool", "tool", "assistant"]


def test_words_beside_calls_that_only_the_next_prompt_tells_are_the_answers() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Is B1 free, and B2?"}, {"output": "B1 is."})
    silent = record.run("llm", {"messages": ASKED}, TWO_CALLS, root)
    prompt = [*ASKED, TWO_CALLS | {"content": "I look."}, *REPEATED[3:]]
    last = record.run("llm", {"messages": prompt}, assistant("B1 is."), root)
    assert [message.content for message in told([root, silent, last]).messages][2:3] == ["I look."]


def test_arguments_that_stand_there_twice_are_those_of_one_call() -> None:
    assert spliced("look", '{"a": 1}{"a": 1}') == [("look", {"a": 1}, "c1")]


def test_half_a_surrogate_pair_is_no_row_of_calls() -> None:
    call = ToolCall(name="looklook", id="c1", invalid='{"a": "\\ud83d"}{"a": "b"}')
    assert parted((call,), TOOLS) == (call,)


def test_ids_that_come_later_leave_the_fold_before_as_it_was() -> None:
    record = Recorder()
    bare = assistant("", ("", "look", "{}"))
    asked = [system("You are a clerk."), user("Is B1 free?")]
    conversation = Conversation()
    first = conversation.fold([record.run("llm", {"messages": asked}, bare)])
    before = encode_fold(first)
    named = assistant("", ("x1", "look", "{}"))
    prompt = [*asked, named, result("x1", "yes")]
    conversation.fold([record.run("llm", {"messages": prompt}, assistant("It is."))])
    assert encode_fold(first) == before
