"""Peer: the official client over v2, page 1000; `--write` also groups the runs by thread and writes one line each."""

import argparse
import asyncio
import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from langsmith import AsyncClient

SELECTS = [
    *("ID", "NAME", "RUN_TYPE", "STATUS", "START_TIME", "END_TIME", "ERROR", "EXTRA", "INPUTS", "OUTPUTS"),
    *("PARENT_RUN_IDS", "PROJECT_ID", "TRACE_ID", "THREAD_ID", "DOTTED_ORDER", "IS_ROOT", "TOTAL_TOKENS"),
    *("PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_COST", "PROMPT_TOKEN_DETAILS", "COMPLETION_TOKEN_DETAILS"),
    *("TAGS", "EVENTS"),
]


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--start", required=True)
    parser.add_argument("--end", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    client = AsyncClient(api_url=arguments.endpoint, api_key="bench")
    count, threads = 0, defaultdict(list)
    async for run in client.runs.query_v2(
        project_ids=[arguments.project],
        page_size=1000,
        selects=SELECTS,
        min_start_time=datetime.fromisoformat(arguments.start).astimezone(UTC),
        max_start_time=datetime.fromisoformat(arguments.end).astimezone(UTC),
    ):
        count += 1
        if arguments.write:
            threads[run.thread_id or run.trace_id].append(run)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "count.txt").write_text(str(count), "ascii")
    with (arguments.out / "conversations.jsonl").open("w", encoding="utf-8") as file:
        for conversation, runs in threads.items():
            runs.sort(key=lambda run: run.dotted_order)
            told = [run.model_dump(mode="json") for run in runs]
            file.write(json.dumps({"conversation": conversation, "runs": told}) + "\n")


asyncio.run(_main())
