"""Finding what the rules describe, under stdlib `re` or google-re2: both give the same spans.

RE2 is used where it can be imported (extra `trajworker[redact]`): one search over all patterns at once settles most
texts. Under `re` each rule is tried by itself, after its literals. Both are linear in the text for the built-in rules;
for patterns of others only RE2 promises that, so they run under nothing else.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, Literal, Protocol

from trajworker.errors import ConfigError, RedactionFailed
from trajworker.redaction.checks import stands_alone
from trajworker.redaction.faults import raised
from trajworker.redaction.rules import DEFAULT_RULES, Rule

re2: Any  # it has no type stubs
try:
    re2 = import_module("re2")
except ImportError:  # the extra is not installed
    re2 = None

Engine = Literal["auto", "re", "re2"]
Found = tuple[str, int, int]
"""Label, start, end; in characters."""

_LABEL = re.compile(r"[A-Z][A-Z0-9_]*")


class Scanner(Protocol):
    """Finds every stretch that some rule claims."""

    def find(self, text: str) -> list[Found]:
        """Return stretches that do not overlap, in order of place."""
        ...


def scanner(rules: Sequence[Rule] = DEFAULT_RULES, engine: Engine = "auto") -> Scanner:
    """Compile rules for an engine; `auto` is RE2 where it is installed.

    Raises:
        ConfigError: what is no rule, a rule that is not built in without RE2, a label or a pattern that is none.
    """
    rules = _known(rules)
    foreign = [rule.label for rule in rules if rule not in DEFAULT_RULES]
    wrong = [label for label in foreign if not _LABEL.fullmatch(label)]
    if wrong:
        raise ConfigError(f"redaction labels are upper-case words such as EMPLOYEE_ID, not {', '.join(wrong)}")
    if engine == "re" or (engine == "auto" and re2 is None and not foreign):
        if foreign:
            raise ConfigError(f"redaction rules of your own ({', '.join(foreign)}) run under RE2 only: engine='auto'")
        return _ReScanner(rules)
    if re2 is None:
        wanted = f"redaction rules of your own ({', '.join(foreign)})" if foreign else "engine='re2'"
        raise ConfigError(f"{wanted} need google-re2: pip install 'trajworker[redact]'")
    return _Re2Scanner(rules)


def _known(rules: object) -> tuple[Rule, ...]:
    """The rules, in whatever row they come; raises ConfigError for anything else."""
    given = tuple(rules) if isinstance(rules, Iterable) and not isinstance(rules, str) else (None,)
    known = tuple(rule for rule in given if isinstance(rule, Rule))
    if len(known) < len(given):
        raise ConfigError(
            "rules is a list of Rule objects: yours, trajworker.redaction.DEFAULT_RULES, or those of them that "
            "trajworker.redaction.choose_rules(['EMAIL']) chooses by label"
        )
    return known


class _ReScanner:
    """Each rule by itself, under the standard library."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [(rule, re.compile(rule.pattern, re.ASCII)) for rule in rules]

    def find(self, text: str) -> list[Found]:
        found: list[Found] = []
        for rule, pattern in self._rules:
            if not rule.literals or any(literal in text for literal in rule.literals):
                found += _values(rule, text, _Text(pattern, text, text))
        return without_overlaps(found)


class _Re2Scanner:
    """One search over all patterns; only a text in which it finds something is searched rule by rule.

    RE2 reads UTF-8: texts are encoded once and offsets are mapped back. Half surrogates have no UTF-8, so another
    character stands in for them while searching.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = 64 << 20
        try:
            self._rules = [
                (rule, re2.compile(rule.pattern, options), tuple(literal.encode() for literal in rule.literals))
                for rule in rules
            ]
            self._any = re2.compile("|".join(f"(?:{rule.pattern})" for rule in rules), options)
        except re2.error as error:
            raise ConfigError(f"a redaction pattern is not RE2 syntax: {error}") from None

    def find(self, text: str) -> list[Found]:
        try:
            data = text.encode()
        except UnicodeEncodeError:
            text = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
            data = text.encode()
        if self._any.search(data) is None:
            return []
        kind = _Text if len(data) == len(text) else _Utf8
        found: list[Found] = []
        for rule, pattern, literals in self._rules:
            if not literals or any(literal in data for literal in literals):
                found += _values(rule, text, kind(pattern, text, data))
        return without_overlaps(found)


class _Text:
    """Search in something whose offsets are those of the text: the text itself, or its bytes where all are ASCII."""

    def __init__(self, pattern: Any, text: str, data: str | bytes) -> None:  # noqa: ANN401  re2 has no types
        del text
        self._pattern = pattern
        self._data = data
        self._group = min(pattern.groups, 1)

    def search(self, position: int) -> tuple[int, int, int] | None:
        """Return start of the next match, start and end of its value; in characters."""
        match = self._pattern.search(self._data, position)
        return (match.start(), *match.span(self._group)) if match else None


class _Utf8:
    """Search in the UTF-8 of a text; positions only ever grow, so each byte is decoded once."""

    def __init__(self, pattern: Any, text: str, data: bytes) -> None:  # noqa: ANN401  re2 has no types
        self._pattern = pattern
        self._text = text
        self._data = data
        self._group = min(pattern.groups, 1)
        self._character = 0
        self._byte = 0

    def search(self, position: int) -> tuple[int, int, int] | None:
        """Return start of the next match, start and end of its value; in characters."""
        self._byte += len(self._text[self._character : position].encode())
        self._character = position
        match = self._pattern.search(self._data, self._byte)
        if match is None:
            return None
        begin = self._characters(self._byte, match.start()) + position
        first, last = match.span(self._group)
        start = begin + self._characters(match.start(), first)
        return begin, start, start + self._characters(first, last)

    def _characters(self, first: int, last: int) -> int:
        return len(self._data[first:last].decode())


def _values(rule: Rule, text: str, searched: _Text | _Utf8) -> Iterator[Found]:
    """Every value of one rule; a candidate that is none is looked into again from its second character."""
    position = 0
    while position <= len(text) and (hit := searched.search(position)) is not None:
        begin, start, end = hit
        value = _value(rule, text, start, end)
        position = max(value[1], begin + 1) if value else begin + 1
        if value:
            yield (rule.label, *value)


def _value(rule: Rule, text: str, start: int, end: int) -> tuple[int, int] | None:
    if start >= end or not (rule.loose or stands_alone(text, start, end)):
        return None
    if rule.check is None:
        return start, end
    try:
        return rule.check(text, start, end)
    except Exception as error:  # noqa: BLE001  a check may be the user's; its message may hold the text
        failure = raised(error, rule.check)
    raise RedactionFailed(f"redaction rule {rule.label} {failure}")


def without_overlaps(found: list[Found]) -> list[Found]:
    """Where stretches overlap the one of the earlier rule stays; `found` is in order of the rules."""
    taken: list[Found] = []
    for label, start, end in found:
        place = bisect(taken, start, key=_start)
        clear_before = place == 0 or taken[place - 1][2] <= start
        clear_after = place == len(taken) or end <= taken[place][1]
        if clear_before and clear_after:
            taken.insert(place, (label, start, end))
    return taken


def _start(found: Found) -> int:
    return found[1]
