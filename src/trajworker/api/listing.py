"""Summaries of conversations out of root runs: pure, one pass, newest first."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from trajworker.model.run import Run


class ConversationSummary(Struct, frozen=True, kw_only=True):
    """A conversation that can be imported (seed 002), as far as its root runs tell; its import reads all and decides.

    Args:
        conversation_id: thread id, or the trace id where its root run has no thread key: where only other runs of the
            trace have one, it is imported under that.
        num_turns: number of root traces it was recorded as: an interrupt that was answered counts as one here, and not
            in `task.num_turns`.
        first_seen: ISO 8601 start of its earliest trace.
        last_seen: ISO 8601 start of its most recent trace.
        root_run_names: names of its top-level runs, each once, in order of first appearance.
    """

    conversation_id: str
    num_turns: int
    first_seen: str | None = None
    last_seen: str | None = None
    root_run_names: tuple[str, ...] = ()


class Listing:
    """Gathers root runs, in whatever order they come, into summaries; a run that comes twice counts once."""

    def __init__(self) -> None:
        self._roots: dict[str, dict[str, tuple[datetime, str]]] = {}
        self.threads: set[str] = set()
        """Conversations that are threads; the others are single traces."""

    def add(self, roots: Iterable[Run]) -> None:
        """Take in root runs."""
        for run in roots:
            if run.is_root or run.parent_run_id is None:
                conversation = self._roots.setdefault(run.thread_id or run.trace_id, {})
                conversation[run.trace_id] = (run.start_time, run.name)
                if run.thread_id:
                    self.threads.add(run.thread_id)

    @property
    def size(self) -> int:
        """Conversations seen so far."""
        return len(self._roots)

    def newest(self, limit: int | None) -> list[ConversationSummary]:
        """The `limit` conversations seen last, newest first; all of them for None."""
        ordered = sorted(self._roots.items(), key=_last_seen, reverse=True)
        return [_summary(conversation_id, roots) for conversation_id, roots in ordered[:limit]]


def _last_seen(item: tuple[str, dict[str, tuple[datetime, str]]]) -> datetime:
    return max(start for start, _ in item[1].values())


def _summary(conversation_id: str, roots: dict[str, tuple[datetime, str]]) -> ConversationSummary:
    traces = sorted(roots.values())
    return ConversationSummary(
        conversation_id=conversation_id,
        num_turns=len(traces),
        first_seen=traces[0][0].isoformat(),
        last_seen=traces[-1][0].isoformat(),
        root_run_names=tuple(dict.fromkeys(name for _, name in traces)),
    )
