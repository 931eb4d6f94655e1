"""The two forms nearly all messages are recorded in, decoded straight into structs: a fast way, never another result.

Role dictionaries (OpenAI, Anthropic, and everybody who copied them) and LangChain's messages (constructors and flat)
are recognised by their fields alone. An array with anything else in it, however small, is not read here at all: then
the dialects read it, field by field. tests/dialects compare both ways.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from trajworker.dialects.calls import tool_call
from trajworker.dialects.draft import Draft
from trajworker.dialects.speech import UNREADABLE, Said, say
from trajworker.dialects.vocabulary import ROLES
from trajworker.model.message import TOOL, Role, ToolCall
from trajworker.model.run import NULL

_ROLES = {word: ROLES[word] for word in ("system", "developer", "user", "assistant", "tool")}
_CLASSES = {word: ROLES[word.lower()] for word in ("SystemMessage", "HumanMessage", "AIMessage", "ToolMessage")}
_FLAT = {word: ROLES[word] for word in ("system", "human", "ai", "tool")}


class _Function(Struct, gc=False):
    name: str
    arguments: str


class _Call(Struct, forbid_unknown_fields=True, gc=False):
    """A call as OpenAI (`function`) or LangChain (`name`, `args`) writes it."""

    id: str | None = None
    type: str | None = None
    function: _Function | None = None
    name: str | None = None
    args: dict[str, Any] | None = None
    index: int | None = None

    def read(self) -> ToolCall | None:
        """The call, None where it is neither the one nor the other."""
        if self.function is not None:
            return tool_call(self.function.name, self.function.arguments, self.id)
        if self.name is None or self.args is None:
            return None
        return ToolCall(name=self.name, arguments=self.args, id=self.id or None)


class _Beside(Struct, frozen=True, gc=False):
    """What LangChain keeps in `additional_kwargs` and the dialect reads."""

    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    audio: Any = None
    annotations: Any = None
    images: Any = None
    tool_calls: Any = None
    function_call: Any = None
    lc_source: Any = None

    def silent(self, *, calls: bool) -> bool:
        """Whether it adds nothing to a message; calls are repeated here by older versions."""
        if self is _NOTHING:
            return True
        if not calls and (self.tool_calls is not None or self.function_call is not None):
            return False
        if self.audio is not None or self.annotations or self.images:
            return False
        return self.reasoning_content is self.reasoning is self.refusal is self.lc_source is None


_NOTHING = _Beside()


class Body(Struct, gc=False):
    """Fields that both forms share, and LangChain's own."""

    content: str | list[Any] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    id: str | list[str] | None = None
    status: str | None = None
    invalid_tool_calls: list[Any] | None = None
    additional_kwargs: _Beside = _NOTHING


class Item(Body, forbid_unknown_fields=True, gc=False):
    """One entry of an array of messages, in whichever form."""

    role: str | None = None
    type: Literal["constructor", "human", "ai", "system", "tool"] | None = None
    lc: int | None = None
    kwargs: Body | None = None
    refusal: None = None
    function_call: None = None
    audio: None = None
    annotations: Annotated[list[Any], Meta(max_length=0)] | None = None
    response_metadata: Raw = NULL
    usage_metadata: Raw = NULL
    example: bool = False
    artifact: Raw = NULL


_ITEM = msgspec.json.Decoder(Item)
_ITEMS = msgspec.json.Decoder(list[Item])


def read_items(array: bytes) -> list[Draft] | None:
    """The messages of an undecoded array, None where one of them takes more than this."""
    drafts: list[Draft] = []
    try:
        for item in _ITEMS.decode(array):
            found = drafts_of(item)
            if found is None:
                return None
            drafts += found
    except UNREADABLE:
        return None
    return drafts


def read_item(entry: Raw) -> list[Draft] | None:
    """The messages of one undecoded entry, None where it takes more than this."""
    try:
        return drafts_of(_ITEM.decode(entry))
    except UNREADABLE:
        return None


def drafts_of(item: Item) -> list[Draft] | None:
    """The messages of one entry, None where it takes more than this."""
    body = item.kwargs
    if item.role is not None:
        return read_chat(item) if item.type is None and item.lc is None and body is None else None
    if body is not None:
        path = item.id
        if item.lc is None or item.type != "constructor" or not isinstance(path, list) or not path:
            return None
        role = _CLASSES.get(path[-1])
        return None if role is None else read_langchain(role, body)
    role = _FLAT.get(item.type or "") if item.lc is None and item.content is not None else None
    return None if role is None else read_langchain(role, item)


def _calls(given: list[_Call]) -> tuple[ToolCall, ...] | None:
    """The calls of a message, None where one of them takes more than this."""
    calls: list[ToolCall] = []
    for one in given:
        call = one.read()
        if call is None:
            return None
        calls.append(call)
    return tuple(calls)


def read_chat(item: Item) -> list[Draft] | None:
    """The messages of a role dictionary, None where it takes more than this."""
    role, calls, given_id = _ROLES.get(item.role or ""), _calls(item.tool_calls) if item.tool_calls else (), item.id
    if role is None or calls is None or isinstance(given_id, list):
        return None
    content, name = item.content, item.name or None
    if role is not TOOL and (content is None or isinstance(content, str)):
        return [Draft(role=role, content=content, tool_calls=calls or None, id=given_id, name=name)]
    failed = item.status == "error"
    return say(
        role, content, Said(calls=calls, id=given_id, name=name, tool_call_id=item.tool_call_id or None, failed=failed)
    )


def read_langchain(role: Role, body: Body) -> list[Draft] | None:
    """The messages of LangChain's message, None where it takes more than this."""
    calls, path = _calls(body.tool_calls) if body.tool_calls else (), body.id
    if calls is None or body.invalid_tool_calls or not body.additional_kwargs.silent(calls=bool(calls)):
        return None
    content = "" if body.content is None else body.content
    given_id = path if isinstance(path, str) else None
    if role is not TOOL and isinstance(content, str):
        return [Draft(role=role, content=content, tool_calls=calls or None, id=given_id, name=body.name)]
    failed = body.status == "error"
    return say(
        role, content, Said(calls=calls, id=given_id, name=body.name, tool_call_id=body.tool_call_id, failed=failed)
    )
