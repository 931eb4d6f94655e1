"""Sub-agents and parallel branches: each is a trajectory of its own, linked to the tool call that started it."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

from msgspec import Struct

from trajworker.assembly.dialogues.scopes import Sorted, agent_name, owner, sort_calls
from trajworker.assembly.kept.context import Context, Past
from trajworker.assembly.kept.figures import Figures
from trajworker.assembly.kept.rewards import reward_of
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.quotes import NOTHING_MADE, Quotes
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import ToolRun
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.reading.words import Opening
from trajworker.assembly.telling.taking import finish, take
from trajworker.assembly.telling.transcript import StepDraft, Transcript
from trajworker.dialects import Draft
from trajworker.dialects.speech import RAW
from trajworker.model.message import NOT_TRAINABLE, TOOL, USER, TrainableStatus
from trajworker.trajectory import Origin, Task
from trajworker.trajectory.codec import LineStep, completed, encode_chunk, encode_chunks, line_step

_TASKS = ("prompt", "description", "task", "query", "question", "input", "message", "request", "instructions")


class _Info(Struct, omit_defaults=True, gc=False):
    """What a step on a line says of its call; what nobody told is left out."""

    run_id: str
    trace_id: str
    name: str
    start_time: datetime
    end_time: datetime | None = None
    first_token_time: datetime | None = None
    model: str | None = None


class _Step(LineStep, kw_only=True, gc=False):
    """A step as it is written."""

    info: _Info  # type: ignore[assignment]  # an object on the line, as which it is read back


class Agents:
    """The agents of a trace, and the trajectories of all but the main one."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.figures = Figures()
        self.by_owner: dict[str, list[Call]] = {}
        for call in trace.calls:
            scope = owner(call.path, trace.tools)
            if not scope and call.about.ls_agent_type == "subagent":
                scope = f"agent:{call.about.ls_subagent_id or agent_name(call)}"
            self.by_owner.setdefault(scope, []).append(call)
        self.below: dict[str, list[str]] = {}
        """The tool runs with llm calls of their own, by the one in whose scope they stand, else by the main agent."""
        for scope in filter(None, self.by_owner):
            self.below.setdefault(self._parent(scope), []).append(scope)
        self.owned_tools: dict[str, list[ToolRun]] = {}
        for tool in trace.tools.values():
            self.owned_tools.setdefault(owner(tool.path, trace.tools), []).append(tool)

    def runs(self, scope: str) -> list[ToolRun]:
        """Tool runs of one agent."""
        return self.owned_tools.get(scope, [])

    def nested(self, transcript: Transcript, chosen: Sorted, of_branches: list[list[ToolRun]]) -> list[bytes]:
        """Trajectories of sub-agents under tool runs and of parallel branches, in order of their start."""
        if not self.below and not chosen.branches:
            return []
        found: list[tuple[datetime, bytes]] = []
        for scope in self.below.get("", ()):
            found += self._agents(scope, transcript)
        found += [(start, chunk) for start, chunk, _ in self._branches(chosen, of_branches)]
        found.sort(key=itemgetter(0))
        return [chunk for _, chunk in found]

    def _branches(
        self, chosen: Sorted, of_branches: list[list[ToolRun]], beside: Origin | None = None
    ) -> list[tuple[datetime, bytes, bool]]:
        """Trajectories of branches: start, line, and whether it is a twin, whose origin is that of the one beside."""
        found: list[tuple[datetime, bytes, bool]] = []
        for branch, runs in zip(chosen.branches, of_branches, strict=True):
            first, asking = branch.calls[0], branch.asked_by
            twin = beside if branch.twin else None
            origin = twin or Origin(
                project_id=self.trace.project_id, trace_ids=(self.trace.trace_id,), run_id=first.run.id,
                tool_call_id=asking.id if asking is not None else None,
                agent=asking.name if asking is not None else agent_name(first),
            )  # fmt: skip
            part = Transcript(Past(Context()), runs, NOTHING_MADE)
            self._play(part, branch.calls, None)
            found.append((first.run.start_time, self._encoded(part, origin, {}), branch.twin))
        return found

    def _parent(self, scope: str) -> str:
        """The tool run in whose scope a tool run stands, skipping those without llm calls of their own."""
        tool = self.trace.tools.get(scope)
        path = tool.path if tool is not None else ()
        return next((one for one in reversed(path) if one in self.by_owner), "")

    def _agents(self, scope: str, above: Transcript) -> list[tuple[datetime, bytes]]:
        """The trajectories of a sub-agent (calls under a tool run, or marked as one's) and of its twins, by start."""
        calls = self.by_owner[scope]
        chosen = sort_calls(calls, None, self.runs(scope))
        tool = self.trace.tools.get(scope)
        call_id = tool.call_id if tool is not None else None
        if call_id is None and tool is not None:
            call_id = next(
                (one.tool_response.id for one in above.drafts
                 if one.tool_response is not None and one.tool_response.run_id == scope), None,
            )  # fmt: skip
        origin = Origin(
            project_id=self.trace.project_id, trace_ids=(self.trace.trace_id,),
            run_id=scope if tool is not None else calls[0].run.id, tool_call_id=call_id,
            agent=_agent_of(calls[0], tool),
        )  # fmt: skip
        own, of_branches = chosen.by_caller(self.runs(scope))
        part = Transcript(Past(Context()), own, Quotes(branches=[one.final or "" for one in chosen.branches]))
        self._play(part, chosen.main, _task(tool))
        inner = [chunk for one in self.below.get(scope, ()) for _, chunk in self._agents(one, part)]
        branches = self._branches(chosen, of_branches, origin)
        inner += [chunk for _, chunk, twin in branches if not twin]
        told = self._encoded(part, origin, {"nested": inner, "internal": self.internal(chosen, part)})
        start = (chosen.main or calls)[0].run.start_time
        agents = [(start, told), *((began, chunk) for began, chunk, twin in branches if twin)]
        return sorted(agents, key=itemgetter(0))

    def _play(self, part: Transcript, calls: list[Call], root: Root | None) -> None:
        """Take in all calls of one agent."""
        for place, call in enumerate(calls):
            take(part, call, Opening(root=root) if place == 0 else None)
        finish(part, [])
        self.count_messages([draft for draft in part.drafts if draft.turn])  # what it remembers was counted before

    def _encoded(self, part: Transcript, origin: Origin, beside: dict[str, list[bytes]]) -> bytes:
        task = Task(
            conversation_id=origin.tool_call_id or origin.run_id, num_turns=max(part.turn, 1), num_steps=len(part.steps)
        )
        fields = {
            "task": encode_chunk(task),
            "steps": _array(self.steps(part)),
            "messages": _array(encode_chunks(part.drafts)),
            "nested": _array(beside.get("nested", [])),
            "internal": _array(beside.get("internal", [])),
            "asides": _array(encode_chunks(part.asides)),
            "origin": encode_chunk(origin),
        }
        filled = [b'"' + name.encode() + b'":' + data for name, data in fields.items() if data != b"[]"]
        return completed(b"{" + b",".join(filled) + b"}")

    def internal(self, chosen: Sorted, transcript: Transcript) -> list[bytes]:
        """Answers of calls that are no part of the conversation."""
        found = []
        for call in chosen.internal:
            draft = call.answer.draft
            if draft is not None:
                draft.turn = transcript.turn_beside(call)
                draft.name = draft.name or call.run.name
                found.append(encode_chunk(draft))
        return found

    def count_messages(self, drafts: Sequence[Draft]) -> None:
        """Add what messages count for."""
        figures = self.figures
        for draft in drafts:
            if draft.tool_calls:
                figures.tool_calls += len(draft.tool_calls)
            if draft.role is TOOL:
                figures.tool_results += 1
                if draft.tool_response is not None and draft.tool_response.error is not None:
                    figures.tool_failures += 1
            if RAW in draft.flags:
                figures.raw += 1

    def steps(self, transcript: Transcript) -> list[bytes]:
        """The steps of an agent as they stand on a line."""
        return encode_chunks([self._step(step) for step in transcript.steps])

    def _step(self, step: StepDraft) -> LineStep:
        call, rewards = step.call, self.trace.rewards.by_run
        run, draft = call.run, call.answer.draft
        info = _Info(run.id, run.trace_id, run.name, run.start_time, run.end_time, run.first_token_time, call.model)
        status = draft.trainable_status if draft is not None else NOT_TRAINABLE
        if step.summarised:
            status = TrainableStatus.SUMMARIZATION_BOUNDARY
        given = rewards.get(run.id) if rewards and not call.is_part else None
        reward = reward_of(given, self.trace.aggregation) if given is not None else None
        return _Step(messages=line_step(step.view), reward=reward, info=info, trainable_status=status)


def _agent_of(call: Call, tool: ToolRun | None) -> str | None:
    """The agent's name: as the metadata has it, else as the tool call asked for it, else the tool's."""
    if tool is None:
        return agent_name(call)
    name = call.about.lc_agent_name or call.about.ls_subagent_type
    for key in ("subagent_type", "agent", "agent_name", "agent_type"):
        name = name or tool.arguments.get(key)
    return name if isinstance(name, str) and name else tool.run.name


def _task(tool: ToolRun | None) -> Root | None:
    """What a sub-agent was told, where only the tool call tells it."""
    if tool is None:
        return None
    texts = {name: text for name in _TASKS if isinstance(text := tool.arguments.get(name), str) and text}
    return Root(words=[Draft(role=USER, content=next(iter(texts.values())))]) if texts else None


def _array(chunks: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(chunks) + b"]"
