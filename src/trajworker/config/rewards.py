"""What the settings say of rewards, as folding wants to know it."""

from trajworker.assembly import FoldSettings
from trajworker.assembly.kept.rewards import RewardRule
from trajworker.config.settings import Settings


def fold_settings(settings: Settings) -> FoldSettings:
    """How feedback becomes rewards."""
    asked = settings.reward
    weights = dict(sorted(asked.weights.items()))  # the order they stand in makes no other rules
    rule = RewardRule(keys=tuple(weights), weights=weights, aggregation=asked.aggregation)
    return FoldSettings(rewards=rule)
