"""Questions about tools by their names: which was called before which (seed 003, `called_before?`)."""

from collections.abc import Sequence

from trajworker.errors import ConfigError


class ToolsNotCalled(ConfigError, ValueError):
    """An order was asked for among tools that were never called; the message names them."""


class NoToolName(ConfigError, TypeError):
    """What was given is no tool name; a list or None would be a name that nobody has, and a question about nothing."""


def tool_name(name: object) -> str:
    """The name itself; raises NoToolName where it is no text."""
    if isinstance(name, str):
        return name
    advice = ": give the names one by one, *names" if isinstance(name, list | tuple | set | frozenset) else ""
    raise NoToolName(f"{name!r} is no tool name but {type(name).__name__}{advice}")


def came_before(names: Sequence[str], first: str, then: str, *, require_both: bool = False) -> bool:
    """Whether the first `first` stands before the last `then` among the names of calls, in order.

    One tool named twice must stand there twice. A tool never called makes it False, or, with `require_both`, raises
    ToolsNotCalled naming the absent ones. Raises NoToolName where `first` or `then` is no text.
    """
    asked = dict.fromkeys((tool_name(first), tool_name(then)))
    absent = [name for name in asked if name not in names]
    if absent and require_both:
        raise ToolsNotCalled(f"never called: {', '.join(absent)} (require_both is set)")
    return not absent and names.index(first) < len(names) - 1 - names[::-1].index(then)
