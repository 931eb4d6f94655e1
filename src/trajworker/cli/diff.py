"""`trajworker diff`: two trajectories aligned call by call; exit code 1 when they differ."""

import argparse
import sys
from itertools import islice
from pathlib import Path

import msgspec

from trajworker.cli.delivered import find_trajectory
from trajworker.cli.streams import write_json
from trajworker.errors import ConfigError, ConversationNotFound
from trajworker.matching import Golden, diff_trajectories, read_golden, render, verdict_map
from trajworker.observing.colours import takes_colours
from trajworker.trajectory import Trajectory
from trajworker.trajectory.line import load

EXIT_DIFFERENT = 1
GOLDEN = b'{"golden"'
SEVERAL = 2
FILES = (".json", ".jsonl", ".gz", ".zst")
"""How the names of files end; hardly any id does."""


def main(asked: argparse.Namespace) -> int:
    """Print the alignment."""
    verdict = diff_trajectories(_side(asked.a, asked), _side(asked.b, asked), asked.mode, asked.args)
    if asked.json:
        write_json(msgspec.json.encode(verdict_map(verdict), enc_hook=str))
    else:
        sys.stdout.write(f"{render(verdict, colour=takes_colours(sys.stdout))}\n")
    return 0 if verdict else EXIT_DIFFERENT


def _side(given: str, asked: argparse.Namespace) -> Trajectory | Golden:
    """What a person named: a file if there is one, else a conversation in the published files."""
    path = Path(given)
    if path.is_file():
        return _opened(path)
    try:
        return find_trajectory(asked, given)
    except (ConfigError, ConversationNotFound) as unknown:
        if not given.endswith(FILES):
            raise
        raise ConfigError(f"there is no file {path}; {unknown}") from None


def _opened(path: Path) -> Trajectory | Golden:
    with path.open("rb") as file:
        if file.read(len(GOLDEN)) == GOLDEN:
            return read_golden(path)
    trajectories = load(path)
    found = list(islice(trajectories, SEVERAL))
    if len(found) != 1:
        what = "several trajectories" if found else "no trajectory"
        raise ConfigError(f"{path} holds {what}: name a conversation, and the file with --in")
    return found[0]
