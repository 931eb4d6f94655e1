"""Opaque keyset cursors: where the next page goes on, and nothing a client could build itself."""

import base64
import itertools

import msgspec

from trajworker.simulator.store import Key

_serial = itertools.count(1)


class BadCursor(ValueError):
    """A cursor this server never gave out."""


class _Position(msgspec.Struct, array_like=True):
    """A key, or None for the very start; the serial makes two cursors for one place differ."""

    key: Key | None
    serial: int


def after(key: Key | None) -> str:
    """A new cursor for what follows a key (None: from the start)."""
    packed = msgspec.msgpack.encode(_Position(key, next(_serial)))
    return base64.urlsafe_b64encode(packed).decode()


def read(cursor: str | None) -> Key | None:
    """The key a cursor stands for.

    Raises:
        BadCursor: the server never gave it out.
    """
    if not cursor:
        return None
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor), type=_Position).key
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadCursor("Invalid cursor") from error
