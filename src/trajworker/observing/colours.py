"""Whether what is written for a person may be coloured."""

import os
from typing import TextIO

NO_COLOR = "NO_COLOR"
"""Set to anything but the empty text, it forbids colours (no-color.org)."""


def takes_colours(stream: TextIO) -> bool:
    """Whether a terminal shows what is written there, and nobody forbade it colours."""
    return stream.isatty() and not os.environ.get(NO_COLOR)
