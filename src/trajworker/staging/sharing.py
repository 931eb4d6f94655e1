"""How a text is told by what it adds to another one, and made whole again: pure rules.

Every LLM call repeats the whole history in its prompt, and the next one repeats it again with a little more. So of two
texts that begin and end alike only the middle is kept a second time. A conversation has few lines of such texts (its
agent's prompts, those of a sub-agent, the state of its graph), and the newest of each line is its head.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from trajworker.errors import StagingDamaged

GRAIN_BYTES = 16
"""How exactly the place is found where two texts part; a byte more costs as much to find as to keep."""
PROBE = 8
"""Texts of which not one part in so many is alike at the beginning or at the end are not looked at further."""
WORTH = 4
"""A text stands on another one only if that spares one byte in so many: whoever reads it reads both."""
APART = 8
"""Of texts that differ, both, by more than one byte in so many, each goes on as a head of its own."""
HEADS = 8
"""Heads of a conversation that are compared."""

ADVICE = "restore the staging file, or choose another path and read again from the source"

TextRow = tuple[int, int | None, int, int, int, bytes]
"""A text as it lies in staging: key, key of its base (None where it stands alone), bytes at the beginning and at the
end that it has from that, its length, and what is between."""


class Head(Struct, frozen=True):
    """The newest text of a line; `chain` is the key of the first one."""

    key: int
    chain: int
    text: bytes


class Told(Struct, frozen=True):
    """A text told by what it adds to its base."""

    base: Head | None
    shared: int
    tail: int
    rest: bytes

    @property
    def same(self) -> Head | None:
        """The base, if it is the same text."""
        base = self.base
        return base if base and not self.rest and self.shared + self.tail == len(base.text) else None


def tell(text: memoryview, heads: Sequence[Head]) -> Told:
    """The text by what it adds to the head that spares most; those first in `heads` are looked at first."""
    length = len(text)
    most = length // WORTH
    best: tuple[Head, int, int] | None = None
    for head in heads:
        shared, tail = _alike(text, head.text)
        if shared + tail > most:
            most = shared + tail
            best = head, shared, tail
            if (length - most) * APART <= length:
                break
    if best is None:
        return Told(None, 0, 0, bytes(text))
    head, shared, tail = best
    return Told(head, shared, tail, bytes(text[shared : length - tail]))


def advance(heads: list[Head], key: int, text: memoryview, told: Told) -> int:
    """Put the text among the heads, those used last first, and return the chain that it belongs to."""
    base = told.base
    if base is None:
        head = Head(key, key, told.rest)
    else:
        heads.remove(base)
        missing = len(base.text) - told.shared - told.tail
        related = min(missing, len(told.rest)) * APART <= len(text)
        if not related:
            heads.insert(0, base)
            head = Head(key, key, bytes(text))
        elif len(text) > len(base.text):
            head = Head(key, base.chain, bytes(text))
        else:
            head = base
    heads.insert(0, head)
    del heads[HEADS:]
    return head.chain


def _alike(text: memoryview, other: bytes) -> tuple[int, int]:
    """How many bytes are the same at the beginning and, beyond those, at the end."""
    length, most = len(text), min(len(text), len(other))
    if len(other) == length and other.startswith(text):
        return length, 0
    probe = most // PROBE
    if not other.startswith(text[:probe]) and not other.endswith(text[length - probe :]):
        return 0, 0
    shared, end = 0, most
    while end - shared > GRAIN_BYTES:
        middle = (shared + end) // 2
        if other.startswith(text[shared:middle], shared):
            shared = middle
        else:
            end = middle
    tail, end = 0, most - shared
    while end - tail > GRAIN_BYTES:
        middle = (tail + end) // 2
        if other.endswith(text[length - middle : length - tail], 0, len(other) - tail):
            tail = middle
        else:
            end = middle
    return shared, tail


def replay(rows: Sequence[TextRow], wanted: AbstractSet[int]) -> dict[int, bytes]:
    """Those of the texts that are wanted, whole; `rows` are they and all that they stand on, in order of their keys.

    Raises `StagingDamaged` where what a text stands on is not there, or is not what it was.
    """
    uses = Counter(row[1] for row in rows)
    found: dict[int, bytes] = {}
    kept: dict[int, bytes | bytearray] = {}
    for key, base, shared, tail, length, rest in rows:
        below: bytes | bytearray = b""
        if base is not None:
            uses[base] -= 1
            below = kept.get(base, below) if uses[base] else kept.pop(base, below)
        end = len(below) - tail
        if not 0 <= shared <= end or shared + len(rest) + tail != length:
            raise StagingDamaged(f"text {key} in staging does not fit on text {base} that it stands on; {ADVICE}")
        whole: bytes | bytearray = rest
        if base is not None:
            if key in wanted:
                with memoryview(below) as view:  # let go of at once: what is below may be altered in place later
                    whole = b"".join((view[:shared], rest, view[end:]))
            else:
                # Nobody asked for what is in between: it is altered in place.
                whole = below if isinstance(below, bytearray) and not uses[base] else bytearray(below)
                whole[shared:end] = rest
        if key in wanted:
            found[key] = bytes(whole)
        if uses[key]:
            kept[key] = whole
    lost = wanted - found.keys()
    if lost:
        raise StagingDamaged(f"text {min(lost)} is not in staging, and runs refer to it; {ADVICE}")
    return found
