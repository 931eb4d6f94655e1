"""A misspelt option is an error that names what is valid, never a silent default."""

import re
from functools import partial
from typing import Any

import pytest

from trajworker.errors import ConfigError
from trajworker.matching import UnknownOption, assert_trajectory, matches
from trajworker.matching.rules import MODES


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mode": "strickt"}, "did you mean 'strict'"),
        ({"mode": None}, "mode=None is unknown"),
        ({"args": "exakt"}, "did you mean 'exact'"),
        ({"mod": "strict"}, "there is no option 'mod' (did you mean 'mode'?)"),
        ({"override": {}}, "did you mean 'overrides'"),
        ({"deep": "yes"}, "deep='yes' is unknown: it is one of True, False"),
        ({"absent_as_null": 1}, "absent_as_null=1 is unknown"),
        ({"ignore": "/id"}, "no list of JSON pointers"),
        ({"ignore": [1]}, "no list of JSON pointers"),
        ({"group": "turns"}, "did you mean 'turn'"),
        ({"group": "message", "mode": "unordered"}, "needs mode='strict'"),
        ({"overrides": ["t"]}, "no mapping of tool names"),
        ({"overrides": {"t": "ignored"}}, "did you mean 'ignore'"),
        ({"overrides": {"t": []}}, "overrides['t']=[] is no rule (write 'ignore', or leave the tool out)"),
        ({"overrides": {"t": None}}, "overrides['t']=None is no rule"),
        ({"overrides": {"t": 3}}, "a list of at least one path, or a function"),
    ],
)
def test_an_error_names_what_is_valid(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UnknownOption, match=re.escape(told)) as caught:
        matches([], [], **options)
    assert isinstance(caught.value, ConfigError)
    assert isinstance(caught.value, ValueError)


async def agrees(_: object, __: object) -> bool:
    return False


class Agrees:
    """An object that is called like a function, and awaited."""

    async def __call__(self, _: object, __: object) -> bool:
        return False


@pytest.mark.parametrize("override", [agrees, partial(agrees), Agrees()])
def test_an_asynchronous_override_is_refused_before_anything_is_compared(override: Any) -> None:
    """What it returns is a coroutine, which is as good as True."""
    with pytest.raises(UnknownOption, match=r"overrides\['t'\]=.* is asynchronous: comparing awaits nothing"):
        matches([], [], overrides={"t": override})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mode", MODES)
def test_an_override_that_turns_out_to_be_asynchronous_is_refused_when_it_answers(mode: str) -> None:
    def later(made: object, wanted: object) -> Any:
        return agrees(made, wanted)

    calls = [{"name": "t", "arguments": {}}]
    with pytest.raises(UnknownOption, match="an override answered with a coroutine"):
        matches(calls, calls, mode, overrides={"t": later})


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(UnknownOption) as caught:
        matches([], [], "x", "y", nonsense=1)  # type: ignore[call-arg]
    assert all(part in str(caught.value) for part in ("mode='x'", "args='y'", "'nonsense'"))


def test_assertions_refuse_them_too() -> None:
    with pytest.raises(UnknownOption):
        assert_trajectory([], [], "typo")
