"""What one run learns about a server that spares the next one requests: what it speaks, and what its runs weigh."""

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from trajworker.events import ApiChosen, Event, PageStaged

ASK_AGAIN = timedelta(days=1)
"""A server that spoke the old API is asked that often whether it has the new one."""
NEW_API = "v2"
ENOUGH_RUNS = 20
"""Fewer runs do not tell what runs weigh."""


class ServerProfile(Struct, frozen=True, kw_only=True):
    """What is remembered of a server.

    Args:
        api: the generation of the API that it speaks; None where that is not known.
        ask_again: when that is to be doubted, by the server's clock; None never.
        run_bytes: what one run weighs, on average, in the project with the heaviest ones.
    """

    api: str | None = None
    ask_again: datetime | None = None
    run_bytes: float | None = None


class ProfileObserver:
    """Learns a server's profile from the events of a run, beginning with what an earlier run kept (`known`)."""

    def __init__(self, remembered: str | None) -> None:
        """Begin with what an earlier run kept; what another release wrote in another way counts for nothing."""
        try:
            self.known = msgspec.json.decode(remembered or "{}", type=ServerProfile)
        except msgspec.MsgspecError:
            self.known = ServerProfile()
        self._api: str | None = None
        self._runs: dict[str, int] = {}
        self._bytes: dict[str, int] = {}

    def notice(self, event: Event) -> None:
        """Take in what happens."""
        match event:
            case ApiChosen():
                self._api = event.api
            case PageStaged() if event.size_bytes:  # else nobody weighed it
                self._runs[event.project] = self._runs.get(event.project, 0) + event.runs
                self._bytes[event.project] = self._bytes.get(event.project, 0) + event.size_bytes
            case _:
                pass

    @property
    def met(self) -> bool:
        """Whether the server answered at all."""
        return bool(self._api or self._runs)

    def to_remember(self, now: datetime) -> str:
        """The profile for the next run, as JSON; of several projects the one with the heaviest runs counts."""
        weights = [self._bytes[name] / runs for name, runs in self._runs.items() if runs >= ENOUGH_RUNS]
        chosen = self.known
        if self._api is not None:
            ask_again = None if self._api == NEW_API else now + ASK_AGAIN
            chosen = ServerProfile(api=self._api, ask_again=ask_again)
        run_bytes = max(weights, default=self.known.run_bytes)
        return msgspec.json.encode(msgspec.structs.replace(chosen, run_bytes=run_bytes)).decode()
