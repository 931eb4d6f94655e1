"""The repository as text and as syntax trees, for tests of the house itself."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "trajworker"
_SH_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git tracks or would add; where there is no git, every file but caches."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        folders = [ROOT / name for name in ("src", "tests", "config", ".github", ".ci")]
        within = [path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts]
        files = [path for path in (*ROOT.iterdir(), *within) if path.is_file()]
        listed = [str(path.relative_to(ROOT)) for path in files]
    return tuple(ROOT / name for name in sorted(listed) if name and (ROOT / name).is_file())


@cache
def modules() -> tuple[tuple[str, ast.Module, str], ...]:
    """Every module of the product: its path below `src/trajworker`, its syntax tree, its text."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        found.append((path.relative_to(SOURCE).as_posix(), ast.parse(text), text))
    return tuple(found)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, methods and inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def readme() -> str:
    """The README."""
    return (ROOT / "README.md").read_text("utf-8")


def shell_blocks(markdown: str) -> list[str]:
    """What a reader is told to type: the `sh` blocks, in order."""
    return _SH_BLOCK.findall(markdown)
