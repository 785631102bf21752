"""What went wrong."""

from __future__ import annotations

from ext_devkit.insights.analysis.failures import failures
from ext_devkit.insights.analysis.window import Window
from tests.devkit.insights.analysis.conftest import time

ALL = Window()


def test_failures_are_counted_with_what_they_stand_for(rows):
    rows.add("requests", "00:00:00", name="GET /", itemCount=5)
    rows.add("requests", "00:00:01", name="GET /", success=False, resultCode="500", itemCount=2)
    rows.add("requests", "00:00:02", name="POST /", success=False, resultCode="500")
    rows.add("requests", "00:00:03", name="POST /", success=False, resultCode="404")
    rows.add("requests", "00:00:04", name="PUT /")
    found = failures(rows.reader, ALL)

    assert found["requests"] == {"count": 10, "failed": 4}
    assert found["by_operation"] == [
        {"name": "GET /", "count": 7, "failed": 2},
        {"name": "POST /", "count": 2, "failed": 2},
    ]
    assert found["by_result_code"] == [{"resultCode": "500", "count": 3}, {"resultCode": "404", "count": 1}]


def test_a_failed_request_without_a_name_is_listed(rows):
    rows.add("requests", name=None, success=False)

    assert failures(rows.reader, ALL)["by_operation"] == [{"name": "", "count": 1, "failed": 1}]


def test_exceptions_of_a_problem_are_one_line_with_the_latest_message(rows):
    for second, (message, operation) in enumerate([("first", "a"), ("second", "a"), ("last", "b")]):
        rows.add("exceptions", f"00:00:0{second}", message=message, operation_Id=operation)
    rows.add("exceptions", "00:00:09", type="KeyError", problemId="KeyError at g", message="k")
    found = failures(rows.reader, ALL)

    assert found["exceptions"] == {"count": 4}
    assert found["by_exception"][0] == {
        "problemId": "ValueError at f", "type": "ValueError", "message": "last", "count": 3, "last": time("00:00:02"),
        "operations": 2,
    }  # fmt: skip
    assert [one["type"] for one in found["by_exception"]] == ["ValueError", "KeyError"]


def test_failed_dependencies_are_named_with_how_often_they_are_called(rows):
    rows.add("dependencies", name="GET", target="a", success=False)
    rows.add("dependencies", name="GET", target="a", itemCount=3)
    rows.add("dependencies", name="GET", target="b")
    rows.add("dependencies", name="x", type=None, target=None, success=False)
    found = failures(rows.reader, ALL)

    assert found["dependencies"] == {"count": 6, "failed": 2}
    assert found["by_dependency"] == [
        {"type": "HTTP", "target": "a", "name": "GET", "failed": 1, "count": 4},
        {"type": None, "target": None, "name": "x", "failed": 1, "count": 1},
    ]


def test_the_steps_add_up(rows):
    for second in (0, 1, 59, 60, 3599):
        at = f"00:{second // 60:02}:{second % 60:02}"
        rows.add("requests", at, success=False)
        rows.add("dependencies", at, success=second != 1)
        rows.add("exceptions", at)
    found = failures(rows.reader, ALL)

    totals = {name: sum(step[name] for step in found["series"]) for name in found["series"][0] if name != "t"}
    assert totals == {"failed_requests": 5, "failed_dependencies": 1, "exceptions": 5}
    assert found["step_s"] == 120


def test_steps_begin_and_end_where_the_window_does(rows):
    for at in ("00:00:00", "00:00:30", "00:01:00"):
        rows.add("requests", at, success=False)
    found = failures(rows.reader, Window(time("00:00:30"), time("00:01:00")))

    assert found["requests"]["failed"] == sum(step["failed_requests"] for step in found["series"]) == 1


def test_a_role_narrows_it(rows):
    rows.add("requests", success=False, cloud_RoleName="shop")
    rows.add("requests", success=False, cloud_RoleName="stock")

    assert failures(rows.reader, ALL, role="shop")["requests"] == {"count": 1, "failed": 1}


def test_of_nothing_there_is_nothing(rows):
    found = failures(rows.reader, ALL)

    assert found["requests"] == {"count": 0, "failed": 0}
    assert (found["series"], found["by_exception"]) == ([], [])
