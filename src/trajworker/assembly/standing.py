"""Which traces are part of the dialogue: one that later prompts leave out only worked on it and is withdrawn.

Apps name a chat, tag it or choose a route in traces of their own, on the same thread. The prompt of such a call does
not repeat what was said, and the next prompt of the agent goes on from the answer before it. Only that prompt tells, so
the fold of the agent's trace says how many folds before it are withdrawn; they themselves stay as they were made.
"""

from collections.abc import Sequence

from msgspec import structs

from trajworker.assembly.afterwork import asks_alone, ends_with_quote, quotes_last
from trajworker.assembly.calls import Call
from trajworker.assembly.context import KEPT, Context, Known
from trajworker.assembly.folds import Fold
from trajworker.assembly.groups import system_of
from trajworker.assembly.trace import Trace
from trajworker.assembly.words import is_rewording
from trajworker.dialects import Draft
from trajworker.dialects.draft import DIGEST_SIZE
from trajworker.model.message import Message, Role, TrainableStatus
from trajworker.trajectory.codec import encode_chunk, message_of, step_of


class Standing:
    """The folds that are part of a conversation, and what they say."""

    def __init__(self, folds: Sequence[Fold] = ()) -> None:
        self.folds: list[Fold] = []
        self.known = Known()
        for fold in folds:
            self.withdraw(fold.withdraws)
            self.add(fold)

    @property
    def context(self) -> Context:
        """What the last of them left."""
        return self.folds[-1].after if self.folds else Context()

    def add(self, fold: Fold) -> None:
        """Take in the next fold."""
        self.folds.append(fold)
        self.known.learn(fold.news)

    def withdraw(self, count: int) -> None:
        """Take back the last folds."""
        for _ in range(count):
            self.known.forget(self.folds.pop().news)

    def left_out(self, trace: Trace) -> int:
        """How many of the last folds, each of a call that stood apart, a trace's prompts leave out."""
        apart = self.context.apart
        if not apart:
            return int(len(self.folds) == 1 and self._only_prepared(trace))
        for call in trace.calls:
            keys = set(call.digests())
            held = next((back for back in range(apart) if self._answer(back) in keys), apart)
            if held and self._answer(held) in keys and self._are_about(held, call):
                return held
        return 0

    def _are_about(self, count: int, call: Call) -> bool:
        """Whether the last calls were each asked about the words before them or behind them; else somebody spoke."""
        before = self.folds[-count - 1].after
        said = [self._message(place) for place in (before.turn_user, before.answer) if place is not None]
        words = [(one.content or "").strip() for one in said if one is not None]
        words += [(draft.content or "").strip() for draft in call.read() if draft.role is Role.USER][-1:]
        users = [fold.after.turn_user for fold in self.folds[-count:]]
        asked = [self._message(user) if user is not None else None for user in users]
        texts = [one.rendered or one.content or "" for one in asked if one is not None]
        return all(any(word and word in text for word in words) for text in texts)

    def _only_prepared(self, trace: Trace) -> bool:
        """Whether the first trace was given the first words to do something else with them: a title, a check.

        Another function then asks another agent to answer the same words.
        """
        first = self.folds[0]
        before, user = first.after, first.after.turn_user
        if trace.root is None or before.bare or trace.root_name == before.root or user is None or not trace.calls:
            return False
        prompt, question = trace.calls[0].read(), self._message(user)
        said = [draft.content for draft in prompt if draft.role is not Role.SYSTEM]
        if len(first.steps) != 1 or question is None or said != [question.content]:
            return False
        prompts = [draft.content or "" for draft in prompt if draft.role is Role.SYSTEM]
        told = [message.content or "" for one in first.messages if (message := message_of(one)).role is Role.SYSTEM]
        return bool(prompts) and not any(one == other or is_rewording(one, other) for one in prompts for other in told)

    def placed(self, trace: Trace, fold: Fold) -> Fold:
        """The next fold: beside the dialogue if it asks about the last answer, else marked where it stands apart."""
        before, asked = self.context, asks_alone(trace)
        beside = fold.entries[-1].beside
        if asked is not None and before.answer is not None and not beside:
            otherwise = self._asked_otherwise(trace.calls[0])
            if self._is_about_last(trace, asked, otherwise=otherwise):
                fold, beside = set_beside(fold, before), True
            elif otherwise and before.apart < KEPT:
                fold.after.apart = before.apart + 1
        if beside and before.apart:
            fold.after.apart = before.apart + 1
        return fold

    def _is_about_last(self, trace: Trace, asked: Draft, *, otherwise: bool) -> bool:
        """Whether a trace asks, without history, about the last question and its answer, which it quotes."""
        before = self.context
        if before.turn_user is None or before.answer is None:
            return False
        question, answer = self._message(before.turn_user), self._message(before.answer)
        if question is None or answer is None or not question.content or not answer.content:
            return False
        return quotes_last(trace, question, answer) and (otherwise or ends_with_quote(asked, question, answer))

    def _asked_otherwise(self, call: Call) -> bool:
        """Whether a call has none of the system prompts that the agent was asked with before."""
        view = self.folds[len(self.folds) - 1 - self.context.apart].after.view
        systems, prompts = self.known.systems, system_of(call)
        if not prompts:
            return bool(view) and view[0][0] >= 0 and self._key(view[0][0]) in systems
        places = [systems[key] for key in prompts if key in systems]
        return not any(low <= place < high for place in places for low, high in view)

    def _message(self, reference: int) -> Message | None:
        held = (fold for fold in reversed(self.folds) if 0 <= reference - fold.base < len(fold.messages))
        fold = next(held, None)
        return message_of(fold.messages[reference - fold.base]) if fold is not None else None

    def _answer(self, back: int) -> bytes | None:
        """Digest of the answer that the fold so many before the last left."""
        place = len(self.folds) - 1 - back
        answer = self.folds[place].after.answer if place >= 0 else None
        return self._key(answer) if answer is not None else None

    def _key(self, reference: int) -> bytes:
        return bytes(self.known.messages[reference * DIGEST_SIZE : (reference + 1) * DIGEST_SIZE])


def written(folds: Sequence[Fold]) -> Sequence[Fold]:
    """The folds as they reach a line: those that were withdrawn tell of internal calls."""
    if not any(fold.withdraws for fold in folds):
        return folds
    standing = Standing()
    found: list[Fold] = []
    for fold in folds:
        if fold.withdraws:
            standing.withdraw(fold.withdraws)
            asked, before, start = _question(fold), standing.context, len(found) - fold.withdraws
            found[start:] = [set_beside(one, before, ahead=_question(one) == asked) for one in found[start:]]
        standing.add(fold)
        found.append(fold)
    return found


def _question(fold: Fold) -> bytes | None:
    """Digest of the user's message in a fold."""
    user = fold.after.turn_user
    if user is None or user < fold.base:
        return None
    return bytes(fold.news.messages[(user - fold.base) * DIGEST_SIZE : (user - fold.base + 1) * DIGEST_SIZE])


def set_beside(fold: Fold, before: Context, *, ahead: bool = False) -> Fold:
    """A fold as that of a trace which only works on the turn before, or `ahead` on that which is to come."""
    turn = max(before.entries + ahead, 1)
    names = [str((step_of(step).info or {}).get("name", "")) for step in fold.steps]
    said = [message for one in fold.messages if (message := message_of(one)).role is Role.ASSISTANT]
    internal = [
        structs.replace(
            message, turn=turn, name=message.name or name, trainable_status=TrainableStatus.NOT_TRAINABLE, flags=()
        )
        for message, name in zip(said, names, strict=False)
    ]
    entries = [structs.replace(entry, joins=not ahead, beside=True, resumes=False) for entry in fold.entries]
    figures = structs.replace(fold.figures, tool_calls=0, tool_results=0, tool_failures=0, raw=0)
    return structs.replace(
        fold, messages=[], asides=[], steps=[], tools=[], amendments=[], news=Known(), entries=entries,
        internal=[*fold.internal, *map(encode_chunk, internal)], figures=figures, base=before.total,
        after=structs.replace(before),
        metadata={name: value for name, value in fold.metadata.items() if name == "models"},
    )  # fmt: skip
