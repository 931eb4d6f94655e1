"""pytest shows the whole explanation of a trajectory that differs, whichever way the test asked."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

HEAD = """
    from trajworker.matching import matches
    from trajworker.trajectory import Trajectory

    MADE = [{"name": "search", "arguments": {"q": "Oslo"}}, {"name": "mail", "arguments": {}},
            {"name": "book", "arguments": {"nights": 3}}]
    WANTED = [MADE[0], {"name": "book", "arguments": {"nights": 2}}]

    def spoken(calls, text="done"):
        made = [{"name": c["name"], "args": c["arguments"], "id": f"c{n}"} for n, c in enumerate(calls)]
        return Trajectory.from_messages([
            {"role": "user", "content": "hi"}, {"role": "assistant", "content": "", "tool_calls": made},
            {"role": "assistant", "content": text},
        ])
"""
STORY = [
    "E*Trajectories differ: 1 call inserted, 1 call changed (3 calls, 2 expected; mode strict, args exact)",
    'E*  1 search(q="Oslo")',
    "E*+   2 mail()  inserted",
    "E*~   3 book(nights=3)  changed",
    "E*~       /nights: expected 2, got 3",
]


def failing(pytester: pytest.Pytester, body: str, *options: str) -> pytest.RunResult:
    source = HEAD + "\n    def test_it():\n" + "".join(f"        {line}\n" for line in body.splitlines())
    pytester.makepyfile(source)
    result = pytester.runpytest("-p", "no:cacheprovider", *options)
    result.assert_outcomes(failed=1)
    return result


@pytest.mark.parametrize(
    "body",
    [
        "assert matches(MADE, WANTED)",
        "verdict = matches(MADE, WANTED)\nassert verdict",
        "assert matches(MADE, WANTED), 'own words'",
        "assert matches(MADE, WANTED) and True",
    ],
)
def test_an_assertion_of_matches_tells_the_story(pytester: pytest.Pytester, body: str) -> None:
    failing(pytester, body).stdout.fnmatch_lines(STORY)


def test_a_match_that_must_not_be_tells_what_matched(pytester: pytest.Pytester) -> None:
    failing(pytester, "assert not matches(MADE, MADE)").stdout.fnmatch_lines(
        ["E*Trajectories match (3 calls, 3 expected; mode strict, args exact)"]
    )


def test_unequal_trajectories_tell_the_calls_then_the_messages_then_the_rest(pytester: pytest.Pytester) -> None:
    result = failing(pytester, "assert spoken(MADE) == spoken(WANTED, 'other')")
    result.stdout.fnmatch_lines(
        [
            *STORY,
            'E*message 3 (assistant), content: "done" != "other"',
            "E*metrics.num_tool_calls: 3 != 2",
        ]
    )


def test_a_trajectory_is_never_equal_to_a_list_and_the_advice_says_so(pytester: pytest.Pytester) -> None:
    result = failing(pytester, "assert spoken(MADE) == WANTED")
    result.stdout.fnmatch_lines(["E*A Trajectory equals only a Trajectory; compare calls with matches().", *STORY])


def test_a_trajectory_compared_with_something_else_is_left_to_pytest(pytester: pytest.Pytester) -> None:
    failing(pytester, "assert spoken(MADE) == None").stdout.no_fnmatch_line("*INTERNALERROR*")


def test_assert_trajectory_tells_the_same_and_hides_its_own_frames(pytester: pytest.Pytester) -> None:
    result = failing(pytester, "from trajworker.matching import assert_trajectory\nassert_trajectory(MADE, WANTED)")
    result.stdout.fnmatch_lines(["E*TrajectoryMismatch: " + STORY[0][2:], *STORY[1:]])
    result.stdout.no_fnmatch_line("*assertions.py*")


@pytest.mark.slow
def test_an_explanation_reaches_the_report_through_xdist(pytester: pytest.Pytester) -> None:
    failing(pytester, "assert matches(MADE, WANTED)", "-n1").stdout.fnmatch_lines(STORY)


def test_a_stale_explanation_is_not_added_to_another_failure(pytester: pytest.Pytester) -> None:
    body = (
        "import pytest\nwith pytest.raises(AssertionError):\n    assert spoken(MADE) == spoken(WANTED)\nassert 1 == 2"
    )
    result = failing(pytester, body)
    result.stdout.no_fnmatch_line("E*Trajectories differ*")


def test_other_comparisons_are_left_to_pytest(pytester: pytest.Pytester) -> None:
    failing(pytester, "assert spoken(MADE).tool_calls == 3").stdout.no_fnmatch_line("*trajectories are not equal*")


def test_being_installed_costs_a_test_run_no_heavy_import() -> None:
    heavy = "{'msgspec', 'httpx', 'anyio', 'aiosqlite', 'starlette', 'trajworker.matching', 'trajworker.dialects'}"
    program = f"import sys, trajworker.pytest_plugin; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
