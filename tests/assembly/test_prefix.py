"""A prompt that goes on from the one before is known by its beginning, folded in a row or after a restart."""

from collections.abc import Callable

import pytest

from trajworker.assembly.kept.prefix import Prefix

FIRST, SECOND, OTHER = b'[{"a":1}]', b'[{"a":1},{"b":2}]', b'[{"c":3}]'


def _kept(array: bytes) -> Prefix:
    prefix = Prefix(0, b"")
    prefix.keep(array)
    return prefix


def _in_a_row(array: bytes) -> Prefix:
    prefix = _kept(array)
    assert prefix.stands_for(*prefix.sealed())
    return prefix


def _after_a_restart(array: bytes) -> Prefix:
    return Prefix(*_kept(array).sealed())


@pytest.mark.parametrize("known", [_in_a_row, _after_a_restart])
def test_what_stands_behind_the_known_beginning_is_found(known: Callable[[bytes], Prefix]) -> None:
    assert known(FIRST).behind(SECOND) == b'[{"b":2}]'
    assert known(FIRST).behind(FIRST) == b"[]"
    assert known(FIRST).behind(b'[{"a":2},{"b":2}]') is None


@pytest.mark.parametrize("known", [_in_a_row, _after_a_restart])
def test_a_prompt_leaves_the_same_hash(known: Callable[[bytes], Prefix]) -> None:
    longer = known(FIRST)
    longer.behind(SECOND)
    longer.keep(SECOND)
    assert longer.sealed() == _kept(SECOND).sealed()
    replaced = known(FIRST)
    replaced.keep(OTHER + b" " * len(SECOND))
    assert replaced.sealed() == _kept(OTHER + b" " * len(SECOND)).sealed()


def test_a_prompt_that_was_replaced_stands_for_its_hash_no_more() -> None:
    prefix = _in_a_row(FIRST)
    known = prefix.sealed()
    prefix.keep(OTHER)
    prefix.sealed()
    assert not prefix.stands_for(*known)
