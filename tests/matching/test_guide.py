"""The guide's examples run: those with tests under pytest, all others as they stand, one after the other."""

import re
from pathlib import Path
from typing import Any

import pytest

import trajworker
from trajworker.matching.rules import ARGS, MODES, MatchOptions

pytest_plugins = ["pytester"]

GUIDE = (Path(trajworker.__file__).parent / "guides" / "matching.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
TESTS = [block for block in BLOCKS if "def test_" in block]


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for number, block in enumerate(BLOCKS, 1):
        if block not in TESTS:
            exec(compile(block, f"guide, block {number}", "exec"), names)  # noqa: S102 - the guide is ours
    assert "verdict" in names


def test_the_examples_of_golden_tests_run_and_write_what_the_guide_shows(pytester: pytest.Pytester) -> None:
    assert len(TESTS) == 1
    (pytester.path / "test_guide_example.py").write_text(
        "from trajworker.trajectory import Trajectory\n\n" + TESTS[0], "utf-8"
    )
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(failed=2)
    pytester.runpytest("-p", "no:cacheprovider", "--golden=new").assert_outcomes(passed=2)
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=2)
    written = (pytester.path / "golden" / "test_guide_example" / "test_weather_agent.jsonl").read_text("utf-8")
    assert written in GUIDE


def test_every_mode_rule_and_option_is_in_the_guide() -> None:
    for name in (*MODES, *ARGS, *MatchOptions.__annotations__):
        assert f"`{name}`" in GUIDE or f"{name}=" in GUIDE
