"""From what each layer says to one frozen `Settings`, with the origin of every value and all problems at once.

The command line wins, then the environment, then the file, then the default.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from msgspec import Struct, structs

from trajworker.config.catalog import CatalogKey, by_path, keys, sections
from trajworker.config.conversion import convert
from trajworker.config.given import (
    CONFIG_VARIABLE,
    Finding,
    Given,
    Problem,
    from_command_line,
    from_environment,
    from_file,
)
from trajworker.config.rules import Purpose, check
from trajworker.config.secret import Secret
from trajworker.config.settings import Settings
from trajworker.errors import ConfigError

MAX_SECRET_FILE_BYTES: Final = 8192
DEFAULT: Final = "default"
HANDED_OVER: Final = "argument"


class Origin(Struct, frozen=True):
    """Where a value came from: a layer (default, file, environment, command line, argument) and the spot in it."""

    layer: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.layer} {self.where}".rstrip()


class Asked(Struct, frozen=True, kw_only=True):
    """What a process was started with.

    Args:
        environ: the environment variables.
        overrides: values by key path from the command line; None, False, () and [] mean that an option was not used: a
            flag that the file sets cannot be unset here.
        file: the configuration file an option named.
        api_key: the key that a caller handed over: it wins over all others, and over files that hold one.
        purpose: what the settings are for.
    """

    environ: Mapping[str, str]
    overrides: Mapping[str, object] = {}
    file: Path | None = None
    api_key: Secret | None = None
    purpose: Purpose = Purpose.RUN


class Resolution(Struct, frozen=True, kw_only=True):
    """The effective settings; where there are problems, the values in question are the defaults."""

    settings: Settings
    origins: Mapping[str, Origin]
    problems: tuple[Problem, ...] = ()

    def require(self) -> Settings:
        """The settings; raises one ConfigError that names every problem."""
        if self.problems:
            refuse(self.problems)
        return self.settings

    def value(self, path: str) -> Any:  # noqa: ANN401 - the type is the key's, known at run time
        """The effective value of one key."""
        key = by_path()[path]
        return getattr(getattr(self.settings, key.section), key.name)


def refuse(problems: Iterable[Problem]) -> NoReturn:
    """Raise one ConfigError for all problems."""
    lines = [str(problem) for problem in problems]
    if len(lines) == 1:
        raise ConfigError(lines[0])
    raise ConfigError("\n  ".join([f"{len(lines)} problems in the configuration:", *lines]))


def resolve(asked: Asked) -> Resolution:
    """Read every layer, convert every value, apply every rule; problems are collected, never raised."""
    values: dict[str, Any] = {}
    origins = {key.path: Origin(DEFAULT) for key in keys()}
    problems: list[Problem] = []
    for finding in _findings(asked):
        if isinstance(finding, Problem):
            problems.append(finding)
            continue
        try:
            value = convert(finding.key, finding.value)
        except ValueError as advice:
            problems.append(Problem(where=finding.where, text=_refusal(finding, advice)))
            continue
        values[finding.key.path] = value
        origins[finding.key.path] = Origin(finding.layer, finding.where)
    if asked.api_key is not None:
        values |= {"source.api_key": asked.api_key, "source.api_key_file": None}
        origins["source.api_key"] = origins["source.api_key_file"] = Origin(HANDED_OVER)
    problems += _read_secret_files(values, origins)
    settings = _build(values)
    problems += check(settings, asked.purpose, lambda path: origins[path].where or path)
    return Resolution(settings=settings, origins=origins, problems=tuple(problems))


def _findings(asked: Asked) -> Iterator[Finding]:
    """Weakest layer first, so that what comes later wins."""
    named = asked.file or asked.environ.get(CONFIG_VARIABLE)
    if named:
        yield from from_file(Path(named))
    yield from from_environment(asked.environ)
    yield from from_command_line(asked.overrides)


def _refusal(given: Given, advice: ValueError) -> str:
    shown = given.layer == "file" or given.where != given.key.path
    return f"{given.key.path}: {advice}" if shown else str(advice)


def _read_secret_files(values: dict[str, Any], origins: dict[str, Origin]) -> Iterator[Problem]:
    """Every secret that only the environment may hold can be given as a file too, and the file wins."""
    for key in keys():
        path: Path | None = values.get(f"{key.path}_file")
        if not key.key.env_only or path is None:
            continue
        try:
            values[key.path] = read_secret(path)
        except ConfigError as reason:
            yield Problem(where=origins[f"{key.path}_file"].where, text=str(reason))
        else:
            origins[key.path] = Origin("file", str(path))


def read_secret(path: Path) -> Secret:
    """The secret in a file, ASCII, without its one newline; raises ConfigError that never shows it.

    Also called again after a 401, because keys are rotated by rewriting their file.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SECRET_FILE_BYTES + 1)
    except OSError as reason:
        raise ConfigError(f"the file {path} cannot be read: {os.strerror(reason.errno or 0)}") from None
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise ConfigError(f"the file {path} holds something other than ASCII text") from None
    text = text.removesuffix("\n")
    if not text.strip():
        raise ConfigError(f"the file {path} is empty")
    if len(raw) > MAX_SECRET_FILE_BYTES:
        raise ConfigError(f"the file {path} is longer than {MAX_SECRET_FILE_BYTES} bytes")
    return Secret(text)


def _build(values: Mapping[str, Any]) -> Settings:
    built = {
        section: struct(**{key.name: values[key.path] for key in _given_in(section, values)})
        for section, struct in sections().items()
    }
    return structs.replace(Settings(), **built)


def _given_in(section: str, values: Mapping[str, Any]) -> list[CatalogKey]:
    return [key for key in keys() if key.section == section and key.path in values]
