"""Dialogues as a tracer records them: rows in the shape of v1 `/runs/query`, the whole history in every llm call.

Shapes follow what the recorded corpus shows for LangChain's tracer, `wrap_openai` and `wrap_anthropic`
(langsmith-api.md sections 2.2 and 9).
"""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from bench.dialogues import SYSTEM, Call, Dialect, Dialogue, Plan, Spread, Turn
from bench.payloads import LLM_METADATA, LLM_NAMES, Usage, llm_inputs, llm_outputs, message_of, tool_outputs

PROJECT: Final = "bench"
PROJECT_ID: Final = str(uuid.UUID("b3c4a9de-0f5e-5a0b-8e9d-5f1d6c7a8b90"))
BEGIN: Final = datetime(2026, 6, 1, tzinfo=UTC)
SPANS: Final = {Spread.DAY: timedelta(days=1), Spread.YEAR: timedelta(days=364), Spread.BURST: timedelta(seconds=2)}
PACE: Final = {Spread.DAY: 1.0, Spread.YEAR: 1.0, Spread.BURST: 0.001}
"""Length of a pause between turns, as a share of the usual one: a burst leaves none."""
_YEAR_BACK: Final = timedelta(days=365)
_CHARS_PER_TOKEN: Final = 4
_RUNTIME: Final = {
    "sdk": "langsmith-py",
    "sdk_version": "0.14.17",
    "library": "langsmith",
    "platform": "Linux-x86_64-with-glibc2.36",
    "runtime": "python",
    "py_implementation": "CPython",
    "runtime_version": "3.11.7",
    "langchain_core_version": "1.7.2",
}
_encode = msgspec.json.Encoder().encode


class Recorder:
    """Records one conversation; `rows` gives its runs, trace by trace."""

    def __init__(self, dialogue: Dialogue, plan: Plan, rng: random.Random) -> None:
        self._dialogue = dialogue
        self._rng = rng
        self._pace = PACE[plan.spread]
        begin = BEGIN - _YEAR_BACK if plan.spread is Spread.YEAR else BEGIN
        self._at = begin + SPANS[plan.spread] * dialogue.begin
        self._filler = plan.runs - 3 - len(dialogue.turns[0].calls) if plan.wide else 0
        self._history: list[bytes] = [message_of(dialogue.dialect, {"role": "system", "content": SYSTEM}, "")]
        self._history_chars = len(SYSTEM)
        self._lines: list[bytes] = []
        self._tokens = [0, 0]
        self.usage = Usage(0, 0)
        """Of all llm calls so far."""
        self.trace_ids: list[str] = []

    def rows(self) -> Iterator[bytes]:
        """One JSON line per run, without line feed."""
        for turn in self._dialogue.turns:
            self._lines, self._tokens = [], [0, 0]
            root = self._record(turn)
            yield root
            yield from self._lines

    def _record(self, turn: Turn) -> bytes:
        root_id = self._id()
        self.trace_ids.append(root_id)
        start = self._at
        order = _order(start, root_id)
        self._hear({"role": "user", "content": turn.user})
        if turn.calls:
            self._decide(order, turn.before, turn.calls)
            for call in turn.calls:
                self._use(order, call, turn)
        self._decide(order, turn.answer, ())
        self._tick(5_000)
        prompt, completion = self._tokens
        self.usage = Usage(self.usage.prompt + prompt, self.usage.completion + completion)
        inputs, outputs = _encode({"input": turn.user}), _encode({"output": turn.answer})
        row = self._row("agent", "chain", (start, order, root_id), inputs, outputs, Usage(prompt, completion))
        self._at += timedelta(seconds=self._rng.uniform(5, 60) * self._pace)
        return row

    def _hear(self, message: dict[str, Any], said_by: str = "") -> None:
        self._history.append(message_of(self._dialogue.dialect, message, said_by or self._id()))
        self._history_chars += len(message["content"])

    def _decide(self, parent: str, text: str, calls: tuple[Call, ...]) -> None:
        """Record an llm call, then add what it said to the history."""
        self._tick(2_000)
        start, run_id = self._at, self._id()
        usage = Usage(self._history_chars // _CHARS_PER_TOKEN + 10, len(text) // _CHARS_PER_TOKEN + 20 * len(calls) + 1)
        self._tokens[0] += usage.prompt
        self._tokens[1] += usage.completion
        inputs = llm_inputs(self._dialogue.dialect, self._history)
        outputs = llm_outputs(self._dialogue.dialect, text, calls, usage, run_id)
        self._tick(800_000)
        place = (start, f"{parent}.{_order(start, run_id)}", run_id)
        self._lines.append(self._row(LLM_NAMES[self._dialogue.dialect], "llm", place, inputs, outputs, usage))
        told = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in calls]
        self._hear({"role": "assistant", "content": text, "tool_calls": told}, run_id)

    def _use(self, parent: str, call: Call, turn: Turn) -> None:
        self._tick(2_000)
        start, run_id = self._at, self._id()
        order = f"{parent}.{_order(start, run_id)}"
        share, more = divmod(self._filler, len(turn.calls))
        for _ in range(share + (1 if turn.calls.index(call) < more else 0)):
            self._fill(order)
        self._tick(100_000)
        outputs = tool_outputs(self._dialogue.dialect, call)
        row = self._row(
            call.name, "tool", (start, order, run_id), _encode(call.arguments), outputs, Usage(0, 0), call.id
        )
        self._lines.append(row)
        self._hear({"role": "tool", "content": call.result, "tool_call_id": call.id, "name": call.name})

    def _fill(self, parent: str) -> None:
        """A retriever run somewhere below a tool, as deep agents leave by the thousand."""
        self._tick(1_000)
        start, run_id = self._at, self._id()
        self._tick(1_000)
        place = (start, f"{parent}.{_order(start, run_id)}", run_id)
        found = _encode({"documents": [{"page_content": "platform 4 " * 20, "metadata": {}}]})
        self._lines.append(self._row("retrieve", "retriever", place, b'{"query":"seat"}', found, Usage(0, 0)))

    def _row(  # noqa: PLR0913, PLR0917 - what a row is made of
        self,
        name: str,
        run_type: str,
        place: tuple[datetime, str, str],
        inputs: bytes,
        outputs: bytes,
        usage: Usage,
        tool_call_id: str | None = None,
    ) -> bytes:
        start, order, run_id = place
        above = [segment[-36:] for segment in order.split(".")[:-1]]
        metadata: dict[str, Any] = {
            "thread_id": self._dialogue.id,
            "conversation_id": self._dialogue.id,
            "ls_method": "traceable",
            "LANGSMITH_PROJECT": PROJECT,
        }
        extra: dict[str, Any] = {"metadata": metadata, "runtime": _RUNTIME}
        if run_type == "llm":
            metadata |= LLM_METADATA[self._dialogue.dialect] | {"usage_metadata": usage.told()}
        if tool_call_id is not None and self._dialogue.dialect is Dialect.LANGCHAIN:
            extra["tool_call_id"] = tool_call_id
        return _encode(
            {
                "id": run_id,
                "name": name,
                "run_type": run_type,
                "session_id": PROJECT_ID,
                "status": "success",
                "trace_id": above[0] if above else run_id,
                "dotted_order": order,
                "start_time": _naive(start),
                "end_time": _naive(self._at),
                "error": None,
                "inputs": msgspec.Raw(inputs),
                "outputs": msgspec.Raw(outputs),
                "inputs_preview": "",
                "outputs_preview": "",
                "extra": extra,
                "events": [],
                "tags": [],
                "parent_run_id": above[-1] if above else None,
                "parent_run_ids": above,
                "thread_id": self._dialogue.id,
                "execution_order": 1,
                "prompt_tokens": usage.prompt,
                "completion_tokens": usage.completion,
                "total_tokens": usage.prompt + usage.completion,
                "in_dataset": False,
                "trace_tier": "shortlived",
            }
        )

    def _id(self) -> str:
        """A version 7 UUID of this moment, as the SDK makes them."""
        milliseconds = int(self._at.timestamp() * 1000)
        value = (
            milliseconds << 80 | 0x7 << 76 | self._rng.getrandbits(12) << 64 | 0b10 << 62 | self._rng.getrandbits(62)
        )
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _tick(self, microseconds: int) -> None:
        self._at += timedelta(microseconds=self._rng.randint(microseconds // 2, microseconds))


def _naive(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def _order(moment: datetime, run_id: str) -> str:
    return f"{moment:%Y%m%dT%H%M%S%f}Z{run_id}"
