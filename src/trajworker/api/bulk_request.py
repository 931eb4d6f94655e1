"""An import from files as it was asked for: checked at once, before anything is read."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from trajworker.api.options import Options
from trajworker.assembly import FoldSettings
from trajworker.config import Settings
from trajworker.config.rewards import fold_settings
from trajworker.errors import ConfigError
from trajworker.events import Observer, ignore
from trajworker.sources.files.run_files import PARQUET, SUFFIXES

if TYPE_CHECKING:
    from trajworker.redaction import BasePiiRedactor

LINES = 16
"""Lines that are handed over from the thread that waits for them."""
MAGIC = b"PAR1"


class Bulk(Struct, frozen=True, kw_only=True):
    """What is read: a file or folder, all of it or some; whether disk may be used; who masks it; who is told."""

    path: Path
    settings: Settings
    conversations: tuple[str, ...] | None = None
    stage: bool = True
    redactor: "BasePiiRedactor | None" = None
    observer: Observer = ignore

    @classmethod
    def of(
        cls,
        source: str | os.PathLike[str] | None,
        options: Options,
        conversations: tuple[str, ...] | None = None,
        *,
        stage: bool = True,
        redactor: "BasePiiRedactor | None" = None,
    ) -> "Bulk":
        """Check what was asked for; raises ConfigError where there is nothing at `source`."""
        if source is None:
            raise ConfigError("bulk=True reads a file: pass source, the path of an export")
        if not os.fspath(source):
            raise ConfigError("source is empty: name the file or folder of an export")
        path = Path(source).expanduser()
        if not path.exists():
            raise ConfigError(f"there is nothing at {path}")
        return cls(
            path=path,
            settings=options.settings,
            conversations=conversations,
            stage=stage,
            redactor=redactor,
            observer=options.observer,
        )

    @property
    def is_parquet(self) -> bool:
        """What kind of export it is, by its names, or by its first bytes."""
        if self.path.is_dir():
            return next(self.path.rglob(f"*{PARQUET}"), None) is not None
        if self.path.name.endswith(SUFFIXES):
            return False
        with self.path.open("rb") as file:
            return self.path.suffix == PARQUET or file.read(len(MAGIC)) == MAGIC

    @property
    def fold_settings(self) -> FoldSettings:
        """How feedback becomes rewards."""
        return fold_settings(self.settings)
