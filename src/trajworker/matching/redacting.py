"""Personal texts masked in arguments before they are written or compared, the keys of objects too."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from msgspec import structs

from trajworker.matching.calls import CallPath, NoTextReturned
from trajworker.matching.data_keys import is_name, renamed
from trajworker.matching.json_values import json_path

_Mask: TypeAlias = Callable[[str], str]


class Redactor(Protocol):
    """What masks a text: any object with this method."""

    def redact(self, text: str) -> Any:  # noqa: ANN401 - a text, or an object that holds it as `text`
        """Return the text with everything personal masked."""
        ...


def redacted(path: CallPath, redactor: Redactor | None) -> CallPath:
    """The same calls, arguments as JSON tells them, with every text in these redacted; raises NoTextReturned.

    Keys that could be names in a program (`order_id`, `user-name`) stay; all others are data and redacted as well.
    """
    if redactor is None:
        return path

    def mask(text: str) -> str:
        given = redactor.redact(text)
        masked = getattr(given, "text", given)
        if isinstance(masked, str):
            return masked
        raise NoTextReturned(
            f"{type(redactor).__name__}.redact returned {type(given).__name__}: return the masked text"
        )

    plain = json_path(path)
    calls = tuple(structs.replace(call, arguments=_masked(call.arguments, mask)) for call in plain.calls)
    return structs.replace(plain, calls=calls)


def _masked(value: Any, mask: _Mask) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        names = renamed(filter(is_name, value), sorted(key for key in value if not is_name(key)), mask)
        return {names[name]: _masked(item, mask) for name, item in value.items()}
    return [_masked(item, mask) for item in value] if isinstance(value, list) else value
