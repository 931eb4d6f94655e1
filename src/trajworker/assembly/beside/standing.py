"""The folds that are part of the dialogue: those that a later one withdraws only worked on it.

What withdraws is kept with the later fold, and the others stay as they were made: so folding anew from a trace that
came late, or without the one that withdrew, gives what folding all at once would.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec
from msgspec import structs

from trajworker.assembly.kept.context import Context, Known, Past
from trajworker.assembly.kept.folds import Fold
from trajworker.assembly.kept.prefix import Prefix
from trajworker.dialects.draft import DIGEST_SIZE
from trajworker.model.message import ASSISTANT, USER, Message, TrainableStatus
from trajworker.trajectory import Retrieval
from trajworker.trajectory.codec import encode_chunk, message_of, step_of

_RETRIEVAL = msgspec.json.Decoder(Retrieval)

_Work = tuple[str, bytes]
"""A root's name and the system prompt of its call: what a trace does, whatever it is asked."""


class Standing:
    """The folds that are part of a conversation, and what they say."""

    def __init__(self, folds: Sequence[Fold] = ()) -> None:
        self.folds: list[Fold] = []
        self.known = Known()
        self.context = Context()
        """What the last of them left."""
        self.prompt: Prefix | None = None
        """Its last prompt, where the bytes are at hand."""
        self.prepared: Fold | None = None
        """The first trace, where the one behind it told that it only prepared that."""
        self.works: set[_Work] = set()
        """What was withdrawn that worked on the turn before it."""
        for fold in folds:
            self.withdraw(fold.withdraws, restores=fold.restores)
            self.add(fold)

    def past(self) -> Past:
        """What the next trace is folded against."""
        return Past(self.context, self.known, self.prompt)

    def add(self, fold: Fold, prompt: Prefix | None = None) -> None:
        """Take in the next fold, with its last prompt where that is at hand."""
        self.folds.append(fold)
        self.known.learn(fold.news)
        self.context, self.prompt = fold.after, prompt

    def seal(self) -> None:
        """Have the context tell its last prompt, for whoever comes back to it when the bytes are at hand no more."""
        if self.prompt is not None:
            self.context.prefix_length, self.context.prefix_hash = self.prompt.sealed()

    def withdraw(self, count: int, *, restores: bool = False) -> None:
        """Take back the last folds, or all in favour of the one that the first of them withdrew."""
        if not count:
            return
        self.seal()
        self.works.update(work for work in self._last_works(count) if work is not None)
        taken, prepared = self.folds[-count:], self.prepared
        for _ in taken:
            self.known.forget(self.folds.pop().news)
        self.prepared = None if self.folds or restores else taken[0]
        self.context, self.prompt = self.folds[-1].after if self.folds else Context(), None
        if restores and prepared is not None:
            self.add(prepared)

    def repeats(self) -> int:
        """How many of the last folds, each of which stands apart, do once more what was withdrawn before."""
        apart = self.context.apart if self.works else 0
        works = self._last_works(apart)
        return apart if works and all(work in self.works for work in works) else 0

    def _last_works(self, count: int) -> list[_Work | None]:
        """What each of the last folds was to do, where it was asked the question of the turn before them again."""
        if not 0 < count < len(self.folds):
            return []
        asked, *again = map(self._asked, self.folds[-count - 1 :])
        pairs = zip(again, self.folds[-count:], strict=True)
        return [self._work(fold) if words and words == asked else None for words, fold in pairs]

    def _work(self, fold: Fold) -> _Work | None:
        after = fold.after
        head = self.key(after.view[0][0]) if after.view and after.view[0][0] >= 0 else b""
        return (after.root, head) if after.apart and after.root and head in self.known.systems else None

    def _asked(self, fold: Fold) -> str | None:
        """What a user had asked last when a fold was made, without the template around it."""
        asked = self.message(fold.after.turn_user) if fold.after.turn_user is not None else None
        return asked.content if asked is not None else None

    def message(self, reference: int) -> Message | None:
        """A message that is no aside."""
        held = (fold for fold in reversed(self.folds) if 0 <= reference - fold.base < len(fold.messages))
        fold = next(held, None)
        return message_of(fold.messages[reference - fold.base]) if fold is not None else None

    def head(self, view: Sequence[tuple[int, int]]) -> Message | None:
        """What a prompt begins with that referred to these ranges, be it kept aside."""
        if not view or view[0][0] >= 0:
            return self.message(view[0][0]) if view else None
        aside = -1 - view[0][0]
        held = (fold for fold in self.folds if 0 <= fold.after.asides - aside - 1 < len(fold.asides))
        fold = next(held, None)
        return message_of(fold.asides[aside - fold.after.asides]) if fold is not None else None

    def exchange(self, context: Context) -> list[Message]:
        """The last question and its answer, as far as they were said, where a trace had left this context."""
        places = (context.turn_user, context.answer)
        said = [self.message(place) for place in places if place is not None]
        return [message for message in said if message is not None]

    def answer(self, back: int) -> bytes | None:
        """Digest of the answer that the fold so many before the last left."""
        place = len(self.folds) - 1 - back
        answer = self.folds[place].after.answer if place >= 0 else None
        return self.key(answer) if answer is not None else None

    def question(self) -> bytes | None:
        """Digest of what was asked last."""
        user = self.context.turn_user
        return self.key(user) if user is not None else None

    def tells(self, keys: AbstractSet[bytes]) -> bool:
        """Whether any of these messages was said in what stands."""
        return any(self.key(place) in keys for place in range(self.context.total))

    def key(self, reference: int) -> bytes:
        """Digest of a message."""
        return bytes(self.known.messages[reference * DIGEST_SIZE : (reference + 1) * DIGEST_SIZE])


def written(folds: Sequence[Fold]) -> Sequence[Fold]:
    """The folds as they reach a line: those that were withdrawn tell of internal calls, and who repeats these last."""
    if not any(fold.withdraws for fold in folds):
        return folds
    standing = Standing()
    found: list[Fold] = []
    for fold in folds:
        if fold.withdraws:
            standing.withdraw(fold.withdraws, restores=fold.restores)
            asked, before, start = _question(fold), standing.context, len(found) - fold.withdraws
            found[start:] = [set_beside(one, before, ahead=_question(one) == asked) for one in found[start:]]
            if fold.restores:
                found[start - 1] = standing.folds[-1]
        standing.add(fold)
        found.append(fold)
    if again := standing.repeats():
        before = standing.folds[-again - 1].after
        found[-again:] = [set_beside(one, before) for one in found[-again:]]
    return found


def _question(fold: Fold) -> bytes | None:
    """Digest of the user's message in a fold."""
    return _key(fold, fold.after.turn_user)


def last_exchange(fold: Fold) -> tuple[bytes, bytes] | None:
    """Digests of the last question and its answer, where a fold holds both."""
    question, answer = _key(fold, fold.after.turn_user), _key(fold, fold.after.answer)
    return (question, answer) if question is not None and answer is not None else None


def _key(fold: Fold, reference: int | None) -> bytes | None:
    """Digest of a message that a fold holds."""
    if reference is None or reference < fold.base:
        return None
    return bytes(fold.news.messages[(reference - fold.base) * DIGEST_SIZE : (reference - fold.base + 1) * DIGEST_SIZE])


def set_beside(fold: Fold, before: Context, *, ahead: bool = False) -> Fold:
    """A fold as that of a trace which only works on the turn before, or `ahead` on that which is to come."""
    turn = max(before.entries + ahead, 1)
    names = [str((step_of(step).info or {}).get("name", "")) for step in fold.steps]
    users = [message for one in fold.messages if (message := message_of(one)).role is USER]
    asked = "\n".join(one.rendered or one.content or "" for one in users)
    said = [message for one in fold.messages if (message := message_of(one)).role is ASSISTANT]
    internal = [
        structs.replace(
            message,
            turn=turn,
            name=message.name or name,
            trainable_status=TrainableStatus.NOT_TRAINABLE,
            flags=(),
            rendered=asked or None,
        )
        for message, name in zip(said, names, strict=False)
    ]
    entries = [structs.replace(entry, joins=not ahead, beside=True, resumes=False) for entry in fold.entries]
    figures = structs.replace(fold.figures, tool_calls=0, tool_results=0, tool_failures=0, raw=0)
    return structs.replace(
        fold, messages=[], asides=[], steps=[], tools=[], amendments=[], news=Known(), entries=entries,
        internal=[*fold.internal, *map(encode_chunk, internal)], figures=figures, base=before.total,
        after=structs.replace(before),
        retrieved=[encode_chunk(structs.replace(_RETRIEVAL.decode(one), turn=turn)) for one in fold.retrieved],
        metadata={name: value for name, value in fold.metadata.items() if name == "models"},
    )  # fmt: skip
