"""What holds for any conversation: order of arrival, repetition, odd payloads, partial contexts change nothing."""

import random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from support import corpus, runs
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Fold, Header, content_hash, decode_fold, encode_fold, encode_line
from trajworker.assembly.telling import repeats
from trajworker.model.run import Run
from trajworker.trajectory.codec import decode_line, encode_trajectory

HEADER = Header(conversation_id="t")
CONVERSATIONS = [
    (producer, key, traces)
    for producer in corpus.producers()
    for key, traces in runs.conversations([runs.from_v1(row) for row in corpus.runs(producer)]).items()
]
ANY_CONVERSATION = st.integers(0, len(CONVERSATIONS) - 1)
SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def line(folds: list[Fold]) -> bytes:
    return b"".join(encode_line(folds, HEADER))


@SLOW
@given(ANY_CONVERSATION, st.randoms(use_true_random=False))
def test_order_of_arrival_and_repetition_change_nothing(case: int, shuffle: random.Random) -> None:
    _, _, traces = CONVERSATIONS[case]
    shuffled = []
    for trace in traces:
        pages = [*trace, *shuffle.sample(trace, len(trace) // 2)]
        shuffle.shuffle(pages)
        shuffled.append(pages)
    assert line(fold_all(shuffled)) == line(fold_all(traces))


def test_calls_that_nothing_but_their_ids_tells_apart_are_told_in_one_order() -> None:
    """Asked at the same instant, in prompts as long as each other, by a producer that tells no place in the tree."""
    recorder = Recorder()
    root = recorder.run("chain", {"input": "Which?"}, {"output": "Neither."})
    calls = [
        replace(
            recorder.run("llm", {"messages": [{"role": "user", "content": f"Is it {name}?"}]}, {"output": name}, root),
            start_time=root.start_time,
            dotted_order="",
        )
        for name in "AB"
    ]
    assert line(fold_all([[root, *calls]])) == line(fold_all([[root, *reversed(calls)]]))


@SLOW
@given(ANY_CONVERSATION, st.integers(1, 6))
def test_looking_through_few_messages_first_finds_what_looking_through_all_finds(case: int, window: int) -> None:
    _, _, traces = CONVERSATIONS[case]
    with patch.object(repeats, "WINDOW", window):
        few = fold_all(traces)
    assert line(few) == line(fold_all(traces))
    assert content_hash(few, HEADER) == content_hash(fold_all(traces), HEADER)


@pytest.mark.parametrize("case", CONVERSATIONS, ids=lambda case: f"{case[0]}-{case[1][:8]}")
def test_a_line_reads_back_equal_and_is_written_again_byte_by_byte(case: Any) -> None:
    written = line(fold_all(case[2]))
    trajectory = decode_line(written)
    assert encode_trajectory(trajectory) == written
    assert b"\n" not in written


def test_a_new_revision_is_due_only_when_the_content_changed() -> None:
    _, _, traces = CONVERSATIONS[0]
    folds = fold_all(traces)
    same = content_hash(folds, HEADER)
    assert (
        content_hash([decode_fold(encode_fold(fold)) for fold in folds], Header(conversation_id="t", revision=7))
        == same
    )
    assert content_hash(folds, Header(conversation_id="t", complete=False)) != same
    assert content_hash(folds[:-1], HEADER) != same


TEXTS = st.sampled_from(["yes", "no", "ok", "go on", "again"])
POLICIES = st.sampled_from(["whole", "window", "nothing"])
SHAPES = st.sampled_from(["chain", "bare"])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(TEXTS, st.integers(0, 2), TEXTS), min_size=1, max_size=6), POLICIES, SHAPES)
def test_whatever_history_the_app_sends_each_message_comes_out_once(
    script: list[tuple[str, int, str]], policy: str, shape: str
) -> None:
    record = Recorder()
    history: list[dict[str, Any]] = []
    expected: list[tuple[str, str | None]] = [("system", "Be kind.")]
    traces: list[list[Run]] = []
    number = 0
    for said, rounds, answered in script:
        kept = {"whole": history, "window": history[-2:] if not _cuts_calls(history[-2:]) else [], "nothing": []}[
            policy
        ]
        prompt = [{"role": "system", "content": "Be kind."}, *kept, {"role": "user", "content": said}]
        expected.append(("user", said))
        start = len(prompt) - 1
        root = record.run("chain", {"question": said}, {"output": answered}) if shape == "chain" else None
        trace: list[Run] = [root] if root else []
        for _ in range(rounds):
            number += 1
            call = {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": f"c{number}", "type": "function", "function": {"name": "look", "arguments": "{}"}}
                ],
            }
            trace.append(_ask(record, prompt, call, root))
            prompt = [*prompt, call, {"role": "tool", "tool_call_id": f"c{number}", "content": "seen"}]
            expected += [("assistant", None), ("tool", "seen")]
            if root is None:
                traces.append(trace)
                trace = []
        trace.append(_ask(record, prompt, {"role": "assistant", "content": answered}, root))
        traces.append(trace)
        expected.append(("assistant", answered))
        history = [*history, *prompt[start:], {"role": "assistant", "content": answered}]
    trajectory = told(*traces)
    assert [(message.role.value, message.content) for message in trajectory.messages] == expected
    assert trajectory.task.num_turns == len(script)
    assert trajectory.asides == ()


def _cuts_calls(window: list[dict[str, Any]]) -> bool:
    return bool(window) and window[0]["role"] != "user"


def _ask(record: Recorder, prompt: list[dict[str, Any]], answer: dict[str, Any], root: Run | None) -> Run:
    reason = "tool_calls" if answer.get("tool_calls") else "stop"
    outputs = {"choices": [{"message": answer, "finish_reason": reason}]}
    return record.run("llm", {"messages": prompt, "model": "m"}, outputs, root)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | st.sampled_from(["", "user", "assistant", "tool", "x", "{}", "[1]", '{"a": 1}', "é\u2028"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "messages",
                    "input",
                    "output",
                    "tool_calls",
                    "function",
                    "name",
                    "arguments",
                    "id",
                    "type",
                    "lc",
                    "kwargs",
                    "generations",
                    "message",
                    "choices",
                    "parts",
                    "text",
                    "usage",
                    "candidates",
                    "delta",
                    "function_call",
                    "prompt",
                    "prompts",
                    "system",
                    "tools",
                    "metadata",
                    "invocation_params",
                    "status",
                    "error",
                    "gen_ai.prompt.0.role",
                    "gen_ai.input.messages",
                    "update",
                    "resume",
                    "documents",
                    "usage_metadata",
                    "additional_kwargs",
                    "response_metadata",
                    "data",
                    "blocks",
                    "author",
                    "kind",
                    "tool_call_id",
                    "summary",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
KINDS = st.sampled_from(["llm", "llm", "tool", "retriever", "chain"])


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(JSON, JSON, st.lists(st.tuples(KINDS, JSON, JSON, JSON, st.booleans()), min_size=1, max_size=4))
def test_no_payload_however_odd_stops_the_fold(given_in: Any, given_out: Any, children: list[tuple[Any, ...]]) -> None:
    record = Recorder()
    root = record.run("chain", given_in, given_out)
    trace = [root]
    for kind, inputs, outputs, extra, failed in children:
        fields = extra if isinstance(extra, dict) else {}
        fields = {key: value for key, value in fields.items() if key != "metadata"}
        metadata = extra if isinstance(extra, dict) else {}
        error = "ValueError('x')" if failed else None
        trace.append(record.run(kind, inputs, outputs, root, extra=fields, metadata=metadata, error=error))
    again = record.run("llm", given_in, given_out)
    folds = fold_all([trace, [again]])
    written = line(folds)
    assert encode_trajectory(decode_line(written)) == written
