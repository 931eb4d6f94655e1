"""Dialogues from a seed: what users, agents and tools say to each other, before anybody records it.

A plan says how large a corpus is; the dialogues that follow from it are its truth.
"""

import random
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import Any, Final

import msgspec
from msgspec import Struct

RUNS_PER_CONVERSATION: Final = 12
TEXT_POOL_CHARS: Final = 200_000
SHORT_REPEAT: Final = 0.06
"""Share of user messages that are a plain "yes", so that equal messages come again within a conversation."""
WIDE_CALLS: Final = 20
SYSTEM: Final = "You are a concise assistant of a travel desk. Use the tools when you need facts."


class Dialect(StrEnum):
    """In which words a producer records its messages."""

    LANGCHAIN = "langchain"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"


MIX: Final = ((Dialect.LANGCHAIN, 0.40), (Dialect.OPENAI, 0.35), (Dialect.ANTHROPIC, 0.25))


class Kind(IntEnum):
    """What happens in a turn; the value is the number of runs it is recorded as."""

    PLAIN = 2
    ONE_TOOL = 4
    TWO_TOOLS = 5


class Spread(StrEnum):
    """How conversations lie in time."""

    DAY = "day"
    YEAR = "year"
    BURST = "burst"


class Plan(Struct, frozen=True, kw_only=True):
    """Parameters of a corpus. `turns` None: 1 to 8 turns a conversation, so that `runs` is met exactly.

    `chars` is the length of a message's text. `wide` records one trace of `runs` runs instead.
    """

    name: str
    runs: int = 0
    conversations: int = 0
    turns: int | None = None
    chars: int = 60
    spread: Spread = Spread.DAY
    dialect: Dialect | None = None
    wide: bool = False
    seed: int = 20261121


class Call(Struct, frozen=True):
    """A tool call with its result."""

    id: str
    name: str
    arguments: dict[str, str]
    result: str


class Turn(Struct, frozen=True):
    """A user message, what the agent called (with the text it said before that), and its answer."""

    user: str
    before: str
    calls: tuple[Call, ...]
    answer: str


class Dialogue(Struct, frozen=True):
    """One conversation; `begin` is where in the spread it starts, 0 to 1."""

    id: str
    dialect: Dialect
    begin: float
    turns: tuple[Turn, ...]

    def messages(self) -> Iterator[dict[str, Any]]:
        """Every message once, in order: the truth."""
        yield {"role": "system", "content": SYSTEM}
        for turn in self.turns:
            yield {"role": "user", "content": turn.user}
            if turn.calls:
                calls = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in turn.calls]
                yield {"role": "assistant", "content": turn.before, "tool_calls": calls}
                for call in turn.calls:
                    yield {"role": "tool", "content": call.result, "tool_call_id": call.id}
            yield {"role": "assistant", "content": turn.answer}


class _Speech:
    """Text without end: slices of one random text, each begun with a number of its own."""

    _WORDS = ("harbour", "ticket", "café", "north", '"quoted"', "line\nbreak", "münster", "delay", "platform", "seat")

    def __init__(self, rng: random.Random, chars: int) -> None:
        self._rng = rng
        self._chars = chars
        pool = chars + TEXT_POOL_CHARS
        words = [rng.choice(self._WORDS) for _ in range(pool // 5)]
        self._pool = " ".join(words)
        self._spoken = 0

    def say(self, share: float = 1.0) -> str:
        self._spoken += 1
        start = self._rng.randrange(len(self._pool) - self._chars)
        return f"{self._spoken}: {self._pool[start : start + int(self._chars * share)]}"


def dialogues(plan: Plan) -> Iterator[Dialogue]:
    """All conversations of a plan, the same for the same plan."""
    rng = random.Random(msgspec.json.encode(plan))
    speech = _Speech(rng, plan.chars)
    if plan.wide:
        calls = tuple(_call(index, speech) for index in range(WIDE_CALLS))
        turn = Turn(speech.say(), "", calls, speech.say())
        yield Dialogue("wide-conversation", Dialect.OPENAI, 0.0, (turn,))
        return
    kinds = _kinds(plan, rng)
    for index, kinds_of_one in enumerate(kinds):
        dialect = plan.dialect or rng.choices([d for d, _ in MIX], [w for _, w in MIX])[0]
        turns = tuple(_turn(kind, speech, rng, f"{index}_{number}") for number, kind in enumerate(kinds_of_one))
        yield Dialogue(f"conversation-{index:06d}", dialect, rng.random(), turns)


def _kinds(plan: Plan, rng: random.Random) -> list[list[Kind]]:
    """The kinds of turns of each conversation."""
    if plan.turns is not None:
        return [
            [Kind.ONE_TOOL if number % 10 == 1 else Kind.PLAIN for number in range(plan.turns)]
            for _ in range(plan.conversations)
        ]
    conversations = round(plan.runs / RUNS_PER_CONVERSATION)
    lengths = rng.choices((1, 2, 3, 4, 5, 8), (16, 22, 24, 20, 10, 8), k=conversations)
    kinds = [rng.choices(tuple(Kind), (0.25, 0.5, 0.25), k=length) for length in lengths]
    _meet(kinds, plan.runs)
    return kinds


def _meet(kinds: list[list[Kind]], runs: int) -> None:
    """Exchange kinds of turns, and at last add turns, until the sum of runs is as planned."""
    lacking = runs - sum(sum(turns) for turns in kinds)
    ladder = (Kind.PLAIN, Kind.ONE_TOOL, Kind.TWO_TOOLS)
    exchanges = list(pairwise(ladder if lacking > 0 else reversed(ladder)))
    for old, new in sorted(exchanges, key=lambda pair: -abs(pair[1] - pair[0])):
        for turns in kinds:
            for index, kind in enumerate(turns):
                if kind is old and abs(new - old) <= abs(lacking):
                    turns[index] = new
                    lacking -= new - old
    while lacking >= Kind.PLAIN:
        for turns in kinds:
            if lacking >= Kind.PLAIN:
                turns.append(Kind.PLAIN)
                lacking -= Kind.PLAIN
    if lacking:
        raise ValueError(f"{runs} runs cannot be met; {lacking} lack")


def _turn(kind: Kind, speech: _Speech, rng: random.Random, number: str) -> Turn:
    user = "yes" if rng.random() < SHORT_REPEAT else speech.say()
    amount = {Kind.PLAIN: 0, Kind.ONE_TOOL: 1, Kind.TWO_TOOLS: 2}[kind]
    calls = tuple(_call(f"{number}_{index}", speech) for index in range(amount))
    return Turn(user, speech.say(0.3) if calls else "", calls, speech.say())


def _call(number: int | str, speech: _Speech) -> Call:
    return Call(f"call_{number}", "look_up", {"place": speech.say(0.2)}, speech.say())
