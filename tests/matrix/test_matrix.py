"""The tables are complete, and every test that they name exists."""

import ast
from functools import cache

import pytest

from matrix.promises import PROMISES, SECURITY
from matrix.rows import LEFT_OUT, ROWS, Row
from support.house import ROOT

TESTS = ROOT / "tests"
ALL = {**{str(number): row for number, row in ROWS.items()}, **PROMISES, **SECURITY}


@cache
def names_in(file: str) -> frozenset[str]:
    """Test functions of a file, and names that are bound to tests that Hypothesis makes."""
    names = set()
    for node in ast.parse((TESTS / file).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(names)


def test_all_rows_and_promises_are_there() -> None:
    assert list(ROWS) == list(range(1, 94))
    assert list(PROMISES) == [f"P{number}" for number in range(1, 11)]
    assert set(LEFT_OUT) <= set(ROWS)


@pytest.mark.parametrize("name", ALL)
def test_what_is_claimed_is_held_by_tests_that_exist(name: str) -> None:
    row: Row = ALL[name]
    assert row.tests
    for test in row.tests:
        file, _, function = test.partition("::")
        assert (TESTS / file).is_file(), test
        assert function.startswith(("test_", "Test")), test
        assert function in names_in(file), test
