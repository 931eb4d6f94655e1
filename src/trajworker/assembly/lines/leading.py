"""The system prompt stands first on a line, even where a user spoke before and no model was asked: the turn failed."""

from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from trajworker.assembly.kept.context import alone, append
from trajworker.assembly.kept.folds import Fold
from trajworker.model.message import USER
from trajworker.trajectory.codec import encode_chunk, line_step, message_of, step_of


class Lead(Struct, frozen=True):
    """Messages [start, stop), system prompts that were told behind others and stand before them on the line."""

    start: int
    stop: int

    def prompts(self, folds: Sequence[Fold]) -> list[bytes]:
        """The system prompts, said before the first turn."""
        fold = next(fold for fold in folds if fold.base == self.start and fold.messages)
        told = [message_of(chunk) for chunk in fold.messages[: self.stop - self.start]]
        return [encode_chunk(structs.replace(message, turn=0)) for message in told]

    def moved(self, step: bytes) -> bytes:
        """A step that refers to messages by their places on the line."""
        found = step_of(step)
        view: list[tuple[int, int]] = []
        for entry in found.messages:
            if len(entry) == 1:
                append(view, *alone(-1 - entry[0]))
                continue
            for start, stop in self._parts(*entry):
                append(view, start, stop)
        found.messages = line_step(view)
        return encode_chunk(found)

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Where messages [start, stop) stand on the line: those before the prompts, the prompts, those behind."""
        parts = (0, self.start, self.stop - self.start), (self.start, self.stop, -self.start), (self.stop, stop, 0)
        for low, high, shift in parts:
            if max(start, low) < min(stop, high):
                yield max(start, low) + shift, min(stop, high) + shift


def find_lead(folds: Sequence[Fold]) -> Lead | None:
    """The first system prompts, where nothing stands before them but what users said and nobody answered."""
    for place, fold in enumerate(folds):
        systems = set(fold.news.systems.values())
        if systems:
            stop = next(index for index in range(fold.base, fold.base + len(systems) + 1) if index not in systems)
            resumes = any(entry.resumes for entry in fold.entries)
            leads = 0 < fold.base < stop and not resumes and all(map(_is_unanswered, folds[:place]))
            return Lead(fold.base, stop) if leads else None
        if fold.steps:
            return None
    return None


def _is_unanswered(fold: Fold) -> bool:
    """Whether a trace tells nothing but users' words, and neither waited for a human nor went on after that."""
    if any(entry.status == "interrupted" or entry.resumes for entry in fold.entries):
        return False
    return all(message_of(chunk).role is USER for chunk in fold.messages)
