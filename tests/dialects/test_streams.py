"""Answers that were recorded in pieces of an app's own are put together, and what only looks like pieces is not."""

from typing import Any

import pytest

from trajworker.dialects import answer_of

WHOLE = "It is warm in Faro."
PIECES = ("It is", " warm", " in Faro.")


def said(payload: Any) -> str | None:
    draft = answer_of(payload).draft
    return draft.content if draft is not None else None


@pytest.mark.parametrize(
    "items",
    [
        [{"text": piece} for piece in PIECES],
        [{"content": piece} for piece in PIECES],
        [{"delta": piece} for piece in PIECES],
        [{"type": "text", "text": piece} for piece in PIECES],
        [*({"type": "token", "content": piece} for piece in PIECES), {"type": "done"}],
        [{"role": "assistant", "content": piece} for piece in PIECES],
        [*({"content": piece} for piece in PIECES), {"content": "", "done": True}],
        [{"answer": "It is"}, {"answer": "It is warm"}, {"answer": WHOLE}],
        [*({"text": piece} for piece in PIECES), {"text": WHOLE}],
    ],
)
def test_an_answer_in_pieces_is_put_together(items: list[dict[str, Any]]) -> None:
    assert said({"outputs": items}) == WHOLE


def test_deltas_that_are_alike_were_each_said() -> None:
    assert said({"outputs": [{"delta": "ha"}, {"delta": "ha"}]}) == "haha"


def test_a_kind_that_is_no_word_makes_no_piece() -> None:
    assert said({"outputs": [{"type": {}, "text": "It is "}, {"role": "assistant", "content": WHOLE}]}) == WHOLE


@pytest.mark.parametrize(
    "items",
    [
        [{"role": "assistant", "content": "I look."}, {"role": "assistant", "content": WHOLE}],
        [{"role": "user", "content": "How warm is it? "}, {"role": "assistant", "content": WHOLE}],
        [{"role": "tool", "content": "21 ", "tool_call_id": "c1"}, {"role": "assistant", "content": WHOLE}],
    ],
)
def test_messages_are_no_pieces_of_one(items: list[dict[str, Any]]) -> None:
    assert said({"outputs": items}) == WHOLE
