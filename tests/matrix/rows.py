"""The failure matrix: every fault that was thought of, and the tests that hold it.

The numbers are those of the table the project was given (reliability, section 3). A test is `file::function` below
`tests`; `test_matrix.py` asserts that each of them exists, so that this table cannot rot.
"""

from typing import Final

from msgspec import Struct


class Row(Struct, frozen=True):
    """One fault, and what holds it."""

    fault: str
    tests: tuple[str, ...]


def held(fault: str, *tests: str) -> Row:
    """A fault that these tests hold."""
    return Row(fault, tests)


ANSWER = "sources/test_a_bad_answer_is_never_an_empty_page.py::"
REFUSAL = "sources/test_a_refusal_ends_in_one_clear_error.py::"
PAGING = "sources/test_every_run_of_a_slice_is_read_whatever_the_paging_does.py::"
PACE = "sources/test_pace_uses_the_whole_limit_and_survives_storms.py::"
ONE_RUN = "sources/test_one_bad_run_never_costs_a_page.py::"
KEY = "sources/test_the_key_shows_nowhere.py::"
BAD_INPUT = "e2e/test_bad_input.py::"
SIMULATED = "e2e/test_simulated_time.py::"
TORTURE = "e2e/test_torture.py::"
TRANSACTIONS = "staging/test_transactions.py::"
FILES = "staging/test_files.py::"
PAGES = "staging/test_pages.py::"
COMPACTION = "staging/test_compaction.py::"
PURGING = "staging/test_purging.py::"
MOVES = "staging/test_moves.py::"
PARTS = "sinks/test_parts.py::"
RECOVERY = "sinks/test_recovery.py::"
TAKEN = "sinks/test_a_taken_folder.py::"
ROOM = "sinks/test_lack_of_room.py::"
FULL = "faults/test_full_disk.py::"
DISK = "faults/test_disk_faults.py::"
CHANGES = "matrix/test_source_changes.py::"
TIMES = "matrix/test_times.py::"
TREES = "matrix/test_trees.py::"
STARVED = "matrix/test_process.py::"
CONTENT = "matrix/test_content.py::"
CANARIES = "security/test_canaries.py::"
TLS = "security/test_tls.py::"
CORPUS = "fuzz/test_corpus.py::test_a_hostile_input_is_taken_in_or_refused_in_words"
RIDDEN_OUT = f"{ANSWER}test_a_fault_that_passes_is_ridden_out_and_told"
STALLED = f"{ANSWER}test_a_server_that_stalls_or_drips_holds_nobody"
NO_LANGSMITH = f"{ANSWER}test_what_is_no_langsmith_ends_in_a_clear_error_after_three_tries"
STORM = f"{SIMULATED}test_a_storm_of_429_and_every_second_answer_a_500_cost_at_most_two_and_a_half_times_the_requests"
MENDED = f"{ONE_RUN}test_a_run_is_mended_and_flagged"

HTTP: Final = {
    1: held(
        "401: a key that was revoked or rotated",
        f"{REFUSAL}test_a_rotated_key_is_read_again_once_and_works",
        f"{REFUSAL}test_a_refused_key_is_asked_about_no_more_than_twice",
        f"{BAD_INPUT}test_a_wrong_key",
    ),
    2: held("403 for one of several projects", f"{CHANGES}test_a_project_that_is_refused_does_not_stop_the_others"),
    3: held(
        "404 for a listed run",
        f"{CHANGES}test_a_listed_run_that_is_gone_when_asked_for_again_stops_nothing",
        "sources/test_recorded_runs_arrive_whole_over_both_generations.py::test_runs_are_found_by_id_and_unknown_ones_are_absent",
    ),
    4: held("409", RIDDEN_OUT),
    5: held(
        "400 and 422: a question that is not taken",
        f"{REFUSAL}test_a_page_size_the_server_refuses_is_lowered_once_and_remembered",
        f"{REFUSAL}test_a_question_the_server_rejects_is_not_asked_again_and_names_the_field",
    ),
    6: held(
        "413 and 414: a list of ids that is too long",
        f"{PAGING}test_an_id_list_too_long_is_halved_and_a_run_that_never_comes_is_set_aside",
    ),
    7: held(
        "404, 406, 501: the other generation of the API",
        f"{REFUSAL}test_a_server_without_v2_is_spoken_to_in_v1_after_three_requests",
        f"{REFUSAL}test_a_server_that_offers_neither_gets_one_hint",
    ),
    8: held(
        "429 with seconds to wait",
        f"{PACE}test_all_tasks_wait_at_one_gate_as_long_as_the_server_asks",
        f"{REFUSAL}test_after_a_429_the_next_request_waits_for_the_gate",
    ),
    9: held("429 with a date to wait for", f"{REFUSAL}test_a_date_to_retry_after_counts_from_the_servers_clock"),
    10: held(
        "429 with nothing or nonsense to wait for",
        f"{REFUSAL}test_retry_after_is_clamped_and_nonsense_is_nothing",
        f"{PACE}test_without_a_word_from_the_server_the_wait_is_one_to_two_windows",
        f"{PACE}test_no_wait_exceeds_five_minutes_whatever_is_asked",
    ),
    11: held(
        "half an hour of 429", STORM, f"{PACE}test_a_storm_costs_one_request_a_window_and_is_over_within_two_windows"
    ),
    12: held(
        "every second answer a 5xx", STORM, f"{PAGING}test_errors_every_other_request_cost_little_and_lose_nothing"
    ),
    13: held(
        "a page that always fails",
        f"{PAGING}test_a_run_that_always_fails_its_page_is_set_aside_alone",
        f"{PAGING}test_a_run_that_fails_even_its_outline_is_found_by_bisecting_time",
        f"{PAGING}test_a_server_that_always_fails_is_unavailable_and_no_run_is_blamed",
        f"{BAD_INPUT}test_a_page_that_never_comes_whole",
    ),
    14: held("a full backlog", f"{REFUSAL}test_a_full_backlog_times_out_while_connecting"),
    15: held("a stall before the headers or in the body", STALLED),
    16: held("a byte now and then", STALLED),
    17: held("resets, and connections closed while idle", RIDDEN_OUT),
    18: held(
        "JSON cut at its announced length", RIDDEN_OUT, f"{ONE_RUN}test_a_page_cut_anywhere_is_torn_and_never_shorter"
    ),
    19: held("a body cut where no length was told", RIDDEN_OUT),
    20: held("a gzip stream that is cut", RIDDEN_OUT, CORPUS),
    21: held("damaged compression", RIDDEN_OUT, CORPUS),
    22: held("200 with HTML or an error text", NO_LANGSMITH, f"{BAD_INPUT}test_a_page_that_is_html"),
    23: held(
        "a run of 25 MB",
        f"{STARVED}test_a_page_of_25_mb_does_not_stop_the_heart",
        f"{PAGING}test_page_sizes_shrink_when_it_is_too_much_and_grow_back",
    ),
    24: held("a decompression bomb", f"{ANSWER}test_a_decompression_bomb_is_stopped_at_the_cap", CORPUS),
    25: held("a server that ignores the limit", f"{ANSWER}test_a_server_that_ignores_the_limit_is_read_all_the_same"),
}

PAGING_AND_DATA: Final = {
    26: held(
        "the same run on several pages",
        f"{PAGES}test_the_same_page_again_changes_nothing",
        f"{PAGES}test_a_run_twice_on_one_page_is_one_run_and_the_ended_one_stands",
    ),
    27: held(
        "cursors that lead in circles",
        f"{PAGING}test_cursors_that_lead_in_circles_are_left_by_time_or_end_in_an_error",
        "staging/test_slices.py::test_a_cursor_that_comes_twice_is_noticed_also_in_a_longer_circle",
    ),
    28: held(
        "a cursor that expired",
        f"{PAGING}test_an_expired_cursor_is_replaced_by_time",
        f"{PAGING}test_an_expired_cursor_of_unordered_pages_begins_the_slice_again",
    ),
    29: held("inserts at the head", f"{PAGING}test_a_moving_head_shifts_no_run_out_of_sight"),
    30: held(
        "a full page without a cursor",
        f"{PAGING}test_a_full_page_without_a_cursor_is_checked_and_nothing_is_lost",
        f"{PAGING}test_a_full_page_without_a_cursor_and_in_no_order_begins_the_slice_again",
        f"{PAGING}test_a_project_of_exactly_one_page_raises_no_alarm",
        f"{BAD_INPUT}test_a_page_that_lost_its_cursor_loses_nothing_behind_it",
    ),
    31: held(
        "an empty page with a cursor",
        f"{PAGING}test_an_empty_page_with_a_cursor_is_no_end",
        f"{PAGING}test_empty_pages_between_runs_are_no_fault_however_many_they_are",
    ),
    32: held(
        "pending when read, ended later",
        f"{CHANGES}test_a_pending_run_that_ended_between_two_cycles_is_delivered_once",
        f"{SIMULATED}test_a_day_of_lag_delays_and_loses_nothing",
    ),
    33: held("an old answer after a newer one", f"{PAGES}test_a_slow_old_answer_does_not_beat_a_newer_one"),
    34: held(
        "a run that is patched after it ended",
        "worker/test_outlet.py::test_what_is_read_again_unchanged_is_not_said_again",
        "worker/test_outlet.py::test_the_status_of_a_run_that_changes_makes_a_revision",
        f"{PAGES}test_new_feedback_figures_change_the_conversation_but_not_the_run",
        f"{PAGES}test_feedback_that_was_deleted_leaves_and_its_conversation_is_changed",
        f"{PAGES}test_a_slow_old_answer_neither_brings_back_feedback_nor_takes_it_away",
        "worker/test_outlet.py::test_feedback_that_is_deleted_leaves_the_reward_in_a_new_revision",
    ),
    35: held(
        "a parent that is missing or late",
        f"{TREES}test_a_parent_that_leads_nowhere_costs_no_message",
        f"{TREES}test_a_child_three_days_before_its_parent_is_held_and_then_told_once",
    ),
    36: held(
        "parents in a circle, or 50,000 deep",
        f"{TREES}test_a_parent_that_leads_nowhere_costs_no_message",
        f"{TREES}test_a_chain_of_50_000_parents_is_folded_without_recursion_and_in_linear_time",
    ),
    37: held(
        "no end for ever",
        "staging/test_rechecks.py::test_a_pending_run_is_looked_at_less_and_less_often",
        "worker/test_outlet.py::test_a_root_that_never_ends_is_told_as_incomplete_and_again_when_it_ends",
    ),
    38: held(
        "times that cannot be",
        f"{ONE_RUN}test_odd_fields_are_read_for_what_they_are",
        f"{TIMES}test_runs_with_times_that_cannot_be_are_delivered_with_the_others",
        f"{TIMES}test_a_run_that_claims_to_end_in_the_far_future_is_delivered_too",
    ),
    39: held("runs that are deleted at the source", f"{CHANGES}test_what_is_deleted_at_the_source_stays_delivered"),
    40: held(
        "a clock that is wrong or goes back",
        f"{TIMES}test_a_host_clock_that_is_wrong_delivers_nothing_early_and_nothing_late",
        f"{TIMES}test_a_server_clock_that_goes_back_an_hour_loses_and_repeats_nothing",
    ),
    41: held("a thread of 100,000 runs", f"{STARVED}test_a_thread_of_100_000_runs_takes_bounded_memory"),
    42: held(
        "a thread over six months",
        "e2e/test_a_long_thread.py::"
        "test_a_thread_of_six_months_is_always_told_whole_and_staging_holds_the_payloads_of_one_horizon",
        f"{TIMES}test_a_thread_over_six_months_is_revised_each_time",
        f"{COMPACTION}test_payloads_come_back_for_runs_with_feedback_too",
        "worker/test_outlet.py::test_what_comes_past_the_horizon_goes_where_it_is_wanted",
    ),
    43: held(
        "late runs, and one that bridges two threads",
        f"{CHANGES}test_a_run_that_bridges_two_threads_makes_a_revision_of_one_and_a_tombstone_of_the_other",
        "worker/test_outlet.py::test_a_conversation_whose_traces_all_moved_away_leaves_a_line_that_says_so",
    ),
    44: held(
        "unknown words, new fields, null for an object",
        f"{CONTENT}test_fields_and_words_of_tomorrow_are_kept_apart_from_faults",
        "fuzz/test_mutations.py::test_any_run_is_read_or_set_aside_alone",
    ),
}

PROCESS: Final = {
    45: held(
        "kill -9 at each write, sync and rename",
        "faults/test_every_kill.py::test_whatever_call_the_process_dies_at_a_restart_completes_it",
    ),
    46: held(
        "power that fails at each of them",
        "faults/test_power_cuts.py::test_whatever_call_the_power_fails_at_a_restart_completes_it",
        "faults/test_syscall_order.py::test_every_sync_stands_where_the_contract_says",
    ),
    47: held(
        "kills at random while the source moves",
        f"{TORTURE}test_whatever_is_done_to_the_worker_it_ends_where_a_calm_one_does",
    ),
    48: held(
        "SIGTERM at any moment, once and twice",
        f"{TORTURE}test_a_stop_is_met_in_time_whenever_it_comes",
        "worker/test_supervisor.py::test_a_second_stop_does_not_wait_for_what_hangs",
    ),
    49: held(
        "an exception while the staging file is open",
        f"{TRANSACTIONS}test_the_process_ends_whichever_way_the_file_is_left",
    ),
    50: held(
        "cancelled between BEGIN and COMMIT",
        f"{TRANSACTIONS}test_a_cancelled_writer_learns_the_outcome_and_leaves_nothing_open",
    ),
    51: held(
        "cancelled during COMMIT",
        f"{TRANSACTIONS}test_a_cancelled_writer_learns_the_outcome_and_leaves_nothing_open",
        f"{PARTS}test_a_cancelled_commit_is_done_or_not_begun",
    ),
    52: held(
        "two workers at one staging file",
        f"{TRANSACTIONS}test_a_second_worker_is_refused_at_once",
        f"{BAD_INPUT}test_another_worker_at_the_same_staging_file",
    ),
    53: held(
        "a worker that was stopped, taken over from, and wakes",
        f"{TRANSACTIONS}test_an_owner_that_was_taken_over_from_writes_nothing",
        f"{TAKEN}test_a_part_that_another_worker_writes_is_not_removed_where_folders_cannot_be_locked",
    ),
    54: held("a loop that is kept busy", f"{STARVED}test_a_page_of_25_mb_does_not_stop_the_heart"),
    55: held("killed for its memory", f"{STARVED}test_a_worker_killed_for_its_memory_goes_on_where_it_stood"),
    56: held("no descriptors left", f"{DISK}test_without_descriptors_left_it_fails_in_words_and_loses_nothing"),
}

DISKS: Final = {
    57: held(
        "no room for staging",
        f"{DISK}test_a_full_staging_disk_undoes_the_page_and_goes_on_once_there_is_room",
        f"{FULL}test_on_a_full_disk_what_is_staged_is_delivered_and_reading_goes_on_by_itself_once_there_is_room",
        f"{FULL}test_compaction_frees_a_full_disk_by_itself",
        f"{FULL}test_purging_works_on_a_disk_without_a_byte_left",
        f"{FULL}test_purging_more_than_the_reserve_can_log_at_once_goes_on_one_conversation_at_a_time",
        f"{FULL}test_a_log_that_finds_no_room_in_the_file_undoes_nothing_that_was_committed",
        "worker/test_supervisor.py::test_a_full_disk_pauses_a_daemon_which_then_says_everything_once",
    ),
    58: held(
        "no room for a part",
        f"{DISK}test_a_full_output_disk_leaves_no_torn_line",
        f"{DISK}test_a_ledger_without_room_takes_the_lines_back",
        f"{DISK}test_a_file_for_whose_manifest_there_is_no_room_is_published_once_there_is_some",
        f"{ROOM}test_whichever_call_finds_no_room_nothing_is_lost_and_nothing_said_twice",
        "worker/test_supervisor.py::test_a_daemon_that_is_stopped_while_a_disk_is_full_ends_as_such_though_it_reads_on",
        "observing/test_health.py::test_a_worker_whose_output_disk_is_full_is_not_ready_until_it_delivers_again",
        f"{BAD_INPUT}test_a_full_disk",
    ),
    59: held("one sync that fails", f"{DISK}test_one_failed_sync_is_fatal_though_the_next_would_succeed"),
    60: held(
        "a disk that became read-only",
        "faults/test_read_only_in_use.py::"
        "test_a_disk_that_turns_read_only_in_use_ends_the_worker_and_the_next_one_goes_on",
        f"{DISK}test_a_disk_that_is_read_only_is_refused_at_start",
    ),
    61: held(
        "syncs that take long",
        f"{STARVED}test_a_disk_that_syncs_slowly_holds_the_source_back_and_not_the_pages_in_memory",
    ),
    62: held("a damaged staging file", f"{FILES}test_a_foreign_or_damaged_file_is_refused_and_left_untouched"),
    63: held(
        "a staging file replaced under the worker",
        f"{TRANSACTIONS}test_a_file_that_was_replaced_under_us_takes_no_commit",
    ),
    64: held(
        "a staging file of an older or newer release",
        "matrix/test_releases.py::test_what_an_older_release_left_is_finished_by_this_one",
        f"{FILES}test_a_file_of_a_newer_release_is_refused_and_left_untouched",
        f"{FILES}test_a_migration_that_breaks_leaves_the_file_as_it_was",
    ),
    65: held(
        "a part that others cut or removed",
        f"{RECOVERY}test_committed_bytes_that_are_gone_end_with_74",
        f"{RECOVERY}test_a_sealed_part_that_is_gone_or_altered_ends_with_74",
    ),
    66: held(
        "a published file that was removed or edited",
        f"{PARTS}test_verification_finds_whatever_was_done_to_a_file",
        f"{RECOVERY}test_a_published_file_that_is_gone_is_damage_unless_consumers_take_them",
    ),
    67: held(
        "no permission",
        f"{DISK}test_a_folder_that_may_not_be_written_is_refused_at_start",
        f"{BAD_INPUT}test_a_folder_that_cannot_be_written",
    ),
    68: held(
        "a reader that holds the log",
        f"{STARVED}test_a_reader_that_holds_the_log_costs_space_only_for_as_long_as_it_reads",
        f"{TRANSACTIONS}test_the_log_stays_short_however_much_is_written",
    ),
}

NETWORK_AND_CONFIG: Final = {
    69: held("a name that is not found", f"{REFUSAL}test_an_address_that_was_never_reached_shows_within_seconds"),
    70: held(
        "TLS that proves nothing",
        f"{REFUSAL}test_a_self_signed_server_is_refused_unless_its_certificate_is_named",
        f"{TLS}test_a_certificate_that_proves_nothing_ends_with_77_and_nothing_was_said",
        f"{TLS}test_an_authority_that_nobody_named_is_not_trusted",
        f"{TLS}test_tls_before_1_2_ends_with_77_and_nothing_was_said",
        f"{TLS}test_a_server_without_tls_ends_with_77_and_hears_nothing_in_the_clear",
    ),
    71: held("proxies in the environment", f"{REFUSAL}test_proxies_and_netrc_of_the_environment_do_not_count"),
    72: held(
        "a configuration with mistakes",
        "config/test_problems.py::test_all_problems_of_all_layers_are_named_at_once",
        "config/test_problems.py::test_a_problem_in_a_file_is_named_with_its_line_and_what_to_write",
        CORPUS,
    ),
    73: held(
        "a key that cannot be one", "config/test_secrets.py::test_a_key_that_cannot_be_one_is_refused_and_never_shown"
    ),
    74: held(
        "settings that changed between runs",
        "matrix/test_settings.py::test_settings_that_changed_are_refused_until_adopted",
    ),
}

CONTENTS: Final = {
    75: held("half a surrogate pair", MENDED, f"{CONTENT}test_odd_payloads_cost_no_run_and_no_neighbour"),
    76: held("bytes that are no UTF-8", MENDED, f"{ONE_RUN}test_a_byte_order_mark_is_no_fault", CORPUS),
    77: held(
        "NUL in a text",
        f"{CONTENT}test_only_a_line_feed_ends_a_record",
        f"{ONE_RUN}test_what_is_plain_json_passes_untouched",
    ),
    78: held("nesting beyond all bounds", f"{ONE_RUN}test_nesting_beyond_what_decoders_bear_is_kept_as_text", CORPUS),
    79: held("NaN and infinities", MENDED, CORPUS),
    80: held("integers beyond all bounds", MENDED, CORPUS, f"{CONTENT}test_odd_payloads_cost_no_run_and_no_neighbour"),
    81: held("the same key twice", f"{CONTENT}test_odd_payloads_cost_no_run_and_no_neighbour"),
    82: held("line ends that are none", f"{CONTENT}test_only_a_line_feed_ends_a_record"),
}

SECURITY: Final = {
    83: held(
        "ids that would be paths",
        f"{CONTENT}test_ids_are_kept_as_they_are_and_never_become_paths",
        f"{CONTENT}test_saved_documents_of_hostile_ids_stay_within_their_folder_and_apart",
    ),
    84: held(
        "ids that differ only to a machine",
        f"{CONTENT}test_saved_documents_of_hostile_ids_stay_within_their_folder_and_apart",
    ),
    85: held(
        "links and pipes planted at the target",
        f"{PARTS}test_a_planted_link_or_pipe_is_not_written_through",
        f"{FILES}test_links_are_not_followed",
    ),
    86: held("a redirect to another origin", f"{REFUSAL}test_a_redirect_is_an_error_and_the_key_goes_nowhere"),
    87: held(
        "addresses in cursors and attachments",
        f"{KEY}test_the_key_goes_to_the_one_origin_only",
        f"{CANARIES}test_no_artefact_of_a_whole_run_holds_a_canary",
    ),
    88: held("signed addresses in what the server says", f"{CANARIES}test_no_artefact_of_a_whole_run_holds_a_canary"),
    89: held(
        "secrets in logs",
        f"{CANARIES}test_no_artefact_of_a_whole_run_holds_a_canary",
        f"{KEY}test_neither_errors_nor_logs_nor_events_hold_it",
        f"{KEY}test_what_httpx_logs_of_requests_is_ids_and_neither_the_key_nor_that_of_the_proxy",
        "cli/test_process.py::test_libraries_are_quiet_and_answers_come_in_larger_pieces_than_usual",
    ),
    90: held(
        "personal data in errors, core dumps, and escapes for terminals",
        f"{CANARIES}test_no_artefact_of_a_whole_run_holds_a_canary",
        "observing/test_logs.py::test_a_terminal_sees_escapes_of_strangers_spelled_out",
    ),
    91: held(
        "strangers at the probes",
        "observing/test_health.py::test_strangers_get_a_short_answer_and_the_door",
        "observing/test_health.py::test_a_request_that_never_ends_is_hung_up_on",
        f"{CANARIES}test_no_artefact_of_a_whole_run_holds_a_canary",
    ),
    92: held(
        "bombs in attachments and exports",
        f"{KEY}test_the_key_goes_to_the_one_origin_only",
        "sources/test_parquet_exports_of_any_kind.py::test_a_damaged_file_and_a_missing_one_are_told",
    ),
    93: held(
        "a staging file with triggers and views", f"{FILES}test_a_foreign_or_damaged_file_is_refused_and_left_untouched"
    ),
}

ROWS: Final[dict[int, Row]] = HTTP | PAGING_AND_DATA | PROCESS | DISKS | NETWORK_AND_CONFIG | CONTENTS | SECURITY

LEFT_OUT: Final = {
    53: "the half about object stores: there is no such sink",
    92: "attachments are never fetched, so that there is nothing to open",
}
"""Parts of rows that need no test of their own, and why."""
