"""What a pattern cannot say: checksums, number plans, and where within a candidate the value ends.

Every check takes the text and a candidate's start and end, and returns the start and end of the value, or None where
there is none.
Sources: ISO/IEC 7812 (cards, Luhn), ISO 13616 (IBAN), SSA's rules for SSNs, ITU-T E.164 (phone numbers).
"""

import ipaddress
import re

Span = tuple[int, int]

SHORTEST_CARD, LONGEST_CARD = 13, 19
SHORTEST_PHONE, LONGEST_PHONE = 8, 15
ELEVEN_DIGITS = 11
SHORTEST_SECRET = 12

# First digits and lengths that issuers use; a Luhn sum alone lets one number in ten through.
_CARD = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5]|2[2-7])[0-9]{14}"  # Mastercard, Mir
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}(?:[0-9]{2,5})?"  # Diners
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2}|62[0-9]{2}|35[2-8][0-9]|60[0-9]{2}|81[0-9]{2})[0-9]{12,15}"
    r"|(?:50|5[6-8]|6[37])[0-9]{11,17}",  # Maestro
    re.ASCII,
)
# As printed: one run of digits, fours, or the 4-6-5 and 4-6-4 of American Express and Diners.
_CARD_GROUPS = re.compile(
    r"[0-9]+|[0-9]{4}(?P<gap>[^0-9])[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{1,4}(?:(?P=gap)[0-9]{1,3})?"
    r"|[0-9]{4}[^0-9][0-9]{6}[^0-9][0-9]{4,5}",
    re.ASCII,
)
GAP = "[ .\u00a0\u2009\u202f\u2010-\u2013-]"
"""What may stand between the digits of a number."""
_CARD_RUN = re.compile(f"[0-9](?:{GAP}?[0-9]){{{SHORTEST_CARD - 1},{LONGEST_CARD - 1}}}", re.ASCII)
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH CR HR LI LV", 22: "BG BH DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_PRODUCT_BEFORE = re.compile(r"(?:[A-Za-z)\]]/|==|~=|>=|<=|\^|[Vv]er(?:sion)?s?[ .:=]{1,2}[\"']?)\Z")
_PRODUCT_WINDOW = 12
_ESCAPE_BEFORE = re.compile(r"(?:\\[abfnrtv]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2})\Z")
_ESCAPE_WINDOW = 6
_DIGIT = re.compile(r"[0-9]", re.ASCII)
_ANNOTATIONS = frozenset(
    [
        "str",
        "string",
        "text",
        "none",
        "null",
        "nil",
        "true",
        "false",
        "optional",
        "required",
        "undefined",
        "password",
        "secret",
        "bytes",
        "int",
        "any",
        "value",
        "hidden",
        "redacted",
        "masked",
        "field",
        "input",
    ]
)


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit touches the stretch."""
    joined = end < len(text) and _is_word(text[end]) and text[end - 1].isalnum()
    return not joined and begins_alone(text, start)


def begins_alone(text: str, start: int) -> bool:
    """Whether no letter or digit stands before the place; one that ends an escape, such as `%20`, is none."""
    if start == 0 or not _is_word(text[start - 1]):
        return True
    return _ESCAPE_BEFORE.search(text[max(0, start - _ESCAPE_WINDOW) : start]) is not None


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def email(text: str, start: int, end: int) -> Span | None:
    """Leave out Git remotes, image names such as `icon@2x.png`, and the letter of an escape before the address."""
    if start and text[start - 1] == "\\" and text[start] in "nrt" and text[start + 1] != "@":
        start += 1
    address = text[start:end]
    if address.startswith("git@") or re.search(r"@[0-9]x\.", address):
        return None
    return start, end


def card(text: str, start: int, end: int) -> Span | None:
    """Longest prefix that is a card: what follows may be a CVV or a date.

    A number before a card may make one with its first digits: which is meant cannot be told, so both are taken.
    """
    stop = _card_stop(text, start, end)
    later = start + 1
    while stop is not None and later < stop:
        run = _CARD_RUN.match(text, later) if begins_alone(text, later) else None
        stop = max(stop, (_card_stop(text, later, run.end()) if run else None) or stop)
        later += 1
    return None if stop is None else (start, stop)


def _card_stop(text: str, start: int, end: int) -> int | None:
    """Where the longest prefix ends whose digits follow an issuer's scheme and the Luhn sum."""
    decimals = start > 1 and text[start - 1] in ".," and text[start - 2].isdigit()
    if decimals or not begins_alone(text, start):
        return None
    places = [place for place in range(start, end) if text[place].isdigit()]
    for count in range(min(len(places), LONGEST_CARD), SHORTEST_CARD - 1, -1):
        stop = places[count - 1] + 1
        number = "".join(text[place] for place in places[:count])
        grouped = _CARD_GROUPS.fullmatch(text, start, stop)
        if grouped and _CARD.fullmatch(number) and luhn(number) and stands_alone(text, start, stop):
            return stop
    return None


def luhn(digits: str) -> bool:
    """Whether the digits carry a right check digit (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004  the sum of two digits, as the standard defines it
    return total % 10 == 0


def iban(text: str, start: int, end: int) -> Span | None:
    """As many characters as the country's IBANs have, if their sum modulo 97 is right."""
    length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
    places = [place for place in range(start, end) if text[place].isalnum()]
    if length is None or len(places) < length:
        return None
    stop = places[length - 1] + 1
    compact = "".join(text[place] for place in places[:length])
    number = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    if int(number) % 97 != 1 or not stands_alone(text, start, stop):
        return None
    return start, stop


def ssn(text: str, start: int, end: int) -> Span | None:
    """Leave out numbers that are never issued: area 000 or 666, group 00, serial 0000."""
    area, group, serial = text[start : start + 3], text[start + 4 : start + 6], text[end - 4 : end]
    touching = text[max(0, start - 1) : start] + text[end : end + 1]
    if area in {"000", "666"} or group == "00" or serial == "0000" or "-" in touching:
        return None
    return start, end


def phone(text: str, start: int, end: int) -> Span | None:
    """As many digits as a number can have, not part of a longer chain of digits such as a decimal or an id."""
    digits = sum(character.isdigit() for character in text[start:end])
    after = text[end : end + 2]
    chained = len(after) > 1 and after[0] in ".-_" and after[1].isalnum() and after[1].isascii()
    before = text[max(0, start - 3) : start]
    chained |= before[-1:] in {".", "-", "_"} and before[-2:-1].isdigit() and before[-3:-1].strip() != "1"
    return None if chained or not 7 <= digits <= LONGEST_PHONE else (start, end)  # noqa: PLR2004  555-0123


def long_phone(text: str, start: int, end: int) -> Span | None:
    """The longest `phone` of at least eight digits: fewer are sums. +1 and +7 have eleven, whatever follows."""
    places = [place for place in range(start, end) if text[place].isdigit()]
    planned = text[start] == "+" and text[places[0]] in "17"
    longest = ELEVEN_DIGITS if planned else min(len(places), LONGEST_PHONE)
    shortest = ELEVEN_DIGITS if planned else SHORTEST_PHONE
    if len(places) < shortest:
        return None
    for count in range(longest, shortest - 1, -1):
        stop = places[count - 1] + 1
        if stands_alone(text, start, stop) and phone(text, start, stop):
            return start, stop
    return None


def ipv4(text: str, start: int, end: int) -> Span | None:
    """A host's address: no version of a product, no loopback or wildcard address, no part of a longer dotted number."""
    if _PRODUCT_BEFORE.search(text[max(0, start - _PRODUCT_WINDOW) : start]):
        return None
    dotted_on = text[end : end + 1] == "." and text[end + 1 : end + 2].isalnum()
    if dotted_on or (start and text[start - 1] == "."):
        return None
    return _host(text, start, end)


def ipv6(text: str, start: int, end: int) -> Span | None:
    """A host's address; a colon after it is punctuation, and one without digits is C++ (`face::add`)."""
    if _DIGIT.search(text, start, end) is None:
        return None
    return _host(text, start, end) or (_host(text, start, end - 1) if text[end - 1] == ":" else None)


def _host(text: str, start: int, end: int) -> Span | None:
    try:
        address = ipaddress.ip_address(text[start:end])
    except ValueError:
        return None
    nobody = address.is_loopback or address.is_unspecified or text[start:end] == "255.255.255.255"
    return None if nobody else (start, end)


def key(text: str, start: int, end: int) -> Span | None:
    """A vendor's key begins a word and is random: a candidate without any digit is a word such as a CSS class."""
    return (start, end) if begins_alone(text, start) and _DIGIT.search(text, start, end) else None


def secret(text: str, start: int, end: int) -> Span | None:
    """What stands after `token=` and the like: long, with letters and digits, as random values are."""
    value = text[start:end]
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return (start, end) if mixed and len(value) >= SHORTEST_SECRET else None


def password(text: str, start: int, end: int) -> Span | None:
    """What stands after `password=`, whatever it looks like, unless it is a word of a type annotation or a path."""
    value = text[start:end]
    return None if value.lower() in _ANNOTATIONS or value.startswith(("/", "~/", "./")) else (start, end)
