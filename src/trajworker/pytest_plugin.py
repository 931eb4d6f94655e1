"""pytest's way in: explanations of trajectories that differ and the `golden` fixture; heavy imports only when asked.

`assert matches(...)` and `assert trajectory == expected` fail with the whole explanation. `golden.check(trajectory)`
compares with a file per test; `--golden=check` (default) never writes, `new` writes what is missing, `update` also
rewrites what no longer matches. Golden files that no test asks for are told at the end.
"""

import hashlib
import re
import sys
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

import pytest

if TYPE_CHECKING:
    from trajworker.matching.normalising import Normaliser
    from trajworker.matching.redacting import Redactor
    from trajworker.matching.rules import MatchOptions

FOLDER: Final = "golden"
SUFFIX: Final = ".jsonl"
MODES: Final = ("check", "new", "update")

NAME_LENGTH: Final = 120
"""Characters of a golden file's name; a longer test name is cut and told apart by a digest."""

_OUTPUT_KEY: Final = "trajworker_golden"


class Ledger:
    """What one pytest process learned about golden files."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.used: set[str] = set()
        self.written: set[str] = set()
        self.wanted: dict[str, set[str]] = {}
        """Folder of a test file -> names that its tests with a `golden` fixture may use, if all were collected."""
        self.explanations: list[tuple[str, str]] = []

    def as_plain(self) -> dict[str, Any]:
        """For another process: what this one learned, as plain values."""
        wanted = {folder: sorted(names) for folder, names in self.wanted.items()}
        return {"used": sorted(self.used), "written": sorted(self.written), "wanted": wanted}

    def learn(self, learnt: dict[str, Any]) -> None:
        """Take in what another process learned."""
        self.used |= set(learnt["used"])
        self.written |= set(learnt["written"])
        for folder, names in learnt["wanted"].items():
            self.wanted.setdefault(folder, set()).update(names)

    def stale(self) -> list[str]:
        """Golden files that no test of this run could have asked for."""
        found: list[str] = []
        for folder, names in self.wanted.items():
            files = [path for path in Path(folder).glob(f"*{SUFFIX}") if str(path) not in self.used]
            found += [str(path) for path in files if path.name.removesuffix(SUFFIX).split("--")[0] not in names]
        for parent in {Path(folder).parent for folder in self.wanted}:
            for left in parent.iterdir() if parent.is_dir() else ():
                if left.is_dir() and not parent.with_name(f"{left.name}.py").exists():
                    found += [str(path) for path in left.glob(f"*{SUFFIX}")]
        return sorted(found)


_LEDGER: Final = pytest.StashKey[Ledger]()


class GoldenFile:
    """The golden file of one test, beside the test file: `golden/<test file>/<test>.jsonl`."""

    def __init__(self, path: Path, ledger: Ledger, redactor: "Redactor | None") -> None:
        self.path = path
        self._ledger = ledger
        self._redactor = redactor
        self._checked: set[Path] = set()

    def check(
        self,
        trajectory: object,
        mode: str = "strict",
        args: str = "exact",
        *,
        name: str | None = None,
        normalise: "Iterable[Normaliser]" = (),
        **options: "Unpack[MatchOptions]",
    ) -> None:
        """Fail unless the calls of `trajectory` match the file.

        Args:
            trajectory: whatever `matches` takes.
            mode: as in `matches`.
            args: as in `matches`.
            name: tells the files of one test apart, where it has several.
            normalise: `"ids"`, `"times"`, `"durations"` or functions of a text; they also shape what is written.
            options: as in `matches`.

        Raises:
            TrajectoryMismatch: it does not match, or there is no file yet; the message says what to do.
            ConfigError: this test has checked that file already: of two trajectories it could hold the last one only.
        """
        __tracebackhide__ = True
        from trajworker.errors import TrajectoryMismatch  # noqa: PLC0415 - heavy imports only where they are needed
        from trajworker.matching.golden_check import GoldenPlan, check_golden  # noqa: PLC0415 - heavy

        path = self.path if name is None else self.path.with_name(f"{_stem(self.path.stem, name)}{SUFFIX}")
        self._once(path)
        self._ledger.used.add(str(path))
        plan = GoldenPlan(self._ledger.mode, mode, args, tuple(normalise), self._redactor)
        outcome = check_golden(path, trajectory, plan, **options)
        if outcome.written:
            self._ledger.written.add(str(path))
        if outcome.complaint is not None:
            raise TrajectoryMismatch(outcome.complaint)

    __call__ = check

    def _once(self, path: Path) -> None:
        __tracebackhide__ = True
        from trajworker.errors import ConfigError  # noqa: PLC0415 - as above

        if path in self._checked:
            raise ConfigError(f"this test checks {path.name} a second time: tell its files apart with name=...")
        self._checked.add(path)


@pytest.fixture
def golden_redactor() -> "Redactor | None":
    """What masks texts before a golden file is written or compared; override it in your conftest.py."""
    return None


@pytest.fixture
def golden(request: pytest.FixtureRequest, golden_redactor: "Redactor | None") -> GoldenFile:
    """The golden file of this test: `golden.check(trajectory)`."""
    item = request.node
    return GoldenFile(_folder(item) / f"{_name(item)}{SUFFIX}", request.config.stash[_LEDGER], golden_redactor)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --golden."""
    group = parser.getgroup("trajworker", "trajectories")
    group.addoption(
        "--golden",
        choices=MODES,
        default="check",
        help="golden trajectory files: check them (default), write those that are new, or update those that changed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Open the ledger of this process."""
    config.stash[_LEDGER] = Ledger(str(config.getoption("golden")))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note which golden files the collected tests may ask for, before -k and -m choose among them."""
    if config.getoption("lf", False) or config.getoption("collectonly", False):
        return
    partly = {argument.split("::")[0] for argument in config.args if "::" in argument}
    partly_paths = {(config.invocation_params.dir / path).resolve() for path in partly}
    wanted = config.stash[_LEDGER].wanted
    for item in items:
        if item.path.resolve() in partly_paths:
            continue
        names = wanted.setdefault(str(_folder(item)), set())
        if "golden" in getattr(item, "fixturenames", ()):
            names.add(_name(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Add the explanation to an assertion that failed because of a trajectory."""
    ledger = item.config.stash[_LEDGER]
    ledger.explanations.clear()
    try:
        return (yield)
    except AssertionError as error:
        for explanation in _explanations(error, ledger):
            error.add_note(explanation)
        raise


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """One line for `trajectory == expected`; the rest follows as a note, which pytest does not cut."""
    if op != "==" or not (_is_trajectory(left) or _is_trajectory(right)):
        return None
    from trajworker.matching.explaining import explain_inequality  # noqa: PLC0415 - heavy

    explanation = explain_inequality(left, right)
    if explanation is None:
        return None
    ledger = config.stash[_LEDGER]
    headline = f"trajectories are not equal (explanation {len(ledger.explanations) + 1})"
    ledger.explanations.append((headline, explanation))
    return [headline]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a process of pytest-xdist learned to the one that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT_KEY] = session.config.stash[_LEDGER].as_plain()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ANN401, ARG001 - pytest-xdist's signature
    """Take in what a process of pytest-xdist learned."""
    learnt = getattr(node, "workeroutput", {}).get(_OUTPUT_KEY)
    if learnt is not None:
        node.config.stash[_LEDGER].learn(learnt)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell which golden files were written and which no test asks for."""
    ledger = config.stash[_LEDGER]
    stale = ledger.stale()
    if not ledger.written and not stale:
        return
    terminalreporter.section("golden trajectories")
    for path in sorted(ledger.written):
        terminalreporter.write_line(f"written: {_shown(path, config)} (read it before you commit it)")
    for path in stale:
        terminalreporter.write_line(f"stale: {_shown(path, config)} (no test asks for it: remove it)")


def _explanations(error: AssertionError, ledger: Ledger) -> Iterator[str]:
    message = str(error)
    yield from (explanation for headline, explanation in ledger.explanations if headline in message)
    verdicts = sys.modules.get("trajworker.matching.verdict")
    if verdicts is None or error.__traceback__ is None:
        return
    from trajworker.matching.rendering import render  # noqa: PLC0415 - heavy

    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    explained: set[str] = set()
    for value in list(trace.tb_frame.f_locals.values()):
        if isinstance(value, verdicts.Verdict) and repr(value) in message and render(value) not in explained:
            explained.add(render(value))
            yield render(value)


def _is_trajectory(value: object) -> bool:
    module = sys.modules.get("trajworker.trajectory.trajectory")
    return module is not None and isinstance(value, module.Trajectory)


def _folder(item: pytest.Item) -> Path:
    return item.path.parent / FOLDER / item.path.stem


def _name(item: pytest.Item) -> str:
    """The test's name within its file, as a file name."""
    return _stem(".".join(item.nodeid.split("::")[1:]) or item.name)


def _stem(test: str, part: str | None = None) -> str:
    """A file name for a test, and for one of its parts; two names that would become one are told apart by a digest."""
    whole = test if part is None else f"{test}--{part}"
    safe = re.sub(r"[^A-Za-z0-9_.,=\[\]~-]", "_", whole)
    if part is None:
        safe = safe.replace("--", "__")
    if safe == whole and len(whole) <= NAME_LENGTH:
        return whole
    return f"{safe[:NAME_LENGTH]}~{hashlib.sha256(whole.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _shown(path: str, config: pytest.Config) -> str:
    place = Path(path)
    return str(place.relative_to(config.rootpath)) if place.is_relative_to(config.rootpath) else path
