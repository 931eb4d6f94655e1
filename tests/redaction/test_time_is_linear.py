"""No text makes the built-in patterns backtrack without end under stdlib re."""

import time

import pytest

from trajworker.redaction import PiiRedactor

REDACTOR = PiiRedactor(engine="re")
SIZE = 200_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a@",
        "a.",
        "a@b.",
        "1",
        "1 ",
        "4111 ",
        "4111-1111-",
        "1.",
        "2001:",
        "+1-",
        "(415) ",
        "DE89 ",
        "A1",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----a-",
        "eyJ",
        "eyJhbGciOiJI.",
        "password=",
        "password",
        "token:=",
        "api_key='",
        "://",
        "://a:",
        "Bearer ",
        "sk-",
        "xox",
        "\\n4",
        "%40",
        "<EMAIL_abcdefgh>a@b.co ",
    ],
)
def test_a_hostile_text_costs_at_most_in_proportion(piece: str) -> None:
    def seconds(size: int) -> float:
        text = "x@ " + piece * (size // len(piece))
        began = time.process_time()
        REDACTOR.find(text)
        return time.process_time() - began

    small = seconds(SIZE // 8)
    assert seconds(SIZE) < max(16 * small, 0.5)
