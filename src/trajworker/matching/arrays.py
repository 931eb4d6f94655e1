"""Values of array libraries (numpy, torch, pandas) as plain ones, by what they can do: none of them is imported."""

from typing import Any, Final

_PLAIN: Final = frozenset({str, int, float, bool, type(None), dict, list, tuple})


def without_arrays(value: object) -> Any:  # noqa: ANN401 - any value at all
    """An array as a list, one of its scalars as a number or a truth value; everything else as it is.

    Asked of the type, because an object that has an answer to everything (`unittest.mock`) is no array.
    """
    kind = type(value)
    if kind in _PLAIN or not (hasattr(kind, "tolist") and hasattr(kind, "dtype")):
        return value
    return value.tolist()  # type: ignore[attr-defined]  # asked above
