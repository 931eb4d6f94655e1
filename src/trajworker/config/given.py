"""What each layer says: the file, the environment, the command line, each read into values with their origin."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from msgspec import Struct

from trajworker.config.catalog import PREFIX, CatalogKey, by_path, by_variable, keys, sections
from trajworker.config.secret import Secret

CONFIG_VARIABLE: Final = "TRAJWORKER_CONFIG"
"""Names the configuration file where no option does."""

MAX_FILE_BYTES: Final = 1024 * 1024
_FIRST_LINE: Final = re.compile(r"\(at line (\d+)")
_HEADER: Final = re.compile(r"\s*\[\s*([^\[\]#]+?)\s*\]")
_ASSIGNMENT: Final = re.compile(r"\s*([A-Za-z0-9_.\-\"' ]+?)\s*=")
_INJECTED: Final = re.compile(r"TRAJWORKER_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_\w+)?)")
"""Variables that Kubernetes sets in every pod beside a service called trajworker."""


class Given(Struct, frozen=True, kw_only=True):
    """A value as somebody wrote it. `layer` is file, environment or command line; `where` names the spot in it."""

    key: CatalogKey
    value: object
    layer: str
    where: str


class Problem(Struct, frozen=True, kw_only=True):
    """Something to change, and where: `trajworker.toml:12`, a variable, an option, or a key."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


Finding = Given | Problem


def from_file(path: Path) -> Iterator[Finding]:
    """What a TOML file says; syntax errors and unknown keys are problems with their line."""
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_FILE_BYTES else None
    except OSError as reason:
        yield Problem(where=str(path), text=f"cannot be read: {os.strerror(reason.errno or 0)}")
        return
    if raw is None:
        yield Problem(where=str(path), text=f"is larger than {MAX_FILE_BYTES} bytes, so it is no configuration file")
        return
    try:
        text = raw.decode("utf-8")
        tables = tomllib.loads(text)
    except UnicodeDecodeError:
        yield Problem(where=str(path), text="is not UTF-8 text")
    except tomllib.TOMLDecodeError as reason:
        line = _FIRST_LINE.search(str(reason))
        yield Problem(where=f"{path}:{line[1]}" if line else str(path), text=f"is not TOML: {reason}")
    except ValueError as reason:  # Python reads no number of thousands of digits
        yield Problem(where=str(path), text=f"holds a value that cannot be read: {str(reason).partition(':')[0]}")
    except RecursionError:
        yield Problem(where=str(path), text="is nested too deep to be a configuration")
    else:
        yield from _from_tables(path, tables, _lines(text))


def from_environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What environment variables say, each key by its strongest variable; unknown `TRAJWORKER_` names are problems."""
    for key in keys():
        variable = _variable_of(key, environ)
        if variable is not None:
            yield Given(key=key, value=_from_variable(key, variable, environ), layer="environment", where=variable)
    for name in environ:
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE or name in by_variable() or _INJECTED.fullmatch(name):
            continue
        yield Problem(where=name, text=f"is no setting{_did_you_mean(name, by_variable())}")


def from_command_line(overrides: Mapping[str, object]) -> Iterator[Finding]:
    """What options say, by key path; None, False and nothing at all mean that the option was not used."""
    for path, value in overrides.items():
        key = by_path().get(path)
        if value is None or value is False or value in ((), []):
            continue
        if key is None:
            yield Problem(where=path, text=f"is no key{_did_you_mean(path, by_path())}")
        elif key.key.env_only:
            yield Problem(where=path, text=_only_from_environment(key))
        else:
            yield Given(key=key, value=value, layer="command line", where=key.key.option or path)


def _variable_of(key: CatalogKey, environ: Mapping[str, str]) -> str | None:
    """The strongest variable that sets a key; an empty one of others counts as not set, but an empty key is a fault."""
    for name in key.variables:
        if name in environ and (environ[name] or name == key.variable or key.type is Secret):
            return name
    return None


def _from_variable(key: CatalogKey, variable: str, environ: Mapping[str, str]) -> object:
    text = environ[variable]
    if key.type is Secret:
        text = text.removesuffix("\n")
    if variable == key.variable:
        return text
    unquoted = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    return (unquoted,) if key.type == tuple[str, ...] else unquoted  # theirs holds one name, commas and all


def _from_tables(path: Path, tables: Mapping[str, object], lines: Mapping[str, int]) -> Iterator[Finding]:
    for section, content in tables.items():
        where = _where(path, lines, section)
        if section not in sections():
            yield Problem(where=where, text=f"{section} is no section{_did_you_mean(section, sections())}")
        elif not isinstance(content, dict):
            yield Problem(where=where, text=f"{section} is a section: write [{section}] and its keys below")
        else:
            for name, value in content.items():
                spot = f"{section}.{name}"
                yield _from_entry(_where(path, lines, spot, section), section, name, value)


def _from_entry(where: str, section: str, name: str, value: object) -> Finding:
    key = by_path().get(f"{section}.{name}")
    if key is None:
        return Problem(where=where, text=_unknown_key(section, name))
    if key.key.env_only:
        return Problem(where=where, text=_only_from_environment(key))
    return Given(key=key, value=value, layer="file", where=where)


def _unknown_key(section: str, name: str) -> str:
    elsewhere = [key.section for key in keys() if key.name == name]
    if elsewhere:
        return f"{section}.{name} is no key; {name} belongs into [{elsewhere[0]}]"
    near = get_close_matches(name, [key.name for key in keys() if key.section == section], n=1)
    if near:
        return f"{section}.{name} is no key; did you mean {section}.{near[0]}?"
    return f"{section}.{name} is no key{_did_you_mean(f'{section}.{name}', by_path())}"


def _only_from_environment(key: CatalogKey) -> str:
    return f"{key.path} is taken from the environment only ({', '.join(key.variables)}), or from {key.path}_file"


def _did_you_mean(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else "; `trajworker config` lists what there is"


def _where(path: Path, lines: Mapping[str, int], *spots: str) -> str:
    line = next((lines[spot] for spot in spots if spot in lines), None)
    return str(path) if line is None else f"{path}:{line}"


def _lines(text: str) -> dict[str, int]:
    """The line of each section and key, as far as a look at single lines can tell; only messages depend on it."""
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            section = _unquoted(header[1])
            found.setdefault(section, number)
        elif assignment := _ASSIGNMENT.match(line):
            name = _unquoted(assignment[1])
            spot = f"{section}.{name}" if section else name
            found.setdefault(spot, number)
            found.setdefault(".".join(spot.split(".")[:2]), number)
            found.setdefault(spot.split(".", maxsplit=1)[0], number)
    return found


def _unquoted(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
