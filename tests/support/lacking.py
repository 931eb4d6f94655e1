"""A disk without room, at one step of publishing: the call that needs some fails once, as the system lets it fail."""

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from trajworker.errors import StagingFull
from trajworker.ports import Compression, Part, PartState
from trajworker.sinks import compression, folder
from trajworker.sinks.folder import Folder
from trajworker.staging import Staging


class Step(Struct, frozen=True):
    """A call that needs room: the function, and whether this call of it is the one that finds none.

    `before` is what it still does before it fails.
    """

    owner: Any
    name: str
    is_meant: Callable[..., bool]
    before: Callable[..., object] = lambda *_, **__: None
    only: tuple[Compression, ...] = tuple(Compression)
    without: str | None = None
    """A function of `folder` that this system does not have."""
    shown: bool = False
    """Whether the manifest has its name already when it fails."""


class Fault:
    """A step that fails while `times` is above 0."""

    def __init__(self, step: Step, times: int = 1) -> None:
        self.times = times
        self.failed = 0
        self._step = step

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        """Let the step fail from now on."""
        honest = getattr(self._step.owner, self._step.name)

        def call(*arguments: Any, **more: Any) -> Any:
            if self.times and self._step.is_meant(*arguments, **more):
                self.times -= 1
                self.failed += 1
                self._step.before(*arguments, **more)
                raise _error(self._step.owner)
            return honest(*arguments, **more)

        patch.setattr(self._step.owner, self._step.name, call)
        if self._step.without:
            patch.setattr(folder, self._step.without, lambda *_: False)


def _error(owner: object) -> Exception:
    return StagingFull("full") if owner is Staging else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _row(state: PartState) -> Callable[..., bool]:
    def is_meant(_: Staging, part: Part) -> bool:
        return part.state is state

    return is_meant


def _named(*ends: str) -> Callable[..., bool]:
    """Whether the last name that is told ends so."""
    return lambda *arguments, **_: str(arguments[-1]).endswith(ends)


def _linked(end: str) -> Callable[..., bool]:
    """Whether a name is to go that ends so and has become another one already."""

    def is_meant(name: object, *, dir_fd: int | None = None) -> bool:
        try:
            return str(name).endswith(end) and os.stat(str(name), dir_fd=dir_fd).st_nlink > 1
        except FileNotFoundError:
            return False

    return is_meant


def _half(descriptor: int, content: bytes | memoryview, offset: int) -> None:
    os.pwrite(descriptor, content[: len(content) // 2], offset)


PACKED = (Compression.GZ, Compression.ZST)
FINAL = (".jsonl", ".jsonl.gz", ".jsonl.zst")

SEALING = {
    "the packed file is made": Step(Folder, "create", _named(".gz.part", ".zst.part"), only=PACKED),
    "the packed file is written": Step(compression, "write_all", lambda *_: True, before=_half, only=PACKED),
    "the sealed row": Step(Staging, "put", _row(PartState.SEALED)),
}
PLACING = {
    "the final name": Step(Folder, "rename", _named(*FINAL)),
    "the second half of a final name": Step(os, "unlink", _linked(".part"), without="_rename_noreplace"),
    "the part goes that was packed": Step(Folder, "unlink", _named(".jsonl.part"), only=PACKED),
    "the published row": Step(Staging, "put", _row(PartState.PUBLISHED)),
}
TELLING = {
    "the manifest is made": Step(Folder, "create", _named(".scratch")),
    "the manifest is written": Step(folder, "write_all", lambda *_: True, before=_half),
    "the name of the manifest": Step(Folder, "rename", _named(".manifest.json")),
    "the second half of that name": Step(os, "unlink", _linked(".scratch"), without="_rename_noreplace", shown=True),
}
VOIDING = {
    "the number becomes void": Step(Staging, "make_void", lambda *_: True),
    "its empty part goes": Step(Folder, "unlink", _named(".jsonl.part")),
    "the void row": Step(Staging, "put", _row(PartState.VOID)),
}
PUBLISHING = SEALING | PLACING | TELLING


def cases(steps: dict[str, Step]) -> list[Any]:
    """Each step with each compression in which it is taken."""
    return [
        pytest.param(step, packed, id=f"{name}, {packed}")
        for name, step in steps.items()
        for packed in (Compression.NONE, Compression.GZ)
        if packed in step.only
    ]
