"""Time and chance come in through few doors, so that everything else can be run again exactly."""

import ast
from collections.abc import Iterator

from support.house import modules

READS_WORLD = {
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "uuid.uuid1",
    "uuid.uuid4",
    "uuid1",
    "uuid4",
    "os.urandom",
    "random.Random",
    "Random",
    "SystemRandom",
}
DOORS = {
    "cli/settings.py": "the present that ages such as 7d are counted back from",
    "sources/asking/timing.py": "jitter between retries; a constructor argument, so tests give their own",
    "sources/asking/client.py": "the host's clock, only for a server that tells no time",
    "observing/logs.py": "when a line was written",
    "api/arguments.py": "the present that ages such as 7d are counted back from",
    "api/options.py": "the present that ages such as 7d are counted back from",
    "config/redaction.py": "a secret for placeholders where nobody configured one",
    "simulator/faults.py": "seeded: the same script gives the same faults",
    "simulator/feedback.py": "a server gives new things new ids",
}


def calls(tree: ast.Module) -> Iterator[str]:
    """What a module calls, as it is written."""
    return (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


def reads_the_world(call: str) -> bool:
    return call in READS_WORLD or call.startswith(("random.", "secrets."))


def test_only_named_modules_read_the_clock_or_roll_dice() -> None:
    found = {name: sorted(filter(reads_the_world, calls(tree))) for name, tree, _ in modules()}
    assert {name: what for name, what in found.items() if what and name not in DOORS} == {}


def test_every_named_door_is_still_used() -> None:
    open_doors = {name for name, tree, _ in modules() if any(map(reads_the_world, calls(tree)))}
    assert set(DOORS) - open_doors == set()


def test_nobody_sleeps_in_a_blocking_way() -> None:
    assert [name for name, tree, _ in modules() if "time.sleep" in calls(tree)] == []


LOOSE_TASKS = {
    "simulator/serving.py": "one server task, awaited in the same block; a group would wrap what the block raises",
}


def test_tasks_are_started_in_task_groups_only() -> None:
    loose = {"asyncio.create_task", "asyncio.ensure_future", "asyncio.gather", "create_task", "ensure_future"}
    found = [name for name, tree, _ in modules() if loose & set(calls(tree))]
    assert found == list(LOOSE_TASKS)
