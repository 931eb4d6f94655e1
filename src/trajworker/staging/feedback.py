"""Feedback on the runs of a page: what the source tells of them now takes the place of what was staged.

All functions run in the thread of the connection, within a transaction.
"""

import sqlite3
from collections.abc import Collection, Sequence

from trajworker.model.run import Feedback
from trajworker.ports import StagedPage
from trajworker.staging import traces
from trajworker.staging.encoding import PackedId, pack_feedback, pack_id
from trajworker.staging.news import News
from trajworker.staging.statements import chunked, slots


def take(
    connection: sqlite3.Connection, project: int, staged: StagedPage, news: News, withheld: Collection[str]
) -> None:
    """Stage the feedback of a page, of which `news` tells the runs; nothing of traces that are `withheld`."""
    if staged.feedback is None:
        return
    hidden = {pack_id(run.id) for run in staged.page.runs if run.trace_id in withheld}
    hidden |= {pack_id(trace) for trace in withheld}
    for feedback in staged.feedback:
        run = None if feedback.run_id is None else pack_id(feedback.run_id)
        trace = None if feedback.trace_id is None else pack_id(feedback.trace_id)
        about = trace if run is None else run
        # A slow old answer neither brings back what was deleted since nor takes away what was given since.
        if run in hidden or trace in hidden or about in news.outdated:
            continue
        if _put(connection, project, feedback, (run, trace)):
            traces.touch_by_run(connection, project, about)
    told = {pack_id(feedback.id) for feedback in staged.feedback}
    for run in _remove_others(connection, project, [run for run in news.ids if run not in news.outdated], told):
        traces.touch_by_run(connection, project, run)


def _put(
    connection: sqlite3.Connection,
    project: int,
    feedback: Feedback,
    about: tuple[PackedId | None, PackedId | None],
) -> bool:
    """Stage a piece of feedback about a run and a trace; whether it was not staged as it is."""
    body = pack_feedback(feedback)
    news = connection.execute(
        "INSERT INTO feedback VALUES (?, ?, ?, ?, ?) ON CONFLICT (project, id) DO UPDATE "
        "SET run = excluded.run, trace = excluded.trace, body = excluded.body WHERE body != excluded.body",
        (project, pack_id(feedback.id), *about, body),
    )
    return news.rowcount == 1


def _remove_others(
    connection: sqlite3.Connection, project: int, runs: Sequence[PackedId], told: Collection[PackedId]
) -> list[PackedId]:
    """Remove what is staged of these runs and was not told: it was deleted at the source. The runs that had it.

    Feedback on a trace as a whole stays: the runs of a page do not tell whether all of it came with them.
    """
    staged: list[tuple[PackedId, PackedId]] = []
    for some in chunked(runs):
        staged += connection.execute(
            f"SELECT id, run FROM feedback WHERE project = ? AND run IN ({slots(some)})", (project, *some)
        )
    gone = {feedback: run for feedback, run in staged if feedback not in told}
    connection.executemany(
        "DELETE FROM feedback WHERE project = ? AND id = ?", [(project, feedback) for feedback in gone]
    )
    return list(gone.values())
