"""Section 5 of the bar: the key leaves the process to one origin, and no artefact of a whole run holds a canary.

The worker runs as a process of its own: alive (its log, its memory-mapped files, its probes and its command line are
looked at), then killed in the middle, then run to its end under strace.
"""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from anyio.to_thread import run_sync

from faults.crashing import why_not_strace
from security import planting
from support import corpus
from support.published import lines_in
from trajworker.simulator import serve

READY_S = 30.0
PAUSE_S = 0.05

pytestmark = pytest.mark.slow


class Place:
    """Where everything of one worker lies."""

    def __init__(self, folder: Path, mode: str, url: str) -> None:
        self.url = url
        self.out = folder / "artefacts" / "out"
        self.staging = folder / "artefacts" / "staging" / "s.db"
        self.artefacts = folder / "artefacts"
        self.artefacts.mkdir(mode=0o700)
        self.key = folder / "key"
        self.key.write_text(planting.API_KEY + "\n")
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith(("LANG", "COV"))} | {
            "TRAJWORKER_SOURCE_API_KEY_FILE": str(self.key),
            "TRAJWORKER_REDACTION_MODE": mode,
            "TRAJWORKER_SOURCE_RATE_SCALE": "1000",
            "TRAJWORKER_LOGGING_LEVEL": "debug",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "ALL_PROXY": "http://127.0.0.1:9",
        }

    def words(self, *more: str) -> list[str]:
        """The worker as it is typed."""
        return [
            *(sys.executable, "-X", "dev", "-m", "trajworker", "run", "--project", planting.PROJECT),
            *("--endpoint", self.url, "--settle", "0s", "--idle", "0s"),
            *("--out", str(self.out), "--staging", str(self.staging), *more),
        ]


@contextmanager
def alive(place: Place) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A worker that follows, and the port of its probes; it is killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    environment = place.environment | {"TRAJWORKER_HEALTH_BIND": f"127.0.0.1:{port}"}
    with (
        (place.artefacts / "stderr").open("wb") as stderr,
        subprocess.Popen(place.words(), stderr=stderr, stdout=stderr, env=environment) as process,
    ):
        try:
            yield process, port
        finally:
            process.send_signal(signal.SIGKILL)


def fetch(port: int, path: str) -> bytes:
    """What a probe answers, headers and all; empty as long as nobody listens."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return bytes(answer.headers) + bytes(answer.read())
    except OSError as error:
        return str(error).encode()


def look_at_the_living(place: Place) -> bytes:
    """Everything that a living worker shows: probes, command line, and that it staged something."""
    with alive(place) as (process, port):
        until = time.monotonic() + READY_S
        while not re.search(rb'trajworker_emissions_total\{pane="on_time"\} [1-9]', shown := fetch(port, "/metrics")):
            assert time.monotonic() < until, (shown, (place.artefacts / "stderr").read_text())
            time.sleep(PAUSE_S)
        shown += fetch(port, "/livez") + fetch(port, "/readyz") + fetch(port, f"/{planting.API_KEY}")
        shown += Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert re.search(r"Max core file size +0 +0 ", Path(f"/proc/{process.pid}/limits").read_text())
        assert place.staging.with_name("s.db-wal").stat().st_size > 0
        assert list(place.out.glob(".*.part"))
        modes = {
            path: stat.S_IMODE(path.stat().st_mode) for path in place.artefacts.rglob("*") if path.name != "stderr"
        }
    assert set(modes.values()) == {0o600, 0o700}, modes
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())
    return shown


def run_to_the_end(place: Place) -> set[tuple[str, int]]:
    """Work once; the addresses that were connected to (empty where strace may not trace)."""
    trace = place.artefacts / "strace"
    strace = [] if why_not_strace() else ["strace", "-f", "-qq", "-e", "trace=connect", "-o", str(trace)]
    with (place.artefacts / "stderr-2").open("wb") as told:
        done = subprocess.run(
            [*strace, *place.words("--once")], stderr=told, stdout=told, env=place.environment, check=False
        )
    assert done.returncode == 0, (place.artefacts / "stderr-2").read_text()
    if not strace:
        return set()
    lines = trace.read_text()
    assert "AF_INET6" not in lines
    return {
        (host, int(port))
        for port, host in re.findall(r'connect\(.*sin_port=htons\((\d+)\), sin_addr=inet_addr\("([\d.]+)"\)', lines)
    }


@pytest.mark.parametrize("mode", ["off", "builtin"])
async def test_no_artefact_of_a_whole_run_holds_a_canary(tmp_path: Path, mode: str) -> None:
    held = planting.simulator()
    if corpus.producers():
        planting.add_recorded(held)
    async with serve(held) as url:
        await run_sync(planting.ingest_by_sdk, url)
        planting.provoke(held)
        place = Place(tmp_path, mode, url)
        shown = await run_sync(look_at_the_living, place)
        everywhere = (planting.API_KEY, planting.SIGNATURE, "canarysignature")
        private = planting.PERSONAL if mode == "builtin" else ()
        assert planting.holding(place.artefacts, *everywhere, *private) == {}
        connected = await run_sync(run_to_the_end, place)
    assert planting.holding(place.artefacts, *everywhere, *private) == {}
    assert [canary for canary in (*everywhere, *planting.PERSONAL) if canary.encode() in shown] == []
    told = planting.holding(place.artefacts, *planting.PERSONAL)
    assert {name.partition("/")[0] for name in told} <= {"out", "staging"}, "a log repeats what was said"
    assert bool(told) is (mode == "off")
    assert not any("manifest" in name for name in told)
    assert connected <= {("127.0.0.1", int(url.rpartition(":")[2]))}
    assert len(list(lines_in(place.out))) >= 2


async def test_the_errors_that_were_provoked_were_met(tmp_path: Path) -> None:
    """Else the test above would hold for a worker that never saw them."""
    held = planting.simulator()
    planting.provoke(held)
    async with serve(held) as url:
        place = Place(tmp_path, "off", url)
        await run_sync(run_to_the_end, place)
    told = (place.artefacts / "stderr-2").read_text()
    assert told.count("request_retried") >= 2
    assert planting.holding(place.out, planting.PERSON) != {}
