"""Every dialogue of the recorded corpus comes out as it was said, whatever producer recorded it."""

from typing import Any

import pytest

from support import corpus, runs
from support.truth import differences
from trajworker.assembly import Conversation, Fold, Header, assemble, decode_fold, encode_fold
from trajworker.model.run import NEEDED_RUN_TYPES, Run
from trajworker.trajectory import Trajectory

CASES = [
    pytest.param(producer, thread, id=f"{producer}-{thread['dialogue']}")
    for producer in corpus.producers()
    for thread in corpus.expected(producer)["threads"]
]


def folded(traces: list[list[Run]]) -> list[Fold]:
    folds: list[Fold] = []
    for trace in traces:
        folds.append(decode_fold(encode_fold(Conversation(folds=folds).fold(trace))))
    return folds


_CACHE: dict[tuple[str, bool], list[Trajectory]] = {}


def assembled(producer: str, *, needed_only: bool) -> list[Trajectory]:
    key = producer, needed_only
    if key not in _CACHE:
        rows = [runs.from_v1(row) for row in corpus.runs(producer)]
        if needed_only:
            rows = [run for run in rows if run.is_root or run.run_type in NEEDED_RUN_TYPES]
        _CACHE[key] = [
            assemble(folded(traces), Header(conversation_id=thread))
            for thread, traces in runs.conversations(rows).items()
        ]
    return _CACHE[key]


@pytest.mark.parametrize(("producer", "thread"), CASES)
def test_a_recorded_dialogue_comes_out_as_it_was_said(producer: str, thread: dict[str, Any]) -> None:
    assert differences(assembled(producer, needed_only=False), thread) == []


@pytest.mark.parametrize(("producer", "thread"), CASES)
def test_roots_and_needed_run_types_tell_the_same_truth(producer: str, thread: dict[str, Any]) -> None:
    assert differences(assembled(producer, needed_only=True), thread) == []
