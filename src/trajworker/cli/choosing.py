"""From settings to the one project that a client of the library reads."""

from trajworker.api.options import Options
from trajworker.config import Settings
from trajworker.errors import ConfigError


def one_project(settings: Settings) -> Options:
    """What a client of the library needs; raises ConfigError where several projects are named."""
    if len(settings.source.projects) > 1:
        raise ConfigError("several projects are named: choose one with --project")
    return Options(settings=settings)
