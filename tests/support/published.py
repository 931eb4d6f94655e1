"""What a consumer reads: published files in the order of their numbers, whatever their compression."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard


def files_in(out: Path) -> list[Path]:
    """Published files (those with a manifest) in the order of the chain."""
    found = [path.with_name(path.name.removesuffix(".manifest.json")) for path in out.glob("*.manifest.json")]
    whole = [path for path in found if path.exists() and not path.with_name(f"{path.name}.void.json").exists()]
    return sorted(whole, key=lambda path: path.name.partition("-")[2])


def lines_in(out: Path) -> Iterator[Any]:
    """Every published line, decoded."""
    for path in files_in(out):
        content = path.read_bytes()
        if path.name.endswith(".gz"):
            content = gzip.decompress(content)
        elif path.name.endswith(".zst"):
            content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
        assert content.endswith(b"\n")
        yield from (json.loads(line) for line in content.split(b"\n")[:-1])
