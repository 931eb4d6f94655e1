"""Where the API is: one spelling of one origin, whatever of its paths somebody pasted along."""

from typing import Final, NewType
from urllib.parse import SplitResult, urlsplit, urlunsplit

Endpoint = NewType("Endpoint", str)
"""The root of an API: an http(s) address below which `/api/v1` and `/api/v2` live."""

SUFFIXES: Final = ("/api/v1", "/api/v2", "/api")
"""Paths that users copy along with the host (langsmith-api.md section 1)."""
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def root_of(text: str) -> Endpoint:
    """Read an address as the root it names; raises ValueError with advice that does not repeat it."""
    parts = split(text.strip())
    if parts is None:
        raise ValueError("write a URL such as https://api.smith.langchain.com")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("write scheme, host and path only: no user, query or fragment")
    host = parts.netloc.lower().removesuffix(DEFAULT_PORTS[parts.scheme]).removesuffix(":")
    return Endpoint(urlunsplit((parts.scheme, host, _above(parts.path), "", "")))


def split(url: str) -> SplitResult | None:
    """The parts of an http(s) address; None where it is none."""
    try:
        parts = urlsplit(url)
        reachable = parts.port != 0
    except ValueError:
        return None
    return parts if reachable and parts.scheme in DEFAULT_PORTS and parts.hostname else None


def _above(path: str) -> str:
    """The path of a gateway, without what is the API's own."""
    bare = path.rstrip("/")
    own = next((suffix for suffix in SUFFIXES if bare.endswith(suffix)), "")
    return bare.removesuffix(own).rstrip("/")
