"""How runs tell that they failed: errors without their tracebacks, and interrupts that are none."""

import re

from trajworker.assembly.reading.literals import literal_in
from trajworker.model.run import Run

_JS_INTERRUPT = re.compile(r"^(?:Graph|Node)Interrupt: \[", re.MULTILINE)


def is_interrupt(run: Run) -> bool:
    """Whether a run stopped to ask a human, which LangGraph records as an error."""
    error = run.error
    if error is None:
        return False
    return (
        "GraphInterrupt(" in error[:200] or "NodeInterrupt(" in error[:200] or _JS_INTERRUPT.search(error) is not None
    )


_STOPS = ("GeneratorExit", "Cancelled")


def is_stopped(run: Run) -> bool:
    """Whether a stream ended because nobody read on, which SDKs record as an error: the model did not fail."""
    return run.error is not None and run.error.startswith(_STOPS)


def error_text(error: str | None) -> str | None:
    """An error without its traceback, as Python's last line tells it: `ValueError('x')` becomes `ValueError: x`."""
    if not error:
        return None
    head = error.split("Traceback (most recent call last)", 1)[0].strip()
    if not head:
        lines = [line for line in error.strip().split("\n") if line.strip()]
        return lines[-1].strip() if lines else None
    head = head.split("\n    at ", 1)[0].strip()
    lines = head.split("\n")
    if len(lines) > 2 and not lines[1].strip() and lines[2].endswith(lines[0]):  # noqa: PLR2004 - message, blank, name
        head = lines[2].strip()
    name, _, rest = head.partition("(")
    if rest.endswith(")") and name.replace(".", "").replace("_", "").isalnum():
        inner = literal_in(rest[:-1])
        if isinstance(inner, str):
            return f"{name}: {inner}"
    return head
