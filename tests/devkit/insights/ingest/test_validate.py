"""`/v2/validate` checks as `/v2/track` does, and stores nothing."""

from __future__ import annotations

from tests.support.insights import envelope, post, reason


def test_a_valid_item_is_accepted_and_not_stored(server):
    answer = post(server, [envelope(), envelope("EventData")], "/v2/validate")

    assert answer == (200, {"itemsReceived": 2, "itemsAccepted": 2, "errors": []})
    assert not any(server.store.counts().values())


def test_each_wrong_item_is_named_with_its_reason(shared):
    """The answer is that of /v2/track."""
    items = [envelope(), envelope(duration=...), envelope("MetricData", metrics=[])]

    assert post(shared, items, "/v2/validate") == post(shared, items, "/v2/track")
    status, answer = post(shared, items, "/v2/validate")
    assert (status, [error["index"] for error in answer["errors"]]) == (206, [1, 2])


def test_what_is_no_telemetry_is_refused(shared):
    answer = post(shared, b"hello", "//v2/validate")

    assert answer[0] == 400
    assert reason(answer) == "The body is not valid JSON: Expecting value (line 1, column 1)."
