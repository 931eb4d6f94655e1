"""Roles, finish reasons and token counts come out in one set of words, whoever recorded them."""

import pytest

from trajworker.dialects.usage import usage
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


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 2}, (3, 2, 5, None, None)),
        ({"promptTokens": 3, "completionTokens": 2, "totalTokens": 6}, (3, 2, 6, None, None)),
        (
            {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2},
            (17, 1, 18, {"cache_read": 5, "cache_creation": 2}, None),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 4,
                "total_tokens": 14,
                "prompt_tokens_details": {"cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            (10, 4, 14, {"cache_read": 8}, {"reasoning": 3}),
        ),
        (
            {"inputTokens": 100, "outputTokens": 9, "cacheWriteInputTokens": 2200, "totalTokens": 2309},
            (2300, 9, 2309, {"cache_creation": 2200}, None),
        ),
        (
            {"input_tokens": 4, "output_tokens": 1, "total_tokens": 5, "input_token_details": {"cache_read": 0}},
            (4, 1, 5, None, None),
        ),
        (
            {"prompt_token_count": 4, "candidates_token_count": 2, "thoughts_token_count": 1, "total_token_count": 7},
            (4, 2, 7, None, {"reasoning": 1}),
        ),
    ],
)
def test_usage_is_worded_as_langsmith_words_it(recorded: dict[str, object], expected: tuple[object, ...]) -> None:
    found = usage(recorded)
    assert found is not None
    told = (found["input_tokens"], found["output_tokens"], found["total_tokens"])
    assert (*told, found.get("input_token_details"), found.get("output_token_details")) == expected


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ({"total_tokens": 7}, {"total_tokens": 7}),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 7}, {"total_tokens": 7}),
        ({"input_tokens": 5}, {"input_tokens": 5, "total_tokens": 5}),
        (
            {"prompt_tokens": 5, "total_tokens": 7},
            {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
        ),
        (
            {"completion_tokens": 2, "total_tokens": 7},
            {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 0},
            {"input_tokens": 5, "output_tokens": 0, "total_tokens": 5},
        ),
    ],
)
def test_a_side_that_nobody_told_is_never_zero(recorded: dict[str, object], told: dict[str, int]) -> None:
    assert usage(recorded) == told


@pytest.mark.parametrize("recorded", [None, {}, "x", {"total_tokens": 0, "prompt_tokens": 0}, {"price": 3}])
def test_usage_that_says_nothing_is_unknown(recorded: object) -> None:
    assert usage(recorded) is None
