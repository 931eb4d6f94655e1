"""What a tool gave back as a list is content where its entries are blocks, else a value that is told as JSON."""

import json
from typing import Any

import msgspec
import pytest

from trajworker.dialects import Draft, read_array

FOUND = [{"name": "rye", "score": 0.9}, {"name": "oat", "score": 0.5}]
VALUES: list[Any] = [FOUND, ["rye", "oat"], [1, 2], [["rye", 1]], [{"id": 1, "text": "rye"}], []]


def told(item: dict[str, Any]) -> Draft:
    (draft,) = read_array(msgspec.json.encode([item]))
    return draft


@pytest.mark.parametrize("value", [*VALUES, [{"type": "grain", "name": "rye"}], [{"type": "text", "text": "rye"}]])
def test_vercels_json_is_a_value_whatever_it_looks_like(value: Any) -> None:
    output = {"type": "json", "value": value}
    part = {"type": "tool-result", "toolCallId": "c1", "toolName": "look", "output": output}
    assert told({"role": "tool", "content": [part]}).content == json.dumps(value)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", ["gemini", "span", "chat"])
def test_a_list_without_blocks_is_told_as_json(name: str, value: Any) -> None:
    item: dict[str, Any] = {
        "gemini": {
            "role": "user",
            "parts": [{"functionResponse": {"id": "c1", "name": "look", "response": {"output": value}}}],
        },
        "span": {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": value}]},
        "chat": {"role": "tool", "tool_call_id": "c1", "content": value},
    }[name]
    draft = told(item)
    assert json.loads(draft.content or "null") == value
    assert draft.tool_response is not None
    assert draft.tool_response.response == value


def test_bedrocks_json_stands_beside_its_texts() -> None:
    content = [{"text": "Two: "}, {"json": FOUND[0]}]
    block = {"toolResult": {"toolUseId": "c1", "content": content, "status": "success"}}
    draft = told({"role": "user", "content": [block]})
    assert draft.content == "Two: " + json.dumps(FOUND[0])
    assert draft.blocks == tuple(content)


@pytest.mark.parametrize("value", [[{"type": "text", "text": "rye"}], [{"text": "rye"}]])
def test_a_list_of_texts_is_those_texts(value: Any) -> None:
    assert told({"role": "tool", "tool_call_id": "c1", "content": value}).content == "rye"
