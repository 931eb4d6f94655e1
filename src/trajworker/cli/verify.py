"""`trajworker verify`: every published file held against the chain of manifests; needs no staging."""

import argparse
import sys
from pathlib import Path

from trajworker.cli.settings import load_asked
from trajworker.config import Purpose
from trajworker.errors import EXIT_IO
from trajworker.observing.counting import counted
from trajworker.observing.printable import printable
from trajworker.sinks import verify
from trajworker.sinks.folder import ADVICE


def main(asked: argparse.Namespace) -> int:
    """Say what is whole and what is not; exit code 74 when something is damaged."""
    found = verify(Path(asked.out), load_asked(asked, Purpose.LOCAL).sink.consumed)
    for problem in found.problems:
        sys.stderr.write(f"trajworker: {printable(problem)}\n")
    if found.problems:
        sys.stderr.write(f"trajworker: {ADVICE}, given the --staging and --out of their worker\n")
    void = f"; void: {', '.join(map(str, found.void))}" if found.void else ""
    taken = f"; taken by their consumer: {found.taken}" if found.taken else ""
    whole = f"whole: {counted(found.files, 'file')}, {counted(found.lines, 'line')}"
    sys.stdout.write(f"{whole}{taken}{void}; problems: {len(found.problems)}\n")
    return EXIT_IO if found.problems else 0
