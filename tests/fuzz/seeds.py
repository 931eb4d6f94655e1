"""The committed corpus: `corpus/DOOR/NAME`, hostile inputs that once broke something here or elsewhere, and good ones.

A file `NAME.repeat` holds a Python expression of bytes instead, for what is long only by repetition.
"""

import ast
from functools import cache
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")


def content_of(path: Path) -> bytes:
    """What a seed says: literals of bytes, `+` and `*` with a number, nothing else is understood."""
    if path.suffix != ".repeat":
        return path.read_bytes()
    return _value(ast.parse(path.read_text("ascii").strip(), mode="eval").body)


def _value(node: ast.expr) -> bytes:
    match node:
        case ast.Constant(value=bytes() as told):
            return told
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _value(left) + _value(right)
        case ast.BinOp(op=ast.Mult(), left=left, right=ast.Constant(value=int() as times)):
            return _value(left) * times
    raise ValueError(ast.unparse(node))


@cache
def seeds(door: str) -> tuple[bytes, ...]:
    """The contents of all seeds of a door."""
    return tuple(content_of(path) for path in sorted((CORPUS / door).iterdir()))


def files() -> list[Path]:
    """Every seed of every door."""
    return sorted(path for path in CORPUS.glob("*/*") if path.is_file())
