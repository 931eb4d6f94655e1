"""Rewards out of LangSmith feedback: which keys count, with which weight, is configured; the words are kept."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from trajworker.model.run import Feedback
from trajworker.ports import Aggregation
from trajworker.trajectory import Reward, RewardComponent


class RewardRule(Struct, frozen=True, kw_only=True):
    """Which feedback counts.

    Args:
        keys: feedback keys that are components; none named means all.
        weights: weight by key; what is not named weighs 1.
        aggregation: how the numbers become one.
    """

    keys: tuple[str, ...] = ()
    weights: Mapping[str, float] = {}
    aggregation: Aggregation = Aggregation.WEIGHTED_MEAN


def component(feedback: Feedback, rule: RewardRule) -> RewardComponent | None:
    """A piece of feedback as a reward component; None where its key is not asked for."""
    if rule.keys and feedback.key not in rule.keys:
        return None
    score = feedback.score
    return RewardComponent(
        name=feedback.key,
        value=feedback.value if feedback.value is not None else score,
        scaled_value=float(score) if score is not None else None,
        explanation=feedback.comment,
        weight=rule.weights.get(feedback.key, 1.0),
    )


def _aggregated(numbers: Sequence[tuple[float, float]], aggregation: Aggregation) -> float | None:
    """One number out of values with their weights, which count in means and sums only; weight 0 counts nowhere."""
    values = [value for value, weight in numbers if weight]
    if not values:
        return None
    if aggregation is Aggregation.LAST:
        return values[-1]
    if aggregation is Aggregation.MIN:
        return min(values)
    if aggregation is Aggregation.MAX:
        return max(values)
    total = sum(value * weight for value, weight in numbers)
    if aggregation is Aggregation.SUM:
        return total
    weights = sum(weight for _, weight in numbers)
    return total / weights if weights else None


def reward_of(components: Sequence[RewardComponent], aggregation: Aggregation) -> Reward | None:
    """The numbers among the components as one; None where there is no feedback at all."""
    if not components:
        return None
    numbers = [(one.scaled_value, one.weight) for one in components if one.scaled_value is not None]
    value = _aggregated(numbers, aggregation)
    return Reward(aggregated_value=value, aggregation_method=aggregation.value, components=tuple(components))


class Rewards(Struct, eq=False):
    """The components of a trace, and those of each of its runs."""

    all: list[RewardComponent]
    by_run: dict[str, list[RewardComponent]]


def collect(feedback: Sequence[Feedback], rule: RewardRule, told: Callable[[str], str]) -> Rewards:
    """Components in a stable order: by creation, then by id; `told` names the run that tells another one."""
    rewards = Rewards(all=[], by_run={})
    for one in sorted(feedback, key=lambda each: (each.created_at is None, str(each.created_at), each.id)):
        found = component(one, rule)
        if found is not None:
            rewards.all.append(found)
            if one.run_id is not None:
                rewards.by_run.setdefault(told(one.run_id), []).append(found)
    return rewards
