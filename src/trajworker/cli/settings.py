"""From parsed options to settings: the one place where commands meet the configuration."""

import argparse
import os
from pathlib import Path

from trajworker.config import Asked, Purpose, Resolution, Settings, resolve
from trajworker.errors import ConfigError


def resolve_asked(asked: argparse.Namespace, purpose: Purpose = Purpose.LOCAL) -> Resolution:
    """Everything that was said in file, environment and on the command line, with problems collected."""
    options = {path: value for path, value in vars(asked).items() if "." in path}
    file = Path(asked.config) if getattr(asked, "config", None) else None
    return resolve(Asked(environ=os.environ, overrides=options, file=file, purpose=purpose))


def staging_of(settings: Settings) -> Path:
    """The staging file; raises ConfigError where there is none, for whoever opened a mistyped one would make it."""
    path = settings.staging.file
    if not path.exists():
        raise ConfigError(f"there is no staging file at {path}; name it with --staging")
    return path


def load_asked(asked: argparse.Namespace, purpose: Purpose) -> Settings:
    """The settings; raises one ConfigError that names every problem."""
    return resolve_asked(asked, purpose).require()
