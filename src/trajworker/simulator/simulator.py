"""One simulated LangSmith workspace: what it holds, how it behaves, what was asked of it."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from trajworker.simulator.erasing import Eraser
from trajworker.simulator.faults import Fault, FaultScript
from trajworker.simulator.loading import folders, load_folder
from trajworker.simulator.merge import Intake
from trajworker.simulator.record import Requests
from trajworker.simulator.reveal import Curtain, Reveal
from trajworker.simulator.settings import SimulatorSettings
from trajworker.simulator.state import State
from trajworker.simulator.stored_run import StoredRun, from_document


class Simulator:
    """A LangSmith-compatible server without its socket; `serve` gives it one."""

    def __init__(self, settings: SimulatorSettings | None = None, *, now_s: Callable[[], float] = time.time) -> None:
        self.settings = settings or SimulatorSettings()
        self.state = State(self.settings, now_s)
        self.requests = Requests()
        self.faults = FaultScript(self.settings.faults, self.settings.seed)
        self.intake = Intake(self.state)
        self.eraser = Eraser(self.state, self.intake)
        self._curtain = Curtain(self.settings.reveal, self.state.started_s)

    def load(self, path: str | Path) -> int:
        """Load a folder with `runs.jsonl`, or a folder of such folders; the number of runs.

        Raises:
            LoadError: nothing to load there, or something that is no run.
        """
        count = 0
        for folder in folders(Path(path)):
            for run in load_folder(self.state.store, folder, self.state.now_us()):
                self._place(run)
                count += 1
        return count

    def add_runs(self, project_name: str, runs: Iterable[dict[str, Any]]) -> str:
        """Add runs in v1 shape to a project; its id.

        A project that is new takes the `session_id` of its first run. Runs with known ids are replaced.

        Raises:
            msgspec.ValidationError: a field has a wrong type.
        """
        store = self.state.store
        project = store.find_project(project_name)
        for document in runs:
            if project is None:
                given = document.get("session_id")
                project = store.project_named(project_name, self.state.now_us(), given)
            run = from_document(document)
            run.session_id = project.id
            self._place(run)
        return (project or store.project_named(project_name, self.state.now_us())).id

    def reveal(self, *rules: Reveal) -> None:
        """Apply rules to all runs there are, counted from the simulator's start; the first match decides."""
        curtain = Curtain(rules, self.state.started_s)
        for entry in list(self.state.store.entries.values()):
            curtain.apply(entry)

    def script(self, *faults: Fault) -> None:
        """Replace the fault script; its counters start anew."""
        self.faults = FaultScript(faults, self.settings.seed)

    def forget_trace(self, trace_id: str) -> None:
        """Delete a trace without a tombstone, as retention does."""
        self.eraser.trace(trace_id)

    def _place(self, run: StoredRun) -> None:
        self._curtain.apply(self.state.store.put(run))
