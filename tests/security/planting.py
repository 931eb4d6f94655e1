"""Canaries, and a simulator that holds them wherever a producer, a server or a person could have put them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support import corpus
from trajworker.simulator import Simulator, SimulatorSettings
from trajworker.simulator.faults import Answer, CutBody, Fault, Reset

API_KEY = "lsv2_pt_canarykey0123456789"
SIGNATURE = "X-Amz-Signature=canarysignature"
PERSON = "canary.person@example.com"
CARD = "4111 1111 1111 1111"
PROVIDER_KEY = "sk-" + "canaryaB3dE6gH9jK2mN5pQ8sT1vW4xY7z"
PERSONAL = (PERSON, CARD, PROVIDER_KEY)
SAYING = f"I am {PERSON}, my card is {CARD}, my key is {PROVIDER_KEY}."
PROJECT = "canaries"
THREAD = "thread-1"
_SIGNED = f"https://bucket.example/object?{SIGNATURE}"
SDK_INGEST = f"""
import sys
from langsmith import Client, traceable
from langsmith.run_helpers import tracing_context
client = Client(api_url=sys.argv[1], api_key={API_KEY!r})
@traceable(run_type="llm", client=client, project_name={PROJECT!r}, tags=[{SAYING!r}], metadata={{"note": {SAYING!r}}})
def ask(messages):
    return {{"choices": [{{"message": {{"role": "assistant", "content": {SAYING!r}}}}}]}}
with tracing_context(enabled=True):
    ask([{{"role": "user", "content": {SAYING!r}}}], langsmith_extra={{"metadata": {{"thread_id": "sdk"}}}})
client.flush()
client.cleanup()
"""


def simulator() -> Simulator:
    """Planted runs, the first recorded producer beside them, and a server that fails in words that repeat secrets."""
    settings = SimulatorSettings(api_keys=(API_KEY,))
    held = Simulator(settings)
    held.add_runs(PROJECT, list(_runs()))
    return held


def add_recorded(held: Simulator) -> None:
    """The runs of one recorded producer, with the canaries in every payload."""
    rows = []
    for row in corpus.runs(corpus.producers()[0]):
        planted = json.loads(json.dumps(row))
        for name in ("inputs", "outputs"):
            if isinstance(planted.get(name), dict):
                planted[name]["canary"] = SAYING
        rows.append(planted)
    held.add_runs(PROJECT, rows)


def ingest_by_sdk(url: str) -> None:
    """A trace written by the real SDK in a process of its own."""
    done = subprocess.run([sys.executable, "-c", SDK_INGEST, url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def provoke(held: Simulator) -> None:
    """Errors of every kind whose texts hold the canaries, before answers come."""
    body = json.dumps({"detail": f"{SAYING} {API_KEY} {_SIGNED}"})
    held.script(
        Fault(path="/*runs/query", nth=(1,), effect=Answer(status=500, body=body)),
        Fault(path="/*runs/query", nth=(2,), effect=Reset()),
        Fault(path="/*runs/query", nth=(3,), effect=Answer(status=200, body=f"<html>{SAYING}{API_KEY}</html>")),
        Fault(path="/*runs/query", nth=(4,), effect=CutBody()),
        Fault(path="/feedback", nth=(1,), effect=Answer(status=503, body=body)),
    )


def _runs() -> Iterator[dict[str, Any]]:
    for number, broken in enumerate((False, False, True), 1):
        run_id = f"00000000-0000-4000-8000-{number:012d}"
        moment = f"2026-01-01T00:0{number}:00"
        yield {
            "id": run_id,
            "trace_id": run_id,
            "dotted_order": moment.replace("-", "").replace(":", "") + "000000Z" + run_id,
            "name": SAYING,
            "run_type": "llm",
            "status": "error" if broken else "success",
            "start_time": moment,
            "end_time": moment if number == 1 else f"2026-01-01T00:0{number}:01",
            "thread_id": THREAD,
            "error": SAYING if broken else None,
            "tags": [SAYING],
            "inputs": {"messages": [{"role": "user", "content": SAYING}]}
            if not broken
            else {"prompts": {"\ud800": SAYING}},
            "outputs": {"choices": [{"message": {"role": "assistant", "content": SAYING}}]},
            "extra": {"metadata": {"user": SAYING}, "invocation_params": {"api_key": PROVIDER_KEY}},
            "events": [{"name": "new_token", "kwargs": {"token": SAYING}}],
            "inputs_preview": SAYING,
            "outputs_preview": SAYING,
            "s3_urls": {"attachment.pic": {"presigned_url": _SIGNED}},
            "inputs_s3_urls": {"ROOT": {"presigned_url": _SIGNED}},
            "outputs_s3_urls": {"ROOT": {"presigned_url": _SIGNED}},
            "feedback_stats": {"score": {"n": 1, "avg": 1.0, "comments": [SAYING]}},
        }


def holding(folder: Path, *canaries: str) -> dict[str, list[str]]:
    """Files below a folder that hold a canary, in plain or as JSON escapes it."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            held = [canary for canary in canaries if canary.encode() in content]
            if held:
                found[path.relative_to(folder).as_posix()] = held
    return found
