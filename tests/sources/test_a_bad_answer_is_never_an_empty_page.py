import gzip
import json
import tracemalloc
import zlib

import pytest

from support.fake_langsmith import run_row
from support.scripted_server import (
    RESET,
    Pause,
    Reply,
    Reset,
    chunked,
    drip,
    head,
    json_reply,
    reply,
    scripted,
    until_closed,
)
from support.source_bench import START, bench, part
from trajworker.errors import SourceUnavailable
from trajworker.events import RequestRetried
from trajworker.sources.asking.settings import Timeouts

GOOD = {"items": [run_row(1, START), run_row(2, START)], "next_cursor": None}
TEXT = json.dumps(GOOD).encode()
ZIPPED = gzip.compress(TEXT)
GZIP = {"Content-Encoding": "gzip"}
JSON = {"Content-Type": "application/json"}
QUICK = Timeouts(connect_s=1.0, read_s=0.1, total_s=0.4, grace_s=0.1, slowest_bytes_per_s=10_000)

PASSING = {
    "cut within the JSON, right length": reply(TEXT[:-30]),
    "cut within a text of a run": reply(TEXT[: TEXT.index(b'"run 2"') + 3]),
    "cut before the cursor": reply(TEXT[: TEXT.rindex(b', "next_cursor"')]),
    "shorter than told": reply(TEXT[:-30], length=len(TEXT)),
    "cut, without a length": until_closed(TEXT[:-30]),
    "nothing at all": reply(b""),
    "chunks without an end": chunked(TEXT, whole=False),
    "gzip cut": reply(ZIPPED[:-20], headers=GZIP),
    "gzip cut before its checksum": reply(ZIPPED[:-8], headers=GZIP),
    "gzip damaged": reply(ZIPPED[:20] + b"\xff\xff\xff" + ZIPPED[23:], headers=GZIP),
    "an encoding not asked for": reply(b"(\xb5/\xfd", headers={"Content-Encoding": "zstd"}),
    "HTML with status 200": reply(b"<html>Please sign in</html>", content_type="text/html; charset=utf-8"),
    "HTML that claims to be JSON": reply(b"<html>Please sign in</html>"),
    "an error text with status 200": json_reply({"detail": "not today"}),
    "another API": json_reply([{"items": []}]),
    "null for the runs": json_reply({"items": None, "next_cursor": None}),
    "reset before the headers": RESET,
    "reset after the headers": Reply((head(200, JSON | {"Content-Length": str(len(TEXT))}), Pause(0.01), Reset())),
    "reset mid-body": Reply((head(200, JSON | {"Content-Length": str(len(TEXT))}), TEXT[:40], Pause(0.01), Reset())),
    "closed without an answer": Reply((), close=True),
    "not HTTP": Reply((b"220 mail.example ESMTP\r\n",), close=True),
    "408": json_reply({}, 408),
    "409": json_reply({}, 409),
    "425": json_reply({}, 425),
    "500": json_reply({"detail": "Internal server error"}, 500),
    "502 in HTML": reply(b"<html>Bad Gateway</html>", 502, content_type="text/html"),
    "503": json_reply({}, 503),
    "504": json_reply({}, 504),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
async def test_a_fault_that_passes_is_ridden_out_and_told(fault: Reply) -> None:
    async with scripted([fault, json_reply(GOOD)]) as server, bench(server.url) as one:
        page = await one.source.page(part())
        assert len(page.runs) == 2
        assert len(server.received) == 2
        assert sum(isinstance(event, RequestRetried) for event in one.events) == 1
        assert 0.5 <= sum(one.waits.seconds) <= 1.5


@pytest.mark.parametrize(
    "fault",
    [
        Reply((Pause(5.0),)),
        Reply((head(200, JSON | {"Content-Length": str(len(TEXT))}), TEXT[:40], Pause(5.0))),
        drip(TEXT, 0.02),
    ],
    ids=["stall before the headers", "stall mid-body", "a byte now and then"],
)
async def test_a_server_that_stalls_or_drips_holds_nobody(fault: Reply) -> None:
    async with scripted([fault, json_reply(GOOD)]) as server, bench(server.url, timeouts=QUICK) as one:
        assert len((await one.source.page(part())).runs) == 2
        assert len(server.received) == 2


@pytest.mark.parametrize(
    "name", ["HTML with status 200", "an error text with status 200", "HTML that claims to be JSON"]
)
async def test_what_is_no_langsmith_ends_in_a_clear_error_after_three_tries(name: str) -> None:
    async with scripted([PASSING[name]]) as server, bench(server.url) as one:
        with pytest.raises(SourceUnavailable, match="not as LangSmith does"):
            await one.source.page(part())
        assert len(server.received) == 3


async def test_a_server_that_went_away_is_waited_for_and_then_named_unavailable() -> None:
    gone = scripted([json_reply(GOOD)])
    server = await gone.__aenter__()
    async with bench(server.url) as one:
        await one.source.page(part())
        await gone.__aexit__(None, None, None)
        with pytest.raises(SourceUnavailable, match="cannot be reached"):
            await one.source.page(part())
        assert 60 <= sum(one.waits.seconds) <= 360


@pytest.mark.parametrize("encoding", ["identity", "gzip", "two gzip members", "gzip of a stored block"])
async def test_whole_answers_arrive_whatever_their_encoding(encoding: str) -> None:
    half = len(TEXT) // 2
    bodies = {
        "identity": TEXT,
        "gzip": ZIPPED,
        "two gzip members": gzip.compress(TEXT[:half]) + gzip.compress(TEXT[half:]),
        "gzip of a stored block": gzip.compress(TEXT, 0),
    }
    fields = {} if encoding == "identity" else GZIP
    async with scripted([reply(bodies[encoding], headers=fields)]) as server, bench(server.url) as one:
        assert len((await one.source.page(part())).runs) == 2
        assert server.received[0].headers["accept-encoding"] == "gzip"


async def test_an_answer_without_length_that_is_whole_is_taken() -> None:
    async with scripted([until_closed(TEXT)]) as server, bench(server.url) as one:
        assert len((await one.source.page(part())).runs) == 2


async def test_a_decompression_bomb_is_stopped_at_the_cap() -> None:
    packer = zlib.compressobj(9, wbits=31)
    block = b" " * (1 << 20)
    bomb = b"".join(packer.compress(block) for _ in range(256)) + packer.flush()
    cap = 8 << 20
    async with scripted([reply(bomb, headers=GZIP)]) as server, bench(server.url, page_cap_bytes=cap) as one:
        tracemalloc.start()
        with pytest.raises(SourceUnavailable, match=r"exceeds .*source\.page_cap"):
            await one.source.page(part())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= 2 * cap


async def test_a_server_that_ignores_the_limit_is_read_all_the_same() -> None:
    rows = [run_row(number, START) for number in range(3000)][::-1]
    async with scripted([json_reply({"items": rows, "next_cursor": None})]) as server, bench(server.url) as one:
        assert len((await one.source.page(part())).runs) == 3000
