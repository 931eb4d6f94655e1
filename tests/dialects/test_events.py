"""Answers that were sent as server-sent events are read out of the lines they were sent in."""

from typing import Any

import pytest

from trajworker.dialects import answer_of

DONE = "data: [DONE]\n\n"


def said(payload: Any) -> str | None:
    draft = answer_of(payload).draft
    return draft.content if draft is not None else None


@pytest.mark.parametrize(
    "payload",
    [
        {"outputs": ['data: {"delta":"It is"}\n\n', 'data: {"delta":" warm."}\n\n', DONE]},
        {"output": ['data: {"token": "It is"}', 'data: {"token": " warm."}']},
        {"output": ['event: start\ndata: {"id": 7}\n\n', 'event: text\ndata: {"text": "It is warm."}\n\n']},
        {"output": [b'data: {"content": "It is"}\r\n\r\n'.decode(), 'data: {"content": " warm."}\r\n\r\n']},
        {"output": 'data: {"delta":"It is"}\n\n: ping\n\ndata: {"delta":" warm."}\n\ndata: [DONE]\n\n'},
        ['data: {"choices":[{"delta":{"content":"It is"}}]}\n\n', 'data: {"choices":[{"delta":{"content":" warm."}}]}'],
        ['data: {"type":"text-delta","delta":"It is"}\n\n', 'data: {"type":"text-delta","delta":" warm."}\n\n', DONE],
        ['data: {"type":"token","content":"It is"}\n\n', 'data: {"type":"token","content":" warm."}\n\n', DONE],
        ['data: {"text":"It is"}\n\n', 'data: {"text":" warm."}\n\n', 'data: {"text":"It is warm."}\n\n'],
        ['data: {"delta":"It', ' is warm."}\n\n', DONE],
        ["data: It is\n\n", "data:  warm.\n\n", DONE],
        ['data: "It is"\n\n', 'data: " warm."\n\n'],
        ['data: {"answer": "It is warm."}\n\n', DONE],
    ],
)
def test_an_answer_is_put_together_from_the_events_it_was_sent_in(payload: Any) -> None:
    assert said(payload) == "It is warm."


def test_what_a_stream_tells_of_tokens_is_read_of_its_events_too() -> None:
    last = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
    answer = answer_of(['data: {"choices":[{"delta":{"content":"Warm."}}]}\n\n', last, DONE])
    assert answer.usage is not None
    assert answer.usage["input_tokens"] == 3


@pytest.mark.parametrize(
    "payload",
    ["data: 5", "event: a wedding\ndata: tomorrow", ["data", ": 5"], "id: 7\nname: Bo", [": a note"], "data:", DONE],
)
def test_words_that_only_look_like_an_event_stay_as_they_are(payload: Any) -> None:
    assert said(payload) == "".join(payload)
