"""Which redactor it is: the same words for the same rules, other words as soon as anything about it changes.

What was staged under one redactor must not be taken for masked under another, and a class in a notebook is edited while
its name stays. So the identity is made of the code of its methods, of the globals they read, and of its state. Where
that cannot be told (an engine, a connection), there is none, and nothing is kept on disk under it.
"""

import enum
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any
from uuid import UUID

import msgspec

from trajworker import __version__
from trajworker.errors import ConfigError
from trajworker.redaction import BasePiiRedactor

DEEPEST = 12
MOST_PARTS = 20_000
PLAIN = (type(None), bool, int, float, complex, str, bytes)
NOBODY = ""
"""The identity of no redactor."""


class _Unknown(Exception):
    """Something that cannot be told in words."""


def known_redactor(given: BasePiiRedactor | None) -> BasePiiRedactor | None:
    """What masks texts; raises ConfigError for what is none, such as a class of redactors."""
    if given is None or isinstance(given, BasePiiRedactor):
        return given
    found = f"the class {given.__name__}: make one of it" if isinstance(given, type) else type(given).__name__
    raise ConfigError(f"redactor is an object derived from BasePiiRedactor, not {found}")


def identity_of(redactor: BasePiiRedactor | None) -> str | None:
    """A digest, `NOBODY` where there is no redactor, None where it cannot be told which one it is."""
    if redactor is None:
        return NOBODY
    digest = hashlib.sha256(__version__.encode())
    try:
        for number, part in enumerate(_parts(redactor, ())):
            if number > MOST_PARTS:
                return None
            digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    except (_Unknown, RecursionError):
        return None
    return digest.hexdigest()


def _parts(value: Any, above: tuple[int, ...]) -> Iterator[str]:  # noqa: ANN401 - any state
    if isinstance(value, PLAIN) and type(value) in PLAIN:
        yield f"{type(value).__name__}:{value!r}"
        return
    if len(above) > DEEPEST or id(value) in above:
        yield "again"
        return
    above = (*above, id(value))
    if isinstance(value, ModuleType | BuiltinFunctionType):
        yield f"module:{getattr(value, '__name__', '')}"
    elif isinstance(value, re.Pattern) or type(value).__module__ in ("re2", "_re2"):
        yield f"pattern:{getattr(value, 'pattern', '')!r}:{getattr(value, 'flags', 0)}"
    elif isinstance(value, enum.Enum | date | timedelta | Decimal | PurePath | UUID):
        yield f"value:{value!r}"
    else:
        yield from _composed(value, above)


def _composed(value: Any, above: tuple[int, ...]) -> Iterator[str]:  # noqa: ANN401 - any state
    if isinstance(value, Mapping):
        yield "mapping"
        for key, member in value.items():
            yield from _parts(key, above)
            yield from _parts(member, above)
    elif isinstance(value, list | tuple):
        yield f"row:{len(value)}"
        for member in value:
            yield from _parts(member, above)
    elif isinstance(value, set | frozenset):
        yield f"set:{len(value)}"
        yield from sorted(" ".join(_parts(member, above)) for member in value)
    elif isinstance(value, FunctionType):
        yield from _function(value, above)
    elif isinstance(value, CodeType):
        yield from _code(value, above)
    elif isinstance(value, type):
        yield from _class(value, above)
    else:
        yield from _object(value, above)


def _function(function: FunctionType, above: tuple[int, ...]) -> Iterator[str]:
    yield f"function:{function.__qualname__}"
    if _is_own(function.__module__) or (function.__module__ or "").partition(".")[0] in sys.stdlib_module_names:
        return
    yield from _parts(function.__defaults__, above)
    yield from _parts(function.__kwdefaults__, above)
    for cell in function.__closure__ or ():
        yield from _parts(cell.cell_contents, above)
    yield from _code(function.__code__, above)
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield f"global:{name}"
            yield from _parts(function.__globals__[name], above)


def _code(code: CodeType, above: tuple[int, ...]) -> Iterator[str]:
    yield code.co_code.hex()
    yield " ".join(code.co_names)
    yield from _parts(code.co_consts, above)


def _names(code: CodeType) -> set[str]:
    """Names that a function and those within it may read from its module."""
    return set(code.co_names).union(*(_names(one) for one in code.co_consts if isinstance(one, CodeType)))


def _class(kind: type, above: tuple[int, ...]) -> Iterator[str]:
    yield f"class:{kind.__module__}.{kind.__qualname__}"
    if _is_own(kind.__module__) or kind.__module__.partition(".")[0] in sys.stdlib_module_names:
        return
    for name, member in sorted(vars(kind).items()):
        if not name.startswith(("__", "_abc_")) or name == "__init__":
            yield name
            yield from _parts(getattr(member, "__func__", getattr(member, "fget", member)), above)
    for base in kind.__bases__:
        yield from _parts(base, above)


def _object(value: object, above: tuple[int, ...]) -> Iterator[str]:
    if type(value).__module__.partition(".")[0] in sys.stdlib_module_names - {"__main__"}:
        raise _Unknown
    yield from _parts(type(value), above)
    if isinstance(value, msgspec.Struct):
        yield from _parts(msgspec.structs.astuple(value), above)
        return
    state = getattr(value, "__dict__", None)
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    if state is None and not slots:
        raise _Unknown
    yield from _parts(dict(sorted((state or {}).items())), above)
    yield from _parts([getattr(value, name, None) for name in slots if not name.startswith("__")], above)


def _is_own(module: str | None) -> bool:
    """Whether it came with this release, whose number is in every identity."""
    return (module or "").partition(".")[0] == "trajworker"
