"""Trees that are none: parents that are missing, late, themselves, or fifty thousand deep (rows 35 and 36)."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from msgspec.structs import replace

from matrix.workspace import Workspace, contents, said, settings_for, turn, work
from support.folding import told
from support.house import SOURCE
from support.published import lines_in
from support.runs import Recorder
from support.scripted_server import scripted
from trajworker.model.run import Run

NOW = datetime(2026, 11, 1, tzinfo=UTC)


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


def chain(depth: int) -> list[Run]:
    """A trace in which each run is the only child of the one before."""
    record = Recorder()
    root = record.run("chain", {"input": "question x"}, {"output": "answer x"})
    runs = [root]
    for _ in range(depth):
        # the dotted order of such a chain would be quadratic: a server cuts it
        runs.append(replace(record.run("chain", None, None, root), parent_run_id=runs[-1].id, dotted_order=""))
    runs.append(replace(chat(record, "x", root), parent_run_id=runs[-1].id, dotted_order=""))
    return runs


def lines_run(of: Callable[[], object]) -> int:
    """How many lines of the product run: work that counts the same on every machine, however busy."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        nonlocal count
        del argument
        count += event == "line"
        return trace if frame.f_code.co_filename.startswith(str(SOURCE)) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        of()
    finally:
        sys.settrace(before)
    return count


def test_a_chain_of_50_000_parents_is_folded_without_recursion_and_in_linear_time() -> None:
    assert [message.content for message in told(chain(50_000)).messages] == ["question x", "answer x"]
    short, long = chain(300), chain(3_000)
    assert 0 < lines_run(partial(told, long)) <= 10.5 * lines_run(partial(told, short))


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
