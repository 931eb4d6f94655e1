"""What a person reads where a command failed: never a traceback, never what an unforeseen error says of its payload."""

import os
import traceback
from pathlib import Path

from trajworker.errors import EXIT_IO, EXIT_SOFTWARE, TrajworkerError

LEVEL_VARIABLE = "TRAJWORKER_LOGGING_LEVEL"


def explain(error: Exception) -> tuple[str, int]:
    """What to say and the exit code: the error's own words where it is ours or the system's, else only its place."""
    if isinstance(error, TrajworkerError):
        return str(error), error.exit_code
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror, EXIT_IO
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    fault = f"a fault of trajworker itself, please report it: {type(error).__name__}{place}"
    if os.environ.get(LEVEL_VARIABLE) == "debug":
        return f"{fault}\n{''.join(traceback.format_list(frames))}".rstrip(), EXIT_SOFTWARE
    return f"{fault} ({LEVEL_VARIABLE}=debug shows the way there)", EXIT_SOFTWARE
