"""Runs a program and says what it cost: wall time, CPU with children, peak memory of the whole process tree."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

SAMPLE_S: Final = 0.02
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_KIB: Final = 1024


class Cost(Struct, frozen=True):
    """What a program took. `rss_bytes` is the highest sum over the process tree that was seen.

    `ru_maxrss` is not used: a child inherits the peak of the process that forked it.
    """

    wall_s: float
    cpu_s: float
    rss_bytes: int
    exit_code: int
    timed_out: bool = False
    stdout: str = ""
    stderr: str = ""


def run(
    command: Sequence[str], folder: Path, *, environment: Mapping[str, str] | None = None, timeout_s: float = 900
) -> Cost:
    """Run a program in a folder to its end, or kill its process group when it takes too long.

    Bytecode is kept even where the surroundings say otherwise: what is installed has been compiled once, so a program
    that compiles itself anew each time would be charged for what no user pays.
    """
    with (folder / "stdout.txt").open("wb") as out, (folder / "stderr.txt").open("wb") as err:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(environment or {})},
            start_new_session=True,
        )
        watch = _Watch(process.pid)
        killer = threading.Timer(timeout_s, _kill_group, [process.pid])
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began
        timed_out = not killer.is_alive()
        killer.cancel()
        peak = watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        wall_s,
        usage.ru_utime + usage.ru_stime,
        peak,
        process.returncode,
        timed_out,
        (folder / "stdout.txt").read_text("utf-8", "replace"),
        (folder / "stderr.txt").read_text("utf-8", "replace"),
    )


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, 9)


class _Watch(threading.Thread):
    """Samples the memory of a process and all its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self._peak = 0
        self.start()

    def run(self) -> None:
        while not self._done.wait(SAMPLE_S):
            self._peak = max(self._peak, _peak_rss(self._pid), sum(_rss(pid) for pid in _tree(self._pid)))

    def stop(self) -> int:
        self._done.set()
        self.join()
        return self._peak


def _peak_rss(pid: int) -> int:
    """What one process itself held at most, since its start."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * _KIB for line in lines if line.startswith("VmHWM")), 0)


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _tree(pid: int) -> list[int]:
    found = [pid]
    for known in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{known}/task").iterdir():
                found += [int(child) for child in (thread / "children").read_text("ascii").split()]
    return found
