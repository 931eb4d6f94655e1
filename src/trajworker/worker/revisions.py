"""The next revision of a conversation: what it is made of, its row in the ledger, and its event. Pure."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from trajworker.assembly import Header, written
from trajworker.assembly.lifecycle import Decision
from trajworker.events import ConversationEmitted
from trajworker.ports import Activity, Emission, Line, Stream
from trajworker.trajectory import Pane
from trajworker.worker.folding import Folded, project_name


class Revision(Struct, frozen=True):
    """A conversation as it was folded now; `stream` is where its line would go, None where late data is dropped."""

    activity: Activity
    folded: Folded
    header: Header
    digest: bytes
    stream: Stream | None

    @property
    def is_new(self) -> bool:
        """Whether the content is not that of the last revision."""
        return self.digest != self.activity.content_hash

    @property
    def target(self) -> Stream | None:
        """The stream that its line is written to; None where there is nothing to write."""
        return self.stream if self.is_new else None


def with_lines(revisions: Sequence[Revision], lines: Sequence[Line]) -> list[tuple[Revision, Line | None]]:
    """Each revision with its line, or None where it has none, up to the first whose line is not written yet."""
    following = iter(lines)
    found: list[tuple[Revision, Line | None]] = []
    for revision in revisions:
        line = next(following, None) if revision.target else None
        if line is None and revision.target:
            break
        found.append((revision, line))
    return found


def header_of(activity: Activity, decision: Decision) -> Header:
    """What the line of the next revision says that no trace knows."""
    return Header(
        conversation_id=activity.conversation_id,
        project_id=activity.project_id,
        project=activity.project,
        revision=activity.revision + 1,
        pane=decision.pane or Pane.ON_TIME,
        complete=decision.complete,
    )


def numbered(header: Header, digest: bytes, activity: Activity) -> Header:
    """The header with its number: that of a published revision that was lost, where the content is still the same."""
    if (lost := activity.lost) is None:
        return header
    return replace(header, revision=lost.revision if digest == lost.content_hash else lost.revision + 1)


def emission_of(revision: Revision, line: Line | None) -> Emission:
    """Its row in the ledger; without a line only its folds and marks are kept."""
    return Emission(
        conversation=revision.activity.conversation,
        revision=revision.header.revision if line else revision.activity.revision,
        content_hash=revision.digest,
        line=line,
        seen=revision.folded.seen,
        folds=revision.folded.renewed,
    )


def emitted_event(revision: Revision, line: Line) -> ConversationEmitted:
    """What observers are told once it is committed."""
    return ConversationEmitted(
        project=project_name(revision.activity),
        conversation_id=revision.activity.conversation_id,
        revision=revision.header.revision,
        pane=revision.header.pane,
        complete=revision.header.complete,
        messages=sum(len(fold.messages) for fold in written(revision.folded.folds)),
        size_bytes=line.length,
    )
