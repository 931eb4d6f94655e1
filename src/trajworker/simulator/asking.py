"""From a request to typed values, with the refusals that belong to bad ones."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from starlette.requests import Request

from trajworker.simulator import instants
from trajworker.simulator.cursors import BadCursor
from trajworker.simulator.filters import FilterSyntaxError
from trajworker.simulator.problems import Refusal, unprocessable

T = TypeVar("T")
BODY = "trajworker.body"
"""Key of the ASGI scope under which the door leaves the body it has read."""


def body_of(request: Request, kind: type[T]) -> T:
    """The JSON body as a struct; 422 with the place of the mistake otherwise."""
    data: bytes = request.scope[BODY]
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        message, _, place = str(error).partition(" - at `$")
        raise unprocessable(("body", *place.strip("`.").split(".")), message) from error


def ask(answer: Callable[[], T]) -> T:
    """Call, with bad filters and cursors turned into the 400 they deserve."""
    try:
        return answer()
    except FilterSyntaxError as error:
        raise Refusal(400, f"Invalid filter: {error}") from error
    except BadCursor as error:
        raise Refusal(400, str(error)) from error


def moment(text: str | None, name: str) -> int | None:
    """A time of the request in microseconds."""
    try:
        return instants.parse_optional(text)
    except instants.BadInstant as error:
        raise unprocessable(("body", name), str(error), "datetime_parsing") from error


def only_known(names: Iterable[str] | None, known: frozenset[str]) -> tuple[str, ...]:
    """The selected names; 422 for one that does not exist."""
    selected = tuple(names or ())
    for name in selected:
        if name not in known:
            raise unprocessable(("body", "select"), f"Input should be a selectable field, not {name!r}", "enum")
    return selected
