"""What decoding JSON raises where it is none: msgspec's own errors are only one of three families."""

import msgspec

REFUSED = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""All that msgspec raises on hostile input: too deep is a RecursionError, half a surrogate pair a UnicodeError."""
