"""Between outlet, sink and staging: lines are appended, emissions recorded, parts sealed and published."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from msgspec import Struct


class Line(Struct, frozen=True, kw_only=True):
    """Where a line lies: the part (its sequence number), offset and length in bytes with the line feed, its sha256."""

    part: int
    offset: int
    length: int
    sha256: bytes


class Emission(Struct, frozen=True, kw_only=True):
    """A conversation as it was assembled: the ledger row, with the folds it was made of.

    `line` is None where the content is still that of `revision`: nothing was appended, only folds and marks are kept.
    """

    conversation: int
    revision: int
    content_hash: bytes
    line: Line | None
    seen: dict[str, int]
    """Version of each trace that was folded: newer ones keep the conversation changed."""
    folds: dict[str, bytes] = {}
    """New folds by trace id, to be kept."""


class Stream(StrEnum):
    """Which files a line goes to; the value is the first word of their names."""

    TRAJECTORIES = "trajectories"
    LATE = "late"
    """Side files for what came past the horizon."""


Unwritten = tuple[Iterable[bytes], Stream]
"""A line to be, in pieces, and where it goes."""


class Sink(Protocol):
    """Where trajectories go: the only writer of published files. One task uses it.

    Errors: `SinkFull` and `StagingFull` mean that the batch was undone and may be assembled again later, or where
    parts are published, that the rest is published by a later call; any other `SinkError` or `StagingError` is final.
    """

    async def append(self, lines: Sequence[Unwritten]) -> list[Line]:
        """Write lines (in pieces, without their line feeds) at the ends of the open parts; revocable until `commit`.

        As many of them, from the first on, as until a part is full, and at least one: `commit` these before the others.
        """
        ...

    async def commit(self, emissions: Sequence[Emission]) -> None:
        """Sync the parts, then record the emissions in ONE transaction: nothing before that counts.

        The emissions hold every line appended since the last commit. Parts that are full or old enough are published;
        where there is no room for that, the emissions stand and a later call publishes.
        """
        ...

    async def discard(self) -> None:
        """Undo what was appended since the last commit."""
        ...

    async def publish_due(self) -> None:
        """Publish the parts that are old enough: call it from a timer."""
        ...

    async def publish_all(self) -> None:
        """Seal and publish whatever is committed: at the end, at a stop."""
        ...


SEAL_SIZE: Final = 64 * 1024 * 1024
"""A part is sealed when it has grown to so many bytes, unless configured otherwise."""
SEAL_LINES: Final = 10_000
"""A part is sealed when it holds so many lines, unless configured otherwise."""
SEAL_AGE: Final = timedelta(minutes=10)
"""A part is sealed when its first line is this old, unless configured otherwise."""


class Compression(StrEnum):
    """How a part is compressed when it is sealed."""

    NONE = "none"
    GZ = "gz"
    ZST = "zst"

    @property
    def suffix(self) -> str:
        """The end of the names of such files."""
        return "" if self is Compression.NONE else f".{self}"


class Late(StrEnum):
    """What becomes of data that arrives after a conversation was delivered and its horizon has passed."""

    REVISE = "revise"
    SIDE = "side"
    DROP = "drop"


class Consumed(StrEnum):
    """What a published file means that is no longer there."""

    EXPECTED = "expected"
    """Its consumer took it."""
    FATAL = "fatal"
    """It is damage."""


class PartState(StrEnum):
    """How far a part has come; `VOID` stands in the chain for a file whose bytes were lost."""

    OPEN = "open"
    SEALED = "sealed"
    PUBLISHED = "published"
    VOID = "void"


class Part(Struct, frozen=True, kw_only=True):
    """A file of the sink as the ledger knows it.

    While open, `length` is what is committed; bytes after it never counted. Once sealed, `name`, `size_bytes` and
    `sha256` are those of the file to be published (compressed, if so configured). Ledger rows `first` to `last` are
    on it. `manifest` is the sha256 of its manifest, known once published.
    """

    seq: int
    stream: Stream
    state: PartState
    length: int = 0
    lines: int = 0
    name: str | None = None
    size_bytes: int | None = None
    sha256: bytes | None = None
    first: int | None = None
    last: int | None = None
    manifest: bytes | None = None


class Span(NamedTuple):
    """Bytes of a part: where they begin and how many they are."""

    offset: int
    length: int


class PartLedger(Protocol):
    """The sink's side of staging: the rows of its files, and the transaction that makes an emission."""

    async def parts(self, first: int = 1, last: int | None = None) -> list[Part]:
        """The parts from one sequence number to another (inclusive), in order; numbers have no gaps."""
        ...

    async def put(self, part: Part) -> None:
        """Insert or replace the row of a part; the row of the previous state must be there."""
        ...

    async def drop(self, seq: int) -> None:
        """Forget the newest part, on which nothing was ever committed."""
        ...

    async def record(self, emissions: Sequence[Emission]) -> None:
        """Commit emissions together with the length and lines of their parts."""
        ...

    async def make_void(self, seq: int) -> int:
        """Make void a part whose bytes are lost: conversations whose newest revision is there are due again.

        Returns how many can not be made again, because a newer revision was emitted or their payloads are gone.
        """
        ...

    async def purged_lines(self, seq: int, /) -> list[Span]:
        """Where on a part that was not published lie lines of conversations that were purged since, in order."""
        ...

    async def strike(self, seq: int) -> None:
        """Forget those lines: what comes after each moves up, and the part is open again."""
        ...
