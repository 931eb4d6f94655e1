"""Whatever is wrong: one clear message, the right exit code, nothing lost and nothing half said."""

import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from e2e.running import KEY, Done, Workplace, each_revision_once, until
from faults.mounting import a_small_disk, needs_mount
from support import recorded
from support.rights import held_to_modes
from trajworker.simulator import Fault, Simulator, SimulatorSettings, serve
from trajworker.simulator.faults import Answer, CutBody, DropCursor

pytestmark = pytest.mark.slow

PRODUCER = "lg_multi"
PAGES = "*/runs/query"
HTML = Answer(status=200, body="<html>Please log in</html>", headers={"content-type": "text/html"})


@pytest.fixture
async def simulator() -> Simulator:
    simulator = Simulator(SimulatorSettings(api_keys=(KEY,)))
    simulator.add_runs(PRODUCER, recorded.runs(PRODUCER))
    return simulator


@pytest.fixture
async def place(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with serve(simulator) as url:
        yield Workplace(url, tmp_path, [PRODUCER])


def messages(done: Done) -> list[str]:
    """What a person reads: log lines left out."""
    return [line for line in done.err.split("\n") if line.startswith("trajworker: ")]


async def assert_nothing_was_lost(simulator: Simulator, place: Workplace) -> None:
    """Once all is well again, the next run says everything that was not said, once."""
    simulator.script()
    await place.once()
    expected = {thread["conversation_id"] for thread in recorded.expected(PRODUCER)["threads"]}
    assert {name for name, _ in place.revisions()} == expected
    assert each_revision_once(place.revisions())


async def test_a_wrong_key(simulator: Simulator, place: Workplace) -> None:
    done = await replace_key(place, "lsv2_pt_wrong_9z8y").run("--once")
    assert done.code == 77
    (said,) = messages(done)
    assert "key" in said
    assert "9z8y" not in done.err + done.out
    await assert_nothing_was_lost(simulator, place)


def replace_key(place: Workplace, key: str) -> Workplace:
    return Workplace(place.url, place.folder, place.projects, {"LANGSMITH_API_KEY": key})


async def test_a_project_that_is_not_there(simulator: Simulator, place: Workplace) -> None:
    done = await Workplace(place.url, place.folder, ["lg_mutli"]).run("--once")
    assert done.code == 78
    (said,) = messages(done)
    assert "'lg_mutli'" in said
    assert "'lg_multi'" in said, "the near name is told"
    await assert_nothing_was_lost(simulator, place)


async def test_one_project_of_two_that_is_not_there(simulator: Simulator, place: Workplace) -> None:
    both = Workplace(place.url, place.folder, ["lg_mutli", PRODUCER])
    done = await both.run("--once")
    assert done.code == 75
    assert "'lg_mutli'" in done.out
    await assert_nothing_was_lost(simulator, place)


async def test_no_network(place: Workplace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = await Workplace(nowhere, place.folder, place.projects).run("--once")
    assert done.code == 69
    (said,) = messages(done)
    assert "endpoint" in said
    assert not list(place.out.glob("*.jsonl"))


async def test_a_typo_in_the_configuration(simulator: Simulator, place: Workplace, tmp_path: Path) -> None:
    config = tmp_path / "trajworker.toml"
    config.write_text('[intake]\nsetle = "1m"\n')
    done = await place.run("--once", "--config", str(config))
    assert done.code == 78
    assert "setle" in done.err
    assert "settle" in done.err
    assert str(config) in done.err
    assert not place.staging.exists()
    await assert_nothing_was_lost(simulator, place)


async def test_a_page_that_is_html(simulator: Simulator, place: Workplace) -> None:
    simulator.script(Fault(path=PAGES, effect=HTML))
    done = await place.run("--once")
    assert done.code == 69
    assert not list(place.out.glob("*.jsonl"))
    await assert_nothing_was_lost(simulator, place)


async def test_a_page_that_never_comes_whole(simulator: Simulator, place: Workplace) -> None:
    simulator.script(Fault(path=PAGES, effect=CutBody()))
    done = await place.run("--once")
    assert done.code in (65, 69)
    assert not list(place.out.glob("*.jsonl"))
    await assert_nothing_was_lost(simulator, place)


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_a_page_that_lost_its_cursor_loses_nothing_behind_it(
    simulator: Simulator, place: Workplace, api: str
) -> None:
    simulator.script(Fault(path=PAGES, times=1, effect=DropCursor()))
    await replace(place, environment={"TRAJWORKER_SOURCE_PAGE_SIZE": "5"}).once("--api", api)
    expected = {thread["conversation_id"] for thread in recorded.expected(PRODUCER)["threads"]}
    assert {name for name, _ in place.revisions()} == expected


async def test_a_payload_that_is_nonsense_costs_no_conversation_but_its_own(
    simulator: Simulator, place: Workplace
) -> None:
    rows = recorded.runs(PRODUCER)
    nonsense = rows[0] | {"inputs": {"messages": 7, "input": [[[{"role": {}}]]]}, "outputs": {"generations": "\ud800"}}
    simulator.add_runs(PRODUCER, [nonsense])
    done = await place.run("--once")
    assert done.code in (0, 65)
    whole = {thread["conversation_id"] for thread in recorded.expected(PRODUCER)["threads"]}
    assert whole - {name for name, _ in place.revisions()} <= {nonsense.get("thread_id")}


async def test_a_folder_that_cannot_be_written(simulator: Simulator, place: Workplace) -> None:
    place.out.mkdir()
    place.out.chmod(0o500)
    command = held_to_modes(place.command("--once"))
    ended = await anyio.run_process(command, env=place.surroundings(), check=False)
    assert ended.returncode == 77
    (said,) = messages(Done(ended.returncode, "", ended.stderr.decode()))
    assert str(place.out) in said
    place.out.chmod(0o700)
    await assert_nothing_was_lost(simulator, place)


async def test_a_file_where_the_folder_should_be(simulator: Simulator, place: Workplace) -> None:
    place.out.write_text("not a folder")
    done = await place.run("--once")
    assert done.code == 78
    (said,) = messages(done)
    assert str(place.out) in said
    place.out.unlink()
    await assert_nothing_was_lost(simulator, place)


async def test_another_worker_at_the_same_staging_file(simulator: Simulator, place: Workplace) -> None:
    with place.started("--once") as first, anyio.fail_after(20):
        await until(place.staging.exists)
        first.send_signal(signal.SIGSTOP)
        done = await place.run("--once")
        assert done.code == 75
        (said,) = messages(done)
        assert "another" in said
    await assert_nothing_was_lost(simulator, place)


@pytest.mark.parametrize("kibibytes", [300, 700])
async def test_a_file_size_limit_that_is_reached(simulator: Simulator, place: Workplace, kibibytes: int) -> None:
    """`ulimit -f`, which every user can set, gives EFBIG where a full disk gives ENOSPC."""
    command = ["bash", "-c", f'ulimit -f {kibibytes}; trap "" XFSZ; exec "$@"', "bash", *place.command("--once")]
    with anyio.fail_after(60):
        ended = await anyio.run_process(command, env=place.surroundings(), check=False)
    assert ended.returncode == 74, ended.stderr.decode()[-2000:]
    (said,) = messages(Done(ended.returncode, "", ended.stderr.decode()))
    assert "free some" in said or "ulimit" in said
    await assert_nothing_was_lost(simulator, place)


@pytest.mark.root
@needs_mount
@pytest.mark.parametrize("what", ["out", "staging"])
async def test_a_full_disk(place: Workplace, tmp_path: Path, what: str) -> None:
    with a_small_disk(tmp_path / "small", 400) as small:
        command = place.command("--once")
        target = place.out if what == "out" else place.staging
        command[command.index(str(target))] = str(small / target.name)
        (small / "ballast").write_bytes(b"x" * 380 * 1024)
        ended = await anyio.run_process(command, env=place.surroundings(), check=False)
        assert ended.returncode == 74, ended.stderr.decode()[-2000:]
        assert len(messages(Done(ended.returncode, "", ended.stderr.decode()))) == 1
