"""Payloads that lie apart: kept once, come back whole, go with their conversation, stand on nothing that was undone."""

import random
from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from support.looking import activities, runs_of, settle
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, named
from trajworker.errors import StagingDamaged, StagingFull
from trajworker.model.run import Run
from trajworker.staging import Staging, heads, material, open_staging
from trajworker.staging.encoding import TEXT_BYTES

TURN_BYTES = 3000
WORDS = random.Random(3)
SAID = [b"%d:" % number + WORDS.randbytes(TURN_BYTES // 2).hex().encode() for number in range(200)]


def a_prompt(turns: int) -> bytes:
    """A prompt of that many turns: all said so far, then the tools."""
    return b'{"messages":["' + b'","'.join(SAID[:turns]) + b'"],"tools":[]}'


def a_call(name: str, turns: int, thread: str = "t", **more: object) -> Run:
    """An LLM call with a prompt of that many turns."""
    run = a_run(name, thread=thread, at=turns)
    return replace(run, run_type="llm", inputs=Raw(a_prompt(turns)), **more)


async def kept_bytes(staging: Staging) -> int:
    """Bytes of all bodies and texts."""
    return int(
        await staging._database.read(
            lambda connection: connection.execute(
                "SELECT (SELECT total(length(body)) FROM run) + (SELECT total(length(rest)) FROM text)"
            ).fetchone()[0]
        )
    )


async def held(staging: Staging, conversation_id: str = "t") -> dict[str, Run]:
    """The runs of a changed conversation by name, read both ways."""
    key = (await activities(staging))[conversation_id].conversation
    runs = {run.name: run for run in await runs_of(staging, key)}
    (whole,) = await staging.materials([key])
    assert whole.changed is not None
    assert {run.name: run for members in whole.changed.runs.values() for run in members} == runs
    return runs


ORDERS = {
    "oldest first": list(range(1, 41)),
    "newest first": list(range(40, 0, -1)),
    "any": random.Random(1).sample(range(1, 41), 40),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("page", [1, 7, 40])
async def test_a_history_is_staged_once_whatever_order_its_calls_come_in(order: str, page: int) -> None:
    calls = [a_call(f"r{turns}", turns) for turns in ORDERS[order]]
    async with open_staging(":memory:") as staging:
        for first in range(0, len(calls), page):
            await staging.stage(a_page(calls[first : first + page], first))
        assert await held(staging) == {run.name: run for run in calls}
        assert await kept_bytes(staging) < 1.2 * 40 * (TURN_BYTES + 600)


async def test_after_a_restart_the_history_is_gone_on_with(tmp_path: Path) -> None:
    calls = [a_call(f"r{turns}", turns) for turns in range(1, 21)]
    for number, call in enumerate(calls):
        async with open_staging(tmp_path / "s.db") as staging:
            await staging.stage(a_page([call], number))
    async with open_staging(tmp_path / "s.db") as staging:
        assert await held(staging) == {run.name: run for run in calls}
        assert await kept_bytes(staging) < 20 * (TURN_BYTES + 1000)


async def test_short_payloads_stay_with_their_run(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="t", outputs=b'"' + b"x" * (TEXT_BYTES - 3) + b'"')], 1))
    assert await staging._database.read(lambda c: c.execute("SELECT count(*) FROM text").fetchone()[0]) == 0


async def test_every_long_payload_comes_back_also_where_it_is_not_object_or_ascii(staging: Staging) -> None:
    payloads = [b'"' + "ü".encode() * TEXT_BYTES + b'"', b"[" + b"1," * TEXT_BYTES + b"2]", b"1" * TEXT_BYTES]
    runs = [
        replace(a_run(f"r{n}", "r0", thread="t", at=n, outputs=p, stats=b"{}"), inputs=Raw(p), extra=Raw(payloads[0]))
        for n, p in enumerate(payloads)
    ]
    await staging.stage(a_page(runs, 1))
    assert await held(staging) == {run.name: run for run in runs}


async def test_what_a_run_has_twice_is_staged_once(staging: Staging) -> None:
    same = a_prompt(10)
    run = replace(a_run("a", thread="t", outputs=same), inputs=Raw(same), extra=Raw(same))
    await staging.stage(a_page([run], 1))
    assert (await held(staging))["a"] == run
    assert await kept_bytes(staging) < len(same) + 1000


async def test_the_same_page_again_writes_nothing(staging: Staging) -> None:
    calls = [a_call(f"r{turns}", turns) for turns in range(1, 9)]
    await staging.stage(a_page(calls, 1))
    before = await kept_bytes(staging)
    again = await staging.stage(a_page(calls, 2))
    assert (again.changed, await kept_bytes(staging)) == (0, before)


async def test_a_page_that_was_undone_leaves_no_head_behind(tmp_path: Path) -> None:
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([a_call("a", 5)], 1))
        limit = await staging._database.read(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        await staging._database.read(lambda c: c.execute(f"PRAGMA max_page_count = {limit + 8}").fetchall())
        large = a_call("large", 1, thread="u", outputs=Raw(b"9" * 500_000))  # written after the texts of its page
        with pytest.raises(StagingFull):
            await staging.stage(a_page([a_call("b", 8), large], 2))
        await staging._database.read(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchall())
        calls = [a_call("a", 5), a_call("c", 9), a_call("d", 7)]
        for number, call in enumerate(calls[1:], 3):
            await staging.stage(a_page([call], number))
        assert await held(staging) == {run.name: run for run in calls}


async def test_a_replaced_run_has_its_new_prompt_and_the_others_keep_theirs(staging: Staging) -> None:
    pending = replace(a_run("b", thread="t", at=6, ended=False), run_type="llm", inputs=Raw(a_prompt(6)))
    calls = [a_call("a", 5), a_call("b", 8), a_call("c", 7)]
    await staging.stage(a_page([calls[0], pending], 1))
    await staging.stage(a_page([calls[2]], 2))
    await staging.stage(a_page([calls[1]], 3))
    assert await held(staging) == {run.name: run for run in calls}
    short = replace(a_call("b", 8), inputs=Raw(b"{}"))
    await staging.stage(a_page([short], 4))
    assert (await held(staging))["b"] == short


async def test_compacting_drops_the_texts_and_what_is_fetched_again_comes_back(staging: Staging) -> None:
    calls = [a_call(f"r{turns}", turns) for turns in range(1, 9)]
    await staging.stage(a_page(calls, 1))
    await settle(staging)
    assert await staging.compact(FOREVER) == 1
    assert await kept_bytes(staging) == 0
    later = a_call("later", 12)
    await staging.stage(a_page([later], 2))
    assert (await staging.stage(a_page(calls, 3))).changed == 0
    assert await held(staging) == {run.name: run for run in [*calls, later]}
    assert not (await activities(staging))["t"].compacted


async def test_a_trace_that_moves_takes_its_texts_along(staging: Staging) -> None:
    child = replace(a_call("child", 9, thread="u"), trace_id=named("a"), parent_run_id=named("a"))
    await staging.stage(a_page([child], 1))
    await staging.stage(a_page([a_call("b", 10)], 2))
    root = a_run("a", thread="t")
    await staging.stage(a_page([root], 3))
    await staging.stage(a_page([a_call("c", 11)], 4))
    assert await held(staging) == {"child": child, "a": root, "b": a_call("b", 10), "c": a_call("c", 11)}


CANARY = b"correct horse battery staple"


def holds(folder: Path, text: bytes) -> bool:
    return any(text in file.read_bytes() for file in folder.iterdir())


@pytest.mark.parametrize("goes", ["secret", "other"])
async def test_a_trace_that_leaves_others_behind_leaves_nothing_of_its_own_with_them(tmp_path: Path, goes: str) -> None:
    secret = replace(a_call("secret", 20), inputs=Raw(a_prompt(20)[:-2] + b'"' + CANARY * 9 + b'"]}'))
    other = a_call("other", 21)
    goer, stayer = (secret, other) if goes == "secret" else (other, secret)
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([secret, other], 1))
        moved = replace(goer, thread_id="u")
        await staging.stage(a_page([moved], 2))
        assert await held(staging, "u") == {goer.name: moved}
        assert await held(staging, "t") == {stayer.name: stayer}
        assert holds(tmp_path, CANARY)
        await staging.purge_conversation(PROJECT_ID, "u" if goes == "secret" else "t")
        assert not holds(tmp_path, CANARY)
        left, name = (other, "t") if goes == "secret" else (moved, "u")
        assert await held(staging, name) == {"other": left}
        await staging.stage(a_page([a_call("later", 22, thread=name)], 3))
        assert set(await held(staging, name)) == {"other", "later"}
        assert not holds(tmp_path, CANARY)


async def test_a_purged_history_leaves_no_byte_also_where_a_replaced_run_had_it(tmp_path: Path) -> None:
    said = a_prompt(4)[:-2] + b'"' + CANARY * 9 + b'"]}'
    pending = replace(a_run("a", thread="t", ended=False), inputs=Raw(said))
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([pending, a_call("b", 3), a_call("c", 3, thread="u")], 1))
        await staging.stage(a_page([a_call("a", 5), a_call("b", 6)], 2))
        assert holds(tmp_path, CANARY)
        await staging.purge_conversation(PROJECT_ID, "t")
        assert not holds(tmp_path, CANARY)
        assert not holds(tmp_path, SAID[4])
        assert await held(staging, "u") == {"c": a_call("c", 3, thread="u")}


async def test_heads_are_bounded_and_what_was_let_go_is_read_back(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "HEADS_BYTES", 60_000)
    calls = [a_call(f"{thread}{turns}", turns, thread) for turns in range(3, 12) for thread in "tuvw"]
    for number, call in enumerate(calls):
        await staging.stage(a_page([call], number))
        assert staging._heads._bytes <= 60_000
    for thread in "tuvw":
        assert await held(staging, thread) == {run.name: run for run in calls if run.thread_id == thread}
    assert await kept_bytes(staging) < 4 * 11 * (TURN_BYTES + 1000)


async def test_a_conversation_too_large_at_once_is_read_in_portions(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [a_call(f"r{turns}", turns) for turns in range(1, 41)]
    await staging.stage(a_page(calls, 1))
    key = (await activities(staging))["t"].conversation
    bound = sum(len(call.inputs) for call in calls) // 4
    monkeypatch.setattr(material, "MATERIAL_BYTES", bound)
    (found,) = await staging.materials([key])
    assert found.changed is None
    assert {run.name: run for run in await runs_of(staging, key)} == {run.name: run for run in calls}
    traces = [trace.trace_id for trace in found.traces]
    portions = [portion.runs async for portion in staging.portions(key, traces)]
    assert [trace_id for runs in portions for trace_id in runs] == traces
    assert 4 < len(portions) < len(traces)
    assert all(sum(len(run.inputs) for runs in portion.values() for run in runs) <= bound for portion in portions)


async def test_a_trace_too_large_at_once_is_a_portion_of_its_own(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [a_call(f"r{turns}", turns) for turns in (20, 21, 22)]
    await staging.stage(a_page(calls, 1))
    key = (await activities(staging))["t"].conversation
    traces = [trace.trace_id for trace in await staging.traces(key)]
    monkeypatch.setattr(material, "MATERIAL_BYTES", 1)
    portions = [portion.runs async for portion in staging.portions(key, traces)]
    assert [list(runs) for runs in portions] == [[trace_id] for trace_id in traces]


async def test_a_trace_that_went_while_its_conversation_was_read_has_no_runs(staging: Staging) -> None:
    await staging.stage(a_page([a_call("a", 3), a_call("b", 4)], 1))
    key = (await activities(staging))["t"].conversation
    gone, *_ = traces = [named("gone"), *(trace.trace_id for trace in await staging.traces(key))]
    (portion,) = [portion async for portion in staging.portions(key, traces)]
    assert {trace_id: len(runs) for trace_id, runs in portion.runs.items()} == {gone: 0, **dict.fromkeys(traces[1:], 1)}


async def test_a_text_that_is_gone_is_damage(staging: Staging) -> None:
    await staging.stage(a_page([a_call("a", 3), a_call("b", 4)], 1))
    await staging._database.write(lambda c: c.execute("DELETE FROM text WHERE base IS NULL"))
    key = (await activities(staging))["t"].conversation
    with pytest.raises(StagingDamaged, match="restore the staging file"):
        await staging.materials([key])
