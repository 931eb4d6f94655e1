"""Counts what folding decodes of prompts."""

import pytest

from trajworker import dialects
from trajworker.assembly.telling import alignment
from trajworker.dialects import Draft, read_array


def drafts_decoded(monkeypatch: pytest.MonkeyPatch) -> list[Draft]:
    """The messages of arrays that are decoded from now on; grows while folding goes on."""
    decoded: list[Draft] = []

    def noted(array: bytes) -> list[Draft]:
        drafts = read_array(array)
        decoded.extend(drafts)
        return drafts

    for reader in (alignment, dialects.prompt):
        monkeypatch.setattr(reader, "read_array", noted)
    return decoded
