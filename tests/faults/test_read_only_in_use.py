"""Row 60: the disk becomes read-only while a worker follows; it ends, and the next one says what is left, once.

`mount -o remount,ro` refuses a disk with files open for writing, and a bind mount concerns only files opened later.
What happens in the field is that the kernel finds damage and makes the file system read-only under its users
(`errors=remount-ro`), so that is what is done here.
"""

import socket
from datetime import timedelta
from pathlib import Path

import anyio.to_thread
import httpx
import pytest

from e2e.running import KEY, Workplace, each_revision_once, until
from e2e.simulated_time import BEGIN, PROJECT, turn
from faults.mounting import a_disk, needs_mount
from trajworker.simulator import Simulator, SimulatorSettings, serve
from trajworker.sinks import verify

pytestmark = [pytest.mark.slow, pytest.mark.root, needs_mount]

EXIT_S = 5.0
QUICKLY = {"TRAJWORKER_INTAKE_POLL": "100ms", "TRAJWORKER_SINK_SEAL_AGE": "100ms"}
CYCLES = 3
LATER = BEGIN + timedelta(hours=1)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("what", ["staging", "out"])
async def test_a_disk_that_turns_read_only_in_use_ends_the_worker_and_the_next_one_goes_on(
    tmp_path: Path, what: str
) -> None:
    simulator = Simulator(SimulatorSettings(api_keys=(KEY,)))
    simulator.add_runs(PROJECT, [turn(1, BEGIN, "told"), turn(2, BEGIN, "revised")])
    health = f"127.0.0.1:{free_port()}"
    with a_disk(tmp_path, tmp_path / "template.img") as disk:
        (disk.path / what).mkdir(mode=0o700)
        (tmp_path / what).symlink_to(disk.path / what)
        async with serve(simulator) as url, httpx.AsyncClient(trust_env=False) as probe:
            place = Workplace(url, tmp_path, [PROJECT], QUICKLY | {"TRAJWORKER_HEALTH_BIND": health})
            with place.started() as process:
                await until(lambda: place.out.exists() and len(place.revisions()) == 2)
                asked = len(simulator.requests)
                await until(lambda: len(simulator.requests) >= asked + 3 * CYCLES)
                assert (await probe.get(f"http://{health}/livez")).status_code == 200
                published = place.published()
                disk.go_wrong()
                simulator.add_runs(PROJECT, [turn(3, LATER, "revised"), turn(4, LATER, "new")])
                with anyio.fail_after(EXIT_S):
                    assert await anyio.to_thread.run_sync(process.wait, abandon_on_cancel=True) == 74
                assert process.stderr is not None
                said = [line for line in process.stderr.read().decode().split("\n") if line.startswith("trajworker: ")]
                assert len(said) == 1, said
                assert f"{disk.path / what}" in said[0]
                with pytest.raises(httpx.ConnectError):
                    await probe.get(f"http://{health}/livez")
            assert place.published() == published
            disk.mount_again()
            await place.once()
        kept = place.published()
        assert {name: kept.get(name) for name in published} == published
        assert sorted(place.revisions()) == [("new", 1), ("revised", 1), ("revised", 2), ("told", 1)]
        assert each_revision_once(place.revisions())
        assert verify(place.out).problems == ()
