"""A run is redacted in every field people write to; what fails keeps nothing."""

import json
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from support.scripted_server import json_reply, scripted
from support.source_bench import bench
from trajworker.errors import RedactionFailed
from trajworker.model.run import Feedback, Run, RunStatus
from trajworker.ports import Page
from trajworker.redaction import BasePiiRedactor, PiiRedactor, Texts, redact_feedback, redact_run, redact_value, texts
from trajworker.sources.redacting import Masking, RedactingSource

CANARY = "canary.person@example.com"
ID = "01234567-8901-4234-8567-890123456789"
REDACTOR = PiiRedactor(secret=b"s")
THREAD_KEYS = frozenset({"session_id", "conversation_id", "thread_id"})


def raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


RUN = Run(
    id=ID,
    trace_id=ID,
    project_id=ID,
    name=f"agent of {CANARY}",
    run_type="llm",
    status=RunStatus.ERROR,
    start_time=datetime(2025, 1, 15, tzinfo=UTC),
    dotted_order=f"20250115T103000123456Z{ID}",
    thread_id=CANARY.upper(),
    error=f"ValueError({CANARY!r})Traceback",
    tags=("plain", f"user:{CANARY}"),
    inputs=raw({"messages": [[{"role": "user", "content": [{"type": "text", "text": f"I am {CANARY}"}]}]]}),
    outputs=raw({"choices": [{"message": {"tool_calls": [{"function": {"arguments": f'{{"to": "{CANARY}"}}'}}]}}]}),
    extra=raw({"metadata": {"thread_id": CANARY.upper(), "user": CANARY, "revision_id": "abc-1"}}),
    events=raw(
        [
            {"name": "new_token", "time": "2025-01-15T10:30:00+00:00", "kwargs": {"token": "canary.per"}},
            {"name": "retry", "kwargs": {"why": CANARY}},
        ]
    ),
    attachments=(f"{CANARY}.png",),
    feedback_stats=raw({"note": {"n": 1, "values": {CANARY: 1}}}),
    total_tokens=118,
)


def test_no_field_keeps_the_canary() -> None:
    masked = redact_run(RUN, Texts(REDACTOR), thread_keys=THREAD_KEYS)
    assert CANARY.encode() not in msgspec.json.encode(masked)
    assert b"canary.per" not in msgspec.json.encode(masked)
    assert msgspec.json.decode(masked.events)[0] == {"name": "new_token", "time": "2025-01-15T10:30:00+00:00"}
    assert masked.tags == ("plain", f"user:{REDACTOR.redact(CANARY)}")


def test_ids_thread_key_times_and_counts_stay() -> None:
    masked = redact_run(RUN, Texts(REDACTOR), thread_keys=THREAD_KEYS)
    for field in ("id", "trace_id", "project_id", "dotted_order", "start_time", "status", "thread_id", "total_tokens"):
        assert getattr(masked, field) == getattr(RUN, field)
    metadata = msgspec.json.decode(masked.extra)["metadata"]
    assert metadata["thread_id"] == RUN.thread_id
    assert metadata["revision_id"] == "abc-1"


def test_configured_thread_keys_stay_and_others_do_not() -> None:
    metadata = msgspec.json.decode(redact_run(RUN, Texts(REDACTOR), thread_keys=frozenset({"user"})).extra)["metadata"]
    assert metadata["user"] == CANARY
    assert metadata["thread_id"] == REDACTOR.redact(CANARY)


def test_redacting_a_run_twice_changes_nothing_more() -> None:
    once = redact_run(RUN, Texts(REDACTOR), thread_keys=THREAD_KEYS)
    assert redact_run(once, Texts(REDACTOR), thread_keys=THREAD_KEYS) == once


def test_a_clean_run_keeps_its_bytes() -> None:
    clean = msgspec.structs.replace(RUN, **{name: Raw(b'{ "a": 1 }') for name in ("inputs", "outputs", "extra")})
    assert redact_run(clean, Texts(REDACTOR), thread_keys=THREAD_KEYS).inputs is clean.inputs


def test_feedback_is_redacted_in_comment_value_and_correction() -> None:
    feedback = Feedback(
        id=ID, run_id=ID, key="quality", score=0.5, value={"by": CANARY}, comment=CANARY, correction=CANARY
    )
    masked = redact_feedback(feedback, REDACTOR)
    assert CANARY.encode() not in msgspec.json.encode(masked)
    assert (masked.id, masked.key, masked.score) == (ID, "quality", 0.5)


class Broken(BasePiiRedactor):
    def redact(self, text: str) -> str:
        raise ValueError(text)


class Forgetful(BasePiiRedactor):
    def redact(self, text: str) -> str:
        del text
        return None  # type: ignore[return-value]


def deep(levels: int) -> Raw:
    return Raw(b"[" * levels + b"]" * levels)


@pytest.mark.parametrize(
    ("run", "redactor", "told"),
    [
        (RUN, Broken(), "redactor Broken raised ValueError"),
        (RUN, Forgetful(), "redactor Forgetful returned NoneType"),
        (msgspec.structs.replace(RUN, inputs=Raw(b'{"a": ')), REDACTOR, "no JSON"),
        (msgspec.structs.replace(RUN, inputs=deep(100_000)), REDACTOR, "no JSON"),
        (msgspec.structs.replace(RUN, inputs=deep(900)), REDACTOR, "nested too deeply"),
    ],
)
def test_what_cannot_be_redacted_fails_with_the_id_and_without_the_text(
    run: Run, redactor: BasePiiRedactor, told: str
) -> None:
    with pytest.raises(RedactionFailed, match=told) as failed:
        redact_run(run, Texts(redactor), thread_keys=THREAD_KEYS)
    everything = "".join(traceback.format_exception(failed.value)) + repr(failed.value.__context__)
    assert ID in str(failed.value)
    assert "canary" not in everything.lower()


def test_a_check_that_raises_names_its_rule_only() -> None:
    pytest.importorskip("re2", reason="rules of one's own need the extra trajworker[redact]")
    from trajworker.redaction import Rule  # noqa: PLC0415  only where re2 is

    def check(text: str, start: int, end: int) -> tuple[int, int] | None:
        raise KeyError(text[start:end])

    with pytest.raises(RedactionFailed, match="rule CANARY raised KeyError") as failed:
        redact_value(CANARY, PiiRedactor([Rule(label="CANARY", pattern="canary", check=check)]))
    assert failed.value.__context__ is None


class Initials(BasePiiRedactor):
    def redact(self, text: str) -> str:
        return text.replace("Ada Lovelace", "A. L.")


def test_a_subclass_writes_redact_only() -> None:
    redactor = Initials()
    assert redactor.redact_batch(["Ada Lovelace", "x"]) == ["A. L.", "x"]
    assert redactor.preview("so Ada Lovelace said").counts == {"Initials": 1}
    assert redact_value({"by": ["Ada Lovelace"]}, redactor) == {"by": ["A. L."]}


class Counting(Initials):
    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def redact(self, text: str) -> str:
        self.asked[text] += 1
        return super().redact(text)


def talk(*said: str) -> Run:
    return msgspec.structs.replace(
        RUN, inputs=raw([{"content": text} for text in said]), outputs=raw({"content": said})
    )


def test_what_is_said_again_on_a_page_is_masked_once() -> None:
    """Each prompt repeats the history, in inputs and often in outputs, and some redactors take their time."""
    redactor = Counting()
    said = [f"Ada Lovelace said it {number} times" for number in range(3)]
    page = Page(runs=tuple(talk(*said[: 1 + number]) for number in range(3)))
    masked = Masking(redactor, THREAD_KEYS).page(page)
    assert b"Ada" not in msgspec.json.encode([(run.inputs, run.outputs) for run in masked.runs])
    assert {text: redactor.asked[text] for text in said} == dict.fromkeys(said, 1)


class Placed(BasePiiRedactor):
    """Remembers in which threads it worked."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def redact(self, text: str) -> str:
        self.threads.add(threading.get_ident())
        return text


async def test_feedback_is_masked_beside_the_loop() -> None:
    redactor = Placed()
    row = {"id": "f", "key": "k", "run_id": "a", "comment": "by Ada"}
    async with scripted(lambda _request: json_reply([row])) as server, bench(server.url) as one:
        await RedactingSource(one.source, redactor, THREAD_KEYS).feedback(["a"])
    assert redactor.threads
    assert threading.get_ident() not in redactor.threads


def test_what_is_remembered_of_a_page_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "REMEMBERED_CHARS", 40)
    redactor = Counting()
    page_texts = Texts(redactor)
    for text in ("Ada Lovelace", "Ada Lovelace", "Ada Lovelace and another", "Ada Lovelace"):
        assert page_texts.masked(None, text) == text.replace("Ada Lovelace", "A. L.")
    assert redactor.asked["Ada Lovelace"] == 2


def test_a_thread_key_within_a_text_stays_in_the_metadata_alone() -> None:
    """Though the same text came before, where the key means nothing: there it was masked."""
    told = json.dumps({"thread_id": CANARY})
    run = msgspec.structs.replace(RUN, inputs=raw({"a": told}), extra=raw({"metadata": {"a": told}}))
    masked = redact_run(run, Texts(REDACTOR), thread_keys=THREAD_KEYS)
    assert CANARY not in bytes(masked.inputs).decode()
    assert CANARY in bytes(masked.extra).decode()


def test_an_abstract_redactor_cannot_be_made() -> None:
    make: Callable[[], BasePiiRedactor] = BasePiiRedactor
    with pytest.raises(TypeError, match="redact"):
        make()
