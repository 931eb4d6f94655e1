"""Everything that can go wrong, as one family; each class says how the process should end.

The class attribute `exit_code` (numbers of sysexits.h; README, "Use it") is all that a supervisor or the command line
reads. Messages carry ids, counts and advice, never transcripts or secrets.
"""

EXIT_DATA = 65
EXIT_UNAVAILABLE = 69
EXIT_SOFTWARE = 70
EXIT_IO = 74
EXIT_RETRY = 75
EXIT_NOT_ALLOWED = 77
EXIT_CONFIG = 78


class TrajworkerError(Exception):
    """Base of every error that trajworker raises on purpose."""

    exit_code = EXIT_RETRY


class ConfigError(TrajworkerError):
    """What was asked for cannot be done as asked; the message names each problem and what to change."""

    exit_code = EXIT_CONFIG


class SourceError(TrajworkerError):
    """Something about the source of runs."""

    exit_code = EXIT_UNAVAILABLE


class SourceUnavailable(SourceError):
    """The source did not answer usably although every retry was spent; run again later."""


class NotAllowed(SourceError):
    """The source refused the key, the workspace or the project (401, 403)."""

    exit_code = EXIT_NOT_ALLOWED


class QueryRejected(SourceError):
    """The source does not take the question itself (400, 422); the message names the field where it was told."""

    exit_code = EXIT_CONFIG


class ProjectNotFound(SourceError):
    """No project of that name or id; the message names near ones."""

    exit_code = EXIT_CONFIG


class ConversationNotFound(SourceError):
    """No conversation of that id in the project."""

    exit_code = EXIT_CONFIG


class CursorExpired(SourceError):
    """The server no longer knows the cursor: read the slice again from its start."""


class PageUnreadable(SourceError):
    """A page that never came whole, however often it was asked for; carries the slice, never the bytes."""

    exit_code = EXIT_DATA


class MalformedRun(TrajworkerError):
    """One run that no rule can read; it is quarantined and the rest goes on."""

    exit_code = EXIT_DATA


class NotATrajectory(TrajworkerError):
    """A file that should hold trajectories holds something else, or only part of one; names file and line."""

    exit_code = EXIT_DATA


class NothingThere(NotATrajectory, FileNotFoundError):
    """There is no file or folder where trajectories, or a golden file, should be; a FileNotFoundError, too."""


class NotPublished(NotATrajectory):
    """The files of a folder are those of a worker that has not published them yet."""


class RedactionFailed(TrajworkerError):
    """A redactor raised or returned no text: the conversation is not written."""

    exit_code = EXIT_DATA


class StagingError(TrajworkerError):
    """Something about the staging file."""

    exit_code = EXIT_IO


class StagingBusy(StagingError):
    """This staging file is in use: by another owner, or by a reader that keeps its log."""

    exit_code = EXIT_RETRY


class StagingOwned(StagingBusy):
    """Another process had opened this staging file first."""


class StagingDamaged(StagingError):
    """The staging file is no database of ours or is corrupt; it is left untouched."""

    exit_code = EXIT_DATA


class StagingTooNew(StagingError):
    """The staging file was written by a newer release."""

    exit_code = EXIT_CONFIG


class StagingFull(StagingError):
    """The disk of the staging file is full; the transaction was undone, free some space and go on."""


class PathNotAllowed(TrajworkerError):
    """A file or folder that must not be used: not ours, a link, or open to all; the message says which and why."""

    exit_code = EXIT_NOT_ALLOWED


class NoFolder(PathNotAllowed):
    """A path that is no folder and cannot become one: name another."""

    exit_code = EXIT_CONFIG


class NoFile(PathNotAllowed):
    """A path where a file should be and a folder is: name a file."""

    exit_code = EXIT_CONFIG


class NotReadable(PathNotAllowed, PermissionError):
    """A file or folder that the rights of this user do not let be read; a PermissionError, too."""


class SinkError(TrajworkerError):
    """Something about the output folder."""

    exit_code = EXIT_IO


class FolderTaken(SinkError):
    """The output folder holds files of somebody else, or another worker is at work in it: choose another one."""

    exit_code = EXIT_CONFIG


class SinkFull(SinkError):
    """The disk of the output folder is full; the batch was undone, free some space and go on."""


class OutputDamaged(SinkError):
    """Bytes that were committed are missing or altered; `trajworker repair` re-emits what staging still holds."""


class NotInitialised(TrajworkerError):
    """A library call came before `init`."""

    exit_code = EXIT_CONFIG


class TrajectoryMismatch(TrajworkerError, AssertionError):
    """Two trajectories differ where they must not; the message is the rendered verdict."""

    exit_code = 1


def kind_and_place(error: Exception) -> str:
    """Class, module and line of an error that nobody foresaw: all that may be told, its words may quote a payload."""
    raised = error.__traceback__
    if raised is None:
        return type(error).__name__
    while raised.tb_next is not None:
        raised = raised.tb_next
    return f"{type(error).__name__} in {raised.tb_frame.f_globals.get('__name__', '?')}:{raised.tb_lineno}"
