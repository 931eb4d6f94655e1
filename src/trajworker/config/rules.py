"""Rules that converting one value cannot check: over whole settings, or held against what this machine has.

Each broken one tells what to change.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum, auto
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from trajworker.config.choices import RedactionMode
from trajworker.config.endpoint import split
from trajworker.config.given import Problem
from trajworker.config.settings import Settings
from trajworker.config.values import duration_text
from trajworker.errors import ConfigError
from trajworker.ports import header_text

MAX_PORT: Final = 65_535
PRESIDIO_MODULES: Final = ("presidio_analyzer", "spacy")
_MASKS_NOTHING: Final = 'nothing is masked while redaction.mode = "off": write "builtin", or remove'
_EVERY_KEY: Final = "*"
"""What a path into JSON takes for all keys."""
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')
"""What JSON escapes: thread keys are looked for in JSON that is not decoded."""
_RULE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


class Purpose(StrEnum):
    """What the settings are for, which decides what must be there."""

    LOCAL = auto()
    """Reads what is on disk: nothing is required."""
    SOURCE = auto()
    """Asks LangSmith something: a key is required, except on loopback."""
    RUN = auto()
    """Follows projects: a project is required besides."""


Where = Callable[[str], str]
"""From a key path to the spot to name in a problem."""


def check(settings: Settings, purpose: Purpose, where: Where) -> Iterator[Problem]:
    """Every broken rule."""
    found: Mapping[str, str | None] = {
        "source.endpoint": _endpoint(settings),
        "source.proxy": _proxy(settings),
        "source.ca_bundle": _ca_bundle(settings),
        "source.since": _range(settings),
        "source.projects": _projects(settings, purpose),
        "source.api_key": _api_key(settings, purpose),
        "source.workspace_id": _workspace_id(settings),
        "conversation.thread_keys": _thread_keys(settings),
        "conversation.flush": _flush(settings),
        "conversation.horizon": _horizon(settings),
        "intake.deep_scan": _deep_scan(settings),
        "reward.weights": _weights(settings),
        "redaction.mode": _engine(settings),
        "redaction.rules": _rules(settings),
        "redaction.patterns": _patterns(settings),
        "health.bind": _bind(settings),
    }
    return (Problem(where=where(path), text=text) for path, text in found.items() if text is not None)


def is_loopback(host: str | None) -> bool:
    """Whether what is sent to `host` stays on this machine; a name other than localhost counts as remote."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _endpoint(settings: Settings) -> str | None:
    parts = urlsplit(settings.source.endpoint)
    if parts.scheme == "http" and not settings.source.allow_http and not is_loopback(parts.hostname):
        return "http shows the API key to the network: write https, or set source.allow_http = true"
    return None


def _proxy(settings: Settings) -> str | None:
    if settings.source.proxy is None:
        return None
    if split(settings.source.proxy.reveal()) is None:
        return "write a proxy as a URL such as http://proxy.example:3128"
    return None


def _ca_bundle(settings: Settings) -> str | None:
    path = settings.source.ca_bundle
    if path is None or os.path.isfile(path):  # noqa: PTH113 - a Path raises where a folder may not be searched
        return None
    if os.path.exists(path):  # noqa: PTH110 - same
        return f"{path} is no file of certificates: name one in PEM format"
    return f"the file {path} is not there"


def _range(settings: Settings) -> str | None:
    """An age and a time of the calendar are held against each other once the server has told its time."""
    match settings.source.since, settings.source.until:
        case datetime() as since, datetime() as until if since >= until:
            return f"since ({since:%Y-%m-%dT%H:%M:%SZ}) must be earlier than until ({until:%Y-%m-%dT%H:%M:%SZ})"
        case timedelta() as since, timedelta() as until if since <= until:
            return f"since ({duration_text(since)} ago) must be earlier than until ({duration_text(until)} ago)"
        case _:
            return None


def _projects(settings: Settings, purpose: Purpose) -> str | None:
    if purpose is Purpose.RUN and not settings.source.projects:
        return "name a project: --project NAME, LANGSMITH_PROJECT or source.projects"
    if len(set(settings.source.projects)) < len(settings.source.projects):
        return "a project is named twice"
    return None


def _api_key(settings: Settings, purpose: Purpose) -> str | None:
    if settings.source.api_key is not None:
        return header_text.refusal(settings.source.api_key.reveal())
    if purpose is not Purpose.LOCAL and not is_loopback(urlsplit(settings.source.endpoint).hostname):
        return "no API key: set LANGSMITH_API_KEY, or name a file in source.api_key_file"
    return None


def _workspace_id(settings: Settings) -> str | None:
    named = settings.source.workspace_id
    return None if named is None else header_text.refusal(named)


def _thread_keys(settings: Settings) -> str | None:
    named = settings.conversation.thread_keys
    if any(key == _EVERY_KEY or _ESCAPED.search(key) for key in named):
        return "write metadata keys without quotes, backslashes and control characters, and none that is just *"
    return "a metadata key is named twice" if len(set(named)) < len(named) else None


def _flush(settings: Settings) -> str | None:
    if settings.conversation.flush and not settings.worker.once:
        return "flush writes unfinished conversations at the end, so it needs --once"
    return None


def _horizon(settings: Settings) -> str | None:
    lookback = settings.intake.lookback
    if lookback is not None and settings.conversation.horizon < lookback:
        return "the horizon must not be shorter than intake.lookback: what is read again must still be known"
    return None


def _deep_scan(settings: Settings) -> str | None:
    if settings.intake.deep_scan and settings.intake.deep_scan < settings.intake.poll:
        return "a deep scan cannot come more often than intake.poll; 0s turns it off"
    return None


def _weights(settings: Settings) -> str | None:
    weights = settings.reward.weights.values()
    return "weights are 0 or more, and not all 0" if weights and (min(weights) < 0 or max(weights) == 0) else None


def _engine(settings: Settings) -> str | None:
    if settings.redaction.mode is RedactionMode.PRESIDIO and not all(map(find_spec, PRESIDIO_MODULES)):
        return "presidio is not installed: pip install 'trajworker[presidio]'"
    return None


def _rules(settings: Settings) -> str | None:
    redaction = settings.redaction
    if not redaction.rules:
        return None
    if redaction.mode is RedactionMode.OFF:
        return f"{_MASKS_NOTHING} the rules"
    from trajworker.redaction import choose_rules  # noqa: PLC0415 - its rules compile long; most mask nothing

    return _refusal(lambda: choose_rules(redaction.rules))


def _patterns(settings: Settings) -> str | None:
    redaction = settings.redaction
    if redaction.mode is RedactionMode.OFF and redaction.patterns:
        return f"{_MASKS_NOTHING} the patterns"
    bad = [name for name in redaction.patterns if not _RULE_NAME.fullmatch(name)]
    if bad:
        return "name a pattern in lower case letters, digits and _, at most 32 of them"
    if not redaction.patterns:
        return None
    from trajworker.redaction import PiiRedactor, choose_rules  # noqa: PLC0415 - as in _rules

    return _refusal(lambda: PiiRedactor(choose_rules(patterns=redaction.patterns)))


def _refusal(attempt: Callable[[], object]) -> str | None:
    """What speaks against it, before anything was made on disk for it."""
    try:
        attempt()
    except ConfigError as reason:
        return str(reason)
    return None


def _bind(settings: Settings) -> str | None:
    if settings.health.bind is None:
        return None
    host, _, port = settings.health.bind.rpartition(":")
    try:
        ip_address(host.strip("[]"))
        fits = 0 <= int(port) <= MAX_PORT
    except ValueError:
        fits = False
    return None if fits else "write an IP address and a port, such as 127.0.0.1:8080"
