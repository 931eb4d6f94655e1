"""Rewards out of LangSmith feedback: which keys count, with which weight, is configured; the words are kept."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from trajworker.model.run import Feedback
from trajworker.trajectory import Reward, RewardComponent

METHOD = "weighted_mean"


def component(feedback: Feedback, weights: Mapping[str, float] | None) -> RewardComponent | None:
    """A piece of feedback as a reward component; None where its key is not asked for."""
    if weights is not None and feedback.key not in weights:
        return None
    score = feedback.score
    number = float(score) if score is not None else None
    return RewardComponent(
        name=feedback.key,
        value=feedback.value if feedback.value is not None else score,
        scaled_value=number,
        explanation=feedback.comment,
        weight=1.0 if weights is None else weights[feedback.key],
    )


def reward_of(components: Sequence[RewardComponent]) -> Reward | None:
    """The weighted mean of the numbers among the components; None where there is no feedback at all."""
    if not components:
        return None
    numbers = [(one.scaled_value, one.weight) for one in components if one.scaled_value is not None]
    weight = sum(part for _, part in numbers)
    mean = sum(value * part for value, part in numbers) / weight if weight else None
    return Reward(aggregated_value=mean, aggregation_method=METHOD, components=tuple(components))


class Rewards(Struct, eq=False):
    """The components of a trace, and those of each of its runs."""

    all: list[RewardComponent]
    by_run: dict[str, list[RewardComponent]]


def collect(feedback: Sequence[Feedback], weights: Mapping[str, float] | None) -> Rewards:
    """Components in a stable order: by creation, then by id."""
    rewards = Rewards(all=[], by_run={})
    for one in sorted(feedback, key=lambda each: (each.created_at is None, str(each.created_at), each.id)):
        found = component(one, weights)
        if found is not None:
            rewards.all.append(found)
            if one.run_id is not None:
                rewards.by_run.setdefault(one.run_id, []).append(found)
    return rewards
