"""Keys of objects that are data rather than names of a program, put otherwise without two of them becoming one."""

from collections.abc import Callable, Iterable


def is_name(key: str) -> bool:
    """Whether a key could be a name in a program (`order_id`, `user-name`)."""
    return key.isascii() and key.replace("-", "_").isidentifier()


def renamed(kept: Iterable[str], changed: Iterable[str], rename: Callable[[str], str]) -> dict[str, str]:
    """Key -> what stands in its place; of those that would become one the later ones are numbered, in their order."""
    names = {key: key for key in kept}
    taken = set(names)
    for key in changed:
        name = free = rename(key)
        number = 1
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free)
        names[key] = free
    return names
