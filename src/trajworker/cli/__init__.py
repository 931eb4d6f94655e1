"""The command line: arguments in, exit codes out; each command is a module that is imported when it is run."""

import gc
import sys
from importlib import import_module

from trajworker.cli.interrupts import Terminated, ended_by_signals
from trajworker.cli.parser import parse
from trajworker.cli.streams import open_streams, unwritten
from trajworker.errors import EXIT_RETRY

TYPE_CHECKING = False  # see cli.parser
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

NOT_OURS = "httpx._main"
"""The command line of httpx: where click, pygments and rich are installed it loads them all, a fifth of our start."""


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run one command; returns the exit code (README, "Use it")."""
    open_streams()
    try:
        code = _obey(sys.argv[1:] if arguments is None else arguments)
    except SystemExit as end:  # argparse, after --help, --version and what makes no sense
        code = int(end.code or 0)
    lost = unwritten()
    return code if lost is None else code or _explain(lost)


def _obey(arguments: "Sequence[str]") -> int:
    try:
        with ended_by_signals():
            return _run(arguments)
    except (KeyboardInterrupt, Terminated):
        sys.stderr.write("trajworker: stopped before it was done; run it again\n")
        return EXIT_RETRY
    except Exception as error:  # noqa: BLE001 - the last door: what passes it would be a traceback on a terminal
        return _explain(error)


def _run(arguments: "Sequence[str]") -> int:
    asked = parse(arguments)
    sys.modules.setdefault(NOT_OURS, None)  # type: ignore[arg-type]  # tells whoever imports it that it is not there
    command = _imported(asked.module)
    return int(command.main(asked))


def _imported(module: str) -> "ModuleType":
    """A command's module. What is imported lives to the end: no collection, the last one neither, looks through it."""
    gc.disable()
    try:
        return import_module(f"trajworker.cli.{module}")
    finally:
        gc.freeze()
        gc.enable()


def _explain(error: Exception) -> int:
    """One line on stderr for each cause, and the exit code that its class carries."""
    from trajworker.cli.explaining import explain  # noqa: PLC0415 - nothing is imported for a command that succeeds
    from trajworker.observing.printable import printable_text  # noqa: PLC0415 - same

    explained = dict.fromkeys(explain(cause) for cause in _leaves(error))  # one cause may end several tasks
    sys.stderr.writelines(f"trajworker: {printable_text(text)}\n" for text, _ in explained)
    return max(code for _, code in explained)


def _leaves(error: Exception) -> list[Exception]:
    if isinstance(error, ExceptionGroup):
        return [leaf for cause in error.exceptions for leaf in _leaves(cause)]
    return [error]
