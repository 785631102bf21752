"""`context.telemetry` after the end of its invocation."""

from __future__ import annotations

import pytest

from ext_telemetry import said
from tests.support.invocations import ITEMS, TRACE, request
from tests.support.lifecycle import invoke


@pytest.fixture
def ended(sent):
    """The telemetry of an invocation that has ended."""
    return invoke(lambda req, context: context.telemetry, trigger=ITEMS, req=request())


CALLS = {
    "track_event": (("x",), {}, "EventData"),
    "track_exception": ((ValueError("x"),), {}, "ExceptionData"),
    "track_availability": (("x", 1), {}, "AvailabilityData"),
    "track_dependency": (("x",), {"duration": 1}, "RemoteDependencyData"),
    "track_metric": (("x", 1), {}, "MetricData"),
}


@pytest.mark.parametrize("call", CALLS)
def test_it_is_sent_with_its_operation_and_said_once_for_each_call(sent, ended, warnings_of, call):
    arguments, named, kind = CALLS[call]

    def use():
        getattr(ended, call)(*arguments, **named)

    use()
    use()

    found = sent.of(kind)
    if kind != "MetricData":  # which belong to no operation
        parent = sent.one("RequestData").id
        ids = [(one.tags["ai.operation.id"], one.tags["ai.operation.parentId"]) for one in found]
        assert ids == [(f"{TRACE:032x}", parent)] * 2
        assert {one.tags["ai.operation.name"] for one in found} == {"GET /api/items/{id}"}
    assert warnings_of() == [
        f"context.telemetry.{call} at {__file__}:{use.__code__.co_firstlineno + 1} was used after its invocation of "
        "HttpTrigger had ended (said once). The item is sent, with the invocation's operation; but nobody waits for "
        "it, and it is lost if the process is ended before."
    ]


def test_what_is_said_once_is_limited(sent, warnings_of):
    """A kind may have a name in it that the app makes up."""
    for number in range(600):
        said.once("track_metric", str(number), "%d", number)

    assert len(warnings_of()) == 500


def test_nothing_is_said_during_the_invocation(sent, warnings_of):
    def main(req, context):
        for call, (arguments, named, _) in CALLS.items():
            getattr(context.telemetry, call)(*arguments, **named)

    invoke(main, trigger=ITEMS, req=request())

    assert warnings_of() == []
