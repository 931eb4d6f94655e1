"""How an output folder is written."""

from pathlib import Path

from msgspec import Struct

from trajworker.ports import Compression, Consumed
from trajworker.sinks.rotation import Limits


class JsonlSettings(Struct, frozen=True, kw_only=True):
    """The folder, when a part is sealed, how it is compressed then, and whether consumers take files away."""

    out: Path
    limits: Limits = Limits()
    compress: Compression = Compression.NONE
    consumed: Consumed = Consumed.FATAL
