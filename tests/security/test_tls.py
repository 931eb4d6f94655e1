"""Row 70: whatever is wrong with the TLS at the other end, the worker ends with 77 and says nothing in the clear."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import anyio.to_thread
import pytest

from e2e.running import KEY, Done, Workplace
from support.certificates import VALID, Authority
from support.fake_langsmith import FakeLangSmith
from support.scripted_server import LOOPBACK, Received, Reply, json_reply, scripted

pytestmark = pytest.mark.slow

HERE = f"IP:{LOOPBACK}"
PROJECT = "4b1f068c-7d6b-5935-9723-e0824319f616"
IN_THE_CLEAR = (KEY.encode(), b"HTTP/1.1", b"x-api-key", b"runs/query")
PAST, FUTURE = ("20200101000000Z", "20210101000000Z"), ("20980101000000Z", "20990101000000Z")
fake = FakeLangSmith([])


def answer(request: Received) -> Reply:
    """An empty project, for whoever gets as far as asking."""
    return json_reply([{"id": PROJECT, "name": "p"}]) if "/sessions" in request.path else fake(request)


@asynccontextmanager
async def overheard(url: str) -> AsyncIterator[tuple[str, bytearray]]:
    """A wire to that server on which every byte of the client is kept."""
    heard = bytearray()
    wires: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None) -> None:
        with suppress(OSError):
            while some := await reader.read(65_536):
                if kept is not None:
                    kept += some
                writer.write(some)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(LOOPBACK, urlsplit(url).port)
        for wire in (copy(reader, far_writer, heard), copy(far_reader, writer, None)):
            wires.add(asyncio.create_task(wire))

    server = await asyncio.start_server(connected, LOOPBACK, 0)
    try:
        yield f"https://{LOOPBACK}:{server.sockets[0].getsockname()[1]}", heard
    finally:
        server.close()
        for wire in wires:
            wire.cancel()
        await asyncio.gather(*wires, return_exceptions=True)
        await server.wait_closed()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def trusting(url: str, folder: Path, authority: Authority) -> Workplace:
    return Workplace(url, folder, ["p"], {"TRAJWORKER_SOURCE_CA_BUNDLE": str(authority.bundle)})


async def assert_refused(tls: ssl.SSLContext, folder: Path, authority: Authority, told: str) -> None:
    async with scripted(answer, tls) as server, overheard(server.url) as (url, heard):
        done = await trusting(url, folder, authority).run("--once")
    assert done.code == 77, done.err
    assert told in done.err
    assert heard, "the worker spoke with this server"
    assert server.received == []
    assert not [words for words in IN_THE_CLEAR if words in heard]
    assert KEY not in done.err + done.out


async def test_a_server_that_shows_what_it_should_is_read_and_the_key_goes_out_encrypted(
    tmp_path: Path, authority: Authority
) -> None:
    async with scripted(answer, authority.certify(HERE, VALID)) as server, overheard(server.url) as (url, heard):
        await trusting(url, tmp_path, authority).once()
    assert any(request.headers.get("x-api-key") == KEY for request in server.received)
    assert not [words for words in IN_THE_CLEAR if words in heard]


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        pytest.param(lambda us: us.certify(HERE, PAST), "certificate has expired", id="expired"),
        pytest.param(lambda us: us.certify(HERE, FUTURE), "certificate is not yet valid", id="not yet valid"),
        pytest.param(lambda us: us.certify("DNS:elsewhere.invalid"), "IP address mismatch", id="wrong host"),
        pytest.param(lambda us: us.self_signed(HERE), "self-signed certificate", id="self-signed"),
    ],
)
async def test_a_certificate_that_proves_nothing_ends_with_77_and_nothing_was_said(
    tmp_path: Path, authority: Authority, shown: Callable[[Authority], ssl.SSLContext], told: str
) -> None:
    await assert_refused(shown(authority), tmp_path, authority, told)


async def test_an_authority_that_nobody_named_is_not_trusted(tmp_path: Path, authority: Authority) -> None:
    other = Authority(tmp_path / "other")
    await assert_refused(other.certify(HERE), tmp_path, authority, "unable to get local issuer certificate")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_tls_before_1_2_ends_with_77_and_nothing_was_said(
    tmp_path: Path, authority: Authority, version: ssl.TLSVersion
) -> None:
    with speaking_only(old(authority.certify(HERE), version)) as server:
        lenient = old(ssl.create_default_context(cafile=authority.bundle), version)
        if not await anyio.to_thread.run_sync(gets_through, server.port, lenient):
            pytest.skip(f"nothing to test: this OpenSSL does not speak {version.name}")
        async with overheard(f"https://{LOOPBACK}:{server.port}") as (url, heard):
            done = await trusting(url, tmp_path, authority).run("--once")
    assert (done.code, server.agreed) == (77, 1), done.err
    assert "ALERT_PROTOCOL_VERSION" in done.err
    assert heard
    assert not [words for words in IN_THE_CLEAR if words in heard]


def old(tls: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Old versions need the ciphers that nobody should use."""
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version = tls.maximum_version = version
    return tls


@dataclass
class Old:
    """A server that only shakes hands, and how often it came to an agreement."""

    port: int
    agreed: int = 0


@contextmanager
def speaking_only(tls: ssl.SSLContext) -> Iterator[Old]:
    """Blocking sockets in a thread: asyncio's TLS would hang up without the alert that a real server sends."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        server = Old(listening.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    client.settimeout(5)
                    with suppress(OSError), client, tls.wrap_socket(client, server_side=True):
                        server.agreed += 1

        thread = Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def gets_through(port: int, lenient: ssl.SSLContext) -> bool:
    """Whether a client that does not mind agrees with the server: else a refusal would prove nothing."""
    with socket.create_connection((LOOPBACK, port)) as plain:
        try:
            lenient.wrap_socket(plain, server_hostname=LOOPBACK).close()
        except ssl.SSLError:
            return False
    return True


async def greeting(tmp_path: Path, authority: Authority, answer: bytes) -> tuple[Done, list[bytes]]:
    """What becomes of a worker whose server answers its first bytes with these and hangs up; what it sent each time."""
    heard: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65_536))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(hang_up, LOOPBACK, 0)
    async with server:
        url = f"https://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        return await trusting(url, tmp_path, authority).run("--once"), heard


async def test_a_server_that_hangs_up_in_the_handshake_is_away_and_not_forbidden(
    tmp_path: Path, authority: Authority
) -> None:
    done, heard = await greeting(tmp_path, authority, b"")
    assert done.code == 69, done.err
    assert "cannot be reached" in done.err
    assert len(heard) > 1, "asked again"


async def test_a_server_without_tls_ends_with_77_and_hears_nothing_in_the_clear(
    tmp_path: Path, authority: Authority
) -> None:
    done, heard = await greeting(tmp_path, authority, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    assert done.code == 77, done.err
    assert "The server answers without TLS" in done.err
    assert "certificates" not in done.err
    (sent,) = heard
    assert not [words for words in IN_THE_CLEAR if words in sent]
