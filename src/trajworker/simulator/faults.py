"""Scripted faults as data: which requests they meet, and what happens to them."""

import random
import re
from fnmatch import fnmatchcase
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

Status: TypeAlias = Annotated[int, Meta(ge=200, le=599)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]
Count: TypeAlias = Annotated[int, Meta(ge=1)]


class Answer(msgspec.Struct, kw_only=True, frozen=True, tag="answer", forbid_unknown_fields=True):
    """Answer with a status instead of asking the server; the body is text, JSON unless the headers say otherwise."""

    status: Status
    body: str = ""
    headers: dict[str, str] = {}


class Reset(msgspec.Struct, kw_only=True, frozen=True, tag="reset", forbid_unknown_fields=True):
    """Send a TCP RST, before the headers or in the middle of the body."""

    when: Literal["before_headers", "mid_body"] = "before_headers"


class Truncate(msgspec.Struct, kw_only=True, frozen=True, tag="truncate", forbid_unknown_fields=True):
    """Close the connection after a part of the announced body."""

    share: Share = 0.5


class CutBody(msgspec.Struct, kw_only=True, frozen=True, tag="cut_body", forbid_unknown_fields=True):
    """Send a part of the body as if it were the whole: valid HTTP, broken JSON."""

    share: Share = 0.5


class Slow(msgspec.Struct, kw_only=True, frozen=True, tag="slow", forbid_unknown_fields=True):
    """Send the body in pieces with pauses."""

    pieces: Count = 10
    pause_s: Seconds = 0.05


class Stall(msgspec.Struct, kw_only=True, frozen=True, tag="stall", forbid_unknown_fields=True):
    """Send nothing for a while, before the headers or in the middle of the body; then go on."""

    seconds: Seconds
    when: Literal["before_headers", "mid_body"] = "before_headers"


class Duplicate(msgspec.Struct, kw_only=True, frozen=True, tag="duplicate", forbid_unknown_fields=True):
    """Put the last rows of the previous page of the same question before those of this one."""

    rows: Count = 1


class EmptyPage(msgspec.Struct, kw_only=True, frozen=True, tag="empty_page", forbid_unknown_fields=True):
    """A page without rows, with a new cursor for the same place."""


class RepeatCursor(msgspec.Struct, kw_only=True, frozen=True, tag="repeat_cursor", forbid_unknown_fields=True):
    """The rows of the page, but the cursor the request came with."""


class DropCursor(msgspec.Struct, kw_only=True, frozen=True, tag="drop_cursor", forbid_unknown_fields=True):
    """The rows of the page without the cursor that should be there."""


class ExpireCursor(msgspec.Struct, kw_only=True, frozen=True, tag="expire_cursor", forbid_unknown_fields=True):
    """400 for a request that comes with a cursor; others pass."""


Effect: TypeAlias = (
    Answer
    | Reset
    | Truncate
    | CutBody
    | Slow
    | Stall
    | Duplicate
    | EmptyPage
    | RepeatCursor
    | DropCursor
    | ExpireCursor
)


class Fault(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One line of a fault script.

    A request is met when its method and path fit (`path` is a glob over the path without prefix, such as
    `/runs/query`, `/v2/runs/*`), its body contains `body_contains`, and, counting such requests from 1, its
    number is in `nth` (empty: any) and a seeded coin falls (`probability`). After `times` hits (None: no end)
    the fault is spent.
    """

    effect: Effect
    method: str = "*"
    path: str = "*"
    body_contains: str = ""
    nth: tuple[Count, ...] = ()
    probability: Share = 1.0
    times: Count | None = None


def read_script(text: bytes) -> tuple[Fault, ...]:
    """Read a fault script: a JSON array of faults, each `effect` with its `type`.

    Raises:
        msgspec.ValidationError: it is none; the message names the place.
    """
    return msgspec.json.decode(text, type=tuple[Fault, ...])


class FaultScript:
    """Decides, request by request, which fault strikes. The same seed and requests give the same faults."""

    def __init__(self, faults: tuple[Fault, ...], seed: int) -> None:
        self._faults = faults
        self._seen = [0] * len(faults)
        self._hits = [0] * len(faults)
        self._coins = [random.Random(f"{seed}/{index}") for index in range(len(faults))]  # noqa: S311 - a reproducible coin, no secret

    def strike(self, method: str, path: str, body: bytes) -> Effect | None:
        """The effect for a request, None when it goes unharmed. The first fault that meets it wins."""
        for index, fault in enumerate(self._faults):
            if not _meets(fault, method, path, body):
                continue
            self._seen[index] += 1
            if self._spent(index) or (fault.nth and self._seen[index] not in fault.nth):
                continue
            if self._coins[index].random() < fault.probability:
                self._hits[index] += 1
                return fault.effect
        return None

    @property
    def armed(self) -> bool:
        """Whether there is any fault in the script."""
        return bool(self._faults)

    def hits(self) -> tuple[int, ...]:
        """How often each fault of the script has struck."""
        return tuple(self._hits)

    def _spent(self, index: int) -> bool:
        times = self._faults[index].times
        return times is not None and self._hits[index] >= times


def _meets(fault: Fault, method: str, path: str, body: bytes) -> bool:
    return (
        fnmatchcase(method, fault.method.upper())
        and fnmatchcase(path, fault.path)
        and (not fault.body_contains or fault.body_contains.encode() in body)
    )


_PREFIX = re.compile(r"^/api(?:/v1)?(?=/|$)")


def bare_path(path: str) -> str:
    """A path without its prefix: `/api/v1/runs/query` and `/runs/query` are one, so are `/api/v2/..` and `/v2/..`."""
    return _PREFIX.sub("", path) or "/"
