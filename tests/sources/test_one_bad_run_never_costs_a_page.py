import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.scripted_server import reply, scripted
from support.source_bench import PROJECT, START, bench, part
from trajworker.model.run import Run, RunStatus
from trajworker.ports import Unreadable
from trajworker.sources.wires.mending import mend
from trajworker.sources.wires.reading import PIECE_BYTES, Answer, NotAPage, read, read_run
from trajworker.sources.wires.row import Reader
from trajworker.sources.wires.splitting import Torn, split
from trajworker.sources.wires.thread_key import ThreadKey
from trajworker.sources.wires.wire_v1 import WireV1
from trajworker.sources.wires.wire_v2 import WireV2

READER = Reader(PROJECT, ThreadKey())
UUIDS = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")
NEIGHBOUR = b'{"id":"n","trace_id":"n","start_time":"2026-01-01T00:00:00Z","inputs":{"a":[1,"]}"]}}'


def page_with(run: bytes) -> bytes:
    return b'{"items":[' + NEIGHBOUR + b",\n " + run + b" ," + NEIGHBOUR + b'], "next_cursor":"more"}'


def run_with(inputs: bytes) -> bytes:
    return b'{"id":"x","trace_id":"x","start_time":"2026-01-01T00:00:00Z","inputs":' + inputs + b',"name":"after"}'


def read_middle(run: bytes) -> Run:
    answer = read(page_with(run), WireV2(), READER)
    assert [one.id for one in answer.runs] == ["n", "x", "n"]
    assert not answer.unreadable
    assert answer.next_cursor == "more"
    return answer.runs[1]


LEVELS = 100_000
"""Python 3.11 and 3.12 bear about 1,000, 3.13 ten times as many."""
DEEP = b"[" * LEVELS + b"1" + b"]" * LEVELS
MENDED: dict[str, tuple[bytes, Any, tuple[str, ...]]] = {
    "lone surrogate": (b'"a\\ud800b"', "a\ufffdb", ("surrogate",)),
    "low surrogate alone": (b'["\\udc00"]', ["\ufffd"], ("surrogate",)),
    "a pair beside a lone one": (b'"\\ud83d\\ude00 \\ud83d"', "\U0001f600 \ufffd", ("surrogate",)),
    "an escaped backslash before u": (b'["\\\\ud800", NaN]', ["\\ud800", "NaN"], ("nonfinite",)),
    "NaN and Infinity": (
        b'{"a":NaN,"b":[-Infinity,Infinity]}',
        {"a": "NaN", "b": ["-Infinity", "Infinity"]},
        ("nonfinite",),
    ),
    "too large a number beside NaN": (b"[NaN,1e999,-1E999,1.5]", ["NaN", "1e999", "-1E999", 1.5], ("nonfinite",)),
    "huge integers beside NaN": (b"[NaN," + b"9" * 5000 + b"]", ["NaN", "9" * 5000], ("nonfinite", "big_int")),
    "control characters": (b'"a\x01\nb"', "a\x01\nb", ("control",)),
    "an escape JSON does not know": (b'"\\q\\x41"', "\\q\\x41", ("escape",)),
    "invalid UTF-8": (b'"a\xffb"', "a\ufffdb", ("utf8",)),
    "raw surrogate bytes": (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd", ("utf8",)),
    "overlong": (b'"\xc0\xaf"', "\ufffd\ufffd", ("utf8",)),
}


@pytest.mark.parametrize("name", MENDED)
def test_a_run_is_mended_and_flagged(name: str) -> None:
    inputs, expected, flags = MENDED[name]
    run = read_middle(run_with(inputs))
    assert msgspec.json.decode(run.inputs) == expected
    assert run.flags == flags
    assert run.name == "after"


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize(("end", "flags"), [("", ()), ("\xff", ("utf8",))])
def test_a_long_text_is_looked_at_to_its_end_wherever_its_letters_fall(
    before: int, end: str, flags: tuple[str, ...]
) -> None:
    text = "x" * before + "\U0001f600" * PIECE_BYTES
    run = read_middle(run_with(b'"' + text.encode() + end.encode("latin-1") + b'"'))
    assert msgspec.json.decode(run.inputs) == text + "\ufffd" * len(end)
    assert run.flags == flags


def test_nesting_beyond_what_decoders_bear_is_kept_as_text() -> None:
    run = read_middle(run_with(b'{"deep":' + DEEP + b',"flat":[1]}'))
    inputs = msgspec.json.decode(run.inputs)
    assert inputs["flat"] == [1]
    assert run.flags == ("depth",)
    text = json.dumps(inputs["deep"])
    assert text.count("[") == text.count("]") == LEVELS


@pytest.mark.parametrize(
    "inputs",
    [b'"x\\u0000y"', b"9" * 5000, b"18446744073709551616", '"\u2028\u0085"'.encode(), b"[]", b"3", b"null", b'"text"'],
)
def test_what_is_plain_json_passes_untouched(inputs: bytes) -> None:
    run = read_middle(run_with(inputs))
    assert bytes(run.inputs) == inputs
    assert run.flags == ()


def test_a_byte_order_mark_is_no_fault() -> None:
    assert len(read(b"\xef\xbb\xbf" + page_with(run_with(b"1")), WireV2(), READER).runs) == 3


@pytest.mark.parametrize(
    ("fields", "expected", "flags"),
    [
        ({"end_time": "2025-12-31T00:00:00Z"}, {"end_time": datetime(2026, 1, 1, tzinfo=UTC)}, ("clamped_time",)),
        (
            {"start_time": "2026-06-30T23:59:60Z"},
            {"start_time": datetime(2026, 6, 30, 23, 59, 59, 999999, UTC)},
            ("clamped_time",),
        ),
        (
            {"start_time": "0001-01-01T00:00:00+05:00"},
            {"start_time": datetime(1970, 1, 1, tzinfo=UTC)},
            ("clamped_time",),
        ),
        ({"end_time": "9999-12-31T23:59:59Z"}, {"end_time": datetime(2200, 1, 1, tzinfo=UTC)}, ("clamped_time",)),
        ({"end_time": "20266-01-01T00:00:00Z"}, {"end_time": datetime(2200, 1, 1, tzinfo=UTC)}, ("clamped_time",)),
        ({"start_time": "2026-01-01T00:00:00"}, {"start_time": datetime(2026, 1, 1, tzinfo=UTC)}, ()),
        ({"start_time": "2026-01-01T02:00:00+02:00"}, {"start_time": datetime(2026, 1, 1, tzinfo=UTC)}, ()),
        (
            {"start_time": "2026-01-01T00:00:00.1234567Z"},
            {"start_time": datetime(2026, 1, 1, 0, 0, 0, 123457, UTC)},
            (),
        ),
        ({"total_cost": "0.25"}, {"total_cost": 0.25}, ()),
        ({"total_cost": None}, {"total_cost": None}, ()),
        ({"total_tokens": 12.0}, {"total_tokens": 12}, ()),
        ({"total_tokens": "many"}, {"total_tokens": None}, ("field:total_tokens",)),
        ({"prompt_token_details": {"raw": {"cache_read": 3}}}, {"prompt_token_details": {"cache_read": 3}}, ()),
        ({"prompt_token_details": {"cache_read": 3}}, {"prompt_token_details": {"cache_read": 3}}, ()),
        ({"status": "INTERRUPTED"}, {"status": RunStatus.PENDING}, ()),
        ({"status": "done", "end_time": "2026-01-02T00:00:00Z"}, {"status": RunStatus.SUCCESS}, ()),
        ({"status": "odd", "end_time": "2026-01-02T00:00:00Z", "error": "x"}, {"status": RunStatus.ERROR}, ()),
        ({"run_type": "AGENT_2030"}, {"run_type": "agent_2030"}, ()),
        ({"tags": None, "new_field": {"a": 1}}, {"tags": ()}, ()),
        ({"tags": "one"}, {"tags": ()}, ("field:tags",)),
        ({"error": {"message": "x"}}, {"error": '{"message":"x"}'}, ("field:error",)),
        ({"inputs": None, "outputs": [1]}, {}, ()),
        ({"attachments": {"pic": "https://signed.example/?sig=canary"}}, {"attachments": ("pic",)}, ()),
        ({"parent_run_ids": ["a", "b"]}, {"parent_run_id": "b"}, ()),
        ({"trace_id": None, "parent_run_ids": ["a", "b"]}, {"trace_id": "a"}, ()),
        ({"thread_id": "", "extra": {"metadata": {"thread_id": "t", "session_id": "s"}}}, {"thread_id": "s"}, ()),
        (
            {"start_time": None, "dotted_order": "20260102T030405000006Zx"},
            {"start_time": datetime(2026, 1, 2, 3, 4, 5, 6, UTC)},
            (),
        ),
        (
            {"trace_id": None, "dotted_order": f"20260102T030405000006Z{'a' * 36}.20260102T030405000006Z{'b' * 36}"},
            {"trace_id": "a" * 36, "parent_run_id": "a" * 36},
            (),
        ),
        ({"total_cost": "free"}, {"total_cost": None}, ()),
        ({"total_cost": "Infinity"}, {"total_cost": None}, ()),
        ({"prompt_token_details": {"raw": None}}, {"prompt_token_details": None}, ()),
        ({"prompt_token_details": {"raw": "odd"}}, {"prompt_token_details": None}, ()),
        ({"prompt_token_details": {"cache_read": 2.0, "odd": "x"}}, {"prompt_token_details": {"cache_read": 2}}, ()),
        ({"thread_id": 7}, {"thread_id": "7"}, ()),
        ({"thread_id": "told", "extra": {"metadata": {"session_id": "s"}}}, {"thread_id": "told"}, ()),
        ({"extra": {"metadata": {"session_id": None, "conversation_id": 7}}}, {"thread_id": "7"}, ()),
        ({"extra": {"metadata": "odd"}}, {"thread_id": None}, ()),
    ],
)
def test_odd_fields_are_read_for_what_they_are(
    fields: dict[str, Any], expected: dict[str, Any], flags: tuple[str, ...]
) -> None:
    told = {"id": "x", "trace_id": "x", "start_time": "2026-01-01T00:00:00Z", **fields}
    run = read_middle(json.dumps(told, separators=(",", ":")).encode())
    assert {name: getattr(run, name) for name in expected} == expected
    assert run.flags == flags
    assert "canary" not in repr(run)


@pytest.mark.parametrize(
    "run",
    [
        b"5",
        b"null",
        b"{}",
        b'{"id":"q"}',
        b'{"id":"q","dotted_order":"99999999T999999999999Z"}',
        b'{"id":"q","start_time":"never"}',
        b'{"id":"q"',
    ],
)
def test_what_no_rule_reads_is_set_aside_raw(run: bytes) -> None:
    content = page_with(run)
    if run.endswith(b'"q"'):
        with pytest.raises(Torn):
            read(content, WireV2(), READER)
        return
    answer = read(content, WireV2(), READER)
    assert len(answer.runs) == 2
    (aside,) = answer.unreadable
    assert aside.raw == run
    assert aside.project_id == PROJECT
    assert aside.run_id == ("q" if b'"q"' in run else None)


@pytest.mark.parametrize(
    ("run", "trace_id"),
    [
        (b'{"id":"q","inputs":{"trace_id":"%s"},"trace_id":"%s"}', UUIDS[1]),
        (b'{"id":"q","trace_id":"%s","inputs":{"trace_id":"%s"}}', UUIDS[0]),
        (b'{"id":"q","trace_id":"%s","inputs":"%s', UUIDS[0]),
    ],
)
def test_what_is_set_aside_names_its_own_trace_and_none_that_its_payload_speaks_of(run: bytes, trace_id: str) -> None:
    told = read_run(run % tuple(uuid.encode() for uuid in UUIDS), WireV2(), READER)
    assert isinstance(told, Unreadable)
    assert told.trace_id == trace_id


def test_v1_names_only_attachments_and_its_naive_times_are_utc() -> None:
    run = {
        "id": "x",
        "session_id": "p-1",
        "start_time": "2026-01-01T00:00:00.5",
        "s3_urls": {"ROOT": {"presigned_url": "canary"}, "attachment.pic": {"presigned_url": "canary"}},
    }
    content = json.dumps({"runs": [run], "cursors": {"next": None, "prev": "x"}}).encode()
    (read_run,) = read(content, WireV1(), READER).runs
    assert read_run.attachments == ("pic",)
    assert read_run.project_id == "p-1"
    assert read_run.start_time == datetime(2026, 1, 1, 0, 0, 0, 500_000, UTC)
    assert "canary" not in repr(read_run)


async def test_a_large_page_with_a_bad_run_is_read_beside_the_loop() -> None:
    filler = b",".join([NEIGHBOUR] * 20_000)
    content = b'{"items":[' + filler + b"," + run_with(b'"\\ud800"') + b'],"next_cursor":null}'
    async with scripted([reply(content)]) as server, bench(server.url) as one:
        page = await one.source.page(part())
        assert len(page.runs) == 20_001
        assert page.runs[-1].flags == ("surrogate",)
        assert page.oldest == START.replace(month=1)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**70), 2**70)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=5), st.booleans())
@settings(max_examples=150, deadline=None)
def test_splitting_gives_back_the_elements(values: list[Any], ascii_only: bool) -> None:  # noqa: FBT001 - a drawn value
    encoded = [json.dumps(value, ensure_ascii=ascii_only).encode() for value in values]
    content = b'{"other":{"items":[1]},"items": [' + b" , ".join(encoded) + b'], "next_cursor": null}'
    pieces = split(content, "items")
    assert list(pieces.runs) == encoded
    assert json.loads(pieces.rest) == {"other": {"items": [1]}, "items": [], "next_cursor": None}


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_mending_leaves_sound_json_as_it_is(value: Any) -> None:
    mended = mend(json.dumps(value).encode())
    if not any(flag in mended.flags for flag in ("big_int", "surrogate")):
        assert json.loads(mended.content) == value


@given(st.binary(max_size=60), st.integers(0, 200))
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_the_reader(noise: bytes, at: int) -> None:
    content = page_with(run_with(b'{"a":"b"}'))
    at %= len(content)
    try:
        answer = read(content[:at] + noise + content[at:], WireV2(), READER)
    except (Torn, NotAPage):
        return
    assert isinstance(answer, Answer)
    assert all(isinstance(one, Unreadable) for one in answer.unreadable)


@pytest.mark.parametrize("cut", range(1, 300, 7))
def test_a_page_cut_anywhere_is_torn_and_never_shorter(cut: int) -> None:
    content = page_with(run_with(b'"\\ud800 ]} "'))
    with pytest.raises(Torn):
        read(content[:-cut], WireV2(), READER)
