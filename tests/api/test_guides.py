"""Every example of the guide runs, from top to bottom; every public name stands in it and works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import trajworker as tj
from support import recorded
from support.library import PROJECT, conversation, served

GUIDES = Path(tj.__file__).parent / "guides"
LIBRARY = (GUIDES / "library.md").read_text("utf-8")
MATCHING = (GUIDES / "matching.md").read_text("utf-8")


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", LIBRARY, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 9
    (tmp_path / "runs.jsonl").write_bytes((recorded.FOLDER / "lg_multi" / "runs.jsonl").read_bytes())
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a", fillers=1) + conversation("b"))
        monkeypatch.setenv("LANGSMITH_ENDPOINT", url)
        exec(compile("\n".join(blocks), "library.md", "exec"), {"__name__": "library"})  # noqa: S102 - our own guide


def test_every_public_name_is_in_the_guide_and_can_be_had() -> None:
    assert [name for name in tj.__all__ if not re.search(rf"\b{name}\b", LIBRARY)] == []
    assert [name for name in tj.__all__ if getattr(tj, name, None) is None] == []
    assert set(tj.__all__) <= set(dir(tj))
    with pytest.raises(AttributeError, match="no_such_name"):
        tj.no_such_name  # noqa: B018  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import trajworker; print(*sorted(m for m in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["trajworker"]


OUTSIDE = """
import trajworker as tj
from trajworker import aio

client: tj.Client = tj.init(api_key="k", project_id="p")
found: list[tj.Trajectory] = tj.import_conversations(["a"], stage=False, redactor=tj.PiiRedactor())
names: list[str] = [one.conversation_id for one in tj.list_conversations(limit=3)]
content: str | None = found[0].messages[0].content
for one in tj.iter_conversations():
    tj.save(one, "out", format="jsonl")
made = tj.Message(role=tj.Role.ASSISTANT, tool_calls=(tj.ToolCall(name="search", arguments={}),))
tj.Trajectory(messages=(made,), steps=(tj.Step(messages=[made]),))


async def main() -> None:
    async for one in tj.aio.Client(api_key="k", project_id="p").iter_conversations():
        turns: int | None = one.task.num_turns
        print(turns)
"""
EXAMPLES = [
    block
    for block in re.findall(r"^```python\n(.*?)^```$", MATCHING, re.MULTILINE | re.DOTALL)
    if "def test_" not in block
]
WRONG = "import trajworker as tj\nfound: int = tj.import_conversations()\ntj.save([], 'out', format='csv')\n"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_mypy_sees_the_types_from_outside(tmp_path: Path) -> None:
    pytest.importorskip("mypy")

    def checked(script: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "outside.py").write_text(script, "utf-8")
        command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "outside.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    right, wrong, guide = checked(OUTSIDE), checked(WRONG), checked("\n".join(EXAMPLES))
    assert right.returncode == 0, right.stdout
    assert guide.returncode == 0, guide.stdout
    assert wrong.stdout.count("error:") == 2, wrong.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_pyright_sees_the_types_from_outside(tmp_path: Path) -> None:
    pytest.importorskip("pyright")
    (tmp_path / "outside.py").write_text(OUTSIDE, "utf-8")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "outside.py"]
    try:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200)
    except subprocess.TimeoutExpired:
        pytest.skip("pyright cannot be started here")
    if "error" in done.stderr.lower() and "outside.py" not in done.stdout:
        pytest.skip("pyright cannot be started here")
    assert done.returncode == 0, done.stdout
