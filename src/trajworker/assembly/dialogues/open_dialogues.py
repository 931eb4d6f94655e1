"""Which dialogues of a trace a call may go on from: few enough to look at each, however many a trace holds."""

from collections.abc import Iterator

from trajworker.assembly.dialogues.groups import Group
from trajworker.assembly.reading.calls import Call
from trajworker.model.message import SYSTEM

NEAR = 32
"""Dialogues a call is compared with in every way, those that were active last; and of others, at most."""


class OpenDialogues:
    """Dialogues in order of their first call; one that fell silent is found by what a call repeats of it."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self._active: dict[int, None] = {}
        """Places of those that are near, the last active one last."""
        self._silent: dict[bytes | str, list[int]] = {}
        """Places of the others, by what a later call may repeat of them."""

    def near(self, call: Call) -> list[Group]:
        """Those that a call may go on from, newest first."""
        if not self._silent or call.prompt.previous is not None:  # no history to know it by, the server has that
            return self.groups[::-1]
        repeated = {place for mark in _marks(call) for place in self._silent.get(mark, ())[-NEAR:]}
        silent = sorted(repeated.difference(self._active))[-NEAR:]
        return [self.groups[place] for place in sorted([*silent, *self._active], reverse=True)]

    def begin(self, call: Call) -> None:
        """Begin a dialogue."""
        self.groups.append(Group(calls=[call], place=len(self.groups)))
        if len(self.groups) > NEAR:
            self._touch(len(self.groups) - 1)

    def go_on(self, home: Group, call: Call) -> None:
        """Go on with one of them."""
        home.calls.append(call)
        if len(self.groups) > NEAR:
            self._touch(home.place)

    def _touch(self, place: int) -> None:
        if not self._active:
            self._active = dict.fromkeys(range(place))
        self._active.pop(place, None)
        self._active[place] = None
        if len(self._active) > NEAR:
            silent = next(iter(self._active))
            del self._active[silent]
            group = self.groups[silent]
            for mark in {mark for call in (group.calls[0], group.calls[-1]) for mark in _marks(call)}:
                self._silent.setdefault(mark, []).append(silent)


def _marks(call: Call) -> Iterator[bytes | str]:
    """What a call and one that goes on from it have in common: a message, the answer, or the id of a tool call."""
    yield call.key
    yield from call.ids
    for draft, key in zip(call.read(), call.digests(), strict=True):
        if draft.role is not SYSTEM:
            yield key
            yield from (made.id for made in draft.tool_calls or () if made.id)
            if draft.tool_response is not None and draft.tool_response.id:
                yield draft.tool_response.id
