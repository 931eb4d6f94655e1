"""What a person reads where a command failed: never a traceback, never what an unforeseen error says of its payload."""

import errno
import os
import traceback

from trajworker.errors import EXIT_CONFIG, EXIT_IO, EXIT_NOT_ALLOWED, EXIT_SOFTWARE, TrajworkerError, kind_and_place

LEVEL_VARIABLE = "TRAJWORKER_LOGGING_LEVEL"
NO_PATH = (errno.ENAMETOOLONG, errno.ELOOP)
"""What the system says of a path that leads nowhere on any disk."""


def explain(error: Exception) -> tuple[str, int]:
    """What to say and the exit code: the error's own words where it is ours or the system's, else only its place."""
    if isinstance(error, TrajworkerError):
        return str(error), error.exit_code
    if isinstance(error, OSError) and error.strerror:
        said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        if error.errno in NO_PATH:
            return f"{said}; name another", EXIT_CONFIG
        return said, EXIT_NOT_ALLOWED if isinstance(error, PermissionError) else EXIT_IO
    fault = f"a fault of trajworker itself, please report it: {kind_and_place(error)}"
    if os.environ.get(LEVEL_VARIABLE) == "debug":
        return f"{fault}\n{''.join(traceback.format_tb(error.__traceback__))}".rstrip(), EXIT_SOFTWARE
    return f"{fault} ({LEVEL_VARIABLE}=debug shows the way there)", EXIT_SOFTWARE
