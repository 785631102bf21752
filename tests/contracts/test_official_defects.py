"""What Microsoft's exporter does wrong, and the test of each that ours does not.

They were measured on azure-monitor-opentelemetry-exporter 1.0.0b58 and azure-monitor-opentelemetry 1.8.11.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

CHANNEL, DELIVERY = "appinsights/test_channel.py", "appinsights/test_delivery.py"
OFFICIAL, OPERATIONS = "opentelemetry/test_against_official.py", "opentelemetry/test_operations.py"
SAME = "test_our_item_is_theirs_but_for_named_differences"

DEFECTS = {
    "nothing is compressed": [(CHANNEL, "test_items_arrive_as_gzip_lines")],
    "only connecting has a time limit": [
        (DELIVERY, "test_one_deadline_covers_the_whole_request"),
        ("appinsights/faults/test_hanging.py", "test_hanging_at_the_answer"),
    ],
    "Retry-After is slept in the caller": [(DELIVERY, "test_retry_after_is_waited_for_by_the_thread_alone")],
    "a 5xx holds up the caller": [("appinsights/faults/test_busy.py", "test_a_storm_of_errors_and_the_recovery")],
    "a flush outlasts its time, and says True": [
        (CHANNEL, "test_a_flush_keeps_its_deadline_whatever_the_server_does"),
        (CHANNEL, "test_a_flush_fails_at_once_when_success_is_out_of_reach"),
    ],
    "a dependency that was answered with 503 succeeded": [(OFFICIAL, SAME)],
    "a request that was answered with 5xx succeeded": [(OFFICIAL, SAME)],
    "dependencies and logs have not the request's name": [
        (OPERATIONS, "test_all_that_is_inside_has_the_requests_name"),
        ("opentelemetry/test_logs.py", "test_a_record_inherits_name_and_parent_of_its_operation"),
    ],
    "an event's name is not cut": [("opentelemetry/test_logs_against_official.py", SAME)],
    "a missing stack is the text None": [("appinsights/test_stacks.py", "test_a_missing_stack_is_left_out")],
    "values are Python's notation": [
        ("appinsights/test_envelope.py", "test_properties_are_texts_and_what_is_not_text_is_json")
    ],
    "a long key is dropped": [
        ("appinsights/test_lines.py", "test_keys_that_are_equal_up_to_their_limit_keep_both_values")
    ],
    "103 links are too long": [(OFFICIAL, SAME)],
    "the default sampler shreds traces": [
        ("opentelemetry/test_sampling.py", "test_what_is_inside_follows_the_outermost_span"),
        ("workers/test_whole_traces.py", "test_two_hundred_invocations_at_once_are_whole_traces"),
    ],
    "logs and metrics have no rate": [
        (OPERATIONS, "test_the_rate_is_on_every_item_of_a_sampled_operation"),
        ("opentelemetry/test_logs.py", "test_a_record_of_a_sampled_operation_carries_its_rate"),
    ],
    "SIGKILL loses what has not been sent": [
        ("appinsights/test_journal_processes.py", "test_a_kill_right_after_a_commit_loses_nothing")
    ],
    "a full store drops the newest": [
        ("appinsights/test_journal_limits.py", "test_a_journal_that_is_full_gives_up_the_oldest")
    ],
    "what is stored is sent after a success only": [
        ("appinsights/test_replay.py", "test_the_folder_is_looked_into_again_and_again"),
        ("appinsights/test_replay.py", "test_a_replay_goes_on_under_steady_traffic"),
    ],
    "an empty answer drops the batch": [("appinsights/test_answers.py", "test_three_items_fare_so")],
    "a 413 drops the batch": [(DELIVERY, "test_a_request_that_is_too_large_is_split_until_it_fits")],
    "without a global provider the log has a stack trace": [(OPERATIONS, "test_the_exporter_works_with_any_provider")],
    "right connection strings are refused": [
        ("appinsights/test_connection_string.py", "test_the_form_is_read_liberally")
    ],
    "a 206 of sampled items is a failure, the list in a 4xx is not read": [
        ("appinsights/test_answers.py", "test_each_item_has_exactly_one_fate")
    ],
    "the import is heavy": [
        (
            "contracts/test_import_weight.py",
            "test_an_import_loads_nothing_heavy_and_starts_no_thread_but_the_one_that_passes_signals_on",
        )
    ],
    "it reports on itself": [("appinsights/test_transport.py", "test_nothing_else_leaves_the_process")],
}
"""Defect -> the tests. Live metrics, whose numbers are wrong there, we do not send."""


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_of_theirs_has_a_test_here(defect: str):
    for file, name in DEFECTS[defect]:
        found = re.search(rf"^def {re.escape(name)}\(", (TESTS / file).read_text("utf-8"), re.MULTILINE)
        assert found, f"tests/{file} has no {name}: name the test that took its place."
