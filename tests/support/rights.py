"""A command that is held to the modes of files, also where the tests run as root."""

import os
import subprocess
from functools import cache

import pytest

_POWERS = "-dac_override,-dac_read_search"
_SETPRIV = ("setpriv", f"--bounding-set={_POWERS}", f"--inh-caps={_POWERS}")


@cache
def _without_powers() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    try:
        subprocess.run([*_SETPRIV, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("root cannot give up its rights to files here")
    return _SETPRIV


def held_to_modes(command: list[str]) -> list[str]:
    """The command, without what lets root read and write whatever the modes say; skips where that cannot be."""
    return [*_without_powers(), *command]
