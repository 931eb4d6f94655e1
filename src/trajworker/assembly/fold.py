"""Folds one trace against what the traces before it left: pure, and as dear as the trace, not as the conversation."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from trajworker.assembly.calls import (
    MAX_TRAILING,
    Call,
    Root,
    Search,
    ToolRun,
    error_text,
    innermost,
    read_call,
    read_root,
    read_search,
    read_tool_run,
)
from trajworker.assembly.context import Context
from trajworker.assembly.figures import Figures, micros, union
from trajworker.assembly.parts import VERSION, Entry, Fold, iso, sealed
from trajworker.assembly.rewards import RewardRule, Rewards, collect, reward_of
from trajworker.assembly.scopes import Sorted, agent_name, in_order, owner, sort_calls
from trajworker.assembly.tooling import definitions
from trajworker.assembly.transcript import HistoryNeeded, Opening, Quotes, StepDraft, Transcript
from trajworker.dialects import Draft, digest, read_one
from trajworker.dialects.speech import UNREADABLE
from trajworker.model.message import Role, TrainableStatus
from trajworker.model.run import Feedback, Run, RunStatus
from trajworker.trajectory import Origin, Retrieval, Task
from trajworker.trajectory.codec import LineStep, encode_chunk, line_step

RULES_VERSION = "1"
"""Changes whenever folding the same runs gives another result, so that kept folds are made again."""


class FoldSettings(Struct, frozen=True, kw_only=True):
    """How folding is configured: which feedback becomes the reward."""

    rewards: RewardRule = RewardRule()


DEFAULT_SETTINGS = FoldSettings()


def fold_trace(
    runs: Iterable[Run],
    feedback: Sequence[Feedback] = (),
    before: Context | None = None,
    settings: FoldSettings = DEFAULT_SETTINGS,
    recall: Callable[[], Context] | None = None,
) -> Fold:
    """Fold the runs of one trace, in whatever order they come and however often.

    `before` is the context of the trace before it (`fold.after`), None for the first. Where its window of digests is
    too short (history edited far back), `recall` is asked for the whole one: see `whole_context`.
    """
    trace = _Trace(runs, feedback, settings)
    try:
        return _Folding(trace, before or Context()).fold()
    except HistoryNeeded:
        if recall is None:
            raise
        return _Folding(trace, recall()).fold()


def whole_context(folds: Sequence[Fold]) -> Context:
    """The last fold's context with the digests of every message, not only the last ones."""
    last = folds[-1].after
    return msgspec.structs.replace(last, offset=0, tail=b"".join(fold.keys for fold in folds))


class _Trace:
    """The runs of a trace, read and sorted by kind."""

    def __init__(self, runs: Iterable[Run], feedback: Sequence[Feedback], settings: FoldSettings) -> None:
        self.settings = settings
        latest: dict[str, Run] = {}
        for run in runs:
            held = latest.get(run.id)
            if held is None or _newer(run, held):
                latest[run.id] = run
        self.runs = latest
        self.root_run = next((run for run in latest.values() if run.is_root), None)
        first = self.root_run or next(iter(latest.values()))
        self.trace_id, self.project_id = first.trace_id, first.project_id
        kinds: dict[str, list[Run]] = {"llm": [], "tool": [], "retriever": []}
        for run in latest.values():
            if run.run_type in kinds:
                kinds[run.run_type].append(run)
        self.calls = in_order([read_call(run) for run in innermost(kinds["llm"])])
        tools = sorted(kinds["tool"], key=lambda run: (run.start_time, run.dotted_order, run.id))
        self.tools = {run.id: read_tool_run(run) for run in tools}
        searches = sorted(kinds["retriever"], key=lambda run: (run.start_time, run.dotted_order, run.id))
        self.searches = [read_search(run) for run in searches]
        self.rewards: Rewards = collect(feedback, settings.rewards) if feedback else Rewards(all=[], by_run={})
        self.root: Root | None = None
        if self.root_run is not None and self.root_run.run_type not in kinds:
            self.root = read_root(self.root_run)


def _newer(run: Run, held: Run) -> bool:
    """Whether one version of a run supersedes another: ended over pending, then the later end."""
    if run.ended != held.ended:
        return run.ended
    if run.end_time is None or held.end_time is None:
        return held.end_time is None and run.end_time is not None
    return run.end_time > held.end_time


class _Agent(Struct, eq=False):
    """One agent's part of the trace."""

    transcript: Transcript
    sorted: Sorted
    calls: list[Call]


class _Folding:
    """One attempt to fold a trace."""

    def __init__(self, trace: _Trace, before: Context) -> None:
        self.trace = trace
        self.before = before
        self.figures = Figures()
        self.by_owner: dict[str, list[Call]] = {}
        for call in trace.calls:
            self.by_owner.setdefault(self._owner(call), []).append(call)
        self.owned_tools: dict[str, list[ToolRun]] = {}
        for tool in trace.tools.values():
            self.owned_tools.setdefault(owner(tool.path, trace.tools), []).append(tool)
        self.trailing, self.open_end = self._trailing()

    def _owner(self, call: Call) -> str:
        found = owner(call.path, self.trace.tools)
        if not found and call.about.ls_agent_type == "subagent":
            return f"agent:{call.about.ls_subagent_id or agent_name(call)}"
        return found

    # -- the root ------------------------------------------------------------------------------------------------

    def _trailing(self) -> tuple[list[Draft], bool]:
        """Messages at the end of the root's outputs, oldest first, and whether the last of them calls a tool."""
        root = self.trace.root
        if root is None or not root.trailing:
            return [], False
        found: list[Draft] = []
        stop = {call.key for call in self.trace.calls}
        for item in reversed(root.trailing[-MAX_TRAILING:]):
            drafts = _read(item)
            found = drafts + found
            if any(draft.role is not Role.TOOL and digest(draft) in stop for draft in drafts):
                break
            if any(draft.role is Role.USER for draft in drafts):
                break
        last = found[-1] if found else None
        open_end = last is not None and any(call.invalid is None for call in last.tool_calls or ())
        return found, open_end

    # -- the whole -----------------------------------------------------------------------------------------------

    def fold(self) -> Fold:
        """Fold the trace."""
        trace, before = self.trace, self.before
        nested: list[bytes] = []
        main_calls = self.by_owner.get("", [])
        chosen = sort_calls(main_calls, trace.root)
        quotes = Quotes(
            found=[text for search in trace.searches for text in search.texts],
            branches=[one.final for one in chosen.branches if one.final],
        )
        transcript = Transcript(before, self._runs(""), quotes)
        resumes = self._run_main(transcript, chosen.main)
        self._finish(transcript)
        nested += self._nested(transcript, chosen)
        internal = self._internal(chosen, transcript.turn)
        entry = self._entry(transcript, resumes=resumes)
        return self._encode(transcript, entry, nested, internal, resumes=resumes)

    def _runs(self, scope: str) -> list[ToolRun]:
        return self.owned_tools.get(scope, [])

    def _run_main(self, transcript: Transcript, calls: list[Call]) -> bool:
        """Take in the agent's own calls; whether the trace goes on with an interrupted turn."""
        trace = self.trace
        root_resumes = trace.root is not None and trace.root.resumes
        begins = not root_resumes
        if calls and begins and self.before.total:
            begins = self._asks(calls[0], transcript)
        resumes = False
        if not begins and (root_resumes or self.before.interrupted) and self.before.entries:
            transcript.turn += 1
            resumes = True
        for place, call in enumerate(calls):
            opening = Opening(root=trace.root, begins=begins) if place == 0 else None
            transcript.take(call, opening)
        if not calls and begins and trace.root is not None:
            if trace.root.words or trace.root.texts or not self.before.total:
                transcript.open_without_calls(trace.root)
        elif transcript.turn == 0:
            transcript.turn = 1
        return resumes

    def _asks(self, call: Call, transcript: Transcript) -> bool:
        """Whether a prompt ends with a user message, that is: begins a turn."""
        for draft in reversed(transcript.behind_prefix(call) or call.read()):
            if draft.role is Role.USER:
                return True
            if draft.role is not Role.SYSTEM:
                return False
        return True

    def _finish(self, transcript: Transcript) -> None:
        transcript.finish([draft for draft in self.trailing if draft.role is not Role.USER])
        root, run = self.trace.root, self.trace.root_run
        if transcript.answered or root is None or run is None or run.status is not RunStatus.SUCCESS:
            return
        if self.trace.calls and not any(call.failed for call in self.trace.calls):
            return
        if root.resumes or not (root.words or root.texts):
            return
        text = _given_back(run)
        if text is not None:
            draft = Draft(role=Role.ASSISTANT, content=text)
            transcript._add(draft, digest(draft))  # noqa: SLF001 - the answer that no call made

    # -- others --------------------------------------------------------------------------------------------------

    def _nested(self, transcript: Transcript, chosen: Sorted) -> list[bytes]:
        """Trajectories of sub-agents under tool runs and of parallel branches, in order of their start."""
        found: list[tuple[object, bytes]] = []
        for scope, calls in self.by_owner.items():
            if scope and self._parent(scope) == "":
                found.append((calls[0].run.start_time, self._agent(scope, calls, transcript)))
        for branch in chosen.branches:
            run_id = branch.calls[0].run.id
            origin = Origin(
                project_id=self.trace.project_id, trace_ids=(self.trace.trace_id,), run_id=run_id,
                agent=agent_name(branch.calls[0]),
            )  # fmt: skip
            part = Transcript(Context(), [], Quotes())
            found.append((branch.calls[0].run.start_time, self._trajectory(part, branch.calls, origin, [], [])))
        found.sort(key=lambda one: str(one[0]))
        return [chunk for _, chunk in found]

    def _parent(self, scope: str) -> str:
        """The tool run in whose scope a tool run stands, skipping those without llm calls of their own."""
        tool = self.trace.tools.get(scope)
        path = tool.path if tool is not None else ()
        return next((one for one in reversed(path) if one in self.by_owner), "")

    def _agent(self, scope: str, calls: list[Call], above: Transcript) -> bytes:
        """The trajectory of a sub-agent: the calls under a tool run, or those marked as a sub-agent's."""
        chosen = sort_calls(calls, None)
        tool = self.trace.tools.get(scope)
        call_id = tool.call_id if tool is not None else None
        if call_id is None and tool is not None:
            call_id = next(
                (one.tool_response.id for one in above.drafts
                 if one.tool_response is not None and one.tool_response.run_id == scope), None,
            )  # fmt: skip
        origin = Origin(
            project_id=self.trace.project_id, trace_ids=(self.trace.trace_id,),
            run_id=scope if tool is not None else calls[0].run.id, tool_call_id=call_id, agent=_named(calls[0], tool),
        )  # fmt: skip
        part = Transcript(Context(), self._runs(scope), Quotes(branches=[one.final or "" for one in chosen.branches]))
        inner = [
            self._agent(one, inner_calls, part)
            for one, inner_calls in self.by_owner.items()
            if one and one != scope and self._parent(one) == scope
        ]
        return self._trajectory(part, chosen.main, origin, inner, self._internal(chosen, 1), _task(tool))

    def _trajectory(
        self,
        part: Transcript,
        calls: list[Call],
        origin: Origin,
        nested: list[bytes],
        internal: list[bytes],
        root: Root | None = None,
    ) -> bytes:
        for place, call in enumerate(calls):
            part.take(call, Opening(root=root) if place == 0 else None)
        part.finish([])
        self._count_messages(part.drafts)
        task = Task(
            conversation_id=origin.tool_call_id or origin.run_id, num_turns=max(part.turn, 1), num_steps=len(part.steps)
        )
        fields = {
            "task": encode_chunk(task),
            "steps": _array([self._step(step) for step in part.steps]),
            "messages": _array([encode_chunk(draft) for draft in part.drafts]),
            "nested": _array(nested),
            "internal": _array(internal),
            "asides": _array([encode_chunk(draft) for draft in part.asides]),
            "origin": encode_chunk(origin),
        }
        filled = [b'"' + name.encode() + b'":' + data for name, data in fields.items() if data != b"[]"]
        return b"{" + b",".join(filled) + b"}"

    def _internal(self, chosen: Sorted, turn: int) -> list[bytes]:
        found = []
        for call in chosen.internal:
            draft = call.answer.draft
            if draft is not None:
                draft.turn = turn
                draft.name = draft.name or call.run.name
                found.append(encode_chunk(draft))
        return found

    # -- figures -------------------------------------------------------------------------------------------------

    def _count_messages(self, drafts: Sequence[Draft]) -> None:
        figures = self.figures
        for draft in drafts:
            if draft.tool_calls:
                figures.tool_calls += len(draft.tool_calls)
            if draft.role is Role.TOOL:
                figures.tool_results += 1
                if draft.tool_response is not None and draft.tool_response.error is not None:
                    figures.tool_failures += 1
            if "raw" in draft.flags:
                figures.raw += 1

    def _count_runs(self) -> None:
        figures, trace = self.figures, self.trace
        for call in trace.calls:
            if call.failed:
                figures.llm_errors += 1
            else:
                figures.llm_calls += 1
                figures.count(call.usage)
            if call.run.total_cost is not None:
                figures.cost = (figures.cost or 0.0) + call.run.total_cost
            if call.run.end_time is not None:
                figures.llm_times.append((micros(call.run.start_time), micros(call.run.end_time)))
        for tool in trace.tools.values():
            figures.tool_runs_failed += tool.failed
            if tool.run.end_time is not None:
                figures.tool_times.append((micros(tool.run.start_time), micros(tool.run.end_time)))
        figures.llm_times, figures.tool_times = union(figures.llm_times), union(figures.tool_times)
        figures.retrievals = len(trace.searches)
        figures.start = micros(min(run.start_time for run in trace.runs.values()))
        ends = [run.end_time for run in trace.runs.values() if run.end_time is not None]
        figures.end = micros(max(ends)) if ends else None
        root = trace.root_run
        if figures.counted:
            told = root.total_tokens if root is not None and trace.root is not None else None
            figures.root_tokens = told or figures.total_tokens

    # -- the turn ------------------------------------------------------------------------------------------------

    def _entry(self, transcript: Transcript, *, resumes: bool) -> Entry:
        run = self.trace.root_run
        status, error = self._status(transcript)
        return Entry(
            trace_id=self.trace.trace_id, status=status,
            start=iso(run.start_time if run is not None else self._start()) or "",
            end=iso(run.end_time) if run is not None else None, error=error, resumes=resumes,
            joins=not resumes and self.before.entries > 0 and transcript.turn == self.before.entries,
        )  # fmt: skip

    def _start(self) -> datetime:
        return min(run.start_time for run in self.trace.runs.values())

    def _status(self, transcript: Transcript) -> tuple[str, str | None]:
        run = self.trace.root_run
        if run is None or not run.ended:
            return "pending", None
        if run.status is RunStatus.ERROR or run.error is not None:
            if "GraphInterrupt(" in (run.error or "")[:200]:
                return "interrupted", None
            return "error", error_text(run.error) or "error"
        for one in self.trace.runs.values():
            if one.error is not None and one.error.startswith(("GraphInterrupt(", "NodeInterrupt(")):
                return "interrupted", None
        graph = any(call.about.langgraph_node is not None for call in self.trace.calls)
        if graph and self.open_end and transcript.pending:
            return "interrupted", None
        return "success", None

    # -- encoding ------------------------------------------------------------------------------------------------

    def _step(self, step: StepDraft) -> bytes:
        run = step.call.run
        info: dict[str, object] = {"run_id": run.id, "trace_id": run.trace_id, "name": run.name}
        info["start_time"] = run.start_time
        if run.end_time is not None:
            info["end_time"] = run.end_time
        if run.first_token_time is not None:
            info["first_token_time"] = run.first_token_time
        if step.call.model is not None:
            info["model"] = step.call.model
        draft = step.call.answer.draft
        status = draft.trainable_status if draft is not None else TrainableStatus.NOT_TRAINABLE
        if step.summarised:
            status = TrainableStatus.SUMMARIZATION_BOUNDARY
        reward = reward_of(self.trace.rewards.by_run.get(run.id, ()), self.trace.settings.rewards.aggregation)
        return encode_chunk(
            LineStep(messages=line_step(step.view), reward=reward, info=info, trainable_status=status)
        )  # fmt: skip

    def _tools(self, calls: list[Call], seen: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        chunks: list[bytes] = []
        for call in calls:
            for key, chunk in definitions(call.tools):
                if key not in seen:
                    seen = [*seen, key]
                    chunks.append(chunk)
        return chunks, seen

    def _retrieved(self, searches: list[Search], turn: int) -> list[bytes]:
        return [
            encode_chunk(
                Retrieval(
                    query=one.query, documents=one.documents, turn=turn, run_id=one.run.id,
                    error=error_text(one.run.error),
                )
            )
            for one in searches
        ]  # fmt: skip

    def _encode(
        self, transcript: Transcript, entry: Entry, nested: list[bytes], internal: list[bytes], *, resumes: bool
    ) -> Fold:
        trace = self.trace
        self._count_runs()
        self._count_messages(transcript.drafts)
        main = [step.call for step in transcript.steps]
        tools, seen = self._tools(main, self.before.tools)
        after = transcript.after()
        after.tools = seen
        after.interrupted = entry.status == "interrupted"
        after.entries = max(after.entries, 1)
        last = main[-1] if main else None
        metadata: dict[str, object] = {}
        models = list(dict.fromkeys(call.model for call in trace.calls if call.model is not None))
        if models:
            metadata["models"] = models
        if last is not None:
            if last.model is not None:
                metadata["model"] = last.model
            if isinstance(last.about.ls_provider, str):
                metadata["provider"] = last.about.ls_provider
        finish = last.answer.draft.finish_reason if last is not None and last.answer.draft is not None else None
        ran_out = any("need more steps to process" in (draft.content or "")[:80] for draft in self.trailing)
        return sealed(Fold(
            version=VERSION, trace_id=trace.trace_id,
            messages=[encode_chunk(draft) for draft in transcript.drafts],
            asides=[encode_chunk(draft) for draft in transcript.asides],
            steps=[self._step(step) for step in transcript.steps],
            entries=[entry], nested=nested, internal=internal,
            retrieved=self._retrieved(trace.searches, transcript.turn), tools=tools,
            amendments=transcript.amendments, rewards=[encode_chunk(one) for one in trace.rewards.all],
            figures=self.figures, keys=b"".join(transcript.keys), base=self.before.total, after=after,
            reopens=resumes, finish=finish, out_of_steps=ran_out, metadata=metadata, project_id=trace.project_id,
            decoded=transcript.decoded, aggregation=trace.settings.rewards.aggregation,
        ))  # fmt: skip


def _named(call: Call, tool: ToolRun | None) -> str | None:
    """The agent's name: as the metadata has it, else as the tool call asked for it, else the tool's."""
    if tool is None:
        return agent_name(call)
    name = call.about.lc_agent_name or call.about.ls_subagent_type
    for key in ("subagent_type", "agent", "agent_name", "agent_type"):
        name = name or tool.arguments.get(key)
    return name if isinstance(name, str) and name else tool.run.name


_TASKS = ("prompt", "description", "task", "query", "question", "input", "message", "request", "instructions")


def _task(tool: ToolRun | None) -> Root | None:
    """What a sub-agent was told, where only the tool call tells it."""
    if tool is None:
        return None
    texts = {name: text for name in _TASKS if isinstance(text := tool.arguments.get(name), str) and text}
    return Root(words=[Draft(role=Role.USER, content=next(iter(texts.values())))]) if texts else None


def _read(item: Raw) -> list[Draft]:
    try:
        return read_one(msgspec.json.decode(item))
    except UNREADABLE:
        return []


def _given_back(run: Run) -> str | None:
    """Text that a root gave back although no llm run made it."""
    try:
        outputs = msgspec.json.decode(run.outputs)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if isinstance(outputs, dict):
        for name in ("output", "outputs", "answer", "result", "response", "text", "content", "output_text"):
            value = outputs.get(name)
            if isinstance(value, str) and value:
                return value
        return None
    return outputs if isinstance(outputs, str) and outputs else None


def _array(chunks: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(chunks) + b"]"
