"""Where the recorded runs and their ground truth are: `../shared/corpus` beside the checkout.

They are not part of the repository: in a checkout that stands alone, tests that need them skip and say so.
"""

import json
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"


def require() -> Path:
    """The folder of the recordings; skips the test, or the module, where there is none."""
    if not _FOLDER.is_dir():
        pytest.skip("the recorded corpus does not lie beside this checkout", allow_module_level=True)
    return _FOLDER


def __getattr__(name: str) -> Path:
    """`CORPUS` is the folder of the recordings: whoever asks for it where there is none is skipped."""
    if name == "CORPUS":
        return require()
    raise AttributeError(name)


def producers() -> list[str]:
    """Names of the recorded producers, one folder each."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/expected.json"))


def runs(producer: str) -> list[dict[str, Any]]:
    """Runs of a producer as v1 `/runs/query` answers with them, in the order they were received."""
    lines = (require() / producer / "runs.jsonl").read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def expected(producer: str) -> dict[str, Any]:
    """What really was said: the content of `expected.json`."""
    truth: dict[str, Any] = json.loads((require() / producer / "expected.json").read_text("utf-8"))
    return truth
