"""A LangSmith that moves, in a process of its own: runs show late, pending first or among old ones, and answers fail.

`moving_source.py FOLDER SEED SECONDS`: everything shows within that time. Prints its URL; ends with SIGTERM.
"""

import sys
from pathlib import Path

from trajworker.simulator import Fault, Reveal, SimulatorSettings, run_forever
from trajworker.simulator.faults import Answer, CutBody, Duplicate, ExpireCursor, Reset, Slow

TROUBLE = (
    Fault(effect=Reset(), path="*/runs/query", probability=0.03),
    Fault(effect=Answer(status=503, body="{}"), probability=0.03),
    Fault(effect=Answer(status=429, body="{}"), path="*/runs/query", probability=0.02),
    Fault(effect=CutBody(), path="*/runs/query", probability=0.02),
    Fault(effect=Duplicate(rows=3), path="*/runs/query", probability=0.05),
    Fault(effect=ExpireCursor(), path="*/runs/query", probability=0.02),
    Fault(effect=Slow(pieces=4, pause_s=0.01), path="*/runs/query", probability=0.05),
)


def appearing(seconds: float) -> tuple[Reveal, ...]:
    """Runs in eight shares, each of which shows at another time; half of them are pending before."""
    steps = range(1, 9)
    return tuple(
        Reveal(
            share=step / len(steps),
            pending_s=seconds * (step - 1) / len(steps) if step % 2 else None,
            final_s=seconds * step / len(steps),
        )
        for step in steps
    )


if __name__ == "__main__":
    folder, seed, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    settings = SimulatorSettings(reveal=appearing(seconds), faults=TROUBLE, seed=seed)
    run_forever(settings, on_ready=lambda url: print(url, flush=True), load=[folder])  # noqa: T201 - the pipe is the interface
