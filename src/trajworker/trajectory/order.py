"""Which tool was called before which (seed 003, `called_before?`)."""

from collections.abc import Sequence

from trajworker.errors import ConfigError


class ToolsNotCalled(ConfigError, ValueError):
    """An order was asked for among tools that were never called; the message names them."""


def came_before(names: Sequence[str], first: str, then: str, *, require_both: bool = False) -> bool:
    """Whether the first `first` stands before the last `then` among the names of calls, in order.

    One tool named twice must stand there twice. A tool never called makes it False, or, with `require_both`, raises
    ToolsNotCalled naming the absent ones.
    """
    absent = [name for name in dict.fromkeys((first, then)) if name not in names]
    if absent and require_both:
        raise ToolsNotCalled(f"never called: {', '.join(absent)} (require_both is set)")
    return not absent and names.index(first) < len(names) - 1 - names[::-1].index(then)
