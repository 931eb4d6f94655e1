"""Comparing trajectories in tests: verdicts that explain themselves, assertions, golden files (seed 003)."""

from trajworker.matching.assertions import (
    assert_called_before,
    assert_never_called,
    assert_trajectory,
    called_before,
    refute_called_before,
    refute_trajectory,
)
from trajworker.matching.calls import MalformedCall, NoCalls
from trajworker.matching.compare import matches
from trajworker.matching.golden import Golden, MalformedGolden, diff_trajectories, read_golden, write_golden
from trajworker.matching.matchers import MalformedMatcher, any_value, approx, one_of, regex
from trajworker.matching.rendering import render, verdict_map
from trajworker.matching.rules import UnknownOption
from trajworker.matching.values import Incomparable
from trajworker.matching.verdict import Verdict

__all__ = [
    "Golden",
    "Incomparable",
    "MalformedCall",
    "MalformedGolden",
    "MalformedMatcher",
    "NoCalls",
    "UnknownOption",
    "Verdict",
    "any_value",
    "approx",
    "assert_called_before",
    "assert_never_called",
    "assert_trajectory",
    "called_before",
    "diff_trajectories",
    "matches",
    "one_of",
    "read_golden",
    "refute_called_before",
    "refute_trajectory",
    "regex",
    "render",
    "verdict_map",
    "write_golden",
]
