"""What a fold leaves for the next trace: digests, not texts, and as many as a window of messages needs."""

from msgspec import Struct, field

from trajworker.assembly.kept.prefix import Prefix
from trajworker.dialects.draft import DIGEST_SIZE

KEPT = 64
"""Open calls, and manners of asking, that a context remembers."""


Passage = tuple[int, bytes]
"""A text, by its length and its digest as a user's words."""


class Pending(Struct, array_like=True, gc=False):
    """A tool call without a result: index of its message, the call's id, name, arguments (as JSON) and place.

    `error` is that of a run which failed in a trace of its own and may be tried again.
    """

    index: int
    id: str | None
    name: str
    arguments: bytes
    place: int = 0
    error: str | None = None


class Context(Struct, kw_only=True, omit_defaults=True, gc=False):
    """State of a conversation between two traces: the fold before leaves it, the next one goes on from it.

    References are message indexes; -1 - k refers to aside k.

    Args:
        total: messages so far.
        asides: messages kept aside so far.
        entries: turns so far.
        view: what the last prompt's array referred to, as ranges [start, stop) (an aside as [r, r]).
        answer: reference of the last call's answer, None where it got none.
        answer_ids: ids of the tool calls in that answer.
        prefix_length: bytes of the last prompt (see `Prefix`), 0 where the next one must be read whole, or the bytes
            are at hand and nobody has asked for their hash.
        prefix_hash: digest of those bytes.
        turn_user: reference of the user's message that began the last turn.
        pending: tool calls without a result.
        tools: digests of the tool definitions that were offered so far.
        interrupted: whether the last turn waits for a human.
    """

    total: int = 0
    asides: int = 0
    entries: int = 0
    view: list[tuple[int, int]] = []
    answer: int | None = None
    answer_ids: list[str] = []
    prefix_length: int = 0
    prefix_hash: bytes = b""
    turn_user: int | None = None
    pending: list[Pending] = []
    tools: list[bytes] = []
    interrupted: bool = False
    bare: bool = False
    """Whether the last trace's root was an llm run itself."""
    apart: int = 0
    """Traces at the end of which each is one call that was asked without what was said, see `side_calls`."""
    given: list[bytes] = []
    """Digests of what the root of such a trace was given besides what was said last, as a user's words."""
    root: str = ""
    """Name of the last root in whose trace somebody spoke."""
    reasoned: list[int] = []
    """Answers that were recorded with reasoning; the others may still be given theirs by a later prompt."""
    without_arguments: list[str] = []
    """Ids of calls in the last answer that were recorded without arguments; the next prompt may tell what these are."""
    manners: list[bytes] = []
    """How calls that are no part of the conversation were asked, see `guards.manner`."""
    written: list[Passage] = []
    """Long texts that calls beside the dialogue wrote: one may stand in place of the history in a later prompt."""
    wordless: int = 0
    """Turns at the end of which nothing is known but that a model failed: the next prompt may tell what was asked."""


class Known(Struct, array_like=True, gc=False):
    """What was said, by digest, and where.

    Args:
        messages: digests of the messages, one after another.
        systems: system prompts among them, each with its reference.
        asides: what was kept aside, each with its place.
        spoken: messages that a template stood around, by the digest of the user's own words.
    """

    messages: bytearray = field(default_factory=bytearray)
    systems: dict[bytes, int] = {}
    asides: dict[bytes, int] = {}
    spoken: dict[bytes, list[int]] = {}

    def learn(self, more: "Known") -> None:
        """Add what a trace said for the first time."""
        self.messages.extend(more.messages)
        self.systems.update(more.systems)
        self.asides.update(more.asides)
        for key, references in more.spoken.items():
            self.spoken.setdefault(key, []).extend(references)

    def forget(self, last: "Known") -> None:
        """Take back what the last trace said."""
        del self.messages[len(self.messages) - len(last.messages) :]
        for key in last.systems:
            self.systems.pop(key, None)
        for key in last.asides:
            self.asides.pop(key, None)
        for key, references in last.spoken.items():
            self.spoken[key] = self.spoken[key][: -len(references)]


class Past(Struct, gc=False):
    """What a trace is folded against: the context, what all traces before said, and the last prompt.

    What they said is known from their folds, so that no context repeats it.
    """

    context: Context
    known: Known = field(default_factory=Known)
    prompt: Prefix | None = None
    """Where it is at hand: a trace that goes on from it is told by its bytes, no hash of them is needed."""

    def prefix(self) -> Prefix:
        """The last prompt, by its bytes where they are at hand, else by their hash."""
        return self.prompt or Prefix(self.context.prefix_length, self.context.prefix_hash)

    def key(self, reference: int) -> bytes | None:
        """Digest of a message."""
        return bytes(self.known.messages[reference * DIGEST_SIZE : (reference + 1) * DIGEST_SIZE]) or None

    def may_hold(self, digest: bytes) -> bool:
        """Whether a message may have been said; seldom one that was not."""
        return digest in self.known.messages


def expand(ranges: list[tuple[int, int]]) -> list[int]:
    """Ranges as references."""
    return [ref for start, stop in ranges for ref in ((start,) if start < 0 else range(start, stop))]


def alone(reference: int) -> tuple[int, int]:
    """The range of one reference; that of an aside is (r, r)."""
    return reference, reference if reference < 0 else reference + 1


def joined(references: list[int], view: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges behind references, as ranges."""
    if not references:
        return list(view)
    found: list[tuple[int, int]] = []
    for reference in references:
        refer(found, reference)
    for start, stop in view:
        append(found, start, stop)
    return found


def refer(view: list[tuple[int, int]], reference: int) -> None:
    """Add a reference to ranges; one that follows the last range makes that longer."""
    append(view, reference, reference if reference < 0 else reference + 1)  # `alone`, which every message would call


def append(view: list[tuple[int, int]], start: int, stop: int) -> None:
    """Add a range to ranges; one that follows the last makes that longer."""
    if view:
        first, end = view[-1]
        if end == start >= 0:
            view[-1] = (first, stop)
            return
    view.append((start, stop))
