"""A prompt that goes on from the one before is known by its beginning, folded in a row or after a restart."""

from collections.abc import Callable

import pytest

from trajworker.assembly.kept.prefix import NO_PROMPT, Prefix

FIRST, SECOND, OTHER = b'[{"a":1}]', b'[{"a":1},{"b":2}]', b'[{"c":3}]'


def _in_a_row(array: bytes) -> Prefix:
    return NO_PROMPT.followed_by(array)


def _sealed_in_a_row(array: bytes) -> Prefix:
    prompt = NO_PROMPT.followed_by(array)
    prompt.sealed()
    return prompt


def _after_a_restart(array: bytes) -> Prefix:
    return Prefix(*NO_PROMPT.followed_by(array).sealed())


KNOWN = [_in_a_row, _sealed_in_a_row, _after_a_restart]


@pytest.mark.parametrize("known", KNOWN)
def test_what_stands_behind_the_known_beginning_is_found(known: Callable[[bytes], Prefix]) -> None:
    assert known(FIRST).behind(SECOND) == b'[{"b":2}]'
    assert known(FIRST).behind(FIRST) == b"[]"
    assert known(FIRST).behind(b'[{"a":2},{"b":2}]') is None


@pytest.mark.parametrize("known", KNOWN)
def test_a_prompt_leaves_the_same_hash(known: Callable[[bytes], Prefix]) -> None:
    first = known(FIRST)
    first.behind(SECOND)
    assert first.followed_by(SECOND).sealed() == NO_PROMPT.followed_by(SECOND).sealed()
    replaced = OTHER + b" " * len(SECOND)
    assert known(FIRST).followed_by(replaced).sealed() == NO_PROMPT.followed_by(replaced).sealed()


@pytest.mark.parametrize("known", KNOWN)
def test_a_prompt_that_another_followed_tells_its_own_hash_all_the_same(known: Callable[[bytes], Prefix]) -> None:
    first = known(FIRST)
    first.behind(SECOND)
    first.followed_by(SECOND).sealed()
    assert first.sealed() == NO_PROMPT.followed_by(FIRST).sealed()
    assert first.behind(SECOND) == b'[{"b":2}]'


def test_behind_no_prompt_all_is_new() -> None:
    assert NO_PROMPT.behind(FIRST) is None
    assert NO_PROMPT.sealed() == (0, b"")
