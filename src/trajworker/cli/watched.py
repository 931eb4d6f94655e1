"""Who watches a command that may take long: logs, and progress on a terminal, as the configuration asks for them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from trajworker.config import Settings
from trajworker.observing.watching import Watch, watching


@contextmanager
def watched(settings: Settings) -> Iterator[Watch]:
    """Logs and progress go to stderr within the block; results are printed after it."""
    logging = settings.logging
    with watching(sys.stderr, style=logging.format, level=logging.level, progress=logging.progress) as watch:
        yield watch
