"""T10: every bug planted on purpose is caught, each by the test that is named for it."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from faults import seeded_bugs
from faults.crashing import Point, judge, kill_at, needs_strace, rehearse, snapshot, start, traced
from faults.ordering import violations
from sinks import test_parts, test_recovery
from staging import test_conversations, test_pages, test_slices, test_texts, test_transactions
from support.staged import a_page, a_run
from trajworker.staging import open_staging

pytestmark = pytest.mark.slow

CAUGHT_BY: dict[str, Callable[..., Any]] = {
    "changed_cleared_without_looking": test_conversations.test_what_changed_while_it_was_assembled_stays_changed,
    "late_answers_win": test_pages.test_a_slow_old_answer_does_not_beat_a_newer_one,
    "confirmations_forgotten": test_pages.test_an_answer_that_only_confirmed_a_run_also_beats_older_ones,
    "one_slot_cursor_memory": test_slices.test_a_cursor_that_comes_twice_is_noticed_also_in_a_longer_circle,
    "watermark_is_the_newest_end": test_slices.test_what_is_planned_before_the_range_holds_the_watermark_back,
    "split_slices_count_as_read": test_slices.test_split_slices_get_ids_and_hold_the_watermark_back,
    "nothing_is_covered": test_slices.test_a_slice_read_to_its_end_is_off_the_list_and_covered,
    "trace_moves_unseen": test_conversations.test_both_conversations_change_when_a_trace_moves,
    "first_arrival_names_the_thread": test_conversations.test_the_first_descendant_may_lose_its_thread,
    "heads_outlive_an_undone_page": test_texts.test_a_page_that_was_undone_leaves_no_head_behind,
    "epoch_is_not_checked": test_transactions.test_an_owner_that_was_taken_over_from_writes_nothing,
    "replaced_file_is_not_noticed": test_transactions.test_a_file_that_was_replaced_under_us_takes_no_commit,
    "transaction_left_open_on_error": test_transactions.test_a_body_that_raises_is_undone,
    "strange_files_are_removed": test_recovery.test_files_of_others_are_left_alone,
    "lines_are_not_counted": test_parts.test_a_batch_must_hold_every_line_that_was_appended,
    "no_cut_at_start": test_recovery.test_a_longer_tail_than_what_is_written_next_leaves_no_rest,
}
"""Bugs that a test of behaviour catches."""

CAUGHT_BY_ORDER = (
    "no_full_sync",
    "no_sync_of_the_part",
    "no_sync_of_the_folder",
    "rename_before_the_sealed_row",
    "manifest_before_the_published_row",
    "ledger_before_the_sync",
)
"""Bugs that only the order of system calls shows, or a power cut."""

CAUGHT_BY_FAILURE = ("failed_sync_is_passed_over",)
CAUGHT_BY_KILL = ("cursor_outside_the_transaction",)


async def attempt(test: Callable[..., Any], folder: Path) -> None:
    """Call a test as pytest would, with the fixtures it asks for."""
    wanted = inspect.signature(test).parameters
    async with open_staging(folder / "staging" / "s.db") as staging:
        if test.__module__.endswith(("test_recovery", "test_parts")):
            await staging.stage(a_page([a_run(name, thread=name) for name in "abcdef"], 1))
        fixtures = {"staging": staging, "out": folder / "out", "tmp_path": folder}
        await test(**{name: fixtures[name] for name in wanted})


@pytest.mark.parametrize("bug", CAUGHT_BY)
def test_its_own_test_catches_it_and_passes_without_it(
    bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sound", "buggy"):
        (tmp_path / name).mkdir()
    anyio.run(attempt, CAUGHT_BY[bug], tmp_path / "sound")
    seeded_bugs.plant(bug, lambda target, name, value: monkeypatch.setattr(target, name, value, raising=False))
    with pytest.raises((Exception, pytest.fail.Exception)):
        anyio.run(attempt, CAUGHT_BY[bug], tmp_path / "buggy")


@needs_strace
@pytest.mark.parametrize("bug", CAUGHT_BY_ORDER)
def test_the_order_of_system_calls_shows_it(bug: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    assert violations(traced(folder, bug=bug), folder)


@needs_strace
@pytest.mark.parametrize("bug", CAUGHT_BY_FAILURE)
def test_a_failed_sync_shows_it(bug: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    options = ["-o", "/dev/null", "-e", "trace=fsync", "-P", str(folder / "out" / ".0000000001.jsonl.part")]
    failing = [*options, "-e", "inject=fsync:error=EIO:when=1"]
    assert start(folder, *failing, bug=bug).returncode == 0
    sound = tmp_path / "sound"
    sound.mkdir()
    honest = [option.replace(str(folder), str(sound)) for option in failing]
    assert start(sound, *honest).returncode != 0


@needs_strace
@pytest.mark.parametrize("bug", CAUGHT_BY_KILL)
def test_a_kill_at_some_sync_of_staging_shows_it(bug: str, tmp_path: Path) -> None:
    rehearse(tmp_path / "calm")
    for number in range(10, 22):
        folder = tmp_path / str(number)
        folder.mkdir()
        kill_at(folder, Point("fdatasync", sink=False, number=number), bug=bug)
        try:
            judge(folder, snapshot(folder))
        except AssertionError:
            return
    pytest.fail("twelve kills did not show it")


def test_no_bug_is_left_without_its_test() -> None:
    told = {*CAUGHT_BY, *CAUGHT_BY_ORDER, *CAUGHT_BY_FAILURE, *CAUGHT_BY_KILL}
    assert told == set(seeded_bugs.BUGS) - {"plant"}
    assert len(told) >= 12
