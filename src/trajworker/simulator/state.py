"""What the handlers share: settings, store, clock, and the questions they ask of them."""

from collections.abc import Callable
from typing import Any

from trajworker.simulator.selection import Page, Query, Selector
from trajworker.simulator.settings import SimulatorSettings
from trajworker.simulator.store import Key, Project, Store
from trajworker.simulator.stored_run import StoredRun

_MICROSECONDS = 1_000_000


class ManualClock:
    """A clock that stands still until it is told to move. Call it for seconds since 1970."""

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds


class State:
    """One simulated workspace."""

    def __init__(self, settings: SimulatorSettings, now_s: Callable[[], float]) -> None:
        self.settings = settings
        self.store = Store()
        self.now_s = now_s
        self.started_s = now_s()
        self._selector = Selector(self.store, self.feedback_of)

    def now_us(self) -> int:
        """The moment, in microseconds since 1970."""
        return round(self.now_s() * _MICROSECONDS)

    def select(self, query: Query, after: Key | None, size: int | None) -> Page:
        """A page of what is visible now.

        Raises:
            FilterSyntaxError: one of the filters is none.
        """
        return self._selector.page(query, self.now_us(), after, size)

    def selector(self) -> Selector:
        """For walks that are no plain pages."""
        return self._selector

    def visible(self, run_id: str) -> StoredRun | None:
        """The version of a run that is visible now."""
        entry = self.store.entries.get(run_id)
        return None if entry is None else entry.at(self.now_us())

    def feedback_of(self, run_id: str) -> list[dict[str, Any]]:
        """Feedback posted to a run."""
        return [self.store.feedback[key] for key in self.store.feedback_of_run.get(run_id, ())]

    def project_start_us(self, project: Project) -> int:
        """When a project began: no run of it started earlier."""
        timeline = self.store.timeline(project.id)
        return min(project.created_us, timeline[0].key[0]) if timeline else project.created_us
