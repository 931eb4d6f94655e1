"""Recordings of producers that the corpus does not hold: `tests/recorded/<producer>`, in the corpus' own shape."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "recorded"


def producers() -> list[str]:
    """Names of the recorded producers, one folder each."""
    return sorted(path.parent.name for path in FOLDER.glob("*/expected.json"))


def runs(producer: str) -> list[dict[str, Any]]:
    """Runs of a producer as v1 `/runs/query` answers with them."""
    lines = (FOLDER / producer / "runs.jsonl").read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def expected(producer: str) -> dict[str, Any]:
    """What really was said."""
    truth: dict[str, Any] = json.loads((FOLDER / producer / "expected.json").read_text("utf-8"))
    return truth


def project(producer: str) -> tuple[str, str]:
    """Name and id of the project the producer wrote to."""
    names: dict[str, str] = json.loads((FOLDER / producer / "projects.json").read_text("utf-8"))
    ((name, project_id),) = names.items()
    return name, project_id
