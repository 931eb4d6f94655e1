"""What can be typed: commands and options, as plain argparse, because `--help` must not wait for an import.

Options that are settings have the setting's path as their destination; a test holds them against the catalogue of the
configuration.
"""

import argparse
from typing import NoReturn

from trajworker import __version__
from trajworker.errors import EXIT_CONFIG

DESCRIPTION = "Turns what agents left in LangSmith into trajectories: one JSON line per conversation."
EPILOG = "Start with `trajworker demo`: it needs no key, no network, no configuration."


class Parser(argparse.ArgumentParser):
    """Ends with the exit code of a wrong configuration, as everything else that was asked for wrongly does."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong, how to call it right, and end."""
        self.exit(EXIT_CONFIG, f"{self.prog}: {message}\n{self.format_usage()}")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = Parser(prog="trajworker", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"trajworker {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _demo(commands)
    _run(commands)
    _list(commands)
    _import(commands)
    _simulate(commands)
    _status(commands)
    _show(commands)
    _diff(commands)
    _config(commands)
    _verify(commands)
    _repair(commands)
    _purge(commands)
    return parser


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for what add_subparsers returns


def _command(commands: "Commands[Parser]", name: str, module: str, about: str) -> Parser:
    command = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
    command.set_defaults(module=module)
    return command


def _demo(commands: "Commands[Parser]") -> None:
    demo = _command(commands, "demo", "demo", "Run the worker once on recorded traces, on this machine alone.")
    demo.add_argument("--out", metavar="DIR", help="where the files go (default: a new temporary folder)")


def _run(commands: "Commands[Parser]") -> None:
    run = _command(commands, "run", "run", "Follow projects for ever, or with --once backfill a time range and end.")
    _source_options(run)
    run.add_argument("--once", dest="worker.once", action="store_true", help="end when everything is delivered")
    run.add_argument("--since", dest="source.since", metavar="TIME", help="ISO 8601 or an age such as 7d")
    run.add_argument("--until", dest="source.until", metavar="TIME", help="ISO 8601 or an age such as 1h")
    run.add_argument("--out", dest="sink.out", metavar="DIR", help="folder of the published files")
    _staging_option(run)
    run.add_argument(
        "--idle",
        dest="conversation.idle",
        metavar="DURATION",
        help="a conversation is finished when nothing came for this long (default 30m)",
    )
    run.add_argument(
        "--settle",
        dest="intake.settle",
        metavar="DURATION",
        help="how long the API may lag before a slice of time counts as read (default 10m)",
    )
    run.add_argument(
        "--flush", dest="conversation.flush", action="store_true", help="with --once, write unfinished ones too"
    )
    run.add_argument(
        "--adopt", dest="staging.adopt", action="store_true", help="go on although folder or rules changed"
    )


def _source_options(command: Parser) -> None:
    _config_option(command)
    command.add_argument("--endpoint", dest="source.endpoint", metavar="URL", help="the one origin that is asked")
    command.add_argument(
        "--project",
        dest="source.projects",
        metavar="NAME_OR_ID",
        action="append",
        help="project to read; may be repeated, may be a pattern such as support-*",
    )
    command.add_argument(
        "--api", dest="source.api", choices=("auto", "v2", "v1"), help="API generation (default: ask the server)"
    )


def _config_option(command: Parser) -> None:
    command.add_argument("-c", "--config", metavar="FILE", help="TOML file; see config/trajworker.toml")


def _staging_option(command: Parser) -> None:
    command.add_argument("--staging", dest="staging.file", metavar="FILE", help="the SQLite staging file")


def _list(commands: "Commands[Parser]") -> None:
    listing = _command(commands, "list", "listing", "List the conversations of a project, newest first.")
    _source_options(listing)
    listing.add_argument("--limit", type=int, default=50, help="how many (default 50)")
    listing.add_argument("--since", dest="source.since", metavar="TIME", help="ISO 8601 or an age such as 7d")
    listing.add_argument("--until", dest="source.until", metavar="TIME", help="ISO 8601 or an age such as 1h")
    listing.add_argument("--json", action="store_true", help="one JSON object per line")


def _import(commands: "Commands[Parser]") -> None:
    importing = _command(commands, "import", "importing", "Import some conversations by id, or a bulk export file.")
    importing.add_argument("conversations", nargs="*", metavar="ID", help="conversation ids; none: all of the project")
    _source_options(importing)
    importing.add_argument("--bulk", metavar="FILE_OR_DIR", help="Parquet, JSONL or JSON of runs instead of the API")
    importing.add_argument("--out", metavar="DIR", default=".", help="folder for the files (default: here)")
    importing.add_argument("--format", choices=("jsonl", "json"), default="jsonl", help="one file, or one each")
    importing.add_argument("--no-stage", action="store_true", help="touch no staging file")


def _simulate(commands: "Commands[Parser]") -> None:
    simulate = _command(commands, "simulate", "simulate", "A LangSmith-compatible server on loopback.")
    simulate.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    simulate.add_argument("--port", type=int, default=1984, help="port to listen on; 0 picks one (default 1984)")
    simulate.add_argument("--load", metavar="FOLDER", action="append", default=[], help="folder of runs.jsonl")
    simulate.add_argument("--mode", choices=("dual", "v2", "v1"), default="dual", help="which APIs answer")
    simulate.add_argument("--key-file", metavar="FILE", help="ask for the API key that stands in this file")
    simulate.add_argument("--rate-scale", type=float, metavar="X", help="keep X times the documented rate limits")
    simulate.add_argument("--latency-ms", type=float, default=0.0, metavar="N", help="answer N ms late")
    simulate.add_argument("--faults", metavar="FILE", help="JSON script of faults")


def _status(commands: "Commands[Parser]") -> None:
    status = _command(commands, "status", "status", "What is complete up to when, open, pending, quarantined, written.")
    _config_option(status)
    _staging_option(status)
    status.add_argument("--json", action="store_true", help="one JSON object")


def _show(commands: "Commands[Parser]") -> None:
    show = _command(commands, "show", "show", "A trajectory, readable in the terminal.")
    show.add_argument("id", metavar="ID", help="conversation id, or its beginning")
    show.add_argument("--in", dest="folder", metavar="PATH", help="file or folder to look in (default: sink.out)")
    _config_option(show)
    show.add_argument("--revision", type=int, help="which revision (default: the newest)")
    show.add_argument("--steps", action="store_true", help="say which messages each step saw")


def _diff(commands: "Commands[Parser]") -> None:
    diff = _command(commands, "diff", "diff", "Two trajectories aligned call by call; exit code 1 when they differ.")
    diff.add_argument("a", metavar="A", help="file, golden file, or conversation id")
    diff.add_argument("b", metavar="B", help="file, golden file, or conversation id")
    diff.add_argument("--in", dest="folder", metavar="PATH", help="where ids are looked up (default: sink.out)")
    _config_option(diff)
    diff.add_argument("--mode", default="strict", help="strict, in_order, unordered, superset or subset")
    diff.add_argument("--args", default="exact", help="exact, subset, superset or ignore")
    diff.add_argument("--json", action="store_true", help="the verdict as JSON")


def _config(commands: "Commands[Parser]") -> None:
    config = _command(
        commands, "config", "configuration", "The effective configuration and where each value came from."
    )
    _config_option(config)
    config.add_argument("--toml", action="store_true", help="print a documented TOML file with every default")


def _verify(commands: "Commands[Parser]") -> None:
    verify = _command(commands, "verify", "verify", "Check every published file against the chain of manifests.")
    verify.add_argument("out", metavar="DIR", help="folder of published files")


def _repair(commands: "Commands[Parser]") -> None:
    repair = _command(commands, "repair", "repair", "Write again what a damaged disk lost, from staging.")
    _config_option(repair)
    _staging_option(repair)
    repair.add_argument("--out", dest="sink.out", metavar="DIR", help="folder of the published files")


def _purge(commands: "Commands[Parser]") -> None:
    purge = _command(commands, "purge", "purge", "Erase conversations from staging; list the files that hold them.")
    _config_option(purge)
    _staging_option(purge)
    purge.add_argument("--conversation", metavar="ID", action="append", default=[], help="conversation to erase")
    purge.add_argument("--before", metavar="TIME", help="erase what was last active earlier")
