"""Whether a trace keeps the order of reliability.md 2.4: what is durable when the ledger says so.

Works on lines of `strace -f -y`, where a descriptor is followed by its path: `fsync(7</x/out>)`.
"""

import re
from pathlib import Path

CALL = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)")
PATH = re.compile(r"<([^>]*)>")
NAME = re.compile(r'"([^"]*)"')
PAGES = 18
"""Fewer commits than pages cannot have made each page durable."""


class Watch:
    """State of the output folder and of the ledger while a trace is read."""

    def __init__(self, folder: Path) -> None:
        self.out = str(folder / "out")
        self.wal = str(folder / "staging" / "s.db-wal")
        self.unsynced: set[str] = set()
        self.names_unsynced: set[str] = set()
        self.commits = 0
        self.commit_of: dict[str, int] = {}
        """Number of ledger commits when a file was last synced, or got its final name."""
        self.found: list[str] = []

    def expect(self, holds: object, problem: str) -> None:
        if not holds:
            self.found.append(problem)

    def written(self, path: str) -> None:
        if path.startswith(self.out + "/"):
            self.unsynced.add(path)

    def synced(self, path: str) -> None:
        self.unsynced.discard(path)
        self.commit_of[path] = self.commits
        if path == self.out:
            self.names_unsynced.clear()
        if path == self.wal:
            parts = {name for name in self.unsynced if name.endswith(".part")}
            self.expect(not parts, f"commit with unsynced {parts}")
            self.expect(not self.names_unsynced, f"commit before the folder was synced: {self.names_unsynced}")
            self.commits += 1

    def created(self, path: str) -> None:
        if path.startswith(self.out + "/"):
            self.names_unsynced.add(path)

    def renamed(self, old: str, new: str) -> None:
        before, after = f"{self.out}/{old}", f"{self.out}/{new}"
        self.expect(before not in self.unsynced, f"{old} renamed before it was synced")
        if new.endswith(".manifest.json"):
            final = f"{self.out}/{new.removesuffix('.manifest.json')}"
            self.expect(self.commits > self.commit_of.get(final, self.commits), f"{new} before the row of {final}")
            self.expect(final not in self.names_unsynced, f"{new} before the name of {final} was synced")
        else:
            self.expect(self.commits >= self.commit_of.get(before, 0) + 2, f"{new} before its ledger and sealed rows")
            self.commit_of[after] = self.commits
        self.names_unsynced.discard(before)
        self.names_unsynced.add(after)


def violations(lines: list[str], folder: Path) -> list[str]:
    """Every place where the order is broken."""
    watch = Watch(folder)
    for line in lines:
        found = CALL.match(line)
        if found is None or found[3].startswith("-"):
            continue
        call, arguments = found[1], found[2]
        paths, names = PATH.findall(arguments), NAME.findall(arguments)
        match call:
            case "pwrite64" | "write" | "ftruncate":
                watch.written(paths[0])
            case "fsync" | "fdatasync":
                watch.synced(paths[0])
            case "openat" if "O_CREAT" in arguments and paths and "O_EXCL" in arguments:
                watch.created(f"{paths[0]}/{names[0]}")
            case "renameat2" | "linkat":
                watch.renamed(names[0], names[1])
            case _:
                pass
    watch.expect(watch.commits >= PAGES, f"only {watch.commits} commits were made durable")
    watch.expect(not watch.unsynced, f"never synced: {watch.unsynced}")
    watch.expect(not watch.names_unsynced, f"names never synced: {watch.names_unsynced}")
    return watch.found
