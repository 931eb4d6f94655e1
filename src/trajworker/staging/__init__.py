"""Staging: one SQLite file between the two corridors, where every decision is one transaction."""

from trajworker.staging.figures import Figures, ProjectFigures, read_figures
from trajworker.staging.store import Staging, open_staging
from trajworker.staging.upkeep import Purged

__all__ = ["Figures", "ProjectFigures", "Purged", "Staging", "open_staging", "read_figures"]
