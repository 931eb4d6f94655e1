"""Log lines for people, as text. The only import of structlog, which brings rich along: never for a collector."""

from collections.abc import Callable
from typing import Any

import structlog

from trajworker.observing.printable import printable


def pretty_renderer(*, colours: bool) -> Callable[[dict[str, Any]], bytes]:
    """Makes a line of fields; what strangers wrote cannot move the cursor."""
    console = structlog.dev.ConsoleRenderer(sort_keys=False, colors=colours)

    def render(fields: dict[str, Any]) -> bytes:
        safe = {name: printable(value) if isinstance(value, str) else value for name, value in fields.items()}
        return console(None, "", safe).encode("utf-8", "backslashreplace")

    return render
