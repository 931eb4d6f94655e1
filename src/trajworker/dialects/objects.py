"""Objects in recorded JSON, in whose place anything may stand."""

from typing import Any


def held(item: Any, *names: str) -> dict[str, Any]:  # noqa: ANN401 - recorded JSON
    """A value, or what it holds under names one within the other, where that is an object; else an empty one."""
    for name in names:
        item = item.get(name) if isinstance(item, dict) else None
    return item if isinstance(item, dict) else {}
