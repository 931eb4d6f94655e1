"""The filter language of LangSmith, from text to a tree: `and(eq(run_type, "llm"), gt(latency, "5s"))`."""

import re
from dataclasses import dataclass
from typing import TypeAlias

MAX_DEPTH = 64
"""Nesting beyond this is refused, as any server must."""
LONGEST_INTEGER = 100
"""Characters of a number that is read exactly; Python refuses to read thousands."""

Value: TypeAlias = str | float | int | bool | None
COMPARISONS = frozenset({"eq", "neq", "gt", "gte", "lt", "lte"})

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<word>[A-Za-z_][\w.]*)
      | (?P<mark>[(),\[\]])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONSTANTS: dict[str, Value] = {"null": None, "none": None, "true": True, "false": False}


class FilterSyntaxError(ValueError):
    """A filter that cannot be understood; the message says where and why."""


@dataclass(frozen=True)
class Comparison:
    """`eq neq gt gte lt lte` of a field and a value."""

    operator: str
    field: str
    value: Value


@dataclass(frozen=True)
class Membership:
    """`in(field, [..])`."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Has:
    """`has(tags, "x")` or `has(metadata, '{"k": "v"}')`."""

    field: str
    value: str


@dataclass(frozen=True)
class Search:
    """`search("text")`, or of one field."""

    field: str | None
    text: str


@dataclass(frozen=True)
class Junction:
    """`and(..)` or `or(..)`."""

    operator: str
    members: "tuple[Node, ...]"


Node: TypeAlias = Comparison | Membership | Has | Search | Junction


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str) -> Node:
    """Parse a filter.

    Raises:
        FilterSyntaxError: it is no filter.
    """
    parser = _Parser(_tokens(text), text)
    node = parser.node(0)
    parser.end()
    return node


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise FilterSyntaxError(f"unexpected character at position {position}: {text[position : position + 20]!r}")
        tokens.append(_Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        position = match.end()
    return tokens


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] == "u" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)


def _text(quoted: str) -> str:
    """The text between quotes; escaped surrogate pairs become the one character they stand for."""
    text = _ESCAPE.sub(_unescape, quoted)
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, tokens: list[_Token], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._next = 0

    def node(self, depth: int) -> Node:
        """One operator with its arguments."""
        if depth > MAX_DEPTH:
            raise FilterSyntaxError(f"nested deeper than {MAX_DEPTH}")
        operator = self._take("word").text.lower()
        self._mark("(")
        node = self._arguments(operator, depth)
        self._mark(")")
        return node

    def end(self) -> None:
        """Nothing may follow."""
        if self._next < len(self._tokens):
            raise self._unexpected("the end")

    def _arguments(self, operator: str, depth: int) -> Node:
        if operator in ("and", "or"):
            return Junction(operator, self._members(depth))
        if operator == "search":
            return self._search()
        if operator not in COMPARISONS and operator not in ("in", "has"):
            raise FilterSyntaxError(f"unknown operator {operator!r}")
        field = self._take("word").text
        self._mark(",")
        if operator == "in":
            return Membership(field, self._list())
        value = self._value()
        if operator == "has":
            if not isinstance(value, str):
                raise FilterSyntaxError("has() takes a text")
            return Has(field, value)
        return Comparison(operator, field, value)

    def _members(self, depth: int) -> tuple[Node, ...]:
        members = [self.node(depth + 1)]
        while self._is_mark(","):
            self._next += 1
            members.append(self.node(depth + 1))
        return tuple(members)

    def _search(self) -> Search:
        field = None
        if self._peek() == "word":
            field = self._take("word").text
            self._mark(",")
        text = self._value()
        if not isinstance(text, str):
            raise FilterSyntaxError("search() takes a text")
        return Search(field, text)

    def _list(self) -> tuple[Value, ...]:
        self._mark("[")
        values: list[Value] = []
        while not self._is_mark("]"):
            if values:
                self._mark(",")
            values.append(self._value())
        self._mark("]")
        return tuple(values)

    def _value(self) -> Value:
        kind = self._peek()
        if kind == "string":
            return _text(self._take("string").text[1:-1])
        if kind == "number":
            text = self._take("number").text
            return int(text) if text.lstrip("-").isdigit() and len(text) <= LONGEST_INTEGER else float(text)
        if kind == "word":
            word = self._take("word").text.lower()
            if word in _CONSTANTS:
                return _CONSTANTS[word]
            self._next -= 1
        raise self._unexpected("a value")

    def _peek(self) -> str | None:
        return self._tokens[self._next].kind if self._next < len(self._tokens) else None

    def _is_mark(self, mark: str) -> bool:
        return self._peek() == "mark" and self._tokens[self._next].text == mark

    def _take(self, kind: str) -> _Token:
        if self._peek() != kind:
            raise self._unexpected(f"a {kind}")
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _mark(self, mark: str) -> None:
        if not self._is_mark(mark):
            raise self._unexpected(repr(mark))
        self._next += 1

    def _unexpected(self, wanted: str) -> FilterSyntaxError:
        if self._next >= len(self._tokens):
            return FilterSyntaxError(f"expected {wanted}, found the end of the filter")
        token = self._tokens[self._next]
        return FilterSyntaxError(f"expected {wanted} at position {token.position}, found {token.text!r}")


def conjuncts(node: Node | None) -> tuple[Node, ...]:
    """The conditions that all must hold: the flat members of nested `and`s."""
    if node is None:
        return ()
    if isinstance(node, Junction) and node.operator == "and":
        return tuple(inner for member in node.members for inner in conjuncts(member))
    return (node,)
