"""Answer bytes to a page of runs: one typed decode, and a ladder for what that refuses.

The ladder (dependencies.md section 4): the whole page at once; else run by run; else the run mended; else the run field
by field; else it is `Unreadable`. One bad run never costs a page.
"""

import codecs
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from trajworker.decoding import REFUSED
from trajworker.errors import MalformedRun
from trajworker.model.run import CLAMPED_TIME, Run
from trajworker.ports import Unreadable
from trajworker.sources.wires.instants import mended as mended_time
from trajworker.sources.wires.mending import BOM, mend
from trajworker.sources.wires.plausible import NO_ID
from trajworker.sources.wires.row import Reader, Row
from trajworker.sources.wires.splitting import Torn, split
from trajworker.sources.wires.wire import Rows, Wire

_BELONGS = re.compile(rb'"(trace_id|session_id|project_id)"\s*:\s*"([0-9a-fA-F-]{36})"')
LONGEST_DETAIL = 300
"""Characters of a server's own words that an error repeats."""
PIECE_BYTES = 64 * 1024
"""Of an answer that are looked at together for whether they are text."""


class NotAPage(ValueError):
    """Whole JSON, but no page of runs: an error text, a portal, another API."""


class Answer(Struct, frozen=True, kw_only=True):
    """A page of runs as one of the wires told it."""

    runs: tuple[Run, ...]
    unreadable: tuple[Unreadable, ...] = ()
    next_cursor: str | None = None

    @property
    def rows(self) -> int:
        """How many rows the server sent."""
        return len(self.runs) + len(self.unreadable)


def read(content: bytes, wire: Wire, reader: Reader) -> Answer:
    """The page in an answer.

    Raises:
        Torn: the answer is cut short; ask again.
        NotAPage: whole, but without runs in it.
    """
    try:
        _refuse_broken_text(content)
        rows = wire.rows(content)
        runs = tuple([reader.run(row) for row in rows.rows])
    except (*REFUSED, MalformedRun, OverflowError):
        return _one_by_one(content.removeprefix(BOM), wire, reader)
    return Answer(runs=runs, next_cursor=rows.next_cursor)


def _refuse_broken_text(content: bytes) -> None:
    """Raise UnicodeDecodeError where it is no UTF-8: msgspec passes over what it leaves undecoded.

    In pieces, since the text of a whole page would be new memory each time.
    """
    if content.isascii():
        return
    left = memoryview(content)
    while left:
        _, read = codecs.utf_8_decode(left[:PIECE_BYTES], "strict", len(left) <= PIECE_BYTES)
        left = left[read:]


def _one_by_one(content: bytes, wire: Wire, reader: Reader) -> Answer:
    if content.lstrip()[:1] not in (b"{", b""):
        raise NotAPage("the answer is no JSON object")
    try:
        pieces = split(content, wire.rows_key)
        envelope: Rows = wire.rows(mend(pieces.rest).content)
    except REFUSED as error:
        raise NotAPage(_reason_in(content)) from error
    except Torn:
        if _is_whole(content):
            raise NotAPage(_reason_in(content)) from None
        raise
    runs: list[Run] = []
    unreadable: list[Unreadable] = []
    for raw in pieces.runs:
        read_one = read_run(raw, wire, reader)
        if isinstance(read_one, Run):
            runs.append(read_one)
        else:
            unreadable.append(read_one)
    return Answer(
        runs=tuple(runs),
        unreadable=tuple(unreadable),
        next_cursor=envelope.next_cursor,
    )


def read_run(raw: bytes, wire: Wire, reader: Reader) -> Run | Unreadable:
    """One run of a page, by whichever rung of the ladder holds."""
    try:
        raw.decode()
        return reader.run(wire.row(raw))
    except (*REFUSED, MalformedRun, OverflowError):
        pass
    fields: dict[str, Any] = {}
    try:
        plain = mend(raw)
        flags = plain.flags
        fields = msgspec.json.decode(plain.content, type=dict[str, Raw])
        return reader.run(_field_by_field(fields, wire.row_type, flags), tuple(flags))
    except (*REFUSED, MalformedRun, OverflowError) as error:
        reason = str(error) if isinstance(error, MalformedRun) else f"not decodable: {type(error).__name__}"
        belongs = _belongs_to(fields, raw)
        return Unreadable(
            project_id=reader.project_id or belongs.get("session_id") or belongs.get("project_id") or "",
            run_id=_text_in(fields, "id"),
            reason=reason,
            raw=raw,
            trace_id=belongs.get("trace_id"),
        )


def _field_by_field(fields: dict[str, Raw], row_type: type[Row], flags: list[str]) -> Row:
    """A row of the fields that are as they should be; the others are mended or left out, and flagged."""
    values: dict[str, Any] = {}
    for wanted in msgspec.structs.fields(row_type):
        raw = fields.get(wanted.encode_name)
        if raw is None:
            continue
        try:
            values[wanted.name] = Raw(bytes(raw)) if wanted.type is Raw else msgspec.json.decode(raw, type=wanted.type)
        except REFUSED:
            values |= _mended_field(wanted.name, bytes(raw), flags)
    if "id" not in values:
        raise MalformedRun(NO_ID)
    return row_type(**values)


def _mended_field(name: str, raw: bytes, flags: list[str]) -> dict[str, Any]:
    if name.endswith("_time"):
        moment = mended_time(raw.decode(errors="replace").strip('"'))
        flags.append(CLAMPED_TIME if moment else f"field:{name}")
        return {name: moment} if moment else {}
    flags.append(f"field:{name}")
    if name in {"error", "name"}:
        return {name: raw.decode(errors="replace")}
    return {}


def _text_in(fields: dict[str, Raw], name: str) -> str | None:
    try:
        return msgspec.json.decode(fields[name], type=str)
    except (KeyError, *REFUSED):
        return None


def _belongs_to(fields: dict[str, Raw], raw: bytes) -> dict[str, str]:
    """The trace and the project that a run names, or seems to where it is no JSON at all."""
    if not fields:
        return {name.decode(): told.decode() for name, told in reversed(_BELONGS.findall(raw))}
    told = {name: _text_in(fields, name) for name in ("trace_id", "session_id", "project_id")}
    return {name: text for name, text in told.items() if text is not None}


def _is_whole(content: bytes) -> bool:
    try:
        msgspec.json.decode(content, type=Raw)
    except REFUSED:
        return False
    return True


def _reason_in(content: bytes) -> str:
    """What a server said instead of runs: its `detail` only, capped."""
    return detail_in(content) or "the answer holds no runs"


def detail_in(content: bytes) -> str:
    """The explanation in an error body (langsmith-api.md section 5.2), empty where there is none."""
    try:
        body = msgspec.json.decode(content)
    except REFUSED:
        return ""
    if not isinstance(body, dict):
        return ""
    for key in ("detail", "error", "message", "title"):
        text = _words(body.get(key))
        if text:
            return " ".join(text.split())[:LONGEST_DETAIL]
    return ""


def _words(detail: object) -> str:
    if isinstance(detail, str):
        return detail
    if isinstance(detail, Sequence):
        return "; ".join(_words(one) for one in detail)
    if isinstance(detail, dict) and isinstance(detail.get("msg"), str):
        where = ".".join(str(part) for part in detail.get("loc") or ())
        return f"{where}: {detail['msg']}"
    return ""
