"""Text of strangers (ids, names) made safe for a terminal: what could move the cursor is shown as an escape."""


def printable(text: str) -> str:
    r"""The text with every control and other unprintable character written as an escape such as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
