"""What can be typed: commands and options, as plain argparse, because `--help` must not wait for an import.

Options that are settings have the setting's path as their destination; a test holds them against the catalogue of the
configuration.
"""

import argparse

from trajworker import __version__
from trajworker.cli.arguments import identifier, real, whole
from trajworker.errors import EXIT_CONFIG

TYPE_CHECKING = False  # importing typing takes as long as all the rest of `--version`
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

DESCRIPTION = "Turns what agents left in LangSmith into trajectories: one JSON line per conversation."
HELP_WIDTH = 100
MAX_PORT = 65_535
RATE_SCALES = (0.001, 1_000_000)
MAX_LATENCY_MS = 3_600_000
ONE_PROJECT = "the one project to read: its name, its id, or a pattern that no other matches"
SIMULATOR_GUIDE = __file__.removesuffix("cli/parser.py") + "guides/simulator.md"
LISTED = """columns:
  conversation  the thread id that a root run names, else the trace id
  turns         how many root runs it has: an interrupt that was answered counts as a turn here
  first seen, last seen, runs
                when its root runs started, and their names

A list reads root runs alone. A trace whose thread id stands on its other runs only is listed under its
trace id; `trajworker import` reads all runs and decides: it takes either id, writes that conversation
under its thread id, and counts the turns of the user."""
UNKNOWN = """An id that nobody knows is exit code 78. The API is asked for all ids first, and then nothing is
written; an export is read once, so the conversations found in it are written, and the unknown ids told last."""
FIGURES = """--json tells of each project:
  watermark               up to when it is complete
  slices_unread           stretches of time still to be read; pages_of_unread_slices: pages read of them so far
  runs, pending_runs      runs known, and those of them that have not ended; oldest_pending: when the first began
  conversations           how many are open (something to emit), emitted, failed, purged
  failures, unreadable    conversations and runs set aside, by reason
and of the file: files by state, emissions (revisions), size_bytes, epoch (times opened), clean (closed in order)."""
EPILOG = "Start with `trajworker demo`: it needs no key, no network, no configuration."


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: asking the terminal for its own imports more than printing needs."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=HELP_WIDTH)


class Parser(argparse.ArgumentParser):
    """Ends with the exit code of a wrong configuration, as everything else that was asked for wrongly does."""

    def error(self, message: str) -> "NoReturn":
        """Tell what is wrong, how to call it right, and end."""
        self.exit(EXIT_CONFIG, f"{self.prog}: {message}\n{self.format_usage()}")


def parse(arguments: "Sequence[str]") -> argparse.Namespace:
    """What was asked for; ends the process for `--help`, `--version` and what makes no sense.

    Only the command that was named gets its options: building all of them takes longer than some commands do.
    """
    parser = _overview()
    named = next((word for word in arguments if not word.startswith("-")), None)
    if named is None:
        parser.parse_args(arguments)
        parser.error("name a command; `trajworker demo` is a good first one")
    if named not in COMMANDS:
        parser.error(f"there is no command {named}{_nearest(named)}")
    command = command_parser(named)
    before, after = list(arguments[: arguments.index(named)]), list(arguments[arguments.index(named) + 1 :])
    parser.parse_args([*before, named])
    return command.parse_args(after)


def command_parser(name: str) -> Parser:
    """The parser of one command."""
    command = Parser(
        prog=f"trajworker {name}", description=COMMANDS[name].about, formatter_class=_Help, allow_abbrev=False
    )
    command.set_defaults(module=COMMANDS[name].module)
    COMMANDS[name].options(command)
    return command


def _overview() -> Parser:
    listed = "\n".join(f"  {name:10} {command.about}" for name, command in COMMANDS.items())
    parser = Parser(
        prog="trajworker",
        usage="trajworker COMMAND [OPTION ...]",
        description=f"{DESCRIPTION}\n\ncommands:\n{listed}",
        epilog=EPILOG,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"trajworker {__version__}")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    return parser


def _nearest(word: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only for who mistyped

    near = get_close_matches(word, COMMANDS, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(COMMANDS)}"


def _demo(command: Parser) -> None:
    command.add_argument("--out", metavar="DIR", help="where the files go (default: a new temporary folder)")


def _run(command: Parser) -> None:
    _source_options(command, "project to read; may be repeated, may be a pattern such as support-*")
    command.add_argument("--once", dest="worker.once", action="store_true", help="end when everything is delivered")
    _range_options(command)
    command.add_argument("--out", dest="sink.out", metavar="DIR", help="folder of the published files")
    _staging_option(command)
    command.add_argument(
        "--idle",
        dest="conversation.idle",
        metavar="DURATION",
        help="a conversation is finished when nothing came for this long (default 30m)",
    )
    command.add_argument(
        "--settle",
        dest="intake.settle",
        metavar="DURATION",
        help="how long the API may lag before a slice of time counts as read (default 10m)",
    )
    command.add_argument(
        "--flush", dest="conversation.flush", action="store_true", help="with --once, write unfinished ones too"
    )
    command.add_argument(
        "--adopt",
        dest="staging.adopt",
        action="store_true",
        help="go on though server, workspace, thread keys, folder, rewards, redaction or release changed",
    )


def _source_options(command: Parser, projects: str) -> None:
    _config_option(command)
    command.add_argument("--endpoint", dest="source.endpoint", metavar="URL", help="the one origin that is asked")
    command.add_argument("--project", dest="source.projects", metavar="NAME_OR_ID", action="append", help=projects)
    command.add_argument(
        "--api", dest="source.api", choices=("auto", "v2", "v1"), help="API generation (default: ask the server)"
    )


def _range_options(command: Parser) -> None:
    command.add_argument("--since", dest="source.since", metavar="TIME", help="ISO 8601 or an age such as 7d")
    command.add_argument("--until", dest="source.until", metavar="TIME", help="ISO 8601 or an age such as 1h")


def _config_option(command: Parser) -> None:
    command.add_argument("-c", "--config", metavar="FILE", help="TOML file; see `trajworker config --toml`")


def _staging_option(command: Parser) -> None:
    command.add_argument("--staging", dest="staging.file", metavar="FILE", help="the SQLite staging file")


def _list(command: Parser) -> None:
    _source_options(command, ONE_PROJECT)
    command.add_argument("--limit", type=int, default=50, help="how many (default 50)")
    _range_options(command)
    command.add_argument("--json", action="store_true", help="one JSON object per line")
    command.epilog = LISTED


def _import(command: Parser) -> None:
    command.add_argument(
        "conversations", type=identifier, nargs="*", metavar="ID", help="conversation ids; none: all of the project"
    )
    _source_options(command, ONE_PROJECT)
    _range_options(command)
    command.add_argument("--bulk", metavar="FILE_OR_DIR", help="Parquet, JSONL or JSON of runs instead of the API")
    command.add_argument("--out", metavar="DIR", default=".", help="folder for the files (default: here)")
    command.add_argument("--format", choices=("jsonl", "json"), default="jsonl", help="one file, or one each")
    command.add_argument("--no-stage", action="store_true", help="touch no staging file")
    command.epilog = UNKNOWN


def _simulate(command: Parser) -> None:
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    command.add_argument(
        "--port", type=whole(0, MAX_PORT), default=1984, help="port to listen on; 0 picks one (default 1984)"
    )
    command.add_argument("--load", metavar="FOLDER", action="append", default=[], help="folder of runs.jsonl")
    command.add_argument("--mode", choices=("dual", "v2", "v1"), default="dual", help="which APIs answer")
    command.add_argument("--key-file", metavar="FILE", help="ask for the API key that stands in this file")
    command.add_argument(
        "--rate-scale", type=real(*RATE_SCALES), metavar="X", help="keep X times the documented rate limits"
    )
    command.add_argument(
        "--latency-ms", type=real(0, MAX_LATENCY_MS), default=0.0, metavar="N", help="answer N ms late"
    )
    command.add_argument("--faults", metavar="FILE", help="JSON script of faults: the guide tells its format")
    command.epilog = f"The guide, with every effect of a script and what is not simulated:\n{SIMULATOR_GUIDE}"


def _status(command: Parser) -> None:
    _config_option(command)
    _staging_option(command)
    command.add_argument("--json", action="store_true", help="one JSON object")
    command.epilog = FIGURES


def _whose_option(command: Parser) -> None:
    command.add_argument(
        "--project", metavar="NAME_OR_ID", help="whose conversation, where several projects have one of that id"
    )


def _where_options(command: Parser) -> None:
    command.add_argument("--in", dest="folder", metavar="PATH", help="file or folder of ids (default: sink.out)")
    _whose_option(command)
    _config_option(command)


def _show(command: Parser) -> None:
    command.add_argument("id", metavar="ID", help="conversation id, or its beginning")
    _where_options(command)
    command.add_argument("--revision", type=int, help="which revision (default: the newest)")
    command.add_argument("--steps", action="store_true", help="say which messages each step saw")


def _diff(command: Parser) -> None:
    command.add_argument("a", metavar="A", help="file, golden file, or conversation id")
    command.add_argument("b", metavar="B", help="file, golden file, or conversation id")
    _where_options(command)
    command.add_argument("--mode", default="strict", help="strict, in_order, unordered, superset or subset")
    command.add_argument("--args", default="exact", help="exact, subset, superset or ignore")
    command.add_argument("--json", action="store_true", help="the verdict as JSON")


def _config(command: Parser) -> None:
    _config_option(command)
    command.add_argument("--toml", action="store_true", help="print a documented TOML file with every default")


def _verify(command: Parser) -> None:
    command.add_argument("out", metavar="DIR", help="folder of published files")
    _config_option(command)


def _repair(command: Parser) -> None:
    _config_option(command)
    _staging_option(command)
    command.add_argument("--out", dest="sink.out", metavar="DIR", help="folder of the published files")


def _purge(command: Parser) -> None:
    _config_option(command)
    _staging_option(command)
    command.add_argument(
        "--conversation", type=identifier, metavar="ID", action="append", default=[], help="one to erase, of any age"
    )
    _whose_option(command)
    command.add_argument("--before", metavar="TIME", help="erase instead all that were last active earlier")


class Command:
    """A command: what it is for, the module of `trajworker.cli` that does it, and what adds its options."""

    __slots__ = ("about", "module", "options")

    def __init__(self, about: str, module: str, options: "Callable[[Parser], None]") -> None:
        """See the class."""
        self.about = about
        self.module = module
        self.options = options


COMMANDS = {
    "demo": Command("Run the worker once on recorded traces, on this machine alone.", "demo", _demo),
    "run": Command("Follow projects for ever, or with --once backfill a time range and end.", "run", _run),
    "list": Command("List the conversations of a project, newest first.", "listing", _list),
    "import": Command("Import some conversations by id, or a bulk export file.", "importing", _import),
    "simulate": Command("A LangSmith-compatible server on loopback.", "simulate", _simulate),
    "status": Command("What is complete up to when, open, pending, quarantined, written.", "status", _status),
    "show": Command("A trajectory, readable in the terminal.", "show", _show),
    "diff": Command("Two trajectories aligned call by call; exit code 1 when they differ.", "diff", _diff),
    "config": Command("The effective configuration, and where each value came from.", "configuration", _config),
    "verify": Command("Check every published file against the chain of manifests.", "verify", _verify),
    "repair": Command("Write again what a damaged disk lost, from staging.", "repair", _repair),
    "purge": Command("Erase conversations from staging; list published files that hold them.", "purge", _purge),
}
