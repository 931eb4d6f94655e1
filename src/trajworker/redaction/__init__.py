"""Redaction: text without personal data, before anything touches disk. Pure: no files, no clock, no network."""

from trajworker.redaction.pii import PiiRedactor
from trajworker.redaction.presidio import PresidioRedactor
from trajworker.redaction.redactor import BasePiiRedactor, Finding, Preview
from trajworker.redaction.rules import DEFAULT_RULES, Rule, choose_rules
from trajworker.redaction.runs import redact_feedback, redact_run
from trajworker.redaction.texts import Texts
from trajworker.redaction.walk import redact_value

__all__ = [
    "DEFAULT_RULES",
    "BasePiiRedactor",
    "Finding",
    "PiiRedactor",
    "PresidioRedactor",
    "Preview",
    "Rule",
    "Texts",
    "choose_rules",
    "redact_feedback",
    "redact_run",
    "redact_value",
]
