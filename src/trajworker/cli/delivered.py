"""Finds trajectories in published files by conversation id, or its beginning."""

import argparse
from pathlib import Path

from trajworker.cli.settings import load_asked
from trajworker.config import Purpose
from trajworker.errors import ConfigError, ConversationNotFound
from trajworker.ports import Consumed
from trajworker.trajectory import Trajectory
from trajworker.trajectory.line import load


def find_trajectory(asked: argparse.Namespace, conversation_id: str, revision: int | None = None) -> Trajectory:
    """The newest revision of the conversation, or the one asked for, in the published files that are asked for.

    Raises:
        ConversationNotFound: no such id or revision, or more than one id begins like that.
        ConfigError: nothing is there.
    """
    sink = load_asked(asked, Purpose.LOCAL).sink
    folder = Path(asked.folder) if asked.folder else sink.out
    if not folder.exists():
        raise ConfigError(f"there is nothing at {folder}; name the published files with --in")
    found: dict[str, Trajectory] = {}
    revisions: dict[str, set[int]] = {}
    for trajectory in load(folder, skip_taken=sink.consumed is Consumed.EXPECTED):
        name = trajectory.task.conversation_id or ""
        if not name.startswith(conversation_id):
            continue
        revisions.setdefault(name, set()).add(trajectory.revision)
        if revision in (None, trajectory.revision) and _newer(trajectory, found.get(name)):
            found[name] = trajectory
    if conversation_id in revisions:
        found = {name: one for name, one in found.items() if name == conversation_id}
        revisions = {conversation_id: revisions[conversation_id]}
    if len(found) > 1:
        raise ConversationNotFound(f"{len(found)} conversations in {folder} begin with {conversation_id}; write more")
    if not found and len(revisions) == 1:
        ((name, known),) = revisions.items()
        present = ", ".join(map(str, sorted(known)))
        raise ConversationNotFound(f"{name} has no revision {revision} in {folder}, only {present}")
    if not found:
        raise ConversationNotFound(f"no conversation {conversation_id} in {folder}")
    return next(iter(found.values()))


def _newer(trajectory: Trajectory, known: Trajectory | None) -> bool:
    return known is None or trajectory.revision > known.revision
