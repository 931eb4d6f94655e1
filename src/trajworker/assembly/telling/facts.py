"""Facts of a trace beside its messages: tools that were offered, documents that were found, models that were asked."""

from collections.abc import Sequence

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.faults import error_text
from trajworker.assembly.reading.tooling import definitions
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.telling.transcript import StepDraft, Transcript
from trajworker.dialects import Draft
from trajworker.trajectory import Retrieval
from trajworker.trajectory.codec import encode_chunk

_OUT_OF_STEPS = "need more steps to process"
"""How LangGraph's agent begins its last words where it ran out of steps."""
_BEGINNING = 80
"""Characters among which these words are looked for."""


def newly_offered(steps: Sequence[StepDraft], seen: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Definitions of tools that no step before offered, encoded, and the digests of all that were ever `seen`."""
    chunks: list[bytes] = []
    offered = b""
    for step in steps:
        if step.call.tools == offered:
            continue
        offered = step.call.tools
        for key, chunk in definitions(offered):
            if key not in seen:
                seen = [*seen, key]
                chunks.append(chunk)
    return chunks, seen


def retrieved(trace: Trace, transcript: Transcript) -> list[bytes]:
    """The searches of a trace and what they found, encoded."""
    return [
        encode_chunk(
            Retrieval(
                query=one.query,
                documents=one.documents,
                turn=transcript.turn_at(one.run.start_time),
                run_id=one.run.id,
                error=error_text(one.run.error),
            )
        )
        for one in trace.searches
    ]


def models_asked(calls: Sequence[Call], last: Call | None) -> dict[str, object]:
    """The models that were asked in a trace; and that of the agent's `last` call, with its provider."""
    told: dict[str, object] = {}
    models: list[str] = []
    for call in calls:
        if call.model is not None and call.model not in models:
            models.append(call.model)
    if models:
        told["models"] = models
    if last is not None and last.model is not None:
        told["model"] = last.model
    if last is not None and isinstance(last.about.ls_provider, str):
        told["provider"] = last.about.ls_provider
    return told


def is_out_of_steps(draft: Draft) -> bool:
    """Whether a graph gave this back in place of an answer: the agent ran out of steps."""
    return _OUT_OF_STEPS in (draft.content or "")[:_BEGINNING]
