"""How long and how often a source is tried unless that is configured: the settings and a source share these bounds."""

from datetime import timedelta
from typing import Final

CONNECT_TIMEOUT: Final = timedelta(seconds=10)
READ_TIMEOUT: Final = timedelta(minutes=1)
REQUEST_TIMEOUT: Final = timedelta(minutes=5)
ATTEMPTS: Final = 12
THROTTLED: Final = timedelta(hours=2)
"""How long nothing but "too many requests" is borne."""
PAGE_CAP_BYTES: Final = 256 << 20
