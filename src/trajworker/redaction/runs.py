"""Redacting a run or a feedback whole: everything in it that people wrote, nothing that links it to others.

Applied before a page touches disk (reliability.md section 5): name, error, tags, inputs, outputs, extra, events,
attachments' names and feedback figures. Ids, times, counts and the thread key stay: a conversation is found by its
thread key and named after it, so do not use personal data as thread keys.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Raw
from msgspec.json import encode
from msgspec.structs import replace

from trajworker.errors import RedactionFailed
from trajworker.model.run import Feedback, Run
from trajworker.redaction.redactor import BasePiiRedactor
from trajworker.redaction.texts import Texts
from trajworker.redaction.walk import Walk, decoded

Masked = TypeVar("Masked", Run, Feedback)


def redact_run(run: Run, texts: Texts, *, thread_keys: frozenset[str]) -> Run:
    """Return the run with every text redacted, except under `thread_keys`: by them conversations are found.

    Give the same `texts` for all runs of a page.

    Raises:
        RedactionFailed: names the run and the redactor or rule; the run must not be written.
    """

    def masked() -> Run:
        walk = Walk(texts)
        return replace(
            run,
            name=walk.text(run.name),
            error=None if run.error is None else walk.text(run.error),
            tags=tuple(walk.text(tag) for tag in run.tags),
            attachments=tuple(walk.text(name) for name in run.attachments),
            inputs=walk.payload(run.inputs),
            outputs=walk.payload(run.outputs),
            extra=Walk(texts, thread_keys).payload(run.extra),
            events=_events(run.events, walk),
            feedback_stats=walk.payload(run.feedback_stats),
        )

    return _named(f"run {run.id}", masked)


def redact_feedback(feedback: Feedback, redactor: BasePiiRedactor) -> Feedback:
    """Return the feedback with its comment, value and correction redacted; key, score and ids stay.

    Raises:
        RedactionFailed: names the feedback and the redactor or rule; the feedback must not be written.
    """

    def masked() -> Feedback:
        walk = Walk(Texts(redactor))
        return replace(
            feedback,
            comment=None if feedback.comment is None else walk.text(feedback.comment),
            value=walk.whole(feedback.value),
            correction=walk.whole(feedback.correction),
        )

    return _named(f"feedback {feedback.id}", masked)


def _events(raw: Raw, walk: Walk) -> Raw:
    """Redact events; the pieces of a streamed answer are left out: an address cut in pieces matches no rule.

    The whole answer stands in the outputs, and assembly reads only the times of events.
    """
    events = decoded(raw)
    kept = [_without_tokens(event) for event in events] if isinstance(events, list) else events
    masked = walk.whole(kept)
    return raw if masked == events else Raw(encode(masked))


def _without_tokens(event: Any) -> Any:  # noqa: ANN401  JSON
    if isinstance(event, dict) and event.get("name") == "new_token":
        return {key: member for key, member in event.items() if key in {"name", "time"}}
    return event


def _named(what: str, masked: Callable[[], Masked]) -> Masked:
    try:
        return masked()
    except RedactionFailed as failure:
        reason = str(failure)
    except RecursionError:
        reason = "it is nested too deeply"
    raise RedactionFailed(f"{what}: {reason}; nothing of it is kept. Mend the redactor, then run again.")
