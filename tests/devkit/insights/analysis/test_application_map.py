"""Who calls whom."""

from __future__ import annotations

import pytest

from ext_devkit.insights.analysis.application_map import application_map, kind_of
from ext_devkit.insights.analysis.window import Window
from tests.devkit.insights.analysis.conftest import time

ALL = Window()


def edges(rows):
    return {(edge["source"], edge["target"]): edge["count"] for edge in application_map(rows.reader, ALL)["edges"]}


def call(rows, number, callee="stock", **more):
    """Store a call of shop, and the request that it is in another role."""
    rows.add(
        "dependencies", id=f"d{number}", operation_Id=f"o{number}", cloud_RoleName="shop", target="stock:80", **more
    )
    if callee:
        rows.add("requests", operation_Id=f"o{number}", operation_ParentId=f"d{number}", cloud_RoleName=callee)


def test_a_call_leads_to_the_role_whose_request_it_is(rows):
    call(rows, 1, duration=10.0)
    call(rows, 2, duration=30.0, success=False)
    found = application_map(rows.reader, ALL)

    assert found["edges"] == [
        {
            "source": "app:shop",
            "target": "app:stock",
            "count": 2,
            "failed": 1,
            "mean": 20.0,
            "p95": 30.0,
            "per_minute": 2.0,
        }
    ]
    assert [(node["id"], node["kind"], node["count"]) for node in found["nodes"]] == [
        ("app:shop", "app", 0), ("app:stock", "app", 2),
    ]  # fmt: skip


def test_calls_to_a_target_that_reach_a_role_at_times_are_all_its_own(rows):
    """As requests may be sampled, or of a role that died before it sent them."""
    call(rows, 1)
    call(rows, 2, callee=None)

    assert edges(rows) == {("app:shop", "app:stock"): 2}


def test_what_sends_nothing_is_a_node_of_its_own(rows):
    rows.add("dependencies", cloud_RoleName="shop", type="SQL", target="db | orders", itemCount=4)
    rows.add("dependencies", cloud_RoleName="stock", type="SQL", target="db | orders")
    found = application_map(rows.reader, ALL)

    assert edges(rows) == {("app:shop", "sql:db | orders"): 4, ("app:stock", "sql:db | orders"): 1}
    assert ("db | orders", "sql", 5) in [(node["name"], node["kind"], node["count"]) for node in found["nodes"]]


def test_a_message_leads_to_whom_it_reached(rows):
    rows.add(
        "dependencies", id="d", operation_Id="o", cloud_RoleName="shop", type="Queue Message | azqueues", target="mails"
    )
    rows.add("requests", operation_Id="o", operation_ParentId="d", cloud_RoleName="mailer")

    assert edges(rows) == {("app:shop", "app:mailer"): 1}


def test_work_inside_a_process_is_no_call(rows):
    rows.add("dependencies", cloud_RoleName="shop", type="InProc", target=None)
    rows.add("dependencies", cloud_RoleName="shop", type=None, target=None)

    assert edges(rows) == {}


def test_a_role_that_calls_itself_by_http_is_an_external_target(rows):
    """Its requests' parents are its own calls: nobody else answered."""
    rows.add("dependencies", id="d", operation_Id="o", cloud_RoleName="shop", target="localhost")
    rows.add("requests", operation_Id="o", operation_ParentId="d", cloud_RoleName="shop")

    assert edges(rows) == {("app:shop", "http:localhost"): 1}


def test_items_without_a_role_are_shown_as_such(rows):
    rows.add("requests")
    rows.add("dependencies", target="x")

    assert edges(rows) == {("app:(no role)", "http:x"): 1}


def test_a_rate_is_that_of_the_window(rows):
    """Which ends with what there is where it is open, and is never less than a minute."""
    for at in ("00:00:00", "00:02:00", "00:08:00"):
        rows.add("requests", at, cloud_RoleName="shop")

    def rate(window):
        (node,) = application_map(rows.reader, window)["nodes"]
        return node["per_minute"]

    assert rate(ALL) == 3 / 8
    assert rate(Window(time("00:02:00"))) == 2 / 6
    assert rate(Window(time("00:01:00"), time("00:05:00"))) == 1 / 4
    assert rate(Window(None, time("00:00:01"))) == 1


def test_of_nothing_there_is_nothing(rows):
    assert application_map(rows.reader, ALL) == {"nodes": [], "edges": []}


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("HTTP", "http"), ("Azure queue", "queue"), ("Azure blob", "storage"), ("postgresql", "sql"), ("redis", "cache"),
     ("Azure DocumentDB", "database"), ("Queue Message | kafka", "queue"), ("", "external"), ("N/A", "external")],
)  # fmt: skip
def test_the_type_of_a_call_says_what_it_leads_to(type_, kind):
    assert kind_of(type_) == kind
