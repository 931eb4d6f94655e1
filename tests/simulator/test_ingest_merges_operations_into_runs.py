import json
from typing import Any

import msgspec
import pytest

from support import corpus
from trajworker.simulator import Simulator, wire_v1

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
