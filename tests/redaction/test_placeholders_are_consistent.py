"""The same value has the same placeholder in a conversation, another one in another."""

from hypothesis import given
from hypothesis import strategies as st

from redaction.planted import VALUES
from trajworker.redaction import PiiRedactor

REDACTOR = PiiRedactor(secret=b"secret")
A, B = REDACTOR.for_conversation("a"), REDACTOR.for_conversation("b")


@given(st.sampled_from(VALUES))
def test_a_value_keeps_its_placeholder_within_a_conversation_only(value: str) -> None:
    assert A.redact(f"x {value} y") == f"x {A.redact(value)} y"
    assert A.redact(value) == REDACTOR.for_conversation("a").redact(value)
    assert len({REDACTOR.redact(value), A.redact(value), B.redact(value)}) == 3
    assert PiiRedactor(secret=b"other").for_conversation("a").redact(value) != A.redact(value)


@given(st.lists(st.sampled_from([*VALUES, "and", "<EMAIL_abcdefgh>", "\n"]), max_size=6))
def test_redacting_first_and_learning_the_conversation_later_comes_to_the_same(words: list[str]) -> None:
    text = " ".join(words).replace("<EMAIL_abcdefgh>", "<b>")
    assert A.rescope(REDACTOR.redact(text)) == A.redact(text)


def test_a_value_written_differently_is_the_same_value() -> None:
    assert A.redact("4111 1111 1111 1111") == A.redact("4111-1111-1111-1111") == A.redact("4111111111111111")
    assert A.redact("Alice@Example.com") == A.redact("alice@example.com") == A.redact("alice%40example.com")
    assert A.redact("+1 415 555 2671") == A.redact("(415) 555-2671")
    assert A.redact("alice@example.com") != A.redact("bob@example.com")


def test_what_stands_in_a_placeholder_is_never_masked_again() -> None:
    text = "password=<PASSWORD_abcdefgh> <SECRET_abcdefgh>@example.com"
    assert A.redact(text) == text


def test_the_preview_counts_and_places_and_changes_nothing() -> None:
    texts = ["mail alice@example.com", "nothing", "123-45-6789 and 8.8.8.8"]
    preview = A.preview(texts)
    assert preview.counts == {"EMAIL": 1, "SSN": 1, "IP": 1}
    assert [texts[f.text][f.start : f.end] for f in preview.findings] == ["alice@example.com", "123-45-6789", "8.8.8.8"]
    assert A.preview(texts[0]).findings == preview.findings[:1]
    assert texts[0] == "mail alice@example.com"


def test_a_batch_is_redacted_one_by_one() -> None:
    assert A.redact_batch(["x", "alice@example.com"]) == ["x", A.redact("alice@example.com")]
