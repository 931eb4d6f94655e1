"""What a comparison says: yes or no, which calls went together, what was missing, and the two paths side by side."""

from typing import Literal

from msgspec import Struct

from trajworker.matching.calls import Call
from trajworker.matching.values import Difference


class AlignedCall(Struct, frozen=True):
    """One row of an alignment.

    `kind` is `kept`, `inserted` (only the actual side made it), `deleted` (only expected) or `changed` (the same tool
    with other arguments: see `differences`).
    """

    kind: Literal["kept", "inserted", "deleted", "changed"]
    actual: Call | None = None
    expected: Call | None = None
    differences: tuple[Difference, ...] = ()


class Verdict(Struct, frozen=True, kw_only=True):
    """The answer of `matches`: true or false as a condition, and the reasons.

    Args:
        matched: the answer.
        mode, args, group: how it was asked.
        actual_count, expected_count: calls on each side.
        pairs: (position of the expected call, position of the actual call) of calls that go together.
        missing: expected calls that found no partner.
        extra: actual calls that nothing expected.
        alignment: both paths side by side.
        reason: why not, where calls alone do not tell.
    """

    matched: bool
    mode: str
    args: str
    group: str | None = None
    actual_count: int
    expected_count: int
    pairs: tuple[tuple[int, int], ...] = ()
    missing: tuple[Call, ...] = ()
    extra: tuple[Call, ...] = ()
    alignment: tuple[AlignedCall, ...] = ()
    reason: str | None = None

    def __bool__(self) -> bool:
        return self.matched

    @property
    def precision(self) -> float:
        """Share of the actual calls that were expected; 1 where none was made and none expected."""
        return _share(len(self.pairs), self.actual_count, self.expected_count)

    @property
    def recall(self) -> float:
        """Share of the expected calls that were made; 1 where none was expected and none made."""
        return _share(len(self.pairs), self.expected_count, self.actual_count)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def count(self, kind: str) -> int:
        """How many rows of the alignment are of that kind."""
        return sum(row.kind == kind for row in self.alignment)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(kind)} {kind}" for kind in ("kept", "inserted", "deleted", "changed"))
        return f"<{'matches' if self.matched else 'no match'} ({self.mode}, args {self.args}): {counts}>"


def _share(pairs: int, whole: int, other: int) -> float:
    if not whole:
        return 1.0 if not other else 0.0
    return pairs / whole
