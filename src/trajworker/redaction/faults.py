"""What went wrong in a redactor, told by kind and line, never by the message, which may hold text."""

import inspect
from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb


def raised(error: Exception, code: Callable[..., object]) -> str:
    """What `code`, a method or function of the user's, raised, and at which of its lines; else at the innermost one."""
    places = [(frame.f_code, number) for frame, number in walk_tb(error.__traceback__)]
    file = getattr(getattr(code, "__code__", None), "co_filename", None)
    own = [place for place in places if place[0].co_filename == file] or places
    where = f" in {own[-1][0].co_name} ({Path(own[-1][0].co_filename).name}:{own[-1][1]})" if own else ""
    return f"raised {type(error).__name__}{where}"


def returned(value: object) -> str:
    """What was returned in place of a text."""
    if inspect.iscoroutine(value):
        value.close()  # it is never awaited, which Python would complain of besides
        return "returned a coroutine instead of text: redact must not be async"
    return f"returned {type(value).__name__} instead of text"
