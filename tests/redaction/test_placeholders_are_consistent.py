"""The same value has the same placeholder wherever it stands, another one under another secret."""

from hypothesis import given
from hypothesis import strategies as st

from redaction.planted import VALUES
from trajworker.redaction import PiiRedactor

REDACTOR = PiiRedactor(secret=b"secret")
OTHER = PiiRedactor(secret=b"other")


@given(st.sampled_from(VALUES))
def test_a_value_keeps_its_placeholder_as_long_as_the_secret_is_the_same(value: str) -> None:
    assert REDACTOR.redact(f"x {value} y") == f"x {REDACTOR.redact(value)} y"
    assert REDACTOR.redact(value) == PiiRedactor(secret=b"secret").redact(value)
    assert len({REDACTOR.redact(value), OTHER.redact(value), PiiRedactor().redact(value)}) == 3


def test_a_value_written_differently_is_the_same_value() -> None:
    mask = REDACTOR.redact
    assert mask("4111 1111 1111 1111") == mask("4111-1111-1111-1111") == mask("4111111111111111")
    assert mask("Alice@Example.com") == mask("alice@example.com") == mask("alice%40example.com")
    assert mask("+1 415 555 2671") == mask("(415) 555-2671")
    assert mask("alice@example.com") != mask("bob@example.com")


def test_what_stands_in_a_placeholder_is_never_masked_again() -> None:
    text = "password=<PASSWORD_abcdefgh> <SECRET_abcdefgh>@example.com"
    assert REDACTOR.redact(text) == text


def test_the_preview_counts_and_places_and_changes_nothing() -> None:
    texts = ["mail alice@example.com", "nothing", "123-45-6789 and 8.8.8.8"]
    preview = REDACTOR.preview(texts)
    assert preview.counts == {"EMAIL": 1, "SSN": 1, "IP": 1}
    assert [texts[f.text][f.start : f.end] for f in preview.findings] == ["alice@example.com", "123-45-6789", "8.8.8.8"]
    assert REDACTOR.preview(texts[0]).findings == preview.findings[:1]
    assert texts[0] == "mail alice@example.com"


def test_a_batch_is_redacted_one_by_one() -> None:
    assert REDACTOR.redact_batch(["x", "alice@example.com"]) == ["x", REDACTOR.redact("alice@example.com")]
