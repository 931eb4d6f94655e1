"""What the built-in rules mask and what they leave alone, as tables."""

import pytest

from redaction.planted import ALL, KEY
from trajworker.redaction import PiiRedactor

REDACTOR = PiiRedactor(engine="re")


@pytest.mark.parametrize(("label", "value"), ALL)
@pytest.mark.parametrize("around", ["{}", "see {}.", "({})", '"{}"', "a={},", "\u6f22{}\u6f22", "x\n{}\ny", "'q\\n{}'"])
def test_a_planted_value_is_masked_whole_wherever_it_stands(label: str, value: str, around: str) -> None:
    assert REDACTOR.redact(around.format(value)) == around.format(REDACTOR.redact(value))
    assert REDACTOR.redact(value).startswith(f"<{label}_")
    assert REDACTOR.redact(value).count("<") == 1


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("password=hunter2!", "hunter2"),
        ('{\\"password\\": \\"hunter2!\\"}', "hunter2"),
        ("DB_PASSWORD: correct-horse", "correct-horse"),
        ("api_key = '" + KEY + "'", KEY),
        ("X-Api-Key: " + KEY, KEY),
        ("aws_secret_access_key=" + KEY, KEY),
        ("Authorization: Bearer " + KEY, KEY),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("postgres://bob:s3cr3t@db.example.com/x", "s3cr3t"),
        ("SSN: 123456789", "123456789"),
        ("phone: 4155552671", "4155552671"),
        ("4111 1111 1111 1111 123", "4111"),
        ("4111 1111 1111 1111 12/27", "4111"),
        ("card_4111111111111111", "4111"),
        ("pages 12 13 4111 1111 1111 1111", "4111"),
        ("order 4947 4098 3631 9211 5746", "5746"),  # the first sixteen digits would make a card, too
        ("orders 4012 4947 4098 3631 9211 5746 and 4111 1111 1111 1111", "5746"),
        ("-----BEGIN " + "PRIVATE KEY-----\nMIIEow" + KEY, KEY),
    ],
)
def test_a_value_that_its_surroundings_tell_is_masked(text: str, gone: str) -> None:
    assert gone not in REDACTOR.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "01234567-8901-4234-8567-890123456789",
        "20250115T103000123456Z01234567-8901-4234-8567-890123456789.20250115T103000123457Z0198c0de-8901-7234-8567-890123456789",
        "2025-01-15T10:30:00.123456+00:00",
        "2025-01-15 10:30:45,123",
        "05-11-2023 12:00 and 12/31/2024",
        "1736937000 1736937000123 1736937000123456 1736937000123456789",
        "$1,234.56, 1.234.567,89 EUR, 12 345 678.90",
        "v1.2.3, 10.4.2, python-3.11.9, Chrome/120.0.0.0, version 1.2.3.4, numpy==1.26.4.0",
        "std::vector<int> a; x = b[1::2]; face::add(dead::beef)",
        "0.4111111111111111 -0.4532015112830366 3.141592653589793",
        "tokens: 123456, max_tokens: 1000000, token = get_token(), next_token=None",
        "password: str = Field(min_length=8)",
        "def f(password: Optional[str] = None) -> None:",
        "api_key=os.environ['OPENAI_API_KEY']",
        "@dataclass\nclass A: pass  # see user@ and @user",
        "git@github.com:org/repo.git, lodash@4.17.21, icon@2x.png",
        "127.0.0.1:8080 0.0.0.0",
        "aa:bb:cc:dd:ee:ff 10:30:45",
        "call_abc123, toolu_01A09q90qw90lq917835lq9, chatcmpl-9abCD, resp_68ab, lc_run--0198c0de-0",
        "sk-fading-circle sk-folding-cube-container",
        "4111111111111112 1234567890123456",
        "ISBN 978-3-16-148410-0, order 100200300400",
        "key: value, secret: yes, token: word",
        "-----BEGIN CERTIFICATE-----",
        "3 items at 99.99 each, 2 x 10 = 20, +5%, +0200",
        "https://smith.langchain.com/o/abc/projects/p/01234567?trace=1",
        "/usr/lib/python3.11/site-packages/x.py:123",
        "000-12-3456 666-12-3456 123-00-4567 123-45-0000",
        "Lisbon: 21\u00b0C; Porto: 14\u00b0C",
    ],
)
def test_structure_and_ordinary_text_stay(text: str) -> None:
    assert REDACTOR.preview(text).counts == {}
    assert REDACTOR.redact(text) == text
