"""The whole worker beside a heartbeat: prints to stderr how late the latest beat came, in seconds.

python heartbeat.py URL FOLDER
"""

import sys
import time
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from matrix.workspace import settings_for, work

BEAT_S = 0.01


async def beat(lags: list[float]) -> None:
    """Note how late each beat comes."""
    while True:
        due = time.perf_counter() + BEAT_S
        await anyio.sleep(BEAT_S)
        lags.append(time.perf_counter() - due)


async def main(url: str, folder: Path) -> int:
    """Work once; the exit code."""
    lags: list[float] = []
    async with anyio.create_task_group() as group:
        group.start_soon(beat, lags)
        code, _ = await work(settings_for(url, folder))
        group.cancel_scope.cancel()
    sys.stderr.write(f"{max(lags):.3f}")
    return code


if __name__ == "__main__":
    raise SystemExit(anyio.run(main, sys.argv[1], Path(sys.argv[2])))
