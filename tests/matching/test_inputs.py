"""Calls may be spelt as any library spells them, and what is not understood is refused, never read as no calls."""

from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest

from support.calls import call
from trajworker.errors import ConfigError
from trajworker.matching import (
    MalformedCall,
    NoCalls,
    any_value,
    assert_never_called,
    called_before,
    matches,
    one_of,
    refute_trajectory,
    regex,
    write_golden,
)
from trajworker.model.message import ToolCall
from trajworker.trajectory import Trajectory

WANTED = [call("search", {"q": "x"})]
SPELLINGS = {
    "ours": {"name": "search", "arguments": {"q": "x"}},
    "langchain": {"name": "search", "args": {"q": "x"}, "id": "c1", "type": "tool_call"},
    "openai": {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "x"}'}},
    "responses": {"type": "function_call", "call_id": "c1", "name": "search", "arguments": '{"q": "x"}'},
    "anthropic": {"type": "tool_use", "id": "c1", "name": "search", "input": {"q": "x"}},
    "struct": ToolCall(name="search", arguments={"q": "x"}),
    "object": SimpleNamespace(name="search", args={"q": "x"}),
    "with its output": {"name": "search", "args": {"q": "x"}, "output": "found", "content": "found"},
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_call_is_read_in_every_spelling(spelling: str) -> None:
    assert matches([SPELLINGS[spelling]], WANTED)
    assert matches(WANTED, (SPELLINGS[spelling],))
    assert not matches([SPELLINGS[spelling]], [call("search", {"q": "y"})])


def test_broken_arguments_are_the_text_that_was_written() -> None:
    broken = {"id": "c", "type": "function", "function": {"name": "search", "arguments": "{q: x"}}
    assert matches([broken], [call("search", "{q: x")])
    assert matches([ToolCall(name="search", invalid="{q: x")], [call("search", "{q: x")])
    assert not matches([broken], [call("search", {})])


def test_arguments_of_a_plain_call_are_taken_as_they_are() -> None:
    assert not matches([call("search", '{"q": "x"}')], WANTED)


def test_items_with_calls_and_outputs_are_messages() -> None:
    items = [SPELLINGS["responses"], {"type": "function_call_output", "call_id": "c1", "output": "found"}]
    assert matches(items, WANTED)


def test_a_generator_is_as_good_as_a_list() -> None:
    message = {"role": "assistant", "content": "", "tool_calls": [SPELLINGS["openai"]]}
    for item in (WANTED[0], message):
        for side in ((one for one in [item]), iter([item]), map(dict, [item]), chain([item]), {"k": item}.values()):
            assert matches(side, (one for one in WANTED))
    assert_never_called((one for one in WANTED), "drop")
    with pytest.raises(ConfigError, match="no messages in set"):
        matches(set(), WANTED)  # which has no order


def test_a_stream_of_another_library_is_no_list_of_messages() -> None:
    """Its pieces are none, so it would hold no calls; and it could be read only once."""

    class Stream:
        def __iter__(self) -> "Stream":
            return self

        def __next__(self) -> object:
            raise AssertionError("it was read")

    with pytest.raises(ConfigError, match="no messages in Stream"):
        matches(Stream(), WANTED)


def test_a_stored_map_is_a_side_too_with_its_wildcards() -> None:
    stored = Trajectory.from_messages(
        [{"role": "assistant", "content": "", "tool_calls": [SPELLINGS["openai"]]}]
    ).to_map()
    assert matches(stored, WANTED)
    assert matches(WANTED, {"messages": [], "tool_calls": [{"name": "search"}]})


SAID = {"role": "user", "content": "x"}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_call_among_messages_counts_or_is_refused(spelling: str) -> None:
    """A call that is dropped is one that was never made: what forbids it would pass."""
    call = SPELLINGS[spelling]
    state = SimpleNamespace(messages=[SAID, call])
    for side in ([SAID, call], [call, SAID], {"messages": [SAID, call]}, {"messages": ["hi", call]}, state):
        if spelling == "responses":  # an item of an answer is a message
            assert matches(side, WANTED)
            continue
        with pytest.raises(NoCalls, match="stands among messages and is none: give calls alone"):
            matches(side, WANTED)
        with pytest.raises(NoCalls):
            assert_never_called(side, "search")
        with pytest.raises(NoCalls):
            refute_trajectory(WANTED, side, "superset")


@pytest.mark.parametrize("item", [{}, {"tool": "search"}, {"name": "search"}])
def test_what_is_neither_a_call_nor_a_message_is_refused_among_messages(item: Any) -> None:
    with pytest.raises(NoCalls, match="item 1 stands among messages"):
        matches([SAID, item], [])


MADE = {"role": "assistant", "content": "", "tool_calls": [SPELLINGS["openai"]]}
UNREAD: list[Any] = [
    {"a": 1},
    {"one": [SAID], "other": [SAID]},
    [{"role": "agent", "content": "", "tool_calls": [SPELLINGS["openai"]]}],
    [SAID, {"role": "agent", "content": "", "tool_calls": [SPELLINGS["openai"]]}],
    [("values", {"messages": [SAID, MADE]})],
    [((), {"model": {"messages": [MADE]}})],
]


@pytest.mark.parametrize("side", [[{"model": {"messages": [MADE]}}], [{"messages": [SAID, MADE]}], {"chat": [MADE]}])
def test_a_graphs_stream_or_state_holds_the_calls_it_made(side: Any) -> None:
    assert matches(side, WANTED)
    with pytest.raises(AssertionError, match="search"):
        assert_never_called(side, "search")


@pytest.mark.parametrize("side", UNREAD)
def test_what_cannot_be_read_is_refused_and_no_empty_path(side: Any, tmp_path: Path) -> None:
    file = tmp_path / "golden.jsonl"
    for ask in (
        lambda: matches(side, []),
        lambda: assert_never_called(side, "search"),
        lambda: write_golden(file, side),
        lambda: refute_trajectory(side, WANTED, "superset"),
    ):
        with pytest.raises(NoCalls):
            ask()
    assert not file.exists()


@pytest.mark.parametrize("side", [[{"foo": 1}], [{"arguments": {}}]])
def test_a_call_without_a_name_may_be_any_tools_call(side: Any) -> None:
    with pytest.raises(MalformedCall, match="recorded call 1 has no name"):
        assert_never_called(side, "search")
    with pytest.raises(MalformedCall, match="recorded call 1 has no name"):
        called_before(side, "search", "book")


def test_items_of_an_answer_that_are_no_calls_of_ours_stay_messages() -> None:
    items = [
        SAID,
        {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search", "query": "x"}},
        {"type": "mcp_call", "id": "m", "name": "search", "arguments": "{}", "output": "x", "server_label": "s"},
        {"type": "item_reference", "id": "r"},
    ]
    assert matches(items, [])


@pytest.mark.parametrize("kind", ["mcp_call", "mcp_approval_request"])
def test_a_tool_that_the_provider_runs_is_no_call_whatever_stands_beside_it(kind: str) -> None:
    hosted = {"type": kind, "id": "m", "name": "delete", "arguments": "{}", "server_label": "s"}
    for items in ([hosted], [SAID, hosted], [hosted, SPELLINGS["responses"]]):
        assert matches(items, Trajectory.from_chain(items))
        assert_never_called(items, "delete")


@pytest.mark.parametrize(
    "item", [("search", {"q": "x"}), ["search", {"q": "x"}], ("search", None), ("search", "x"), ("tool", {"q": "x"})]
)
def test_a_call_written_as_a_pair_is_refused_and_no_message(item: Any) -> None:
    """As a message it would make an expectation of no calls, which every superset meets."""
    for side in ([item], [SAID, item], {"messages": [item]}):
        with pytest.raises(NoCalls, match="neither a call nor a message: write a call as"):
            matches(WANTED, side, "superset")


def test_texts_among_the_messages_of_a_result_are_messages() -> None:
    made = {"role": "assistant", "content": "", "tool_calls": [SPELLINGS["openai"]]}
    assert matches({"messages": ["hi", made]}, WANTED)


def test_abbreviated_messages_are_messages() -> None:
    talk = [("user", "hi"), ("assistant", "hello")]
    assert matches(talk, [])
    assert matches(talk, [["user", "hi"], ["assistant", "other words"]], group="message")


@pytest.mark.parametrize("side", [WANTED[0], ToolCall(name="search"), {"name": "search", "arguments": None}])
def test_a_call_that_is_not_in_a_list_is_refused(side: Any) -> None:
    with pytest.raises(NoCalls, match="put it into a list"):
        matches([], side)


@pytest.mark.parametrize("item", [{}, {"tool": "search"}, {"name": "search"}])
@pytest.mark.parametrize("options", [{}, {"mode": "subset"}, {"mode": "in_order"}, {"group": "turn"}])
def test_a_dictionary_that_is_no_call_is_refused(item: Any, options: dict[str, Any]) -> None:
    with pytest.raises(MalformedCall):
        matches([call("search", {})], [item], **options)


@pytest.mark.parametrize("name", [None, ["search"], ANY, regex("^s"), 1])
def test_a_call_whose_name_is_no_text_is_refused(name: Any) -> None:
    """It would be a tool that nobody has, so refuting it would always pass."""
    with pytest.raises(MalformedCall, match="call 1 has a name that is no text"):
        refute_trajectory(WANTED, [call(name, None)], "superset")


class Counted(dict[str, Any]):
    """Arguments of calls that count how often any of them is looked at."""

    asked = 0

    def __contains__(self, key: object) -> bool:
        Counted.asked += 1
        return super().__contains__(key)


@pytest.mark.parametrize("args", ["exact", "subset"])
@pytest.mark.parametrize("options", [{}, {"deep": True}, {"ignore": ["/skip", "/**/at"]}])
def test_two_thousand_calls_in_reverse_are_a_matter_of_milliseconds(args: str, options: dict[str, Any]) -> None:
    """By counting comparisons, not by a clock: a search over all pairs would take four million."""
    Counted.asked = 0
    made = [call("step", Counted(n=n, kind="x", at=n)) for n in range(2_000)]
    wanted = [call("step", {"n": n, "kind": "x", "at": 0 if options.get("ignore") else n}) for n in range(2_000)]
    assert matches(made, wanted[::-1], "unordered", args, **options)
    assert Counted.asked < 100_000


WANTED_VALUES: dict[str, Any] = {
    "one each": lambda n: regex(f"^x{n}$"),
    "a choice": lambda n: one_of(f"x{n}", "y"),
    "the same": lambda _: regex("x"),
}


@pytest.mark.parametrize("kind", WANTED_VALUES)
@pytest.mark.parametrize("args", ["exact", "subset"])
def test_calls_with_matchers_are_not_all_compared_with_all(kind: str, args: str) -> None:
    """By counting comparisons of whole arguments, as above: all pairs would be 160,000."""
    Counted.asked = 0
    made = [call("step", Counted(q=f"x{n}", kind="x")) for n in range(400)]
    wanted = [call("step", {"q": WANTED_VALUES[kind](n), "kind": any_value()}) for n in range(400)]
    assert matches(made, wanted[::-1], "unordered", args)
    assert not matches(made, [*wanted[:-1], call("step", {"q": regex("never"), "kind": "x"})], "unordered", args)
    assert Counted.asked < 40_000


def test_a_custom_tools_call_goes_by_its_name_and_text_as_a_message_and_by_itself() -> None:
    call = {"id": "c1", "type": "custom", "custom": {"name": "run_code", "input": "rm -rf /data"}}
    for side in ([call], [{"role": "assistant", "content": None, "tool_calls": [call]}]):
        assert matches(side, [{"name": "run_code", "arguments": "rm -rf /data"}])


def test_a_call_that_nobody_can_read_passes_no_guard() -> None:
    unread = {"id": "c1", "type": "errand", "to": "/data"}
    with pytest.raises(MalformedCall, match="has no name"):
        assert_never_called([{"role": "assistant", "content": None, "tool_calls": [unread]}], "run_code")


PROVIDERS_OWN = [
    ({"type": "shell_call", "call_id": "1", "action": {"commands": ["ls"]}}, "shell", {"commands": ["ls"]}),
    ({"type": "computer_call", "call_id": "1", "action": {"type": "click", "x": 1}}, "computer", None),
    ({"kind": "response", "parts": [{"part_kind": "tool-call", "tool_name": "f", "args": "{}"}]}, "f", {}),
]


@pytest.mark.parametrize(("item", "name", "arguments"), PROVIDERS_OWN, ids=["shell", "computer", "pydantic-ai"])
def test_items_that_have_no_place_for_a_name_are_read_as_the_messages_that_they_are(
    item: dict[str, Any], name: str, arguments: dict[str, Any] | None
) -> None:
    assert matches([item], [call(name, arguments)])
    with pytest.raises(NoCalls, match="item 1"):
        matches([item, call("search", {})], [call(name, arguments)])


def test_calls_that_were_written_once_more_as_text_count() -> None:
    message = {"role": "assistant", "content": "", "tool_calls": '[{"name": "search", "args": {"q": "x"}}]'}
    assert matches([message], WANTED)
    with pytest.raises(MalformedCall, match="no name"):
        assert_never_called([{**message, "tool_calls": "search"}], "search")
