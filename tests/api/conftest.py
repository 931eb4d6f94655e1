"""The simulator has no limits unless a test gives it some, so the library keeps none either."""

import pytest


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a thousand times the documented limits."""
    monkeypatch.setenv("TRAJWORKER_SOURCE_RATE_SCALE", "1000")
