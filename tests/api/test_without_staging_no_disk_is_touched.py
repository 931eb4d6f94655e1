"""`stage=False`: a process that may not write anywhere imports all the same, and nothing is written anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import corpus
from support.library import PROJECT, conversation, served

SCRIPT = """
import os, sys
import trajworker as tj
from trajworker.api import blocking, bulk, pool  # imports are not what is looked at
import aiosqlite, anyio._backends._asyncio, duckdb, pyarrow, trajworker.wiring, trajworker.sources.files.parquet

touched = []
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def look(event, args):
    if event == "open" and isinstance(args[2], int) and args[2] & WRITING and args[0] != os.devnull:
        touched.append((event, str(args[0])))
    elif event in ("os.mkdir", "os.rename", "os.link", "tempfile.mkdtemp", "tempfile.mkstemp", "shutil.move"):
        touched.append((event, str(args[0])))
    elif event == "sqlite3.connect" and args[0] not in (":memory:",):
        touched.append((event, str(args[0])))

sys.addaudithook(look)
tj.init(api_key="k", project_id="support-bot")
assert len(tj.import_conversations(["a"], stage=False)) == 1
assert len(tj.import_conversations(stage=False, redactor=tj.PiiRedactor())) == 2
assert len(list(tj.iter_conversations(stage=False))) == 2
for source in sys.argv[1:]:
    assert len(tj.import_conversations(bulk=True, source=source, stage=False)) > 0, source
    assert len(tj.import_conversations(bulk=True, source=source, stage=False, redactor=tj.PiiRedactor())) > 0, source
print(touched)
"""


def test_nothing_is_opened_for_writing_and_no_folder_changes(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    sources = [corpus.require() / "lg_graph" / "runs.jsonl"]
    places = {name: tmp_path / name for name in ("home", "cwd", "temporary")}
    for place in places.values():
        place.mkdir()
        place.chmod(0o500)
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a") + conversation("b"))
        environ = {**os.environ, "LANGSMITH_ENDPOINT": url, "HOME": str(places["home"])}
        environ |= {"TMPDIR": str(places["temporary"]), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, sources)],
            cwd=places["cwd"], env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert [list(place.iterdir()) for place in places.values()] == [[], [], []]
