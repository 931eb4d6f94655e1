"""Which conversation a run belongs to: the thread key (langsmith-api.md section 6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from trajworker.model.run import THREAD_KEYS

WHOLE_BELOW = 2.0**127
"""A number with a fraction or an exponent is written as the whole one it is up to here: so far goes DuckDB, too."""


def _as_key(value: Any) -> str | None:  # noqa: ANN401 - metadata is any JSON
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < WHOLE_BELOW else str(value)
    return None


def thread_key(
    server_thread_id: Any,  # noqa: ANN401 - a server may answer with a number
    metadata: Mapping[str, Any] | None,
    precedence: Sequence[str] = THREAD_KEYS,
) -> str | None:
    """The key that this run itself carries: the server's field first, else its metadata; numbers become strings.

    A trace's key is its root's; only where the root carries none its descendants are asked (earliest first).
    """
    found = _as_key(server_thread_id)
    if found is not None:
        return found
    for name in precedence:
        found = _as_key((metadata or {}).get(name))
        if found is not None:
            return found
    return None
