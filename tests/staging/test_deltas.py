"""A text kept as a delta is made whole again, byte for byte; a delta that does not fit its base is refused."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajworker.errors import StagingDamaged
from trajworker.staging.deltas import HEADS, Head, TextRow, advance, replay, shortest_delta

PIECES = [b"system ", b"user " * 300, b"assistant " * 200, b"\x00\xff" * 700, b"tools}" * 100]
TAILS = [b"", b"]}", b"}" * 40, b'],"tools":[' + b"t" * 2000 + b"]}"]


@st.composite
def histories(draw: st.DrawFn) -> list[bytes]:
    """Texts as prompts are: each some pieces with a tail."""
    pieces = st.lists(st.sampled_from(PIECES), max_size=6)
    texts = draw(st.lists(st.tuples(pieces, st.sampled_from(TAILS)), max_size=12))
    return [b"".join(said) + tail for said, tail in texts]


def written(texts: list[bytes]) -> tuple[list[TextRow], list[int]]:
    """The rows of texts that came in that order, and the key of each."""
    heads: list[Head] = []
    rows: list[TextRow] = []
    keys: list[int] = []
    for text in texts:
        delta = shortest_delta(memoryview(text), heads)
        key = delta.same.key if delta.same else len(rows) + 1
        advance(heads, key, memoryview(text), delta)
        keys.append(key)
        if not delta.same:
            base = delta.base.key if delta.base else None
            rows.append((key, base, delta.prefix, delta.suffix, len(text), delta.middle))
    assert len(heads) <= HEADS
    return rows, keys


def needed(rows: list[TextRow], wanted: set[int]) -> list[TextRow]:
    """The rows that those texts stand on, and they."""
    bases = {row[0]: row[1] for row in rows}
    found: set[int] = set()
    for key in wanted:
        at: int | None = key
        while at is not None:
            found.add(at)
            at = bases[at]
    return [row for row in rows if row[0] in found]


@given(texts=histories(), data=st.data())
def test_whatever_was_written_comes_back_byte_for_byte(texts: list[bytes], data: st.DataObject) -> None:
    rows, keys = written(texts)
    wanted = set(data.draw(st.lists(st.sampled_from(keys)))) if keys else set()
    found = replay(needed(rows, wanted), wanted)
    assert found == {key: text for key, text in zip(keys, texts, strict=True) if key in wanted}


@given(one=st.binary(max_size=300), other=st.binary(max_size=300), common=st.binary(max_size=300))
def test_any_two_texts_come_back(one: bytes, other: bytes, common: bytes) -> None:
    texts = [common + one + common, common + other + common, one + common, one]
    rows, keys = written(texts)
    assert [replay(rows, set(keys))[key] for key in keys] == texts


def a_history(turns: int, words: random.Random) -> list[bytes]:
    """The prompts of a dialogue, each with the tools behind."""
    said = [b"%d:" % number + words.randbytes(400).hex().encode() for number in range(turns)]
    tools = words.randbytes(3000).hex().encode()
    return [b",".join(said[: number + 1]) + b"]," + tools for number in range(turns)]


@pytest.mark.parametrize("order", ["oldest first", "newest first", "any"])
def test_a_history_is_kept_once_in_whatever_order_its_prompts_come(order: str) -> None:
    words = random.Random(order)
    texts = a_history(60, words)
    if order == "newest first":
        texts.reverse()
    elif order == "any":
        words.shuffle(texts)
    rows, _ = written(texts)
    assert sum(len(row[5]) for row in rows) < 1.2 * max(map(len, texts))


def test_dialogues_that_interleave_are_each_kept_once() -> None:
    words = random.Random(7)
    dialogues = [a_history(30, words) for _ in range(4)]
    rows, _ = written([prompt for prompts in zip(*dialogues, strict=True) for prompt in prompts])
    assert sum(len(row[5]) for row in rows) < 1.2 * sum(len(prompts[-1]) for prompts in dialogues)


def test_a_dialogue_that_goes_on_from_a_summary_is_kept_once_too() -> None:
    words = random.Random(8)
    system = words.randbytes(1500).hex().encode()
    before = [system + text for text in a_history(30, words)]
    after = [system + text for text in a_history(30, words)]
    rows, _ = written(before + after)
    assert sum(len(row[5]) for row in rows) < 1.3 * (len(before[-1]) + len(after[-1]))


def test_the_same_text_again_is_not_written_again() -> None:
    text = b"prompt" * 1000
    rows, keys = written([text, text, text + b"more", text + b"more"])
    assert (len(rows), keys) == (2, [1, 1, 2, 2])


def test_what_newer_prompts_repeat_stands_on_the_longest_alone() -> None:
    rows, _ = written(a_history(20, random.Random(9))[::-1])
    assert {row[1] for row in rows} == {None, 1}


def test_a_base_that_shares_little_is_not_read_for_it() -> None:
    rows, _ = written([b"x" * 100 + b"a" * 5000, b"x" * 100 + b"b" * 5000])
    assert [row[1] for row in rows] == [None, None]


WHOLE: TextRow = (1, None, 0, 0, 4, b"abcd")


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([WHOLE], {2}),
        ([(2, 1, 4, 0, 5, b"e")], {2}),
        ([WHOLE, (2, 1, 5, 0, 6, b"e")], {2}),
        ([WHOLE, (2, 1, 3, 2, 6, b"e")], {2}),
        ([WHOLE, (2, 1, 4, 0, 6, b"e")], {2}),
        ([WHOLE, (2, 1, -1, 0, 0, b"e")], {2}),
        ([(1, None, 0, 0, 4, b"abcd"), (2, 2, 4, 0, 5, b"e")], {2}),
    ],
)
def test_texts_that_do_not_fit_together_are_damage(rows: list[TextRow], wanted: set[int]) -> None:
    with pytest.raises(StagingDamaged, match=r"text 2 .*restore the staging file"):
        replay(rows, wanted)
