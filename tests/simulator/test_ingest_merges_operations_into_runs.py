import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import zstandard

from support import corpus
from trajworker.simulator import Simulator, SimulatorSettings, serve, wire_v1
from trajworker.simulator.problems import Refusal

DERIVED_HERE = {
    "session_id": "the recording server chose other project ids",
    "app_path": "holds the project id",
    "extra": "the server adds ls_run_depth; compared apart",
    "trace_first_received_at": "the moment of the test",
    "s3_urls": "compared apart",
    "serialized": "the recording server kept manifests apart",
}


def operations(producer: str) -> list[dict[str, Any]]:
    lines = (corpus.CORPUS / producer / "raw.jsonl").read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def ingest(simulator: Simulator, operation: dict[str, Any]) -> None:
    if operation["op"] == "attachment":
        simulator.intake.attach(operation["run_id"], operation["name"], operation["mime_type"], b"")
    elif operation["op"] == "post":
        simulator.intake.post(operation["run"])
    else:
        simulator.intake.patch(operation["run"])


def rows(simulator: Simulator) -> dict[str, dict[str, Any]]:
    store = simulator.state.store
    runs = [entry.latest for entry in store.entries.values() if entry.latest is not None]
    select = (*wire_v1.DEFAULT_SELECT, "inputs_preview", "outputs_preview", "s3_urls")
    return {row["id"]: row for row in json.loads(msgspec.json.encode(wire_v1.rows(store, runs, select, "t")))}


def assert_same(seen: dict[str, dict[str, Any]], producer: str) -> None:
    recorded = {run["id"]: run for run in corpus.runs(producer)}
    assert seen.keys() == recorded.keys()
    for run_id, row in seen.items():
        truth = recorded[run_id]
        for key in row.keys() & truth.keys() - DERIVED_HERE.keys():
            assert row[key] == truth[key], f"{truth['name']} {run_id}: {key}"
        extra, true_extra = row["extra"], truth["extra"]
        assert extra["metadata"].pop("ls_run_depth") == len(truth["parent_run_ids"])
        true_extra.setdefault("metadata", {})
        assert extra == true_extra
        assert (row["s3_urls"] is None) == (truth["s3_urls"] is None)


@pytest.mark.parametrize("producer", corpus.producers())
def test_recorded_operations_give_the_recorded_runs(producer: str) -> None:
    simulator = Simulator()
    for operation in operations(producer):
        ingest(simulator, operation)
    assert_same(rows(simulator), producer)


@pytest.mark.parametrize("producer", corpus.producers())
def test_operations_in_reverse_and_twice_give_the_same_runs(producer: str) -> None:
    simulator = Simulator()
    for operation in [*reversed(operations(producer)), *operations(producer)]:
        ingest(simulator, operation)
    assert_same(rows(simulator), producer)


ROOT = "00000000-0000-4000-8000-000000000001"
CHILD = "00000000-0000-4000-8000-000000000002"
ROOT_ORDER = f"20260105T100000000000Z{ROOT}"
ROOT_RUN: dict[str, Any] = {
    "id": ROOT,
    "trace_id": ROOT,
    "dotted_order": ROOT_ORDER,
    "name": "agent",
    "run_type": "chain",
    "session_name": "p",
}


def visible(simulator: Simulator, run_id: str = ROOT) -> Any:
    run = simulator.state.visible(run_id)
    assert run is not None
    return run


def test_status_follows_from_error_and_end() -> None:
    simulator = Simulator()
    simulator.intake.post(ROOT_RUN)
    assert visible(simulator).status == "pending"
    simulator.intake.patch({"id": ROOT, "end_time": "2026-01-05T10:00:01Z"})
    assert visible(simulator).status == "success"
    simulator.intake.patch({"id": ROOT, "error": "Boom"})
    assert visible(simulator).status == "error"


def test_null_and_blank_overwrite_nothing() -> None:
    simulator = Simulator()
    simulator.intake.post(ROOT_RUN | {"inputs": {"a": 1}, "outputs": {"b": 2}, "tags": ["x"]})
    simulator.intake.patch({"id": ROOT, "name": None, "inputs": {}, "outputs": None, "tags": []})
    run = visible(simulator)
    assert (run.name, bytes(run.inputs), bytes(run.outputs), run.tags) == ("agent", b'{"a":1}', b'{"b":2}', ["x"])


def test_a_patch_without_a_run_waits_for_its_post() -> None:
    simulator = Simulator()
    simulator.intake.patch({"id": ROOT, "outputs": {"b": 2}, "end_time": "2026-01-05T10:00:01Z"})
    assert simulator.state.visible(ROOT) is None
    simulator.intake.post(ROOT_RUN | {"outputs": {}})
    assert (visible(simulator).status, bytes(visible(simulator).outputs)) == ("success", b'{"b":2}')


def test_a_patch_that_names_no_project_gives_way_to_the_post_that_does() -> None:
    simulator = Simulator()
    simulator.intake.patch({"id": ROOT, "trace_id": ROOT, "dotted_order": ROOT_ORDER, "outputs": {"b": 2}})
    simulator.intake.post(ROOT_RUN)
    project = simulator.state.store.find_project("p")
    assert project is not None
    assert visible(simulator).session_id == project.id


def test_a_patch_of_a_loaded_run_changes_only_what_it_tells() -> None:
    simulator = Simulator()
    producer = "wrap_openai_chat"
    simulator.load(corpus.CORPUS / producer)
    recorded = next(run for run in corpus.runs(producer) if run["run_type"] == "llm" and run["parent_run_id"])
    simulator.intake.patch({"id": recorded["id"], "error": "late"})
    run = visible(simulator, recorded["id"])
    assert (run.status, json.loads(bytes(run.outputs)), run.total_tokens) == (
        "error",
        recorded["outputs"],
        recorded["total_tokens"],
    )
    root = next(run for run in corpus.runs(producer) if run["id"] == recorded["trace_id"])
    assert visible(simulator, root["id"]).total_tokens == root["total_tokens"]


def test_a_lone_post_gets_its_trace_from_its_parent() -> None:
    simulator = Simulator()
    simulator.intake.post(ROOT_RUN)
    simulator.intake.post({"id": CHILD, "parent_run_id": ROOT, "start_time": "2026-01-05T10:00:01Z", "name": "c"})
    run = visible(simulator, CHILD)
    assert (run.trace_id, run.dotted_order) == (ROOT, f"{ROOT_ORDER}.20260105T100001000000Z{CHILD}")
    assert run.metadata()["ls_run_depth"] == 1


@pytest.mark.parametrize("keys", [("session_id", "thread_id"), ("thread_id", "session_id")])
def test_the_precedence_of_thread_keys_is_a_setting(keys: tuple[str, ...]) -> None:
    simulator = Simulator(SimulatorSettings(thread_keys=keys))
    simulator.intake.post(ROOT_RUN | {"extra": {"metadata": {"thread_id": "thread_id", "session_id": "session_id"}}})
    assert visible(simulator).thread_id == keys[0]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"trace_id": CHILD}, 400, "does not match first part of dotted_order"),
        ({"dotted_order": f"20260105T100000000000Z{CHILD}", "trace_id": CHILD}, 400, "last part"),
        ({"dotted_order": f"20270105T100000000000Z{ROOT}.20260105T100000000000Z{ROOT}"}, 400, "before its parent"),
        ({"session_id": CHILD}, 404, "not found"),
        ({"id": None}, 422, "id is required"),
        ({"start_time": "yesterday"}, 422, "not a time"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any], status: int, words: str) -> None:
    simulator = Simulator()
    with pytest.raises(Refusal, match=words) as refused:
        simulator.intake.post(ROOT_RUN | fields)
    assert refused.value.status == status
    assert refused.value.body is not None
    assert refused.value.body.keys() == {"error", "details"}
    assert not simulator.state.store.entries


def test_a_refused_operation_leaves_no_trace_for_the_next() -> None:
    simulator = Simulator()
    with pytest.raises(Refusal):
        simulator.intake.post(ROOT_RUN | {"start_time": "yesterday"})
    simulator.intake.patch({"id": ROOT, "dotted_order": ROOT_ORDER, "name": "again"})
    assert visible(simulator).name == "again"


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
async def test_multipart_arrives_packed_and_in_chunks(encoding: str) -> None:
    parts = {
        f"post.{ROOT}": json.dumps(ROOT_RUN).encode(),
        f"post.{ROOT}.inputs": b'{"q":"\\ud83d\\ude00"}',
        f"patch.{ROOT}": json.dumps(ROOT_RUN | {"end_time": "2026-01-05T10:00:01Z"}).encode(),
        f"patch.{ROOT}.outputs": b'{"a":1}',
        f"attachment.{ROOT}.pic.png": b"\x89PNG\r\n--not-the-boundary",
        f"feedback.{CHILD}": json.dumps({"id": CHILD, "run_id": ROOT, "key": "k", "score": 1}).encode(),
    }
    pieces = [
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: application/json\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data in parts.items()
    ]
    body = b"".join(pieces) + b"--B--\r\n"
    packed = {
        "gzip": gzip.compress(body),
        "zstd": zstandard.ZstdCompressor().compress(body),
        "identity": body,
    }[encoding]

    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(packed), 50):
            yield packed[begin : begin + 50]

    simulator = Simulator()
    headers = {"content-type": "multipart/form-data; boundary=B", "content-encoding": encoding}
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/runs/multipart", content=chunks(), headers=headers)
        picture = await client.get(f"/_attachments/{ROOT}/pic.png")
        read = (await client.get(f"/api/v1/runs/{ROOT}")).json()
    assert answer.status_code == 202
    assert picture.content == parts[f"attachment.{ROOT}.pic.png"]
    assert (read["status"], read["inputs"], read["outputs"]) == ("success", {"q": "\U0001f600"}, {"a": 1})
    assert read["feedback_stats"]["k"]["n"] == 1
    assert "attachment.pic.png" in read["s3_urls"]


@pytest.mark.parametrize(
    ("path", "content", "headers"),
    [
        ("/runs/batch", b'{"post": [{"id": "x"}]}', {}),
        ("/runs/batch", b"not json", {}),
        ("/runs/multipart", b"--B\r\n\r\n", {"content-type": "multipart/form-data; boundary=B"}),
        ("/runs/multipart", b"{}", {}),
        ("/runs", b"\x1f\x8bbroken", {"content-encoding": "gzip"}),
        ("/runs", b"x", {"content-encoding": "br"}),
    ],
)
async def test_bodies_that_cannot_be_read_are_refused_in_ingest_words(
    path: str, content: bytes, headers: dict[str, str]
) -> None:
    async with serve(Simulator()) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.post(path, content=content, headers=headers)
    assert answer.status_code in (400, 415, 422)
    assert answer.json().keys() == {"error", "details"}
