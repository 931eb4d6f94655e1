"""Where the worker spends its time: top functions by their own time, and by room."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from bench.contestants import Round, worker_command
from bench.corpora import Corpus
from bench.report import table
from bench.server import Server
from bench.trials import scratch
from bench.venvs import python_with

SAMPLES_PER_S: Final = 250
SHOWN: Final = 45


def profile(over: Corpus, *, api: str = "v2") -> str:
    """Run the worker under py-spy (native frames left out) and count samples.

    Raises:
        NotInstallableError: py-spy cannot be installed here.
        subprocess.CalledProcessError: py-spy could not watch (it needs ptrace).
    """
    spy = python_with("py-spy==0.4.3").with_name("py-spy")
    with Server(over.folder) as server, scratch() as folder:
        at = Round(server.url, over, folder, api=api)
        folded = folder / "folded.txt"
        watch = [
            str(spy),
            "record",
            "--format",
            "raw",
            "--rate",
            str(SAMPLES_PER_S),
            "--threads",
            "--output",
            str(folded),
        ]
        subprocess.run(
            [*watch, "--", *worker_command(at)],
            cwd=folder,
            env={**at.environment(), "PATH": "/usr/bin:/bin"},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return _told(folded)


def _told(folded: Path) -> str:
    own: Counter[str] = Counter()
    rooms: Counter[str] = Counter()
    inclusive: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    total = 0
    for line in folded.read_text("utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        samples = int(count)
        total += samples
        threads[frames[0] if frames[0].startswith("thread") else "main"] += samples
        own[_function(frames[-1])] += samples
        rooms[_room(frames)] += samples
        for name in {_function(frame) for frame in frames}:
            inclusive[name] += samples
    parts = [
        table([(n, f"{c / total:.1%}") for n, c in threads.most_common()], ("thread", "share")),
        table([(n, f"{c / total:.1%}") for n, c in rooms.most_common()], ("innermost room", "share")),
        table([(n, f"{c / total:.1%}") for n, c in own.most_common(SHOWN)], ("own time", "share")),
        table([(n, f"{c / total:.1%}") for n, c in inclusive.most_common(2 * SHOWN)], ("with callees", "share")),
    ]
    return "\n\n".join([f"{total} samples at {SAMPLES_PER_S}/s", *parts])


def _function(frame: str) -> str:
    """`name (file.py:12)` without its line."""
    head, _, _ = frame.rpartition(":")
    return (head + ")") if head else frame


def _room(frames: list[str]) -> str:
    for frame in reversed(frames):
        for root in ("/trajworker/", "trajworker/"):
            _, found, rest = frame.partition(root)
            if found and ".py" in rest:
                return rest.split("/")[0].split(".py")[0]
    return "outside"


def cpu_by_function(over: Corpus) -> str:
    """The same under cProfile, where py-spy cannot watch: exact counts of calls, inflated times."""
    with Server(over.folder) as server, scratch() as folder:
        at = Round(server.url, over, folder)
        kept = folder / "profile"
        command = [sys.executable, "-m", "cProfile", "-o", str(kept), *worker_command(at)[1:]]
        subprocess.run(command, cwd=folder, env=at.environment(), check=True, stdout=subprocess.DEVNULL)
        code = (
            "import json,pstats,sys;s=pstats.Stats(sys.argv[1]).stats;"
            "print(json.dumps(sorted(((v[2],v[0],'%s:%s %s'%k) for k,v in s.items()),reverse=True)[:60]))"
        )
        told = subprocess.run([sys.executable, "-c", code, str(kept)], capture_output=True, text=True, check=True)
    rows = [(f"{own:.3f}", calls, name[-110:]) for own, calls, name in json.loads(told.stdout)]
    return table(rows, ("own s", "calls", "function"))
