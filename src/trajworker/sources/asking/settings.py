"""How to reach LangSmith and how hard to try: every bound of the source has its name here."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from trajworker.model.run import NEEDED_RUN_TYPES, THREAD_KEYS
from trajworker.ports import patience
from trajworker.sources.asking.api_key import ApiKey

LARGEST_PAGE = 1000
"""No server gives more runs at once."""


class Timeouts(Struct, frozen=True, kw_only=True):
    """Seconds that a request may take; without a total a server that drips bytes would hold a pager for ever."""

    connect_s: float = patience.CONNECT_TIMEOUT.total_seconds()
    read_s: float = patience.READ_TIMEOUT.total_seconds()
    """Between two bytes; heavy queries take half a minute before the first."""
    total_s: float = patience.REQUEST_TIMEOUT.total_seconds()
    """The self-hosted proxy gives up after as long."""
    grace_s: float = 30.0
    """From then on the answer must come faster than `slowest_bytes_per_s`."""
    slowest_bytes_per_s: float = 1024.0


class Retries(Struct, frozen=True, kw_only=True):
    """How often a request that fails in a passing way is made again."""

    attempts: int = patience.ATTEMPTS
    """In all, backing off to about three minutes: then the source counts as unavailable."""
    page_attempts: int = 7
    """For a page, before its runs are asked for one by one."""
    torn_attempts: int = 3
    first_contact_attempts: int = 4
    """For a server that was never reached: a wrong address should not take minutes to show."""
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    throttled_s: float = patience.THROTTLED.total_seconds()
    """How long nothing but 429 is borne."""


class Limit(Struct, frozen=True):
    """Requests allowed in any stretch of `window_s` seconds."""

    count: int
    window_s: float


LIMITS = {"v2": Limit(300, 10.0), "v1": Limit(10, 10.0), "v1_slow": Limit(3, 10.0), "other": Limit(1000, 10.0)}
"""Documented limits by tier (langsmith-api.md section 5.1); "other" is every route without one of its own."""


class LangSmithSettings(Struct, frozen=True, kw_only=True):
    """Everything the source needs to know."""

    endpoint: str
    """The root below which `/api/v1` and `/api/v2` live, without a slash at its end."""
    api_key: ApiKey | None = None
    """None where the server asks for none (a simulator)."""
    workspace_id: str | None = None
    api: Literal["auto", "v2", "v1"] = "auto"
    known_api: Literal["v2", "v1"] | None = None
    """What the server spoke last time: spoken at once instead of asking `/info`, corrected where it is turned away."""
    known_api_until: datetime | None = None
    """From then on, by the server's clock, `/info` is asked all the same; None trusts what is known for ever."""
    known_run_bytes: float | None = None
    """What runs weighed last time, so that not even the first page need be small."""
    run_types: tuple[str, ...] = NEEDED_RUN_TYPES
    """Only roots and these are asked for; empty asks for every run."""
    thread_keys: tuple[str, ...] = THREAD_KEYS
    page_size: int = LARGEST_PAGE
    """Largest page asked for; the server's own cap holds besides."""
    page_bytes: int = 4_000_000
    """What a page should weigh: its number of runs follows from this."""
    page_cap_bytes: int = patience.PAGE_CAP_BYTES
    """What a page may weigh after decompression: more is refused."""
    in_flight: int = 16
    """Requests under way at once; more cost CPU and gain nothing (dependencies.md section 2)."""
    limits: dict[str, Limit] = field(default_factory=LIMITS.copy)
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    ca_bundle: Path | None = None
    """Certificates that are trusted in place of the built-in ones. Verification cannot be turned off."""
    proxy: str | None = None
    """HTTP_PROXY, NETRC and SSL_CERT_FILE of the environment never count."""
