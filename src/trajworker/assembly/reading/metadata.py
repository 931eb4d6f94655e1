"""What folding reads of a run's `extra`: metadata, invocation parameters, the id of the tool call."""

from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from trajworker.assembly.reading.payloads import lenient
from trajworker.decoding import REFUSED
from trajworker.model.run import NULL, Run


class Metadata(Struct, gc=False):
    """What folding reads of an llm run's `extra.metadata`; types are as loose as the producers."""

    ls_model_name: Any = None
    ls_provider: Any = None
    ls_agent_type: Any = None
    ls_subagent_id: Any = None
    ls_subagent_type: Any = None
    ls_message_view_exclude: Any = None
    lc_source: Any = None
    lc_agent_name: Any = None
    langgraph_node: Any = None
    langgraph_step: Any = None
    langgraph_checkpoint_ns: Any = None
    usage_metadata: Any = None
    finish_reason: Any = field(default=None, name="finishReason")
    vercel_finish: Any = field(default=None, name="ai.response.finishReason")
    otel_finish: Any = field(default=None, name="gen_ai.response.finish_reasons")
    span_finish: Any = field(default=None, name="llm.finish_reason")
    otel_model: Any = field(default=None, name="gen_ai.request.model")
    otel_system: Any = field(default=None, name="gen_ai.system_instructions")
    status: Any = None
    incomplete_details: Any = None
    ls_invocation_params: Raw = NULL


class ToolMetadata(Struct, gc=False):
    """What folding reads of a tool run's `extra.metadata`, as loose."""

    tool_call_id: Any = None
    otel_tool_call_id: Any = field(default=None, name="gen_ai.tool.call.id")
    otel_tool_name: Any = field(default=None, name="gen_ai.tool.name")
    vercel_tool_call_id: Any = field(default=None, name="ai.toolCall.id")
    vercel_tool_name: Any = field(default=None, name="ai.toolCall.name")
    js_tool_call_id: Any = field(default=None, name="toolCallId")
    entity_name: Any = field(default=None, name="traceloop.entity.name")
    tool_name: Any = None
    tool_id: Any = field(default=None, name="toolId")
    span_tool_name: Any = field(default=None, name="tool.name")
    otel_error: Any = field(default=None, name="error.type")


class Params(Struct, gc=False):
    """Invocation parameters that say what was asked for."""

    model: Any = None
    model_name: Any = None
    model_id: Any = None
    tools: Raw = NULL
    functions: Raw = NULL
    instructions: Any = None


class _Extra(Struct, gc=False):
    metadata: Metadata | None = None
    invocation_params: Params | None = None


class _ToolExtra(Struct, gc=False):
    metadata: ToolMetadata | None = None
    tool_call_id: Any = None


class _LooseExtra(Struct, gc=False):
    metadata: Raw = NULL
    invocation_params: Raw = NULL
    tool_call_id: Any = None


_EXTRA = msgspec.json.Decoder(_Extra)
_TOOL_EXTRA = msgspec.json.Decoder(_ToolExtra)
_LOOSE = msgspec.json.Decoder(_LooseExtra)
_METADATA = msgspec.json.Decoder(Metadata)
_TOOL_METADATA = msgspec.json.Decoder(ToolMetadata)
PARAMS = msgspec.json.Decoder(Params)

_NO_METADATA = Metadata()
_NO_TOOL_METADATA = ToolMetadata()
NO_PARAMS = Params()


def extra_of(run: Run) -> tuple[Metadata, Params]:
    """Metadata and invocation parameters of an llm run, whatever else stands in `extra`."""
    try:
        extra = _EXTRA.decode(run.extra)
    except REFUSED:
        loose = lenient(run.extra, _LOOSE, _LooseExtra())
        about = lenient(loose.metadata, _METADATA, _NO_METADATA)
        return about, lenient(loose.invocation_params, PARAMS, NO_PARAMS)
    return extra.metadata or _NO_METADATA, extra.invocation_params or NO_PARAMS


def tool_extra_of(run: Run) -> tuple[ToolMetadata, Any]:
    """Metadata and tool call id of a tool run, whatever else stands in `extra`."""
    try:
        extra = _TOOL_EXTRA.decode(run.extra)
    except REFUSED:
        loose = lenient(run.extra, _LOOSE, _LooseExtra())
        return lenient(loose.metadata, _TOOL_METADATA, _NO_TOOL_METADATA), loose.tool_call_id
    return extra.metadata or _NO_TOOL_METADATA, extra.tool_call_id
