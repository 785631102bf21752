"""Snapshots of rows: what differs from run to run has a name, and anything else that differs is found."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.support import snapshots
from tests.support.snapshots import Snapshot, normalised, trace_of

TABLES = ("requests", "dependencies", "traces", "exceptions", "customMetrics")


@pytest.fixture(autouse=True)
def comparing(monkeypatch):
    monkeypatch.delenv(snapshots.UPDATE, raising=False)


def span(number, item_id, parent, **more):
    return {
        "itemType": "dependency", "itemId": number, "operation_Id": trace_of(0), "operation_ParentId": parent,
        "timestamp": f"2026-01-01T00:00:0{number}Z", "id": item_id, "name": "GET /", "duration": 1.0 * number, **more,
    }  # fmt: skip


def server_of(**rows):
    tables = {table: rows.get(table, []) for table in TABLES}
    store = SimpleNamespace(rows=tables.get, counts=lambda: {table: len(found) for table, found in tables.items()})
    return SimpleNamespace(store=store)


def found(tmp_path, **rows):
    return normalised(server_of(**rows), tmp_path, "http://127.0.0.1:9")


def test_two_runs_with_other_ids_and_times_are_the_same(tmp_path):
    first = [span(1, "a1", "caller"), span(2, "b2", "a1")]
    second = [span(8, "f4", "caller"), span(9, "e5", "f4")]

    assert found(tmp_path, dependencies=first) == found(tmp_path, dependencies=second)


@pytest.mark.parametrize(
    "other",
    [
        [span(1, "a1", "caller"), span(2, "b2", "caller")],
        [span(1, "a1", "caller"), span(2, "b2", "a1", resultCode="500")],
        [span(1, "a1", "caller"), span(2, "b2", "a1"), span(3, "c3", "a1")],
        [span(1, "a1", "caller")],
    ],
    ids=["another parent", "another value", "one too many", "one too few"],
)
def test_anything_else_is_a_difference(tmp_path, other):
    expected = found(tmp_path, dependencies=[span(1, "a1", "caller"), span(2, "b2", "a1")])

    assert found(tmp_path, dependencies=other) != expected


def test_places_have_names_and_the_workers_frames_are_left_out(tmp_path):
    frames = [("function_app.py", tmp_path), ("dispatcher.py", "/worker")]
    stack = [{"level": n, "fileName": f"{where}/{name}", "line": n} for n, (name, where) in enumerate(frames)]
    row = {"itemType": "exception", "itemId": 1, "operation_Id": trace_of(0), "method": "f",
           "details": [{"id": 7, "type": "E", "parsedStack": stack}]}  # fmt: skip

    ((only,),) = found(tmp_path, exceptions=[row]).values()
    assert only["details"] == [
        {
            "id": "<id>",
            "type": "E",
            "parsedStack": [{"level": 0, "fileName": "<app>/function_app.py", "line": "<line>"}],
        }
    ]


def test_a_metric_of_times_has_no_values_and_any_other_has(tmp_path):
    rows = [
        {"itemType": "customMetric", "operation_Id": None, "name": name, "value": 2.0}
        for name in ("faas.invoke_duration", "articles sold")
    ]

    values = [row["value"] for row in found(tmp_path, customMetrics=rows)["customMetrics"]]
    assert sorted(map(str, values)) == ["2.0", "<duration>"]


def test_a_snapshot_that_does_not_fit_fails_and_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "ROWS", tmp_path)
    (tmp_path / "shop.json").write_text('{"requests": [], "rows": {}}')

    with pytest.raises(AssertionError):
        Snapshot("shop").check(server_of(dependencies=[span(1, "a1", "")]), tmp_path, "http://127.0.0.1:9")
    assert (tmp_path / "shop.json").read_text() == '{"requests": [], "rows": {}}'
