"""What functions find on their context where an extension that gives them something does not run."""

from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from ext_sdk import AppExtension, ExtensionError, workers
from ext_sdk.workers import driving, switched_off
from tests.support.lifecycle import Context
from tests.support.worker_module import FunctionInfo, new_worker

SAID = (
    "Extensions are switched off: PYTHON_ENABLE_WORKER_EXTENSIONS is set to a false value. "
    "context.meter and context.tracer do nothing."
)


class Nothing:
    """A stand-in."""


@pytest.fixture
def worker(monkeypatch):
    module = new_worker()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    monkeypatch.setattr(switched_off, "_told", False)
    return module


@pytest.fixture
def off(monkeypatch):
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "0")


def make(stand_ins):
    return type("Made", (AppExtension,), {"stand_ins": stand_ins})


def called(worker, function, *, is_async=False, context=None):
    """Call a function that takes its context as the worker does; return that context and the result."""
    worker.registry.functions["1"] = FunctionInfo(function, requires_context=True, is_async=is_async)
    context = context or Context()
    result = worker.registry.get_function("1").func(req=1, context=context)
    return context, asyncio.run(result) if is_async else result


def test_switched_off_a_function_finds_what_does_nothing_and_one_line_says_why(worker, off, caplog):
    caplog.set_level(logging.INFO, "ext_sdk")
    make({"tracer": Nothing, "meter": Nothing})

    for _ in range(2):
        _, result = called(worker, lambda req, context: (type(context.tracer), type(context.meter)))
        assert result == (Nothing, Nothing)

    assert caplog.messages == [SAID]


@pytest.mark.parametrize(
    ("value", "is_off"),
    [("0", True), ("false", True), ("f", True), ("No", True), ("n", True), (" off ", True),
     ("1", False), ("true", False), ("yes", False), ("", False), ("nonsense", False), (None, False)],
)  # fmt: skip
def test_an_extension_can_ask_whether_extensions_are_switched_off(monkeypatch, value, is_off):
    if value is None:
        monkeypatch.delenv("PYTHON_ENABLE_WORKER_EXTENSIONS", raising=False)
    else:
        monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", value)

    class Asks(AppExtension):
        answer = None

        @classmethod
        def init(cls):
            cls.answer = cls.switched_off()

    assert (Asks.answer, AppExtension.switched_off()) == (is_off, is_off)


def test_switched_off_an_async_function_finds_it_too(worker, off):
    async def function(req, context):
        return type(context.tracer)

    make({"tracer": Nothing})

    assert called(worker, function, is_async=True)[1] is Nothing


def test_switched_off_nothing_else_of_an_extension_runs(worker, off):
    ran = []

    class Runs(AppExtension):
        stand_ins = {"tracer": Nothing}

        @classmethod
        def around_invocation(cls, invocation):
            ran.append(invocation)
            yield

    called(worker, lambda req, context: None)

    assert ran == []
    assert workers.driven_by() == []


def test_switched_off_what_is_there_already_stays(worker, off):
    make({"tracer": Nothing})
    context = Context()
    context.tracer = "the app's own"

    assert called(worker, lambda req, context: context.tracer, context=context)[1] == "the app's own"


def test_switched_off_a_function_without_a_context_is_left_as_it_is(worker, off):
    make({"tracer": Nothing})
    worker.registry.functions["1"] = info = FunctionInfo(lambda req: req)

    assert worker.registry.get_function("1") is info


def test_of_two_with_one_name_the_outermost_one_is_there(worker, off):
    class Inner:
        pass

    class Outer:
        pass

    type("First", (AppExtension,), {"order": 5, "stand_ins": {"tracer": Inner}})
    type("Second", (AppExtension,), {"order": -5, "stand_ins": {"tracer": Outer}})

    assert called(worker, lambda req, context: type(context.tracer))[1] is Outer


def test_a_stand_in_is_made_once(worker, off):
    make({"tracer": Nothing})

    assert (
        called(worker, lambda req, context: context.tracer)[1] is called(worker, lambda req, context: context.tracer)[1]
    )


def test_one_that_cannot_be_made_is_said_and_the_function_runs(worker, off, caplog):
    def fails():
        raise ValueError("no")

    make({"tracer": fails})

    for _ in range(2):
        assert called(worker, lambda req, context: "ran")[1] == "ran"
    assert caplog.messages == ["context.tracer is missing: what was to stand in for it could not be made."]


def test_a_suspended_extension_is_stood_in_for(worker):
    class Fails(AppExtension):
        stand_ins = {"tracer": Nothing}

        @classmethod
        def around_invocation(cls, invocation):
            raise ValueError("not today")
            yield

    workers.install()
    for _ in range(7):  # it is suspended after five failures in a row
        assert called(worker, lambda req, context: type(context.tracer))[1] is Nothing


def test_what_an_extension_gave_before_it_failed_stays(worker):
    class Fails(AppExtension):
        stand_ins = {"tracer": Nothing}

        @classmethod
        def around_invocation(cls, invocation):
            invocation.context.tracer = "real"
            raise ValueError("not today")
            yield

    workers.install()

    assert called(worker, lambda req, context: context.tracer)[1] == "real"


def test_an_extension_that_did_not_start_is_stood_in_for(worker, caplog):
    class Fails(AppExtension):
        stand_ins = {"tracer": Nothing}

        @classmethod
        def init(cls):
            raise ValueError("not today")

    for _ in range(2):
        assert called(worker, lambda req, context: type(context.tracer))[1] is Nothing
    assert caplog.messages == ["Fails.init() failed, so the extension is not active: ValueError: not today"]


def test_it_is_so_for_functions_that_were_called_before(worker):
    make({"meter": Nothing})  # something has to drive
    worker.registry.functions["1"] = FunctionInfo(lambda req, context: context, requires_context=True)
    call = worker.registry.get_function("1").func
    assert not hasattr(call(req=1, context=Context()), "tracer")

    class Fails(AppExtension):
        stand_ins = {"tracer": Nothing}

        @classmethod
        def init(cls):
            raise ValueError("not today")

    assert type(call(req=1, context=Context()).tracer) is Nothing


def test_one_that_starts_after_a_reload_gives_the_real_thing(worker, monkeypatch):
    fails = True

    def define():
        class Sometimes(AppExtension):
            stand_ins = {"tracer": Nothing}

            @classmethod
            def init(cls):
                if fails:
                    raise ValueError("not today")

            @classmethod
            def around_invocation(cls, invocation):
                invocation.context.tracer = "real"
                yield

    define()
    fails = False
    define()

    assert called(worker, lambda req, context: context.tracer)[1] == "real"


def test_a_context_that_takes_no_new_attribute_is_left_as_it_is(worker, off):
    class Closed:
        __slots__ = ()

    make({"tracer": Nothing})

    assert called(worker, lambda req, context: hasattr(context, "tracer"), context=Closed())[1] is False


def test_stand_ins_that_cannot_be_called_are_refused():
    with pytest.raises(ExtensionError) as refused:
        make({"tracer": 1})

    assert str(refused.value) == "Made.stand_ins is {'tracer': 1}, and must be a mapping of names to callables."


def test_a_key_of_the_shared_attributes_can_have_a_stand_in(worker, off):
    make({"app_ext_attributes.timing": Nothing})
    first, result = called(worker, lambda req, context: type(context.app_ext_attributes["timing"]))
    assert result is Nothing
    second, _ = called(worker, lambda req, context: None)
    assert first.app_ext_attributes is not second.app_ext_attributes


def test_a_key_that_is_there_is_left_as_it_is(worker, off):
    make({"app_ext_attributes.timing": Nothing})
    context = Context(app_ext_attributes={"timing": "mine", "other": 1})
    called(worker, lambda req, context: None, context=context)
    assert context.app_ext_attributes == {"timing": "mine", "other": 1}
