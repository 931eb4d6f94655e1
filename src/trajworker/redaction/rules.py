r"""The table of built-in rules: what is masked, told as patterns that `re` and RE2 read alike.

Patterns keep to what both engines do the same way: no look-around, no back-references, no case folding (RE2 folds
U+212A to k), no `\\b`, `\\s`, `\\d` or `.`, repetitions that cannot backtrack into each other; what a check may
refuse is bounded, so that looking again inside of it costs no more than the bound. Where a value begins
and ends, and whether its checksum is right, is decided by `checks`. A first group, where there is one, is the value;
else the whole match is.
"""

from collections.abc import Callable, Mapping, Sequence
from string import ascii_lowercase

from msgspec import Struct

from trajworker.errors import ConfigError
from trajworker.redaction import checks

Check = Callable[[str, int, int], tuple[int, int] | None]


class Rule(Struct, frozen=True, kw_only=True):
    """One thing to mask.

    Args:
        label: upper-case name; it stands in the placeholder and in previews. Several rules may share one.
        pattern: RE2 syntax. Rules that are not built in run under RE2 only (extra `trajworker[redact]`).
        literals: one of these stands in every text that the pattern can match; a cheap reason not to look.
        check: takes text, start and end of a candidate; returns start and end of the value, or None for no value.
        loose: the value may touch letters and digits on either side.
    """

    label: str
    pattern: str
    literals: tuple[str, ...] = ()
    check: Check | None = None
    loose: bool = False


def _any_case(words: str) -> str:
    """Alternatives for words in any mix of cases; `_` stands for an optional `_`, `-` or blank.

    Each begins with a literal letter: `re` then skips quickly to where one of them can begin.
    """
    spelled = {letter: f"[{letter.upper()}{letter}]" for letter in ascii_lowercase} | {"_": "[_ -]?"}
    tails = [(word[0], "".join(spelled[character] for character in word[1:])) for word in words.split()]
    return "|".join(f"{first}{tail}|{first.upper()}{tail}" for first, tail in tails)


def _cased(*words: str) -> tuple[str, ...]:
    return tuple(form for word in words for form in (word, word.capitalize(), word.upper()))


# Latin with marks, Greek and Cyrillic; not CJK, which is written right up to an address.
_LETTERS = "A-Za-z0-9\u00c0-\u024f\u0370-\u052f"
_GAP = checks.GAP
_ASSIGN = r"""\\{0,3}["'`]?\]?[ \t]{0,3}(?:=>|:=|==|=|:)[ \t]{0,3}\\{0,3}["'`]?"""
_KEY_VALUE = r"""([^\x00-\x20"'`<>,;&\\()\[\]{}$]{12,512})"""
_PHRASE = r"""([^\x00-\x20"'`<>,;\\()\[\]{}]{4,256})"""

_EMAIL = Rule(
    label="EMAIL",
    pattern=f"[{_LETTERS}_][{_LETTERS}_.%+'-]{{0,63}}(?:@|%40)(?:[{_LETTERS}-]+[.])+"
    f"(?:[Xx][Nn]--[A-Za-z0-9-]{{2,59}}|[A-Za-z\u00c0-\u024f\u0370-\u052f]{{2,24}})",
    literals=("@", "%40"),
    check=checks.email,
)

_KEY_NAMES = (
    "api_key access_key secret_key account_key auth_key signing_key encryption_key private_key "
    "secret token credential credentials"
)
_PHONE_NAMES = "phone phone_number mobile telephone tel cell fax whatsapp"
_SSN_NAMES = "ssn social_security_number social_security tax_id"

_KEYS = (
    Rule(
        label="PRIVATE_KEY",
        pattern="-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----"
        r"(?:(?:[A-Za-z0-9+/=\\:,. \t\r\n]|-[A-Za-z0-9])*-----END [A-Z0-9 ]{0,40}-----|[A-Za-z0-9+/=\\\r\n]*)",
        literals=("PRIVATE KEY",),
        loose=True,
    ),
    Rule(
        label="JWT",
        pattern=r"eyJ[A-Za-z0-9_-]{8,400}[.][A-Za-z0-9_-]{8,}(?:[.][A-Za-z0-9_-]+){0,3}",
        literals=("eyJ",),
    ),
    Rule(
        label="LANGSMITH_KEY",
        pattern="(?:lsv2_[a-z]{2,4}_[A-Za-z0-9_]{20,400}|ls__[A-Za-z0-9]{20,400})",
        literals=("lsv2_", "ls__"),
        check=checks.key,
        loose=True,
    ),
    Rule(
        label="ANTHROPIC_KEY",
        pattern="sk-ant-[A-Za-z0-9_-]{16,400}",
        literals=("sk-ant-",),
        check=checks.key,
        loose=True,
    ),
    Rule(label="OPENAI_KEY", pattern="sk-[A-Za-z0-9_-]{16,400}", literals=("sk-",), check=checks.key, loose=True),
    Rule(
        label="AWS_KEY",
        pattern="(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}",
        literals=("AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA"),
    ),
    Rule(
        label="GITHUB_TOKEN",
        pattern="(?:gh[opsur]_[A-Za-z0-9]{30,400}|github_pat_[A-Za-z0-9_]{22,400})",
        literals=("ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_"),
        check=checks.key,
        loose=True,
    ),
    Rule(
        label="GOOGLE_KEY",
        pattern="(?:AIza[A-Za-z0-9_-]{35}|ya29[.][A-Za-z0-9_-]{20,400}|GOCSPX-[A-Za-z0-9_-]{20,400})",
        literals=("AIza", "ya29.", "GOCSPX-"),
        check=checks.key,
        loose=True,
    ),
    Rule(
        label="SLACK_TOKEN",
        pattern="(?:xox[abeoprs](?:[.]xox[a-z])?-[A-Za-z0-9-]{10,400}|xapp-[A-Za-z0-9-]{10,400}"
        "|hooks[.]slack[.]com/[a-z]{5,10}/[A-Za-z0-9/_-]{20,400})",
        literals=("xox", "xapp-", "hooks.slack.com"),
        check=checks.key,
        loose=True,
    ),
    Rule(
        label="STRIPE_KEY",
        pattern="(?:[prs]k_(?:live|test)_[A-Za-z0-9]{10,400}|whsec_[A-Za-z0-9+/=]{16,400})",
        literals=("k_live_", "k_test_", "whsec_"),
        check=checks.key,
        loose=True,
    ),
    Rule(
        label="API_TOKEN",
        pattern="(?:glpat-[A-Za-z0-9_-]{20,400}|hf_[A-Za-z0-9]{30,400}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,400}"
        "|gsk_[A-Za-z0-9]{30,400}|xai-[A-Za-z0-9]{30,400}|tvly-[A-Za-z0-9-]{20,400}|pplx-[A-Za-z0-9]{30,400}|r8_[A-Za-z0-9]{30,400}"
        "|dapi[0-9a-f]{32}|dop_v1_[0-9a-f]{60,400}|SG[.][A-Za-z0-9_-]{16,400}[.][A-Za-z0-9_-]{16,400}|(?:AC|SK)[0-9a-f]{32})",
        literals=(
            *("glpat-", "hf_", "npm_", "pypi-", "gsk_", "xai-", "tvly-", "pplx-", "r8_", "dapi", "dop_v1_"),
            *("SG.", "AC", "SK"),
        ),
        check=checks.key,
        loose=True,
    ),
    Rule(
        label="SECRET",
        pattern=f"(?:{_any_case('bearer')})[ \t]{{1,3}}([A-Za-z0-9._~+/=-]{{12,}})",
        literals=_cased("bearer"),
        check=checks.secret,
        loose=True,
    ),
    Rule(
        label="SECRET",
        pattern=f"(?:{_any_case('authorization')}){_ASSIGN}(?:{_any_case('basic token')})[ \t]{{1,3}}"
        "([A-Za-z0-9._~+/=-]{8,})",
        literals=_cased("authorization"),
        loose=True,
    ),
    Rule(
        label="PASSWORD",
        pattern="://[^\\x00-\\x20/?#:@<>\"']{0,64}:([^\\x00-\\x20/?#@<>\"']{1,256})@",
        literals=("://",),
        loose=True,
    ),
    Rule(
        label="SECRET",
        pattern=f"(?:{_any_case(_KEY_NAMES)}){_ASSIGN}{_KEY_VALUE}",
        literals=_cased("key", "secret", "token", "credential"),
        check=checks.secret,
        loose=True,
    ),
    Rule(
        label="PASSWORD",
        pattern=f"(?:{_any_case('password passwd passphrase pwd')}){_ASSIGN}{_PHRASE}",
        literals=(*_cased("passw", "passphrase", "pwd"), "PassW"),
        check=checks.password,
        loose=True,
    ),
)

_NUMBERS = (
    Rule(
        label="IBAN",
        pattern="[A-Za-z]{2}[0-9]{2}(?:[ \u00a0-]?[A-Za-z0-9]{4}){2,7}(?:[ \u00a0-]?[A-Za-z0-9]{1,3})?",
        check=checks.iban,
        loose=True,
    ),
    Rule(label="CARD", pattern=f"[2-68][0-9]{{3}}(?:{_GAP}?[0-9]){{9,19}}", check=checks.card, loose=True),
    Rule(
        label="SSN",
        pattern="[0-9]{3}[ \u2010-\u2013-][0-9]{2}[ \u2010-\u2013-][0-9]{4}",
        check=checks.ssn,
    ),
    Rule(
        label="SSN",
        pattern=f"(?:{_any_case(_SSN_NAMES)}){_ASSIGN}(?:is )?[#]?([0-9]{{9}})",
        literals=_cased("ssn", "social", "tax"),
    ),
    Rule(
        label="IP",
        pattern="[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}",
        literals=(".",),
        check=checks.ipv4,
    ),
    Rule(
        label="IP",
        pattern="[23Ff][0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{0,4}){2,7}",
        literals=(":",),
        check=checks.ipv6,
    ),
)

_PHONES = (
    Rule(
        label="PHONE",
        pattern="[+][1-9](?:[ .()/\u00a0\u2011-]{0,3}[0-9]){7,14}",
        literals=("+",),
        check=checks.long_phone,
        loose=True,
    ),
    Rule(
        label="PHONE",
        pattern="00[1-9][0-9]{0,2}[ ./-][0-9]{1,5}(?:[ ./-]?[0-9]{2,5}){1,4}",
        literals=("00",),
        check=checks.long_phone,
        loose=True,
    ),
    Rule(
        label="PHONE",
        pattern="[(][0-9]{3}[)][ .-]{0,2}[0-9]{3}[ .-][0-9]{4}",
        literals=("(",),
        check=checks.phone,
    ),
    Rule(
        label="PHONE",
        pattern="[0-9]{3}[.-][0-9]{3}[.-][0-9]{4}",
        literals=(".", "-"),
        check=checks.phone,
    ),
    Rule(label="PHONE", pattern="[2-9][0-9]{2} [2-9][0-9]{2}[ -][0-9]{4}", check=checks.phone),
    Rule(label="PHONE", pattern="555-[0-9]{4}", literals=("555-",), check=checks.phone),
    Rule(
        label="PHONE",
        pattern="0[1-9](?:[0-9]{1,4}[ /-][0-9]{3,8}(?:[ -][0-9]{2,5}){0,2}|(?:[ .-][0-9]{2}){4})",
        literals=("0",),
        check=checks.long_phone,
        loose=True,
    ),
    Rule(
        label="PHONE",
        pattern=f"(?:{_any_case(_PHONE_NAMES)}){_ASSIGN}(?:is )?([0-9]{{7,15}})",
        literals=_cased("phone", "mobile", "tel", "cell", "fax", "whatsapp"),
        check=checks.phone,
    ),
)

NUMBER_LABELS = frozenset({"CARD", "IBAN", "PHONE", "SSN"})
"""Labels whose values are the same value however their digits are grouped."""

DEFAULT_RULES: tuple[Rule, ...] = (*_KEYS, _EMAIL, *_NUMBERS, *_PHONES)
"""In order of precedence: where two rules claim the same characters, the earlier has them."""


def choose_rules(labels: Sequence[str] = (), patterns: Mapping[str, str] | None = None) -> tuple[Rule, ...]:
    """Rules as a configuration names them: built-in ones by label (none: all), and patterns of one's own by label.

    One's own come first: where they claim characters that a built-in rule claims too, they have them.

    Raises:
        ConfigError: a label that no built-in rule has; the message names those there are.
    """
    known = dict.fromkeys(rule.label for rule in DEFAULT_RULES)
    unknown = [label for label in labels if label.upper() not in known]
    if unknown:
        raise ConfigError(f"no built-in redaction rule is called {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = {label.upper() for label in labels} or known.keys()
    own = [Rule(label=label.upper(), pattern=pattern) for label, pattern in (patterns or {}).items()]
    return (*own, *(rule for rule in DEFAULT_RULES if rule.label in wanted))
