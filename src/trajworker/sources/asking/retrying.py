"""What follows a failed request: a pure table, after reliability.md section 3 rows 1-25."""

from enum import Enum

from trajworker.errors import NotAllowed, QueryRejected, SourceError, SourceUnavailable
from trajworker.sources.asking.failure import FORBIDDEN, KEY_REFUSED, REJECTED, THROTTLED, TURNED_AWAY, Failure, Kind
from trajworker.sources.asking.settings import Retries

TRANSIENT = frozenset({408, 409, 425, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529})
TOO_MUCH = frozenset({413, 414})
"""Statuses of a question or an answer that is too long."""
NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
"""What OpenSSL calls an answer that is no TLS at all, older and newer ones."""
SHRINK_AFTER = 3
"""Server errors or broken connections in a row before a smaller page is tried: single ones must not cost pages."""


class Remedy(Enum):
    """What may help against a failure, where it is not the pace that is too fast (`Failure.throttled`)."""

    AGAIN = "again"
    """The same request once more, after a while."""
    SHRINK = "shrink"
    """Ask for less at once."""
    NEW_KEY = "new_key"
    """The key is refused: read its file once more."""
    NONE = "none"
    """No use in asking the same again; what else could be asked is told by `Failure.rejected` and `turned_away`."""


_BY_STATUS = {**dict.fromkeys(TOO_MUCH, Remedy.SHRINK), KEY_REFUSED: Remedy.NEW_KEY}
_BY_KIND = {
    Kind.CONNECT: Remedy.AGAIN,
    Kind.TIMEOUT: Remedy.SHRINK,
    Kind.TORN: Remedy.AGAIN,
    Kind.CORRUPT: Remedy.AGAIN,
    Kind.FOREIGN: Remedy.AGAIN,
    Kind.OVERSIZE: Remedy.SHRINK,
    Kind.TLS: Remedy.NONE,
    Kind.REDIRECT: Remedy.NONE,
}
_OF_ONE_RUN = frozenset({Kind.TIMEOUT, Kind.OVERSIZE, Kind.BROKEN, Kind.TORN, Kind.CORRUPT})
"""Faults that one run may cause, besides server errors."""
_FEW = frozenset({Kind.TORN, Kind.CORRUPT, Kind.FOREIGN})
"""Faults that rarely pass: a proxy's hiccup, or for good."""


def remedy_for(failure: Failure, attempt: int, retries: Retries) -> Remedy:
    """What to do after the `attempt`-th failure of a request (counted from 1, rate limits left out)."""
    if failure.status in TRANSIENT or failure.kind is Kind.BROKEN:
        remedy = Remedy.SHRINK if attempt >= SHRINK_AFTER else Remedy.AGAIN
    elif failure.kind is not Kind.STATUS:
        remedy = _BY_KIND[failure.kind]
    else:
        remedy = _BY_STATUS.get(failure.status or 0, Remedy.NONE)
    most = retries.torn_attempts if failure.kind in _FEW else retries.attempts
    if remedy is Remedy.AGAIN and attempt >= most:
        return Remedy.NONE
    return remedy


def may_pass(failure: Failure) -> bool:
    """Whether the same question may be answered later; what is too long is so again."""
    return failure.status not in TOO_MUCH and failure.kind is not Kind.OVERSIZE


def may_be_one_run(failure: Failure) -> bool:
    """Whether a single run may be the cause, and not the key, the network or the API: asking for less may help."""
    if failure.kind is Kind.STATUS:
        return failure.status in TRANSIENT or failure.status in TOO_MUCH
    return failure.kind in _OF_ONE_RUN


def error_of(failure: Failure) -> SourceError:
    """The error a person sees when nothing more can be done."""
    server_says = f" The server says: {failure.detail}" if failure.detail else ""
    if failure.kind is Kind.STATUS:
        return _error_of_status(failure.status or 0, server_says)
    if failure.kind is Kind.CONNECT:
        through, check = (f" through the proxy {failure.proxy}", "source.proxy, ") if failure.proxy else ("", "")
        return SourceUnavailable(
            f"LangSmith cannot be reached{through} ({failure.detail}). Check {check}source.endpoint and the network."
        )
    if failure.kind is Kind.TLS:
        return _error_of_tls(failure)
    if failure.kind is Kind.REDIRECT:
        return SourceUnavailable(
            f"The server redirects elsewhere (status {failure.status}), and the API key is never sent on. "
            "Correct source.endpoint."
        )
    if failure.kind is Kind.FOREIGN:
        return SourceUnavailable(
            f"The server answers, but not as LangSmith does ({failure.detail}). Check source.endpoint, "
            "and whether a proxy or a sign-in page stands in between."
        )
    return SourceUnavailable(f"LangSmith did not answer usably ({failure}). Run again later.")


def _error_of_tls(failure: Failure) -> SourceError:
    if failure.detail in NO_TLS:
        return NotAllowed(
            f"The server answers without TLS ({failure.detail}). Correct the port in source.endpoint, or write http:// "
            "there where the server is on this machine."
        )
    return NotAllowed(
        f"The connection is not to be trusted ({failure.detail}). Name your company's certificates with "
        "source.ca_bundle, or correct source.endpoint."
    )


def _error_of_status(status: int, server_says: str) -> SourceError:
    if status == KEY_REFUSED:
        return NotAllowed(
            "LangSmith refuses the API key (401). Check source.api_key (LANGSMITH_API_KEY) or source.api_key_file, and "
            f"the region of source.endpoint.{server_says}"
        )
    if status == FORBIDDEN:
        check = "Set" if "workspace" in server_says else "Check the key, the region of source.endpoint, and"
        hint = f"{check} source.workspace_id (LANGSMITH_WORKSPACE_ID)."
        return NotAllowed(f"LangSmith does not allow this (403). {hint}{server_says}")
    if status in TURNED_AWAY:
        return SourceUnavailable(
            f"This server does not offer what was asked (status {status}). Check source.endpoint (no path but the "
            f"host) and source.api.{server_says}"
        )
    if status in REJECTED:
        return QueryRejected(f"LangSmith rejects the question (status {status}).{server_says}")
    if status == THROTTLED:
        return SourceUnavailable(
            "LangSmith's rate limit stayed closed. Run again later, or share the key with fewer clients."
        )
    return SourceUnavailable(f"LangSmith failed again and again (status {status}). Run again later.{server_says}")
