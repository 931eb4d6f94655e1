"""T7: mutated seeds and schema-aware inputs through every door: CI takes a few hundred of each.

The long form is TRAJWORKER_FUZZ=minutes: `TRAJWORKER_FUZZ=10 python -m pytest tests/fuzz -k as_long_as_asked -s`. It
prints its seed; a failing input is shrunk by hand and goes into `corpus`.
"""

import json
import os
import random
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.doors import DOORS
from fuzz.seeds import seeds

MINUTES = float(os.environ.get("TRAJWORKER_FUZZ", "0"))
SEED = int(os.environ.get("TRAJWORKER_FUZZ_SEED", "0")) or random.randrange(1 << 32)
LONGEST_BYTES = 60_000
LONGEST_S = 5.0
SHOWN_BYTES = 2000
WEDGES = (
    *(
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\\ud800",
        b"\\u0000",
        b'"',
        b"\\",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
    ),
    *(
        b":",
        b"\n",
        b"\r",
        b"\xe2\x80\xa8",
        b"null",
        b"true",
        b"-0",
        b"1e999",
        b"NaN",
        b"9" * 40,
        b"9" * 5000,
        b"[" * 300,
    ),
    *(b'{"a":' * 300, b'"id":', b'"role":', b'"content":', b"[]", b"{}", b'""', b"../", b"1970-01-01T00:00:00Z"),
)


def mutated(content: bytes, others: tuple[bytes, ...], chance: random.Random) -> bytes:
    """A seed after a few cuts, repetitions, wedges, flips and crossings."""
    for _ in range(chance.randint(1, 4)):
        first = chance.randrange(len(content) + 1)
        last = min(len(content), first + chance.choice((0, 1, 2, 8, 50)))
        match chance.randrange(6):
            case 0:
                content = content[:first] + content[last:]
            case 1:
                content = content[:first] + content[first:last] * chance.choice((2, 3, 50)) + content[last:]
            case 2:
                content = content[:first] + chance.choice(WEDGES) + content[last:]
            case 3:
                content = content[:first] + bytes([chance.randrange(256)]) + content[first + 1 :]
            case 4:
                other = chance.choice(others)
                content = content[:first] + other[chance.randrange(len(other) + 1) :]
            case _:
                other = chance.choice(others)
                begin = chance.randrange(len(other) + 1)
                content = content[:first] + other[begin : begin + 30] + content[last:]
    return content[:LONGEST_BYTES]


def enter(door: str, content: bytes) -> None:
    """Through the door, in reasonable time; a failure shows what went in."""
    began = time.perf_counter()
    try:
        DOORS[door](content)
    except BaseException as error:
        error.add_note(f"door {door}, input {content[:SHOWN_BYTES]!r} ({len(content)} bytes)")
        raise
    assert time.perf_counter() - began < LONGEST_S, (door, content[:SHOWN_BYTES], len(content))


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=150)
@given(number=st.integers(0, 2**32))
def test_a_mutated_seed_is_taken_in_or_refused_in_words(door: str, number: int) -> None:
    chance = random.Random(number)
    enter(door, mutated(chance.choice(seeds(door)), seeds(door), chance))


ODD = st.sampled_from(["", "\x00", "\u2028", "x" * 300, "../x", "\U0001f600", "null", "[1]", '{"a":1}', "2026-01-01"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=8,
)
TIMES = st.sampled_from(
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "soon",
        "",
        None,
    ]
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("start_time", "end_time", "first_token_time"), TIMES | JSON),
    **dict.fromkeys(("inputs", "outputs", "extra", "events", "feedback_stats", "attachments", "s3_urls"), JSON),
    **dict.fromkeys(
        ("name", "error", "thread_id", "dotted_order", "parent_run_id", "project_id", "session_id"), ODD | JSON
    ),
    **dict.fromkeys(("total_tokens", "prompt_tokens", "completion_tokens", "total_cost", "prompt_token_details"), JSON),
    "run_type": st.sampled_from(["LLM", "llm", "tool", "CHAIN", "retriever", "?", ""]) | JSON,
    "status": st.sampled_from(["SUCCESS", "error", "PENDING", "later"]) | JSON,
    "tags": JSON,
    "parent_run_ids": JSON,
    "trace_id": ODD | JSON,
}
RUNS = st.fixed_dictionaries({"id": ODD}, optional=FIELDS)
CURSORS = st.none() | ODD | JSON


@settings(max_examples=300)
@given(RUNS)
def test_any_run_is_read_or_set_aside_alone(row: dict[str, Any]) -> None:
    enter("run", json.dumps(row).encode())


@settings(max_examples=200)
@given(st.lists(RUNS, max_size=3), CURSORS, st.booleans())
def test_any_page_is_read_or_refused_as_a_whole(rows: list[dict[str, Any]], cursor: Any, newer: bool) -> None:  # noqa: FBT001 - a drawn value
    envelope = {"items": rows, "next_cursor": cursor} if newer else {"runs": rows, "cursors": {"next": cursor}}
    enter("page", json.dumps(envelope).encode())


@pytest.mark.slow
@pytest.mark.timeout(MINUTES * 60 + 120)
@pytest.mark.skipif(MINUTES <= 0, reason="the long form: TRAJWORKER_FUZZ=minutes")
def test_mutations_for_as_long_as_asked() -> None:
    sys.stderr.write(f"TRAJWORKER_FUZZ_SEED={SEED}\n")
    chance = random.Random(SEED)
    until = time.monotonic() + MINUTES * 60
    entered = dict.fromkeys(DOORS, 0)
    while time.monotonic() < until:
        for door in DOORS:
            enter(door, mutated(chance.choice(seeds(door)), seeds(door), chance))
            entered[door] += 1
    sys.stderr.write(f"{entered}\n")
    assert min(entered.values()) > 0
