import copy
import gc
import io
import logging
import pickle
import traceback
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.fake_langsmith import run_row
from support.scripted_server import RESET, Reply, head, json_reply, reply, scripted
from support.source_bench import KEY, PROJECT, START, Bench, bench, part
from trajworker.config import read_secret
from trajworker.errors import ConfigError, TrajworkerError
from trajworker.sources.asking.api_key import ApiKey

GOOD = json_reply({"items": [run_row(1, START)], "next_cursor": None})
FAULTS = {
    "reset": RESET,
    "refused": json_reply({"detail": "Invalid token"}, 401),
    "forbidden": json_reply({"detail": "Forbidden"}, 403),
    "redirect": Reply((head(302, {"Location": "http://127.0.0.1:9/", "Content-Length": "0"}),)),
    "html": reply(b"<html></html>", content_type="text/html"),
    "rejected": json_reply({"detail": "bad"}, 422),
    "failing": json_reply({}, 500),
    "torn": reply(b'{"items":['),
    "zip": reply(b"no gzip", headers={"Content-Encoding": "gzip"}),
    "gone": json_reply({}, 404),
}


def chain(error: BaseException | None) -> list[BaseException]:
    """An error and all that hangs on it."""
    seen: list[BaseException] = []
    todo = [error]
    while todo:
        one = todo.pop()
        if one is not None and one not in seen:
            seen.append(one)
            todo += [one.__cause__, one.__context__]
    return seen


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """What the libraries beneath log too, all of it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    loggers = [logging.getLogger(name) for name in (None, "httpx", "httpcore")]
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        loggers[0].removeHandler(handler)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


async def test_what_httpx_logs_of_requests_is_ids_and_neither_the_key_nor_that_of_the_proxy() -> None:
    with everything_logged() as written:
        async with scripted([GOOD, json_reply([])]) as proxy:
            through = proxy.url.replace("//", f"//user:{KEY}@")
            async with bench("http://langsmith.invalid", proxy=through) as one:
                await one.source.page(part())
                await one.source.feedback(["a"])
        async with scripted([GOOD]) as server, bench(server.url) as one:
            await one.source.page(part())
    assert "HTTP Request: POST http://langsmith.invalid/" in written.getvalue()
    assert "send_request_headers" in written.getvalue()
    assert b64encode(f"user:{KEY}".encode()).decode() in proxy.received[0].headers["proxy-authorization"]
    assert all(word not in written.getvalue() for word in (KEY, b64encode(f"user:{KEY}".encode()).decode()))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_neither_errors_nor_logs_nor_events_hold_it(fault: Reply) -> None:
    with everything_logged() as written:
        async with scripted([fault]) as server, bench(server.url) as one:
            for call in (
                lambda: one.source.page(part()),
                lambda: one.source.find_projects(["x"]),
                lambda: one.source.runs_by_id(PROJECT, ["a"]),
                lambda: one.source.feedback(["a"]),
            ):
                with pytest.raises(TrajworkerError) as caught:
                    await call()
                for error in chain(caught.value):
                    assert KEY not in "".join(traceback.format_exception(error))
                    assert KEY not in repr(vars(error))
                    assert "?run=" not in str(error)
            assert KEY not in repr(one.events)
            assert KEY not in repr(one.settings)
            assert server.received[0].headers["x-api-key"] == KEY
            assert all(KEY not in request.target and KEY.encode() not in request.body for request in server.received)
    assert KEY not in written.getvalue()


async def test_the_key_goes_to_the_one_origin_only() -> None:
    """Addresses inside the data, in cursors too, are data."""
    async with scripted([GOOD]) as other:
        item = run_row(1, START, attachments={"a": other.url}, inputs={"s3_urls": other.url})
        first = json_reply({"items": [item], "next_cursor": other.url + "/next"})
        async with scripted([first, GOOD]) as server, bench(server.url) as one:
            await one.all_pages()
            assert server.received[1].asked["cursor"] == other.url + "/next"
        assert other.received == []


def test_the_key_is_neither_printed_nor_copied() -> None:
    key = ApiKey(KEY)
    assert f"{key}{key!r}{key!s}{key:>5}".replace("*", "").strip() == ""
    assert key.reveal() == KEY
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copied(key)


@pytest.mark.parametrize(
    "text", ["", "\n", "a b", "käse", "two\nlines", "tab\t", "nul\0", "a\r\nb", "\ufeffkey", "key\r", "k" * 5000]
)
def test_a_key_no_header_can_carry_is_refused_unseen(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ApiKey(text)
    assert caught.value.exit_code == 78
    assert not text.strip() or text not in str(caught.value)
    key = ApiKey(KEY, lambda: text)
    assert not key.read_again()
    assert key.reveal() == KEY


def test_a_key_that_cannot_be_read_again_stays(tmp_path: Path) -> None:
    key = ApiKey(KEY, lambda: read_secret(tmp_path / "missing").reveal())
    assert not key.read_again()
    assert key.reveal() == KEY


async def test_nothing_keeps_a_failed_request_alive() -> None:
    async with scripted([json_reply({}, 403)]) as server:
        one = Bench(server.url)
        async with one.source:
            with pytest.raises(TrajworkerError) as caught:
                await one.source.page(part())
        gc.collect()
        assert all(not type(error).__module__.startswith("http") for error in chain(caught.value))
