"""Records of other extensions go where spans go, each with the ids it is given."""

from __future__ import annotations

import pytest
from opentelemetry import trace

from ext_opentelemetry import records
from ext_opentelemetry.records import Record, emit
from tests.support.invocations import ITEMS, request
from tests.support.lifecycle import invoke


def run(work=lambda: None):
    return invoke(lambda req, context: work(), trigger=ITEMS, req=request())


@pytest.fixture
def arrived(fresh, server):
    """Have all go to an ingestion endpoint; calling it gives what arrived, by type."""
    fresh.configure(connection_string=server.connection_string, journal=False, flush="background")

    def items(kind="MessageData"):
        assert fresh.shutdown(20.0)
        return [one for one in server.items if one["data"]["baseType"] == kind]

    yield items
    records._waiting.clear()


def test_a_record_is_the_item_that_a_log_record_is(arrived):
    run()
    record = Record(
        timestamp=1_767_323_045_678_901_000, trace_id=5, span_id=6, severity_number=13, body="cold",
        attributes={"entries": 0}, scope_name="shop", operation_name="HttpTrigger",
    )  # fmt: skip

    assert emit(record) is True

    (item,) = arrived()
    assert item["time"] == "2026-01-02T03:04:05.678901Z"
    assert item["data"]["baseData"] == {
        "ver": 2, "message": "cold", "severityLevel": 2, "properties": {"entries": "0", "logger_name": "shop"},
    }  # fmt: skip
    tags = {key: value for key, value in item["tags"].items() if key.startswith("ai.operation")}
    assert tags == {
        "ai.operation.id": f"{5:032x}", "ai.operation.parentId": f"{6:016x}", "ai.operation.name": "HttpTrigger",
    }  # fmt: skip


def test_the_name_of_a_known_operation_comes_before_the_one_that_is_given(arrived):
    def work():
        span = trace.get_current_span().get_span_context()
        emit(Record(trace_id=span.trace_id, span_id=span.span_id, trace_flags=1, body="x", operation_name="other"))

    run(work)

    assert arrived()[0]["tags"]["ai.operation.name"] == "GET /api/items/{id}"


def test_records_and_actions_wait_for_the_first_invocation_in_order(arrived):
    done = []
    emit(Record(body="first"))
    records.when_ready(lambda: done.append(1))
    records.when_ready(lambda: 1 / 0)
    emit(Record(body="second"))
    assert done == []
    run()

    assert done == [1]
    assert [item["data"]["baseData"]["message"] for item in arrived()] == ["first", "second"]


def test_another_configuration_gets_what_comes_after_it(arrived, fresh, server):
    run()
    emit(Record(body="before"))
    fresh.configure(exporter="none")
    run()
    assert emit(Record(body="between")) is False
    fresh.configure(connection_string=server.connection_string, journal=False, flush="background")
    run()
    emit(Record(body="after"))

    server.wait_for_items(1)
    assert {item["data"]["baseData"]["message"] for item in arrived()} == {"before", "after"}


def test_whoever_asks_is_told_of_each_configuration(arrived, fresh, monkeypatch):
    told = []
    monkeypatch.setattr(records, "_changed", [])
    records.when_changed(lambda: told.append(1))
    run()
    run()
    fresh.configure(exporter="none")
    run()

    assert told == [1, 1]


def test_the_tracer_is_that_of_the_pipeline(arrived, fresh):
    assert isinstance(records.tracer(), trace.NoOpTracer)
    run()
    assert records.tracer() is fresh._pipeline.tracer


def test_a_record_that_cannot_be_read_raises_nothing(arrived):
    run()

    assert emit(Record(trace_id="no number", span_id=1, body="x")) in (True, False)
