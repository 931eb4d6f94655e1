import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support import corpus
from trajworker.simulator import LoadError, Simulator, serve

COMMAND = [sys.executable, "-m", "trajworker", "simulate", "--port", "0"]


@pytest.mark.slow
def test_the_command_serves_folders_until_it_is_told_to_stop(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k\n")
    arguments = ["--load", str(corpus.CORPUS), "--mode", "v2", "--key-file", str(tmp_path / "key")]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/api/v1/sessions", headers={"x-api-key": "other"}).status_code in (401, 403)
        projects = httpx.get(f"{url}/api/v1/sessions", headers={"x-api-key": "k"}).json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert len(projects) == len(corpus.producers())


def test_a_line_that_is_no_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs.jsonl").write_text('{"id": "a", "start_time": "2026-01-01T00:00:00"}\n{"id": 3}\n')
    with pytest.raises(LoadError, match=r"runs\.jsonl:2: not a run in v1 shape: .*\$\.id"):
        Simulator().load(tmp_path)


async def test_lone_surrogates_are_served_as_they_were_recorded(tmp_path: Path) -> None:
    odd = '"inputs": {"x": "\\ud800"}, "error": "\\udfff!", "tags": ["\\ud800"]'
    (tmp_path / "runs.jsonl").write_text('{"id": "a", "start_time": "2026-01-01T00:00:00", ' + odd + "}")
    simulator = Simulator()
    simulator.load(tmp_path)
    simulator.intake.post(
        {"id": "b", "start_time": "2026-01-01T00:00:00", "inputs": {"x": "\ud800"}, "error": "\udfff!"}
    )
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        body = {"id": ["a", "b"], "select": ["inputs", "error", "inputs_preview"]}
        rows = (await client.post("/runs/query", json=body)).json()["runs"]
    assert [(row["inputs"], row["error"]) for row in rows] == [({"x": "\ud800"}, "?!")] * 2
