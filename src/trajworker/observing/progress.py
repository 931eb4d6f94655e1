"""Live progress on a terminal: time, slices, runs, what was written, rate. Imports rich, so only when watched."""

import io
from collections.abc import Callable
from time import monotonic
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trajworker.events import Event
from trajworker.observing.counting import counted
from trajworker.observing.tally import Tally

REFRESH_S: Final = 0.1
IDLE_REFRESH_PER_S: Final = 1
BAR_CHARS: Final = 24


class Progress:
    """An observer that redraws one line, at most ten times a second; a context manager for as long as it is shown.

    It redraws when something happened; while nothing does, a thread of rich's tells once a second how long that takes,
    and does no more than look. Log lines must go through `stream` meanwhile, so that they appear above the line instead
    of in it.
    """

    def __init__(self, tally: Tally, console: Console, clock: Callable[[], float] = monotonic) -> None:
        self._tally = tally
        self._clock = clock
        self._began_s = self._drawn_s = clock()
        self._live = Live(
            get_renderable=self._line,  # so that the last frame, too, shows the tally as it is
            console=console,
            refresh_per_second=IDLE_REFRESH_PER_S,
            transient=True,
            redirect_stdout=False,
        )
        self.stream = LinesAbove(console)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._live.stop()

    def __call__(self, _event: Event) -> None:
        """Redraw from the tally, which has taken in the event already."""
        now_s = self._clock()
        if now_s - self._drawn_s >= REFRESH_S:
            self._drawn_s = now_s
            self._live.refresh()

    def _line(self) -> Table:
        tally = self._tally
        figures = Text(" · ".join(self._figures()))
        line = Table.grid(padding=(0, 1))
        if (share := tally.share_read) is None:
            line.add_row(figures)
        else:
            line.add_row(ProgressBar(total=1.0, completed=share, width=BAR_CHARS), Text(f"{share:4.0%}"), figures)
        return line

    def _figures(self) -> list[str]:
        tally = self._tally
        elapsed_s = max(self._clock() - self._began_s, REFRESH_S)
        numbers = {
            "slice": tally.slices,
            "run": tally.runs,
            "revision": tally.revisions,
            "conversation": tally.written,
        }
        figures = [f"{elapsed_s:,.0f} s", *(counted(number, noun) for noun, number in numbers.items() if number)]
        if tally.runs:
            figures.append(f"{tally.runs / elapsed_s:,.0f} runs/s")
        if (left := tally.requests_left) is not None:
            figures.append(f"about {left:,} requests left")
        return figures


class LinesAbove(io.RawIOBase):
    """A stream of bytes whose lines appear above what is live."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, line: bytes) -> int:  # type: ignore[override]  # log lines are bytes, nothing else is written
        """Show a line, colours and all."""
        text = Text.from_ansi(line.decode("utf-8", "replace").rstrip("\n"))
        self._console.print(text, soft_wrap=True, highlight=False)
        return len(line)
