"""Everybody who watches a worker, put together: tally, logs, and progress where a person is looking."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, TextIO, cast

from msgspec import Struct

from trajworker.events import Event, Observer
from trajworker.observing.colours import takes_colours
from trajworker.observing.logs import Logs
from trajworker.observing.tally import Tally


class Watch(Struct, frozen=True):
    """`observer` is given to the worker; `tally` is what summary, metrics and health are read from."""

    observer: Observer
    tally: Tally


@contextmanager
def watching(stderr: TextIO, *, style: str = "auto", level: str = "info", progress: str = "auto") -> Iterator[Watch]:
    """Watch a worker for as long as the context lasts.

    Args:
        stderr: where logs and progress go.
        style: auto, pretty or json; auto is pretty on a terminal. What is pretty is coloured on a terminal only.
        level: debug, info, warning or error.
        progress: auto or off; auto draws it on a terminal.
    """
    terminal = stderr.isatty()
    tally = Tally()
    with ExitStack() as stack:
        stream = stderr.buffer
        observers: list[Observer] = []
        if terminal and progress == "auto":
            from rich.console import Console  # noqa: PLC0415 - slow to import, so only where a person is watching

            from trajworker.observing.progress import Progress  # noqa: PLC0415 - same

            drawn = stack.enter_context(Progress(tally, Console(file=stderr)))
            stream = cast("BinaryIO", drawn.stream)
            observers.append(drawn)
        pretty = style == "pretty" or (style == "auto" and terminal)
        logs = Logs(stream, pretty=pretty, colours=takes_colours(stderr), level=level)
        yield Watch(fan_out([tally, logs, *observers]), tally)


def fan_out(observers: Sequence[Observer]) -> Observer:
    """One observer that tells several, in order."""

    def observe_all(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe_all
