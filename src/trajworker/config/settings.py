"""Every setting there is: one frozen tree of structs, each key with its default and one sentence of why.

The sentences are the documentation: `config/trajworker.toml` and `trajworker config` are made from them.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from trajworker.config.choices import (
    Aggregation,
    Api,
    Compression,
    Consumed,
    Late,
    LogFormat,
    LogLevel,
    Progress,
    RedactionMode,
)
from trajworker.config.endpoint import Endpoint
from trajworker.config.key import Key
from trajworker.config.secret import Secret
from trajworker.config.values import DAY, GIB, HOUR, KIB, MIB, MINUTE, NEVER, SECOND, ByteSize
from trajworker.model.run import THREAD_KEYS
from trajworker.model.times import Moment
from trajworker.ports import SEAL_AGE, SEAL_LINES, SEAL_SIZE, patience


class SourceSettings(Struct, frozen=True, kw_only=True):
    """Where runs come from, and how gently they are asked for."""

    endpoint: Annotated[
        Endpoint,
        Key(
            why="The one origin that is ever spoken to, and the only place the API key is sent.",
            option="--endpoint",
            variables=("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"),
        ),
    ] = Endpoint("https://api.smith.langchain.com")
    allow_http: Annotated[
        bool, Key(why="Plain http to anything but loopback shows the key to the network, so it must be asked for.")
    ] = False
    api: Annotated[
        Api, Key(why="Which API to speak: auto asks the server; v1 is switched off on 31 January 2027.", option="--api")
    ] = Api.AUTO
    api_key: Annotated[
        Secret | None,
        Key(
            why="The LangSmith key; taken from the environment only, so that it is in no file and no process list.",
            variables=("LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"),
            env_only=True,
        ),
    ] = None
    api_key_file: Annotated[
        Path | None,
        Key(
            why="A file that holds the key, as container platforms mount secrets; it wins over the environment.",
            example='"/run/secrets/langsmith-api-key"',
        ),
    ] = None
    workspace_id: Annotated[
        str | None,
        Key(
            why="The workspace to read, needed when the key belongs to an organisation with several.",
            variables=("LANGSMITH_WORKSPACE_ID", "LANGCHAIN_WORKSPACE_ID"),
            example='"00000000-0000-0000-0000-000000000000"',
        ),
    ] = None
    projects: Annotated[
        tuple[str, ...],
        Key(
            why="Names, ids or patterns (support-*) of the projects to follow; new ones that match are picked up.",
            option="--project",
            variables=("LANGSMITH_PROJECT", "LANGCHAIN_PROJECT"),
        ),
    ] = ()
    since: Annotated[
        Moment | None,
        Key(
            why="Runs that started earlier are not read; by default reading starts at the project's first run.",
            option="--since",
            example='"2026-01-31"',
        ),
    ] = None
    until: Annotated[
        Moment | None,
        Key(
            why="Runs from this time on are not read; --once ends with 75 where it is less than intake.settle ago.",
            option="--until",
            example='"2026-02-28T12:00:00Z"',
        ),
    ] = None
    page_size: Annotated[
        int | None,
        Key(
            why="Runs per request; by default the most that the API allows, because requests are what is limited.",
            example="100",
            least=1,
            most=1000,
        ),
    ] = None
    page_cap: Annotated[
        ByteSize,
        Key(
            why="A page larger than this after decompression is refused, so that no answer can fill the memory.",
            least=MIB,
            most=2 * GIB,
        ),
    ] = ByteSize(patience.PAGE_CAP_BYTES)
    rate_scale: Annotated[
        float,
        Key(
            why="Share of the documented rate limits to use; lower it when others use the same key.",
            least=0.001,
            most=1000.0,
        ),
    ] = 1.0
    connect_timeout: Annotated[
        timedelta, Key(why="How long opening a connection may take before it is tried again.", least=SECOND / 10)
    ] = patience.CONNECT_TIMEOUT
    read_timeout: Annotated[
        timedelta,
        Key(why="How long the server may stay silent; heavy queries take half a minute to begin.", least=SECOND / 10),
    ] = patience.READ_TIMEOUT
    request_timeout: Annotated[
        timedelta,
        Key(why="How long one request may take in all, so that dripping bytes cannot hold it up.", least=SECOND / 10),
    ] = patience.REQUEST_TIMEOUT
    attempts: Annotated[
        int,
        Key(why="How often one request is tried; 4 times where the server was never reached.", least=1, most=1000),
    ] = patience.ATTEMPTS
    throttled: Annotated[
        timedelta, Key(why="How long answers of 429 (too many requests) alone are borne.", least=NEVER)
    ] = patience.THROTTLED
    proxy: Annotated[
        Secret | None,
        Key(
            why="The proxy to go through; those in HTTP_PROXY and its like are ignored, because they get the key too.",
            example='"http://proxy.example:3128"',
        ),
    ] = None
    ca_bundle: Annotated[
        Path | None,
        Key(
            why="Certificates to trust instead of the built-in ones; verification itself cannot be turned off.",
            example='"/etc/ssl/certs/company.pem"',
        ),
    ] = None


class StagingSettings(Struct, frozen=True, kw_only=True):
    """The SQLite file in which runs wait until their conversation is finished."""

    file: Annotated[Path, Key(why="The staging file; on a local disk, never on NFS or SMB.", option="--staging")] = (
        Path(".trajworker/staging.db")
    )
    adopt: Annotated[
        bool,
        Key(
            why="Go on though server, workspace, thread keys, folder, rewards, redaction or release changed; published "
            "lines stay, staged runs until they are read again.",
            option="--adopt",
        ),
    ] = False


class IntakeSettings(Struct, frozen=True, kw_only=True):
    """How time is read: how far behind, how often again, how wide at once."""

    settle: Annotated[
        timedelta,
        Key(why="How long the API may lag before a slice of time counts as read.", option="--settle", least=NEVER),
    ] = 10 * MINUTE
    lookback: Annotated[
        timedelta | None,
        Key(
            why="How far behind the watermark each cycle reads again for late runs; by default six times settle.",
            example='"24h"',
            least=NEVER,
        ),
    ] = None
    poll: Annotated[timedelta, Key(why="Pause between two cycles of following.", least=SECOND / 100)] = MINUTE
    deep_scan: Annotated[
        timedelta,
        Key(why="How often the whole horizon is read again, for late feedback on older runs; 0s: never.", least=NEVER),
    ] = DAY
    pagers: Annotated[
        int,
        Key(
            why="Slices that are paged at the same time; more open connections cost CPU and win nothing.",
            least=1,
            most=16,
        ),
    ] = 8


class ConversationSettings(Struct, frozen=True, kw_only=True):
    """What belongs to one conversation, and when it is finished."""

    thread_keys: Annotated[
        tuple[str, ...],
        Key(why="Metadata keys that name a thread, strongest first, where the server gives no thread_id itself."),
    ] = THREAD_KEYS
    idle: Annotated[
        timedelta,
        Key(
            why="A conversation is finished when all its root runs have ended and nothing new came for this long.",
            option="--idle",
            least=NEVER,
        ),
    ] = 30 * MINUTE
    pending_timeout: Annotated[
        timedelta,
        Key(why="A pending run this old no longer holds its conversation back; with --once, a root does.", least=NEVER),
    ] = DAY
    horizon: Annotated[
        timedelta,
        Key(why="How long after the last activity late data makes a revision, and payloads are kept.", least=NEVER),
    ] = 30 * DAY
    late: Annotated[
        Late,
        Key(why="Data past the horizon: revise all the same (as --once always does), write to a side file, or drop."),
    ] = Late.SIDE
    flush: Annotated[
        bool,
        Key(why="With --once, write unfinished conversations too, marked as not complete.", option="--flush"),
    ] = False


class RewardSettings(Struct, frozen=True, kw_only=True):
    """How LangSmith feedback becomes a reward."""

    weights: Annotated[
        dict[str, float],
        Key(why="Feedback keys that count, with their weights in means and sums; with none named all count alike."),
    ] = {}
    aggregation: Annotated[
        Aggregation, Key(why="How the scores become one value; min, max and last take a score as it is.")
    ] = Aggregation.WEIGHTED_MEAN


class SinkSettings(Struct, frozen=True, kw_only=True):
    """Where finished trajectories go, and when a file is sealed and published."""

    out: Annotated[Path, Key(why="The folder of published files and their manifests.", option="--out")] = Path(
        "trajectories"
    )
    compress: Annotated[
        Compression, Key(why="Compression of a file when it is sealed; a part is always plain, to be cut safely.")
    ] = Compression.NONE
    seal_size: Annotated[
        ByteSize, Key(why="A part is sealed when it has grown to this size.", least=KIB, most=64 * GIB)
    ] = ByteSize(SEAL_SIZE)
    seal_lines: Annotated[int, Key(why="A part is sealed when it holds this many lines.", least=1)] = SEAL_LINES
    seal_age: Annotated[
        timedelta,
        Key(why="A part is sealed when its first line is this old, even if nothing new comes.", least=SECOND / 10),
    ] = SEAL_AGE
    consumed: Annotated[
        Consumed,
        Key(
            why="Whether a published file that is gone was taken by its consumer, who leaves the manifest, or is "
            "a fault to stop for."
        ),
    ] = Consumed.FATAL


class RedactionSettings(Struct, frozen=True, kw_only=True):
    """What is masked before anything touches the disk. Ids are not, those of threads neither: let them tell nothing."""

    mode: Annotated[
        RedactionMode,
        Key(why="off leaves raw text on disk; builtin masks by rule; presidio asks that library besides (an extra)."),
    ] = RedactionMode.OFF
    rules: Annotated[tuple[str, ...], Key(why="Built-in rules to apply; none named means all of them.")] = ()
    patterns: Annotated[
        dict[str, str],
        Key(why="Patterns of your own by name, in RE2 syntax, masked like the built-in ones (needs the redact extra)."),
    ] = {}
    secret: Annotated[
        Secret | None,
        Key(
            why="Keys the placeholders, so that nobody can undo those of phone numbers by trying them all; keep it.",
            env_only=True,
        ),
    ] = None
    secret_file: Annotated[
        Path | None,
        Key(why="A file that holds the secret; it wins over the environment.", example='"/run/secrets/redaction"'),
    ] = None


class LibrarySettings(Struct, frozen=True, kw_only=True):
    """Conversations that are imported by hand: by `trajworker import`, or by the library."""

    storage_dir: Annotated[
        Path | None,
        Key(
            why="The private folder in which imports are staged, not to be fetched again; by default ~/.trajectory.",
            example='"/data/imports"',
        ),
    ] = None


class WorkerSettings(Struct, frozen=True, kw_only=True):
    """How the worker runs and stops."""

    once: Annotated[
        bool, Key(why="End when everything asked for is delivered, instead of following for ever.", option="--once")
    ] = False
    grace: Annotated[
        timedelta,
        Key(
            why="How long the first SIGTERM lets work finish; keep it below the pod's own grace period.",
            least=NEVER,
            most=HOUR,
        ),
    ] = 8 * SECOND


class LoggingSettings(Struct, frozen=True, kw_only=True):
    """What a person or a log collector sees on stderr."""

    format: Annotated[LogFormat, Key(why="Pretty for people, JSON for collectors; auto looks at stderr.")] = (
        LogFormat.AUTO
    )
    level: Annotated[LogLevel, Key(why="The least important events that are logged.")] = LogLevel.INFO
    progress: Annotated[Progress, Key(why="Live progress while a person is watching.")] = Progress.AUTO


class HealthSettings(Struct, frozen=True, kw_only=True):
    """The probes of a pod, and metrics to scrape."""

    bind: Annotated[
        str | None,
        Key(
            why="Address and port of /livez, /readyz and /metrics; off by default, best kept on loopback.",
            example='"127.0.0.1:8080"',
        ),
    ] = None


class Settings(Struct, frozen=True, kw_only=True):
    """The whole configuration of a worker."""

    source: SourceSettings = SourceSettings()
    staging: StagingSettings = StagingSettings()
    intake: IntakeSettings = IntakeSettings()
    conversation: ConversationSettings = ConversationSettings()
    reward: RewardSettings = RewardSettings()
    sink: SinkSettings = SinkSettings()
    redaction: RedactionSettings = RedactionSettings()
    library: LibrarySettings = LibrarySettings()
    worker: WorkerSettings = WorkerSettings()
    logging: LoggingSettings = LoggingSettings()
    health: HealthSettings = HealthSettings()
