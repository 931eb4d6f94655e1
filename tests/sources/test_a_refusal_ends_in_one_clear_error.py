import math
import shutil
import socket
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from support.fake_langsmith import INFO, FakeLangSmith, run_row
from support.scripted_server import Received, Reply, head, json_reply, scripted
from support.source_bench import KEY, PROJECT, START, Bench, bench, part
from trajworker.config import read_secret
from trajworker.errors import ConfigError, NotAllowed, ProjectNotFound, QueryRejected, SourceUnavailable
from trajworker.events import ApiChosen
from trajworker.sources.asking.api_key import ApiKey
from trajworker.sources.asking.settings import Retries
from trajworker.sources.asking.transport import _retry_after_s
from trajworker.sources.wires.query import Detail

GOOD = json_reply({"items": [run_row(1, START)], "next_cursor": None})
GOOD_V1 = {"runs": [], "cursors": {"next": None}}


async def test_a_rotated_key_is_read_again_once_and_works(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old-key\n")
    key = ApiKey("old-key", lambda: read_secret(file).reveal())

    def answer(request: Received) -> Reply:
        file.write_text("new-key\n")
        return GOOD if request.headers["x-api-key"] == "new-key" else json_reply({"detail": "Invalid token"}, 401)

    async with scripted(answer) as server, bench(server.url, api_key=key) as one:
        assert len((await one.source.page(part())).runs) == 1
        assert [request.headers["x-api-key"] for request in server.received] == ["old-key", "new-key"]
        assert one.waits.seconds == []


async def test_a_refused_key_is_asked_about_no_more_than_twice(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    key = ApiKey(KEY, (tmp_path / "key").read_text)
    refusal = json_reply({"detail": "Invalid token"}, 401)
    async with scripted([refusal]) as server, bench(server.url, api_key=key) as one:
        with pytest.raises(NotAllowed, match=r"refuses the API key .*source\.api_key_file") as caught:
            await one.source.page(part())
        assert caught.value.exit_code == 77
        assert len(server.received) <= 2


@pytest.mark.parametrize("settings", [{}, {"retries": Retries(attempts=5)}], ids=["default", "configured"])
async def test_a_server_error_is_borne_as_often_as_configured_where_nothing_smaller_can_be_asked(
    settings: dict[str, Retries],
) -> None:
    failing, found = json_reply({"detail": "down"}, 503), json_reply([{"id": PROJECT, "name": "p"}])
    most = settings.get("retries", Retries()).attempts
    async with scripted([*[failing] * (most - 1), found]) as server, bench(server.url, **settings) as one:
        assert [project.name for project in await one.source.find_projects(["p"])] == ["p"]
    async with scripted([failing]) as server, bench(server.url, **settings) as one:
        with pytest.raises(SourceUnavailable, match="again and again"):
            await one.source.find_projects(["p"])
        assert len(server.received) == most


async def test_a_key_of_an_organisation_is_told_to_name_its_workspace() -> None:
    refusal = json_reply({"error": "org_scoped_key_requires_workspace"}, 403)
    async with scripted([refusal]) as server, bench(server.url) as one:
        with pytest.raises(NotAllowed, match=r"Set source\.workspace_id \(LANGSMITH_WORKSPACE_ID\)\."):
            await one.source.page(part())
        assert len(server.received) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_error_and_the_key_goes_nowhere(status: int) -> None:
    async with scripted([GOOD]) as thief:
        away = Reply((head(status, {"Location": thief.url + "/", "Content-Length": "0"}),))
        async with scripted([away]) as server, bench(server.url) as one:
            with pytest.raises(SourceUnavailable, match="redirects elsewhere") as caught:
                await one.source.page(part())
            assert caught.value.exit_code == 69
            assert len(server.received) == 1
        assert thief.received == []


async def test_proxies_and_netrc_of_the_environment_do_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login thief password thief")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    async with scripted([GOOD]) as proxy, scripted([GOOD]) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with bench(server.url) as one:
            await one.source.page(part())
        assert proxy.received == []
        assert "authorization" not in server.received[0].headers


async def test_a_proxy_that_is_configured_is_used() -> None:
    async with scripted([GOOD]) as proxy, bench("http://langsmith.invalid", proxy=proxy.url) as one:
        assert len((await one.source.page(part())).runs) == 1
        assert proxy.received[0].target.startswith("http://langsmith.invalid/")


@pytest.mark.parametrize("endpoint", ["http://langsmith.invalid", "https://langsmith.invalid"])
async def test_a_proxy_that_is_not_there_is_named_without_its_credentials(endpoint: str) -> None:
    async with scripted([GOOD]) as gone:
        dead = gone.url
    async with bench(endpoint, proxy=dead.replace("//", f"//user:{KEY}@")) as one:
        with pytest.raises(SourceUnavailable, match=rf"through the proxy {dead} \(.*Check source\.proxy, ") as caught:
            await one.source.page(part())
    assert KEY not in str(caught.value)
    assert "user" not in str(caught.value)


@pytest.mark.parametrize(
    ("refusal", "error", "advice"),
    [
        (json_reply({"detail": "Not Found"}, 404), SourceUnavailable, "does not offer feedback"),
        (json_reply({"detail": "no"}, 403), NotAllowed, r"Feedback on runs .* could not be read\. .*403"),
        (json_reply({"detail": "run"}, 422), QueryRejected, r"Feedback on runs .* could not be read\. .*422"),
    ],
)
async def test_a_failure_at_the_address_of_feedback_says_so(
    refusal: Reply, error: type[Exception], advice: str
) -> None:
    async with scripted([refusal]) as server, bench(server.url) as one:
        with pytest.raises(error, match=advice) as caught:
            await one.source.feedback(["a"])
    assert "/api/v1/feedback" in str(caught.value)
    assert "source.api" not in str(caught.value)


async def test_an_address_that_was_never_reached_shows_within_seconds() -> None:
    async with bench("http://langsmith.invalid") as one:
        with pytest.raises(SourceUnavailable, match=r"cannot be reached .*source\.endpoint"):
            await one.source.page(part())
        assert len(one.waits.seconds) == 3


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and it is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    new = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*new, "-keyout", key, "-out", cert, "-days", "2", *name], check=True, capture_output=True)
    return key, cert


async def test_a_self_signed_server_is_refused_unless_its_certificate_is_named(
    certificate: tuple[Path, Path],
) -> None:
    key, cert = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    async with scripted([GOOD], tls) as server:
        async with bench(server.url) as one:
            with pytest.raises(NotAllowed, match=r"not to be trusted .*source\.ca_bundle") as caught:
                await one.source.page(part())
            assert caught.value.exit_code == 77
        assert server.received == []
        async with bench(server.url, ca_bundle=cert) as one:
            assert len((await one.source.page(part())).runs) == 1
        async with bench(server.url.replace("127.0.0.1", "localhost"), ca_bundle=cert) as one:
            with pytest.raises(NotAllowed, match="not to be trusted"):
                await one.source.page(part())


async def test_a_bundle_that_holds_no_certificate_is_a_configuration_to_change(tmp_path: Path) -> None:
    (tmp_path / "rubbish.pem").write_text("no certificate")
    for path in (tmp_path / "rubbish.pem", tmp_path / "missing.pem", tmp_path):
        with pytest.raises(ConfigError, match=f"source.ca_bundle: {path} holds no certificates"):
            async with bench("https://127.0.0.1:1", ca_bundle=path):
                pass


async def test_a_page_size_the_server_refuses_is_lowered_once_and_remembered() -> None:
    rows = [run_row(number, START) for number in range(250)]
    fake = FakeLangSmith(rows)
    refusal = json_reply({"detail": [{"loc": ["body", "page_size"], "msg": "at most 100"}]}, 422)
    fake.spoil = lambda request: refusal if request.body and request.asked.get("page_size", 0) > 100 else None
    async with scripted(fake) as server, bench(server.url) as one:
        one.source._pages._sizes[PROJECT, Detail.WHOLE] = _grown()
        pages = await one.all_pages()
        assert [len(page.runs) for page in pages] == [100, 100, 50]
        assert len(server.received) == 4


def _grown() -> object:
    from trajworker.sources.paging.page_size import PageSize  # noqa: PLC0415 - for this test alone

    size = PageSize(1000, 4_000_000)
    size.seen(100, 100_000)
    return size


async def test_a_question_the_server_rejects_is_not_asked_again_and_names_the_field() -> None:
    refusal = json_reply({"detail": [{"loc": ["body", "min_start_time"], "msg": "too early", "type": "x"}]}, 422)
    async with scripted([refusal]) as server, bench(server.url) as one:
        with pytest.raises(QueryRejected, match=r"body\.min_start_time: too early") as caught:
            await one.source.page(part())
        assert caught.value.exit_code == 78
        assert len(server.received) == 2, "with the filter on run types and without it"


async def test_a_server_that_does_not_take_the_type_filter_is_asked_without_it_ever_after() -> None:
    fake = FakeLangSmith([run_row(1, START)])
    refusal = json_reply({"detail": "filter not supported"}, 400)
    fake.spoil = lambda request: refusal if "run_type" in request.asked.get("filter", "") else None
    async with scripted(fake) as server, bench(server.url) as one:
        for _ in range(3):
            assert len((await one.source.page(part())).runs) == 1
        assert len(server.received) == 4


@pytest.mark.parametrize("status", [404, 405, 406, 501])
async def test_a_server_without_v2_is_spoken_to_in_v1_after_three_requests(status: int) -> None:
    def answer(request: Received) -> Reply:
        if request.path.endswith("/info"):
            return json_reply(INFO)
        return json_reply(GOOD_V1) if "/v1/" in request.path else json_reply({}, status)

    async with scripted(answer) as server, bench(server.url, api="auto") as one:
        await one.source.page(part())
        assert len(server.received) == 3
        assert [event.api for event in one.events if isinstance(event, ApiChosen)] == ["v2", "v1"]
        await one.source.page(part())
        assert len(server.received) == 4


async def test_a_server_that_offers_neither_gets_one_hint() -> None:
    async with scripted([json_reply({"detail": "Not Found"}, 404)]) as server, bench(server.url, api="auto") as one:
        with pytest.raises(SourceUnavailable, match=r"Check source\.endpoint .* and source\.api\.") as caught:
            await one.source.page(part())
        assert caught.value.exit_code == 69
        assert len(server.received) == 4, "/info twice, v2, v1"


async def test_a_chosen_generation_is_not_left() -> None:
    async with scripted([json_reply({}, 501)]) as server, bench(server.url, api="v1") as one:
        with pytest.raises(SourceUnavailable, match=r"source\.endpoint .* and source\.api\."):
            await one.source.page(part())
        assert [request.path for request in server.received] == ["/api/v1/runs/query"]


@pytest.mark.parametrize("info", [json_reply({}, 401), json_reply({}, 404), json_reply(["?"])])
async def test_without_info_v2_is_tried(info: Reply) -> None:
    async with scripted(lambda request: info if "info" in request.path else GOOD) as server:
        async with bench(server.url, api="auto") as one:
            assert len((await one.source.page(part())).runs) == 1
        assert server.received[-1].path == "/api/v2/runs/query"


async def test_a_server_that_does_not_look_for_whole_names_is_listed() -> None:
    sessions = [{"id": PROJECT, "name": "prod-2"}, {"id": "p-1", "name": "prod"}]
    answers = lambda request: json_reply(sessions[: int(dict(request.params)["limit"])])  # noqa: E731
    async with scripted(answers) as server, bench(server.url) as one:
        assert [project.id for project in await one.source.find_projects(["prod"])] == ["p-1"]


async def test_a_listed_project_that_is_gone_is_not_found() -> None:
    async with (
        scripted(lambda r: json_reply([] if "limit" in r.target else {}, 200 if "limit" in r.target else 404)) as s,
        bench(s.url) as one,
    ):
        with pytest.raises(ProjectNotFound, match=PROJECT):
            await one.source.find_projects([PROJECT])


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "1e9"}, 300.0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_clamped_and_nonsense_is_nothing(told: dict[str, str], seconds: float | None) -> None:
    assert _retry_after_s(httpx.Headers(told), datetime.now(UTC)) == seconds


@pytest.mark.parametrize(("ahead_s", "seconds"), [(30, 30.0), (-30, 0.0), (10_000, 300.0)])
def test_a_date_to_retry_after_counts_from_the_servers_clock(ahead_s: float, seconds: float) -> None:
    skewed = datetime(2031, 1, 1, tzinfo=UTC)
    until = format_datetime(skewed + timedelta(seconds=ahead_s), usegmt=True)
    assert _retry_after_s(httpx.Headers({"Retry-After": until}), skewed) == seconds


@pytest.mark.parametrize(("headers", "at_least_s", "at_most_s"), [({"Retry_After": "7"}, 7.0, 7.0), ({}, 10.0, 20.0)])
async def test_after_a_429_the_next_request_waits_for_the_gate(
    headers: dict[str, str], at_least_s: float, at_most_s: float
) -> None:
    async with scripted([json_reply({}, 429, **headers), GOOD]) as server, bench(server.url) as one:
        assert len((await one.source.page(part())).runs) == 1
        assert math.isclose(sum(one.waits.seconds), at_least_s, rel_tol=0.02) or (
            at_least_s <= sum(one.waits.seconds) <= at_most_s
        )
        assert len(server.received) == 2


async def test_a_limit_that_never_opens_ends_after_two_hours() -> None:
    async with scripted([json_reply({}, 429)]) as server, bench(server.url) as one:
        with pytest.raises(SourceUnavailable, match="rate limit"):
            await one.source.page(part())
        assert 7100 <= sum(one.waits.seconds) <= 7500
        assert len(server.received) <= 720


async def test_a_full_backlog_times_out_while_connecting() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        from trajworker.sources.asking.settings import Retries, Timeouts  # noqa: PLC0415 - for this test alone

        one = Bench(
            f"http://127.0.0.1:{port}",
            timeouts=Timeouts(connect_s=0.1, read_s=0.1, total_s=0.3),
            retries=Retries(attempts=3, page_attempts=3),
        )
        async with one.source:
            with pytest.raises(SourceUnavailable):
                await one.source.page(part())
        for filler in fillers:
            filler.close()
