"""Any list of messages is read, in any vendor's words; what nobody knows is kept raw."""

from typing import Any

import msgspec
import pytest

from trajworker.dialects import Draft, answer_of, digest, read_all, read_answer, read_one
from trajworker.dialects.calls import arguments
from trajworker.model.message import Role


def one(item: Any) -> Draft:
    (draft,) = read_one(item)
    return draft


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "hi"},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "user", "parts": [{"type": "text", "content": "hi"}]},
        {"type": "human", "content": "hi"},
        {"type": "human", "data": {"content": "hi"}},
        {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain_core", "messages", "HumanMessage"],
            "kwargs": {"content": "hi"},
        },
        {"lc": 1, "type": "constructor", "id": ["x", "ChatMessage"], "kwargs": {"role": "user", "content": "hi"}},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"message": {"role": "user", "content": "hi"}},
        {"role": "user", "blocks": [{"block_type": "text", "text": "hi"}]},
        {"role": "user", "content": [{"type": "text", "text": {"value": "hi", "annotations": []}}]},
        {"type": "UserMessage", "content": "hi", "source": "user"},
        {"from": "human", "value": "hi"},
        ["user", "hi"],
        "hi",
    ],
)
def test_a_users_word_is_the_same_in_every_dialect(item: Any) -> None:
    draft = one(item)
    assert (draft.role, draft.content) == (Role.USER, "hi")
    assert digest(draft) == digest(Draft(role=Role.USER, content=" hi "))


CALL = {"city": "Paris"}


@pytest.mark.parametrize(
    "item",
    [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"city": "Paris"}'}}
            ],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "look", "input": CALL}]},
        {
            "role": "assistant",
            "content": [
                {
                    "type": "tool_use",
                    "id": "c",
                    "name": "look",
                    "input": {},
                    "partial_json": '{"city": "Paris"}',
                    "index": 0,
                }
            ],
        },
        {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c", "toolName": "look", "args": CALL}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "look", "arguments": CALL}]},
        {"type": "function_call", "call_id": "c", "id": "fc", "name": "look", "arguments": '{"city": "Paris"}'},
        {"type": "ai", "content": "", "tool_calls": [{"name": "look", "args": CALL, "id": "c", "type": "tool_call"}]},
        {
            "type": "ai",
            "content": "",
            "additional_kwargs": {
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"city": "Paris"}'}}
                ]
            },
        },
        {
            "type": "ai",
            "content": [{"type": "tool_use", "id": "c", "name": "look", "input": CALL}],
            "tool_calls": [{"name": "look", "args": CALL, "id": "c", "type": "tool_call"}],
        },
        {
            "kind": "response",
            "parts": [{"part_kind": "tool-call", "tool_name": "look", "args": CALL, "tool_call_id": "c"}],
        },
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c", "name": "look", "input": CALL}}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": '{"city": "Paris"}'}}],
            "type": "function",
            "function": {"name": "look", "arguments": '{"city": "Paris"}'},
        },
    ],
)
def test_a_call_is_one_call_in_every_dialect(item: Any) -> None:
    draft = one(item)
    assert draft.role is Role.ASSISTANT
    assert [(call.id, call.name, call.arguments) for call in draft.tool_calls or ()] == [("c", "look", CALL)]


@pytest.mark.parametrize(
    "item",
    [
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "sunny"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "sunny"}]},
        {
            "role": "tool",
            "content": [{"type": "tool-result", "toolCallId": "c", "toolName": "look", "result": "sunny"}],
        },
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
        {"type": "tool", "content": "sunny", "tool_call_id": "c", "status": "success"},
        {"role": "user", "parts": [{"type": "tool_call_response", "id": "c", "response": "sunny"}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "sunny"}]}}]},
        {
            "kind": "request",
            "parts": [{"part_kind": "tool-return", "tool_name": "look", "content": "sunny", "tool_call_id": "c"}],
        },
        {"event.name": "gen_ai.tool.message", "role": "tool", "id": "c", "content": "sunny"},
    ],
)
def test_a_result_is_a_tool_message_in_every_dialect(item: Any) -> None:
    draft = one(item)
    assert (draft.role, draft.content) == (Role.TOOL, "sunny")
    assert draft.tool_response is not None
    assert (draft.tool_response.id, draft.tool_response.error) == ("c", None)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "tool", "content": "no", "tool_call_id": "c", "status": "error"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "no", "is_error": True}]},
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "c",
                    "toolName": "look",
                    "output": {"type": "error-text", "value": "no"},
                }
            ],
        },
        {
            "role": "tool",
            "content": [
                {"type": "tool-result", "toolCallId": "c", "output": {"type": "execution-denied", "reason": "no"}}
            ],
        },
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "c", "status": "error", "content": [{"text": "no"}]}}],
        },
    ],
)
def test_a_failed_result_is_a_failure_whichever_way_it_is_told(item: Any) -> None:
    draft = one(item)
    assert draft.tool_response is not None
    assert (draft.content, draft.tool_response.error) == ("no", "no")


@pytest.mark.parametrize("name", ["functionResponse", "function_response"])
@pytest.mark.parametrize("beside", [{}, {"thoughtSignature": "x"}, {"type": "function_response"}])
def test_geminis_answer_stands_under_a_name_that_tells_whether_a_tool_failed(name: str, beside: dict[str, str]) -> None:
    told = ({"error": "no"}, {"output": "sunny"}, {"error": "no", "left": 2})
    parts = [{name: {"name": "look", "response": value}, **beside} for value in told]
    drafts = read_one({"role": "user", "parts": parts})
    failed = [draft.tool_response is not None and draft.tool_response.error is not None for draft in drafts]
    assert (failed, drafts[1].content) == ([True, False, False], "sunny")


def test_letting_a_call_pass_is_no_result_of_it() -> None:
    item = {"role": "tool", "content": [{"type": "tool-approval-response", "approvalId": "a", "approved": True}]}
    assert read_one(item) == []


def test_what_is_no_text_stays_beside_it() -> None:
    blocks = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:x"}}]
    draft = one({"role": "user", "content": blocks})
    assert (draft.content, draft.blocks) == ("look", tuple(blocks))


def test_reasoning_refusal_and_broken_arguments_are_told_apart() -> None:
    thinking = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "a"}]
    assert one({"role": "assistant", "content": thinking}).reasoning == "hm"
    assert one({"role": "assistant", "content": "a", "reasoning_content": "hm"}).reasoning == "hm"
    assert one({"role": "assistant", "content": None, "refusal": "no"}).refusal == "no"
    invalid = {"name": "look", "args": '{"city": "Par', "id": "c", "error": "cut"}
    (call,) = one({"type": "ai", "content": "", "tool_calls": [], "invalid_tool_calls": [invalid]}).tool_calls or ()
    assert (call.invalid, call.arguments, call.error) == ('{"city": "Par', {}, "cut")


def test_responses_items_of_one_answer_are_one_message() -> None:
    items = [
        {"role": "user", "content": "q"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": "2"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
    ]
    drafts = read_all(items)
    assert [draft.role.value for draft in drafts] == ["user", "assistant", "tool", "tool", "assistant"]
    assert drafts[1].reasoning == "hm"
    assert [call.id for call in drafts[1].tool_calls or ()] == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"a": 1}', ({"a": 1}, None)),
        ('"{\\"a\\": 1}"', ({"a": 1}, None)),
        ("", ({}, None)),
        (None, ({}, None)),
        ("[1]", ({}, "[1]")),
        ("{oops", ({}, "{oops")),
        ({"a": 1}, ({"a": 1}, None)),
        ([1], ({}, "[1]")),
        ("null", ({}, None)),
    ],
)
def test_arguments_are_objects_or_kept_as_written(written: Any, expected: Any) -> None:
    assert arguments(written) == expected


@pytest.mark.parametrize("item", [{"role": "wizard", "content": "x"}, {"pixels": [1]}, [1, 2, 3], 7])
def test_what_no_dialect_knows_is_kept_raw(item: Any) -> None:
    draft = one(item)
    assert draft.flags == ("raw",)
    assert draft.blocks == (item,)


def test_a_draft_encodes_like_the_message_it_becomes() -> None:
    item = {
        "role": "assistant",
        "content": "a",
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
    }
    draft = one(item)
    draft.turn, draft.run_id, draft.flags = 1, "r", ("unanswered",)
    assert msgspec.json.encode(draft) == msgspec.json.encode(draft.seal())


def test_a_gemini_thought_is_reasoning_and_no_words() -> None:
    blocks = [{"type": "text", "text": "Hm.", "thought": True}, {"type": "text", "text": "Lit."}]
    thinking = one({"role": "assistant", "content": blocks})
    assert (thinking.content, thinking.reasoning) == ("Lit.", "Hm.")


def test_calls_that_only_their_keys_tell_are_calls() -> None:
    draft = answer_of({"output": [{"toolCallId": "a1", "toolName": "stock", "input": '{"bread": "rye"}'}]}).draft
    assert draft is not None
    (call,) = draft.tool_calls or ()
    assert (call.id, call.name, call.arguments) == ("a1", "stock", {"bread": "rye"})


def test_a_response_that_says_nothing_was_completed() -> None:
    assert answer_of({"object": "response", "status": "completed", "output": []}).finish == "stop"


def test_a_call_that_the_provider_carried_out_is_part_of_the_answer() -> None:
    searched = {"type": "tool-call", "toolCallId": "s1", "toolName": "search", "input": {"q": "rye"}}
    found = {
        "type": "tool-result",
        "toolCallId": "s1",
        "toolName": "search",
        "output": {"type": "text", "value": "Dear."},
    }
    own = {"type": "tool-call", "toolCallId": "a1", "toolName": "price", "input": {}}
    content = [searched | {"providerExecuted": True}, found, {"type": "text", "text": "Rye is dear."}, own]
    beside = [{"id": one, "type": "function", "function": {"name": "x", "arguments": "{}"}} for one in ("s1", "a1")]
    draft = one({"role": "assistant", "content": content, "tool_calls": beside})
    assert (draft.content, [call.id for call in draft.tool_calls or ()]) == ("Rye is dear.", ["a1"])
    assert draft.blocks == tuple(content)


THOUGHT, WORDS = {"type": "reasoning", "text": "Two."}, {"type": "text", "text": "I look."}
PARTS = [{"id": name, "name": "fix", "arguments": {"part": name}} for name in ("c1", "c2")]
CALLS = [{"id": name, "function": {"name": "fix", "arguments": f'{{"part": "{name}"}}'}} for name in ("c1", "c2")]


@pytest.mark.parametrize(
    "items",
    [
        [
            {"role": "assistant", "contents": [{"message_content": THOUGHT}]},
            {"role": "assistant", "contents": [{"message_content": WORDS}], "content": "I look."},
            *({"role": "assistant", "tool_calls": [{"tool_call": one}]} for one in CALLS),
        ],
        [
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "Two."}]},
            {"role": "assistant", "parts": [{"type": "text", "content": "I look."}]},
            *({"role": "assistant", "parts": [{"type": "tool_call", **one}]} for one in PARTS),
        ],
    ],
    ids=["OpenInference", "GenAI"],
)
def test_one_answer_that_a_span_tells_item_by_item_is_one_message(items: list[dict[str, Any]]) -> None:
    said, question, more = read_all([*items, {"role": "user", "content": "?"}, items[1]])
    assert (said.reasoning, said.content) == ("Two.", "I look.")
    assert [(call.id, call.arguments) for call in said.tool_calls or ()] == [
        ("c1", {"part": "c1"}),
        ("c2", {"part": "c2"}),
    ]
    assert (question.role, more.content) == (Role.USER, "I look.")


def test_words_behind_words_are_two_messages() -> None:
    """Agents may speak one after another."""
    said = {"role": "assistant", "parts": [{"type": "text", "content": "I look."}]}
    assert [draft.content for draft in read_all([said, said])] == ["I look.", "I look."]


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ({"output": {"bread": "rye", "price": 2}}, '{"bread": "rye", "price": 2}'),
        ({"output": {"bread": "rye"}, "llm_output": {"token_usage": {"prompt_tokens": 7}}}, '{"bread":"rye"}'),
        ({"output": {"text": "rye"}, "llm_output": {"token_usage": {"prompt_tokens": 7}}}, '{"text":"rye"}'),
        ({"output": {"content": "Rye."}}, "Rye."),
    ],
)
def test_an_object_that_a_model_was_asked_for_is_its_answer(outputs: dict[str, Any], expected: str) -> None:
    answer = read_answer(msgspec.Raw(msgspec.json.encode(outputs)))
    assert answer.draft is not None
    assert answer.draft.content == expected


@pytest.mark.parametrize("kind", [None, 5, {}])
def test_a_call_whose_type_is_no_word_is_known_by_its_other_fields(kind: object) -> None:
    block = {"type": kind, "name": "look_up", "arguments": {"word": "rye"}}
    (call,) = one({"role": "assistant", "content": [block]}).tool_calls or ()
    assert (call.name, call.arguments) == ("look_up", {"word": "rye"})
