"""`trajworker show`: a trajectory, readable in the terminal."""

import argparse
import sys

from rich.console import Console

from trajworker.cli.finding import find_trajectory
from trajworker.cli.rendering import trajectory_page


def main(asked: argparse.Namespace) -> int:
    """Print one trajectory."""
    trajectory = find_trajectory(asked, asked.id, asked.revision)
    Console(file=sys.stdout, highlight=False).print(trajectory_page(trajectory, steps=asked.steps))
    return 0
