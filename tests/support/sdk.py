"""The real `langsmith` clients, blocking and async, closed with their block."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from langsmith import AsyncClient, Client

KEY = "lsv2_pt_test"
MAY_BE_DEPRECATED = pytest.mark.filterwarnings("ignore:.*deprecated and will be removed")
"""For tests of calls that the SDK will lose one day: people use them today."""


@contextmanager
def connected(url: str, api_key: str = KEY, **options: Any) -> Iterator[Client]:
    """A client whose threads end with the block."""
    client = Client(api_url=url, api_key=api_key, **options)
    try:
        yield client
    finally:
        client.cleanup()
        generated(client).close()


@asynccontextmanager
async def connected_async(url: str) -> AsyncIterator[AsyncClient]:
    """An async client that also closes its generated v2 half, which the SDK leaves open."""
    async with AsyncClient(api_url=url, api_key=KEY) as client:
        try:
            yield client
        finally:
            await client._langsmith_api.close()


def generated(client: Client) -> Any:
    """The generated v2 client in its blocking form, as the SDK's own helpers use it."""
    return client._get_langsmith_api_sync()
