"""What every test shares: the event loop the product runs on, and properties that do not depend on how fast it is.

At the end it is said loudly which promises were not held, because their tests could not run on this machine.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from matrix import unheld

settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")

ALL_MUST_RUN = os.environ.get(unheld.ALL_MUST_RUN) == "1"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Aiosqlite and uvicorn are asyncio only, so the worker is too."""
    return "asyncio"


def pytest_collection_finish() -> None:
    """Nothing that somebody exported configures the product under test, which refuses what is no setting of its own.

    Modules of tests have read what is theirs, such as `TRAJWORKER_SWEEP`, when they were collected.
    """
    for name in [name for name in os.environ if name.startswith(("TRAJWORKER_", "LANGSMITH_", "LANGCHAIN_"))]:
        del os.environ[name]


def not_held(config: pytest.Config) -> str | None:
    """The line about promises whose tests skipped; None where all held, and in the workers of xdist."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    return unheld.told((report.nodeid, report.longrepr[2]) for report in skipped)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where everything must run and did not."""
    if ALL_MUST_RUN and not_held(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it after everything else."""
    if line := not_held(config):
        terminalreporter.write_line(line, yellow=True, bold=True)
