"""What the worker promises (the README says it in words), and the tests that hold each promise."""

from typing import Final

from matrix.rows import (
    CANARIES,
    CHANGES,
    MOVES,
    PAGES,
    PARTS,
    PROCESS,
    PURGING,
    RECOVERY,
    SIMULATED,
    STARVED,
    TORTURE,
    TRANSACTIONS,
    Row,
    held,
)

KILLS = PROCESS[45].tests
POWER = PROCESS[46].tests
MODEL = "staging/test_model.py::TestDelivery"
TORTURED = f"{TORTURE}test_whatever_is_done_to_the_worker_it_ends_where_a_calm_one_does"
A_MONTH = f"{SIMULATED}test_a_month_of_following_says_what_one_backfill_at_the_end_says"

PROMISES: Final[dict[str, Row]] = {
    "P1": held("no run that the API shows is lost", *KILLS, *POWER, TORTURED, A_MONTH, MODEL),
    "P2": held(
        "a page may come any number of times",
        f"{PAGES}test_the_same_page_again_changes_nothing",
        f"{PAGES}test_a_run_that_ended_never_becomes_pending_again",
        MODEL,
    ),
    "P3": held(
        "each revision is published exactly once",
        *KILLS,
        *POWER,
        TORTURED,
        "matrix/test_restore.py::test_what_a_restored_copy_publishes_is_everything_once",
    ),
    "P4": held(
        "revisions of a conversation come in order, files without gaps",
        *KILLS,
        f"{PARTS}test_a_part_with_a_lower_number_is_published_first",
    ),
    "P5": held(
        "a published file never changes",
        *KILLS,
        *POWER,
        f"{RECOVERY}test_a_published_file_that_no_row_knows_is_fatal_and_stays",
    ),
    "P6": held("crashes leave no trace in what is said", *KILLS, TORTURED),
    "P7": held(
        "late data makes a new revision, or a line in a side file",
        "worker/test_outlet.py::test_what_comes_past_the_horizon_goes_where_it_is_wanted",
        f"{CHANGES}test_a_run_that_bridges_two_threads_makes_a_revision_of_one_and_a_tombstone_of_the_other",
        A_MONTH,
    ),
    "P8": held(
        "memory does not grow with what there is to read",
        f"{STARVED}test_a_thread_of_100_000_runs_takes_bounded_memory",
        f"{STARVED}test_a_disk_that_syncs_slowly_holds_the_source_back_and_not_the_pages_in_memory",
        f"{TRANSACTIONS}test_the_log_stays_short_however_much_is_written",
    ),
    "P9": held(
        "the exit code is 0 only if all was delivered",
        "e2e/test_bad_input.py::test_a_wrong_key",
        "e2e/test_bad_input.py::test_a_page_that_never_comes_whole",
        "e2e/test_bad_input.py::test_one_project_of_two_that_is_not_there",
        f"{CHANGES}test_a_project_that_is_refused_does_not_stop_the_others",
        "cli/test_run.py::test_a_range_whose_end_has_not_settled_is_not_called_done",
    ),
    "P10": held(
        "a stop takes ten seconds at most, the second none", f"{TORTURE}test_a_stop_is_met_in_time_whenever_it_comes"
    ),
}

SECURITY: Final[dict[str, Row]] = {
    "container and pod": held(
        "non-root, read-only, no capabilities, key as a file",
        "house/test_manifests.py::test_a_pod_has_no_right_that_it_does_not_need",
        "house/test_manifests.py::test_a_pod_gets_the_key_as_a_file_and_writes_to_its_volume_only",
    ),
    "egress, key, files": held(
        "one origin, no canary, 0600 and 0700", f"{CANARIES}test_no_artefact_of_a_whole_run_holds_a_canary"
    ),
    "redaction before disk": held(
        "no canary on disk; what cannot be masked is not written",
        f"{CANARIES}test_no_artefact_of_a_whole_run_holds_a_canary",
        "redaction/test_runs_are_redacted_whole.py::test_what_cannot_be_redacted_fails_with_the_id_and_without_the_text",
    ),
    "erasure": held(
        "no byte stays",
        f"{PURGING}test_a_purged_conversation_leaves_no_byte_and_does_not_come_back",
        f"{PURGING}test_purging_erases_the_copies_that_migrations_left_and_nothing_else",
        f"{MOVES}test_a_trace_that_comes_to_a_purged_conversation_goes_and_the_one_it_left_is_told_without_it",
    ),
    "dependencies": held(
        "pinned by hash", "house/test_locks.py::test_everything_in_a_lock_is_pinned_by_hash_and_names_no_index"
    ),
    "sqlite": held("opened safely", f"{TRANSACTIONS}test_the_file_is_opened_safely"),
}
"""The checklist of section 5."""
