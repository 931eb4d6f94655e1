"""What a model was asked and what it answered is found wherever SDKs and apps put it."""

from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from msgspec import Raw

from trajworker.dialects import answer_of, read_answer, read_prompt
from trajworker.model.message import Role

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
SAID = [(Role.SYSTEM, "Be brief."), (Role.USER, "hi")]


def encoded(payload: Any) -> Raw:
    return Raw(msgspec.json.encode(payload))


@pytest.mark.parametrize(
    "inputs",
    [
        {"model": "m", "messages": MESSAGES},
        {"modelId": "m", "messages": MESSAGES},
        {"args": [{"model": "m", "messages": MESSAGES}, {"timeout": 9}]},
        {"args": [{"model": "m", "instructions": "Be brief.", "input": "hi"}, {}]},
        {"args": [MESSAGES, {"model": "m", "temperature": 0}]},
        {"args": [MESSAGES[1:], None, {"model": "m", "system": "Be brief."}]},
        {"body": {"model": "m", "messages": MESSAGES}, "url": "/v1/chat"},
        {"model": "m", "messages": MESSAGES[1:], "model_parameters": {"instructions": "Be brief."}},
        {"model": "m", "messages": MESSAGES[1:], "systemPrompts": [{"type": "system", "content": "Be brief."}]},
        {
            "Model": "m",
            "SystemInstruction": {"Role": "", "Parts": ["Be brief."]},
            "Contents": [{"Role": "user", "Parts": ["hi"]}],
        },
    ],
)
def test_a_prompt_is_the_same_however_a_client_was_called(inputs: Any) -> None:
    prompt = read_prompt(encoded(inputs))
    assert [(draft.role, draft.content) for draft in prompt.read()] == SAID
    assert prompt.model == "m"


def semantic(role: str, *items: dict[str, Any], **about: Any) -> dict[str, Any]:
    """A message of Semantic Kernel's, as .NET writes it."""
    return {"Role": {"Label": role}, "Items": list(items), **about}


def test_semantic_kernel_tells_words_calls_and_results_as_items() -> None:
    call = {"$type": "FunctionCallContent", "Id": "c1", "FunctionName": "look", "Arguments": {"city": "Bern"}}
    back = {"$type": "FunctionResultContent", "CallId": "c1", "FunctionName": "look", "Result": "fog"}
    asked = semantic("user", {"$type": "TextContent", "Text": "hi"})
    told = {"FinishReason": "ToolCalls", "Usage": {"InputTokenCount": 3, "OutputTokenCount": 2, "TotalTokenCount": 5}}
    user, calling, result = read_prompt(
        encoded({"ChatHistory": [asked, semantic("assistant", call), semantic("tool", back)]})
    ).read()
    assert (user.role, user.content) == (Role.USER, "hi")
    assert [(one.id, one.name, one.arguments) for one in calling.tool_calls or ()] == [("c1", "look", {"city": "Bern"})]
    assert result.tool_response is not None
    assert (result.tool_response.id, result.tool_response.name, result.content) == ("c1", "look", "fog")
    answer = answer_of(semantic("assistant", call, Metadata=told))
    assert answer.usage == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    assert answer.finish == "tool_calls"


def test_a_prompt_tells_the_answer_that_the_server_goes_on_from() -> None:
    assert read_prompt(encoded({"input": "hi", "previous_response_id": "resp_1"})).previous == "resp_1"


@pytest.mark.parametrize("second", [[], [{"role": "system", "content": "Be brief."}]])
def test_an_empty_system_prompt_is_one_only_beside_another(second: list[Any]) -> None:
    drafts = read_prompt(encoded({"messages": [{"role": "system", "content": ""}, *second, *MESSAGES[1:]]})).read()
    assert [draft.content for draft in drafts] == (["", "Be brief.", "hi"] if second else ["hi"])


COMPLETION = {
    "model": "m-1",
    "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


@pytest.mark.parametrize(
    "outputs",
    [
        COMPLETION,
        {"output": COMPLETION},
        {"status_code": 200, "json": COMPLETION},
        {"ok": True, "reply_of": COMPLETION},
    ],
)
def test_an_answer_is_the_same_in_whatever_an_app_keeps_it(outputs: Any) -> None:
    answer = read_answer(encoded(outputs))
    assert answer.draft is not None
    assert (answer.draft.content, answer.finish, answer.model) == ("hello", "stop", "m-1")
    assert answer.usage == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


def test_an_answer_that_is_made_in_the_background_is_none_yet() -> None:
    outputs = {"id": "resp_1", "object": "response", "status": "queued", "output": []}
    assert read_answer(encoded(outputs)).draft is None


def test_whole_messages_in_a_list_are_answers_one_after_another() -> None:
    first = {"id": "m1", "type": "message", "role": "assistant", "content": "One.", "stop_reason": "tool_use"}
    answer = read_answer(
        encoded({"outputs": [first, first | {"id": "m2", "content": "Two.", "stop_reason": "end_turn"}]})
    )
    assert answer.draft is not None
    assert (answer.draft.content, answer.finish) == ("Two.", "stop")
    assert [one.draft.content for one in answer.earlier if one.draft is not None] == ["One."]


def nested(depth: int) -> dict[str, Any]:
    payload: dict[str, Any] = {"score": 1}
    for _ in range(depth):
        payload = {"answer": payload}
    return payload


def test_an_answer_wrapped_however_often_is_looked_into_once_a_level() -> None:
    with patch("trajworker.dialects.answer.answer_of", wraps=answer_of) as looked:
        read_answer(encoded(nested(40)))
    assert looked.call_count <= 40


@pytest.mark.parametrize("odd", [["string", "null"], {"text": 1}, 7, None])
def test_odd_types_of_blocks_and_results_raise_nothing(odd: Any) -> None:
    block = {"type": odd, "status": odd, "content": {"type": odd}}
    for role in ("tool", "user", "assistant"):
        assert read_prompt(encoded({"messages": [{"role": role, "content": [block]}]})).read()
    given = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": {"type": odd}}]}
    assert [draft.role for draft in read_prompt(encoded({"messages": [given]})).read()] == [Role.TOOL]


def test_attributes_of_a_span_that_tell_no_messages_are_nobodys_words() -> None:
    asked = {
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.request.max_tokens": 2000,
        "gen_ai.operation.name": "chat",
    }
    assert read_prompt(encoded(asked)).read() == []
    assert (
        read_answer(encoded({"gen_ai.response.model": "claude-sonnet-4-5", "gen_ai.response.id": "m1"})).draft is None
    )


def test_contents_of_a_flat_message_are_read_where_it_has_no_content() -> None:
    said = "llm.output_messages.0.message"
    flat = {f"{said}.role": "assistant", f"{said}.contents.0.message_content.type": "text"}
    draft = read_answer(encoded(flat | {f"{said}.contents.0.message_content.text": "I look."})).draft
    assert draft is not None
    assert draft.content == "I look."


def test_chunks_in_an_envelope_are_put_together() -> None:
    deltas = [{"role": "assistant", "content": ""}, {"content": "Hello "}, {"content": "there."}]
    chunks: list[Any] = [{"data": {"choices": [{"index": 0, "delta": one, "finishReason": None}]}} for one in deltas]
    chunks.append({"data": {"choices": [{"index": 0, "delta": {}, "finishReason": "stop"}]}})
    answer = read_answer(encoded({"outputs": chunks}))
    assert answer.draft is not None
    assert (answer.draft.content, answer.draft.finish_reason) == ("Hello there.", "stop")


LEFT_OUT = ["<openai.Omit object at 0x7f00beef>", "<app.make.<locals>.Unset object at 0x7f>", "NOT_GIVEN"]


@pytest.mark.parametrize("absent", LEFT_OUT)
@pytest.mark.parametrize("name", ["instructions", "system", "prompt", "previous_response_id", "tools", "model"])
def test_what_a_client_left_out_is_absent_in_whatever_place_its_object_was_written(name: str, absent: str) -> None:
    function = {"name": "look", "parameters": {}}
    given = {"input": [{"role": "user", "content": "How warm is Faro?"}], "functions": [function]}
    prompt = read_prompt(encoded({name: absent} | given))
    assert [draft.content for draft in prompt.read()] == ["How warm is Faro?"]
    assert (prompt.model, prompt.previous, msgspec.json.decode(prompt.tools)) == (None, None, [function])


@pytest.mark.parametrize("absent", ["", *LEFT_OUT])
def test_a_system_prompt_that_a_client_was_not_given_is_none_where_it_begins_the_messages(absent: str) -> None:
    asked = {"role": "user", "content": "How warm is Faro?"}
    prompt = read_prompt(encoded({"messages": [{"role": "system", "content": absent}, asked]}))
    assert [draft.content for draft in prompt.read()] == ["How warm is Faro?"]
    assert not prompt.opens_with_system


def test_an_empty_system_prompt_beside_another_is_the_apps_own() -> None:
    prompt = read_prompt(encoded({"messages": [{"role": "system", "content": ""}, *MESSAGES]}))
    assert [draft.content for draft in prompt.read()] == ["", "Be brief.", "hi"]


@pytest.mark.parametrize("absent", LEFT_OUT)
@pytest.mark.parametrize("names", [("s", "words"), ("prompt", "text")])
def test_the_text_beside_an_object_that_no_json_holds_is_the_users(names: tuple[str, str], absent: str) -> None:
    inputs = dict(zip(names, (absent, "How warm is Faro?"), strict=True))
    assert [draft.content for draft in read_prompt(encoded(inputs)).read()] == ["How warm is Faro?"]


@pytest.mark.parametrize("pieces", [["I lo", "ok."], [], None])
def test_a_message_that_says_why_it_stopped_counts_more_than_the_pieces_of_its_text(pieces: Any) -> None:
    call = {"type": "tool_use", "id": "c1", "name": "look", "input": {"city": "Faro"}}
    message = {"id": "m1", "role": "assistant", "content": [{"type": "text", "text": "I look."}, call]}
    told = {"stop_reason": "tool_use", "usage_metadata": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}}
    answer = read_answer(encoded({"message": message | told, "output": pieces}))
    assert answer.draft is not None
    assert (answer.draft.content, [made.id for made in answer.draft.tool_calls or ()]) == ("I look.", ["c1"])
    assert (answer.draft.finish_reason, (answer.usage or {}).get("total_tokens")) == ("tool_calls", 9)


def test_arguments_of_a_hosted_tool_are_no_call_without_a_name() -> None:
    broken = {"name": "", "args": '{"query": "oslo"}', "id": None, "error": "Malformed"}
    message = {"type": "ai", "content": "Rainy.", "tool_calls": [], "invalid_tool_calls": [broken]}
    draft = read_answer(encoded({"generations": [[{"text": "Rainy.", "message": message}]]})).draft
    assert draft is not None
    assert draft.tool_calls is None


DEEPER_THAN_IS_READ = '{"a":' + "[" * 5_000
"""As a model writes that repeats itself until it is cut off."""


def test_arguments_that_are_nested_too_deep_are_kept_as_they_were_written() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": DEEPER_THAN_IS_READ}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    (read,) = answer_of({"choices": [{"message": message}]}).draft.tool_calls
    assert (read.name, read.arguments, read.invalid) == ("f", {}, DEEPER_THAN_IS_READ)
