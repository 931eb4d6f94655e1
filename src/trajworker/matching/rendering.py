"""A verdict as text that reads like a review: which call was inserted, which is missing, which argument changed.

One rendering for pytest, for `trajworker diff` (with colour) and, as a map, for JSON.
"""

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final
from unicodedata import is_normalized

import msgspec

from trajworker.matching.arrays import without_arrays
from trajworker.matching.calls import MISSING, Call
from trajworker.matching.matchers import MATCHERS
from trajworker.matching.pointers import PathPatterns
from trajworker.matching.values import Difference, NotPlain, key_of
from trajworker.matching.verdict import AlignedCall, Verdict
from trajworker.trajectory.plain import listed

CALL_WIDTH: Final = 100
"""Characters of a call that are shown."""

VALUE_WIDTH: Final = 200
"""Characters of a differing value that are shown."""

LEAD: Final = 40
"""Characters shown before the place where two long values part."""

CONTEXT: Final = 2
"""Calls as expected that are shown before and after one that is not."""

ROWS_SHOWN: Final = 80
"""Lines of calls that are shown; a longer story helps nobody."""

DIFFERENCES_SHOWN: Final = 8
"""Differences shown for one call."""

_SIGNS: Final = {"kept": " ", "inserted": "+", "deleted": "-", "changed": "~"}
_COLOURS: Final = {"+": "\x1b[32m", "-": "\x1b[31m", "~": "\x1b[33m", " ": "\x1b[2m"}
_RESET: Final = "\x1b[0m"
_ALLOWED: Final = {"superset": "inserted", "in_order": "inserted", "subset": "deleted"}


def render(verdict: Verdict, *, colour: bool = False) -> str:
    """The verdict as lines of text; `colour` adds ANSI codes for a terminal. Control characters in it are escaped."""
    lines = [_headline(verdict)]
    if verdict.reason:
        lines.append(f"  {verdict.reason}")
    shown = list(_rows(verdict))
    lines += shown[:ROWS_SHOWN]
    if len(shown) > ROWS_SHOWN:
        lines.append(f"    ... and {len(shown) - ROWS_SHOWN} more lines")
    return "\n".join(_coloured(line) if colour else line for line in lines)


def verdict_map(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain JSON values, with its figures."""
    figures = {"precision": verdict.precision, "recall": verdict.recall, "f1": verdict.f1}
    fields: dict[str, Any] = listed(msgspec.to_builtins(verdict, str_keys=True, enc_hook=repr))
    return fields | figures


def show_call(call: Call) -> str:
    """A call on one line, as one would write it in Python."""
    name = _printable(str(call.name))
    if isinstance(call.arguments, dict):
        inner = ", ".join(f"{_printable(str(key))}={show_value(value)}" for key, value in call.arguments.items())
    elif call.arguments is None:
        inner = "..."
    elif call.arguments is MISSING:
        inner = "<no arguments>"
    else:
        inner = show_value(call.arguments)
    return _short(f"{name}({inner})", CALL_WIDTH)


def show_value(value: object) -> str:
    """A value as JSON on one line; a matcher says what it accepts."""
    if isinstance(value, MATCHERS):
        return f"<{value}>"
    try:
        shown = json.dumps(value, ensure_ascii=False, default=lambda other: f"<{without_arrays(other)}>")
    except TypeError:  # keys that JSON has no word for
        shown = repr(value)
    return _printable(shown)


def told_apart(one: str, other: str, width: int) -> tuple[str, str]:
    """Two texts in that many characters each: their beginnings, else what stands around the place where they part."""
    pairs = enumerate(zip(one, other, strict=False))
    parting = next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))
    fits = max(len(one), len(other)) <= width or parting + LEAD <= width
    start = 0 if fits or one == other else parting - LEAD
    return _short(_from(one, start), width), _short(_from(other, start), width)


def _from(text: str, start: int) -> str:
    return f"…{text[start:]}" if start else text


def _headline(verdict: Verdict) -> str:
    counts = f"{_count(verdict.actual_count)}, {verdict.expected_count} expected"
    asked = [f"mode {verdict.mode}", f"args {verdict.args}", *([f"by {verdict.group}"] if verdict.group else [])]
    outcome = "Trajectories match" if verdict else "Trajectories differ"
    offences = list(_offences(verdict))
    why = f": {', '.join(offences)}" if offences and not verdict else ""
    return f"{outcome}{why} ({counts}; {', '.join(asked)})"


def _offences(verdict: Verdict) -> Iterator[str]:
    """What is wrong, counted; a call that is only at another place is neither inserted nor missing."""
    moved = len(_moved(verdict.alignment)) // 2
    for kind, word in (("inserted", "inserted"), ("deleted", "missing"), ("changed", "changed")):
        number = verdict.count(kind) - (moved if kind != "changed" else 0)
        if number and _ALLOWED.get(verdict.mode) != kind:
            yield f"{_count(number)} {word}"
    if moved:
        yield f"{_count(moved)} moved"


def _count(calls: int) -> str:
    return f"{calls} call" if calls == 1 else f"{calls} calls"


def _rows(verdict: Verdict) -> Iterator[str]:
    """The lines of the calls; long stretches of calls as expected are told by their number."""
    moved = _moved(verdict.alignment)
    near = _near_changes(verdict)
    skipped = 0
    for position, row in enumerate(verdict.alignment):
        if position not in near:
            skipped += 1
            continue
        if skipped:
            yield f"    ... {_count(skipped)} as expected"
            skipped = 0
        yield from _row(row, verdict, moved)
    if skipped:
        yield f"    ... {_count(skipped)} as expected"


def _near_changes(verdict: Verdict) -> set[int]:
    """Positions of rows worth showing: what is not as expected, with its neighbours."""
    rows = verdict.alignment
    near: set[int] = set()
    for position, row in enumerate(rows):
        if row.kind != "kept":
            near.update(range(position - CONTEXT, position + CONTEXT + 1))
    if not near:
        near.update(range(CONTEXT), range(len(rows) - CONTEXT, len(rows)))
    return near


def _row(row: AlignedCall, verdict: Verdict, moved: dict[tuple[str, int], int]) -> Iterator[str]:
    call = row.actual if row.actual is not None else row.expected
    if call is None:
        return
    allowed = _ALLOWED.get(verdict.mode) == row.kind
    sign = " " if allowed else _SIGNS[row.kind]
    yield f"  {sign} {call.index + 1:>3} {show_call(call)}{_remark(row, call, moved, allowed=allowed)}"
    for difference in row.differences[:DIFFERENCES_SHOWN]:
        yield f"  {sign}       {_explained(difference)}"
    if len(row.differences) > DIFFERENCES_SHOWN:
        yield f"  {sign}       ... and {len(row.differences) - DIFFERENCES_SHOWN} more differences"


def _remark(row: AlignedCall, call: Call, moved: dict[tuple[str, int], int], *, allowed: bool) -> str:
    other = moved.get((row.kind, call.index))
    if row.kind == "inserted":
        if allowed:
            return "  (not asked for)"
        return "  inserted" if other is None else f"  moved: expected as call {other + 1}"
    if row.kind == "deleted":
        if allowed:
            return "  (not made)"
        return "  missing" if other is None else f"  moved: made as call {other + 1}"
    return "  changed" if row.kind == "changed" else ""


def _moved(rows: Iterable[AlignedCall]) -> dict[tuple[str, int], int]:
    """(kind, position) of inserted and deleted calls that are the same call at another place -> that place."""
    waiting: dict[Any, deque[int]] = defaultdict(deque)
    rows = list(rows)
    for row in rows:
        if row.kind == "deleted" and row.expected is not None and (key := _identity(row.expected)) is not None:
            waiting[key].append(row.expected.index)
    moved: dict[tuple[str, int], int] = {}
    for row in rows:
        if row.kind == "inserted" and row.actual is not None and waiting.get(key := _identity(row.actual)):
            wanted = waiting[key].popleft()
            moved["inserted", row.actual.index] = wanted
            moved["deleted", wanted] = row.actual.index
    return moved


def _identity(call: Call) -> tuple[Any, Any] | None:
    try:
        return (call.name, key_of(call.arguments, PathPatterns()))
    except NotPlain:
        return None


def _explained(difference: Difference) -> str:
    place = _printable(difference.pointer) or "arguments"
    actual, expected = told_apart(show_value(difference.actual), show_value(difference.expected), VALUE_WIDTH)
    match difference.kind:
        case "absent":
            return f"{place}: expected {expected}, is absent"
        case "unexpected":
            return f"{place}: {actual} was not expected"
        case "refused":
            return f"{place}: the override refuses {actual} for {expected}"
        case _:
            return f"{place}: expected {expected}, got {actual}"


def _coloured(line: str) -> str:
    sign = line[2:3]
    return f"{_COLOURS[sign]}{line}{_RESET}" if line.startswith("  ") and sign in _COLOURS else line


def _printable(text: str) -> str:
    """Text without characters that move a cursor or turn the direction of reading, or look like others (e + accent)."""
    plain = is_normalized("NFC", text)
    return "".join(
        char if char.isprintable() and (plain or _is_itself(before, char)) else f"\\u{ord(char):04x}"
        for before, char in pairwise(f" {text}")
    )


def _is_itself(before: str, char: str) -> bool:
    """Whether no other character looks like this one, alone or together with the one before it."""
    alone = is_normalized("NFC", char)
    return alone and (not is_normalized("NFC", before) or is_normalized("NFC", before + char))


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
