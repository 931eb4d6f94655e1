"""Configuration: one frozen tree of settings out of file, environment and command line; invisible below the wiring."""

from trajworker.config.choices import RedactionMode
from trajworker.config.resolution import Asked, Origin, Resolution, read_secret, resolve
from trajworker.config.rules import Purpose
from trajworker.config.secret import Secret
from trajworker.config.settings import Settings

__all__ = [
    "Asked",
    "Origin",
    "Purpose",
    "RedactionMode",
    "Resolution",
    "Secret",
    "Settings",
    "read_secret",
    "resolve",
]
