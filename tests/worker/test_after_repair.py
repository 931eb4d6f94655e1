"""What a lost file said is said again under its number; what became something else is a new revision."""

from pathlib import Path

import trajworker as tj
from support.staged import a_run
from trajworker.model.run import Run
from trajworker.sinks import repair
from trajworker.staging import open_staging
from worker.workshop import workshop

RUNS = (a_run("one", thread="t"), a_run("two", thread="u"))
MORE = a_run("three", thread="t", at=5)


async def said(folder: Path, *runs: Run) -> list[tuple[str, int]]:
    """Work once; what consumers know then."""
    async with workshop(folder) as shop:
        shop.source.runs = list(runs)
        await shop.work()
        await shop.outlet.close()
    return sorted((one.task.conversation_id, one.revision) for one in tj.load(folder / "out"))


async def lose_the_newest_file(folder: Path) -> None:
    newest = max((folder / "out").glob("trajectories-*.jsonl"))
    newest.write_bytes(b"rubbish")
    async with open_staging(folder / "staging.db") as staging:
        assert len((await repair(folder / "out", staging)).voided) == 1


async def test_only_what_is_still_the_same_is_said_again_under_its_number(tmp_path: Path) -> None:
    assert await said(tmp_path, *RUNS) == [("t", 1), ("u", 1)]
    await lose_the_newest_file(tmp_path)
    assert await said(tmp_path, *RUNS, MORE) == [("t", 2), ("u", 1)]
    assert await said(tmp_path, *RUNS, MORE) == [("t", 2), ("u", 1)], "and once"
    await lose_the_newest_file(tmp_path)
    assert await said(tmp_path, *RUNS, MORE) == [("t", 2), ("u", 1)]


async def test_a_number_is_not_used_again_though_all_files_of_a_conversation_are_lost_one_after_the_other(
    tmp_path: Path,
) -> None:
    await said(tmp_path, RUNS[0])
    await said(tmp_path, RUNS[0], MORE)
    await lose_the_newest_file(tmp_path)
    (tmp_path / "out" / "trajectories-0000000001.jsonl").write_bytes(b"rubbish")
    async with open_staging(tmp_path / "staging.db") as staging:
        await repair(tmp_path / "out", staging)
    assert await said(tmp_path, RUNS[0], MORE) == [("t", 2)]


async def test_what_was_never_published_has_its_number_still_to_come(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [RUNS[0]]
        await shop.work()
    (part,) = (tmp_path / "out").glob(".*.part")
    part.unlink()
    async with open_staging(tmp_path / "staging.db") as staging:
        assert len((await repair(tmp_path / "out", staging)).voided) == 1
    assert await said(tmp_path, RUNS[0], MORE) == [("t", 1)]
