"""Golden files: the calls a run is known to make, one per line, so that a diff of the file shows what changed.

The first line says that it is one (`{"golden": 1}`) and which normalisers were at work; each other line is a call.
`parallel` marks a call that was made in the same message as the one before it.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Unpack

import msgspec
from msgspec import Struct

from trajworker.errors import ConfigError, NothingThere, SinkError
from trajworker.folders import replace_whole
from trajworker.matching.calls import Call, CallPath, MalformedCall, read_calls, refuse_malformed
from trajworker.matching.compare import matches
from trajworker.matching.json_values import json_path
from trajworker.matching.markers import MalformedMarker, Unspeakable, read_arguments, written_arguments
from trajworker.matching.normalising import normalised, refuse_unknown
from trajworker.matching.rules import MatchOptions
from trajworker.matching.verdict import Verdict
from trajworker.trajectory.published import translated_errors
from trajworker.trajectory.trajectory import Trajectory

VERSION: Final = 1
COMMITTED_MODE: Final = 0o666
"""Golden files are committed beside the tests: who may read them is told by the umask."""


class MalformedGolden(ConfigError, ValueError):
    """A file that is no golden file, or has a line that is no call; the message says which."""


class Golden(Struct, frozen=True):
    """What a golden file expects, and the names of the normalisers that shaped it."""

    path: CallPath
    normalise: tuple[str, ...] = ()


class _Header(Struct, frozen=True, forbid_unknown_fields=True):
    golden: int
    normalise: tuple[str, ...] = ()


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    arguments: Any
    parallel: bool = False


def write_golden(path: str | os.PathLike[str], recorded: object, normalise: Iterable[str] = ()) -> None:
    """Write the calls of `recorded` (whatever `matches` takes), whole or not at all; folders are made.

    `normalise` only names what was at work; see `normalised`. Arguments None are written as the marker for any.

    Raises:
        MalformedCall: a value that JSON has no word for.
        UnknownNormaliser: a name that stands for none.
        SinkError: the file cannot be written.
    """
    target, text = Path(path), golden_text(recorded, normalise)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(target, text.encode("utf-8", "backslashreplace"), COMMITTED_MODE)
    except OSError as refusal:
        raise SinkError(f"cannot write to {target}: {refusal.strerror or refusal}") from refusal


def golden_text(recorded: object, normalise: Iterable[str] = ()) -> str:
    """The content of a golden file."""
    path = read_calls(recorded)
    names = list(normalise)
    refuse_unknown(names)
    later = {index for turn in path.turns or () for index in turn[1:]}
    lines = [json.dumps({"golden": VERSION} | ({"normalise": names} if names else {}))]
    lines += [_line(call, parallel=call.index in later) for call in path.calls]
    return "\n".join(lines) + "\n"


def read_golden(path: str | os.PathLike[str]) -> Golden:
    """Read a golden file; raises MalformedGolden, and NothingThere, NotReadable or SinkError as `load` does."""
    lines = _content(path).splitlines()
    header = _decoded(lines[0] if lines else b"", _Header, f"{path}: line 1 is no golden header")
    if header.golden != VERSION:
        raise MalformedGolden(f"{path}: golden files of version {header.golden} are unknown, this reads {VERSION}")
    calls: list[Call] = []
    turns: list[tuple[int, ...]] = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        decoded = _decoded(line, _Line, f"{path}: line {number} is no call")
        try:
            call = Call(len(calls), decoded.name, read_arguments(decoded.arguments))
        except (MalformedMarker, RecursionError) as error:
            raise MalformedGolden(f"{path}: line {number}: {error}") from error
        calls.append(call)
        with_last = turns.pop() if decoded.parallel and turns else ()
        turns.append((*with_last, call.index))
    return Golden(CallPath(tuple(calls), tuple(turns), json=True), header.normalise)


def diff_trajectories(
    before: object, after: object, mode: str = "strict", args: str = "exact", **options: Unpack[MatchOptions]
) -> Verdict:
    """What changed from `before` to `after`: each a Trajectory, a Golden, a file of either, or what `matches` takes.

    Where one side is a golden file, the other goes through its normalisers first. Inserted calls are those of `after`.
    """
    old, new = _opened(before), _opened(after)
    names = (*old.normalise, *(name for name in new.normalise if name not in old.normalise))
    return matches(_prepared(new, names), _prepared(old, names), mode, args, **options)


def _prepared(side: Golden, normalise: tuple[str, ...]) -> CallPath:
    return side.path if side.normalise or not normalise else normalised(json_path(side.path), normalise)


def _opened(side: object) -> Golden:
    if isinstance(side, Golden):
        return side
    if not isinstance(side, str | os.PathLike):
        return Golden(read_calls(side))
    content = _content(side)
    if content.lstrip().startswith(b'{"golden"'):
        return read_golden(side)
    stored = _decoded(content, dict[str, Any], f"{os.fspath(side)} is neither a golden file nor a trajectory's map")
    return Golden(read_calls(Trajectory.from_map(stored)))


def _content(path: str | os.PathLike[str]) -> bytes:
    """What a file holds."""
    place = Path(path)
    with translated_errors(place):
        try:
            return place.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            where = f"there is nothing at {place}"
        except IsADirectoryError:
            where = f"{place} is a folder"
    raise NothingThere(f"{where}: name a file")


def _line(call: Call, *, parallel: bool) -> str:
    refuse_malformed(call, "recorded")
    try:
        arguments = json.dumps(written_arguments(call.arguments), ensure_ascii=False, sort_keys=True)
    except Unspeakable as error:
        advice = "pass plain values, or normalise them before"
        raise MalformedCall(f"recorded call {call.index + 1} ({call.name}): {error}; {advice}") from error
    name = json.dumps(str(call.name), ensure_ascii=False)
    beside = ', "parallel": true' if parallel else ""
    return f'{{"name": {name}, "arguments": {arguments}{beside}}}'


def _decoded(line: bytes, kind: Any, complaint: str) -> Any:  # noqa: ANN401 - an instance of `kind`
    try:
        return msgspec.convert(json.loads(line, parse_constant=str), kind)  # as files of old have bare NaN
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise MalformedGolden(f"{complaint}: {error}") from error
