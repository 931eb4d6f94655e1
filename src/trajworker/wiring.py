"""The only module that knows every room: settings in, a worker that runs to its end out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from msgspec import structs

from trajworker import __version__
from trajworker.assembly import RULES_VERSION
from trajworker.assembly.lifecycle import FinishRule
from trajworker.config import Settings, fingerprint, read_secret
from trajworker.config.choices import RedactionMode
from trajworker.config.redaction import make_redactor, new_secret
from trajworker.config.rewards import fold_settings
from trajworker.errors import EXIT_DATA, EXIT_RETRY, ConfigError
from trajworker.events import Observer, WorkerStarted, WorkerStopped
from trajworker.model.times import EARLIEST, moment_at
from trajworker.observing.watching import fan_out
from trajworker.ports import Late, RunSource
from trajworker.sinks import JsonlSettings, Limits, open_sink
from trajworker.sinks.adoption import refuse_left_behind
from trajworker.sources.asking.api_key import ApiKey
from trajworker.sources.asking.settings import LARGEST_PAGE, LIMITS, LangSmithSettings, Limit, Retries, Timeouts
from trajworker.sources.langsmith import LangSmithSource
from trajworker.staging import SQLITE_VERSION, Staging, open_staging
from trajworker.worker.cycle import Cycle
from trajworker.worker.folding import Folding
from trajworker.worker.outlet import Delivery, Outlet
from trajworker.worker.planning import Reading
from trajworker.worker.server_profile import ProfileObserver, ServerProfile
from trajworker.worker.stop import Stop
from trajworker.worker.supervisor import Outcome, Rhythm, Supervisor

SERVER_PROFILE = "acquaintance"
"""Under this name staging keeps what a run learnt of the server."""
PLACEHOLDER_SECRET = "placeholder_secret"  # noqa: S105 - a name
"""Under this name staging keeps the secret of placeholders that nobody configured."""


async def run_worker(settings: Settings, observer: Observer) -> int:
    """Run the worker until all is delivered or it is stopped; returns the exit code (README, "Use it").

    Raises a TrajworkerError for what keeps it from running at all; every resource is closed by then.
    """
    began = monotonic()
    stop = Stop(settings.worker.grace.total_seconds())
    with stop.watchdog():
        async with open_staging(settings.staging.file) as staging:
            # Other rules make other trajectories of the same runs: then only --adopt goes on with this file.
            named = fingerprint.parts(settings, RULES_VERSION)
            await _adopt(staging, settings, named)
            await staging.keep_reserve()
            observer(_started(staging, fingerprint.digest(named)))
            profile = ProfileObserver(await staging.recall(SERVER_PROFILE))
            # the source tells what the server speaks, the cycle what its runs weigh
            learning = fan_out([profile.notice, observer])
            async with (
                open_source(settings, learning, staging, profile) as source,
                open_sink(staging, sink_settings(settings), observer) as sink,
            ):
                await staging.pin_settings(named)
                await staging.try_again(f"{__version__} {fold_settings(settings).mark.hex()}")
                cycle = Cycle(source, staging, partial(reading, settings), learning, settings.intake.pagers)
                folding = Folding(staging, fold_settings(settings), cycle.reread)
                outlet = Outlet(staging, sink, folding, delivery(settings), observer)
                supervisor = Supervisor(source, cycle, outlet, observer, rhythm(settings))
                await supervisor.run(settings.source.projects, stop)
            # counting takes time that a stop does not have, and changes nothing about its exit code
            quarantined = 0 if stop.requested else (await staging.figures()).quarantined
    code = exit_code(supervisor.outcome, stopped=stop.requested, quarantined=quarantined)
    observer(
        WorkerStopped(
            exit_code=code,
            emitted=outlet.emitted,
            held=outlet.held,
            quarantined=quarantined,
            seconds=monotonic() - began,
        )
    )
    return code


async def _adopt(staging: Staging, settings: Settings, named: Mapping[str, str]) -> None:
    """Raise ConfigError where settings changed and were not to, or where files were left behind."""
    altered = fingerprint.changed(await staging.altered(named), named)
    if not settings.staging.adopt:
        fingerprint.refuse(altered, named)
    if fingerprint.OUT in altered:
        await refuse_left_behind(settings.sink.out, Path(altered[fingerprint.OUT]), staging)


def exit_code(outcome: Outcome, *, stopped: bool, quarantined: int) -> int:
    """How the process ends: a failure of all there is by its own code, of some by "run again", then what is left."""
    errors = (*outcome.failed.values(), outcome.unassembled, *outcome.faults)
    codes = {error.exit_code for error in errors if error is not None}
    if codes:
        whole = bool(outcome.faults) or len(outcome.failed) == outcome.projects
        return codes.pop() if len(codes) == 1 and whole else EXIT_RETRY
    if stopped or outcome.lagging is not None:
        return EXIT_RETRY
    return EXIT_DATA if quarantined else 0


@asynccontextmanager
async def open_source(
    settings: Settings, observer: Observer, staging: Staging, profile: ProfileObserver
) -> AsyncIterator[RunSource]:
    """The LangSmith source, with redaction around it where that is asked for.

    Staging remembers what the server speaks and what runs weigh, which spares a run that finds nothing new requests.
    """
    async with LangSmithSource(source_settings(settings, profile.known), observer) as source:
        if settings.redaction.mode is RedactionMode.OFF:
            yield source
        else:
            yield _redacting(source, settings, await _placeholder_secret(settings, staging))
        if profile.met:
            await staging.remember(SERVER_PROFILE, profile.to_remember(await source.now()))


def source_settings(settings: Settings, known: ServerProfile | None = None) -> LangSmithSettings:
    """What the source needs to know, in its own words; `known` is what an earlier run learnt about the server."""
    asked = settings.source
    known = known or ServerProfile()
    return LangSmithSettings(
        known_api="v1" if known.api == "v1" else "v2" if known.api == "v2" else None,
        known_api_until=known.ask_again,
        known_run_bytes=known.run_bytes,
        endpoint=asked.endpoint,
        api_key=_api_key(settings),
        workspace_id=asked.workspace_id,
        api=asked.api.value,
        thread_keys=settings.conversation.thread_keys,
        page_size=asked.page_size or LARGEST_PAGE,
        page_cap_bytes=asked.page_cap,
        limits={tier: Limit(limit.count, limit.window_s / asked.rate_scale) for tier, limit in LIMITS.items()},
        timeouts=Timeouts(
            connect_s=asked.connect_timeout.total_seconds(),
            read_s=asked.read_timeout.total_seconds(),
            total_s=asked.request_timeout.total_seconds(),
        ),
        retries=Retries(attempts=asked.attempts, throttled_s=asked.throttled.total_seconds()),
        ca_bundle=asked.ca_bundle,
        proxy=asked.proxy.reveal() if asked.proxy is not None else None,
    )


def _api_key(settings: Settings) -> ApiKey | None:
    file = settings.source.api_key_file
    if file is not None:
        return ApiKey(read_secret(file).reveal(), lambda: read_secret(file).reveal())
    return ApiKey(settings.source.api_key.reveal()) if settings.source.api_key is not None else None


def _redacting(source: RunSource, settings: Settings, secret: bytes) -> RunSource:
    from trajworker.sources.redacting import RedactingSource  # noqa: PLC0415 - its rules compile long; most mask nothing

    return RedactingSource(source, make_redactor(settings, secret), frozenset(settings.conversation.thread_keys))


async def _placeholder_secret(settings: Settings, staging: Staging) -> bytes:
    """The configured secret, else one that staging keeps: runs that are read again must be masked as before."""
    if settings.redaction.secret is not None:
        return settings.redaction.secret.reveal().encode()
    kept = await staging.recall(PLACEHOLDER_SECRET)
    if kept is None:
        kept = new_secret()
        await staging.remember(PLACEHOLDER_SECRET, kept)
    return kept.encode()


def import_cycle(settings: Settings, source: RunSource, staging: Staging, observer: Observer) -> Cycle:
    """What an import reads of a project: a cycle of the worker without a deep scan, up to this very moment."""

    def to_the_end(now: datetime) -> Reading:
        return structs.replace(reading(settings, now), deep_scan=None, unsettled=True)

    return Cycle(source, staging, to_the_end, observer, settings.intake.pagers)


def asked_range(settings: Settings, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Since when and until when is read, None without such a bound; ages count back from `now`, the server's time.

    Raises ConfigError where the range ends before it begins.
    """
    since, until = (
        None if asked is None else moment_at(asked, now) for asked in (settings.source.since, settings.source.until)
    )
    if since is not None and until is not None and since >= until:
        raise ConfigError(
            f"source.since ({since:%Y-%m-%dT%H:%M:%SZ}) must be earlier than source.until ({until:%Y-%m-%dT%H:%M:%SZ})"
        )
    return since, until


def reading(settings: Settings, now: datetime) -> Reading:
    """How projects are read by who begins `now`."""
    since, until = asked_range(settings, now)
    return Reading(
        since=EARLIEST if since is None else since,
        until=until,
        settle=settings.intake.settle,
        lookback=settings.intake.lookback,
        horizon=settings.conversation.horizon,
        deep_scan=settings.intake.deep_scan or None,
    )


def delivery(settings: Settings) -> Delivery:
    """When a conversation is finished, and what becomes of what comes too late."""
    asked = settings.conversation
    finish = FinishRule(
        idle=asked.idle,
        pending_timeout=asked.pending_timeout,
        abandon_roots=not settings.worker.once,
    )
    # A backfill that is run again closed nothing in between, so nothing it finds is late.
    late = Late.REVISE if settings.worker.once else asked.late
    return Delivery(finish=finish, late=late, horizon=asked.horizon)


def rhythm(settings: Settings) -> Rhythm:
    """How long the worker lives."""
    poll: timedelta | None = None if settings.worker.once else settings.intake.poll
    return Rhythm(poll=poll, flush=settings.conversation.flush)


def sink_settings(settings: Settings) -> JsonlSettings:
    """Where files go and when they are sealed."""
    asked = settings.sink
    return JsonlSettings(
        out=asked.out,
        limits=Limits(seal_size=asked.seal_size, seal_lines=asked.seal_lines, seal_age=asked.seal_age),
        compress=asked.compress,
        consumed=asked.consumed,
    )


def _started(staging: Staging, config_fingerprint: str) -> WorkerStarted:
    return WorkerStarted(
        version=__version__,
        sqlite_version=SQLITE_VERSION,
        epoch=staging.epoch,
        config_fingerprint=config_fingerprint,
    )
