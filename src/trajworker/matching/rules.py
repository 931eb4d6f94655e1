"""The options of a comparison, checked at once: a misspelt one is an error that names the valid ones.

Options by example: `mode="superset", args="subset", overrides={"search": "ignore", "book": ["/id"], "pay": same_sum},
deep=True, ignore=["/**/timestamp"], group="turn", absent_as_null=False`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from inspect import isawaitable, iscoroutine, iscoroutinefunction
from typing import Any, Final, Literal, TypeAlias, TypedDict, get_args

from msgspec import Struct

from trajworker.errors import ConfigError
from trajworker.matching.calls import Call
from trajworker.matching.pointers import ABSENT, Path, PathPatterns, lookup, path_patterns, pointer, segments
from trajworker.matching.values import Comparison, Difference, differences, same

Mode: TypeAlias = Literal["strict", "unordered", "superset", "subset", "in_order"]
Args: TypeAlias = Literal["exact", "subset", "superset", "ignore"]
Group: TypeAlias = Literal["turn", "message"]
ArgumentsAgree: TypeAlias = Callable[[Any, Any], bool]
Override: TypeAlias = Args | Sequence[str] | ArgumentsAgree


class MatchOptions(TypedDict, total=False):
    """The options of `matches` that are given by name.

    Args:
        overrides: per tool, in place of `args`: one of its values, a list of the only paths that count (JSON pointers
            or dotted keys), or a function of (actual arguments, expected arguments) that returns True or False; an
            asynchronous one is refused.
        deep: whether `args="subset"` and `"superset"` hold for nested objects too; default one level.
        ignore: JSON pointers, globs allowed, of what is left out on both sides.
        group: `"turn"`: the calls of one message may come in any order; `"message"`: besides, both conversations must
            have the same roles in the same order (what agentevals calls strict).
        absent_as_null: whether an absent key counts as null; default only for one-level `args="subset"`, as in the
            seed.
    """

    overrides: Mapping[str, Override] | None
    deep: bool
    ignore: Sequence[str]
    group: Group | None
    absent_as_null: bool | None


MODES: Final[tuple[Mode, ...]] = get_args(Mode)
ARGS: Final[tuple[Args, ...]] = get_args(Args)
GROUPS: Final[tuple[Group, ...]] = get_args(Group)


_PLAIN_FUNCTION: Final = "comparing awaits nothing, give a plain function that returns True or False"


class UnknownOption(ConfigError, ValueError):
    """An option of a comparison that does not exist or has no such value; the message names those that do."""


class Rule(Struct, frozen=True):
    """How the arguments of one tool are compared; at most one field is set, with none they are not."""

    comparison: Comparison | None = None
    only: tuple[Path, ...] | None = None
    agree: ArgumentsAgree | None = None

    def differences(self, actual: object, expected: object) -> Iterator[Difference]:
        """Where the actual arguments fall short of the expected ones."""
        if expected is None:
            return
        if self.comparison is not None:
            yield from differences(actual, expected, self.comparison)
        elif self.only is not None:
            for path in self.only:
                yield from _difference_at(path, actual, expected)
        elif self.agree is not None and not _answer(self.agree, actual, expected):
            yield Difference("", "refused", expected, actual)

    def ignores(self, expected: object) -> bool:
        """Whether any arguments will do for this expectation."""
        return expected is None or (self.comparison is None and self.only is None and self.agree is None)


class Rules(Struct, frozen=True):
    """Every option of one comparison."""

    mode: Mode
    args: Args
    group: Group | None
    default: Rule
    overrides: Mapping[str, Rule]

    def rule_for(self, tool: object) -> Rule:
        """The rule for the arguments of that tool."""
        return self.overrides.get(tool, self.default) if isinstance(tool, str) else self.default

    def pairs(self, actual: Call, expected: Call) -> bool:
        """Whether the actual call will do for the expected one."""
        if actual.name != expected.name:
            return False
        rule = self.rule_for(expected.name)
        return next(rule.differences(actual.arguments, expected.arguments), None) is None


def _difference_at(path: Path, actual: object, expected: object) -> Iterator[Difference]:
    """The difference at one path. An absent value counts as null, for a matcher too: it wants its key to be there."""
    ours, theirs = lookup(actual, path, ABSENT), lookup(expected, path)
    if ours is ABSENT and theirs is not None:
        yield Difference(pointer(path), "absent", theirs)
    elif ours is not ABSENT and not same(ours, theirs):
        yield Difference(pointer(path), "changed", theirs, ours)


def _answer(agree: ArgumentsAgree, actual: object, expected: object) -> bool:
    """What an override says; raises UnknownOption where it only promises an answer, which would always be a yes."""
    answer: Any = agree(actual, expected)
    if not isawaitable(answer):
        return bool(answer)
    if iscoroutine(answer):
        answer.close()  # else Python warns that nobody awaited it
    raise UnknownOption(f"an override answered with a {type(answer).__name__}: {_PLAIN_FUNCTION}")


def read_rules(mode: str, args: str, options: Mapping[str, Any]) -> Rules:
    """Check every option; raises UnknownOption naming all that is wrong."""
    problems = [
        *_unknown("mode", mode, MODES),
        *_unknown("args", args, ARGS),
        *_unknown_names(options),
        *_wrong_values(mode, options),
    ]
    if problems:
        raise UnknownOption("; ".join(problems))
    ignored = path_patterns(options.get("ignore") or ())
    deep, absent_as_null = bool(options.get("deep", False)), options.get("absent_as_null")
    rule = partial(_rule, ignored=ignored, deep=deep, absent_as_null=absent_as_null)
    overrides = options.get("overrides") or {}
    return Rules(
        mode=mode,  # type: ignore[arg-type]  # checked above
        args=args,  # type: ignore[arg-type]  # checked above
        group=options.get("group"),
        default=rule(args),
        overrides={tool: rule(override) for tool, override in overrides.items()},
    )


def _rule(override: Any, *, ignored: PathPatterns, deep: bool, absent_as_null: bool | None) -> Rule:  # noqa: ANN401 - Override
    if not isinstance(override, str | Sequence):
        return Rule(agree=override)
    if not isinstance(override, str):
        return Rule(only=tuple(segments(path) for path in override))
    if override == "ignore":
        return Rule()
    forgiving = (override == "subset" and not deep) if absent_as_null is None else absent_as_null
    return Rule(Comparison(override, deep=deep, absent_as_null=forgiving, ignored=ignored))  # type: ignore[arg-type]  # checked by _wrong_values


def _unknown(option: str, value: object, valid: Sequence[str]) -> Iterator[str]:
    if not isinstance(value, str) or value not in valid:
        near = get_close_matches(value, valid, 1) if isinstance(value, str) else []
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        yield f"{option}={value!r} is unknown{guess}: it is one of {', '.join(map(repr, valid))}"


def _unknown_names(options: Mapping[str, Any]) -> Iterator[str]:
    valid = ("mode", "args", *MatchOptions.__annotations__)
    for name in options:
        if name not in valid:
            near = get_close_matches(name, valid, 1)
            guess = f" (did you mean {near[0]!r}?)" if near else ""
            yield f"there is no option {name!r}{guess}: the options are {', '.join(valid)}"


def _wrong_values(mode: object, options: Mapping[str, Any]) -> Iterator[str]:
    group = options.get("group")
    if group is not None:
        yield from _unknown("group", group, GROUPS)
    if group == "message" and mode != "strict":
        yield f"group='message' compares messages one by one, so it needs mode='strict', not {mode!r}"
    for flag, values in (("deep", (True, False)), ("absent_as_null", (True, False, None))):
        if flag in options and not any(options[flag] is value for value in values):
            yield f"{flag}={options[flag]!r} is unknown: it is one of {', '.join(map(repr, values))}"
    ignored = options.get("ignore", ())
    if ignored is not None and not _are_paths(ignored):
        yield f"ignore={ignored!r} is no list of JSON pointers such as ['/id', '/**/timestamp']"
    overrides = options.get("overrides")
    if overrides is not None and not isinstance(overrides, Mapping):
        yield f"overrides={overrides!r} is no mapping of tool names to rules"
        return
    for tool, override in (overrides or {}).items():
        yield from _wrong_override(tool, override)


def _wrong_override(tool: object, override: object) -> Iterator[str]:
    if iscoroutinefunction(override) or iscoroutinefunction(getattr(override, "__call__", None)):  # noqa: B004 - not whether, but which
        yield f"overrides[{tool!r}]={override!r} is asynchronous: {_PLAIN_FUNCTION}"
        return
    if callable(override) or (_are_paths(override) and override):
        return
    if isinstance(override, str):
        yield from _unknown(f"overrides[{tool!r}]", override, ARGS)
    else:
        kinds = f"one of {', '.join(map(repr, ARGS))}, a list of at least one path, or a function of two arguments"
        advice = " (write 'ignore', or leave the tool out)" if override == [] else ""
        yield f"overrides[{tool!r}]={override!r} is no rule{advice}: it is {kinds}"


def _are_paths(value: object) -> bool:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return False
    return all(isinstance(path, str) for path in value)
