"""Which calls said what a trace gave back, be it in another form: what tells so, from the surest to the weakest.

Apps cut an answer out of an object or of tags, take marks out of it, write a letter or HTML around it, or show only how
it begins. Whatever they did to it, it is found again by its words.
"""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from trajworker.assembly.dialogues.groups import Group
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.likeness import HALF, bare, likeness, long_words, without_tags
from trajworker.assembly.reading.payloads import object_in
from trajworker.assembly.reading.roots import SHALLOW, texts_in
from trajworker.assembly.reading.tool_runs import Ran
from trajworker.assembly.reading.words import is_phrase


class _Text(Struct, eq=False, gc=False):
    """A text, and its words once they were asked for."""

    text: str
    known: str | None = None
    known_long: AbstractSet[str] | None = None

    @property
    def words(self) -> str:
        """Its words alone, a space around each."""
        if self.known is None:
            self.known = bare(without_tags(self.text))
        return self.known

    @property
    def long_words(self) -> AbstractSet[str]:
        """Those that are more than an article."""
        if self.known_long is None:
            self.known_long = long_words(self.text)
        return self.known_long


class _Answer(_Text, eq=False, gc=False, kw_only=True):
    """What a call said."""

    call: Call
    ran: Ran

    def fields(self) -> Iterator[str]:
        """The texts in an object that it said, or gave to a call that no tool ran for: a shape the app asked for."""
        yield from texts_in(object_in(self.text), SHALLOW)
        draft = self.call.answer.draft
        if draft is not None and not self.call.acts(self.ran):
            for made in draft.tool_calls or ():
                yield from texts_in(made.arguments, SHALLOW)


def telling(groups: Sequence[Group], told: Sequence[str], ran: Ran) -> list[Group]:
    """The groups of which the surest evidence there is tells that they said one of these texts."""
    calls = tellers([call for one in groups for call in one.calls], told, ran)
    said = {id(call) for call in calls}
    return [one for one in groups if any(id(call) in said for call in one.calls)] if said else []


def tellers(calls: Sequence[Call], told: Sequence[str], ran: Ran) -> list[Call]:
    """The calls of which the surest evidence there is tells that they said one of these texts, the clearest first."""
    if not told:
        return []
    texts = [_Text(text) for text in told]
    answers = [_Answer(call.text or "", call=call, ran=ran) for call in calls if call.answer.draft is not None]
    signs = [*((sign, text) for text in texts for sign in _SIGNS), *((_has_the_word_inside, text) for text in texts)]
    for sign, text in signs:
        shares = [sign(one, text) for one in answers]
        best = max(shares, default=0.0)
        if best:
            return [one.call for one, share in zip(answers, shares, strict=True) if share == best]
    return []


def _is_it(one: _Answer, told: _Text) -> float:
    return one.text == told.text


def _holds_it(one: _Answer, told: _Text) -> float:
    return is_phrase(told.text) and told.text in one.fields()


def _has_it_inside(one: _Answer, told: _Text) -> float:
    """It was cut out of tags, or of behind a thought."""
    return is_phrase(told.text) and told.words in one.words


def _begins_with_it(one: _Answer, told: _Text) -> float:
    """It was cut off, be it within a word."""
    return is_phrase(told.words) and one.words.startswith(told.words.rstrip())


def _is_mostly_it(one: _Answer, told: _Text) -> float:
    """Its marks were replaced."""
    share = likeness(one.long_words, told.long_words)
    return share if share > HALF else 0.0


def _stands_in_it(one: _Answer, told: _Text) -> float:
    """Something was written around; of several that stand in it, what makes up most of it counts."""
    return len(one.words) / len(told.words) if is_phrase(one.text) and one.words in told.words else 0.0


_SIGNS: tuple[Callable[[_Answer, _Text], float], ...] = (
    _is_it, _holds_it, _has_it_inside, _begins_with_it, _is_mostly_it, _stands_in_it,
)  # fmt: skip
"""From the surest to the weakest; each tells how much of the one is the other, nothing where it tells nothing."""


def _has_the_word_inside(one: _Answer, told: _Text) -> float:
    """The last to be asked: it may be no more than a word."""
    return told.text in one.fields() or told.words in one.words
