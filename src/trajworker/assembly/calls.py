"""Reads the runs of a trace: llm calls, tool runs and retrievals, with what their metadata says about them."""

import ast
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from trajworker.dialects import Answer, Draft, Prompt, answer_of, digest, read_answer, read_one, read_prompt
from trajworker.dialects.answer import status_finish
from trajworker.dialects.blocks import arguments
from trajworker.dialects.draft import as_text
from trajworker.dialects.speech import UNREADABLE
from trajworker.dialects.vocabulary import usage as read_usage
from trajworker.model.message import Role
from trajworker.model.run import Run, RunStatus, ancestors

NEEDED_RUN_TYPES = ("llm", "tool", "retriever")
"""Run types that folding reads beside the roots: the other chain runs only repeat what these hold."""


class Metadata(Struct):
    """What folding reads of `extra.metadata`; types are as loose as the producers."""

    ls_model_name: Any = None
    ls_provider: Any = None
    ls_agent_type: Any = None
    ls_subagent_id: Any = None
    ls_subagent_type: Any = None
    ls_message_view_exclude: Any = None
    ls_is_error_interrupt: Any = None
    lc_source: Any = None
    lc_agent_name: Any = None
    langgraph_node: Any = None
    langgraph_step: Any = None
    langgraph_checkpoint_ns: Any = None
    usage_metadata: Any = None
    tool_call_id: Any = None
    otel_tool_call_id: Any = field(default=None, name="gen_ai.tool.call.id")
    otel_tool_name: Any = field(default=None, name="gen_ai.tool.name")
    otel_model: Any = field(default=None, name="gen_ai.request.model")
    status: Any = None
    incomplete_details: Any = None
    ls_invocation_params: Raw = Raw(b"null")


class _Params(Struct):
    model: Any = None
    model_name: Any = None
    model_id: Any = None
    tools: Raw = Raw(b"null")
    functions: Raw = Raw(b"null")


class _Extra(Struct):
    metadata: Metadata | None = None
    invocation_params: _Params | None = None
    tool_call_id: Any = None


class _LooseExtra(Struct):
    metadata: Raw = Raw(b"null")
    invocation_params: Raw = Raw(b"null")
    tool_call_id: Any = None


_EXTRA = msgspec.json.Decoder(_Extra)
_LOOSE = msgspec.json.Decoder(_LooseExtra)
_NO_METADATA = Metadata()
_NO_PARAMS = _Params()


_Kind = TypeVar("_Kind")


_METADATA = msgspec.json.Decoder(Metadata)
_PARAMS = msgspec.json.Decoder(_Params)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ITEMS = msgspec.json.Decoder(list[Raw])


def _lenient(raw: Raw, decoder: msgspec.json.Decoder[_Kind], default: _Kind, opens: bytes = b"{") -> _Kind:
    """A value as a type, or a default where it is something else."""
    if not bytes(memoryview(raw)[:1]) == opens:
        return default
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return default


def _extra(run: Run) -> tuple[Metadata, _Params, Any]:
    """Metadata, invocation parameters and tool call id of a run, whatever else stands in `extra`."""
    try:
        extra = _EXTRA.decode(run.extra)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        loose = _lenient(run.extra, _LOOSE, _LooseExtra())
        return (
            _lenient(loose.metadata, _METADATA, _NO_METADATA),
            _lenient(loose.invocation_params, _PARAMS, _NO_PARAMS),
            loose.tool_call_id,
        )
    return extra.metadata or _NO_METADATA, extra.invocation_params or _NO_PARAMS, extra.tool_call_id


class Call(Struct, eq=False):
    """One llm run as read. `key` is the digest of its answer; `drafts` caches the decoded prompt."""

    run: Run
    about: Metadata
    path: tuple[str, ...]
    prompt: Prompt
    answer: Answer
    model: str | None
    usage: dict[str, Any] | None
    tools: bytes
    failed: bool
    key: bytes = b""
    drafts: list[Draft] | None = None
    keys: list[bytes] | None = None
    rest: tuple[int, list[Draft]] | None = None
    """What stands behind a known beginning of so many bytes, decoded."""

    def read(self) -> list[Draft]:
        """The whole prompt, decoded once."""
        if self.drafts is None:
            self.drafts = self.prompt.read()
        return self.drafts

    def digests(self) -> list[bytes]:
        """Digests of the whole prompt."""
        if self.keys is None:
            self.keys = [digest(draft) for draft in self.read()]
        return self.keys

    @property
    def ids(self) -> set[str]:
        """Ids of the calls in the answer."""
        draft = self.answer.draft
        return {call.id for call in draft.tool_calls or () if call.id} if draft is not None else set()


def _interrupt(run: Run) -> bool:
    return run.error is not None and ("GraphInterrupt(" in run.error[:200] or "NodeInterrupt(" in run.error[:200])


def _text(value: Any) -> str | None:  # noqa: ANN401 - recorded JSON
    return value if isinstance(value, str) and value else None


def read_call(run: Run) -> Call:
    """Read an llm run. On an error the outputs are no answer, even if they are not empty (payload-shapes.md 3.4)."""
    about, params, _ = _extra(run)
    prompt = read_prompt(run.inputs)
    failed = run.status is RunStatus.ERROR or (run.error is not None and not _interrupt(run))
    answer = Answer() if failed else read_answer(run.outputs)
    inner = _lenient(about.ls_invocation_params, _PARAMS, _NO_PARAMS)
    model = prompt.model or _text(about.ls_model_name) or _text(params.model) or _text(params.model_name)
    model = model or _text(params.model_id) or _text(inner.model) or _text(about.otel_model) or answer.model
    usage = answer.usage or read_usage(about.usage_metadata)
    if usage is None and run.total_tokens:
        usage = {
            "input_tokens": run.prompt_tokens or 0,
            "output_tokens": run.completion_tokens or 0,
            "total_tokens": run.total_tokens,
        }
        if run.prompt_token_details:
            usage["input_token_details"] = dict(run.prompt_token_details)
        if run.completion_token_details:
            usage["output_token_details"] = dict(run.completion_token_details)
    tools = prompt.tools
    for other in (params.tools, params.functions, inner.tools, inner.functions):
        if tools == b"null":
            tools = bytes(other)
    call = Call(
        run=run, about=about, path=ancestors(run.dotted_order), prompt=prompt, answer=answer, model=model,
        usage=usage, tools=tools, failed=failed,
    )  # fmt: skip
    draft = answer.draft
    if draft is not None:
        if answer.finish is None and about.status is not None:
            answer.finish = status_finish(about.status, about.incomplete_details, calls=bool(draft.tool_calls))
        draft.finish_reason = draft.finish_reason or answer.finish
        draft.usage = usage
        draft.model = model
        draft.response_model = answer.model
        draft.run_id = run.id
        call.key = digest(draft)
    return call


class ToolRun(Struct, eq=False):
    """One tool run as read; `message` is the tool message it returned, where it returned one."""

    run: Run
    path: tuple[str, ...]
    name: str
    call_id: str | None
    arguments: dict[str, Any]
    message: Draft | None
    value: Any
    error: str | None
    failed: bool
    linked: bool = False


def read_tool_run(run: Run) -> ToolRun:
    """Read a tool run: what it was called with, what it gave back, whether it failed; an interrupt is no failure."""
    about, _, extra_id = _extra(run)
    inputs = _decoded(run.inputs)
    outputs = _decoded(run.outputs)
    given = _arguments(inputs)
    value, message = _output(outputs)
    found = [extra_id, about.tool_call_id, about.otel_tool_call_id]
    if message is not None and message.tool_response is not None:
        found.append(message.tool_response.id)
    if isinstance(inputs, dict):
        found += [inputs.get("tool_call_id"), inputs.get("toolCallId"), inputs.get("tool_use_id")]
        if inputs.get("type") == "tool_call":
            found.append(inputs.get("id"))
    call_id = next((str(one) for one in found if isinstance(one, (str, int)) and one), None)
    failed = (run.status is RunStatus.ERROR or run.error is not None) and not _interrupt(run)
    return ToolRun(
        run=run, path=ancestors(run.dotted_order), name=_text(about.otel_tool_name) or run.name, call_id=call_id, arguments=given, message=message, value=value,
        error=error_text(run.error) if failed else None, failed=failed,
    )  # fmt: skip


def _decoded(raw: Raw) -> Any:  # noqa: ANN401 - recorded JSON
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _arguments(inputs: Any) -> dict[str, Any]:  # noqa: ANN401 - recorded JSON
    """Named arguments of a tool run: the inputs themselves, JSON text or a Python literal under `input`."""
    if not isinstance(inputs, dict):
        return arguments(inputs)[0]
    if inputs.get("type") == "tool_call" and isinstance(inputs.get("args"), dict):
        return dict(inputs["args"])
    if len(inputs) == 1:
        value = next(iter(inputs.values()))
        if isinstance(value, dict) and next(iter(inputs)) in ("input", "args", "arguments", "kwargs", "tool_input"):
            return value
        if isinstance(value, str) and value[:1] == "{":
            parsed, invalid = arguments(value)
            if invalid is None:
                return parsed
            try:
                literal = ast.literal_eval(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                return inputs
            return literal if isinstance(literal, dict) else inputs
    return inputs


def _output(outputs: Any) -> tuple[Any, Draft | None]:  # noqa: ANN401 - recorded JSON
    """A tool's return value, and the tool message it is or holds (a `Command` with an update)."""
    value = outputs or None
    if isinstance(outputs, dict):
        for name in ("output", "outputs", "result", "response"):
            if name in outputs and len(outputs) == 1:
                value = outputs[name]
                break
    if isinstance(value, dict):
        update = value.get("update")
        if isinstance(update, dict) and isinstance(update.get("messages"), list):
            for item in reversed(update["messages"]):
                for draft in read_one(item):
                    if draft.role is Role.TOOL:
                        return draft.content, draft
        if "tool_call_id" in value or "lc" in value or value.get("type") == "tool":
            for draft in read_one(value):
                if draft.role is Role.TOOL:
                    return draft.content, draft
        content = value.get("content")
        if isinstance(content, list) and set(value) <= {"content", "isError", "is_error", "structuredContent", "_meta"}:
            for draft in read_one({"role": "tool", **value}):
                return draft.content, draft
    return value, None


def error_text(error: str | None) -> str | None:
    """An error without its traceback, as Python's last line tells it: `ValueError('x')` becomes `ValueError: x`."""
    if not error:
        return None
    head = error.split("Traceback (most recent call last)", 1)[0].strip()
    if not head:
        lines = [line for line in error.strip().split("\n") if line.strip()]
        return lines[-1].strip() if lines else None
    head = head.split("\n    at ", 1)[0].strip()
    lines = head.split("\n")
    if len(lines) > 2 and not lines[1].strip() and lines[2].endswith(lines[0]):  # noqa: PLR2004 - message, blank, name
        head = lines[2].strip()
    name, _, rest = head.partition("(")
    if rest.endswith(")") and name.replace(".", "").replace("_", "").isalnum():
        try:
            inner = ast.literal_eval(rest[:-1])
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return head
        if isinstance(inner, str):
            return f"{name}: {inner}"
    return head


class Search(Struct, eq=False):
    """One retriever run: what was asked and what it found."""

    run: Run
    query: str | None
    documents: tuple[Any, ...]

    @property
    def texts(self) -> list[str]:
        """Texts of the documents, to recognise them where an app pasted them into a prompt."""
        found = []
        for document in self.documents:
            text = document
            if isinstance(document, dict):
                text = document.get("page_content") or document.get("pageContent") or document.get("text")
                text = text or document.get("content") or document.get("document.content")
            if isinstance(text, str) and text.strip():
                found.append(text.strip())
        return found


def read_search(run: Run) -> Search:
    """Read a retriever run: LangChain's `documents`, `@traceable`'s `output`, and other names for the same."""
    inputs, outputs = _decoded(run.inputs), _decoded(run.outputs)
    query: Any = None
    if isinstance(inputs, dict):
        for name in ("query", "input", "question", "query_str", "q", "text", "input.value"):
            if inputs.get(name) is not None:
                query = inputs[name]
                break
        else:
            query = next((value for value in inputs.values() if isinstance(value, str)), None)
    elif isinstance(inputs, str):
        query = inputs
    documents: Any = outputs
    if isinstance(outputs, dict):
        for name in ("documents", "output", "outputs", "results", "nodes", "source_nodes", "matches", "docs"):
            if isinstance(outputs.get(name), (list, dict)):
                documents = outputs[name]
                break
    if isinstance(documents, dict) and isinstance(documents.get("documents"), list):
        documents = documents["documents"]
    if not isinstance(documents, list):
        documents = [documents] if documents else []
    return Search(run=run, query=as_text(query), documents=tuple(documents))


class Root(Struct, eq=False):
    """What the root of a trace was given and gave back.

    Args:
        words: user messages or plain texts it was given, in order.
        texts: what it was given under other names, by name.
        system: system prompts it was given beside the messages.
        resumes: whether it goes on with an interrupted graph and says nothing new.
        trailing: messages it gave back, newest first, undecoded.
    """

    words: list[Draft] = []
    texts: dict[str, str] = {}
    system: list[Draft] = []
    resumes: bool = False
    trailing: list[Raw] = []
    outputs: Raw = Raw(b"null")

    def turn_ids(self) -> set[str]:
        """Ids of the assistant messages of this turn that a graph gave back."""
        found: set[str] = set()
        for item in reversed(self.trailing[-MAX_TRAILING:]):
            for draft in _drafts(item):
                if draft.role is Role.USER:
                    return found
                if draft.role is Role.ASSISTANT and draft.id:
                    found.add(draft.id)
        return found

    def finals(self) -> set[str]:
        """Texts it gave back."""
        found: set[str] = set()
        if self.trailing:
            for draft in _drafts(self.trailing[-1]):
                _collect(draft.content, found, 0)
        elif len(bytes(self.outputs)) < MAX_PLAIN_BYTES:
            outputs = _decoded(self.outputs)
            _collect(outputs, found, 3)
            answer = answer_of(outputs).draft
            if answer is not None:
                _collect(answer.content, found, 0)
        return found


def _drafts(item: Raw) -> list[Draft]:
    """The messages of one undecoded entry; none where it breaks every dialect."""
    try:
        return read_one(msgspec.json.decode(item))
    except UNREADABLE:
        return []


def _messages_field(raw: Raw) -> list[Raw]:
    """The undecoded messages of `{"messages": [..]}`, empty where there are none."""
    fields = _lenient(raw, _FIELDS, {})
    for name in ("messages", "input", "output", "chat_history"):
        value = fields.get(name)
        if value is None:
            continue
        data = bytes(value)
        if data[:1] == b"{" and name in ("input", "output"):
            inner = _messages_field(value)
            if inner:
                return inner
        if data[:1] == b"[":
            items = _lenient(value, _ITEMS, [], b"[")
            if items and bytes(items[0])[:1] in (b"{", b"["):
                return items
    return []


_SPEECHLESS = frozenset({"embedding", "prompt", "parser"})
"""Run types whose input is nobody's word."""


def read_root(run: Run) -> Root:
    """Read a root that is no llm run itself."""
    root = Root()
    if run.run_type in _SPEECHLESS:
        return root
    given = _messages_field(run.inputs)
    for item in reversed(given):
        drafts = _drafts(item)
        if not drafts or any(draft.role in (Role.ASSISTANT, Role.TOOL) for draft in drafts):
            break
        root.words = [draft for draft in drafts if draft.role is Role.USER] + root.words
    if len(bytes(run.inputs)) < MAX_PLAIN_BYTES:
        _plain_inputs(root, _decoded(run.inputs))
    root.trailing = _messages_field(run.outputs)
    root.outputs = run.outputs
    return root


MAX_TRAILING = 200
"""Messages of a root's outputs that are looked through, newest first, for what no call told."""
MAX_PLAIN_BYTES = 262_144
"""A root's payload without messages is read for the user's words up to this size only."""
_COMMAND = frozenset({"update", "goto", "graph", "lg_name"})
"""Keys beside `resume` in a graph's Command, Python and JS."""
_SYSTEMS = ("system", "system_prompt", "systemPrompt", "instructions", "system_message")
_SETTINGS = frozenset({"model", "model_name", "history", "chat_history", "thread_id", "session_id", "conversation_id",
                       "user_id", "language", "temperature"})  # fmt: skip


def _plain_inputs(root: Root, inputs: Any) -> None:  # noqa: ANN401 - recorded JSON
    if not isinstance(inputs, dict):
        if isinstance(inputs, str) and inputs:
            root.texts = {"input": inputs}
        return
    inner = inputs.get("input", inputs)
    if isinstance(inner, dict) and inner.get("resume") is not None and _COMMAND & inner.keys():
        root.resumes = True
        return
    if set(inputs) == {"input"} and inputs["input"] is None:
        root.resumes = True
        return
    flat = {**inputs, **inner} if isinstance(inner, dict) else inputs
    for name in _SYSTEMS:
        if isinstance(flat.get(name), str) and flat[name].strip() and not root.system:
            root.system = [Draft(role=Role.SYSTEM, content=flat[name])]
    for holder in ("kwargs", "inputs", "data", "payload"):
        if isinstance(flat.get(holder), dict):
            flat = {**flat, **flat[holder]}
    root.texts = {
        key: value for key, value in flat.items()
        if isinstance(value, str) and value.strip() and key not in _SYSTEMS and key not in _SETTINGS
    }  # fmt: skip


def _collect(value: Any, into: set[str], depth: int) -> None:  # noqa: ANN401 - recorded JSON
    if isinstance(value, str):
        if value.strip():
            into.add(value.strip())
    elif depth and isinstance(value, dict):
        for child in value.values():
            _collect(child, into, depth - 1)
    elif depth and isinstance(value, list):
        for child in value:
            _collect(child, into, depth - 1)


def innermost(runs: Iterable[Run]) -> list[Run]:
    """Llm runs that hold no other llm run: a function around a wrapped client is the same call told twice."""
    found = list(runs)
    if len(found) == 1:
        return found
    outer: set[str] = set()
    for run in found:
        outer.update(ancestors(run.dotted_order))
        if run.parent_run_id:
            outer.add(run.parent_run_id)
    return [run for run in found if run.id not in outer]
