"""What the settings say of rewards, as folding wants to know it."""

from trajworker.assembly import FoldSettings
from trajworker.assembly.kept.rewards import RewardRule
from trajworker.config.settings import Settings


def fold_settings(settings: Settings) -> FoldSettings:
    """How feedback becomes rewards."""
    asked = settings.reward
    rule = RewardRule(keys=tuple(asked.weights), weights=asked.weights, aggregation=asked.aggregation)
    return FoldSettings(rewards=rule)
