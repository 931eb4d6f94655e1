"""The tally in Prometheus' text format. Labels have few values: no ids, no reasons, no configuration."""

from collections.abc import Iterator, Mapping
from typing import Final

from trajworker.events import Corridor
from trajworker.observing.tally import Corridors, Tally

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Mapping[str, str], float]


def metrics(tally: Tally) -> str:
    """All metrics, each with its help and type."""
    return "".join(_lines(tally))


def _lines(tally: Tally) -> Iterator[str]:
    counters: list[tuple[str, str, float]] = [
        ("pages_staged", "Pages that are durable with their cursor.", tally.pages),
        ("page_bytes_staged", "Bytes of those pages as they were received.", tally.page_bytes),
        ("runs_staged", "Runs on those pages, repeated ones too.", tally.runs),
        ("runs_changed", "Runs that were new or newer than what was staged.", tally.runs_changed),
        ("slices_read", "Slices of time read to their end.", tally.slices),
        ("emissions_incomplete", "Revisions marked as not complete.", tally.incomplete),
        ("runs_found_late", "Runs that turned up further back than each cycle looks again.", tally.late_found),
        ("late_dropped", "Changes past the horizon that were dropped.", tally.late_dropped),
        ("parts_published", "Files whose manifest exists.", tally.parts),
        ("lines_published", "Lines in those files.", tally.published_lines),
        ("bytes_published", "Bytes of those files.", tally.published_bytes),
        ("quarantined", "Runs and conversations set aside.", tally.quarantined.total()),
    ]
    for name, about, value in counters:
        yield from _metric(f"{name}_total", "counter", about, [({}, value)])
    yield from _metric(
        "requests_retried_total",
        "counter",
        "Requests made again, by HTTP status (none: no answer).",
        [({"status": str(status or "none")}, count) for status, count in tally.retries.items()],
    )
    yield from _metric(
        "emissions_total", "counter", "Revisions by pane.", [({"pane": p}, n) for p, n in tally.emitted.items()]
    )
    yield from _corridors(tally.corridors)
    gauges: list[tuple[str, str, float]] = [
        ("conversations_held", "Conversations held back now.", tally.held_count),
        ("projects_failed", "Projects that cannot go on.", len(tally.failed_projects)),
        ("latest_found_seconds", "How late the latest of the late runs was.", tally.latest_s),
    ]
    for name, about, value in gauges:
        yield from _metric(name, "gauge", about, [({}, value)])
    yield from _metric(
        "pace_requests_per_second", "gauge", "The shared pace.", [({"tier": t}, pace) for t, pace in tally.pace.items()]
    )
    if tally.started is not None:
        yield from _metric("info", "gauge", "The release that runs.", [({"version": tally.started.version}, 1)])


def _corridors(corridors: Corridors) -> Iterator[str]:
    yield from _metric(
        "corridor_failures_total",
        "counter",
        "Times that all reading (intake) or all delivering (outlet) failed.",
        [({"corridor": corridor}, corridors.failures[corridor]) for corridor in Corridor],
    )
    yield from _metric(
        "corridor_failed",
        "gauge",
        "Whether reading or delivering fails as a whole now.",
        [({"corridor": corridor}, corridor in corridors.failed) for corridor in Corridor],
    )


def _metric(name: str, kind: str, about: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP trajworker_{name} {about}\n# TYPE trajworker_{name} {kind}\n"
    for labels, value in samples:
        inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"trajworker_{name}{{{inner}}} {value:g}\n" if inner else f"trajworker_{name} {value!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
