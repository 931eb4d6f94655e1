"""`trajworker show`: a trajectory, readable in the terminal."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from trajworker.cli.finding import find_trajectory
from trajworker.cli.rendering import trajectory_page
from trajworker.cli.settings import load_asked
from trajworker.config import Purpose


def main(asked: argparse.Namespace) -> int:
    """Print one trajectory."""
    folder = Path(asked.folder) if asked.folder else load_asked(asked, Purpose.LOCAL).sink.out
    trajectory = find_trajectory(folder, asked.id, asked.revision)
    Console(file=sys.stdout, highlight=False).print(trajectory_page(trajectory, steps=asked.steps))
    return 0
