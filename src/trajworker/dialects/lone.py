"""The one text of a payload whose names say nothing: beside it stand figures and settings only."""

from typing import Any

from trajworker.dialects.placeholders import is_placeholder

_SETTINGS = frozenset({
    "model", "model_name", "object", "status", "finish_reason", "stop_reason", "provider", "language", "lang", "locale",
    "timestamp", "created_at", "usage", "usage_metadata", "token_usage", "tokens", "metadata",
})  # fmt: skip


def lone_text(payload: dict[str, Any]) -> str | None:
    """The only text among the fields; None where there are several, or what else stands there may say something.

    A span's attributes, whose names have dots, say nothing.
    """
    if "error" in payload:
        return None
    names = (name for name in payload if name not in _SETTINGS and not name.lower().endswith("id") and "." not in name)
    told = [payload[name] for name in names]
    texts = [value for value in told if isinstance(value, str) and not is_placeholder(value)]
    if len(texts) != 1 or not texts[0] or any(isinstance(value, (dict, list)) and value for value in told):
        return None
    return texts[0]
