"""Finds the conversations of a project by their root runs: newest first, and each of them whole.

Roots come newest first, so the first so many conversations on them are those seen last; then the rest of just these is
asked for. Only where the server cannot find roots by thread is the whole window read.
"""

from msgspec.structs import replace

from trajworker.api.listing import ConversationSummary, Listing
from trajworker.api.source_view import SourceView
from trajworker.errors import CursorExpired
from trajworker.model.run import Run
from trajworker.ports import Slice

RESTARTS = 2


async def find_conversations(view: SourceView, slice_: Slice, limit: int | None) -> list[ConversationSummary]:
    """The `limit` conversations that were seen last within a stretch of time; all of them for None."""
    listing = Listing()
    rest = await _scan(view, slice_, listing, limit)
    if rest is not None and limit is not None and not await _complete(view, slice_, listing, limit):
        await _scan(view, rest, listing, None)
    return listing.newest(limit)


async def _scan(view: SourceView, slice_: Slice, listing: Listing, limit: int | None) -> Slice | None:
    """List roots until more than `limit` conversations are known; where to go on, None at the end."""
    restarts = 0
    while True:
        try:
            page = await view.seen(await view.source.roots(slice_))
        except CursorExpired:
            restarts += 1
            if restarts > RESTARTS:
                raise
            slice_ = replace(slice_, cursor=None)
            continue
        listing.add(run for run in page.runs if _within(run, slice_))
        if page.next_cursor is None:
            return None
        slice_ = replace(slice_, cursor=page.next_cursor)
        if limit is not None and listing.size > limit:
            return slice_


async def _complete(view: SourceView, slice_: Slice, listing: Listing, limit: int) -> bool:
    """Ask for the other roots of the newest conversations; False where the server does not know them by thread."""
    names = [one.conversation_id for one in listing.newest(limit)]
    seen: dict[str, set[str]] = {name: set() for name in names}
    threads = [name for name in names if name in listing.threads]
    async for run in view.runs(view.source.thread_roots(slice_.project_id, threads)):
        if run.thread_id in seen:
            seen[run.thread_id].add(run.trace_id)
            if _within(run, slice_):
                listing.add([run])
    return all(seen[name] for name in threads)


def _within(run: Run, slice_: Slice) -> bool:
    return slice_.start <= run.start_time < slice_.end
