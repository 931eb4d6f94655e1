"""How posts and patches of one run become the run: any order, any number of times, null never overwrites."""

from itertools import pairwise
from typing import Any

import msgspec
from msgspec import Raw

from trajworker.simulator import instants
from trajworker.simulator.instants import BadInstant
from trajworker.simulator.problems import Refusal
from trajworker.simulator.settings import SimulatorSettings
from trajworker.simulator.state import State
from trajworker.simulator.store import Entry
from trajworker.simulator.stored_run import StoredRun, complete, decode, encode, sendable
from trajworker.simulator.usage import Ledger

_TEXTS = ("name", "run_type", "error", "parent_run_id", "reference_example_id")
_PAYLOADS = ("inputs", "outputs", "serialized", "events")
_IDENTITY = ("trace_id", "dotted_order")
TTL_S = 1_209_600
"""Base retention: 14 days."""


class _Draft(msgspec.Struct):
    """A run in the making: what the posts said and, above it, what the patches said."""

    posted: dict[str, Any]
    patched: dict[str, Any]
    project_id: str | None = None

    def fields(self) -> dict[str, Any]:
        """All fields, a patch before a post."""
        return _overlay(self.posted, self.patched)


class Intake:
    """Takes operations in, in any order, and keeps the store up to date."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._drafts: dict[str, _Draft] = {}
        self._ledger = Ledger(state.store)
        self._booked_traces: set[str] = set()

    def post(self, fields: dict[str, Any]) -> None:
        """A run begins (or is told whole).

        Raises:
            Refusal: the fields contradict each other or what is there.
        """
        self._take(fields, "post")

    def patch(self, fields: dict[str, Any]) -> None:
        """A run goes on or ends.

        Raises:
            Refusal: the fields contradict each other or what is there.
        """
        self._take(fields, "patch")

    def attach(self, run_id: str, name: str, mime_type: str, data: bytes) -> None:
        """Keep an attachment and point to it from its run."""
        store = self._state.store
        store.attachments[run_id, name] = (mime_type, data)
        entry = store.entries.get(run_id)
        if entry is not None and entry.latest is not None:
            entry.latest.s3_urls = self._attachment_urls(run_id)

    def forget(self, entry: Entry) -> None:
        """A run is about to be deleted: what came for it counts no more."""
        self._drafts.pop(entry.id, None)
        self._booked_traces.discard(entry.place.trace_id)
        self._ledger.forget(entry.id)

    def forget_project(self, project_id: str) -> None:
        """A project is about to be deleted: so is what came for runs of it that never showed."""
        self._drafts = {run_id: draft for run_id, draft in self._drafts.items() if draft.project_id != project_id}

    def _take(self, fields: dict[str, Any], kind: str) -> None:
        run_id = str(fields.get("id") or "")
        if not run_id:
            raise refusal(422, "id is required")
        fields = {key: value for key, value in fields.items() if value is not None}
        _check_lineage(fields)
        before = self._drafts.get(run_id) or self._draft_of_loaded(run_id)
        draft = _Draft(before.posted, before.patched, self._project_of(fields, before))
        if kind == "post":
            draft.posted = _overlay(before.posted, fields)
        else:
            draft.patched = _overlay(before.patched, fields)
        self._publish(run_id, draft, kind)
        self._drafts[run_id] = draft

    def _project_of(self, fields: dict[str, Any], draft: _Draft) -> str | None:
        store = self._state.store
        given = fields.get("session_id")
        if given is not None and str(given) not in store.projects:
            raise refusal(404, f"session {given} not found")
        if given is not None:
            return str(given)
        name = fields.get("session_name")
        if name is not None and draft.project_id is None:
            return store.project_named(str(name), self._state.now_us()).id
        return draft.project_id

    def _publish(self, run_id: str, draft: _Draft, kind: str) -> None:
        fields = draft.fields()
        if not fields.get("start_time") and not fields.get("dotted_order"):
            return
        # the draft stays without a project: a post that comes behind its patch names it
        project_id = draft.project_id or self._state.store.project_named("default", self._state.now_us()).id
        run = self._build(run_id, fields, project_id)
        settings = self._state.settings
        lag_s = settings.visibility_lag_s if kind == "post" else settings.patch_lag_s
        visible_us = round((self._state.now_s() + lag_s) * 1_000_000) if lag_s else 0
        entry = self._state.store.entries.get(run_id)
        if entry is None:
            entry = self._state.store.put(run, visible_us)
        else:
            self._state.store.update(entry, run, visible_us)
        self._book(run)

    def _book(self, run: StoredRun) -> None:
        """Book the run, and once per trace those of it that were loaded and not ingested."""
        if run.trace_id not in self._booked_traces:
            self._booked_traces.add(run.trace_id)
            for entry in self._state.store.trace(run.trace_id):
                if entry.latest is not None and entry.id != run.id:
                    self._ledger.book(entry.latest)
        self._ledger.book(run)

    def _draft_of_loaded(self, run_id: str) -> _Draft:
        """What is known of a run that was loaded; an empty draft for a new one."""
        entry = self._state.store.entries.get(run_id)
        run = None if entry is None else entry.latest
        if run is None:
            return _Draft({}, {})
        plain = (*_TEXTS, *_IDENTITY, "start_time", "end_time", "tags")
        fields = {name: getattr(run, name) for name in plain}
        fields |= {name: decode(getattr(run, name)) for name in (*_PAYLOADS, "extra")}
        posted = {name: value for name, value in fields.items() if value is not None}
        return _Draft(posted, {}, run.session_id)

    def _build(self, run_id: str, fields: dict[str, Any], project_id: str) -> StoredRun:
        run = StoredRun(id=run_id, session_id=project_id)
        for name in _TEXTS:
            if fields.get(name) is not None:
                setattr(run, name, sendable(str(fields[name])))
        for name in _PAYLOADS:
            if name in fields:
                setattr(run, name, encode(fields[name]))
        _set_times(run, fields)
        self._set_lineage(run, fields)
        run.status = "error" if run.error else ("success" if run.end_time else "pending")
        run.events = run.events if "events" in fields else encode([])
        run.tags = [sendable(str(tag)) for tag in fields.get("tags") or ()]
        complete(run)
        _set_extra(run, fields.get("extra"), self._state.settings)
        run.s3_urls = self._attachment_urls(run_id)
        run.execution_order, run.in_dataset, run.trace_tier = 1, False, "shortlived"
        run.ttl_seconds, run.trace_upgrade = TTL_S, False
        entry: Entry | None = self._state.store.entries.get(run_id)
        earlier = None if entry is None or entry.latest is None else entry.latest.trace_first_received_at
        run.trace_first_received_at = earlier or instants.naive(self._state.now_us())
        return run

    def _set_lineage(self, run: StoredRun, fields: dict[str, Any]) -> None:
        """Trace and dotted order as told; derived from the parent for a lone POST that tells neither."""
        run.dotted_order = str(fields.get("dotted_order") or "")
        run.trace_id = str(fields.get("trace_id") or "")
        if run.dotted_order:
            return
        stamp = (run.start_time or "").replace("-", "").replace(":", "")
        whole, _, fraction = stamp.partition(".")
        segment = f"{whole}{fraction.ljust(6, '0')}Z{run.id}"
        parent = self._state.store.entries.get(run.parent_run_id or "")
        above = parent.latest.dotted_order if parent is not None and parent.latest is not None else ""
        run.dotted_order = f"{above}.{segment}" if above else segment
        run.trace_id = run.trace_id or run.dotted_order.split(".")[0][-36:]

    def _attachment_urls(self, run_id: str) -> Raw:
        urls = {
            f"attachment.{name}": {
                "presigned_url": f"/_attachments/{run_id}/{name}",
                "s3_url": f"attachments/{run_id}/{name}",
                "mime_type": mime_type,
            }
            for (owner, name), (mime_type, _) in self._state.store.attachments.items()
            if owner == run_id
        }
        return encode(urls or None)


def refusal(status: int, error: str, details: object = None) -> Refusal:
    """A refusal in the words of the ingest endpoints."""
    return Refusal(status, error, {"error": error, "details": msgspec.json.encode(details or {}).decode()})


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Fields of `above` before those of `below`; what is blank hides nothing, `extra` merges by key."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if key == "extra" and isinstance(value, dict) and isinstance(old, dict):
            metadata = {**(old.get("metadata") or {}), **(value.get("metadata") or {})}
            merged[key] = {**old, **value, "metadata": metadata}
        elif value in ({}, [], "") and old:
            continue
        else:
            merged[key] = value
    return merged


def _check_lineage(fields: dict[str, Any]) -> None:
    """A dotted order must begin with the trace, end with the run, and never step back in time."""
    dotted = fields.get("dotted_order")
    if dotted is None:
        return
    segments = str(dotted).split(".")
    trace_id = fields.get("trace_id")
    if trace_id is not None and segments[0][-36:] != str(trace_id):
        raise refusal(400, f"trace_id {trace_id} does not match first part of dotted_order {dotted}")
    if segments[-1][-36:] != str(fields["id"]):
        raise refusal(400, f"run_id {fields['id']} does not match last part of dotted_order {dotted}")
    stamps = [segment[:-36] for segment in segments]
    if any(later < earlier for earlier, later in pairwise(stamps)):
        raise refusal(400, f"dotted_order {dotted} has a run that starts before its parent")


def _set_times(run: StoredRun, fields: dict[str, Any]) -> None:
    try:
        for name in ("start_time", "end_time"):
            moment_us = instants.parse_optional(fields.get(name))
            if moment_us is not None:
                setattr(run, name, instants.naive(moment_us))
    except BadInstant as error:
        raise refusal(422, str(error)) from error


def _set_extra(run: StoredRun, extra: Any, settings: SimulatorSettings) -> None:  # noqa: ANN401 - any JSON
    extra = dict(extra) if isinstance(extra, dict) else {}
    metadata = extra.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    metadata.setdefault("ls_run_depth", len(run.parent_run_ids or ()))
    keys = (metadata.get(key) for key in settings.thread_keys)
    thread_id = next((key for key in keys if key is not None and key != ""), None)
    run.thread_id = None if thread_id is None else sendable(str(thread_id))
    run.extra = encode({**extra, "metadata": metadata})
