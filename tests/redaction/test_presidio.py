"""Presidio as an extra: without a model, beside the built-in rules."""

import importlib
import socket
from typing import Any

import pytest

from trajworker.config import RedactionMode, Settings
from trajworker.config.redaction import make_redactor
from trajworker.config.settings import RedactionSettings
from trajworker.errors import ConfigError
from trajworker.redaction import PiiRedactor, PresidioRedactor, presidio


def test_without_presidio_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(presidio, "import_module", missing)
    with pytest.raises(ConfigError, match=r"trajworker\[presidio\]"):
        PresidioRedactor()


def installed() -> bool:
    return all(importlib.util.find_spec(name) for name in ("presidio_analyzer", "spacy"))


needs_presidio = pytest.mark.skipif(not installed(), reason="needs the extra trajworker[presidio]")
TEXT = "mail ada@example.com or +1 415 555 2671, card 4111111111111111, 123-45-6789, key lsv2_" + "pt_" + "0a" * 16


@needs_presidio
@pytest.mark.slow
def test_presidio_works_without_a_model_and_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: Any, **options: Any) -> Any:
        raise AssertionError(arguments, options)

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    redactor = PresidioRedactor(secret=b"s")
    masked = redactor.redact(TEXT)
    assert masked == PiiRedactor(secret=b"s").redact(TEXT)
    assert redactor.redact(masked) == masked
    assert redactor.preview(TEXT).counts == {"EMAIL": 1, "PHONE": 1, "CARD": 1, "SSN": 1, "LANGSMITH_KEY": 1}


class Result:
    def __init__(self, entity_type: str, start: int, end: int, score: float) -> None:
        self.entity_type, self.start, self.end, self.score = entity_type, start, end, score


class Names:
    """An engine with a model, as a user would supply one."""

    def get_supported_entities(self, language: str | None = None) -> list[str]:
        del language
        return ["PERSON", "DATE_TIME"]

    def analyze(self, text: str, language: str, **options: Any) -> list[Any]:
        assert (language, options["entities"]) == ("en", ["PERSON"])
        start = text.find("Ada Lovelace")
        weaker = [] if start < 0 else [Result("ORGANIZATION", start, start + 3, 0.5)]
        return [*weaker, *([] if start < 0 else [Result("PERSON", start, start + 12, 0.85)])]


def test_an_engine_of_ones_own_adds_its_findings_to_the_built_in_ones() -> None:
    masked = PresidioRedactor(Names(), secret=b"s").redact("Ada Lovelace, ada@example.com")
    assert masked.startswith("<PERSON_")
    assert "<EMAIL_" in masked
    assert "Ada" not in masked


def test_a_configuration_that_asks_presidio_keeps_its_own_rules_and_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presidio, "without_model", Names)
    asked = RedactionSettings(mode=RedactionMode.PRESIDIO, rules=("CARD",), patterns={"order": "ORD-[0-9]{4}"})
    masked = make_redactor(Settings(redaction=asked), b"s").redact(
        "Ada Lovelace, ORD-1234, 4111 1111 1111 1111, ada@example.com"
    )
    assert [word in masked for word in ("<PERSON_", "<ORDER_", "<CARD_")] == [True, True, True]
    assert "ada@example.com" in masked  # of the built-in rules only CARD was asked for
