"""What has not ended or could not be read is looked at again, less and less often."""

from datetime import datetime, timedelta

from support.looking import settle
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, minute, named
from trajworker.ports import Page, StagedPage, Unreadable
from trajworker.staging import Staging

HOUR = timedelta(hours=1)
NEVER_CAME = Unreadable(project_id=PROJECT_ID, run_id=named("a"), reason="never came", raw=b"")
NAMELESS = Unreadable(project_id=PROJECT_ID, run_id=None, reason="never came", raw=b"", stretch=(minute(0), minute(1)))


async def looks(staging: Staging, now: datetime, limit: int = 10) -> list[str]:
    """Take the runs that are due, and look at them."""
    ids = await staging.due(PROJECT_ID, now, limit)
    await staging.reschedule(PROJECT_ID, ids, now)
    return ids


async def hours_between_looks(staging: Staging, count: int) -> list[int]:
    """How long run `a` waits for its next look, from the first on."""
    now, waits = minute(0), []
    for _ in range(count):
        assert await looks(staging, now) == [named("a")]
        began = now
        while not await staging.due(PROJECT_ID, now := now + HOUR, 10):
            pass
        waits.append((now - began) // HOUR)
    return waits


async def test_a_pending_run_is_looked_at_less_and_less_often(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", ended=False), a_run("b")], 1))
    assert await hours_between_looks(staging, 6) == [1, 6, 24, 168, 168, 168]


async def test_a_run_set_aside_is_looked_at_as_often_until_it_can_be_read(staging: Staging) -> None:
    page = StagedPage(page=Page(runs=(), unreadable=(NEVER_CAME, NAMELESS)), fetch_seq=1)
    assert (await staging.stage(page)).quarantined == (NEVER_CAME, NAMELESS)
    assert await hours_between_looks(staging, 3) == [1, 6, 24]
    assert (await staging.stage(page)).quarantined == ()
    assert (await staging.stage(a_page([a_run("a")], 2))).recovered == 1
    assert await staging.due(PROJECT_ID, FOREVER, 10) == []


async def test_a_run_that_could_not_be_looked_at_stays_due(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", ended=False)], 1))
    assert await staging.due(PROJECT_ID, minute(0), 10) == await staging.due(PROJECT_ID, minute(0), 10) == [named("a")]


async def test_a_run_that_ended_is_not_looked_at_again(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", ended=False)], 1))
    await staging.stage(a_page([a_run("a")], 2))
    assert await staging.due(PROJECT_ID, FOREVER, 10) == []


async def test_at_most_so_many_are_handed_out_longest_due_first(staging: Staging) -> None:
    await staging.stage(a_page([a_run(f"r{number}", ended=False) for number in range(5)], 1))
    first = await looks(staging, minute(0), 3)
    assert (len(first), len(await looks(staging, minute(0), 3))) == (3, 2)
    assert await looks(staging, minute(61), 3) == first


async def test_a_run_that_has_not_ended_is_looked_at_also_after_its_payload_was_dropped(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="old", ended=False)], 1))
    await settle(staging)
    assert await staging.compact(minute(400)) == 1
    assert await staging.due(PROJECT_ID, minute(500), 10) == [named("a")]
