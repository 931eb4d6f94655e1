"""The redactor that the configuration asks an import for, with a secret that outlives one import."""

from pathlib import Path
from typing import TYPE_CHECKING

from trajworker.api.options import Options
from trajworker.config import RedactionMode
from trajworker.config.redaction import make_redactor, new_secret
from trajworker.folders import create_private, private_folder

if TYPE_CHECKING:
    from trajworker.redaction import BasePiiRedactor

SECRET_FILE = "placeholder.secret"  # noqa: S105 - the name of a file


def configured_redactor(options: Options, *, stage: bool) -> "BasePiiRedactor | None":
    """The redactor; a secret that nobody configured is kept where imports stage, or made up for one that does not."""
    asked = options.settings.redaction
    if asked.mode is RedactionMode.OFF:
        return None
    if asked.secret is not None:
        return make_redactor(options.settings, asked.secret.reveal().encode())
    made = new_secret()
    return make_redactor(options.settings, (_kept(options.storage_dir, made) if stage else made).encode())


def _kept(storage_dir: Path, made: str) -> str:
    """The secret of the folder: what is imported again must be masked as before."""
    path = private_folder(storage_dir) / SECRET_FILE
    if not path.exists() or not path.stat().st_size:
        create_private(path)
        path.write_text(made, "ascii")
    return path.read_text("ascii")
