"""Folds one trace against what the traces before it left: pure, and as dear as the trace, not as the conversation."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from trajworker.assembly.beside.afterwork import is_afterwork
from trajworker.assembly.dialogues.finals import text_without_call
from trajworker.assembly.dialogues.guards import manner
from trajworker.assembly.dialogues.joins import put_together
from trajworker.assembly.dialogues.repeated_roots import give_back_answer
from trajworker.assembly.dialogues.scopes import Sorted, is_internal, sort_calls
from trajworker.assembly.dialogues.sessions import Break, Session
from trajworker.assembly.kept.context import KEPT, Context, Past
from trajworker.assembly.kept.folds import VERSION, Entry, Fold, iso
from trajworker.assembly.kept.prefix import Prefix
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.counting import count_runs
from trajworker.assembly.reading.dispatch import bear_open_names
from trajworker.assembly.reading.passages import with_passages
from trajworker.assembly.reading.quotes import NOTHING_MADE, Quotes
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.reading.words import Opening, root_drafts
from trajworker.assembly.telling.alignment import replays
from trajworker.assembly.telling.beginnings import begins_turn, is_heard
from trajworker.assembly.telling.endings import ending
from trajworker.assembly.telling.facts import is_out_of_steps, models_asked, newly_offered, retrieved
from trajworker.assembly.telling.nesting import Agents
from trajworker.assembly.telling.results import leave_open
from trajworker.assembly.telling.taking import finish, take
from trajworker.assembly.telling.transcript import Frame, Transcript
from trajworker.assembly.telling.turns import open_without_calls
from trajworker.dialects import Draft, digest
from trajworker.model.message import ASSISTANT, SYSTEM, TOOL, USER
from trajworker.model.run import SUCCESS
from trajworker.trajectory.codec import encode_chunks


class TraceFolding:
    """One attempt to fold a trace against what those before it left."""

    def __init__(self, trace: Trace, past: Past) -> None:
        if past.context.pending:
            bear_open_names(trace.tools.values(), trace.calls, past.context.pending)
        give_back_answer(trace, past)
        self.trace = trace
        self.past = past
        self.before = past.context
        self.agents = Agents(trace)
        self.trailing, self.open_end = self._trailing()
        self.replays = False
        self.beside = False
        """Whether nobody speaks in the trace, which works on the turn before."""

    def _trailing(self) -> tuple[list[Draft], bool]:
        """Messages at the end of the root's outputs, oldest first, and whether the last of them calls a tool."""
        root = self.trace.root
        if root is None or not root.trailing:
            return [], False
        found: list[Draft] = []
        stop = {call.key for call in self.trace.calls}
        hidden = {call.key for call in self.trace.calls if is_internal(call)}
        for draft in root.given_back():
            key = digest(draft) if draft.role is not TOOL else b""
            if key not in hidden:
                found.append(draft)
            if draft.role is USER or key in stop:
                break
        found.reverse()
        last = found[-1] if found else None
        open_end = last is not None and any(call.invalid is None for call in last.tool_calls or ())
        return found, open_end

    def fold(self) -> tuple[Fold, Prefix]:
        """The fold, and its last prompt."""
        trace = self.trace
        main_calls, runs = self.agents.by_owner.get("", []), self.agents.runs("")
        chosen = sort_calls(main_calls, trace.root, runs, self.past)
        self.beside = self.before.answer is not None and is_afterwork(trace, main_calls, self.past)
        if self.beside:
            chosen = Sorted(main=[], branches=[], internal=main_calls)
        if chosen.passed_over:
            self.trailing = [draft for draft in self.trailing if digest(draft) not in chosen.passed_over]
        own, of_branches = chosen.by_caller(runs)
        session = self._session(chosen)
        transcript = Transcript(self.past, own, self._quotes(chosen), self._frame(session, chosen))
        resumes = False
        if not self.beside:
            resumes = self._run_main(transcript, chosen.main)
            self._finish(transcript, chosen.main)
        nested = self.agents.nested(transcript, chosen, of_branches)
        internal = self.agents.internal(chosen, transcript)
        entries = self._entries(transcript, session.breaks if session is not None else (), resumes=resumes)
        fold = self._encode(transcript, entries, nested, internal, resumes=resumes)
        fold.after.manners = self._manners(chosen)
        fold.after.written = self.before.written
        if chosen.internal:
            fold.after.written = with_passages(self.before.written, [call.text for call in chosen.internal])
        fold.after.wordless = self._wordless(transcript, chosen.main, resumes=resumes)
        return fold, transcript.prefix

    def _quotes(self, chosen: Sorted) -> Quotes:
        """What the trace made or found beside the dialogue; in most there is nothing of the kind."""
        searches = self.trace.searches
        written = self.before.written
        if not (searches or chosen.branches or chosen.internal or written):
            return NOTHING_MADE
        return Quotes(
            found=[text for search in searches for text in search.texts],
            branches=[one.final for one in chosen.branches if one.final],
            internal=[one.text for one in chosen.internal if one.text],
            summaries=chosen.summaries,
            written=written,
            apart=chosen.apart(),
        )

    def _session(self, chosen: Sorted) -> Session | None:
        root, run = self.trace.root, self.trace.root_run
        if root is None or run is None or root.resumes:
            return None
        return Session(run, root, chosen, self.trace.searches)

    def _frame(self, session: Session | None, chosen: Sorted) -> Frame:
        root, internal = self.trace.root, chosen.internal
        if root is None or len(root.trailing) <= 1:
            return Frame(session=session, internal=internal)
        said_before = root.before_answer({call.key for call in self.trace.calls})
        return Frame(session=session, root=root, said_before=said_before, internal=internal)

    def _run_main(self, transcript: Transcript, calls: list[Call]) -> bool:
        """Take in the agent's own calls; whether the trace goes on with an interrupted turn."""
        trace = self.trace
        root_resumes = trace.root is not None and trace.root.resumes
        opening = Opening(root=trace.root, begins=not root_resumes)
        if calls and self.before.total:
            opening.begins = begins_turn(calls[0], opening, transcript)
        begins, resumes = opening.begins, False
        if not begins and (root_resumes or self.before.interrupted) and self.before.entries:
            transcript.turn += 1
            resumes = True
            self.replays = bool(calls) and replays(transcript, calls[0])
        for place, call in enumerate(calls):
            take(transcript, call, opening if place == 0 else None)
        if not calls and begins and trace.root is not None and not is_heard(trace, self.before):
            self.beside = True
        elif not calls and begins and trace.root is not None:
            asked = root_drafts(trace.root) or self._written_into_state(transcript)
            if asked or trace.root.words or trace.root.texts or not self.before.total:
                open_without_calls(transcript, asked, [] if trace.calls else trace.root.system)
        elif transcript.turn == 0:
            transcript.turn = 1
        return resumes

    def _written_into_state(self, transcript: Transcript) -> list[Draft]:
        """The user's new message in a state that an app wrote from outside, with an answer behind it."""
        return [one for one in self.trailing if one.role is USER and not transcript.knows(digest(one))]

    def _fails_on_its_own(self, transcript: Transcript) -> bool:
        """Whether a tool failed in a trace of its own, for a call that stays open: it may be tried again."""
        tool = self.trace.tools.get(self.trace.trace_id)
        if self.trace.calls or tool is None or not tool.failed:
            return False
        return leave_open(transcript, tool)

    def _finish(self, transcript: Transcript, calls: list[Call]) -> None:
        if self._fails_on_its_own(transcript):
            return
        trailing = self.trailing and [draft for draft in self.trailing if draft.role is not USER]
        finish(transcript, trailing, waits=self.open_end)
        root, run = self.trace.root, self.trace.root_run
        if root is None or run is None or run.status is not SUCCESS:
            return
        told = root.answer() if calls and transcript.is_cut_off() else None
        if told is not None and not transcript.tells(told):
            draft = Draft(role=ASSISTANT, content=told)
            transcript.add(draft, digest(draft))
        if transcript.answered or any(call.answer.draft is not None for call in calls):
            return
        if root.resumes or root.trailing or not (root.words or root.texts):
            return  # a graph that gave its messages back has told them all
        text = text_without_call(run, root) or put_together(root, transcript.quotes.branches)
        if text is not None:
            draft = Draft(role=ASSISTANT, content=text)
            transcript.add(draft, digest(draft))

    def _manners(self, chosen: Sorted) -> list[bytes]:
        """How internal calls were asked until now, by which they are known where one stands alone."""
        if not chosen.internal or not chosen.main:
            return self.before.manners
        own = manner(chosen.main[0])
        found = [key for call in chosen.internal for key in manner(call) if key not in own]
        return list(dict.fromkeys([*self.before.manners, *found]))[-KEPT:]

    def _wordless(self, transcript: Transcript, calls: list[Call], *, resumes: bool) -> int:
        """Turns until now of which nothing is known but that a model failed: not even what it was asked."""
        for draft in transcript.drafts:
            if draft.role is not SYSTEM:
                return 0
        if self.beside or transcript.turn == self.before.entries:
            return self.before.wordless
        in_vain = bool(calls) and all(call.failed and not call.read() for call in calls)
        return self.before.wordless + 1 if in_vain and not resumes else 0

    def _entries(self, transcript: Transcript, breaks: Sequence[Break], *, resumes: bool) -> list[Entry]:
        """What the trace is of each of its turns; those before the last were answered."""
        run = self.trace.root_run
        status, error = ending(self.trace, transcript, open_end=self.open_end)
        last = Entry(
            trace_id=self.trace.trace_id,
            status=status,
            start=iso(run.start_time if run is not None else self._start()) or "",
            end=iso(run.end_time) if run is not None else None,
            error=error,
            resumes=resumes,
            joins=not resumes and transcript.turn - len(breaks) == self.before.entries > 0,
            beside=self.beside,
        )
        entries: list[Entry] = []
        for answered, begun in breaks:
            entries.append(structs.replace(last, status="success", error=None, end=iso(answered)))
            last = structs.replace(last, start=iso(begun) or "", resumes=False, joins=False)
        return [*entries, last]

    def _start(self) -> datetime:
        return min(run.start_time for run in self.trace.runs.values())

    def _after(self, transcript: Transcript, entries: list[Entry], tools: list[bytes]) -> Context:
        """What later traces are folded against; `tools` are digests of all that were ever offered."""
        after = transcript.after()
        after.tools = tools
        after.interrupted = self.before.interrupted if self.beside else entries[-1].status == "interrupted"
        after.bare = self.trace.root is None
        after.root = self.before.root if self.beside else self.trace.root_name
        after.entries = max(after.entries, 1)
        return after

    def _encode(
        self, transcript: Transcript, entries: list[Entry], nested: list[bytes], internal: list[bytes], *, resumes: bool
    ) -> Fold:
        trace = self.trace
        count_runs(self.agents.figures, trace)
        self.agents.count_messages(transcript.drafts)
        tools, seen = newly_offered(transcript.steps, self.before.tools)
        last = transcript.steps[-1].call if transcript.steps else None
        finish = last.answer.draft.finish_reason if last is not None and last.answer.draft is not None else None
        by_human = trace.root is not None and trace.root.by_human
        ran_out = bool(self.trailing) and any(map(is_out_of_steps, self.trailing))
        return Fold(
            version=VERSION,
            trace_id=trace.trace_id,
            messages=encode_chunks(transcript.drafts),
            asides=encode_chunks(transcript.asides),
            steps=self.agents.steps(transcript),
            entries=entries,
            nested=nested,
            internal=internal,
            retrieved=retrieved(trace, transcript),
            tools=tools,
            amendments=transcript.amendments,
            rewards=encode_chunks(trace.rewards.all),
            figures=self.agents.figures,
            news=transcript.news(),
            base=self.before.total,
            after=self._after(transcript, entries, seen),
            reopens=resumes and (by_human or not self.replays),
            finish=finish,
            out_of_steps=ran_out,
            metadata=models_asked(trace.calls, last),
            project_id=trace.project_id,
            aggregation=trace.aggregation,
        )
