"""What can go wrong with one request, as a value without URL, header, key or body: only the server's short reason."""

from enum import StrEnum


class Kind(StrEnum):
    """Why no usable answer came."""

    STATUS = "status"
    """The server answered with an error status."""
    CONNECT = "connect"
    """No connection: name not found, refused, unreachable, timed out while connecting."""
    TLS = "tls"
    """The certificate or the protocol is not to be trusted."""
    TIMEOUT = "timeout"
    """Connected, but the answer stalled, dripped or took too long."""
    BROKEN = "broken"
    """The connection broke before the answer was whole."""
    TORN = "torn"
    """The answer ended before its JSON or its compressed stream did."""
    CORRUPT = "corrupt"
    """The compressed stream is damaged or of a kind that was not asked for."""
    FOREIGN = "foreign"
    """A success, but not of this API: HTML, a portal, a bare error text."""
    OVERSIZE = "oversize"
    """The answer is larger than the cap."""
    REDIRECT = "redirect"
    """The server points elsewhere; the key is never sent on."""


REJECTED = frozenset({400, 422})
"""Statuses of a question that is not taken: a filter, a cursor, a limit."""
TURNED_AWAY = frozenset({404, 405, 406, 501})
"""Statuses of what the server does not offer, e.g. the other generation of the API."""
KEY_REFUSED = 401
FORBIDDEN = 403
THROTTLED = 429


class Failure(Exception):
    """One request failed; `retrying` decides what follows."""

    def __init__(
        self, kind: Kind, *, status: int | None = None, detail: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{kind}{f' {status}' if status else ''}{f': {detail}' if detail else ''}")
        self.kind = kind
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.proxy = ""
        """The configured proxy that was gone through, without its credentials."""

    @property
    def rejected(self) -> bool:
        """Whether the server did not take the question itself."""
        return self.kind is Kind.STATUS and self.status in REJECTED

    @property
    def turned_away(self) -> bool:
        """Whether the server does not offer what was asked, such as this generation of the API."""
        return self.kind is Kind.STATUS and self.status in TURNED_AWAY

    @property
    def throttled(self) -> bool:
        """Whether nothing is wrong but the pace."""
        return self.kind is Kind.STATUS and self.status == THROTTLED

    @property
    def reason(self) -> str:
        """One word for logs and metrics."""
        return f"status_{self.status}" if self.kind is Kind.STATUS else self.kind.value
