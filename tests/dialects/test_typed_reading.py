"""Reading common messages straight into structs gives what the dialects give, or leaves them to those."""

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from support import corpus
from trajworker.dialects import answer_of, read_all, read_one
from trajworker.dialects.typed import read_item, read_items
from trajworker.dialects.typed_answer import read_outputs

_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
_LC_CALL = {"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}
_USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
_USE = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
_RESULT = {"type": "tool_result", "tool_use_id": "c1", "content": "found", "is_error": True}


def _constructed(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": kwargs}


_AI = _constructed(
    "AIMessage",
    content="",
    id="m1",
    tool_calls=[_LC_CALL],
    invalid_tool_calls=[],
    additional_kwargs={"refusal": None},
    response_metadata={"finish_reason": "tool_calls", "model_name": "m-1", "token_usage": {"prompt_tokens": 3}},
    usage_metadata=_USAGE,
)
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "be kind"},
    {"role": "user", "content": "hi", "name": "ann"},
    {"role": "user", "content": [{"type": "text", "text": "hi"}, _RESULT]},
    {"role": "assistant", "content": None, "tool_calls": [_CALL], "refusal": None, "id": "m1"},
    {"role": "assistant", "content": [{"type": "text", "text": "so"}, _USE]},
    {"role": "tool", "content": "found", "tool_call_id": "c1", "name": "f", "status": "error"},
    _AI,
    _constructed("HumanMessage", content=[{"type": "text", "text": "hi"}], id="h1"),
    _constructed("ToolMessage", content="found", tool_call_id="c1", name="f", status="success"),
    {"type": "human", "content": "hi", "additional_kwargs": {}, "id": None, "example": False},
    {"type": "ai", "content": "so", "tool_calls": [_LC_CALL], "additional_kwargs": {"tool_calls": [_CALL]}},
    {"type": "tool", "content": "found", "tool_call_id": "c1", "artifact": None, "status": "error"},
]
OUTPUTS: list[dict[str, Any]] = [
    {
        "id": "x", "object": "chat.completion", "model": "m-1", "usage_metadata": _USAGE,
        "choices": [
            {"index": 0, "finish_reason": "tool_calls", "message": MESSAGES[3]},
            {"index": 1, "finish_reason": "stop", "message": {"role": "assistant", "content": "or so"}},
        ],
    },
    {
        "generations": [[{"text": "", "generation_info": {"finish_reason": "stop"}, "message": _AI}]],
        "llm_output": {"token_usage": {"prompt_tokens": 1, "completion_tokens": 1}, "model_name": "m-2"},
        "run": None, "type": "LLMResult",
    },
    {
        "id": "x", "role": "assistant", "model": "m-1", "stop_reason": "tool_use", "usage": _USAGE,
        "content": [{"type": "text", "text": "so"}, _USE], "tool_calls": [_CALL],
    },
]  # fmt: skip

_VALUES: tuple[Any, ...] = (None, "", "STOP", "ai", 7, True, [], {}, [{}], {"content": "x"}, ["AIMessage"], [_CALL])
_ADDED = (
    "role", "type", "lc", "kwargs", "data", "reasoning_content", "parts", "source", "finish_reason", "name", "output",
    "generations", "choices", "usage", "model_name", "message", "status", "args", "partial_json",
)  # fmt: skip


def _places(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _places(child)
    elif isinstance(value, list):
        for child in value:
            yield from _places(child)


def _variants(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The value with one field left out, given another value, or added, wherever in it."""
    yield whole
    for place in range(len(list(_places(whole)))):
        names = [*list(_places(whole))[place], *_ADDED]
        for name, value in itertools.product(names, (msgspec.UNSET, *_VALUES)):
            changed = copy.deepcopy(whole)
            spot = next(itertools.islice(_places(changed), place, None))
            if value is msgspec.UNSET:
                spot.pop(name, None)
            else:
                spot[name] = copy.deepcopy(value)
            yield changed


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_reads_the_same_either_way_whatever_is_changed_in_it(message: dict[str, Any]) -> None:
    assert read_items(msgspec.json.encode([message])) is not None
    for variant in _variants(message):
        entry = Raw(msgspec.json.encode(variant))
        for found, slow in (
            (read_item(entry), read_one),
            (read_items(b"[" + bytes(entry) + b"]"), lambda one: read_all([one])),
        ):
            assert found is None or found == slow(msgspec.json.decode(entry)), variant


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_an_answer_reads_the_same_either_way_whatever_is_changed_in_it(outputs: dict[str, Any]) -> None:
    assert read_outputs(Raw(msgspec.json.encode(outputs))) is not None
    for variant in _variants(outputs):
        entry = Raw(msgspec.json.encode(variant))
        found = read_outputs(entry)
        assert found is None or found == answer_of(msgspec.json.decode(entry)), variant


@pytest.mark.parametrize("producer", corpus.producers())
def test_recorded_answers_read_the_same_either_way(producer: str) -> None:
    for run in corpus.runs(producer):
        if run["run_type"] == "llm" and run.get("outputs"):
            entry = Raw(msgspec.json.encode(run["outputs"]))
            found = read_outputs(entry)
            assert found is None or found == answer_of(msgspec.json.decode(entry))
