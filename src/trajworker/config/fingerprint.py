"""What a staging file was begun with: settings that must not change under it unnoticed (reliability.md row 74)."""

import hashlib
import json
from collections.abc import Mapping

from trajworker.config.conversion import to_toml
from trajworker.config.endpoint import root_of
from trajworker.config.settings import Settings
from trajworker.errors import ConfigError

ENDPOINT = "source.endpoint"
OUT = "sink.out"
"""The name of the part that tells where files are published."""


def parts(settings: Settings, rules_version: str) -> dict[str, str]:
    """What is compared, by name. `rules_version` changes whenever assembling the same runs gives another result."""
    return {
        ENDPOINT: settings.source.endpoint,
        "source.workspace_id": settings.source.workspace_id or "",
        OUT: str(settings.sink.out.absolute()),
        "conversation.thread_keys": to_toml(settings.conversation.thread_keys),
        "reward.weights": to_toml(dict(sorted(settings.reward.weights.items()))),
        "reward.aggregation": settings.reward.aggregation.value,
        "redaction.mode": settings.redaction.mode.value,
        "redaction.rules": to_toml(tuple(sorted(settings.redaction.rules))),
        "redaction.patterns": to_toml(dict(sorted(settings.redaction.patterns.items()))),
        "redaction.secret": settings.redaction.secret.mark() if settings.redaction.secret is not None else "",
        "rules": rules_version,
    }


def changed(altered: Mapping[str, str], named: Mapping[str, str]) -> dict[str, str]:
    """Of `altered` settings those that mean something else: a server pinned as it was spelt once is still that one."""
    return {name: value for name, value in altered.items() if name != ENDPOINT or _root(value) != named[name]}


def _root(pinned: str) -> str:
    try:
        return root_of(pinned)
    except ValueError:
        return pinned


def refuse(altered: Mapping[str, str], named: Mapping[str, str]) -> None:
    """Raise ConfigError where there are `altered` settings, given with the values that staging was begun with."""
    if altered:
        changes = "; ".join(f"{name} was {value!r} and is {named[name]!r}" for name, value in altered.items())
        raise ConfigError(
            f"staging belongs to other settings: {changes}; set them back, or run with --adopt, which leaves the lines "
            "told so far as they are (to have those anew, too: another --staging and another --out)"
        )


def digest(named: Mapping[str, str]) -> str:
    """One short name for all parts: 16 hexadecimal digits."""
    canonical = json.dumps(named, sort_keys=True, ensure_ascii=True).encode()
    return hashlib.sha256(canonical).hexdigest()[:16]
