"""The redactor that the settings ask for, and the secret of its placeholders."""

import secrets
from typing import TYPE_CHECKING

from trajworker.config.choices import RedactionMode
from trajworker.config.settings import Settings

if TYPE_CHECKING:
    from trajworker.redaction import BasePiiRedactor

SECRET_BYTES = 32


def make_redactor(settings: Settings, secret: bytes) -> "BasePiiRedactor":
    """The redactor of a configuration whose `redaction.mode` is not off; `secret` keys the placeholders."""
    from trajworker.redaction import (  # noqa: PLC0415 - its rules compile long; most mask nothing
        PiiRedactor,
        PresidioRedactor,
        choose_rules,
    )

    asked = settings.redaction
    rules = choose_rules(asked.rules, asked.patterns)
    if asked.mode is RedactionMode.PRESIDIO:
        return PresidioRedactor(rules=rules, secret=secret)
    return PiiRedactor(rules, secret=secret)


def new_secret() -> str:
    """A secret for placeholders where nobody configured one; to be kept as long as what is masked must agree."""
    return secrets.token_hex(SECRET_BYTES)
