"""Which generation of the API is spoken: asked for, told by `/info`, or found out by being turned away."""

import anyio
import msgspec
from msgspec import Struct

from trajworker.decoding import REFUSED
from trajworker.events import ApiChosen, Observer
from trajworker.sources.asking.client import Ask, Client, Tries
from trajworker.sources.asking.failure import Failure, Kind
from trajworker.sources.asking.settings import LangSmithSettings
from trajworker.sources.asking.transport import Request
from trajworker.sources.wires.reading import NotAPage
from trajworker.sources.wires.wire import Wire
from trajworker.sources.wires.wire_v1 import WireV1
from trajworker.sources.wires.wire_v2 import WireV2

INFO_PATHS = ("/api/v1/info", "/info")
INFO_ATTEMPTS = 2
"""`/info` is a convenience: without it v2 is tried."""


class _Flags(Struct):
    sdb_query_enabled: bool = False


class _Info(Struct):
    instance_flags: _Flags | None = None


class Generation:
    """The wire in use. `other` is the one to try when the server turns this one away."""

    def __init__(self, settings: LangSmithSettings, client: Client, observer: Observer) -> None:
        self._asked_for = settings.api
        self._client = client
        self._observe = observer
        self._wires: dict[str, Wire] = {"v1": WireV1(), "v2": WireV2()}
        self._wire: Wire | None = self._wires.get(settings.api) or self._wires.get(settings.known_api or "")
        self._doubt_from = settings.known_api_until if settings.api == "auto" else None
        self._asking = anyio.Lock()

    async def current(self) -> Wire:
        """The wire to speak; asks `/info` the first time, unless what it said before may still be trusted."""
        now = self._client.server_time
        if self._doubt_from is not None and now is not None and now >= self._doubt_from:
            self._doubt_from = self._wire = None
        if self._wire is None:
            async with self._asking:
                found = await self._ask_info() if self._wire is None else None
                if found is not None:
                    self.choose(*found)
        return self._wire or self._wires["v2"]

    async def greet(self) -> None:
        """Ask `/info` whatever is spoken, for the server's clock."""
        await self._ask_info()

    def other(self, wire: Wire) -> Wire | None:
        """The wire to try instead, None where the user chose this one."""
        if self._asked_for != "auto":
            return None
        return self._wires["v1" if wire.api == "v2" else "v2"]

    def choose(self, api: str, reason: str) -> None:
        """Speak this one from now on."""
        self._wire = self._wires[api]
        self._observe(ApiChosen(api=api, reason=reason))

    async def _ask_info(self) -> tuple[str, str] | None:
        """The generation and the reason; None while there is no connection, so that it is asked again."""
        for path in INFO_PATHS:
            try:
                info = await self._client.ask(
                    Ask(request=Request(path=path), tier="other", understand=_info), Tries(INFO_ATTEMPTS)
                )
            except Failure as failure:
                if failure.kind is Kind.CONNECT:
                    return None
                continue
            if info.instance_flags is None:
                return "v2", "the server does not say which it speaks"
            flags = info.instance_flags
            return ("v2" if flags.sdb_query_enabled else "v1"), "the server says so in /info"
        return "v2", "the server gives no /info"


def _info(content: bytes) -> _Info:
    try:
        return msgspec.json.decode(content, type=_Info)
    except REFUSED:
        raise NotAPage("no /info of LangSmith") from None
