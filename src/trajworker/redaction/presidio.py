"""Microsoft Presidio as a redactor (extra `trajworker[presidio]`), beside the built-in rules.

Works without a language model: an empty spaCy pipeline feeds Presidio's pattern recognisers. Names and places need a
model, which you supply in an `AnalyzerEngine` of your own; none is downloaded. About thirty times slower than the
built-in rules (dependencies.md section 7).
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

from trajworker.errors import ConfigError
from trajworker.redaction.pii import PlaceholderRedactor
from trajworker.redaction.rules import DEFAULT_RULES, Rule
from trajworker.redaction.scanning import Found, scanner, without_overlaps

LOWEST_SCORE = 0.4
"""Presidio's confidence from which on a finding is masked: what a good pattern gets without words around it."""
_LABELS = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "US_SSN": "SSN",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
}
_NOT_PERSONAL = frozenset({"DATE_TIME", "URL"})


class Analyzer(Protocol):
    """What is asked of Presidio's `AnalyzerEngine`."""

    def get_supported_entities(self, language: str | None = None) -> list[str]:
        """Return the names of what it can find."""
        ...

    def analyze(self, text: str, language: str, **options: Any) -> list[Any]:  # noqa: ANN401  Presidio's own types
        """Return results with entity_type, start, end and score."""
        ...


class PresidioRedactor(PlaceholderRedactor):
    """Masks what Presidio finds and what rules find, as `PiiRedactor` does; the same placeholders for both.

    Args:
        analyzer: an engine of yours, e.g. with a model for names; by default pattern recognisers without a model.
        entities: what to ask Presidio for; by default all it knows except dates and URLs.
        language: the language to analyse in.
        rules: what to mask besides, in order of precedence; see `PiiRedactor`.
        secret: see `PlaceholderRedactor`.

    Raises:
        ConfigError: Presidio is not installed; or a rule that `PiiRedactor` would not take.
    """

    def __init__(
        self,
        analyzer: Analyzer | None = None,
        *,
        entities: Sequence[str] | None = None,
        language: str = "en",
        rules: Sequence[Rule] = DEFAULT_RULES,
        secret: bytes | None = None,
    ) -> None:
        super().__init__(secret=secret)
        self._analyzer = analyzer or without_model()
        known = self._analyzer.get_supported_entities(language)
        self._entities = sorted(set(known) - _NOT_PERSONAL if entities is None else entities)
        self._language = language
        self._scanner = scanner(rules)

    def detect(self, text: str) -> list[Found]:
        """Return what the rules and Presidio claim; where they overlap, the rules' word counts."""
        results = self._analyzer.analyze(
            text, language=self._language, entities=self._entities, score_threshold=LOWEST_SCORE
        )
        ranked = sorted(results, key=lambda result: (-result.score, result.start, -result.end))
        theirs = [(_LABELS.get(str(each.entity_type), str(each.entity_type)), each.start, each.end) for each in ranked]
        return without_overlaps([*self._scanner.find(text), *theirs])


def without_model() -> Analyzer:
    """Return Presidio with an empty English pipeline and its recognisers for card, IBAN, IP, phone and SSN.

    Its e-mail recogniser is left to the built-in rule: it fetches a list of domains from the network when first used.

    Raises:
        ConfigError: Presidio is not installed.
    """
    try:
        spacy, presidio = import_module("spacy"), import_module("presidio_analyzer")
        engines = import_module("presidio_analyzer.nlp_engine")
    except ImportError:
        raise ConfigError("PresidioRedactor needs Presidio: pip install 'trajworker[presidio]'") from None
    engine = engines.SpacyNlpEngine()
    engine.nlp = {"en": spacy.blank("en")}
    known = presidio.predefined_recognizers
    recognizers = [
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.PhoneRecognizer(),
        known.UsSsnRecognizer(),
    ]
    registry = presidio.RecognizerRegistry(recognizers=recognizers, supported_languages=["en"])
    analyzer: Analyzer = presidio.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    return analyzer
