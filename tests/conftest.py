"""What every test shares: the event loop the product runs on."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Aiosqlite and uvicorn are asyncio only, so the worker is too."""
    return "asyncio"
