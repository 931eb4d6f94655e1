"""What every test shares: the event loop the product runs on, and properties that do not depend on how fast it is."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Aiosqlite and uvicorn are asyncio only, so the worker is too."""
    return "asyncio"
