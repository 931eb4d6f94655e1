"""What an import says when some conversations could not be had: which and why, and the good ones with it."""

from collections.abc import Mapping, Sequence

from trajworker.errors import EXIT_DATA, TrajworkerError
from trajworker.observing.counting import counted
from trajworker.trajectory import Trajectory

NAMED = 20
"""Failures that the message spells out; `failures` holds all."""


class FoldProcessEnded(TrajworkerError):
    """A process that assembles conversations ended before its time; the message says how, and what may help."""


class ImportIncomplete(TrajworkerError):
    """Some conversations could not be read or assembled; those that could are in `trajectories`.

    Args:
        failures: why, by conversation id.
        trajectories: what was imported all the same; empty where they were handed out one by one.
    """

    exit_code = EXIT_DATA

    def __init__(self, failures: Mapping[str, str], trajectories: Sequence[Trajectory] = ()) -> None:
        self.failures = dict(failures)
        self.trajectories = list(trajectories)
        named = [f"{name}: {reason}" for name, reason in list(failures.items())[:NAMED]]
        more = f" (and {len(failures) - NAMED} more)" if len(failures) > NAMED else ""
        count = counted(len(failures), "conversation")
        super().__init__(f"{count} could not be imported{more}: " + "; ".join(named))
