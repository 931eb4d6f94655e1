"""A scripted workspace whose clock, rows and lies are a test's to choose, and the whole worker in front of it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from support.fake_langsmith import FakeLangSmith, run_row
from support.published import lines_in
from support.scripted_server import Received, Reply, json_reply
from trajworker.config.endpoint import root_of
from trajworker.config.secret import Secret
from trajworker.config.settings import (
    ConversationSettings,
    IntakeSettings,
    Settings,
    SinkSettings,
    SourceSettings,
    StagingSettings,
    WorkerSettings,
)
from trajworker.events import Event
from trajworker.wiring import run_worker

PROJECT = "4b1f068c-7d6b-5935-9723-e0824319f616"
NO_TIME = timedelta(0)
_DATE = re.compile(rb"Date: [^\r]*")


class Workspace:
    """Answers as one project named `p`; every answer tells `now` as the server's time."""

    def __init__(self, rows: list[dict[str, Any]], now: datetime | None = None) -> None:
        self.fake = FakeLangSmith(rows)
        self.now = now or datetime.now(UTC)

    def __call__(self, request: Received) -> Reply:
        answer = self._answer(request)
        date = b"Date: " + format_datetime(self.now, usegmt=True).encode()
        return Reply(
            tuple(_DATE.sub(date, part) if isinstance(part, bytes) else part for part in answer.parts), answer.close
        )

    def _answer(self, request: Received) -> Reply:
        if "/sessions" in request.path:
            return json_reply([{"id": PROJECT, "name": "p"}])
        return self.fake(request)


def turn(number: int, at: datetime, thread: str | None = "t", **fields: Any) -> dict[str, Any]:
    """A trace of one run that says one thing: `question number` and `answer number`."""
    said_there: dict[str, Any] = {
        "thread_id": thread,
        "inputs": {"messages": [{"role": "user", "content": f"question {number}"}]},
        "outputs": {"choices": [{"message": {"role": "assistant", "content": f"answer {number}"}}]},
    }
    return run_row(number, at - timedelta(minutes=number), **{**said_there, **fields})


def settings_for(url: str, folder: Path) -> Settings:
    """One cycle over everything, with no time to settle and none to be idle; `replace` what a test is about."""
    return Settings(
        source=SourceSettings(
            endpoint=root_of(url), projects=("p",), api_key=Secret("lsv2_pt_matrix"), rate_scale=1000.0
        ),
        staging=StagingSettings(file=folder / "staging" / "s.db"),
        intake=IntakeSettings(settle=NO_TIME),
        conversation=ConversationSettings(idle=NO_TIME),
        sink=SinkSettings(out=folder / "out"),
        worker=WorkerSettings(once=True),
    )


async def work(settings: Settings) -> tuple[int, list[Event]]:
    """Run the worker to its end; exit code and what it told."""
    told: list[Event] = []
    return await run_worker(settings, told.append), told


def waiting(settings: Settings, *, idle: timedelta, settle: timedelta = NO_TIME) -> Settings:
    """The same, but conversations are finished only after having been idle for so long."""
    return replace(
        settings,
        conversation=replace(settings.conversation, idle=idle),
        intake=replace(settings.intake, settle=settle),
    )


def of_kind(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    """The events of one class."""
    return [event for event in events if isinstance(event, kind)]


def said(folder: Path) -> list[tuple[str, int]]:
    """Conversation and revision of every published line, in the order of the files."""
    return [(line["task"]["conversation_id"], line.get("revision", 1)) for line in lines_in(folder / "out")]


def contents(line: Any) -> list[str]:
    """What was said in a published line."""
    return [message.get("content") for message in line["messages"]]
