"""Tool definitions as they were offered to the model, in any vendor's words."""

from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from trajworker.decoding import REFUSED
from trajworker.dialects.draft import DIGEST_SIZE
from trajworker.model.message import ToolDefinition
from trajworker.trajectory.codec import encode_chunk

_CACHED = 256
_NONE = b"null"


@lru_cache(maxsize=_CACHED)
def definitions(tools: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Digest and encoded definition of each tool of an undecoded list; producers repeat it with every call."""
    if tools == _NONE or not tools:
        return ()
    try:
        found = msgspec.json.decode(tools)
    except REFUSED:
        return ()
    entries: list[Any] = found if isinstance(found, list) else []
    if isinstance(found, dict):
        entries = [{"name": name, **value} if isinstance(value, dict) else value for name, value in found.items()]
    chunks = [encode_chunk(one) for entry in entries for one in _read(entry)]
    return tuple((sha256(chunk).digest()[:DIGEST_SIZE], chunk) for chunk in chunks)


def _read(entry: Any) -> list[ToolDefinition]:  # noqa: ANN401 - recorded JSON
    if not isinstance(entry, dict):
        return []
    declared = entry.get("functionDeclarations") or entry.get("function_declarations")
    if isinstance(declared, list):
        return [one for inner in declared for one in _read(inner)]
    kind = entry.get("type")
    inner = entry.get("function") or entry.get("toolSpec") or (entry.get(kind) if isinstance(kind, str) else None)
    body = inner if isinstance(inner, dict) else entry
    name = body.get("name")
    if not isinstance(name, str):
        return [ToolDefinition(name=kind)] if isinstance(kind, str) and kind != "function" else []
    schema = next(
        (body[key] for key in ("parameters", "input_schema", "inputSchema", "parametersJsonSchema", "args_schema")
         if isinstance(body.get(key), dict)), None,
    )  # fmt: skip
    if schema is not None and isinstance(schema.get("json"), dict):
        schema = schema["json"]
    if schema is not None and isinstance(schema.get("jsonSchema"), dict):
        schema = schema["jsonSchema"]
    described = body.get("description")
    return [ToolDefinition(name=name, description=described if isinstance(described, str) else None, parameters=schema)]
