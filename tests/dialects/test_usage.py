"""Token counts come out as LangSmith words them, whoever recorded them."""

import pytest

from trajworker.dialects import answer_of
from trajworker.dialects.usage import usage


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
        (
            {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4, "input_token_details": {"cache_read": 9}},
            (12, 1, 13, {"cache_read": 9}, None),
        ),
        (
            {
                "input_tokens": 3,
                "output_tokens": 1,
                "total_tokens": 4,
                "input_token_details": {"ephemeral_5m_input_tokens": 6, "cache_read": 0},
            },
            (9, 1, 10, {"ephemeral_5m_input_tokens": 6}, None),
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


@pytest.mark.parametrize(("told", "given"), [(76, 126), (126, 126), (60, 60)])
def test_cached_tokens_that_a_messages_own_counts_leave_out_are_those_its_provider_told(told: int, given: int) -> None:
    counts = {"input_tokens": 76, "cache_read_input_tokens": 50, "output_tokens": 10}
    message = {
        "type": "ai",
        "content": "Hi",
        "usage_metadata": {"input_tokens": told, "output_tokens": 10, "total_tokens": told + 10},
        "response_metadata": {"usage": counts},
    }
    answer = answer_of({"generations": [[{"text": "Hi", "message": message}]]})
    assert answer.usage is not None
    assert answer.usage["input_tokens"] == given
