"""Staging: one SQLite file between the two corridors, where every decision is one transaction."""

from sqlite3 import sqlite_version as SQLITE_VERSION  # noqa: N812 - a constant of this process

from trajworker.staging.database import MEMORY
from trajworker.staging.figures import Figures, ProjectFigures, read_figures
from trajworker.staging.lookup import read_homes
from trajworker.staging.purging import Purged
from trajworker.staging.store import Staging, open_staging

__all__ = [
    "MEMORY",
    "SQLITE_VERSION",
    "Figures",
    "ProjectFigures",
    "Purged",
    "Staging",
    "open_staging",
    "read_figures",
    "read_homes",
]
