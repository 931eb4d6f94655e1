"""Token usage: read from what a run carries, and summed up the tree as v1 shows it."""

from typing import Any

import msgspec

from trajworker.simulator import instants
from trajworker.simulator.store import Store
from trajworker.simulator.stored_run import NULL, StoredRun, decode, encode, is_blank

_FIRST_TOKEN = "new_token"  # noqa: S105 - the name of an event
_METERED = frozenset({"llm", "embedding"})


class Usage(msgspec.Struct, kw_only=True):
    """Tokens and costs; details by kind. Details and costs are None where nobody told them.

    `details_told` and `costs_told` count who did, so that a difference gets back to None.
    """

    prompt: int = 0
    completion: int = 0
    total: int = 0
    prompt_details: dict[str, int] | None = None
    completion_details: dict[str, int] | None = None
    prompt_cost: float | None = None
    completion_cost: float | None = None
    total_cost: float | None = None
    details_told: tuple[int, int] = (0, 0)
    costs_told: int = 0
    first_token_us: int | None = None
    """Earliest first token; a difference keeps it, since it only ever moves earlier."""

    def plus(self, other: "Usage", sign: int = 1) -> "Usage":
        """Sum (or, with sign -1, difference)."""
        prompt_told = self.details_told[0] + sign * other.details_told[0]
        completion_told = self.details_told[1] + sign * other.details_told[1]
        costs_told = self.costs_told + sign * other.costs_told
        return Usage(
            prompt=self.prompt + sign * other.prompt,
            completion=self.completion + sign * other.completion,
            total=self.total + sign * other.total,
            prompt_details=_details_sum(self.prompt_details, other.prompt_details, sign) if prompt_told else None,
            completion_details=_details_sum(self.completion_details, other.completion_details, sign)
            if completion_told
            else None,
            prompt_cost=_cost_sum(self.prompt_cost, other.prompt_cost, sign) if costs_told else None,
            completion_cost=_cost_sum(self.completion_cost, other.completion_cost, sign) if costs_told else None,
            total_cost=_cost_sum(self.total_cost, other.total_cost, sign) if costs_told else None,
            details_told=(prompt_told, completion_told),
            costs_told=costs_told,
            first_token_us=min(
                (moment for moment in (self.first_token_us, other.first_token_us) if moment is not None), default=None
            ),
        )


def _details_sum(left: dict[str, int] | None, right: dict[str, int] | None, sign: int) -> dict[str, int] | None:
    if not right:
        return left
    return (left or {}) | {key: (left or {}).get(key, 0) + sign * count for key, count in right.items()}


def _cost_sum(left: float | None, right: float | None, sign: int) -> float | None:
    return left if right is None else (left or 0.0) + sign * right


def own(run: StoredRun) -> Usage:
    """What the run itself used, as its outputs or its metadata say; nothing for runs that call no model."""
    first_token_us = _first_token_us(run)
    if run.run_type not in _METERED:
        return Usage(first_token_us=first_token_us)
    counts = _counts_in(decode(run.outputs)) or _dict(run.metadata().get("usage_metadata"))
    if counts is None:
        return Usage(first_token_us=first_token_us)
    prompt = _count(counts, "input_tokens", "prompt_tokens")
    completion = _count(counts, "output_tokens", "completion_tokens")
    prompt_details, completion_details = _counts(counts, "input_token_details"), _counts(counts, "output_token_details")
    costs = [_cost(counts, name) for name in ("input_cost", "output_cost", "total_cost")]
    return Usage(
        prompt=prompt,
        completion=completion,
        total=_count(counts, "total_tokens") or prompt + completion,
        prompt_details=prompt_details,
        completion_details=completion_details,
        prompt_cost=costs[0],
        completion_cost=costs[1],
        total_cost=costs[2] if costs[2] is not None else _cost_sum(costs[0], costs[1], 1),
        details_told=(int(prompt_details is not None), int(completion_details is not None)),
        costs_told=int(any(cost is not None for cost in costs)),
        first_token_us=first_token_us,
    )


def _first_token_us(run: StoredRun) -> int | None:
    if is_blank(run.events):
        return None
    for event in decode(run.events):
        if isinstance(event, dict) and event.get("name") == _FIRST_TOKEN:
            try:
                return instants.parse_optional(event.get("time"))
            except instants.BadInstant:
                return None
    return None


def _counts_in(outputs: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any JSON
    """Usage within outputs: the SDK's, a generation's, or the provider's."""
    if not isinstance(outputs, dict):
        return None
    return (
        _dict(outputs.get("usage_metadata"))
        or _of_generations(outputs.get("generations"))
        or _dict((_dict(outputs.get("llm_output")) or {}).get("token_usage"))
        or _dict(outputs.get("usage"))
    )


def _of_generations(generations: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any JSON
    while isinstance(generations, list) and generations:
        generations = generations[0]
    message = _dict((_dict(generations) or {}).get("message")) or {}
    kwargs = _dict(message.get("kwargs")) or message
    return _dict(kwargs.get("usage_metadata"))


def _dict(value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any JSON
    return value if isinstance(value, dict) and value else None


def _count(counts: dict[str, Any], *names: str) -> int:
    return next((int(counts[name]) for name in names if isinstance(counts.get(name), int | float)), 0)


def _counts(counts: dict[str, Any], name: str) -> dict[str, int] | None:
    details = counts.get(name)
    if not isinstance(details, dict):
        return None
    return {key: int(count) for key, count in details.items() if isinstance(count, int | float)}


def _cost(counts: dict[str, Any], name: str) -> float | None:
    value = counts.get(name)
    return float(value) if isinstance(value, int | float) else None


class Ledger:
    """Sums usage up the trees of a store, whatever order the runs arrive in.

    A run that tells its own usage counts for all below it: a traced function around a traced client repeats it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._own: dict[str, Usage] = {}
        self._below: dict[str, Usage] = {}
        self._parents: dict[str, str | None] = {}

    def book(self, run: StoredRun) -> None:
        """Take in a run that came or changed, and correct everything above it."""
        if run.id in self._own:
            self._raise(self._parents[run.id], self._subtree(run.id), Usage())
        else:
            self._below[run.id] = Usage()
            for child in self._store.children(run.id):
                if child.id in self._own:
                    self._below[run.id] = self._below[run.id].plus(self._subtree(child.id))
        mine = own(run)
        self._own[run.id], self._parents[run.id] = mine, run.parent_run_id
        run.own_usage = (mine.prompt, mine.completion, mine.total)
        _show(run, self._subtree(run.id))
        self._raise(run.parent_run_id, Usage(), self._subtree(run.id))

    def forget(self, run_id: str) -> None:
        """A run is about to be deleted: nothing above it counts it any more."""
        if run_id in self._own:
            self._raise(self._parents[run_id], self._subtree(run_id), Usage())
            del self._own[run_id], self._below[run_id], self._parents[run_id]

    def _subtree(self, run_id: str) -> Usage:
        mine, below = self._own[run_id], self._below[run_id]
        if mine.total == 0:
            return below.plus(mine)
        return msgspec.structs.replace(mine, first_token_us=mine.plus(below).first_token_us)

    def _raise(self, run_id: str | None, before: Usage, after: Usage) -> None:
        """A child counted as `before` counts as `after` now: correct all above it."""
        climbed: set[str] = set()
        while before != after and run_id is not None and run_id in self._own and run_id not in climbed:
            climbed.add(run_id)
            change = after.plus(before, -1)
            before = self._subtree(run_id)
            self._below[run_id] = self._below[run_id].plus(change)
            after = self._subtree(run_id)
            entry = self._store.entries.get(run_id)
            if entry is None or entry.latest is None:
                return
            _show(entry.latest, after)
            run_id = self._parents[run_id]


def _show(run: StoredRun, usage: Usage) -> None:
    run.prompt_tokens, run.completion_tokens, run.total_tokens = usage.prompt, usage.completion, usage.total
    run.prompt_token_details = NULL if usage.prompt_details is None else encode(usage.prompt_details)
    run.completion_token_details = NULL if usage.completion_details is None else encode(usage.completion_details)
    run.prompt_cost, run.completion_cost = usage.prompt_cost, usage.completion_cost
    run.total_cost = usage.total_cost
    run.first_token_time = None if usage.first_token_us is None else instants.naive(usage.first_token_us)
