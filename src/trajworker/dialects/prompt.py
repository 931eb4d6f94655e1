"""What a model was asked: the inputs of an llm run, split so that a repeated history need not be decoded again."""

from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Raw, Struct

from trajworker.decoding import REFUSED
from trajworker.dialects import otel, respelled
from trajworker.dialects.draft import Draft
from trajworker.dialects.fields import payload_messages, unknown_messages
from trajworker.dialects.outcome import model_of
from trajworker.dialects.placeholders import text_of
from trajworker.dialects.reader import read_all
from trajworker.dialects.speech import UNREADABLE, raw
from trajworker.dialects.systems import system_drafts, without_left_out
from trajworker.dialects.typed import read_items
from trajworker.model.message import SYSTEM
from trajworker.model.run import NULL

_ABSENT = bytes(NULL)
_DEFINITIONS = (b"[", b"{")
"""How definitions of tools begin; anything else tells that none were given."""
_MODELS = ("Model", "modelName", "modelId")


class _Inputs(Struct, gc=False):
    """Fields of an llm run's inputs that hold messages, each undecoded."""

    messages: Raw = NULL
    input: Raw = NULL
    prompts: Raw = NULL
    prompt: Raw = NULL
    contents: Raw = NULL
    instructions: Any = None
    previous_response_id: Any = None
    system: Any = None
    model: Any = None
    model_name: Any = None
    modelId: Any = None  # noqa: N815 - the producer's spelling
    modelName: Any = None  # noqa: N815 - the producer's spelling
    tools: Raw = NULL
    functions: Raw = NULL
    system_prompt: Any = None
    systemPrompt: Any = None  # noqa: N815 - the producer's spelling
    systemPrompts: Any = None  # noqa: N815 - the producer's spelling
    systemInstruction: Any = None  # noqa: N815 - the producer's spelling
    system_instruction: Any = None
    system_message: Any = None
    system_instructions: Any = None
    preamble: Any = None
    config: Raw = NULL
    model_parameters: Raw = NULL
    mode: Raw = NULL
    args: Raw = NULL
    toolConfig: Raw = NULL  # noqa: N815 - the producer's spelling


class _Settings(Struct, gc=False):
    """What stands in an object beside the messages: Gemini's `config`, LiteLLM's `model_parameters`, ..."""

    tools: Raw = NULL
    instructions: Any = None
    system_instruction: Any = None
    systemInstruction: Any = None  # noqa: N815 - the producer's spelling


class Prompt(Struct, gc=False):
    """The messages a model was asked with.

    Args:
        system: system prompts that stand outside the array.
        array: the JSON array of messages, undecoded, None where the messages were read at once.
        drafts: messages read at once.
        model: the model that was asked, if the inputs say.
        tools: tool definitions, undecoded.
        previous: id of the answer that the server is to go on from, where it keeps the history (Responses API).
    """

    system: list[Draft] = []
    array: bytes | None = None
    drafts: list[Draft] = []
    model: str | None = None
    tools: bytes = _ABSENT
    previous: str | None = None

    @property
    def opens_with_system(self) -> bool:
        """Whether the array tells a system prompt itself."""
        first = _LISTS.decode(self.array)[:1] if self.array is not None else []
        told = (draft for one in first for draft in without_left_out(read_array(b"[" + bytes(one) + b"]")))
        return any(draft.role is SYSTEM for draft in told)

    def read(self) -> list[Draft]:
        """All messages, decoded."""
        told = read_array(self.array) if self.array is not None else self.drafts
        return [*self.system, *without_left_out(told)]


_DECODER = msgspec.json.Decoder(_Inputs)
_SETTINGS = msgspec.json.Decoder(_Settings)
_NO_SETTINGS = _Settings()
_systems_of = attrgetter(
    "instructions", "system", "system_prompt", "systemPrompt", "systemPrompts", "systemInstruction",
    "system_instruction", "system_message", "system_instructions", "preamble",
)  # fmt: skip
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_DEPTH = 3
_LISTS = msgspec.json.Decoder(list[Raw])


def read_array(array: bytes) -> list[Draft]:
    """Messages of a JSON array; one raw message where it breaks every dialect."""
    drafts = read_items(array)
    if drafts is not None:
        return drafts
    try:
        return read_all(msgspec.json.decode(array))
    except UNREADABLE:
        return [raw(array.decode("utf-8", "replace"))]


def _batch(array: bytes) -> bytes:
    """The first prompt of LangChain's list of prompts, or the array itself."""
    if array[:2] == b"[{" or array[:1] != b"[":
        return array
    head = array[1:64].lstrip()
    if head[:1] != b"[":
        return array
    items = _LISTS.decode(array)
    if len(items) and bytes(items[0]).lstrip()[1:].lstrip()[:1] in (b"{", b"[", b"]"):
        return bytes(items[0])
    return array


def read_prompt(inputs: Raw) -> Prompt:
    """Read the inputs of an llm run; what no dialect knows becomes one raw message, empty inputs none."""
    try:
        array = _sole_batch(inputs)
        return _read_prompt(inputs) if array is None else Prompt(array=array)
    except UNREADABLE:
        return Prompt(drafts=[raw(bytes(inputs).decode("utf-8", "replace"))])


def _object(value: Raw) -> Raw | None:
    """An object, be it written as JSON text; None where a value is none."""
    if bytes(memoryview(value)[:2]) == b'"{':
        value = Raw(msgspec.json.decode(value, type=str).encode())
    if bytes(memoryview(value)[:1]) != b"{":
        return None
    try:
        _FIELDS.decode(value)
    except REFUSED:
        return None
    return value


def _held(inputs: Raw) -> Raw | None:
    """The object among the inputs that holds the messages, where the inputs themselves hold none: a request's body."""
    for _ in range(_DEPTH):
        named = {name: value for name, value in _FIELDS.decode(inputs).items() if "." not in name}  # else a span's
        objects = [held for value in named.values() if (held := _object(value)) is not None]
        for value in objects:
            fields = _DECODER.decode(value)
            if any(bytes(one)[:2] in (b"[{", b"[[") for one in (fields.messages, fields.contents, fields.input)):
                return value
        if len(objects) != 1:
            return None
        inputs = objects[0]
    return None


def _request(args: Raw) -> Raw | None:
    """The request in arguments that were given by position (JS): the body, then options; or messages, then a body."""
    start = bytes(memoryview(args)[:3])
    if start[:2] != b"[{" and start != b"[[{":
        return None
    first, *others = _LISTS.decode(args)
    if start == b"[[{":
        body = next((one for one in others if bytes(memoryview(one)[:1]) == b"{"), None)
        return None if body is None else Raw(msgspec.json.encode(_FIELDS.decode(body) | {"messages": first}))
    fields = _DECODER.decode(first)
    return first if any(one is not NULL for one in (fields.messages, fields.contents, fields.input)) else None


def _respelled(inputs: Raw) -> Raw | None:
    """Inputs whose fields are spelt as structs spell them (Go, .NET), spelt as everybody else does."""
    names = _FIELDS.decode(inputs) if bytes(memoryview(inputs)[:1]) == b"{" else {}
    if not any(name[:1].isupper() for name in names):
        return None
    plain = Raw(msgspec.json.encode(respelled.fields(msgspec.json.decode(inputs))))
    fields = _DECODER.decode(plain)
    held = fields.messages, fields.input, fields.contents
    return plain if any(bytes(one)[:2] == b"[{" for one in held) else None


_SOLE = b'{"messages":'
_SOLE_BATCH = _SOLE + b"[[{"
"""How inputs begin that may hold nothing but LangChain's list of prompts."""


def _sole_batch(inputs: Raw) -> bytes | None:
    """The one prompt of inputs that hold nothing else, found in one look; None where they may hold more."""
    whole = bytes(inputs)
    if not (whole.startswith(_SOLE_BATCH) and whole.endswith(b"}]]}")):
        return None
    try:
        prompts = _LISTS.decode(memoryview(whole)[len(_SOLE) : -1])
    except REFUSED:
        return None
    return bytes(prompts[0]) if len(prompts) == 1 else None


def _read_prompt(inputs: Raw) -> Prompt:
    try:
        fields = _DECODER.decode(inputs)
    except REFUSED:
        return Prompt(drafts=unknown_messages(inputs))
    named = fields.model or fields.model_name or fields.modelId or fields.modelName
    prompt = Prompt(model=text_of(named), tools=bytes(fields.tools), previous=text_of(fields.previous_response_id))
    config = _settings(fields.config) if fields.config is not NULL else _NO_SETTINGS
    parameters = _settings(fields.model_parameters) if fields.model_parameters is not NULL else _NO_SETTINGS
    if prompt.tools[:1] not in _DEFINITIONS:
        prompt.tools = _offered(fields, config.tools, parameters.tools)
    for value in (fields.messages, fields.input, fields.contents, fields.prompt):
        array = bytes(value)
        if array[:1] == b"[":
            prompt.array = _batch(array)
            break
    if prompt.array is None:
        held = _request(fields.args) or _held(inputs) or _respelled(inputs)
        if held is not None:
            inner = _read_prompt(held)
            inner.model = inner.model or prompt.model
            inner.tools = prompt.tools if inner.tools == _ABSENT else inner.tools
            return inner
        _read_fields(inputs, fields, prompt)
    settings = config.system_instruction, config.systemInstruction, parameters.instructions
    for beside in filter(None, _systems_of(fields) + settings):
        prompt.system += system_drafts(beside)
    return prompt


def _read_fields(inputs: Raw, fields: _Inputs, prompt: Prompt) -> None:
    """Messages of inputs that hold no array of them."""
    payload = msgspec.json.decode(inputs)
    if isinstance(payload, dict) and prompt.model is None:
        prompt.model = _asked_model(payload)
    if _are_messages(fields.instructions):  # Spring AI
        prompt.drafts, fields.instructions = read_all(fields.instructions), None
        return
    prompt.drafts = payload_messages(payload)


def _are_messages(value: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether a list holds messages and no blocks of one."""
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return False
    return "role" in respelled.fields(value[0])


def _asked_model(payload: dict[str, Any]) -> str | None:
    other = {name: payload[name] for name in _MODELS if name in payload}
    return model_of(respelled.fields(other)) or otel.asked_model(payload)


def _settings(given: Raw) -> _Settings:
    if given is NULL or bytes(memoryview(given)[:1]) != b"{":
        return _NO_SETTINGS
    return _SETTINGS.decode(given)


def _offered(fields: _Inputs, *settings: Raw) -> bytes:
    """Tool definitions that stand elsewhere than under `tools`; some `settings` hold them."""
    elsewhere = (fields.functions, *settings, _settings(fields.mode).tools, _settings(fields.toolConfig).tools)
    return next((found for one in elsewhere if (found := bytes(one))[:1] in _DEFINITIONS), _ABSENT)
