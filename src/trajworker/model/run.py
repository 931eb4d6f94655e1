"""A run (span) as LangSmith recorded it, in one form whatever wire it came over.

Times are aware UTC datetimes. Payload fields stay undecoded JSON (`msgspec.Raw`) until assembly needs them, so that
intake never pays for what it does not read. Source of the fields: langsmith-api.md sections 2.2 and 3.2.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from msgspec import Raw, Struct

NULL = Raw(b"null")

THREAD_KEYS = ("session_id", "conversation_id", "thread_id")
"""Metadata keys that name a thread, in LangSmith's own order of precedence (langsmith-api.md section 6)."""

NEEDED_RUN_TYPES = ("llm", "tool", "retriever")
"""Run types that are read beside the roots: the other chain runs only repeat what these hold."""

CLAMPED_TIME = "clamped_time"
"""Flag of a run whose times were impossible and brought within what is possible."""

REDACTION_FAILED = "redaction_failed"
"""Flag of a run that could not be masked and was emptied: its conversation is not handed out."""

LARGEST_COUNT = 2**53
"""No run takes more tokens; what claims to is noise, and no encoder need bear it."""


def is_uuid(text: str) -> bool:
    """Whether a text may be the id of a run, a trace or a project; LangSmith's are UUIDs, names can be anything."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def a_count(value: float) -> int | None:
    """A number of tokens as a whole number; None where it cannot be one (too large, infinite, not a number)."""
    return int(value) if abs(value) <= LARGEST_COUNT else None


class RunStatus(StrEnum):
    """How far a run has come; every unknown word of a server counts as `PENDING` until the run has an end time."""

    PENDING = "pending"
    SUCCESS = "success"
    ERROR = "error"


PENDING: Final = RunStatus.PENDING
SUCCESS: Final = RunStatus.SUCCESS
ERROR: Final = RunStatus.ERROR
"""The states by names of their own, as the roles have: `RunStatus.ERROR` costs a look-up in Python each time."""


class Run(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One run.

    `run_type` is lower case (`llm`, `chain`, `tool`, `retriever`, `embedding`, `prompt`, `parser` or a word
    yet unknown).
    `thread_id` is the conversation key that this run itself carries (the server's field, else the metadata keys in
    configured precedence), None where it carries none. `dotted_order` holds the ids of all ancestors, see `ancestors`.
    Token counts are the run's own as the server tells them; on parents they may be sums over the subtree.
    `feedback_stats` is `NULL` where there is no feedback.
    """

    id: str
    trace_id: str
    project_id: str
    name: str
    run_type: str
    status: RunStatus
    start_time: datetime
    end_time: datetime | None = None
    first_token_time: datetime | None = None
    dotted_order: str = ""
    parent_run_id: str | None = None
    thread_id: str | None = None
    error: str | None = None
    tags: tuple[str, ...] = ()
    inputs: Raw = NULL
    outputs: Raw = NULL
    extra: Raw = NULL
    events: Raw = NULL
    attachments: tuple[str, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    total_cost: float | None = None
    prompt_token_details: dict[str, int] | None = None
    completion_token_details: dict[str, int] | None = None
    feedback_stats: Raw = NULL
    reference_example_id: str | None = None
    flags: tuple[str, ...] = ()
    """What had to be mended to read the run, e.g. `surrogate`, `clamped_time`; empty for nearly every run."""

    @property
    def is_root(self) -> bool:
        """Whether this run is the root of its trace."""
        return self.id == self.trace_id

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected of this run."""
        return self.status is not PENDING


def newest_versions(runs: Iterable[Run]) -> dict[str, Run]:
    """The newest version of each run, by id: ended over pending, one with an end over one without, then the later end.

    Where requests tell which version is newer, as in staging, they decide in place of the later end.
    """
    newest: dict[str, Run] = {}
    for run in runs:
        held = newest.get(run.id)
        if held is None or _newer(run, held):
            newest[run.id] = run
    return newest


def _newer(run: Run, held: Run) -> bool:
    if run.ended != held.ended:
        return run.ended
    if run.end_time is None or held.end_time is None:
        return held.end_time is None and run.end_time is not None
    return run.end_time > held.end_time


class Feedback(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A score or comment somebody left on a run (`GET /feedback`, langsmith-api.md section 2.3)."""

    id: str
    run_id: str | None
    trace_id: str | None = None
    key: str
    score: float | bool | None = None
    value: Any = None
    comment: str | None = None
    correction: Any = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


class Project(Struct, frozen=True):
    """A LangSmith project (tracing session)."""

    id: str
    name: str


ID_LENGTH = 36
_PATHS = 256
"""Places in trees that are remembered: runs side by side have the same ancestors."""


def ancestors(dotted_order: str) -> tuple[str, ...]:
    """Ids of a run's ancestors, root first, itself left out; empty for a root or an unknown order."""
    above, _, _ = dotted_order.rpartition(".")
    return _ids(above) if above else ()


@lru_cache(maxsize=_PATHS)
def _ids(order: str) -> tuple[str, ...]:
    return tuple([segment[-ID_LENGTH:] for segment in order.split(".")])
