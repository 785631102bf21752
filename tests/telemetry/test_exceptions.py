"""Exceptions that a function handles itself, and those that it does not."""

from __future__ import annotations

import sys

import pytest

from ext_telemetry import track_exception
from tests.support.invocations import ITEMS, TRACE, request
from tests.support.lifecycle import invoke


def run(work):
    return invoke(lambda req, context: work(context.telemetry), trigger=ITEMS, req=request())


def fail():
    try:
        {}["stock"]
    except KeyError as error:
        raise ValueError("no such order") from error


@pytest.mark.parametrize("how", ["given", "handled", "module", "exc_info"])
def test_an_exception_has_its_stack_and_its_causes(sent, how):
    def work(telemetry):
        try:
            fail()
        except ValueError as error:
            if how == "given":
                telemetry.track_exception(error, {"order": 7}, {"tries": 2})
            elif how == "exc_info":
                telemetry.track_exception(sys.exc_info(), {"order": 7}, {"tries": 2})
            else:
                track = track_exception if how == "module" else telemetry.track_exception
                track(properties={"order": 7}, measurements={"tries": 2})

    run(work)

    found = sent.one("ExceptionData")
    outer, cause = found.exceptions
    assert (outer["typeName"], outer["message"]) == ("ValueError", "no such order")
    assert (cause["typeName"], cause["message"], cause["outerId"]) == ("KeyError", "'stock'", outer["id"])
    assert next(frame["method"] for frame in outer["parsedStack"]) == "fail"
    assert (found.properties, found.measurements, found.severityLevel) == ({"order": "7"}, {"tries": 2}, 3)
    assert found.tags["ai.operation.id"] == f"{TRACE:032x}"
    assert found.tags["ai.operation.parentId"] == sent.one("RequestData").id


def test_an_exception_of_an_operation_that_is_not_sampled_is_sent_all_the_same(sent, fresh):
    string = sent._server.connection_string
    fresh.configure(connection_string=string, journal=False, flush="background", sampling_ratio=0.0)

    run(lambda telemetry: telemetry.track_exception(ValueError("x")))

    (found,) = sent.all()
    assert (found["data"]["baseType"], found["sampleRate"]) == ("ExceptionData", 100.0)


def test_an_exception_that_leaves_the_function_is_an_item_without_a_call(sent):
    with pytest.raises(ValueError, match="no such order"):
        run(lambda _: fail())

    found = sent.one("ExceptionData")
    assert [one["typeName"] for one in found.exceptions] == ["ValueError", "KeyError"]


@pytest.mark.parametrize("tracked", [False, True], ids=["only raised", "tracked and raised"])
def test_an_exception_that_is_tracked_and_then_leaves_the_function_is_an_item_of_each(sent, tracked):
    def work(telemetry):
        try:
            fail()
        except ValueError:
            if tracked:
                telemetry.track_exception()
            raise

    with pytest.raises(ValueError):
        run(work)

    assert len(sent.of("ExceptionData")) == 1 + tracked


def test_credentials_in_a_message_are_replaced(sent):
    run(lambda telemetry: telemetry.track_exception(ValueError("https://u:hunter2@host/")))

    assert "hunter2" not in str(sent.one("ExceptionData").exceptions)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "no exception was given, and none is being handled."),
        (("boom",), "the exception is 'boom', not an instance of one."),
        ((ValueError,), "the exception is <class 'ValueError'>, not an instance of one."),
        (((None, None, None),), "the exception is None, not an instance of one."),
    ],
)
def test_what_is_no_exception_is_left_out_and_said_once(sent, warnings_of, arguments, why):
    def work(telemetry):
        telemetry.track_exception(*arguments)
        telemetry.track_exception(*arguments)

    run(work)

    (text,) = warnings_of()
    assert text.startswith(f"track_exception at {__file__}:")
    assert sent.of("ExceptionData") == []
    assert text.endswith(why) or why.startswith("the exception is None")


def test_an_exception_that_cannot_be_printed_reaches_nobody_else(sent):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    run(lambda telemetry: telemetry.track_exception(Mute()))

    assert [one["typeName"].rpartition(".")[2] for one in sent.one("ExceptionData").exceptions] == ["Mute"]
