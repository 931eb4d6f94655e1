"""Trees that are none: parents that are missing, late, themselves, or fifty thousand deep (rows 35 and 36)."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from matrix.workspace import Workspace, contents, said, settings_for, turn, work
from support.folding import told
from support.published import lines_in
from support.runs import Recorder
from support.scripted_server import scripted
from trajworker.model.run import Run

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LONGEST_S = 10.0


def chat(record: Recorder, text: str, parent: Run | None = None) -> Run:
    """A model call that says something."""
    asked = {"messages": [{"role": "user", "content": f"question {text}"}]}
    answered = {"choices": [{"message": {"role": "assistant", "content": f"answer {text}"}}]}
    return record.run("llm", asked, answered, parent)


def cycles() -> dict[str, list[Run]]:
    """Traces whose parents lead nowhere."""
    record = Recorder()
    root = record.run("chain", {"input": "question x"}, {"output": "answer x"})
    one, two = chat(record, "x", root), record.run("tool", {"q": 1}, {"a": 1}, root)
    return {
        "its own parent": [root, replace(one, parent_run_id=one.id, dotted_order="")],
        "each other's parent": [
            root,
            replace(one, parent_run_id=two.id, dotted_order=""),
            replace(two, parent_run_id=one.id, dotted_order=""),
        ],
        "a parent that is not there": [root, replace(one, parent_run_id="nobody", dotted_order="")],
        "no root at all": [replace(one, trace_id="nobody"), replace(two, trace_id="nobody")],
        "the root its own parent": [replace(root, parent_run_id=root.id), one],
    }


@pytest.mark.parametrize("name", cycles())
def test_a_parent_that_leads_nowhere_costs_no_message(name: str) -> None:
    assert [message.content for message in told(cycles()[name]).messages][:2] == ["question x", "answer x"]


def test_a_chain_of_50_000_parents_is_folded_without_recursion_and_in_linear_time() -> None:
    seconds = {}
    for depth in (5_000, 50_000):
        record = Recorder()
        root = record.run("chain", {"input": "question x"}, {"output": "answer x"})
        chain = [root]
        for _ in range(depth):
            # the dotted order of such a chain would be quadratic: a server cuts it
            chain.append(replace(record.run("chain", None, None, root), parent_run_id=chain[-1].id, dotted_order=""))
        chain.append(replace(chat(record, "x", root), parent_run_id=chain[-1].id, dotted_order=""))
        began = time.perf_counter()
        trajectory = told(chain)
        seconds[depth] = time.perf_counter() - began
        assert [message.content for message in trajectory.messages] == ["question x", "answer x"]
    assert seconds[50_000] <= max(LONGEST_S / 10, 25 * seconds[5_000])


async def test_a_child_three_days_before_its_parent_is_held_and_then_told_once(tmp_path: Path) -> None:
    """The trace has no root yet: its run alone is delivered when asked to, and revised when the parent comes."""
    around = {"inputs": {"input": "question 2"}, "outputs": {"output": "answer 2"}}
    root: dict[str, Any] = turn(1, NOW, "late", run_type="CHAIN", **around)
    child = turn(2, NOW, "late", trace_id=root["id"], parent_run_ids=[root["id"]])
    workspace = Workspace([child], NOW + timedelta(hours=1))
    async with scripted(workspace) as server:
        settings = settings_for(server.url, tmp_path)
        again = replace(settings, intake=replace(settings.intake, lookback=timedelta(days=30)))
        assert (await work(again))[0] == 0
        before = said(tmp_path)
        workspace.fake.rows.append(root)
        workspace.now += timedelta(days=3)
        for _ in range(2):
            assert (await work(again))[0] == 0
    assert before in ([], [("late", 1)])
    assert said(tmp_path)[: len(before)] == before
    *_, last = lines_in(tmp_path / "out")
    assert [content for content in contents(last) if content] == ["question 2", "answer 2"]
    assert len({revision for _, revision in said(tmp_path)}) == len(said(tmp_path)) <= 2
