"""What can be typed: numbers within their bounds, ids that can be ids, or a refusal in words that say why."""

import argparse

TYPE_CHECKING = False  # see cli.parser
if TYPE_CHECKING:
    from collections.abc import Callable


def whole(low: int, high: int) -> "Callable[[str], int]":
    """Reads a whole number between the bounds, which are included."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"write a whole number from {low} to {high}, not {text}")
        return number

    return read


def identifier(text: str) -> str:
    """Reads an id: not empty, and in UTF-8."""
    if not text.strip():
        raise argparse.ArgumentTypeError("an id is empty: write it, or leave it out")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!a} is not UTF-8, as ids are") from None
    return text


def real(low: float, high: float) -> "Callable[[str], float]":
    """Reads a number between the bounds, which are included; nan is no number."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:  # holds for nan, too
            raise argparse.ArgumentTypeError(f"write a number from {low:g} to {high:g}, not {text}")
        return number

    return read
