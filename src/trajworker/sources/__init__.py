"""Where runs come from: LangSmith over HTTP, behind `ports.RunSource`, and exports in files."""

from trajworker.sources.api_key import ApiKey
from trajworker.sources.langsmith import LangSmithSource
from trajworker.sources.pacing import Paces
from trajworker.sources.settings import LangSmithSettings, Limit, Retries, Timeouts

__all__ = ["ApiKey", "LangSmithSettings", "LangSmithSource", "Limit", "Paces", "Retries", "Timeouts"]
