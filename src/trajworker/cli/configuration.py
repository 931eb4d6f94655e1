"""`trajworker config`: the effective configuration, with where each value came from; problems named all at once."""

import argparse
import sys

from trajworker.cli.settings import resolve_asked
from trajworker.config.rendering import effective, template


def main(asked: argparse.Namespace) -> int:
    """Print the configuration; problems follow as one error."""
    if asked.toml:
        sys.stdout.write(template())
        return 0
    resolution = resolve_asked(asked)
    sys.stdout.write(effective(resolution))
    sys.stdout.flush()
    resolution.require()
    return 0
