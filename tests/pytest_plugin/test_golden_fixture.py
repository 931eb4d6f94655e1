"""The `golden` fixture: a file per test, written only when asked, missed when it is not there, told when stale."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ONE = """
    CALLS = [{"name": "search", "arguments": {"q": "Oslo", "id": "call_AAAAAA1"}}, {"name": "book", "arguments": {}}]

    def test_trip(golden):
        golden.check(CALLS)
"""
OTHER = ONE.replace("Oslo", "Bergen")


def run(pytester: pytest.Pytester, *options: str, **outcomes: int) -> pytest.RunResult:
    result = pytester.runpytest("-p", "no:cacheprovider", *options)
    result.assert_outcomes(**outcomes)
    return result


def files(pytester: pytest.Pytester) -> list[str]:
    return sorted(
        str(path.relative_to(pytester.path)) for path in pytester.path.glob("**/golden/**/*") if path.is_file()
    )


def test_a_missing_file_fails_with_advice_and_writes_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_agent=ONE)
    result = run(pytester, failed=1)
    result.stdout.fnmatch_lines(
        ["E*There is no golden file golden/test_agent/test_trip.jsonl*", "E*Run pytest --golden=new once*"]
    )
    assert files(pytester) == []


def test_new_writes_it_and_from_then_on_it_is_checked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_agent=ONE)
    run(pytester, "--golden=new", passed=1).stdout.fnmatch_lines(["written: golden/test_agent/test_trip.jsonl*"])
    assert files(pytester) == ["golden/test_agent/test_trip.jsonl"]
    run(pytester, passed=1).stdout.no_fnmatch_line("*written*")
    pytester.makepyfile(test_agent=OTHER)
    result = run(pytester, "--golden=new", failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*Trajectories differ: 1 call changed*",
            'E*/q: expected "Oslo", got "Bergen"',
            "E*Golden file: golden/test_agent/test_trip.jsonl",
            "E*pytest --golden=update*",
        ]
    )


def test_update_rewrites_what_differs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_agent=ONE)
    run(pytester, "--golden=new", passed=1)
    pytester.makepyfile(test_agent=OTHER)
    run(pytester, "--golden=update", passed=1)
    assert "Bergen" in Path(pytester.path / files(pytester)[0]).read_text("utf-8")
    run(pytester, passed=1)


def test_every_test_has_a_file_of_its_own_however_it_is_called(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_agent="""
        import pytest

        @pytest.mark.parametrize("city", ["Oslo", "a/b", "a_b", "x" * 300, "ø", "a--b"])
        def test_trip(golden, city):
            golden.check([{"name": "search", "arguments": {"city": city}}])
            golden.check([], name="empty")
            golden([], name="with/slash")

        class TestAgent:
            def test_trip(self, golden):
                golden.check([])
        """
    )
    run(pytester, "--golden=new", passed=7)
    assert len(files(pytester)) == 6 * 3 + 1
    assert all(len(Path(name).name) < 160 for name in files(pytester))
    run(pytester, passed=7).stdout.no_fnmatch_line("stale: *")


def test_options_normalisers_and_the_redactor_of_the_project_are_heeded(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        class Names:
            def redact(self, text):
                return text.replace("Oslo", "[CITY]")

        @pytest.fixture
        def golden_redactor():
            return Names()
        """
    )
    body = ONE.replace("golden.check(CALLS)", 'golden.check(CALLS, "unordered", "subset", normalise=["ids"])')
    pytester.makepyfile(test_agent=body)
    run(pytester, "--golden=new", passed=1)
    text = (pytester.path / files(pytester)[0]).read_text("utf-8")
    assert '{"id": "<id 1>", "q": "[CITY]"}' in text
    pytester.makepyfile(test_agent=body.replace("call_AAAAAA1", "call_BBBBBB2"))
    run(pytester, passed=1)


def test_a_wrong_option_is_an_error_even_before_there_is_a_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_agent=ONE.replace("check(CALLS)", 'check(CALLS, "strickt")'))
    run(pytester, "--golden=new", failed=1).stdout.fnmatch_lines(["E*did you mean 'strict'*"])
    assert files(pytester) == []


@pytest.mark.parametrize("mode", ["check", "new", "update"])
def test_a_second_check_of_the_same_file_is_an_error_at_once(pytester: pytest.Pytester, mode: str) -> None:
    again = ONE + '\n        golden.check([{"name": "other", "arguments": {}}])\n'
    pytester.makepyfile(test_agent=again)
    if mode == "check":
        pytester.makepyfile(test_agent=ONE)
        run(pytester, "--golden=new", passed=1)
        pytester.makepyfile(test_agent=again.replace('[{"name": "other", "arguments": {}}]', "CALLS"))
    result = run(pytester, f"--golden={mode}", failed=1)
    result.stdout.fnmatch_lines(["E*this test checks test_trip.jsonl a second time*name=*"])


TWO = (
    ONE
    + """
    def test_second(golden):
        golden.check(CALLS)
"""
)


@pytest.mark.parametrize("workers", [(), pytest.param(("-n2",), marks=pytest.mark.slow)])
def test_files_that_no_test_asks_for_are_told(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytester.makepyfile(test_agent=TWO, test_other=ONE)
    run(pytester, "--golden=new", *workers, passed=3)
    pytester.makepyfile(test_agent=ONE)
    (pytester.path / "test_other.py").unlink()
    result = run(pytester, *workers, passed=1)
    result.stdout.fnmatch_lines(
        ["stale: golden/test_agent/test_second.jsonl*", "stale: golden/test_other/test_trip.jsonl*"]
    )
    result.stdout.no_fnmatch_line("stale: golden/test_agent/test_trip*")


@pytest.mark.parametrize("chosen", [("-k", "trip"), ("test_agent.py::test_trip",), ("--collect-only",), ("--lf",)])
def test_a_run_of_some_tests_calls_no_file_of_the_others_stale(
    pytester: pytest.Pytester, chosen: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_agent=TWO)
    pytester.runpytest("--golden=new").assert_outcomes(passed=2)
    result = pytester.runpytest(*chosen)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("stale: *")


@pytest.mark.slow
def test_tests_of_several_processes_write_each_file_once_and_whole(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_agent="""
        import pytest

        @pytest.mark.parametrize("n", range(20))
        def test_trip(golden, n):
            golden.check([{"name": "step", "arguments": {"n": k}} for k in range(n)])
        """
    )
    run(pytester, "--golden=new", "-n2", passed=20).stdout.fnmatch_lines(
        ["written: golden/test_agent/test_trip[[]0].jsonl*"]
    )
    assert len(files(pytester)) == 20
    run(pytester, "-n2", passed=20)
