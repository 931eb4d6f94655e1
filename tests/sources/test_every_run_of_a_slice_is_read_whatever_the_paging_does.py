import json
import random
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import anyio
import pytest

from support.fake_langsmith import FakeLangSmith, run_row
from support.scripted_server import RESET, Received, Reply, json_reply, reply, scripted
from support.source_bench import END, NO_LIMITS, PROJECT, START, Bench, bench, part
from trajworker.errors import CursorExpired, SourceUnavailable
from trajworker.sources.paging import empty_pages
from trajworker.sources.paging.page_size import PageSize
from trajworker.sources.paging.position import Position

ROWS = [run_row(number, START) for number in range(250)]
IDS = {row["id"] for row in ROWS}


def ids(pages: list[Any]) -> list[str]:
    return [run.id for page in pages for run in page.runs]


def v1_asked(request: Received) -> dict[str, Any]:
    return request.asked if "/v1/" in request.path else {}


@pytest.mark.parametrize(("api", "requests"), [("v2", 2), ("v1", 3)])
async def test_all_runs_arrive_with_no_request_too_many(api: str, requests: int) -> None:
    async with scripted(FakeLangSmith(ROWS)) as server, bench(server.url, api=api) as one:
        pages = await one.all_pages()
        assert len(server.received) == requests
    assert len(ids(pages)) == 250
    assert set(ids(pages)) == IDS
    assert pages[0].oldest == START + timedelta(minutes=150)


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_both_bounds_and_all_fields_are_asked_for_explicitly(api: str) -> None:
    async with scripted(FakeLangSmith(ROWS)) as server, bench(server.url, api=api) as one:
        await one.source.page(part())
        asked = server.received[0].asked
    start, end = "2026-10-31T23:59:59.999000Z", "2026-11-08T00:00:00.001000Z"
    types = 'or(eq(is_root, true), in(run_type, ["llm", "tool", "retriever"]))'
    if api == "v2":
        assert asked["project_ids"] == [PROJECT]
        assert (asked["min_start_time"], asked["max_start_time"]) == (start, end)
        assert asked["filter"] == types
        assert {"ID", "THREAD_ID", "PARENT_RUN_IDS", "DOTTED_ORDER", "FEEDBACK_STATS", "TOTAL_COST"} <= set(
            asked["selects"]
        )
    else:
        assert asked["session"] == [PROJECT]
        assert asked["start_time"] == start
        assert "end_time" not in asked
        assert asked["filter"] == f'and(lt(start_time, "{end}"), {types})'
        assert {"id", "thread_id", "parent_run_ids", "dotted_order", "feedback_stats"} <= set(asked["select"])


@pytest.mark.parametrize(("weighed_before", "first"), [(None, 100), (8_000.0, 500), (80_000.0, 50)])
async def test_pages_grow_by_what_runs_weigh_and_one_first_page_tells_it(
    weighed_before: float | None, first: int
) -> None:
    """What runs weighed in an earlier process may no longer be so: one page finds out, not one of every pager."""
    rows = [run_row(number, START, inputs="x" * 20_000) for number in range(450)]
    async with scripted(FakeLangSmith(rows)) as server, bench(server.url, known_run_bytes=weighed_before) as one:

        async def read(day: int) -> None:
            await one.source.page(part(START + timedelta(hours=day), END))

        async with anyio.create_task_group() as group:
            for day in range(4):
                group.start_soon(read, day)
        sizes = [request.asked["page_size"] for request in server.received]
        assert sizes[0] == first
        assert all(size <= 200 and size != first for size in sizes[1:])
        assert 180 <= sizes[-1] <= 200 or weighed_before == 80_000.0, "what was thought too heavy grows page by page"


def test_page_sizes_shrink_when_it_is_too_much_and_grow_back() -> None:
    size = PageSize(1000, 4_000_000)
    assert size.choose() == 100
    size.seen(100, 200_000)
    assert size.choose() == 1000
    assert size.too_much(1000) == 250
    size.seen(250, 500_000)
    assert size.choose() == 500
    size.seen(500, 5_000_000)
    assert size.choose() == 400


async def test_an_empty_page_with_a_cursor_is_no_end() -> None:
    answers = [
        json_reply({"items": ROWS[:1], "next_cursor": "a"}),
        json_reply({"items": [], "next_cursor": "b"}),
        json_reply({"items": ROWS[1:2], "next_cursor": None}),
    ]
    async with scripted(answers) as server, bench(server.url) as one:
        assert len(ids(await one.all_pages())) == 2


def empty_for(most: int) -> Callable[[Received], Reply]:
    """So many empty pages, each with a cursor of its own, then a run, then as many again and so on."""
    number = count(1)

    def answer(_request: Received) -> Reply:
        at = next(number)
        return json_reply({"items": ROWS[:1] if at % (most + 1) == 0 else [], "next_cursor": f"c{at}"})

    return answer


async def test_empty_pages_without_an_end_are_a_fault_of_the_source_and_reading_goes_on_there_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(empty_pages, "MOST_IN_A_ROW", 20)
    async with scripted(empty_for(10**6)) as server, bench(server.url) as one:
        page = await one.source.page(part())
        for _ in range(18):
            page = await one.source.page(part(cursor=page.next_cursor))
        for times in range(3):
            with pytest.raises(SourceUnavailable, match="pages in a row came empty"):
                await one.source.page(part(cursor=page.next_cursor))
            assert len(server.received) == 20 * (times + 1)
            for _ in range(19):
                page = await one.source.page(part(cursor=page.next_cursor))


async def test_empty_pages_between_runs_are_no_fault_however_many_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(empty_pages, "MOST_IN_A_ROW", 20)
    async with scripted(empty_for(19)) as server, bench(server.url) as one:
        page = await one.source.page(part())
        for _ in range(100):
            page = await one.source.page(part(cursor=page.next_cursor))
        assert len(server.received) == 101


@pytest.mark.parametrize("last", [{"items": ROWS[:1]}, {"items": []}, {"items": ROWS[:1], "next_cursor": ""}])
async def test_a_short_page_without_a_cursor_is_the_end(last: dict[str, Any]) -> None:
    async with scripted([json_reply(last)]) as server, bench(server.url) as one:
        assert (await one.source.page(part())).next_cursor is None


def without_cursor(page: list[dict[str, Any]], api: str, **cursor: None) -> Reply:
    """A page as either generation tells it, without its cursor, or with one that is null."""
    if api == "v2":
        return json_reply({"items": page} | ({"next_cursor": None} if cursor else {}))
    runs = [{**row, "run_type": "llm", "status": "success"} for row in page]
    return json_reply({"runs": runs} | ({"cursors": cursor} if cursor else {}))


@pytest.mark.parametrize("cursor", [{}, {"next": None}])
@pytest.mark.parametrize(("api", "requests"), [("v2", 2), ("v1", 3)])
async def test_a_full_page_without_a_cursor_is_checked_and_nothing_is_lost(
    api: str, requests: int, cursor: dict[str, None]
) -> None:
    fake = FakeLangSmith(ROWS)
    fake.spoil_answer = lambda _request, page: without_cursor(page, api, **cursor)
    async with scripted(fake) as server, bench(server.url, api=api) as one:
        assert set(ids(await one.all_pages())) == IDS
        assert len(server.received) == requests


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_a_full_page_without_a_cursor_and_in_no_order_begins_the_slice_again(api: str) -> None:
    rows = [*ROWS[100:150], *ROWS[:50]][::-1][25:] + ROWS[200:225]
    answer = without_cursor(rows, api, next=None)
    async with scripted([answer]) as server, bench(server.url, api=api) as one:
        with pytest.raises(CursorExpired):
            await one.source.page(part())


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_a_project_of_exactly_one_page_raises_no_alarm(api: str) -> None:
    async with scripted(FakeLangSmith(ROWS[:100])) as server, bench(server.url, api=api) as one:
        assert len(set(ids(await one.all_pages()))) == 100
        assert len(server.received) == 2


async def test_an_expired_cursor_is_replaced_by_time() -> None:
    fake = FakeLangSmith(ROWS)
    fake.spoil = lambda request: json_reply({"detail": "cursor expired"}, 400) if request.asked.get("cursor") else None
    async with scripted(fake) as server, bench(server.url, api="v1") as one:
        assert set(ids(await one.all_pages())) == IDS
        assert len(server.received) <= 6


async def test_an_expired_cursor_of_unordered_pages_begins_the_slice_again() -> None:
    def answer(request: Received) -> Reply:
        if request.asked.get("cursor"):
            return json_reply({"detail": "cursor expired"}, 400)
        return json_reply({"items": ROWS[:3], "next_cursor": "c"})

    async with scripted(answer) as server, bench(server.url) as one:
        first = await one.source.page(part())
        with pytest.raises(CursorExpired):
            await one.source.page(part(cursor=first.next_cursor))


async def test_a_cursor_of_another_generation_or_of_nobody_begins_the_slice_again() -> None:
    async with scripted(FakeLangSmith(ROWS)) as server, bench(server.url) as one:
        for cursor in (Position("v1", "c100").packed(), "garbage", "[]"):
            with pytest.raises(CursorExpired):
                await one.source.page(part(cursor=cursor))
        assert server.received == []


@pytest.mark.parametrize("cycle", [["a"], ["a", "b"], ["a", "b", "c"]])
async def test_cursors_that_lead_in_circles_are_left_by_time_or_end_in_an_error(cycle: list[str]) -> None:
    """However the server lies, reading ends, and within twice the distinct pages."""
    turns = iter(cycle * 10)
    stuck = lambda _request: json_reply({"items": ROWS[5:6], "next_cursor": next(turns)})  # noqa: E731
    async with scripted(stuck) as server, bench(server.url) as one:
        for _ in range(2):
            with pytest.raises(CursorExpired, match="circles"):
                await one.all_pages()
        assert len(server.received) <= 4 * (len(cycle) + 2)


async def test_a_server_whose_cursor_always_repeats_is_read_by_time() -> None:
    fake = FakeLangSmith(ROWS)
    fake.spoil_answer = lambda request, page: (
        json_reply({"items": page, "next_cursor": "c100"}) if len(page) == request.asked["page_size"] else None
    )
    async with scripted(fake) as server, bench(server.url, page_size=100) as one:
        assert set(ids(await one.all_pages())) == IDS
        assert len(server.received) <= 8


def poisoned(culprit: str, *, outline_too: bool = False) -> FakeLangSmith:
    """One run whose page always fails, and by its outline too if told."""
    fake = FakeLangSmith(ROWS)

    def spoil(request: Received, page: list[dict[str, Any]]) -> Reply | None:
        whole = "inputs" in str(request.asked).lower()
        hit = any(row["id"] == culprit for row in page)
        return json_reply({"detail": "Internal server error"}, 500) if hit and (whole or outline_too) else None

    fake.spoil_answer = spoil
    return fake


@pytest.mark.parametrize("api", ["v1", "v2"])
@pytest.mark.parametrize("at", [0, 120, 249])
async def test_a_run_that_always_fails_its_page_is_set_aside_alone(at: int, api: str) -> None:
    culprit = ROWS[at]["id"]
    async with scripted(poisoned(culprit)) as server, bench(server.url, api=api) as one:
        pages = await one.all_pages()
    assert set(ids(pages)) == IDS - {culprit}
    (aside,) = {one.run_id: one for page in pages for one in page.unreadable}.values()
    assert aside.run_id == culprit
    assert json.loads(aside.raw)["id"] == culprit


@pytest.mark.parametrize("api", ["v1", "v2"])
@pytest.mark.parametrize("at", [0, 120, 249])
async def test_a_run_that_fails_even_its_outline_is_found_by_bisecting_time(at: int, api: str) -> None:
    culprit = ROWS[at]["id"]
    async with scripted(poisoned(culprit, outline_too=True)) as server, bench(server.url, api=api) as one:
        pages = await one.all_pages()
    assert set(ids(pages)) == IDS - {culprit}
    asides = [aside for page in pages for aside in page.unreadable]
    assert len(asides) == 1
    assert "never came" in asides[0].reason
    assert asides[0].kind == "never came"


@pytest.mark.parametrize("fault", [RESET, reply(b'{"items":[{"id":"1"'), reply(b"", 413, content_type="text/html")])
async def test_a_page_too_heavy_for_the_server_is_asked_for_in_smaller_pieces(fault: Reply) -> None:
    fake = FakeLangSmith(ROWS)
    fake.spoil = lambda request: fault if request.asked["page_size"] > 60 else None
    async with scripted(fake) as server, bench(server.url) as one:
        assert set(ids(await one.all_pages())) == IDS


@pytest.mark.parametrize("outline_too", [False, True])
async def test_a_run_larger_than_the_cap_is_set_aside_and_the_setting_is_named(*, outline_too: bool) -> None:
    rows = [run_row(1, START), run_row(2, START, inputs="x" * 50_000), run_row(3, START)]
    fake = FakeLangSmith(rows)
    if not outline_too:
        fake.spoil_answer = lambda request, page: (
            json_reply({"items": [{**row, "inputs": None} for row in page], "next_cursor": None})
            if "INPUTS" not in request.asked["selects"]
            else None
        )
    async with scripted(fake) as server, bench(server.url, page_cap_bytes=20_000) as one:
        pages = await one.all_pages()
    (aside,) = (aside for page in pages for aside in page.unreadable)
    assert aside.run_id == (None if outline_too else rows[1]["id"])
    assert "source.page_cap" in aside.reason
    assert set(ids(pages)) == {rows[0]["id"], rows[2]["id"]}


async def test_a_server_that_always_fails_is_unavailable_and_no_run_is_blamed() -> None:
    async with scripted([json_reply({}, 500)]) as server, bench(server.url) as one:
        with pytest.raises(SourceUnavailable, match="status 500"):
            await one.source.page(part())


async def test_an_outage_blames_no_run_that_is_asked_for_by_id() -> None:
    answers = [json_reply({"items": ROWS[:2], "next_cursor": None}), json_reply({}, 503)]
    async with scripted(answers) as server, bench(server.url) as one:
        with pytest.raises(SourceUnavailable):
            await one.source.runs_by_id(PROJECT, [row["id"] for row in ROWS[:150]])
    async with scripted([json_reply({}, 503)]) as server, bench(server.url) as one:
        with pytest.raises(SourceUnavailable):
            await one.source.runs_by_id(PROJECT, [ROWS[0]["id"]])


async def test_an_outage_after_the_outline_of_a_page_blames_no_run() -> None:
    fake = FakeLangSmith(ROWS)
    fake.spoil = lambda request: json_reply({}, 503) if "INPUTS" in request.asked["selects"] else None
    async with scripted(fake) as server, bench(server.url) as one:
        with pytest.raises(SourceUnavailable):
            await one.source.page(part())


async def test_errors_every_other_request_cost_little_and_lose_nothing() -> None:
    rows = [run_row(number, START) for number in range(9000)]
    fake, chance = FakeLangSmith(rows), random.Random(5)
    fake.spoil = lambda _request: json_reply({}, chance.choice([500, 502, 503, 504])) if chance.random() < 0.5 else None
    async with scripted(fake) as server, bench(server.url, page_size=100, limits=NO_LIMITS) as one:
        pages = await one.all_pages()
        assert set(ids(pages)) == {row["id"] for row in rows}
        assert not any(page.unreadable for page in pages)
        assert len(server.received) <= 2.5 * 90


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_an_id_list_too_long_is_halved_and_a_run_that_never_comes_is_set_aside(api: str) -> None:
    fake = FakeLangSmith(ROWS)
    culprit = ROWS[7]["id"]

    def spoil(request: Received) -> Reply | None:
        asked = request.asked.get("ids") or request.asked.get("id")
        if len(asked) > 30:
            return reply(b"<html>Too Large</html>", 413, content_type="text/html")
        return json_reply({}, 500) if culprit in asked else None

    fake.spoil = spoil
    async with scripted(fake) as server, bench(server.url, api=api) as one:
        page = await one.source.runs_by_id(PROJECT, [row["id"] for row in ROWS[:100]])
        assert {run.id for run in page.runs} == {row["id"] for row in ROWS[:100]} - {culprit}
        assert [aside.run_id for aside in page.unreadable] == [culprit]


async def test_a_moving_head_shifts_no_run_out_of_sight() -> None:
    fake = FakeLangSmith(ROWS)
    late = iter(range(300, 400))

    def insert(_request: Received) -> None:
        fake.rows.insert(0, run_row(next(late), START))

    fake.spoil = insert
    async with scripted(fake) as server, bench(server.url, page_size=50) as one:
        assert set(ids(await one.all_pages())) >= IDS
        assert len(server.received) >= 5


async def test_feedback_is_read_in_batches_page_by_page() -> None:
    rows = [{"id": f"f{n}", "key": "k", "run_id": ROWS[n % 120]["id"], "score": n % 2 == 0} for n in range(240)]

    def answer(request: Received) -> Reply:
        wanted = {value for name, value in request.params if name == "run"}
        offset = int(dict(request.params)["offset"])
        assert len(request.target) < 4096
        return json_reply([row for row in rows if row["run_id"] in wanted][offset : offset + 100])

    async with scripted(answer) as server, bench(server.url) as one:
        found = await one.source.feedback([row["id"] for row in ROWS[:120]])
        assert {one.id for one in found} == {row["id"] for row in rows}
        assert {one.score for one in found} == {True, False}
        assert len(server.received) == 5


async def test_feedback_that_is_deleted_while_it_is_read_hides_no_other() -> None:
    rows = [{"id": f"f{n}", "key": "k", "run_id": ROWS[0]["id"], "score": n} for n in range(250)]

    def answer(request: Received) -> Reply:
        offset = int(dict(request.params)["offset"])
        page = rows[offset : offset + 100]
        if len(rows) == 250:
            del rows[:3]
        return json_reply(page)

    async with scripted(answer) as server, bench(server.url) as one:
        found = await one.source.feedback([ROWS[0]["id"]])
        assert [one.id for one in found] == [row["id"] for row in rows]
        assert len(server.received) == 2 + 3


async def test_feedback_in_another_order_with_each_request_is_read_a_few_times_and_not_for_ever() -> None:
    rows = [{"id": f"f{n}", "key": "k", "run_id": ROWS[0]["id"], "score": n} for n in range(150)]

    def answer(request: Received) -> Reply:
        offset = int(dict(request.params)["offset"])
        rows.reverse()
        return json_reply(rows[offset : offset + 100])

    async with scripted(answer) as server, bench(server.url) as one:
        assert {one.id for one in await one.source.feedback([ROWS[0]["id"]])} <= {row["id"] for row in rows}
        assert len(server.received) == 8


async def test_a_server_that_gives_the_same_page_of_feedback_at_any_offset_is_named() -> None:
    rows = [{"id": f"f{n}", "key": "k", "run_id": ROWS[0]["id"], "score": n} for n in range(100)]
    async with scripted(lambda _request: json_reply(rows)) as server, bench(server.url) as one:
        with pytest.raises(SourceUnavailable, match="the same page of feedback"):
            await one.source.feedback([ROWS[0]["id"]])
        assert len(server.received) == 2


async def test_sixteen_requests_at_most_are_under_way() -> None:
    one = Bench("http://127.0.0.1:9")
    assert one.settings.in_flight == 16
    assert one.source._transport._limiter.total_tokens == 16


async def test_a_server_that_gives_two_pages_of_feedback_in_turn_at_any_offset_is_not_read_for_ever() -> None:
    replicas = [
        [{"id": f"{name}{n}", "key": "k", "run_id": ROWS[0]["id"], "score": n} for n in range(100)] for name in "fg"
    ]
    requests = count()

    def answer(_request: Received) -> Reply:
        number = next(requests)
        assert number < 20
        return json_reply(replicas[number % 2])

    async with scripted(answer) as server, bench(server.url) as one:
        found = await one.source.feedback([ROWS[0]["id"]])
        assert {one.id for one in found} == {row["id"] for rows in replicas for row in rows}
        assert len(server.received) == 3 * 2 + 3
