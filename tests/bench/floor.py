"""The floor: pages a project, stores the rows, joins them into a line per conversation, and understands nothing.

What any program must do that survives a crash and delivers whole conversations; no message is decoded. httpx, v2,
4 of 16 time windows at once, raw rows into SQLite with synchronous=FULL and one transaction per page (performance.md
section 2).
"""

import argparse
import asyncio
import sqlite3
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Raw

SELECTS = [
    *("ID", "NAME", "RUN_TYPE", "STATUS", "START_TIME", "END_TIME", "ERROR", "EXTRA", "INPUTS", "OUTPUTS"),
    *("PARENT_RUN_IDS", "PROJECT_ID", "TRACE_ID", "THREAD_ID", "DOTTED_ORDER", "IS_ROOT", "TOTAL_TOKENS"),
    *("PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_COST", "PROMPT_TOKEN_DETAILS", "COMPLETION_TOKEN_DETAILS"),
    *("TAGS", "EVENTS"),
]
SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA cache_size=-65536;
CREATE TABLE runs (id TEXT UNIQUE, conversation TEXT, dotted_order TEXT, body BLOB);
CREATE INDEX by_conversation ON runs (conversation, dotted_order);
"""


class Page(msgspec.Struct):
    """A page of v2, its rows as bytes."""

    items: list[Raw]
    next_cursor: str | None = None


class Head(msgspec.Struct):
    """What the floor reads of a row."""

    id: str
    trace_id: str
    dotted_order: str
    thread_id: str | None = None


_page = msgspec.json.Decoder(Page)
_head = msgspec.json.Decoder(Head)


def _store(database: sqlite3.Connection, rows: list[Raw]) -> None:
    heads = [_head.decode(row) for row in rows]
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?)",
            [(h.id, h.thread_id or h.trace_id, h.dotted_order, row) for h, row in zip(heads, rows, strict=True)],
        )


async def _window(client: httpx.AsyncClient, database: sqlite3.Connection, body: dict[str, Any]) -> None:
    cursor: str | None = None
    while True:
        answer = await client.post("/api/v2/runs/query", json=body | ({"cursor": cursor} if cursor else {}))
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            await asyncio.sleep(0.1)
            continue
        answer.raise_for_status()
        page = _page.decode(answer.content)
        _store(database, page.items)
        cursor = page.next_cursor
        if not cursor:
            return


async def _fetch(arguments: argparse.Namespace, database: sqlite3.Connection) -> None:
    start, end = datetime.fromisoformat(arguments.start), datetime.fromisoformat(arguments.end)
    width = (end - start) / arguments.windows
    edges = [start + width * index for index in range(arguments.windows)] + [end]
    limit = asyncio.Semaphore(arguments.at_once)
    headers = {"x-api-key": "bench"}
    async with (
        httpx.AsyncClient(base_url=arguments.endpoint, headers=headers, timeout=60) as client,
        asyncio.TaskGroup() as group,
    ):

        async def read(low: datetime, high: datetime) -> None:
            body = {
                "project_ids": [arguments.project],
                "page_size": arguments.page,
                "selects": SELECTS,
                "min_start_time": low.isoformat(),
                "max_start_time": high.isoformat(),
            }
            async with limit:
                await _window(client, database, body)

        for low, high in pairwise(edges):
            group.create_task(read(low, high))


def _emit(database: sqlite3.Connection, out: Path) -> None:
    with out.open("wb") as file:
        last = None
        for conversation, body in database.execute(
            "SELECT conversation, body FROM runs ORDER BY conversation, dotted_order"
        ):
            if conversation != last:
                begin = b'{"conversation":' + msgspec.json.encode(conversation) + b',"runs":['
                file.write(begin if last is None else b"]}\n" + begin)
                last = conversation
            else:
                file.write(b",")
            file.write(body)
        if last is not None:
            file.write(b"]}\n")


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--project", required=True, help="project id")
    parser.add_argument("--start", required=True)
    parser.add_argument("--end", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--page", type=int, default=500)
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--at-once", type=int, default=4)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(arguments.out / "floor.db", isolation_level=None)
    database.executescript(SCHEMA)
    asyncio.run(_fetch(arguments, database))
    _emit(database, arguments.out / "conversations.jsonl")
    database.close()


if __name__ == "__main__":
    _main()
