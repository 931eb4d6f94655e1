"""google-re2 and stdlib re, driven by one table, find the same stretches."""

import importlib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from redaction.planted import VALUES
from trajworker.errors import ConfigError
from trajworker.redaction import DEFAULT_RULES, PiiRedactor, Rule, choose_rules, scanning

EMPLOYEE = Rule(label="EMPLOYEE_ID", pattern="E[0-9]{5}")

pytest.importorskip("re2", reason="needs the extra trajworker[redact]")

WITH_RE, WITH_RE2 = PiiRedactor(engine="re"), PiiRedactor(engine="re2")
NOISE = st.text(st.sampled_from("aZ09 .,:;-_+@%/\\\"'<>=(){}\n\té漢😀\ud800\u212a\u017f\u00a0"), max_size=12)
NAMES = st.sampled_from(
    ["password=", "api_key: ", "TOKEN=", "Bearer ", "phone: ", "ssn=", "://u:", "\\n", "%20", "0.", "v"]
)
PIECES = st.one_of(
    NOISE, NAMES, st.sampled_from(VALUES), st.text(max_size=6), st.from_regex("[0-9 .-]{1,24}", fullmatch=True)
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


@given(TEXTS)
def test_both_engines_give_the_same_spans(text: str) -> None:
    assert WITH_RE.find(text) == WITH_RE2.find(text)


@given(TEXTS)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = WITH_RE2.redact(text)
    assert WITH_RE2.redact(once) == once
    assert WITH_RE.redact(text) == once


@given(TEXTS, st.sampled_from(VALUES), TEXTS)
def test_no_planted_value_survives_in_a_text(before: str, value: str, after: str) -> None:
    assume(value not in f"{before} {after}")
    assert value not in WITH_RE2.redact(f"{before} {value} {after}")


def test_rules_of_ones_own_run_under_re2_beside_the_built_in_ones() -> None:
    redactor = PiiRedactor([EMPLOYEE, *DEFAULT_RULES])
    assert redactor.preview("E12345 wrote to a@example.com").counts == {"EMPLOYEE_ID": 1, "EMAIL": 1}


def test_a_pattern_that_re2_refuses_is_an_error_that_says_so() -> None:
    with pytest.raises(ConfigError, match="not RE2 syntax"):
        PiiRedactor([Rule(label="BACKREFERENCE", pattern=r"(a+)\1")])


def test_a_label_that_makes_no_placeholder_is_an_error() -> None:
    with pytest.raises(ConfigError, match="employee id"):
        PiiRedactor([Rule(label="employee id", pattern="x")])


def test_rules_of_ones_own_never_run_under_re() -> None:
    with pytest.raises(ConfigError, match="RE2 only"):
        PiiRedactor([EMPLOYEE], engine="re")


def test_without_re2_own_rules_name_the_extra_and_built_in_rules_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    with monkeypatch.context() as patched:
        patched.setattr(importlib, "import_module", missing)
        patched.setattr(scanning, "re2", None)
        with pytest.raises(ConfigError, match=r"trajworker\[redact\]"):
            PiiRedactor([EMPLOYEE])
        with pytest.raises(ConfigError, match=r"trajworker\[redact\]"):
            PiiRedactor(engine="re2")
        assert PiiRedactor().redact("a@example.com").startswith("<EMAIL_")


def test_a_configuration_names_rules_and_adds_patterns_of_its_own() -> None:
    text = "E12345 wrote to a@example.com from 8.8.8.8"
    assert PiiRedactor(choose_rules()).preview(text).counts == {"EMAIL": 1, "IP": 1}
    assert PiiRedactor(choose_rules(["email"])).preview(text).counts == {"EMAIL": 1}
    own = choose_rules(["IP"], {"employee_id": "E[0-9]{5}"})
    assert PiiRedactor(own).preview(text).counts == {"EMPLOYEE_ID": 1, "IP": 1}


def test_a_rule_that_is_not_there_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"called EMIAL; there are .*EMAIL.*PHONE"):
        choose_rules(["EMIAL"])


@pytest.mark.parametrize("rules", [["EMAIL"], [*DEFAULT_RULES, None], "EMAIL", EMPLOYEE, 5, None])
def test_what_is_no_list_of_rules_is_an_error_that_says_how_to_choose_them(rules: Any) -> None:
    with pytest.raises(ConfigError, match=r"Rule objects.*choose_rules\(\['EMAIL'\]\)"):
        PiiRedactor(rules=rules)


def test_rules_may_come_one_after_the_other() -> None:
    given = (rule for rule in DEFAULT_RULES if rule.label == "EMAIL")
    assert PiiRedactor(given).preview("a@example.com at 8.8.8.8").counts == {"EMAIL": 1}  # type: ignore[arg-type]  # what a script may give
