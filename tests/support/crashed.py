"""Processes that end in the midst of their work, and what the next one makes of what they left."""

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support.emitting import emit
from support.published import lines_in
from trajworker.ports import Compression, PartState
from trajworker.sinks import JsonlSettings, JsonlSink, open_sink, publishing, verify
from trajworker.staging import Staging

ALL = [[name, 1] for name in "abcdef"]


class Crash(Exception):
    """The process ended here."""


@asynccontextmanager
async def dying(staging: Staging, out: Path, compression: Compression = Compression.NONE) -> AsyncIterator[JsonlSink]:
    """A sink whose process dies at the end of the block: it is closed without a word to the ledger."""
    with contextlib.suppress(Crash):
        async with open_sink(staging, JsonlSettings(out=out, compress=compression)) as sink:
            yield sink
            raise Crash


async def restart(staging: Staging, out: Path, **settings: object) -> list[Any]:
    """Start again, emit what is due, publish; returns what a consumer reads."""
    async with open_sink(staging, JsonlSettings(out=out, **settings)) as sink:  # type: ignore[arg-type]
        await emit(staging, sink)
        await sink.publish_all()
    assert verify(out).problems == ()
    return list(lines_in(out))


async def sealed(
    staging: Staging, out: Path, compression: Compression, monkeypatch: pytest.MonkeyPatch, *, emitted: bool = False
) -> None:
    """Die between the sealed row and the rename."""

    def die(*_: object) -> None:
        raise Crash

    monkeypatch.setattr(publishing, "place", die)
    async with open_sink(staging, JsonlSettings(out=out, compress=compression)) as sink:
        if not emitted:
            await emit(staging, sink)
        with pytest.raises(Crash):
            await sink.publish_all()
    monkeypatch.undo()
    part = (await staging.parts())[0]
    assert part.state is PartState.SEALED


class Failing:
    """A ledger that dies at its n-th call, before or after its effect."""

    def __init__(self, ledger: Staging, number: int, *, after: bool) -> None:
        self._ledger = ledger
        self.left = number
        self._after = after

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._ledger, name)

        async def call(*arguments: object) -> object:
            self.left -= 1
            if self.left == 0 and not self._after:
                raise Crash
            result = await method(*arguments)
            if self.left == 0:
                raise Crash
            return result

        return call
