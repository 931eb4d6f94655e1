"""`trajworker simulate`: a LangSmith-compatible server on loopback, for SDKs to write to and clients to read from."""

import argparse
import sys
from pathlib import Path

from trajworker.cli.parser import SIMULATOR_GUIDE
from trajworker.config import read_secret
from trajworker.errors import ConfigError
from trajworker.simulator.faults import Fault, read_script
from trajworker.simulator.serving import run_forever
from trajworker.simulator.settings import Mode, SimulatorSettings


def main(asked: argparse.Namespace) -> int:
    """Serve until interrupted."""
    run_forever(_settings(asked), asked.host, asked.port, _announce, [Path(folder) for folder in asked.load])
    return 0


def _settings(asked: argparse.Namespace) -> SimulatorSettings:
    return SimulatorSettings(
        mode=Mode(asked.mode),
        api_keys=(read_secret(Path(asked.key_file)).reveal(),) if asked.key_file else (),
        rate_scale=asked.rate_scale,
        latency_ms=asked.latency_ms,
        faults=() if asked.faults is None else _faults(Path(asked.faults)),
    )


def _faults(file: Path) -> tuple[Fault, ...]:
    try:
        return read_script(file.read_bytes())
    except OSError as reason:
        raise ConfigError(f"cannot read {file}: {reason.strerror}") from None
    except ValueError as reason:
        raise ConfigError(f"{file} is no script of faults: {reason}; its format: {SIMULATOR_GUIDE}") from None


def _announce(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    if sys.stderr.isatty():
        sys.stderr.write(f"write to it:  LANGSMITH_ENDPOINT={url} LANGSMITH_TRACING=true LANGSMITH_API_KEY=any\n")
        sys.stderr.write(f"read from it: trajworker run --once --endpoint {url} --project default --settle 0s\n")
