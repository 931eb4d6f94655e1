"""Scratch environments for peers, made on demand outside the checkout; a peer that cannot be installed is skipped."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

INSTALL_TIMEOUT_S: Final = 300


class NotInstallableError(Exception):
    """A peer cannot be had here; the message says why."""


def python_with(*requirements: str) -> Path:
    """The interpreter of an environment that holds those distributions.

    Raises:
        NotInstallableError: pip could not install them.
    """
    name = "+".join(requirements).replace("==", "-").replace("[", "_").replace("]", "")
    folder = Path(tempfile.gettempdir()) / "trajworker-bench" / "venvs" / name
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise NotInstallableError(f"pip install {' '.join(requirements)}: no answer in time") from error
        if told.returncode:
            last = (told.stderr.strip().splitlines() or ["no message"])[-1]
            raise NotInstallableError(f"pip install {' '.join(requirements)}: {last}")
        done.touch()
    return python


def own_python() -> Path:
    """The interpreter that runs this."""
    return Path(sys.executable)
