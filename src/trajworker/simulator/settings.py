"""What can be set on the simulator, as one frozen value that also reads from JSON."""

import uuid
from enum import StrEnum

import msgspec

from trajworker.simulator.faults import Fault
from trajworker.simulator.reveal import Reveal

TENANT_ID = str(uuid.UUID("0d3ad7f0-3b54-5f4a-9d5a-7f2b1c0e9a11"))
MAX_BODY_BYTES = 20_971_520
"""Documented limit of an ingest body."""


class Mode(StrEnum):
    """Which generations of read endpoints are served."""

    DUAL = "dual"
    V2 = "v2"
    V1 = "v1"


class SimulatorSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Behaviour of a simulator. Everything unpleasant is off by default.

    `rate_scale` multiplies the documented limits (None: no limits); `api_keys` empty accepts any caller, also one
    without a key. Lags are counted from the arrival of what was ingested.
    """

    mode: Mode = Mode.DUAL
    api_keys: tuple[str, ...] = ()
    org_scoped_keys: tuple[str, ...] = ()
    tenant_id: str = TENANT_ID
    tenant_name: str = "simulated workspace"
    thread_keys: tuple[str, ...] = ("session_id", "conversation_id", "thread_id")
    rate_scale: float | None = None
    send_retry_after: bool = False
    latency_ms: float = 0.0
    visibility_lag_s: float = 0.0
    patch_lag_s: float = 0.0
    reveal: tuple[Reveal, ...] = ()
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    v2_refusal_status: int = 404
    """What v2 paths answer in mode v1: 404 or 501."""
    max_body_bytes: int = MAX_BODY_BYTES
