"""From a full part to a file that may be consumed: steps 5 to 8 of reliability.md 2.4, whose order is the contract.

5 sealed row (length and hash of the bytes to be published) 6 rename, sync the folder 7 published row 8 manifest.
Each step may be the last one before a crash: `recovery` goes on from there. Each may also fail because a disk is full,
and can be taken again, whatever it did before it failed.
"""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import to_thread
from msgspec import structs

from trajworker.errors import OutputDamaged
from trajworker.events import Observer, PartPublished
from trajworker.ports import Compression, Part, PartLedger, PartState
from trajworker.sinks.compression import hash_file, pack
from trajworker.sinks.folder import ADVICE, Folder
from trajworker.sinks.manifest import hash_of, manifest_of
from trajworker.sinks.naming import compression_of, final_name, manifest_name, part_name

P = ParamSpec("P")
T = TypeVar("T")


async def blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a worker thread and wait for its end, whatever is cancelled."""
    return await to_thread.run_sync(partial(function, *args, **kwargs), abandon_on_cancel=False)


class Publisher:
    """Seals and publishes the parts of a folder, in the order of their numbers, which is that of the chain."""

    def __init__(self, folder: Folder, ledger: PartLedger, compression: Compression, observer: Observer) -> None:
        self._folder = folder
        self._ledger = ledger
        self._compression = compression
        self._observe = observer
        self.previous: bytes | None = None
        """Hash of the newest manifest, with which the next one begins."""

    async def end(self, part: Part) -> Part:
        """Step 5 for a part that grows no more: seal it, or make its number void where nothing was committed on it."""
        return await (self.seal(part) if part.lines else self.void(part))

    async def seal(self, part: Part) -> Part:
        """Step 5: fix the bytes to be published."""
        packed = await blocking(pack, self._folder, part, self._compression)
        sealed = structs.replace(
            part,
            state=PartState.SEALED,
            name=final_name(part.stream, part.seq, self._compression),
            size_bytes=packed.size_bytes,
            sha256=packed.sha256,
        )
        await self._ledger.put(sealed)
        return sealed

    async def void(self, part: Part) -> Part:
        """Step 5 for a number that will never have a file, but stands in the chain."""
        await self._ledger.make_void(part.seq)
        return structs.replace(part, state=PartState.VOID)

    async def publish(self, part: Part) -> None:
        """Steps 6 to 8 for a part that is sealed, or void; to be called again until it returns, before any other."""
        name, void = final_of(part), part.state is PartState.VOID
        await blocking(unplace if void else place, self._folder, part)
        content = manifest_of(part, name, self.previous)
        state = PartState.VOID if void else PartState.PUBLISHED
        await self._ledger.put(structs.replace(part, state=state, manifest=hash_of(content)))
        await blocking(self._folder.put, manifest_name(name), content)
        self.previous = hash_of(content)

    def observe_published(self, part: Part) -> None:
        """Say that a part was published; apart from that, since nothing is to be repeated when who listens fails."""
        if part.state is not PartState.VOID:
            name, digits = final_of(part), (part.sha256 or b"").hex()
            self._observe(PartPublished(name=name, lines=part.lines, size_bytes=part.size_bytes or 0, sha256=digits))


def final_of(part: Part) -> str:
    """Name under which a part is (or would be) published."""
    return part.name or final_name(part.stream, part.seq)


def place(folder: Folder, part: Part) -> None:
    """Step 6: the final name, durably; what the part was made of goes. Raises `OutputDamaged` where it is gone."""
    name = final_of(part)
    waiting = part_name(part.seq, compression_of(name))
    if folder.size(waiting) is not None:
        if folder.size(name) is not None and folder.same(waiting, name):
            folder.unlink(waiting)  # a rename without renameat2 was cut in half
        else:
            folder.rename(waiting, name)
    elif folder.size(name) is None:
        raise OutputDamaged(f"{folder.path / name} is gone before it was published; {ADVICE}")
    folder.unlink(part_name(part.seq))
    folder.sync()


def unplace(folder: Folder, part: Part) -> None:
    """Step 6 for a void number: the part on which nothing was committed goes."""
    folder.unlink(part_name(part.seq))


def check_sealed(folder: Folder, part: Part) -> None:
    """Raise `OutputDamaged` where neither the part nor the final file has the bytes that were sealed."""
    name = final_of(part)
    waiting = part_name(part.seq, compression_of(name))
    present = waiting if folder.size(waiting) is not None else name
    if folder.size(present) is None:
        raise OutputDamaged(f"{folder.path / name} is gone before it was published; {ADVICE}")
    packed = hash_file(folder, present)
    if (packed.size_bytes, packed.sha256) != (part.size_bytes, part.sha256):
        raise OutputDamaged(f"{folder.path / present} was altered before it was published; {ADVICE}")
