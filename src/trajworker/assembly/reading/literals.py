"""Values that stand in a text as Python writes them (`repr`): LangChain's older versions and exceptions do that."""

import ast
from typing import Any

MAX_LITERAL = 1_000_000
"""Characters up to which a text is read as a value."""


def literal_in(text: str) -> Any:  # noqa: ANN401 - any value that can be written
    """The value that a text writes; None where it is none, or too long."""
    if len(text) > MAX_LITERAL:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def words_of_blocks(text: str | None) -> str | None:
    """The words of content blocks that were written into a text (AgentExecutor); None of any other text.

    JSON that a model was asked for begins otherwise: Python's quotes are single.
    """
    blocks = literal_in(text) if text and (text == "[]" or text.startswith("[{'")) else None
    if not isinstance(blocks, list) or not all(isinstance(one, dict) and "type" in one for one in blocks):
        return None
    return "".join(one["text"] for one in blocks if isinstance(one.get("text"), str))
