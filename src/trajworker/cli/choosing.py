"""From settings to the one project that a client of the library reads."""

from trajworker.api.options import Options
from trajworker.config import Settings
from trajworker.errors import ConfigError
from trajworker.events import Observer


def one_project(settings: Settings, observer: Observer) -> Options:
    """What a client of the library needs, with who is told what happens.

    Raises:
        ConfigError: several projects are named.
    """
    if len(settings.source.projects) > 1:
        raise ConfigError("several projects are named: choose one with --project")
    return Options(settings=settings, observer=observer)
