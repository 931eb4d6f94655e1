"""What the simulator remembers: projects, runs in their order of start, feedback, attachments."""

import uuid
from bisect import bisect_left, insort
from typing import Any, NamedTuple, TypeAlias

import msgspec

from trajworker.simulator.stored_run import StoredRun

FOREVER_US = 1 << 62
_NAMESPACE = uuid.UUID("7c5c7a4e-5a33-5b0e-9b43-5f7a1d3f2c10")
_FEW = 64
"""Up to this many new rows are inserted one by one; more are appended and sorted once."""

Key: TypeAlias = tuple[int, str]
"""Order of runs everywhere: start in microseconds, then id."""


class Project(msgspec.Struct, kw_only=True):
    """A tracing project (`session` in v1)."""

    id: str
    name: str
    created_us: int = 0
    extra: dict[str, Any] | None = None
    description: str | None = None
    end_us: int | None = None
    reference_dataset_id: str | None = None
    trace_tier: str | None = None


class Place(NamedTuple):
    """Where a run stands in the indexes."""

    session_id: str
    trace_id: str
    thread_id: str | None
    parent_run_id: str | None


def place_of(run: StoredRun) -> Place:
    """Where a run belongs."""
    return Place(run.session_id, run.trace_id, run.thread_id, run.parent_run_id)


class Entry:
    """A run and the versions of it that become visible one after the other."""

    __slots__ = ("_versions", "id", "key", "latest", "place", "settled_us")

    def __init__(self, run: StoredRun) -> None:
        self.id = run.id
        self.key: Key = (run.start_us, run.id)
        self.place = place_of(run)
        self.latest: StoredRun | None = run
        self.settled_us = 0
        self._versions: list[tuple[int, StoredRun | None]] = []

    def at(self, now_us: int) -> StoredRun | None:
        """The version a reader sees at a moment, None while (or when no longer) there is any."""
        if now_us >= self.settled_us:
            return self.latest
        seen = None
        for visible_us, run in self._versions:
            if visible_us <= now_us:
                seen = run
        return seen

    def show(self, run: StoredRun | None, visible_us: int) -> None:
        """Let a newer version (None: nothing, the run is gone) be seen from a moment on."""
        if not self._versions and visible_us <= self.settled_us:
            self.latest = run
            return
        visible_us = max(visible_us, self.settled_us)
        self._versions = [*(self._versions or [(0, self.latest)]), (visible_us, run)]
        self.latest, self.settled_us = run, visible_us

    def script(self, versions: list[tuple[int, StoredRun | None]]) -> None:
        """Replace all versions: `(visible from, version)` in order of time."""
        self._versions = versions
        self.settled_us, self.latest = versions[-1]


def entry_key(entry: Entry) -> Key:
    """Sort key of an entry."""
    return entry.key


class Timeline:
    """Runs of one project in order of start."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._arrived: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Take in a run; sorting waits for the next reader."""
        self._arrived.append(entry)

    def discard(self, entry: Entry) -> None:
        """Take a run out, before its key changes."""
        entries = self.entries()
        index = bisect_left(entries, entry.key, key=entry_key)
        if index < len(entries) and entries[index] is entry:
            del entries[index]

    def entries(self) -> list[Entry]:
        """All runs, ascending."""
        if self._arrived:
            if len(self._arrived) <= _FEW:
                for entry in self._arrived:
                    insort(self._entries, entry, key=entry_key)
            else:
                self._entries.extend(self._arrived)
                self._entries.sort(key=entry_key)
            self._arrived = []
        return self._entries


class Store:
    """All that was ingested or loaded, indexed for the queries of the API."""

    def __init__(self) -> None:
        self.projects: dict[str, Project] = {}
        self.entries: dict[str, Entry] = {}
        self.feedback: dict[str, dict[str, Any]] = {}
        self.feedback_of_run: dict[str, list[str]] = {}
        self.attachments: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._project_names: dict[str, str] = {}
        self._deleted_names: list[str] = []
        self._timelines: dict[str, Timeline] = {}
        self._traces: dict[str, list[Entry]] = {}
        self._threads: dict[str, list[Entry]] = {}
        self._children: dict[str, list[Entry]] = {}

    def project_named(self, name: str, created_us: int, project_id: str | None = None) -> Project:
        """The project of a name, created where there is none yet; its id follows from its name unless given.

        A name that comes back after its project was deleted is another project, with another id.
        """
        known = self._project_names.get(name)
        if known is not None:
            return self.projects[known]
        before = self._deleted_names.count(name)
        own_id = str(uuid.uuid5(_NAMESPACE, f"{name}/{before}" if before else name))
        project = Project(id=project_id or own_id, name=name, created_us=created_us)
        self.projects[project.id] = project
        self._project_names[name] = project.id
        return project

    def find_project(self, name: str) -> Project | None:
        """The project of a name, if there is one."""
        known = self._project_names.get(name)
        return None if known is None else self.projects[known]

    def rename(self, project: Project, name: str) -> None:
        """Call a project by another name, which must be free."""
        del self._project_names[project.name]
        project.name = name
        self._project_names[name] = project.id

    def drop_project(self, project: Project) -> None:
        """Forget a project and its runs."""
        for entry in self._timelines.pop(project.id, Timeline()).entries():
            self._unlink(entry)
        del self.projects[project.id], self._project_names[project.name]
        self._deleted_names.append(project.name)

    def drop_feedback(self, feedback_id: str) -> None:
        """Forget one piece of feedback."""
        run_id = self.feedback.pop(feedback_id)["run_id"]
        if run_id:
            self.feedback_of_run[str(run_id)].remove(feedback_id)

    def put(self, run: StoredRun, visible_us: int = 0) -> Entry:
        """Add a run that is visible from a moment on, or replace all versions of the one with the same id."""
        old = self.entries.get(run.id)
        if old is not None:
            self.remove(old)
        entry = Entry(run)
        if visible_us:
            entry.script([(visible_us, run)])
        self._place(entry)
        return entry

    def update(self, entry: Entry, run: StoredRun, visible_us: int) -> None:
        """Show a newer version of a run from a moment on, under its new keys."""
        moved = entry.key != (run.start_us, run.id) or entry.place != place_of(run)
        if moved:
            self.remove(entry)
            entry.key, entry.place = (run.start_us, run.id), place_of(run)
        entry.show(run, visible_us)
        if moved:
            self._place(entry)

    def _place(self, entry: Entry) -> None:
        self.entries[entry.id] = entry
        place = entry.place
        self._timelines.setdefault(place.session_id, Timeline()).add(entry)
        self._traces.setdefault(place.trace_id, []).append(entry)
        if place.thread_id is not None:
            self._threads.setdefault(place.thread_id, []).append(entry)
        if place.parent_run_id is not None:
            self._children.setdefault(place.parent_run_id, []).append(entry)

    def remove(self, entry: Entry) -> None:
        """Forget a run: no tombstone stays, as after an expired retention."""
        self._timelines[entry.place.session_id].discard(entry)
        self._unlink(entry)

    def _unlink(self, entry: Entry) -> None:
        del self.entries[entry.id]
        place = entry.place
        self._traces[place.trace_id].remove(entry)
        if place.thread_id is not None:
            self._threads[place.thread_id].remove(entry)
        if place.parent_run_id is not None:
            self._children[place.parent_run_id].remove(entry)

    def timeline(self, project_id: str) -> list[Entry]:
        """Runs of a project, ascending by start."""
        timeline = self._timelines.get(project_id)
        return [] if timeline is None else timeline.entries()

    def trace(self, trace_id: str) -> list[Entry]:
        """Runs of a trace, in order of arrival."""
        return self._traces.get(trace_id, [])

    def thread(self, thread_id: str) -> list[Entry]:
        """Runs of a thread in all projects, in order of arrival."""
        return self._threads.get(thread_id, [])

    def children(self, run_id: str) -> list[Entry]:
        """Direct children of a run, in order of arrival."""
        return self._children.get(run_id, [])

    def with_id(self, run_id: str) -> list[Entry]:
        """The run of an id, if there is one."""
        entry = self.entries.get(run_id)
        return [] if entry is None else [entry]
