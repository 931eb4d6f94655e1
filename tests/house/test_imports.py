"""Who imports whom has a direction, in what is imported late too."""

import ast
import subprocess
import sys
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from support.house import modules

BACKWARDS = {
    "trajworker.trajectory.trajectory": "its methods that read and write other forms, which are forms of it",
}
"""Modules whose late imports point back, and why; another one is a module too few."""


def imported(tree: ast.Module, known: Collection[str]) -> Iterator[str]:
    """Those of the known modules that a module imports, wherever in it that stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            within = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in known else node.module for name in within)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_module_imports_one_that_imports_it() -> None:
    named = {f"trajworker/{name}".removesuffix(".py").removesuffix("/__init__"): tree for name, tree, _ in modules()}
    trees = {name.replace("/", "."): tree for name, tree in named.items()}
    del trees["trajworker"]  # the public names, which Python imports before any module in it
    graph = {name: trees.keys() & set(imported(tree, trees)) for name, tree in trees.items() if name not in BACKWARDS}
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []


def test_reading_the_settings_loads_no_rules_of_folding() -> None:
    """Every command reads them, and most fold nothing; `config.rewards` is for those that do."""
    tell = "import sys, trajworker.config; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True).stdout.split()
    rooms = ("trajworker.assembly", "trajworker.dialects", "trajworker.redaction", "trajworker.trajectory")
    assert "trajworker.config.settings" in told
    assert [name for name in told if name.startswith(rooms)] == []
