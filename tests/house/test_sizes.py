"""Files and functions stay small enough to be read at once; what is larger says why, and may not grow."""

import ast

from support.house import functions, modules

FILE_LINES = 300
FUNCTION_LINES = 40
PARAMETERS = 5
RESPONSIBILITY_CHARS = 15
"""Fewer tell nothing of what a module is for."""

LARGER_FILES = {
    "config/settings.py": (360, "every key with its default and its reason: a table, read one key at a time"),
}
LARGER_FUNCTIONS: dict[str, tuple[int, str]] = {}
MORE_PARAMETERS: dict[str, tuple[int, str]] = {
    "aio.py:__init__": (7, "the signature of seed 002, with endpoint and workspace"),
    "aio.py:init": (7, "the signature of seed 002, with endpoint and workspace"),
    "api/blocking.py:__init__": (7, "the signature of seed 002, with endpoint and workspace"),
    "api/blocking.py:init": (7, "the signature of seed 002, with endpoint and workspace"),
}


def lines_of_file(text: str) -> int:
    return text.count("\n")


def lines_of_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def parameters_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Parameters a caller must think of: `self` and `cls` are none."""
    positional = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    return len([name for name in positional if name not in ("self", "cls")]) + len(node.args.kwonlyargs)


def too_large(sizes: dict[str, int], limit: int, exceptions: dict[str, tuple[int, str]]) -> list[str]:
    """What breaks its limit, and exceptions that are no longer needed."""
    grown = [
        f"{name}: {size} > {exceptions.get(name, (limit, ''))[0]}"
        for name, size in sizes.items()
        if size > exceptions.get(name, (limit, ""))[0]
    ]
    idle = [f"{name} needs no exception any more" for name in exceptions if sizes.get(name, 0) <= limit]
    return grown + idle


def test_files_are_read_in_one_go() -> None:
    sizes = {name: lines_of_file(text) for name, _, text in modules()}
    assert too_large(sizes, FILE_LINES, LARGER_FILES) == []


def test_functions_fit_a_screen() -> None:
    sizes = {f"{name}:{node.name}": lines_of_function(node) for name, tree, _ in modules() for node in functions(tree)}
    assert too_large(sizes, FUNCTION_LINES, LARGER_FUNCTIONS) == []


def test_functions_take_few_parameters() -> None:
    sizes = {f"{name}:{node.name}": parameters_of(node) for name, tree, _ in modules() for node in functions(tree)}
    assert too_large(sizes, PARAMETERS, MORE_PARAMETERS) == []


def test_a_module_says_in_its_first_line_what_it_is_for() -> None:
    first = {name: (ast.get_docstring(tree) or "").partition("\n")[0] for name, tree, _ in modules()}
    assert {name: line for name, line in first.items() if len(line) < RESPONSIBILITY_CHARS} == {}


def test_no_room_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "common", "base", "manager", "registry", "misc"}
    parts = {part.removesuffix(".py") for name, _, _ in modules() for part in name.split("/")}
    assert parts & drawers == set()
