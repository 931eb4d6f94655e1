"""trajworker: LangSmith runs in, finished trajectories out. This module holds the public names."""

__version__ = "0.1.0"
