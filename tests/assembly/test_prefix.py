"""A prompt that goes on from the one before is known by its beginning, folded in a row or after a restart."""

import pytest

from trajworker.assembly.prefix import Prefix

FIRST, SECOND, OTHER = b'[{"a":1}]', b'[{"a":1},{"b":2}]', b'[{"c":3}]'


def _sealed(array: bytes) -> tuple[int, bytes]:
    prefix = Prefix(0, b"")
    prefix.keep(array)
    return prefix.sealed()


@pytest.mark.parametrize("sealed_last", [FIRST, OTHER], ids=["in a row", "after others"])
def test_what_stands_behind_the_known_beginning_is_found_whoever_was_folded_last(sealed_last: bytes) -> None:
    known = _sealed(FIRST)
    _sealed(sealed_last)
    assert Prefix(*known).behind(SECOND) == b'[{"b":2}]'
    assert Prefix(*known).behind(FIRST) == b"[]"
    assert Prefix(*known).behind(b'[{"a":2},{"b":2}]') is None


@pytest.mark.parametrize("sealed_last", [FIRST, OTHER], ids=["in a row", "after others"])
def test_a_prompt_leaves_the_same_hash_whoever_was_folded_last(sealed_last: bytes) -> None:
    known = _sealed(FIRST)
    _sealed(sealed_last)
    prefix = Prefix(*known)
    prefix.behind(SECOND)
    prefix.keep(SECOND)
    assert prefix.sealed() == _sealed(SECOND)
    replaced = Prefix(*known)
    replaced.keep(OTHER + b" " * len(SECOND))
    assert replaced.sealed() == _sealed(OTHER + b" " * len(SECOND))
