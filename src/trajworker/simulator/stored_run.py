"""One version of a run as the simulator keeps it: v1 field names, payloads left as the bytes that came in."""

import json
from typing import Any

import msgspec
from msgspec import Raw

from trajworker.simulator import instants

NULL = Raw(b"null")
PREVIEW_LENGTH = 150
"""Characters of `inputs_preview` and `outputs_preview`, as in recorded runs."""
_BLANK = (b"null", b"{}", b"[]", b"", b'""')


class StoredRun(msgspec.Struct, kw_only=True):
    """A run with the field names of `RunSchema` of the v1 API. Times are naive UTC texts, as v1 answers.

    `start_us` and `end_us` are the same times in microseconds. Token counts and costs are those of the subtree;
    `own_usage` are the run's own `(prompt, completion, total)` where ingest knows them.
    """

    id: str
    name: str = ""
    run_type: str = "chain"
    session_id: str = ""
    status: str = "pending"
    trace_id: str = ""
    dotted_order: str = ""
    app_path: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    error: str | None = None
    inputs: Raw = NULL
    outputs: Raw = NULL
    extra: Raw = NULL
    events: Raw = NULL
    serialized: Raw = NULL
    tags: list[str] | None = None
    parent_run_id: str | None = None
    parent_run_ids: list[str] | None = None
    thread_id: str | None = None
    execution_order: int | None = None
    inputs_preview: str | None = None
    outputs_preview: str | None = None
    s3_urls: Raw = NULL
    inputs_s3_urls: Raw = NULL
    outputs_s3_urls: Raw = NULL
    manifest_id: str | None = None
    manifest_s3_id: str | None = None
    reference_example_id: str | None = None
    reference_dataset_id: str | None = None
    total_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_token_details: Raw = NULL
    completion_token_details: Raw = NULL
    total_cost: float | str | None = None
    prompt_cost: float | str | None = None
    completion_cost: float | str | None = None
    prompt_cost_details: Raw = NULL
    completion_cost_details: Raw = NULL
    price_model_id: str | None = None
    first_token_time: str | None = None
    feedback_stats: Raw = NULL
    last_queued_at: str | None = None
    in_dataset: bool | None = None
    share_token: str | None = None
    trace_tier: str | None = None
    trace_first_received_at: str | None = None
    ttl_seconds: int | None = None
    trace_upgrade: bool | None = None
    messages: Raw = NULL
    start_us: int = 0
    end_us: int | None = None
    own_usage: tuple[int, int, int] | None = None

    @property
    def is_root(self) -> bool:
        """Whether the run stands at the top of its trace."""
        return self.parent_run_id is None

    def metadata(self) -> dict[str, Any]:
        """`extra.metadata`, decoded anew on each call."""
        extra = decode(self.extra)
        metadata = extra.get("metadata") if isinstance(extra, dict) else None
        return metadata if isinstance(metadata, dict) else {}


def decode(payload: Raw) -> Any:  # noqa: ANN401 - any JSON
    """Decode a payload; the standard library takes over where msgspec refuses (lone surrogates, NaN)."""
    data = bytes(payload)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return json.loads(data.decode("utf-8", "surrogatepass"))


def encode(value: Any) -> Raw:  # noqa: ANN401 - any JSON
    """Encode a payload; lone surrogates become escapes, as a tolerant server passes them on."""
    try:
        return Raw(msgspec.json.encode(value))
    except (UnicodeEncodeError, RecursionError, TypeError):
        return Raw(json.dumps(value).encode())


def is_blank(payload: Raw) -> bool:
    """Whether a payload is null or holds nothing."""
    return bytes(payload) in _BLANK


def preview(payload: Raw) -> str | None:
    """First characters of a payload; None where it is blank."""
    if is_blank(payload):
        return None
    return sendable(json.dumps(decode(payload), ensure_ascii=False)[:PREVIEW_LENGTH])


def sendable(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 can carry; payloads keep theirs as escapes."""
    return text.encode("utf-8", "replace").decode()


def _sendable_field(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_sendable_field(inner) for inner in value]
    return sendable(value) if isinstance(value, str) else value


_decoder = msgspec.json.Decoder(StoredRun)


def from_line(line: bytes) -> StoredRun:
    """Read one run in v1 shape.

    Raises:
        msgspec.DecodeError: no JSON, or fields of another type.
    """
    try:
        run = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError) as error:
        run = _tolerant(line, error)
    return complete(run)


def _tolerant(line: bytes, error: Exception) -> StoredRun:
    """Read a line msgspec refuses for its characters or its depth, not for its shape."""
    try:
        document = json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError:
        raise error from None
    if not isinstance(document, dict):
        raise error
    return from_document(document)


def from_document(document: dict[str, Any]) -> StoredRun:
    """Read a decoded run in v1 shape; null and unknown keys are left out."""
    values = {key: value for key, value in document.items() if key in _TYPES and value is not None}
    for key in _PAYLOADS & values.keys():
        values[key] = encode(values[key])
    plain = {key: _sendable_field(value) for key, value in values.items() if key not in _PAYLOADS}
    run = msgspec.convert(plain, StoredRun)
    for key in _PAYLOADS & values.keys():
        setattr(run, key, values[key])
    return complete(run)


_TYPES = {field.name: field.type for field in msgspec.structs.fields(StoredRun)}
_PAYLOADS = frozenset(name for name, kind in _TYPES.items() if kind is Raw)


def complete(run: StoredRun) -> StoredRun:
    """Fill what follows from other fields: times in microseconds, trace, ancestors, previews, defaults."""
    run.start_us = _start_of(run)
    run.start_time = instants.naive(run.start_us)
    run.end_us = instants.parse_optional(run.end_time)
    run.end_time = None if run.end_us is None else instants.naive(run.end_us)
    ancestors = [segment[-36:] for segment in run.dotted_order.split(".")[:-1]] if run.dotted_order else []
    run.trace_id = run.trace_id or (ancestors[0] if ancestors else run.id)
    if run.parent_run_ids is None:
        run.parent_run_ids = ancestors or ([run.parent_run_id] if run.parent_run_id else [])
    if run.inputs_preview is None:
        run.inputs_preview = preview(run.inputs)
    if run.outputs_preview is None:
        run.outputs_preview = preview(run.outputs)
    return run


def _start_of(run: StoredRun) -> int:
    if run.start_time:
        return instants.parse(run.start_time)
    return instants.from_dotted_order(run.dotted_order) or 0
