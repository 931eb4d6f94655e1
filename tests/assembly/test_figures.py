"""Tokens, times and rewards are sums that count each thing once."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Conversation, FoldSettings, Header, assemble
from trajworker.assembly.kept.figures import seconds
from trajworker.assembly.kept.rewards import RewardRule
from trajworker.model.intervals import union
from trajworker.model.run import Feedback, Run
from trajworker.ports import Aggregation
from trajworker.trajectory import TerminationReason, Trajectory
from trajworker.trajectory.rates import tool_error_rate

USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}


def call(record: Recorder, parent: Run | None, **more: object) -> Run:
    asked = {"messages": [{"role": "user", "content": "q"}]}
    return record.run("llm", asked, {"role": "assistant", "content": "a", "usage_metadata": USAGE}, parent, **more)  # type: ignore[arg-type]


def test_tokens_are_summed_over_innermost_calls_and_a_root_that_disagrees_is_told() -> None:
    record = Recorder()
    root = record.run("chain", {"q": "q"}, {"output": "a"}, total_tokens=30)
    outer = call(record, root, total_tokens=15)
    inner = call(record, outer, total_cost=0.25)
    trajectory = told([root, outer, inner])
    assert trajectory.metrics is not None
    assert (trajectory.task.total_tokens, trajectory.task.total_cost) == (15, 0.25)
    assert (trajectory.metrics.llm_calls, trajectory.metrics.root_total_tokens) == (1, 30)


def test_usage_that_only_the_run_row_tells_counts() -> None:
    record = Recorder()
    run = record.run("llm", {"prompt": "q"}, {"output": "a"}, prompt_tokens=3, completion_tokens=4, total_tokens=7)
    trajectory = told([run])
    assert trajectory.task.total_tokens == 7
    assert trajectory.metrics is not None
    assert trajectory.metrics.tokens_complete is True


def test_unknown_usage_is_null_and_never_zero() -> None:
    record = Recorder()
    trajectory = told([record.run("llm", {"prompt": "q"}, {"output": "a"})])
    metrics = trajectory.metrics
    assert metrics is not None
    assert (trajectory.task.total_tokens, metrics.input_tokens, metrics.tokens_generated) == (None, None, None)
    assert metrics.tokens_complete is False
    assert metrics.tool_error_rate is None


def test_a_call_that_tells_only_a_total_leaves_both_sides_unknown() -> None:
    record = Recorder()
    trajectory = told([record.run("llm", {"prompt": "q"}, {"output": "a"}, total_tokens=7)])
    metrics = trajectory.metrics
    assert metrics is not None
    assert trajectory.messages[-1].usage == {"total_tokens": 7}
    assert (trajectory.task.total_tokens, metrics.input_tokens, metrics.tokens_generated) == (7, None, None)
    assert metrics.tokens_complete is False
    assert trajectory.token_usage is None


def test_a_span_that_names_an_error_failed_although_it_ended_well() -> None:
    record = Recorder()
    asked, calling = {"role": "user", "content": "Go"}, {"role": "assistant", "content": None}
    calling["tool_calls"] = [{"id": "c1", "type": "function", "function": {"name": "go", "arguments": "{}"}}]
    told_back = {"role": "tool", "tool_call_id": "c1", "content": "Something broke"}
    root = record.run("chain", {"messages": [asked]}, {})
    said = {"output": "Something broke"}
    runs = [
        root,
        record.run("llm", {"messages": [asked]}, calling, root),
        record.run("tool", {"tool_call_id": "c1"}, said, root, name="go", metadata={"error.type": "tool_error"}),
        record.run("llm", {"messages": [asked, calling, told_back]}, {"role": "assistant", "content": "No."}, root),
    ]
    trajectory = told(runs)
    assert [one.tool_response.error for one in trajectory.messages if one.tool_response] == ["Something broke"]


def test_the_error_rate_is_failures_per_call_whichever_way_a_trajectory_was_made() -> None:
    asked = {"role": "user", "content": "q"}
    calls = [{"id": name, "name": "look", "args": {}, "type": "tool_call"} for name in ("c1", "c2")]
    calling = {"role": "assistant", "content": "", "tool_calls": calls}
    failed = {"role": "tool", "tool_call_id": "c1", "content": "no", "status": "error"}
    record = Recorder()
    root = record.run("chain", {"messages": [asked]}, {"messages": [asked, calling, failed]})
    runs = [root, record.run("llm", {"messages": [asked]}, calling, root)]
    answer = {"role": "assistant", "content": "gave up"}
    runs.append(record.run("llm", {"messages": [asked, calling, failed]}, answer, root))
    for trajectory in (told(runs), Trajectory.from_messages([asked, calling, failed, answer])):
        metrics = trajectory.metrics
        assert metrics is not None
        assert (metrics.num_tool_calls, metrics.num_tool_failures, metrics.tool_error_rate) == (2, 1, 0.5)
    assert tool_error_rate(failures=2, calls=1, results=2) == 1.0


def test_times_are_unions_so_that_parallel_work_counts_once() -> None:
    assert union([(5, 9), (0, 3), (2, 4)]) == [(0, 4), (5, 9)]
    assert seconds([(0, 2_000_000), (1_000_000, 3_000_000)]) == 3.0
    record = Recorder()
    root = record.run("chain", {"question": "q"}, {"output": "a"})
    tools = [record.run("tool", {"n": n}, {"output": "r"}, root, name="look") for n in range(2)]
    start = tools[0].start_time
    tools = [structs.replace(run, start_time=start, end_time=start + timedelta(seconds=2)) for run in tools]
    trajectory = told([structs.replace(root, end_time=start + timedelta(seconds=3)), *tools])
    assert trajectory.execution_metrics is not None
    assert trajectory.execution_metrics.env_time == 2.0


def test_a_tool_that_took_no_time_is_known_to_have_taken_none() -> None:
    record = Recorder()
    root = record.run("chain", {"question": "q"}, {"output": "a"})
    tool = record.run("tool", {"n": 1}, {"output": "r"}, root, name="look")
    metrics = told([root, structs.replace(tool, end_time=tool.start_time)]).execution_metrics
    assert metrics is not None
    assert metrics.env_time == 0.0


def feedback(key: str, score: float | None, run: Run, minute: int = 0, comment: str | None = None) -> Feedback:
    created = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    return Feedback(
        id=f"{key}{minute}",
        run_id=run.id,
        trace_id=run.trace_id,
        key=key,
        score=score,
        comment=comment,
        created_at=created,
    )


@pytest.mark.parametrize(
    ("rule", "expected", "names"),
    [
        (RewardRule(), 0.5, ["good", "bad", "note"]),
        (RewardRule(keys=("good",)), 1.0, ["good"]),
        (RewardRule(weights={"good": 3.0}), 0.75, ["good", "bad", "note"]),
        (RewardRule(aggregation=Aggregation.MIN), 0.0, ["good", "bad", "note"]),
        (RewardRule(weights={"good": 0.5, "bad": 2.0}, aggregation=Aggregation.MAX), 1.0, ["good", "bad", "note"]),
        (RewardRule(weights={"good": 0.0, "bad": 2.0}, aggregation=Aggregation.MAX), 0.0, ["good", "bad", "note"]),
        (RewardRule(weights={"good": 0.5, "bad": 2.0}, aggregation=Aggregation.SUM), 0.5, ["good", "bad", "note"]),
        (RewardRule(aggregation=Aggregation.LAST), 0.0, ["good", "bad", "note"]),
        (RewardRule(keys=("note",)), None, ["note"]),
    ],
)
def test_rewards_are_made_of_the_feedback_asked_for(rule: RewardRule, expected: float | None, names: list[str]) -> None:
    record = Recorder()
    root = record.run("chain", {"question": "q"}, {"output": "a"})
    llm = call(record, root)
    given = [
        feedback("bad", 0.0, llm, 2),
        feedback("good", 1.0, root, 1, "nice"),
        feedback("note", None, root, 3, "hm"),
    ]
    fold = Conversation(FoldSettings(rewards=rule)).fold([root, llm], given)
    trajectory = assemble([fold], Header(conversation_id="t"))
    assert trajectory.reward is not None
    assert [component.name for component in trajectory.reward.components] == names
    assert trajectory.reward.aggregated_value == expected
    assert trajectory.metrics is not None
    assert trajectory.metrics.aggregated_reward == expected
    step = trajectory.steps[0]
    assert (step.reward.aggregated_value if step.reward else None) == (0.0 if "bad" in names else None)


@pytest.mark.parametrize("place", ["inside", "beside"])
def test_feedback_on_the_outer_of_two_runs_that_tell_one_call_is_the_steps(place: str) -> None:
    record = Recorder()
    root = record.run("chain", {"question": "q"}, {"output": "a"})
    outer = call(record, root, name="Model")
    inner = call(record, outer if place == "inside" else root, name="client")
    outer = structs.replace(outer, end_time=inner.end_time + timedelta(seconds=1) if inner.end_time else None)
    fold = Conversation().fold([root, outer, inner], [feedback("good", 1.0, outer)])
    (step,) = assemble([fold], Header(conversation_id="t")).steps
    assert (step.info["run_id"], step.reward.aggregated_value if step.reward else None) == (inner.id, 1.0)


def test_feedback_on_a_run_around_several_calls_is_no_steps() -> None:
    record = Recorder()
    outer = call(record, None)
    rated = [feedback("good", 1.0, outer)]
    fold = Conversation().fold([outer, call(record, outer), call(record, outer)], rated)
    trajectory = assemble([fold], Header(conversation_id="t"))
    assert trajectory.reward is not None
    assert [step.reward for step in trajectory.steps] == [None] * len(trajectory.steps)


def test_without_feedback_there_is_no_reward() -> None:
    record = Recorder()
    assert told([call(record, None)]).reward is None


def test_a_conversation_cut_off_or_still_running_says_so() -> None:
    record = Recorder()
    cut = record.run("llm", {"prompt": "q"}, {"choices": [{"text": "a", "finish_reason": "length"}]})
    assert _reason(told([cut])) is TerminationReason.TRUNCATION
    assert _reason(told([call(record, None)])) is TerminationReason.ENV_DONE
    running = [record.run("chain", {"question": "q"}, None, pending=True)]
    assert _reason(told(running)) is TerminationReason.NONE
    forced = assemble(fold_all([running]), Header(conversation_id="t", complete=False))
    assert _reason(forced) is TerminationReason.STALE
    assert [turn.status for turn in forced.turns] == ["pending"]


def _reason(trajectory: object) -> TerminationReason | None:
    metrics = trajectory.execution_metrics  # type: ignore[attr-defined]
    reason: TerminationReason | None = metrics.termination_reason
    return reason
