"""What a client is told at its beginning, checked at once: settings of one project, and where it may stage."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from msgspec import Struct

from trajworker.api.debugging import debug_log
from trajworker.config import Asked, Purpose, Secret, Settings, resolve
from trajworker.config.catalog import by_path
from trajworker.errors import ConfigError
from trajworker.events import Observer, ignore
from trajworker.model.run import Project

PROVIDERS = ("langsmith",)
STORAGE_DIR = "~/.trajectory"
"""Where imports are staged unless `storage_dir` or the configuration (`library.storage_dir`) names another folder."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""How addresses call this machine."""
READABLE_CHARS = 40
"""Characters of a project's name that a staging file shows."""


class Options(Struct, frozen=True, kw_only=True):
    """One project to read: `settings` as the worker has them, and who is told what happens."""

    settings: Settings
    observer: Observer = ignore

    @property
    def project(self) -> str:
        """Name or id of the project."""
        return self.settings.source.projects[0]

    @property
    def storage_dir(self) -> Path:
        """The folder for staging; raises ConfigError where none is named and there is no home, as in containers."""
        try:
            return self.settings.library.storage_dir or Path(STORAGE_DIR).expanduser()
        except RuntimeError:
            raise ConfigError(
                f"{STORAGE_DIR} needs a home folder, and there is none: name another folder in library.storage_dir "
                "(TRAJWORKER_LIBRARY_STORAGE_DIR)"
            ) from None


class Connection(Struct, frozen=True, kw_only=True):
    """The arguments of `init`, as they were given (seed 002)."""

    provider: str = "langsmith"
    api_key: str | None = None
    project_id: str | None = None
    storage_dir: str | os.PathLike[str] = STORAGE_DIR
    debug: bool = False
    endpoint: str | None = None
    workspace_id: str | None = None


def options_of(given: Connection, environ: Mapping[str, str] = os.environ) -> Options:
    """Check the arguments of `init`; nothing is asked over the network.

    Raises:
        ConfigError: an unknown provider, no key, no project, or an endpoint that is none; says what to write instead.
    """
    _refuse_other_types(given)
    if given.provider not in PROVIDERS:
        raise ConfigError(f"unknown provider {given.provider!r}: there is {', '.join(map(repr, PROVIDERS))}")
    if not given.project_id:
        raise ConfigError("no project: pass project_id, the name or the id of a LangSmith project")
    overrides = {
        "source.projects": [given.project_id],
        "source.endpoint": given.endpoint,
        "source.workspace_id": given.workspace_id,
        "library.storage_dir": None if given.storage_dir == STORAGE_DIR else os.fspath(given.storage_dir),
    }
    asked = Asked(
        environ=environ,
        overrides={path: value for path, value in overrides.items() if value},
        api_key=Secret(given.api_key) if given.api_key else None,
        purpose=Purpose.LOCAL,  # a key is asked for below, in the words of `init`, on loopback too
    )
    settings = resolve(asked).require()
    if settings.source.api_key is None:
        own, *known = by_path()["source.api_key"].variables
        variables = " or ".join((*known, own))
        raise ConfigError(f"no API key: pass api_key, set {variables}, or name a file in source.api_key_file")
    return Options(settings=settings, observer=debug_log() if given.debug else ignore)


def _refuse_other_types(given: Connection) -> None:
    kinds = {"api_key": str | None, "storage_dir": str | os.PathLike}
    for name, kind in kinds.items():
        value = getattr(given, name)
        if not isinstance(value, kind):
            wanted = "a text" if name == "api_key" else "the path of a folder"
            raise ConfigError(f"{name} is {wanted}, not {type(value).__name__}")  # the value may be a key


def staging_file(options: Options, project: Project, redactor: str) -> Path:
    """Where a project is staged: one file per origin, workspace, project, key rule and redactor, so that none mix.

    A new one begins with the project's name, and nothing of a key or of a text is in it. However project and origin are
    spelled, it is one file, so that what was purged is remembered; of several that older releases made the largest.
    """
    source, folder = options.settings.source, options.storage_dir
    digests = [_digest(options.settings, endpoint, project.id, redactor) for endpoint in _spellings(source.endpoint)]
    made = sorted(file for digest in digests for file in folder.glob(f"*-{digest}.db"))
    if made:
        return max(made, key=lambda file: file.stat().st_size)
    return folder / f"{quote(project.name, safe='')[:READABLE_CHARS]}-{digests[0]}.db"


def _digest(settings: Settings, endpoint: str, project_id: str, redactor: str) -> str:
    keys = settings.conversation.thread_keys
    parts = (endpoint, settings.source.workspace_id or "", project_id, *keys, "", redactor)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _spellings(endpoint: str) -> list[str]:
    """An address in all ways of writing this machine, if it is this machine."""
    parts = urlsplit(endpoint)
    host, port = parts.netloc, "" if parts.port is None else f":{parts.port}"
    hosts = [f"{name}{port}" for name in LOOPBACK]
    return [urlunsplit(parts._replace(netloc=name)) for name in (hosts if host in hosts else [host])]
