"""Just enough of `runs/query` on the scripted server to misbehave in one way at a time."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from support.scripted_server import Received, Reply, json_reply

INFO = {"version": "0.17.0", "instance_flags": {"ch_query_enabled": True, "sdb_query_enabled": True}}


def run_row(number: int, start: datetime, **fields: Any) -> dict[str, Any]:
    """A run in v2 form; its id tells its number."""
    moment = start + timedelta(minutes=number)
    run_id = f"00000000-0000-4000-8000-{number:012d}"
    return {
        "id": run_id,
        "trace_id": run_id,
        "name": f"run {number}",
        "run_type": "LLM",
        "status": "SUCCESS",
        "start_time": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "end_time": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "dotted_order": moment.strftime("%Y%m%dT%H%M%S%fZ") + run_id,
        "inputs": {"number": number},
        **fields,
    }


class FakeLangSmith:
    """Rows of one project, newest first, by v2 or v1; `spoil` may turn a request away first."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = sorted(rows, key=lambda row: row["start_time"], reverse=True)
        self.spoil: Callable[[Received], Reply | None] = lambda _request: None
        self.spoil_answer: Callable[[Received, list[dict[str, Any]]], Reply | None] = lambda _request, _rows: None

    def __call__(self, request: Received) -> Reply:
        spoilt = self.spoil(request)
        if spoilt is not None:
            return spoilt
        if request.path.endswith("/info"):
            return json_reply(INFO)
        asked = request.asked
        rows = self._matching(asked)
        if "ids" in asked or "id" in asked:
            at, size = 0, len(rows)
        else:
            at, size = int(asked.get("cursor", "c0")[1:]), int(asked.get("page_size") or asked["limit"])
        page = rows[at : at + size]
        following = f"c{at + size}" if at + size < len(rows) else None
        spoilt = self.spoil_answer(request, page)
        if spoilt is not None:
            return spoilt
        if "/v1/" in request.path:
            return json_reply({"runs": [_v1(row) for row in page], "cursors": {"next": following}})
        return json_reply({"items": page, "next_cursor": following})

    def _matching(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        ids = asked.get("ids") or asked.get("id")
        if ids:
            return [row for row in self.rows if row["id"] in ids]
        first, last = asked.get("min_start_time") or asked.get("start_time", ""), asked.get("max_start_time")
        if last is None and "lt(start_time" in asked.get("filter", ""):
            last = asked["filter"].partition("lt(start_time, ")[2].partition(")")[0].strip('"')
        return [row for row in self.rows if first <= row["start_time"] <= (last or "9")]


def _v1(row: dict[str, Any]) -> dict[str, Any]:
    changed = {"run_type": row["run_type"].lower(), "status": row["status"].lower()}
    times = {name: row[name].removesuffix("Z") for name in ("start_time", "end_time")}
    answered: dict[str, Any] = json.loads(json.dumps({**row, **changed, **times}))
    return answered
