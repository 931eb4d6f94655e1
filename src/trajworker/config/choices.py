"""The settings that are one of a few words."""

from enum import StrEnum


class Api(StrEnum):
    """Which generation of the LangSmith API is spoken."""

    AUTO = "auto"
    V2 = "v2"
    V1 = "v1"


class Late(StrEnum):
    """What becomes of data that arrives after a conversation was delivered and its horizon has passed."""

    REVISE = "revise"
    SIDE = "side"
    DROP = "drop"


class Compression(StrEnum):
    """How a file is compressed when it is sealed."""

    NONE = "none"
    GZ = "gz"
    ZST = "zst"


class Consumed(StrEnum):
    """What a published file means that is no longer there."""

    EXPECTED = "expected"
    FATAL = "fatal"


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
