"""The configuration as text: the file with every key, and the effective values with their origin."""

import textwrap
from collections.abc import Iterator
from inspect import getdoc
from typing import Final

from trajworker.config.catalog import CatalogKey, keys, sections
from trajworker.config.conversion import key_to_toml, type_name
from trajworker.config.resolution import DEFAULT, Resolution

PAGE_WIDTH: Final = 110

_HEAD: Final = """\
# Every setting of trajworker with its default. This file is generated from src/trajworker/config/settings.py
# (`trajworker config --toml`); a test keeps it current.
#
# The command line wins, then the environment, then this file, then the default. Each key is also an environment
# variable, TRAJWORKER_<SECTION>_<KEY>: TRAJWORKER_SINK_OUT=/data/out. `trajworker config` shows what is in force, and
# where each value came from. Durations: 0s, 90s, 10m, 24h, 7d. Sizes: 64MiB. Times: ISO 8601, or an age such as 7d.
"""


def template() -> str:
    """The text of `config/trajworker.toml`: every section and key, its default, and why it is there."""
    return _HEAD + "".join(f"\n{page}" for page in map(_section_page, sections()))


def effective(resolution: Resolution) -> str:
    """The effective settings as TOML, each with where it came from; secrets are masked."""
    return "\n".join(_effective_lines(resolution)) + "\n"


def _section_page(section: str) -> str:
    doc = (getdoc(sections()[section]) or "").partition("\n")[0]
    lines = [f"# {doc}", f"[{section}]"]
    for key in keys():
        if key.section == section:
            lines += [*_key_lines(key), ""]
    lines.pop()
    return "\n".join(lines) + "\n"


def _key_lines(key: CatalogKey) -> Iterator[str]:
    also = [word for word in (key.key.option, *key.key.variables) if word is not None]
    about = f"{key.key.why} ({', '.join([type_name(key), *also])})"
    yield from textwrap.wrap(about, PAGE_WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
    if key.key.env_only:
        yield f"# {key.name} has no place in a file"
        return
    yield (
        f"# {key.name} = {key.key.example}" if key.default is None else f"{key.name} = {key_to_toml(key, key.default)}"
    )


def _effective_lines(resolution: Resolution) -> Iterator[str]:
    section = ""
    for key in keys():
        if key.section != section:
            yield from ([""] if section else [])
            yield f"[{key.section}]"
            section = key.section
        value, origin = resolution.value(key.path), resolution.origins[key.path]
        if value is None:
            yield f"# {key.name} is not set"
        else:
            comment = "" if origin.layer == DEFAULT else f"  # {origin}"
            yield f"{'# ' if key.key.env_only else ''}{key.name} = {key_to_toml(key, value)}{comment}"
