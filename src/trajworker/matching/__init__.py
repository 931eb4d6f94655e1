"""Comparing trajectories in tests: verdicts that explain themselves, assertions, golden files (seed 003)."""

from trajworker.matching.compare import matches
from trajworker.matching.matchers import any_value, approx, one_of, regex
from trajworker.matching.verdict import Verdict

__all__ = ["Verdict", "any_value", "approx", "matches", "one_of", "regex"]
