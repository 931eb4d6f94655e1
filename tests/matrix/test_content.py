"""Contents and ids that break others: duplicate keys, line ends that are none, ids that would be paths (rows 77-84)."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.workspace import Workspace, contents, said, settings_for, turn, work
from support.published import files_in, lines_in
from support.scripted_server import Received, Reply, json_reply, reply, scripted
from trajworker import save
from trajworker.config.choices import Compression
from trajworker.trajectory.line import load

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOSTILE_IDS = {
    "up": "../../escaped",
    "absolute": "/etc/trajworker-escaped",
    "nul": "nul\0inside",
    "long": "x" * 4000,
    "newline": 'two\nlines\r\n{"task":{}}',
    "separators": "a\u2028b\u2029c\u0085d",
    "option": "-rf",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "upper": "CASE",
    "lower": "case",
    "blank": " ",
    "dots": "..",
    "quotes": '"); or(eq(id, "',
    "manifest": "trajectories-0000000001.jsonl.manifest.json",
    "surrogate": "half \ud800 pair",
    "escape": "\x1b[2J\x1b]0;owned\x07",
}


async def delivered(tmp_path: Path, answer: Callable[[Received], Reply], compress: Compression) -> int:
    async with scripted(answer) as server:
        settings = settings_for(server.url, tmp_path)
        return (await work(replace(settings, sink=replace(settings.sink, compress=compress))))[0]


@pytest.mark.parametrize("compress", [Compression.NONE, Compression.ZST])
async def test_ids_are_kept_as_they_are_and_never_become_paths(tmp_path: Path, compress: Compression) -> None:
    folder = tmp_path / "deep" / "within"
    folder.mkdir(parents=True)
    rows = [turn(number, NOW, thread) for number, thread in enumerate(HOSTILE_IDS.values(), 1)]
    assert await delivered(folder, Workspace(rows, NOW + timedelta(hours=1)), compress) == 0
    ids = sorted(name for name, _ in said(folder))
    assert ids == sorted(id_.replace("\ud800", "\ufffd") for id_ in HOSTILE_IDS.values())
    assert sorted(path.name for path in folder.iterdir()) == ["out", "staging"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(
        name for file in files_in(folder / "out") for name in (file.name, f"{file.name}.manifest.json")
    )
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert not (tmp_path / "escaped").exists()


async def test_saved_documents_of_hostile_ids_stay_within_their_folder_and_apart(tmp_path: Path) -> None:
    rows = [turn(number, NOW, thread) for number, thread in enumerate(HOSTILE_IDS.values(), 1)]
    await delivered(tmp_path, Workspace(rows, NOW + timedelta(hours=1)), Compression.NONE)
    target = tmp_path / "deep" / "saved"
    trajectories = list(load(tmp_path / "out"))
    save(trajectories, target)
    files = [path for path in tmp_path.rglob("*.json") if not path.name.endswith(".manifest.json")]
    assert {path.parent for path in files} == {target}
    assert len(files) == len(HOSTILE_IDS)
    assert sorted(one.task.conversation_id or "" for one in load(target)) == sorted(
        one.task.conversation_id or "" for one in trajectories
    )


async def test_only_a_line_feed_ends_a_record(tmp_path: Path) -> None:
    said_text = "one\u2028two\u2029three\u0085four\rfive\x0bsix\x0cseven\x1ceight\nnine\0ten"
    rows = [turn(number, NOW, f"t{number}", error=said_text) for number in (1, 2)]
    for row in rows:
        row["inputs"]["messages"][0]["content"] = said_text
    assert await delivered(tmp_path, Workspace(rows, NOW + timedelta(hours=1)), Compression.NONE) == 0
    (file,) = files_in(tmp_path / "out")
    assert len(file.read_text("utf-8").splitlines()) == 2
    assert [contents(line)[0] for line in lines_in(tmp_path / "out")] == [said_text, said_text]


ODD_PAYLOADS = {
    "duplicate keys": b'{"messages":[{"role":"user","content":"first"}],"messages":[{"role":"user","content":"last"}]}',
    "an integer beyond all bounds": b'{"messages":[{"role":"user","content":"%s"}],"n":%s}' % (b"big", b"9" * 5000),
    "NaN": b'{"messages":[{"role":"user","content":"nan"}],"t":NaN,"u":1e999}',
    "a list where an object belongs": b'[{"role":"user","content":"list"}]',
    "null": b"null",
    "a number": b"7",
    "deep": b'{"messages":[{"role":"user","content":"deep"}],"d":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "surrogate": b'{"messages":[{"role":"user","content":"half \\ud800"}]}',
    "not utf-8": b'{"messages":[{"role":"user","content":"\xff\xfe"}]}',
}


async def test_odd_payloads_cost_no_run_and_no_neighbour(tmp_path: Path) -> None:
    answers = b'"outputs":{"choices":[{"message":{"role":"assistant","content":"answer"}}]}'
    rows = []
    for number, payload in enumerate(ODD_PAYLOADS.values(), 1):
        row = turn(number, NOW, f"t{number}")
        del row["inputs"], row["outputs"]
        rows.append(json.dumps(row).encode()[:-1] + b',"inputs":' + payload + b"," + answers + b"}")
    page = b'{"items":[' + b",".join(rows) + b'],"next_cursor":null}'
    workspace = Workspace([], NOW + timedelta(hours=1))

    def answer(request: Received) -> Reply:
        return reply(page) if request.path.endswith("/runs/query") else workspace(request)

    assert await delivered(tmp_path, answer, Compression.NONE) == 0
    lines = {line["task"]["conversation_id"]: line for line in lines_in(tmp_path / "out")}
    assert len(lines) == len(ODD_PAYLOADS)
    assert all(contents(line)[-1] == "answer" for line in lines.values())
    assert contents(lines["t1"])[0] == "last"


async def test_fields_and_words_of_tomorrow_are_kept_apart_from_faults(tmp_path: Path) -> None:
    """Unknown enum values, new fields, null where an object was (row 44)."""
    at = NOW
    rows = [
        turn(1, at, "enum", run_type="QUANTUM", status="SUCCESS"),
        turn(2, at, "status", status="ARCHIVED"),
        turn(3, at, "field", brand_new={"a": [1]}, extra=None, tags=None, events=None),
        turn(4, at, "figures", total_tokens="many", prompt_token_details=[1], total_cost={"usd": 1}),
    ]
    workspace = Workspace(rows, NOW + timedelta(hours=1))

    def answer(request: Received) -> Reply:
        if "/feedback" in request.path:
            return json_reply([])
        return workspace(request)

    assert await delivered(tmp_path, answer, Compression.NONE) == 0
    assert sorted(said(tmp_path)) == [("enum", 1), ("field", 1), ("figures", 1), ("status", 1)]
