"""Asks the server one thing until it answers usably or the patience for it is spent: pace, send, understand, decide."""

import hashlib
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import anyio.to_thread
from msgspec import Struct

from trajworker.events import Observer, RequestRetried
from trajworker.sources.asking.failure import Failure, Kind
from trajworker.sources.asking.pacing import Pace, Paces
from trajworker.sources.asking.retrying import Remedy, may_pass, remedy_for
from trajworker.sources.asking.settings import LIMITS, LangSmithSettings
from trajworker.sources.asking.transport import Request, Response, Transport
from trajworker.sources.wires.reading import NotAPage
from trajworker.sources.wires.splitting import Torn

T = TypeVar("T")

THREAD_ABOVE_BYTES = 1 << 20
"""Answers larger than this are understood in a worker thread, so that the loop keeps beating."""
DATE_RESOLUTION = timedelta(seconds=1)


class Ask(Struct, Generic[T], frozen=True, kw_only=True):
    """A request, the tier it is paced by, and what makes sense of its answer."""

    request: Request
    tier: str
    understand: Callable[[bytes], T]
    shrinkable: bool = False
    """Whether who asks will ask for less where that may help; else it is asked again as it is."""


class Tries(Struct):
    """Failures of one question so far, kept across its variations (smaller pages, another generation)."""

    most: int
    failures: int = 0
    longest_wait_s: float = math.inf
    wait_s: float = 0.0
    throttled_since: float | None = None
    key_read_again: bool = False


class Client:
    """Paced, retried requests over one transport; keeps the server's clock."""

    def __init__(
        self,
        transport: Transport,
        settings: LangSmithSettings,
        observer: Observer,
        paces: Paces,
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._observe = observer
        self._paces = paces
        self._timing = paces.timing
        key = settings.api_key.reveal() if settings.api_key else ""
        self._key_digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
        self._server_time: tuple[datetime, float] | None = None
        self._met = False

    @property
    def server_time(self) -> datetime | None:
        """The server's clock now, from the last `Date` it told; None before the first."""
        if self._server_time is None:
            return None
        date, at = self._server_time
        return date + timedelta(seconds=self._timing.now() - at)

    @property
    def now(self) -> datetime:
        """The server's clock; the host's where the server has told none."""
        return self.server_time or datetime.now(UTC)

    def pace_of(self, tier: str) -> Pace:
        """The shared pace of a tier."""
        limit = self._settings.limits.get(tier, LIMITS[tier])
        return self._paces.of((self._transport.root, self._key_digest, tier), limit, self._observe)

    async def ask(self, ask: Ask[T], tries: Tries | None = None) -> T:
        """The understood answer.

        Raises:
            Failure: the remedy for it is not to ask the same again, or the tries are spent.
        """
        tries = tries or Tries(self._settings.retries.attempts)
        while True:
            try:
                return await self._once(ask)
            except Failure as failure:
                if not await self._prepare_retry(failure, tries, ask):
                    raise

    async def _once(self, ask: Ask[T]) -> T:
        pace = self.pace_of(ask.tier)
        sent_at = await pace.turn()
        try:
            response = await self._transport.send(ask.request)
        except Failure as failure:
            if failure.throttled:
                pace.refused(sent_at, failure.retry_after_s)
            raise
        finally:
            pace.unanswered()
        pace.accepted(sent_at)
        self._met = True
        self._note_time(response)
        return await _understood(ask.understand, response.content)

    async def _prepare_retry(self, failure: Failure, tries: Tries, ask: Ask[T]) -> bool:
        """Wait as long as is due before asking once more; False where it is not to be asked again."""
        retries = self._settings.retries
        if failure.throttled:
            return self._outlasts_limit(failure, tries, ask.tier)
        tries.throttled_since = None
        tries.failures += 1
        remedy = remedy_for(failure, tries.failures, retries)
        if remedy is Remedy.NEW_KEY and not tries.key_read_again and self._settings.api_key is not None:
            tries.key_read_again = True
            return self._settings.api_key.read_again()
        stranger = failure.kind is Kind.CONNECT and not self._met
        most = min(tries.most, retries.first_contact_attempts) if stranger else tries.most
        again = remedy is Remedy.AGAIN or (remedy is Remedy.SHRINK and not ask.shrinkable and may_pass(failure))
        if not again or tries.failures >= most:
            return False
        await self.back_off(failure, tries)
        return True

    async def back_off(self, failure: Failure, tries: Tries) -> None:
        """Wait before another attempt: decorrelated jitter, or what the server asks for."""
        retries = self._settings.retries
        longest = min(max(tries.wait_s, retries.first_wait_s) * 3, retries.longest_wait_s, tries.longest_wait_s)
        tries.wait_s = self._timing.uniform(retries.first_wait_s, longest)
        wait_s = tries.wait_s if failure.retry_after_s is None else max(failure.retry_after_s, tries.wait_s)
        self._observe(
            RequestRetried(reason=failure.reason, attempt=tries.failures, wait_s=wait_s, status=failure.status)
        )
        await self._timing.sleep(wait_s)

    def _outlasts_limit(self, failure: Failure, tries: Tries, tier: str) -> bool:
        """The pace makes everybody wait; only a limit that never opens again ends in an error."""
        now = self._timing.now()
        if tries.throttled_since is None:
            tries.throttled_since = now
        if now - tries.throttled_since > self._settings.retries.throttled_s:
            return False
        wait_s = self.pace_of(tier).closed_s
        self._observe(
            RequestRetried(reason="throttled", attempt=tries.failures + 1, wait_s=wait_s, status=failure.status)
        )
        return True

    def _note_time(self, response: Response) -> None:
        """`Date` tells whole seconds: an estimate that lies within the second told is the better one."""
        if response.date is None:
            return
        estimate = self.server_time
        if estimate is None or not response.date <= estimate < response.date + DATE_RESOLUTION:
            self._server_time = (response.date, self._timing.now())


async def _understood(understand: Callable[[bytes], T], content: bytes) -> T:
    try:
        if len(content) <= THREAD_ABOVE_BYTES:
            return understand(content)
        return await anyio.to_thread.run_sync(understand, content)
    except Torn as error:
        raise Failure(Kind.TORN, detail=str(error)) from None
    except NotAPage as error:
        raise Failure(Kind.FOREIGN, detail=str(error)) from None
