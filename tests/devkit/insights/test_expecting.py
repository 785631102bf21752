"""What tests ask of the local Application Insights, and what they are told when it is not there."""

from __future__ import annotations

import threading

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.insights import envelope, post

GIVEN = (
    envelope(name="GET /a", success=True, properties={"tenant": "a", "plan": "free"}),
    envelope(name="GET /b", success=False, responseCode="500", properties={"tenant": "b"}),
    envelope("MessageData", message="sold out"),
)


@pytest.fixture(scope="module")
def insights():
    with InsightsServer() as server:
        post(server, list(GIVEN))
        yield server


def names(rows):
    return [row["name"] for row in rows]


def test_items_are_chosen_by_the_values_of_their_columns(insights):
    assert names(insights.items("requests")) == ["GET /a", "GET /b"]
    assert names(insights.items("requests", success=False)) == ["GET /b"]
    assert names(insights.items("requests", success=False, resultCode="200")) == []
    assert names(insights.items("requests", url=None)) == ["GET /a", "GET /b"]
    assert insights.items("customEvents") == []


def test_of_custom_dimensions_it_is_enough_to_give_some(insights):
    assert names(insights.items("requests", customDimensions={"tenant": "a"})) == ["GET /a"]
    assert insights.items("requests", customDimensions={"tenant": "a", "plan": "paid"}) == []
    assert insights.items("requests", customDimensions={"nothing": None}) == []


def test_a_table_or_column_that_there_is_not_is_named(insights):
    with pytest.raises(ValueError, match=r"There is no table 'request'\. Known: requests, "):
        insights.items("request")
    with pytest.raises(
        ValueError, match=r"traces has no column 'name'\. It has: itemId, itemType, timestamp, .*message"
    ):
        insights.assert_items("traces", name="x")


def test_what_arrives_later_is_waited_for(server):
    later = threading.Timer(0.05, post, (server, [envelope("EventData", name="bought")]))
    later.start()
    assert names(server.wait_for("customEvents", name="bought")) == ["bought"]
    later.join()
    with pytest.raises(TimeoutError) as caught:
        server.wait_for("customEvents", 2, timeout=0.01, name="bought")
    assert str(caught.value) == "Waited 0.01 s for 2 in customEvents with name='bought'; stored are 1 in customEvents."


def test_an_assertion_returns_the_items_and_takes_none_for_an_answer(insights):
    (row,) = insights.assert_items("requests", name="GET /a")
    assert row["success"] is True
    assert insights.assert_items("exceptions", count=0) == []
    assert insights.assert_items("requests", count=0, name="GET /c") == []


def test_an_assertion_that_fails_says_what_did_arrive(insights):
    with pytest.raises(AssertionError) as caught:
        insights.assert_items("requests", timeout=0.01, name="GET /c", success=True)
    assert str(caught.value) == (
        "Waited 0.01 s for 1 in requests with name='GET /c', success=True; stored are 2 in requests, 1 in traces. "
        "In requests:\n  name='GET /a', success=True\n  name='GET /b', success=False"
    )
    with pytest.raises(AssertionError, match=r"stored are 2 in requests, 1 in traces\.$"):
        insights.assert_items("customEvents", timeout=0.01)


def test_more_items_than_expected_fail_as_well(insights):
    with pytest.raises(AssertionError) as caught:
        insights.assert_items("traces", count=0)
    assert str(caught.value) == "Expected 0 in traces; there are 1. In traces:\n  message='sold out'"


def test_the_message_is_bounded(server):
    post(server, [envelope("EventData", name=f"{number} {'x' * 500}") for number in range(12)])
    with pytest.raises(AssertionError) as caught:
        server.assert_items("customEvents", 13, timeout=0.01)
    heading, before, *lines = str(caught.value).splitlines()
    assert heading.endswith("stored are 12 in customEvents. In customEvents:")
    assert before == "  ... 2 before these"
    assert [len(line) for line in lines] == [202] * 10
    assert lines[-1].startswith("  name='11 xxx")
