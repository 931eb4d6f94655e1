"""A simulator that wants a key, and where it is reached; a file that needs another one has its own."""

from collections.abc import AsyncIterator

import pytest

from support.sdk import KEY
from trajworker.simulator import Simulator, SimulatorSettings, serve


@pytest.fixture
async def simulator() -> Simulator:
    return Simulator(SimulatorSettings(api_keys=(KEY,)))


@pytest.fixture
async def url(simulator: Simulator) -> AsyncIterator[str]:
    async with serve(simulator) as url:
        yield url
