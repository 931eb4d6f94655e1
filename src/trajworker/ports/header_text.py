"""What the header of a request can carry: one rule for keys and ids, wherever they come from."""

MAX_HEADER_CHARS = 4096


def refusal(text: str) -> str | None:
    """Why a text cannot be sent as a header, in words that do not show it; None where it can."""
    if not text:
        return "the value is empty"
    if "\r" in text or "\n" in text:
        return "the value holds a line break"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "the value holds characters that no key has (a space, a control or a non-ASCII character)"
    if len(text) > MAX_HEADER_CHARS:
        return f"the value is longer than {MAX_HEADER_CHARS} characters"
    return None
