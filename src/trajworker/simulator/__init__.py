"""A LangSmith-compatible server on loopback, to test LangSmith tooling without LangSmith."""

from trajworker.simulator.faults import Fault, read_script
from trajworker.simulator.loading import LoadError
from trajworker.simulator.reveal import Reveal
from trajworker.simulator.serving import CannotListen, run_forever, serve
from trajworker.simulator.settings import Mode, SimulatorSettings
from trajworker.simulator.simulator import Simulator
from trajworker.simulator.state import ManualClock

__all__ = [
    "CannotListen",
    "Fault",
    "LoadError",
    "ManualClock",
    "Mode",
    "Reveal",
    "Simulator",
    "SimulatorSettings",
    "read_script",
    "run_forever",
    "serve",
]
