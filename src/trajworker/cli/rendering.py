"""How a trajectory reads in a terminal: turns as rules, who speaks in the margin, tool calls and results beneath."""

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from trajworker.cli.terminal import named, plain_table, shortened, spoken
from trajworker.model.message import Message, Role, ToolCall
from trajworker.observing.counting import counted
from trajworker.trajectory import Trajectory, Turn

LONGEST_VALUE = 400
"""Characters of one argument or result that are shown; the file has the rest."""
SHOWN_ID = 14
COLOURS = {Role.SYSTEM: "dim", Role.USER: "cyan", Role.ASSISTANT: "green", Role.TOOL: "magenta"}


def trajectory_page(trajectory: Trajectory, *, steps: bool = False) -> RenderableType:
    """The whole trajectory: a head with its figures, then what was said."""
    return Group(
        _head(trajectory), *_conversation(trajectory), *(_steps(trajectory) if steps else ()), *_nested(trajectory)
    )


def overview(trajectories: Iterator[Trajectory]) -> Table:
    """One row per conversation; ids are cut to what tells them apart, `trajworker show` takes their beginnings."""
    table = plain_table()
    table.add_column("conversation", no_wrap=True)
    for name in ("turns", "steps", "tools", "failed", "tokens"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("begins")  # may shrink, so it must not be told not to wrap; its texts are
    for trajectory in trajectories:
        table.add_row(*_overview_row(trajectory))
    return table


def _overview_row(trajectory: Trajectory) -> Iterator[RenderableType]:
    task, metrics = trajectory.task, trajectory.metrics
    yield named(_short(task.conversation_id or "?", SHOWN_ID))
    yield _number(task.num_turns)
    yield _number(task.num_steps)
    yield _number(metrics.num_tool_calls if metrics else None)
    yield _number(metrics.num_tool_failures if metrics else None)
    yield _number(task.total_tokens)
    first = next((message.content for message in trajectory.messages if message.role is Role.USER), None)
    yield shortened((first or "").replace("\n", " "))


def _head(trajectory: Trajectory) -> RenderableType:
    task, metrics = trajectory.task, trajectory.metrics
    facts = [
        f"revision {trajectory.revision} ({trajectory.pane})",
        _counted(task.num_turns, "turn"),
        _counted(task.num_steps, "step"),
        _counted(task.total_tokens, "token"),
    ]
    if metrics and metrics.num_tool_calls:
        facts.append(f"{counted(metrics.num_tool_calls, 'tool call')}, {_number(metrics.num_tool_failures)} failed")
    if trajectory.reward and trajectory.reward.aggregated_value is not None:
        facts.append(f"reward {trajectory.reward.aggregated_value:g}")
    if not trajectory.complete:
        facts.append("not complete")
    lines = [named(task.conversation_id or "(no id)", "bold"), Text(" · ".join(facts), style="dim")]
    if trajectory.error:
        lines.append(spoken(_short(trajectory.error, LONGEST_VALUE), "red"))
    return Group(*lines)


def _conversation(trajectory: Trajectory) -> Iterator[RenderableType]:
    turn = None
    for message in trajectory.messages:
        if message.turn and message.turn != turn:
            turn = message.turn
            yield Rule(named(_turn_title(turn, trajectory.turns)), style="dim")
        yield _message(message)


def _turn_title(number: int, turns: tuple[Turn, ...]) -> str:
    status = turns[number - 1].status if number <= len(turns) else "success"
    return f"turn {number}" if status == "success" else f"turn {number}: {status}"


def _message(message: Message) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=9, style=COLOURS[message.role])
    grid.add_column(overflow="fold")
    body: list[RenderableType] = []
    if message.reasoning:
        body.append(spoken(message.reasoning, "dim italic"))
    if message.content:
        body.append(spoken(message.content))
    if message.refusal:
        body.append(spoken(message.refusal, "yellow"))
    body.extend(_call(call) for call in message.tool_calls or ())
    if message.tool_response and message.tool_response.error:
        body.append(spoken(_short(message.tool_response.error, LONGEST_VALUE), "red"))
    if message.flags:
        body.append(named(", ".join(message.flags), "yellow"))
    grid.add_row(message.role.value, Group(*body) if body else Text("(nothing)", style="dim"))
    return grid


def _call(call: ToolCall) -> Text:
    arguments = call.invalid if call.invalid is not None else _json(call.arguments)
    return Text.assemble("→ ", named(call.name, "bold"), "(", spoken(_short(arguments, LONGEST_VALUE)), ")")


def _steps(trajectory: Trajectory) -> Iterator[RenderableType]:
    yield Rule("steps", style="dim")
    for number, step in enumerate(trajectory.steps, start=1):
        yield Text(f"{number:4}  saw {counted(max(0, len(step.messages) - 1), 'message')}  {step.trainable_status}")


def _nested(trajectory: Trajectory) -> Iterator[RenderableType]:
    for nested in trajectory.nested:
        yield Rule(named(f"sub-agent {nested.origin.agent or ''}"), style="dim")
        yield Padding(Group(*_conversation(nested)), (0, 0, 0, 4))


def _json(value: Any) -> str:  # noqa: ANN401 - arguments are any JSON
    return msgspec.json.encode(value).decode()


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _counted(number: int | None, noun: str) -> str:
    return f"{_number(number)} {noun}s" if number is None else counted(number, noun)


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
