"""The settings as a list of keys: what the file, the environment, the command line and the documentation share."""

import types
from collections.abc import Iterator
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from trajworker.config.key import Key
from trajworker.config.settings import Settings

PREFIX: Final = "TRAJWORKER_"


class CatalogKey(Struct, frozen=True, kw_only=True):
    """One setting: where it stands, what it is by default, of which type where it is present, and why it is there."""

    section: str
    name: str
    default: Any
    type: Any
    key: Key

    @property
    def path(self) -> str:
        """Its name everywhere: `section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Its own environment variable."""
        return f"{PREFIX}{self.section}_{self.name}".upper()

    @property
    def variables(self) -> tuple[str, ...]:
        """All environment variables that set it, strongest first."""
        return (self.variable, *self.key.variables)


def sections() -> dict[str, type[Struct]]:
    """The sections in order, each with the struct whose fields are its keys."""
    return dict(get_type_hints(Settings))


@cache
def keys() -> tuple[CatalogKey, ...]:
    """All keys in the order of the file."""
    return tuple(key for section, struct in sections().items() for key in _keys_of(section, struct))


@cache
def by_path() -> dict[str, CatalogKey]:
    """All keys by their path."""
    return {key.path: key for key in keys()}


@cache
def by_variable() -> dict[str, CatalogKey]:
    """All keys by each environment variable that sets them."""
    return {variable: key for key in keys() for variable in key.variables}


def _keys_of(section: str, struct: type[Struct]) -> Iterator[CatalogKey]:
    defaults = struct()
    for name, hint in get_type_hints(struct, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{section}.{name} has no Key that says why it is there")
        annotated, key = get_args(hint)[:2]
        yield CatalogKey(
            section=section, name=name, default=getattr(defaults, name), type=_without_none(annotated), key=key
        )


def _without_none(hint: Any) -> Any:  # noqa: ANN401 - a type hint has no narrower type
    if get_origin(hint) in (Union, types.UnionType):
        present = [part for part in get_args(hint) if part is not types.NoneType]
        return reduce(or_, present)
    return hint
