"""Roles and finish reasons come out in one set of words, whoever recorded them."""

import pytest

from trajworker.dialects.vocabulary import finish_reason, role_of
from trajworker.model.message import Role


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("tool-calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("FinishReason.SAFETY", "content_filter"),
        ("refusal", "content_filter"),
        ("STOP", "stop"),
        ("eos_token", "stop"),
        ("max_output_tokens", "length"),
        ({"unified": "tool-calls", "raw": "x"}, "tool_calls"),
        ({"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}, "stop"),
        (["stop"], "stop"),
        ('["tool_calls"]', "tool_calls"),
        ('["stop", "length"]', "stop"),
        ("[]", None),
        ("ToolCalls", "tool_calls"),
        ("brand_new", "brand_new"),
        (None, None),
        ("", None),
        (7, None),
    ],
)
def test_finish_reasons_are_openais(word: object, expected: str | None) -> None:
    assert finish_reason(word) == expected


def test_geminis_stop_with_calls_is_tool_calls() -> None:
    assert finish_reason("STOP", calls=True) == "tool_calls"
    assert finish_reason("stop", calls=True) == "stop"


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("human", Role.USER),
        ("AIMessageChunk", Role.ASSISTANT),
        ("model", Role.ASSISTANT),
        ("developer", Role.SYSTEM),
        ("function", Role.TOOL),
        ("wizard", None),
        (None, None),
        (3, None),
    ],
)
def test_roles_are_four_and_unknown_words_are_none(word: object, role: Role | None) -> None:
    assert role_of(word) is role
