"""What could not be read is kept raw, goes once it can be read, and is erased with what it belongs to."""

from pathlib import Path

from msgspec.structs import replace

from support.staged import PROJECT_ID, a_page, a_run, a_slice, minute, named
from trajworker.model.run import Project
from trajworker.ports import Page, Slice, SlicePurpose, StagedPage, Unreadable
from trajworker.redaction import PiiRedactor
from trajworker.sources.redacting import Masking
from trajworker.staging import Staging, open_staging
from trajworker.staging.database import open_database
from trajworker.staging.migrations import migrations

SECRET = b"correct horse battery staple"
BROKEN = Unreadable(project_id=PROJECT_ID, run_id=named("x"), reason="cut", raw=SECRET, trace_id=named("a"))
CULPRIT = Unreadable(project_id=PROJECT_ID, run_id=None, reason="never came", raw=b"", stretch=(minute(4), minute(5)))


def with_broken(page: StagedPage, *unreadable: Unreadable) -> StagedPage:
    return replace(page, page=replace(page.page, unreadable=unreadable))


async def quarantined(staging: Staging) -> int:
    return (await staging.figures()).quarantined


async def planned(staging: Staging, first: int, last: int, purpose: str = "cover") -> Slice:
    await staging.plan(Project(PROJECT_ID, "p"), [a_slice(first, last, purpose=SlicePurpose(purpose))])
    return (await staging.unread(PROJECT_ID))[-1]


async def test_what_is_purged_takes_its_unreadable_runs_with_it_and_they_do_not_come_back(tmp_path: Path) -> None:
    page = with_broken(a_page([a_run("a", thread="t")], 1), BROKEN, replace(BROKEN, run_id=None))
    async with open_staging(tmp_path / "s.db") as staging:
        assert len((await staging.stage(page)).quarantined) == 2
        await staging.purge_conversation(PROJECT_ID, "t")
        assert (await staging.stage(page)).quarantined == ()
        assert await quarantined(staging) == 0
        assert not any(SECRET in file.read_bytes() for file in tmp_path.iterdir())


async def test_purging_by_time_takes_what_was_set_aside_before_whatever_it_belongs_to() -> None:
    page = StagedPage(page=Page(runs=(), unreadable=(replace(BROKEN, trace_id=None),)), fetch_seq=1)
    async with open_staging(":memory:", now=lambda: minute(5)) as staging:
        await staging.stage(page)
        await staging.purge_before(minute(5))
        assert await quarantined(staging) == 1
        await staging.purge_before(minute(6))
        assert await quarantined(staging) == 0


async def test_a_later_look_that_brings_less_leaves_what_came_before(staging: Staging) -> None:
    await staging.stage(StagedPage(page=Page(runs=(), unreadable=(BROKEN,)), fetch_seq=1))
    bare = replace(BROKEN, raw=b"", reason="never came", trace_id=None)
    await staging.stage(StagedPage(page=Page(runs=(), unreadable=(bare,)), fetch_seq=2))
    assert await staging.unreadable(PROJECT_ID) == [BROKEN]


async def test_what_has_no_id_goes_once_its_stretch_is_read_whole_by_another_slice(staging: Staging) -> None:
    first = await planned(staging, 0, 10)
    assert (await staging.stage(with_broken(a_page([], 1, first, done=True), CULPRIT))).recovered == 0
    for purpose, start, recovered in (("ended", 0, 0), ("deep_scan", 5, 0), ("deep_scan", 0, 1)):
        again = await planned(staging, start, 10, purpose)
        assert (await staging.stage(a_page([], 2, again, done=True))).recovered == recovered
    assert await quarantined(staging) == 0


async def test_what_tells_neither_id_nor_time_stands_for_the_times_of_its_page(staging: Staging) -> None:
    nothing = Unreadable(project_id=PROJECT_ID, run_id=None, reason="no object", raw=b"5")
    first = await planned(staging, 0, 100)
    await staging.stage(with_broken(a_page([a_run("a", at=20), a_run("b", at=10)], 1, first, done=True), nothing))
    for start, recovered in ((11, 0), (10, 1)):
        again = await planned(staging, start, 50, "deep_scan")
        assert (await staging.stage(a_page([], 2, again, done=True))).recovered == recovered


async def test_masked_runs_without_an_id_are_each_kept_and_known_again(staging: Staging) -> None:
    nameless = [Unreadable(project_id=PROJECT_ID, run_id=None, reason="no id", raw=b'{"n":%d}' % n) for n in range(3)]
    page = Masking(PiiRedactor(), frozenset()).page(Page(runs=(), unreadable=tuple(nameless)))
    for told in (3, 0):
        assert len((await staging.stage(StagedPage(page=page, fetch_seq=1))).quarantined) == told
    assert await quarantined(staging) == 3


async def test_what_fails_again_stays(staging: Staging) -> None:
    first = await planned(staging, 0, 10)
    await staging.stage(with_broken(a_page([], 1, first, done=True), CULPRIT))
    again = await planned(staging, 0, 10, "deep_scan")
    await staging.stage(with_broken(a_page([], 2, again), CULPRIT))
    assert (await staging.stage(a_page([], 3, again, done=True))).recovered == 0
    assert await quarantined(staging) == 1


async def test_a_slice_given_up_is_well_once_all_its_pieces_are_read(staging: Staging) -> None:
    whole = replace(CULPRIT, stretch=(minute(0), minute(10)))
    await staging.stage(StagedPage(page=Page(runs=(), unreadable=(whole,)), fetch_seq=1))
    slice_ = await planned(staging, 0, 10)
    pieces = (a_slice(0, 4), a_slice(4, 7))
    outcome = await staging.stage(replace(a_page([], 2, slice_, done=True), split=pieces))
    assert outcome.recovered == 0
    older, newer = outcome.split
    assert (await staging.stage(a_page([], 3, older, done=True))).recovered == 0
    assert (await staging.stage(a_page([], 4, newer, done=True))).recovered == 1


async def test_what_an_older_release_set_aside_is_found_by_its_trace(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    raw = b'{"trace_id": "%s", "start_time": null}' % named("a").encode()
    async with open_database(path, migrations()[:3]) as database:
        await database.write(lambda connection: connection.execute("INSERT INTO project (id, name) VALUES ('p', 'p')"))
        kept = [(b"1", raw), (b"2", b"{{")]
        insert = "INSERT INTO unreadable (project, reason, hash, raw) VALUES (1, 'cut', ?, ?)"
        await database.write(lambda connection: connection.executemany(insert, kept))
    async with open_staging(path) as staging:
        assert [one.trace_id for one in await staging.unreadable("p")] == [named("a"), None]
