"""Messages inside a turn that tell its question, answer, calls or results to a model again: nobody said them."""

from msgspec import Struct

from trajworker.assembly.reading.words import MIN_QUOTE, MOSTLY, goes_on_in_text, is_phrase, longest_text
from trajworker.dialects import Draft
from trajworker.model.message import ToolCall


class TurnSoFar(Struct, gc=False):
    """What was said in a turn so far.

    Args:
        asked: its question.
        shown: what that looked like to the model.
        answer: what the model said last.
        results: texts that its tools gave back.
        awaited: those of them that came behind the answer.
        told: whether the prompt tells results itself, as messages.
    """

    asked: Draft | None
    shown: str | None
    answer: Draft | None
    results: list[str]
    awaited: list[str]
    told: bool

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """What the last answer calls."""
        return (self.answer.tool_calls or ()) if self.answer is not None else ()


def is_echo(draft: Draft, said: TurnSoFar) -> bool:
    """Whether a user message only tells again what was said in the turn."""
    text = draft.content or ""
    return (
        _goes_on_in_text(text, said)
        or _is_rendering(text, said)
        or _is_argument(text, said)
        or (not said.told and (_tells_of_calls(text, said) or _tells_of_results(text, said)))
    )


def retells(draft: Draft, said: TurnSoFar) -> bool:
    """Whether an assistant's message tells an agent that takes over the question and the call that it answers."""
    text, asked = draft.content or "", said.asked.text if said.asked is not None else ""
    return bool(asked) and not draft.tool_calls and asked in text and _tells_of_calls(text, said)


def _goes_on_in_text(text: str, said: TurnSoFar) -> bool:
    """Whether it is the last prompt again with the answer written behind it."""
    return said.answer is not None and goes_on_in_text(text, said.shown, said.answer.content)


def _is_rendering(text: str, said: TurnSoFar) -> bool:
    """Whether it puts the turn's own question in other words around it."""
    asked = said.asked.text if said.asked is not None else ""
    return asked in text and (is_phrase(asked) or MOSTLY * len(text) < len(asked) < len(text))


def _is_argument(text: str, said: TurnSoFar) -> bool:
    """Whether it is what the last answer calls a tool with: a check of that."""
    return len(text) >= MIN_QUOTE and any(text in (call.arguments or {}).values() for call in said.calls)


def _tells_of_calls(text: str, said: TurnSoFar) -> bool:
    """Whether it names a tool that the last answer called, by a name of no word, or beside what went in or came out."""
    named = [call for call in said.calls if call.name and call.name in text]
    told = [*said.results, *(str(value) for call in named for value in (call.arguments or {}).values())]
    return any(not call.name.isalpha() for call in named) or (bool(named) and any(one in text for one in told if one))


def _tells_of_results(text: str, said: TurnSoFar) -> bool:
    """Whether it holds, word for word, what a tool gave back, or the longest text of that.

    A lone word of a result that was answered already may stand in a question too.
    """
    if any(is_phrase(told) and told in text for result in said.results for told in (result, longest_text(result))):
        return True
    return any(
        len(told) >= MIN_QUOTE and told in text for result in said.awaited for told in (result, longest_text(result))
    )
