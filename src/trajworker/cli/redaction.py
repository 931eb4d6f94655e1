"""The redactor of `trajworker import`, as the configuration asks for it, with a secret that outlives one import."""

from pathlib import Path
from typing import TYPE_CHECKING

from trajworker.config import RedactionMode, Settings
from trajworker.config.redaction import make_redactor, new_secret
from trajworker.folders import create_private, private_folder

if TYPE_CHECKING:
    from trajworker.redaction import BasePiiRedactor

SECRET_FILE = "placeholder.secret"  # noqa: S105 - the name of a file


def redactor_of(settings: Settings, storage_dir: Path | None) -> "BasePiiRedactor | None":
    """The redactor; a secret that nobody configured is kept in the storage folder, or made up for one import."""
    if settings.redaction.mode is RedactionMode.OFF:
        return None
    if settings.redaction.secret is not None:
        return make_redactor(settings, settings.redaction.secret.reveal().encode())
    made = new_secret()
    return make_redactor(settings, (_kept(storage_dir, made) if storage_dir else made).encode())


def _kept(storage_dir: Path, made: str) -> str:
    """The secret of the folder: what is imported again must be masked as before."""
    path = private_folder(storage_dir) / SECRET_FILE
    if not path.exists() or not path.stat().st_size:
        create_private(path)
        path.write_text(made, "ascii")
    return path.read_text("ascii")
