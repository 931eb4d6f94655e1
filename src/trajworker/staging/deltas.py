"""Delta encoding: a text kept as what differs from another one, and made whole again. Pure rules.

Every LLM call repeats the whole history in its prompt, and the next one repeats it again with a little more. So of two
texts that begin and end alike only the middle is kept a second time. A conversation has few chains of such texts
(its agent's prompts, those of a sub-agent, the state of its graph), and the newest of each chain is its head.
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
    """The newest text of a chain; `chain` is the key of its first one."""

    key: int
    chain: int
    text: bytes


class Delta(Struct, frozen=True):
    """A text as it differs from its base: `prefix` and `suffix` bytes are the base's, `middle` is what stands between.

    Without a base `middle` is the whole text.
    """

    base: Head | None
    prefix: int
    suffix: int
    middle: bytes

    @property
    def same(self) -> Head | None:
        """The base, if it is the same text."""
        base = self.base
        return base if base and not self.middle and self.prefix + self.suffix == len(base.text) else None


def shortest_delta(text: memoryview, heads: Sequence[Head]) -> Delta:
    """The text as it differs from the head that spares most; those first in `heads` are looked at first."""
    length = len(text)
    most = length // WORTH
    best: tuple[Head, int, int] | None = None
    for head in heads:
        prefix, suffix = _common_ends(text, head.text)
        if prefix + suffix > most:
            most = prefix + suffix
            best = head, prefix, suffix
            if (length - most) * APART <= length:
                break
    if best is None:
        return Delta(None, 0, 0, bytes(text))
    head, prefix, suffix = best
    return Delta(head, prefix, suffix, bytes(text[prefix : length - suffix]))


def advance(heads: list[Head], key: int, text: memoryview, delta: Delta) -> int:
    """Put the text among the heads, those used last first (alters `heads`); returns the chain that it belongs to."""
    base = delta.base
    if base is None:
        head = Head(key, key, delta.middle)
    else:
        heads.remove(base)
        missing = len(base.text) - delta.prefix - delta.suffix
        related = min(missing, len(delta.middle)) * APART <= len(text)
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


def _common_ends(text: memoryview, other: bytes) -> tuple[int, int]:
    """How many bytes are the same at the beginning and, beyond those, at the end."""
    length, most = len(text), min(len(text), len(other))
    if len(other) == length and other.startswith(text):
        return length, 0
    probe = most // PROBE
    if not other.startswith(text[:probe]) and not other.endswith(text[length - probe :]):
        return 0, 0
    prefix, end = 0, most
    while end - prefix > GRAIN_BYTES:
        middle = (prefix + end) // 2
        if other.startswith(text[prefix:middle], prefix):
            prefix = middle
        else:
            end = middle
    suffix, end = 0, most - prefix
    while end - suffix > GRAIN_BYTES:
        middle = (suffix + end) // 2
        if other.endswith(text[length - middle : length - suffix], 0, len(other) - suffix):
            suffix = middle
        else:
            end = middle
    return prefix, suffix


def replay(rows: Sequence[TextRow], wanted: AbstractSet[int]) -> dict[int, bytes]:
    """Those of the texts that are wanted, whole; `rows` are they and all that they stand on, in order of their keys.

    Raises `StagingDamaged` where what a text stands on is not there, or is not what it was.
    """
    uses = Counter(row[1] for row in rows)
    found: dict[int, bytes] = {}
    kept: dict[int, bytes | bytearray] = {}
    for key, base, prefix, suffix, length, middle in rows:
        below: bytes | bytearray = b""
        if base is not None:
            uses[base] -= 1
            below = kept.get(base, below) if uses[base] else kept.pop(base, below)
        end = len(below) - suffix
        if not 0 <= prefix <= end or prefix + len(middle) + suffix != length:
            raise StagingDamaged(f"text {key} in staging does not fit on text {base} that it stands on; {ADVICE}")
        whole: bytes | bytearray = middle
        if base is not None:
            if key in wanted:
                with memoryview(below) as view:  # let go of at once: what is below may be altered in place later
                    whole = b"".join((view[:prefix], middle, view[end:]))
            else:
                # Nobody asked for what is in between: it is altered in place.
                whole = below if isinstance(below, bytearray) and not uses[base] else bytearray(below)
                whole[prefix:end] = middle
        if key in wanted:
            found[key] = bytes(whole)
        if uses[key]:
            kept[key] = whole
    lost = wanted - found.keys()
    if lost:
        raise StagingDamaged(f"text {min(lost)} is not in staging, and runs refer to it; {ADVICE}")
    return found
