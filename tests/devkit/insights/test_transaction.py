"""The tree of one operation."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ext_devkit.insights.transaction import Transaction, span_id
from tests.support.insights import OPERATION, row


def request(item_id, span, parent=None, **values):
    return row("requests", item_id, id=span, operation_ParentId=parent, name=span, success=True, duration=1.0) | values


def call(item_id, span, parent=None, **values):
    return (
        row("dependencies", item_id, id=span, operation_ParentId=parent, name=span, success=True, duration=1.0) | values
    )


def message(item_id, text, parent=None):
    return row("traces", item_id, message=text, operation_ParentId=parent)


def shape(*rows):
    """Return the titles in their order, indented by their depth."""
    return [" " * depth + node.title for depth, node in Transaction.from_rows(OPERATION, rows).walk()]


def test_calls_and_messages_lie_under_their_parent_oldest_first():
    assert shape(
        message(6, "done", "a"),
        call(5, "c", "a"),
        message(4, "asking", "b"),
        call(3, "b", "a"),
        request(1, "a", "outside"),
        row("exceptions", 7, type="ValueError", message="no", operation_ParentId="c"),
    ) == ["a", " b", "  asking", " c", "  ValueError: no", " done"]


def test_an_item_whose_parent_is_missing_is_a_root():
    assert shape(request(1, "a"), call(2, "lost", "nowhere"), message(3, "alone")) == ["a", "lost", "alone"]


def test_a_circle_is_broken_at_its_oldest():
    assert shape(call(1, "a", "c"), call(2, "b", "a"), call(3, "c", "b"), message(4, "in it", "c")) == [
        "a",
        " b",
        "  c",
        "   in it",
    ]


def test_ids_of_the_older_form_name_each_other_whole():
    """`|trace.span.` as an id: .NET without W3C ids."""
    assert shape(request(1, "|t.a."), call(2, "|t.a.1.", "|t.a."), message(3, "m", "|t.a.1.")) == [
        "|t.a.",
        " |t.a.1.",
        "  m",
    ]


def test_an_item_that_is_its_own_parent_is_a_root():
    assert shape(call(1, "a", "a")) == ["a"]


def test_items_with_the_same_id_are_all_shown_and_the_oldest_is_the_parent():
    assert shape(request(1, "a", name="first"), request(2, "a", name="second"), message(3, "m", "a")) == [
        "first",
        " m",
        "second",
    ]


def test_a_doubled_item_under_its_own_id_is_no_circle():
    assert shape(call(1, "a", "a", name="first"), call(2, "a", "a", name="second")) == ["first", " second"]


def test_a_parent_that_is_as_old_as_its_child_comes_first():
    same = {"timestamp": "2026-01-02T03:04:05.000000Z"}

    assert shape(message(1, "m", "a") | same, request(2, "a") | same) == ["a", " m"]


def test_the_old_form_of_an_id_is_understood():
    """OpenCensus puts it on logs."""
    assert span_id("|0af7651916cd43dd8448eb211c80319c.00f067aa0ba902b7.") == "00f067aa0ba902b7"
    assert span_id("00f067aa0ba902b7") == "00f067aa0ba902b7"
    assert span_id("") == ""


def test_the_summary_is_about_the_first_request():
    transaction = Transaction.from_rows(
        OPERATION,
        [
            call(1, "client"),
            request(2, "a", "client", name="GET /items", duration=12.5, resultCode="500", success=False, cloud_RoleName="shop"),
            request(3, "b", "a"),
            row("exceptions", 4, type="ValueError", message="no"),
        ],
    )  # fmt: skip

    assert transaction.summary() == {
        "operation_Id": OPERATION,
        "timestamp": "2026-01-02T03:04:02.000000Z",
        "name": "GET /items",
        "cloud_RoleName": "shop",
        "duration": 12.5,
        "resultCode": "500",
        "success": False,
        "items": 4,
        "failures": 2,
    }


def test_an_operation_without_calls_has_a_summary_too():
    summary = Transaction.from_rows(OPERATION, [message(1, "hello") | {"operation_Name": "timer"}]).summary()

    assert (summary["name"], summary["success"], summary["duration"]) == ("timer", True, None)


def test_an_operation_with_only_an_exception_has_failed():
    summary = Transaction.from_rows(OPERATION, [row("exceptions", 1, type="E", message="")]).summary()

    assert (summary["name"], summary["success"], summary["failures"]) == ("E", False, 1)


def test_an_operation_with_nothing_is_empty():
    assert Transaction.from_rows(OPERATION, []).summary()["items"] == 0


def test_a_chain_of_any_depth_can_be_walked_and_written():
    rows = [call(n, f"s{n}", f"s{n - 1}") for n in range(1, 5000)]

    items = Transaction.from_rows(OPERATION, rows).items()

    assert items[-1]["depth"] == 4998
    assert json.loads(json.dumps(items)) == items


def test_a_circle_of_any_length_is_broken():
    rows = [call(n, f"s{n}", f"s{n - 1}") for n in range(1, 3000)]
    rows[0]["operation_ParentId"] = "s2999"

    assert len(Transaction.from_rows(OPERATION, rows).items()) == 2999


ids = st.sampled_from(["a", "b", "c", "d", "|t.a.", ""])


@given(st.lists(st.tuples(ids, ids | st.none(), st.booleans()), max_size=12))
def test_whatever_the_parents_every_item_appears_exactly_once(links):
    rows = [
        call(n, span, parent) if is_call else message(n, "m", parent) for n, (span, parent, is_call) in enumerate(links)
    ]

    shown = [node.row["itemId"] for _, node in Transaction.from_rows(OPERATION, rows).walk()]

    assert sorted(shown) == list(range(len(links)))
