"""Redacting decoded JSON: every text in it, none of its structure."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from redaction.planted import VALUES
from support import corpus
from trajworker.redaction import BasePiiRedactor, PiiRedactor, Texts, redact_value
from trajworker.redaction.walk import Walk

REDACTOR = PiiRedactor(secret=b"s")
TEXTS = st.one_of(st.text(max_size=10), st.sampled_from(VALUES), st.sampled_from(VALUES).map("see {} there".format))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False), TEXTS)
VALUE = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


class Shout(BasePiiRedactor):
    def redact(self, text: str) -> str:
        return text.upper()


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [shape(member) for member in value.values()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return str if isinstance(value, str) else value


@given(VALUE)
def test_shape_and_numbers_stay_and_no_planted_value_survives(value: Any) -> None:
    masked = redact_value(value, REDACTOR)
    assert shape(masked) == shape(value)
    told = json.dumps(masked, ensure_ascii=False)
    assert not [planted for planted in VALUES if json.dumps(planted, ensure_ascii=False)[1:-1] in told]
    assert redact_value(masked, REDACTOR) == masked


@given(VALUE)
def test_json_text_in_a_text_stays_json_and_is_redacted_as_json_is(value: Any) -> None:
    arguments = json.dumps({"a": value})
    masked = redact_value({"arguments": arguments}, REDACTOR)["arguments"]
    assert json.loads(masked) == redact_value({"a": value}, REDACTOR)


def test_what_holds_nothing_personal_keeps_its_bytes() -> None:
    raw = Raw(b'{ "a": [1.50, "x\\u0041"], "b": "{ \\"c\\" : 1 }" }')
    assert Walk(Texts(REDACTOR)).payload(raw) is raw


def test_ids_times_and_words_of_the_format_stay_whatever_the_redactor() -> None:
    value = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "AIMessage"],
        "kwargs": {
            "type": "ai",
            "content": "hello",
            "id": "lc_run--01234567-8901-4234-8567-890123456789-0",
            "tool_calls": [{"type": "tool_call", "id": "call_ab12", "name": "get", "args": {"city": "Bonn"}}],
            "response_metadata": {"finish_reason": "stop", "model_name": "gpt-4.1-mini-2025-04-14"},
            "created_at": "2025-01-15T10:30:00Z",
        },
    }
    masked = redact_value(value, Shout())
    assert masked["id"] == value["id"]
    kwargs = masked["kwargs"]
    assert (kwargs["type"], kwargs["id"], kwargs["created_at"]) == tuple(
        value["kwargs"][key]
        for key in ("type", "id", "created_at")  # type: ignore[index]
    )
    assert kwargs["content"] == "HELLO"
    assert kwargs["tool_calls"] == [{"type": "tool_call", "id": "call_ab12", "name": "GET", "args": {"city": "BONN"}}]
    assert kwargs["response_metadata"] == {"finish_reason": "stop", "model_name": "gpt-4.1-mini-2025-04-14"}


def test_a_key_that_exempts_ids_does_not_exempt_personal_data() -> None:
    for key in ("tool_call_id", "thread_id", "type", "role", "id"):
        assert "alice" not in json.dumps(redact_value({key: "alice@example.com", "role": "user"}, REDACTOR))


def test_keys_that_are_data_are_masked_and_stay_apart() -> None:
    masked = redact_value({"alice@example.com": 1, "Alice@example.com": 2, "plain_name": 3}, REDACTOR)
    assert "lice@" not in json.dumps(masked)
    assert sorted(masked.values()) == [1, 2, 3]
    assert masked["plain_name"] == 3


def test_the_name_of_a_member_tells_what_it_is() -> None:
    masked = redact_value({"password": "correct horse battery", "phone": "4155552671", "token": "The"}, REDACTOR)
    assert masked["password"].startswith("<PASSWORD_")
    assert masked["phone"].startswith("<PHONE_")
    assert masked["token"] == "The"  # noqa: S105  a word of an answer


def test_an_address_cut_into_streamed_pieces_is_masked() -> None:
    masked = redact_value({"output": ["con", "tact al", "ice@exam", "ple.com", " now"]}, REDACTOR)
    assert "".join(masked["output"]) == f"contact {REDACTOR.redact('alice@example.com')} now"
    assert len(masked["output"]) == 5


def test_a_card_as_a_number_becomes_a_placeholder_and_other_numbers_stay() -> None:
    masked = redact_value([4111111111111111, 1736937000123456, 0.5], REDACTOR)
    assert masked == [REDACTOR.redact("4111111111111111"), 1736937000123456, 0.5]


@pytest.mark.parametrize("redactor", [Shout(), PiiRedactor(rules=[])])
def test_a_card_that_a_redactor_leaves_alone_stays_a_number(redactor: BasePiiRedactor) -> None:
    for value in ({"card": 4111111111111111}, {"arguments": '{"card": 4111111111111111}'}, [4111111111111111]):
        assert redact_value(value, redactor) is value


def test_broken_json_text_is_redacted_as_text() -> None:
    masked = redact_value({"args": '{"to": "alice@example.com", '}, REDACTOR)
    assert masked["args"] == f'{{"to": "{REDACTOR.redact("alice@example.com")}", '


class Counting(PiiRedactor):
    """Counts the characters that rules looked at."""

    looked_at = 0

    def detect(self, text: str) -> list[tuple[str, int, int]]:
        self.looked_at += len(text)
        return super().detect(text)


def test_image_data_stays_and_is_not_looked_into() -> None:
    image = "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 16_000).decode()
    value = {"content": [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": "a@example.com"}]}
    redactor = Counting(engine="re")
    masked = redact_value(value, redactor)
    assert 0 < redactor.looked_at < 1000
    assert masked["content"][0] == value["content"][0]
    assert masked["content"][1] != value["content"][1]


@pytest.mark.parametrize("producer", corpus.producers())
def test_recorded_runs_keep_their_links(producer: str) -> None:
    def links(value: Any) -> list[Any]:
        if isinstance(value, dict):
            own = [value[key] for key in sorted(value) if key in {"id", "tool_call_id", "call_id", "role", "type"}]
            return own + [link for member in value.values() for link in links(member)]
        return [link for item in value for link in links(item)] if isinstance(value, list) else []

    runs = corpus.runs(producer)
    for run in runs:
        for field in ("inputs", "outputs", "extra"):
            assert links(redact_value(run[field], REDACTOR)) == links(run[field])
