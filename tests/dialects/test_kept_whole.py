"""What stands beside a message's words, and calls of whatever kind, are kept whichever way it is read."""

from typing import Any

import msgspec
import pytest

from trajworker.assembly.reading.tooling import definitions
from trajworker.dialects import Draft, answer_of, read_array
from trajworker.model.message import ToolCall

CITED = [{"type": "url_citation", "url_citation": {"url": "https://a.example"}}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:x"}}
TEXT = {"type": "text", "text": "here"}


def one(item: dict[str, Any]) -> Draft:
    (draft,) = read_array(msgspec.json.encode([item]))
    return draft


def langchain(**beside: Any) -> dict[str, Any]:
    return {"type": "ai", "content": "here", "additional_kwargs": beside}


@pytest.mark.parametrize(
    ("item", "blocks"),
    [
        ({"role": "assistant", "content": "here", "annotations": CITED}, [TEXT | {"annotations": CITED}]),
        ({"role": "assistant", "content": "here", "images": [IMAGE]}, [TEXT, IMAGE]),
        ({"role": "user", "content": "here", "images": ["iVBO"]}, [TEXT, {"type": "image", "image": "iVBO"}]),
        (
            {"role": "assistant", "content": [TEXT], "annotations": CITED},
            [TEXT, {"type": "annotations", "annotations": CITED}],
        ),
        (langchain(annotations=CITED), [TEXT | {"annotations": CITED}]),
        (langchain(images=[IMAGE]), [TEXT, IMAGE]),
        ({"role": "assistant", "content": "here", "annotations": [], "images": []}, None),
        (langchain(annotations=[]), None),
    ],
)
def test_what_a_message_cites_and_shows_stands_in_its_blocks(item: dict[str, Any], blocks: list[Any] | None) -> None:
    draft = one(item)
    assert draft.content == "here"
    assert draft.blocks == (None if blocks is None else tuple(blocks))


@pytest.mark.parametrize("message", [{"role": "assistant", "content": None}, {"type": "ai", "content": ""}])
def test_a_recordings_words_are_the_messages(message: dict[str, Any]) -> None:
    audio = {"id": "audio_1", "data": "UklG", "transcript": "Good day."}
    beside = {"audio": audio} if "role" in message else {"additional_kwargs": {"audio": audio}}
    draft = one(message | beside)
    assert draft.content == "Good day."
    assert draft.blocks == ({"type": "output_audio", **audio},)


def test_a_custom_tool_is_called_by_its_name_with_its_text() -> None:
    call = {"id": "c1", "type": "custom", "custom": {"name": "run_code", "input": "rm -rf /data"}}
    (made,) = one({"role": "assistant", "content": None, "tool_calls": [call]}).tool_calls or ()
    assert made == ToolCall(name="run_code", arguments={}, id="c1", invalid="rm -rf /data")


def test_a_custom_tools_call_comes_in_pieces_too() -> None:
    deltas: list[dict[str, Any]] = [
        {
            "role": "assistant",
            "tool_calls": [{"index": 0, "id": "c1", "type": "custom", "custom": {"name": "run_code"}}],
        },
        {"tool_calls": [{"index": 0, "custom": {"input": "rm -rf"}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": " /data"}}]},
    ]
    chunks = [{"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    draft = answer_of({"outputs": chunks}).draft
    assert draft is not None
    assert draft.tool_calls == (ToolCall(name="run_code", arguments={}, id="c1", invalid="rm -rf /data"),)


def test_a_custom_tool_is_offered_under_its_name() -> None:
    tools = [{"type": "custom", "custom": {"name": "run_code", "description": "runs it"}}]
    ((_, chunk),) = definitions(msgspec.json.encode(tools))
    assert msgspec.json.decode(chunk) == {"name": "run_code", "description": "runs it"}


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "c1", "type": "function", "function": {"name": None, "arguments": '{"path": "/data"}'}},
        {"id": "c1", "type": "errand", "to": "/data"},
        "delete(path='/data')",
    ],
)
@pytest.mark.parametrize("message", [{"role": "assistant", "content": None}, {"type": "ai", "content": ""}])
def test_a_call_that_nobody_can_read_is_a_call_kept_as_it_came(message: dict[str, Any], entry: Any) -> None:
    (made,) = one(message | {"tool_calls": [entry]}).tool_calls or ()
    assert (made.name, made.id) == ("", entry.get("id") if isinstance(entry, dict) else None)
    assert "/data" in (made.invalid or "")
