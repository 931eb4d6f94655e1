"""What a setting's annotation tells besides its type."""

from datetime import timedelta

from msgspec import Struct


class Key(Struct, frozen=True, kw_only=True):
    """One key.

    Args:
        why: one sentence on what the key is for.
        option: its option on the command line, if it has one.
        variables: environment variables of others that set it too, strongest first, after its own `TRAJWORKER_` one.
        example: TOML for a key whose default is to be absent.
        env_only: refused in files and on the command line.
        least: the smallest value allowed; `most` the largest.
    """

    why: str
    option: str | None = None
    variables: tuple[str, ...] = ()
    example: str | None = None
    env_only: bool = False
    least: float | timedelta | None = None
    most: float | timedelta | None = None
