"""What a trace made or found itself: a prompt that repeats it holds context, not conversation."""

from collections.abc import Set as AbstractSet

from msgspec import Struct

from trajworker.assembly.kept.context import Passage
from trajworker.assembly.reading.passages import LONG_QUOTE, passes_on
from trajworker.assembly.reading.words import MOSTLY, is_phrase, longest_text, shows
from trajworker.dialects import Draft
from trajworker.model.message import ASSISTANT, SYSTEM


class Quotes(Struct, frozen=True, gc=False):
    """Texts made or found inside the trace: prompts that repeat them are context, not conversation."""

    found: list[str] = []
    branches: list[str] = []
    internal: list[str] = []
    """What calls said that are no part of the conversation."""
    summaries: list[str] = []
    """What calls wrote down of the dialogue, for it to go on from."""
    written: list[Passage] = []
    """What such calls wrote in traces before."""
    apart: AbstractSet[bytes | str] = frozenset()
    """Digests of what branches said, and the ids of the calls in it."""

    def is_anothers(self, draft: Draft, key: bytes) -> bool:
        """Whether a message is a branch's and told there: another agent's answer, or a result of its calls."""
        result = draft.tool_response
        if result is not None:
            return result.id in self.apart
        return key in self.apart

    def summarised(self, draft: Draft, *, before: bool) -> bool:
        """Whether a message passes on a summary; one `before` the turn's own may pass on any internal call's words."""
        text, quotes = draft.content or "", self.internal if before else self.summaries
        if draft.role is ASSISTANT:
            return False
        if any(len(quote) >= LONG_QUOTE and quote in text for quote in quotes):
            return True
        return before and bool(self.written) and passes_on(text, self.written)

    def made(self, draft: Draft) -> bool:
        """Whether a prompt message is made of these texts, or of what a call beside the dialogue said."""
        if not self.internal or self.quoted(draft):
            return self.quoted(draft)
        text = draft.text
        return any(quote in text for quote in self.internal if is_phrase(quote) and quote != text)

    def judged(self, draft: Draft) -> bool:
        """Whether a prompt message holds what a call beside the dialogue said, be it in a field: a judge."""
        text = draft.text
        said = (one for quote in self.internal for one in (quote, longest_text(quote)))
        return any(is_phrase(one) and one in text and one != text for one in said)

    def quoted(self, draft: Draft) -> bool:
        """Whether a prompt message is made of these texts."""
        text = draft.content
        if not text or not (self.found or self.branches):
            return False
        holds = _stands_in if draft.role is SYSTEM else shows
        if any(holds(text, quote) for quote in self.found if is_phrase(quote) or len(quote) > MOSTLY * len(text)):
            return True
        if draft.role is SYSTEM and any(shows(text, quote[:LONG_QUOTE]) for quote in self.found if _is_long(quote)):
            return True  # documents are cut to what a prompt has room for
        several = (quotes for quotes in (self.found, self.branches) if len(quotes) > 1)
        return any(all(holds(text, quote) for quote in quotes) for quotes in several)


NOTHING_MADE = Quotes()
"""Of most traces."""


def _stands_in(prompt: str, text: str) -> bool:
    """Whether a text was put into a prompt, where it begins a line or a sentence, or stands behind a mark.

    Instructions hold words of a document too, within their own sentences: "at most 12 books", "Answer Yes or No".
    """
    place = prompt.find(text)
    if place < 0:
        return shows(prompt, text)
    while place >= 0:
        if not prompt[:place].rstrip(" \t")[-1:].isalnum():
            return True
        place = prompt.find(text, place + 1)
    return False


def _is_long(quote: str) -> bool:
    """Whether a text may be known by its beginning."""
    return len(quote) > LONG_QUOTE and is_phrase(quote[:LONG_QUOTE])
