"""Time and chance come in through few doors, so that everything else can be run again exactly."""

import ast
from collections.abc import Iterator

import pytest

from support.house import modules

READS_WORLD = {
    "time.time",
    "time.time_ns",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "uuid.uuid1",
    "uuid.uuid4",
    "os.urandom",
}
DOORS = {
    "cli/purge.py": "the present that --before counts back from: no server is asked",
    "sources/asking/timing.py": "jitter between retries; a constructor argument, so tests give their own",
    "sources/asking/client.py": "the host's clock, only for a server that tells no time",
    "observing/logs.py": "when a line was written",
    "config/redaction.py": "a secret for placeholders where nobody configured one",
    "simulator/faults.py": "seeded: the same script gives the same faults",
    "simulator/feedback.py": "a server gives new things new ids",
    "simulator/simulator.py": "a server has a clock; a constructor argument, so tests give their own",
    "staging/store.py": "when something was set aside; an argument of who opens staging, so tests give their own",
}


def imported(tree: ast.Module) -> dict[str, str]:
    """What the names that a module imports stand for, as dotted names."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def mentions(tree: ast.Module) -> Iterator[str]:
    """What a module calls or hands on, as a dotted name, however it was imported."""
    names = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            root, dot, rest = ast.unparse(node).partition(".")
            yield f"{names.get(root, root)}{dot}{rest}"


def calls(tree: ast.Module) -> set[str]:
    """What a module calls, as it is written."""
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def reads_of_the_world(tree: ast.Module) -> set[str]:
    return {name for name in mentions(tree) if name in READS_WORLD or name.startswith(("random.", "secrets."))}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("import time\ntime.time()", "time.time"),
        ("import time as clock\nclock.time()", "time.time"),
        ("from time import time\ntime()", "time.time"),
        ("from time import time_ns as now\ndef f(clock=now): ...", "time.time_ns"),
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now"),
        ("from datetime import datetime, date\ndate.today()", "datetime.date.today"),
        ("from random import Random\nRandom(1)", "random.Random"),
        ("from os import urandom\nurandom(8)", "os.urandom"),
    ],
)
def test_a_clock_is_seen_whatever_name_it_was_imported_by(written: str, read: str) -> None:
    assert reads_of_the_world(ast.parse(written)) == {read}


def test_only_named_modules_read_the_clock_or_roll_dice() -> None:
    found = {name: reads_of_the_world(tree) for name, tree, _ in modules()}
    assert {name: what for name, what in found.items() if what and name not in DOORS} == {}


def test_every_named_door_is_still_used() -> None:
    open_doors = {name for name, tree, _ in modules() if reads_of_the_world(tree)}
    assert set(DOORS) - open_doors == set()


def test_nobody_sleeps_in_a_blocking_way() -> None:
    assert [name for name, tree, _ in modules() if "time.sleep" in mentions(tree)] == []


LOOSE_TASKS = {
    "simulator/serving.py": "one server task, awaited in the same block; a group would wrap what the block raises",
}


def test_tasks_are_started_in_task_groups_only() -> None:
    loose = {"asyncio.create_task", "asyncio.ensure_future", "asyncio.gather", "create_task", "ensure_future"}
    found = [name for name, tree, _ in modules() if loose & calls(tree)]
    assert found == list(LOOSE_TASKS)
