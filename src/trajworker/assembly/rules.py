"""By which rules runs are folded: the release's own, and what is configured."""

from functools import cached_property
from hashlib import sha256

import msgspec
from msgspec import Struct

from trajworker.assembly.kept.rewards import RewardRule

RULES_VERSION = "13"
"""Changes whenever folding the same runs gives another result; tests/assembly/test_rules.py knows when it must."""
_MARK_SIZE = 8


class FoldSettings(Struct, frozen=True, kw_only=True, dict=True):
    """How folding is configured: which feedback becomes the reward."""

    rewards: RewardRule = RewardRule()

    @cached_property
    def mark(self) -> bytes:
        """What tells folds of these rules from folds of others: the two never stand on one line."""
        told = msgspec.msgpack.encode((RULES_VERSION, self.rewards), order="deterministic")
        return sha256(told).digest()[:_MARK_SIZE]


DEFAULT_SETTINGS = FoldSettings()
