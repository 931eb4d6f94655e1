"""Where the API is: one origin, whatever of its paths the user has pasted."""

from urllib.parse import urlsplit

from trajworker.errors import ConfigError

SUFFIXES = ("/api/v1", "/api/v2", "/api")
"""Paths that users copy along with the host (langsmith-api.md section 1)."""


def root_of(endpoint: str) -> str:
    """The root below which `/api/v1` and `/api/v2` live.

    Raises:
        ConfigError: not an http(s) address, or one that carries a user, a query or a fragment.
    """
    text = endpoint.strip().rstrip("/")
    for suffix in SUFFIXES:
        if text.endswith(suffix):
            text = text.removesuffix(suffix).rstrip("/")
            break
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ConfigError("The endpoint is no address; write it like https://api.smith.langchain.com.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ConfigError(
            f"The endpoint {endpoint!r} is no http(s) address; write it like https://api.smith.langchain.com."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError("The endpoint must be a bare address, without user, password, query or fragment.")
    return text
