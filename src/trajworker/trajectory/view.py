"""What an agent saw at a step: a view on the messages of its conversation, so that steps repeat none."""

from collections.abc import Iterator, Sequence
from typing import overload

from trajworker.model.message import Message


class MessageView(Sequence[Message]):
    """What an agent saw: ranges of one shared message tuple read as a list; equal to any sequence of equal messages."""

    __slots__ = ("_history", "ranges")

    def __init__(self, history: Sequence[Message], ranges: tuple[tuple[int, int], ...]) -> None:
        self._history = history
        self.ranges = ranges

    @property
    def history(self) -> Sequence[Message]:
        """The messages that `ranges` count in."""
        return self._history

    def reads(self, history: Sequence[Message]) -> bool:
        """Whether this view is one on `history`, the same messages in the same places."""
        return self._history is history or self._history == history

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.ranges)

    def __iter__(self) -> Iterator[Message]:
        for start, stop in self.ranges:
            yield from self._history[start:stop]

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        if isinstance(index, slice):
            return list(self)[index]
        position = index + len(self) if index < 0 else index
        for start, stop in self.ranges:
            if 0 <= position < stop - start:
                return self._history[start + position]
            position -= stop - start
        raise IndexError(index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # equal to a list of the same messages, and as little a key

    def __repr__(self) -> str:
        return f"<{len(self)} messages>"
