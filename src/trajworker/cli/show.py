"""`trajworker show`: a trajectory, readable in the terminal."""

import argparse

from trajworker.cli.delivered import find_trajectory
from trajworker.cli.rendering import trajectory_page
from trajworker.cli.terminal import page_console


def main(asked: argparse.Namespace) -> int:
    """Print one trajectory."""
    trajectory = find_trajectory(asked, asked.id, asked.revision)
    page_console().print(trajectory_page(trajectory, steps=asked.steps))
    return 0
