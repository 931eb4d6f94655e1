"""`python -m trajworker.simulator`: a simulator in a process of its own, for tests and measurements.

Prints one line of JSON when it is ready, `{"url": ...}`, and serves until SIGINT or SIGTERM.
"""

import argparse
import json
import sys
from pathlib import Path

from trajworker.errors import EXIT_CONFIG
from trajworker.simulator.faults import read_script
from trajworker.simulator.loading import LoadError
from trajworker.simulator.serving import LOOPBACK, run_forever
from trajworker.simulator.settings import Mode, SimulatorSettings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trajworker.simulator", description=__doc__)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--load", type=Path, nargs="+", action="extend", default=[], metavar="FOLDER")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.DUAL.value)
    parser.add_argument("--rate-scale", type=float, help="documented rate limits times this; default: no limits")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--api-key", action="append", default=[], help="accept only this key; repeatable")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="JSON array of faults")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    """Serve as the arguments say; the exit code."""
    arguments = _arguments()
    try:
        settings = SimulatorSettings(
            mode=Mode(arguments.mode),
            rate_scale=arguments.rate_scale,
            latency_ms=arguments.latency_ms,
            api_keys=tuple(arguments.api_key),
            faults=read_script(arguments.faults.read_bytes()) if arguments.faults else (),
            seed=arguments.seed,
        )
        run_forever(settings, arguments.host, arguments.port, _announce, arguments.load)
    except (LoadError, OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the console is the interface here
        return EXIT_CONFIG
    return 0


def _announce(url: str) -> None:
    print(json.dumps({"url": url}), flush=True)  # noqa: T201 - the console is the interface here


if __name__ == "__main__":
    sys.exit(main())
