"""`trajworker simulate`: a LangSmith-compatible server on loopback, for SDKs to write to and clients to read from."""

import argparse
import sys
from pathlib import Path

from trajworker.config import read_key
from trajworker.errors import ConfigError
from trajworker.simulator.faults import read_script
from trajworker.simulator.loading import LoadError
from trajworker.simulator.serving import run_forever
from trajworker.simulator.settings import Mode, SimulatorSettings


def main(asked: argparse.Namespace) -> int:
    """Serve until interrupted."""
    folders = [Path(folder) for folder in asked.load]
    try:
        run_forever(_settings(asked), asked.host, asked.port, _announce, folders)
    except (LoadError, ValueError) as reason:
        raise ConfigError(str(reason)) from None
    except OSError as reason:
        raise ConfigError(f"cannot listen on {asked.host}:{asked.port}: {reason.strerror or reason}") from None
    return 0


def _settings(asked: argparse.Namespace) -> SimulatorSettings:
    try:
        faults = read_script(Path(asked.faults).read_bytes()) if asked.faults else ()
    except OSError as reason:
        raise ConfigError(f"cannot read {asked.faults}: {reason.strerror}") from None
    return SimulatorSettings(
        mode=Mode(asked.mode),
        api_keys=(read_key(Path(asked.key_file)).reveal(),) if asked.key_file else (),
        rate_scale=asked.rate_scale,
        latency_ms=asked.latency_ms,
        faults=faults,
    )


def _announce(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    if sys.stderr.isatty():
        sys.stderr.write(f"write to it:  LANGSMITH_ENDPOINT={url} LANGSMITH_TRACING=true LANGSMITH_API_KEY=any\n")
        sys.stderr.write(f"read from it: trajworker run --once --endpoint {url} --project default --settle 0s\n")
