"""A worker that goes on in another folder than before: the files published so far must have moved along."""

from pathlib import Path

from trajworker.errors import ConfigError
from trajworker.ports import PartLedger, PartState
from trajworker.sinks.naming import manifest_name


async def refuse_left_behind(out: Path, before: Path, ledger: PartLedger) -> None:
    """Raise ConfigError where published files still lie in the folder that was used before, and not in this one."""
    names = [part.name for part in await ledger.parts() if part.state is PartState.PUBLISHED and part.name]
    left = [name for name in map(manifest_name, names) if (before / name).exists() and not (out / name).exists()]
    if left:
        raise ConfigError(
            f"the files published so far lie in {before} ({left[0]} and {len(left) - 1:,} more): name that folder, or "
            f"move all of them to {out} with their manifests and run with --adopt"
        )
