"""The settings that are one of a few words; where another room speaks the same words they come from `ports`."""

from enum import StrEnum

from trajworker.ports import Aggregation, Compression, Consumed, Late

__all__ = [
    "Aggregation",
    "Api",
    "Compression",
    "Consumed",
    "Late",
    "LogFormat",
    "LogLevel",
    "Progress",
    "RedactionMode",
]


class Api(StrEnum):
    """Which generation of the LangSmith API is spoken."""

    AUTO = "auto"
    V2 = "v2"
    V1 = "v1"


class RedactionMode(StrEnum):
    """Who masks personal data, if anybody does."""

    OFF = "off"
    BUILTIN = "builtin"
    PRESIDIO = "presidio"


class LogFormat(StrEnum):
    """How log lines look; `auto` is pretty on a terminal and JSON otherwise."""

    AUTO = "auto"
    PRETTY = "pretty"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important kind of event that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Progress(StrEnum):
    """Whether live progress is drawn; `auto` draws it where stderr is a terminal."""

    AUTO = "auto"
    OFF = "off"
