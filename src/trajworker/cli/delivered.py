"""Finds trajectories in published files by conversation id, or its beginning, and project where that is not enough."""

import argparse
from pathlib import Path

from msgspec import Struct

from trajworker.api.telling_apart import told_apart
from trajworker.cli.settings import load_asked
from trajworker.config import Purpose
from trajworker.errors import ConfigError, ConversationNotFound
from trajworker.ports import Consumed
from trajworker.trajectory import Trajectory
from trajworker.trajectory.line import load

NOWHERE = "without a project"
"""Stands for the project of a conversation that names none."""


class _Found(Struct):
    """One conversation, which is one of one project: its newest revision, or the one asked for, and which there are."""

    conversation_id: str
    project_id: str
    names: dict[int, str] = {}
    """What the project was called at each revision."""
    trajectory: Trajectory | None = None

    @property
    def project(self) -> str:
        """What the project is called now, as far as is known."""
        return self.names[max(self.names)]

    def add(self, trajectory: Trajectory, revision: int | None) -> None:
        """Take in a line of it."""
        self.names[trajectory.revision] = trajectory.origin.project or ""
        is_newer = self.trajectory is None or trajectory.revision > self.trajectory.revision
        if revision in (None, trajectory.revision) and is_newer:
            self.trajectory = trajectory


def find_trajectory(asked: argparse.Namespace, conversation_id: str, revision: int | None = None) -> Trajectory:
    """The newest revision of the conversation, or the one asked for, in the published files that are asked for.

    Raises:
        ConversationNotFound: no such id or revision, more than one id begins like that, or several projects have it.
        ConfigError: nothing is there.
    """
    sink = load_asked(asked, Purpose.LOCAL).sink
    folder = Path(asked.folder) if asked.folder else sink.out
    if not folder.exists():
        raise ConfigError(f"there is nothing at {folder}; name the published files with --in")
    all_of_id: dict[tuple[str, str], _Found] = {}
    for trajectory in load(folder, skip_taken=sink.consumed is Consumed.EXPECTED):
        name, project_id = trajectory.task.conversation_id or "", trajectory.origin.project_id or NOWHERE
        if name.startswith(conversation_id):
            all_of_id.setdefault((name, project_id), _Found(name, project_id)).add(trajectory, revision)
    found = _of_project(list(all_of_id.values()), asked.project)
    if not found:
        where = f"{folder}" if asked.project is None else f"{folder} of project {asked.project}"
        raise ConversationNotFound(f"no conversation {conversation_id} in {where}")
    one = _only(found, conversation_id, folder)
    if one.trajectory is None:
        present = ", ".join(map(str, sorted(one.names)))
        raise ConversationNotFound(f"{one.conversation_id} has no revision {revision} in {folder}, only {present}")
    return one.trajectory


def _of_project(found: list[_Found], project: str | None) -> list[_Found]:
    """Those of a project, by its id, by its name, or where nobody has that now, by a former one."""
    now = [one for one in found if project in (None, one.project, one.project_id)]
    return now or [one for one in found if project in one.names.values()]


def _only(found: list[_Found], conversation_id: str, folder: Path) -> _Found:
    """The one that is meant: of just that id if there is one, and of those that have what is looked for."""
    exact = [one for one in found if one.conversation_id == conversation_id] or found
    having = [one for one in exact if one.trajectory is not None] or exact
    names = {one.conversation_id for one in having}
    if len(names) > 1:
        raise ConversationNotFound(f"{len(names)} conversations in {folder} begin with {conversation_id}; write more")
    if len(having) > 1:
        projects = ", ".join(told_apart({one.project_id: one.project for one in having}))
        raise ConversationNotFound(
            f"{len(having)} projects in {folder} ({projects}) have a conversation {having[0].conversation_id}: "
            "choose one with --project"
        )
    return having[0]
