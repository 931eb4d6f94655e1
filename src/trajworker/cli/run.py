"""`trajworker run`: the worker. Logs and progress go to stderr, one summary line to stdout."""

import argparse
import sys

import anyio

from trajworker.cli.process import prepare
from trajworker.cli.settings import load_asked
from trajworker.cli.watched import watched
from trajworker.config import Purpose, Settings
from trajworker.errors import EXIT_RETRY
from trajworker.observing.summary import summary
from trajworker.observing.watching import Watch, fan_out
from trajworker.wiring import run_worker


def main(asked: argparse.Namespace) -> int:
    """Run until all is delivered, or for ever."""
    prepare()
    settings = load_asked(asked, Purpose.RUN)
    with watched(settings) as watch:
        code = anyio.run(_work, settings, watch)
    sys.stdout.write(f"{summary(watch.tally)}\n")
    return code


async def _work(settings: Settings, watch: Watch) -> int:
    if settings.health.bind is None:
        return await run_worker(settings, watch.observer)
    return await _probed(settings, settings.health.bind, watch)


async def _probed(settings: Settings, bind: str, watch: Watch) -> int:
    from trajworker.observing.health import Health  # noqa: PLC0415 - a server, which only pods ask for

    health = Health(watch.tally, settings.intake.poll.total_seconds())
    code = EXIT_RETRY
    async with anyio.create_task_group() as probes:
        await probes.start(health.serve, bind)
        code = await run_worker(settings, fan_out([health, watch.observer]))
        probes.cancel_scope.cancel()
    return code
