"""Dialogues recorded with other SDKs than the corpus' come out as they were said.

The runs are what the real SDKs of the folder's name sent while a scripted server played the model; `expected.json` was
written from the script. Words are made up, and what no reader needs was left out of the runs.
"""

import random
from functools import cache
from pathlib import Path

import pytest

from e2e.running import Workplace
from support import recorded, runs
from support.folding import fold_all
from support.truth import differences
from trajworker.assembly import Conversation, Header, assemble, encode_line
from trajworker.assembly.kept.folds import Fold
from trajworker.model.run import NEEDED_RUN_TYPES, Run
from trajworker.simulator import Simulator, SimulatorSettings, serve
from trajworker.trajectory import Trajectory

# Rules are covered by their own tests; thousands of dialogues under coverage would take twice their time.
pytestmark = pytest.mark.no_cover


@cache
def recording(producer: str) -> list[Run]:
    return [runs.from_v1(row) for row in recorded.runs(producer)]


@cache
def folded(producer: str, *, needed_only: bool) -> dict[str, list[Fold]]:
    """The folds of each conversation, trace by trace."""
    found = recording(producer)
    if needed_only:
        found = [run for run in found if run.is_root or run.run_type in NEEDED_RUN_TYPES]
    return {thread: fold_all(traces) for thread, traces in runs.conversations(found).items()}


@cache
def assembled(producer: str, *, needed_only: bool) -> list[Trajectory]:
    found = folded(producer, needed_only=needed_only).items()
    return [assemble(folds, Header(conversation_id=thread)) for thread, folds in found]


def misread(producer: str, found: list[Trajectory]) -> dict[str, list[str]]:
    """In what its dialogues, by name, differ from what was said."""
    threads = recorded.expected(producer)["threads"]
    told = {thread["dialogue"]: differences(found, thread) for thread in threads}
    return {dialogue: said for dialogue, said in told.items() if said}


@pytest.mark.parametrize("producer", recorded.producers())
def test_dialogues_of_another_producer_come_out_as_they_were_said(producer: str) -> None:
    assert misread(producer, assembled(producer, needed_only=False)) == {}


@pytest.mark.parametrize("producer", recorded.producers())
def test_roots_and_needed_run_types_tell_the_same(producer: str) -> None:
    assert misread(producer, assembled(producer, needed_only=True)) == {}


@pytest.mark.parametrize("producer", recorded.producers())
def test_a_conversation_is_the_same_folded_at_once_or_trace_by_trace_in_whatever_order_runs_come(producer: str) -> None:
    shuffle = random.Random(producer)
    for thread, traces in runs.conversations(recording(producer)).items():
        header = Header(conversation_id=thread)
        told = b"".join(encode_line(folded(producer, needed_only=False)[thread], header))
        for keeps in (True, False):
            at_once = Conversation(keeps=keeps)
            for trace in traces:
                at_once.fold(shuffle.sample(trace, len(trace)))
            assert b"".join(encode_line(at_once.folds, header)) == told


@pytest.mark.timeout(300)  # all of them at once, beside whatever else runs here
@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_the_worker_reads_them_all_over_http(api: str, tmp_path: Path) -> None:
    simulator = Simulator(SimulatorSettings())
    simulator.load(recorded.FOLDER)
    projects = dict(recorded.project(producer) for producer in recorded.producers())
    async with serve(simulator) as url:
        place = Workplace(url, tmp_path, list(projects))
        await place.once("--api", api, "--flush")
    found = place.trajectories()
    for producer in recorded.producers():
        _, project_id = recorded.project(producer)
        mine = [one for one in found if one.origin.project_id == project_id]
        assert misread(producer, mine) == {}


def test_each_producer_wrote_to_a_project_of_its_own() -> None:
    ids = [recorded.project(producer)[1] for producer in recorded.producers()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("producer", "conversation"),
    [("wrap_gemini", "gem-1"), ("vercel_ai4", "v1"), ("vercel_ai6", "v1"), ("js_wraps", "j5"), ("google_adk", "adk-1")],
)
def test_tool_definitions_are_found_wherever_they_stand(producer: str, conversation: str) -> None:
    (told,) = [one for one in assembled(producer, needed_only=True) if one.task.conversation_id == conversation]
    assert told.tools[0].name == "get_weather"


def test_a_nested_agent_is_linked_to_the_call_that_asked_it() -> None:
    (told,) = [one for one in assembled("google_adk", needed_only=True) if one.task.conversation_id == "adk-3"]
    assert [(one.origin.agent, one.origin.tool_call_id) for one in told.nested] == [("helper", "fc_a4")]
