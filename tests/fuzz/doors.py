"""Every door through which bytes of strangers come in, as a function that may only refuse in the agreed words.

A door takes bytes. It returns when they were taken in or refused as documented; anything else is raised: that is a bug.
"""

import gzip
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Raw
from msgspec.structs import replace

from support.folding import fold_all
from support.runs import Recorder
from trajworker.assembly import Header, encode_line
from trajworker.config.resolution import Asked, resolve
from trajworker.errors import NotATrajectory
from trajworker.matching.golden import MalformedGolden, golden_text, read_golden
from trajworker.model.run import Run
from trajworker.simulator.filters import FilterSyntaxError, parse
from trajworker.sinks import verify
from trajworker.sources.asking.failure import Failure
from trajworker.sources.asking.inflating import Inflating
from trajworker.sources.wires.reading import NotAPage, read
from trajworker.sources.wires.row import Reader
from trajworker.sources.wires.splitting import Torn
from trajworker.sources.wires.thread_key import ThreadKey
from trajworker.sources.wires.wire import Wire
from trajworker.sources.wires.wire_v1 import WireV1
from trajworker.sources.wires.wire_v2 import WireV2
from trajworker.staging.encoding import pack_run, unpack_run
from trajworker.trajectory import Trajectory
from trajworker.trajectory.line import decode_line, encode_trajectory, load

PROJECT = "4b1f068c-7d6b-5935-9723-e0824319f616"
READER = Reader(PROJECT, ThreadKey())
WIRES: tuple[Wire, ...] = (WireV1(), WireV2())
INFLATED_CAP = 1 << 20
NEIGHBOUR = b'{"id":"n","trace_id":"n","start_time":"2026-01-01T00:00:00Z"}'


def page(content: bytes) -> None:
    """An answer of `runs/query`: runs that can be staged, folded and written, or a refusal of the whole."""
    for wire in WIRES:
        try:
            answer = read(content, wire, READER)
        except (Torn, NotAPage):
            continue
        assert all(one.raw in content for one in answer.unreadable)
        for run in answer.runs:
            _goes_through(run)


def _goes_through(run: Run) -> None:
    body, stats = pack_run(run)
    again = unpack_run(body, stats)
    assert (again.id, again.inputs, again.outputs, again.extra) == (run.id, run.inputs, run.outputs, run.extra)
    _told([[again]])


def _told(traces: list[list[Run]]) -> Trajectory:
    """The line of these traces, read back; every line holds no line feed and survives a second writing."""
    line = b"".join(encode_line(fold_all(traces), Header(conversation_id="c")))
    assert b"\n" not in line
    trajectory = decode_line(line)
    assert encode_trajectory(trajectory) == line
    return trajectory


def run(content: bytes) -> None:
    """One run between two others on a page: it may be set aside, they may not; and no page without it."""
    whole = b'{"items":[' + NEIGHBOUR + b"," + content + b"," + NEIGHBOUR + b'],"next_cursor":"more"}'
    try:
        answer = read(whole, WireV2(), READER)
    except (Torn, NotAPage):
        return
    assert [one.id for one in answer.runs if one.id == "n"][:2] == ["n", "n"]
    for one in answer.runs:
        _goes_through(one)


def payload(content: bytes) -> None:
    """Any JSON as what a producer says, wherever a run has room for it: the turn beside it is never lost."""
    record = Recorder()
    plain = {"messages": [{"role": "user", "content": "before"}]}
    first = record.run("llm", plain, {"choices": [{"message": {"role": "assistant", "content": "after"}}]})
    whole = b'{"items":[{"id":"n","start_time":"2026-01-01T00:00:00Z","inputs":' + content + b"}]}"
    try:
        answer = read(whole, WireV2(), READER)
    except (Torn, NotAPage):
        return
    if len(answer.runs) != 1:
        return
    said = Raw(bytes(answer.runs[0].inputs))
    traces = [[first]]
    for kind in ("llm", "chain", "tool", "retriever"):
        root = record.run(kind, None, None)
        child = record.run("llm", None, None, root)
        traces.append([replace(root, inputs=said, outputs=said, extra=said, events=said), replace(child, inputs=said)])
        traces.append([replace(record.run(kind, plain, None), outputs=said)])
    told = _told(traces)
    assert [message.content for message in told.messages][:2] == ["before", "after"]
    assert len(told.steps) >= 1


def config(content: bytes) -> None:
    """A configuration file: settings, or problems in words."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "trajworker.toml"
        file.write_bytes(content)
        found = resolve(Asked(environ={}, file=file))
        assert all(str(problem) for problem in found.problems)


def filter_text(content: bytes) -> None:
    """A filter of the API's language."""
    try:
        parse(content.decode("utf-8", "surrogateescape"))
    except FilterSyntaxError as refusal:
        assert str(refusal)  # noqa: PT017 - the words are the contract


def line(content: bytes) -> None:
    """A file of trajectories, plain and compressed."""
    with TemporaryDirectory() as folder:
        for name, packed in (
            ("a.jsonl", content),
            ("b.jsonl.gz", content),
            ("c.jsonl.zst", content),
            ("d.json", content),
        ):
            file = Path(folder) / name
            file.write_bytes(packed)
            try:
                for trajectory in load(file):
                    assert decode_line(encode_trajectory(trajectory)) == trajectory
            except NotATrajectory as refusal:
                assert name in str(refusal)  # noqa: PT017 - the words are the contract


def golden(content: bytes) -> None:
    """A golden file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "golden.jsonl"
        file.write_bytes(content)
        try:
            found = read_golden(file)
        except MalformedGolden as refusal:
            assert "golden.jsonl" in str(refusal)  # noqa: PT017 - the words are the contract
            return
        file.write_bytes(golden_text(found.path, found.normalise).encode("utf-8", "backslashreplace"))
        read_golden(file)


def manifest(content: bytes) -> None:
    """A folder of published files of which somebody rewrote a manifest: problems in words, in both readers."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "trajectories-0000000001.jsonl").write_bytes(b"{}\n")
        (folder / "trajectories-0000000001.jsonl.manifest.json").write_bytes(content)
        assert verify(folder).problems != ()
        try:
            list(load(folder))
        except NotATrajectory as refusal:
            assert name in str(refusal)  # noqa: PT017 - the words are the contract


def inflating(content: bytes) -> None:
    """A compressed answer: its content, or what is wrong with it, never more than the cap."""
    for packed in (content, gzip.compress(content)[: len(content)]):
        answer = Inflating("gzip", INFLATED_CAP)
        try:
            for at in range(0, len(packed), 1000):
                answer.feed(packed[at : at + 1000])
            assert len(answer.whole()) <= INFLATED_CAP
        except Failure:
            continue


DOORS: dict[str, Callable[[bytes], None]] = {
    "page": page,
    "run": run,
    "payload": payload,
    "config": config,
    "filter": filter_text,
    "line": line,
    "golden": golden,
    "manifest": manifest,
    "inflating": inflating,
}
