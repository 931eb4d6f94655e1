"""Makes one run's JSON plain again where strict decoders refuse it, and says by flags what it changed.

Works on tokens, never on nested values, so that no depth and no size can exhaust the stack. Nothing is dropped: what
JSON cannot carry becomes text. Source: dependencies.md section 4, reliability.md rows 75-81.
"""

import math
import re

from msgspec import Struct

BOM = b"\xef\xbb\xbf"
"""What some editors write before UTF-8 (RFC 8259 section 8.1)."""
DEEPEST = 512
"""Nesting beyond this is kept as text: decoders recurse and fail near 1,000."""
LONGEST_INT = 18
"""Digits of an integer that surely fits 64 bits."""

_TOKEN = re.compile(
    r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<bad>-?(?:NaN|Infinity))|(?P<number>-?\d[\d.eE+-]*)|(?P<open>[\[{])|(?P<close>[\]}])',
    re.DOTALL,
)
_LONE_SURROGATE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPE = re.compile(r"\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4}|(?P<bad>.))", re.DOTALL)


class Mended(Struct):
    """JSON that decoders take, and the flags of what had to be changed."""

    content: bytes = b""
    flags: list[str] = []

    def flag(self, name: str) -> None:
        """Remember a change, once."""
        if name not in self.flags:
            self.flags.append(name)


def mend(raw: bytes) -> Mended:
    """A run that decoders refuse, made plain; see the flags in the functions below."""
    mended = Mended()
    try:
        text = raw.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        mended.flag("utf8")
        text = raw.decode("utf-8", errors="replace")
    mended.content = _rewritten(text, mended).encode("utf-8", errors="replace")
    return mended


def _rewritten(text: str, mended: Mended) -> str:
    parts, done, depth, deep_from = [], 0, 0, -1
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
            if depth == DEEPEST and deep_from < 0:
                parts.append(text[done : token.start()])
                deep_from = token.start()
        elif kind == "close":
            if depth == DEEPEST and deep_from >= 0:
                parts.append(_as_string(text[deep_from : token.end()]))
                done, deep_from = token.end(), -1
                mended.flag("depth")
            depth -= 1
        elif deep_from < 0:
            plain = _plain(token, mended)
            if plain is not None:
                parts += [text[done : token.start()], plain]
                done = token.end()
    return "".join([*parts, text[done:]])


def _plain(token: re.Match[str], mended: Mended) -> str | None:
    """What a token must become, None where it may stay."""
    text, kind = token.group(), token.lastgroup
    if kind == "string":
        return _plain_string(text, mended)
    if kind == "bad":
        mended.flag("nonfinite")
        return _as_string(text)
    if len(text) <= LONGEST_INT and "e" not in text and "E" not in text:
        return None
    return _plain_number(text, mended)


def _plain_number(text: str, mended: Mended) -> str | None:
    if text.lstrip("-").isdigit():
        mended.flag("big_int")
        return _as_string(text)
    try:
        finite = math.isfinite(float(text))
    except ValueError:
        return None
    if finite:
        return None
    mended.flag("nonfinite")
    return _as_string(text)


def _plain_string(text: str, mended: Mended) -> str | None:
    plain = text
    if "\\" in text:
        plain = _LONE_SURROGATE.sub(_replaced, plain)
        if plain != text:
            mended.flag("surrogate")
        escaped = _ESCAPE.sub(lambda found: "\\" + found.group() if found.group("bad") else found.group(), plain)
        if escaped != plain:
            mended.flag("escape")
            plain = escaped
    if _CONTROL.search(plain):
        mended.flag("control")
        plain = _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", plain)
    return None if plain is text or plain == text else plain


def _replaced(found: re.Match[str]) -> str:
    return "\\ufffd" if found.group("lone") else found.group()


def _as_string(text: str) -> str:
    """JSON text as a JSON string."""
    body = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", body) + '"'
