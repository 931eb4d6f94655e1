"""What `/info` tells a client about the instance."""

from typing import Any

from trajworker.simulator.settings import Mode, SimulatorSettings

VERSION = "0.17.0"
BATCH_SIZE_LIMIT = 100


def info(settings: SimulatorSettings) -> dict[str, Any]:
    """The body of `GET /info`."""
    return {
        "version": VERSION,
        "git_sha": None,
        "license_expiration_time": None,
        "batch_ingest_config": {
            "use_multipart_endpoint": True,
            "scale_up_qsize_trigger": 1000,
            "scale_up_nthreads_limit": 16,
            "scale_down_nempty_trigger": 4,
            "size_limit": BATCH_SIZE_LIMIT,
            "size_limit_bytes": settings.max_body_bytes,
        },
        "instance_flags": {
            "zstd_compression_enabled": True,
            "dataset_examples_multipart_enabled": True,
            "examples_multipart_enabled": True,
            "ch_query_enabled": settings.mode is not Mode.V2,
            "sdb_query_enabled": settings.mode is not Mode.V1,
        },
        "customer_info": None,
        "sdk_versions": {},
        "billing_installation_id": None,
    }
