"""Lists given for the sequences of a struct, kept as tuples: frozen, and equal to what is read back from a file."""

from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr


def keep_tuples(struct: Struct, *names: str) -> None:
    """Turn each of these fields that was given as a list into a tuple; only for `__post_init__`."""
    for name in names:
        value: Any = getattr(struct, name)
        if type(value) is list:
            force_setattr(struct, name, tuple(value))
