"""Phases: named parts of an invocation, in the line, in the header, and in what extensions() tells."""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import azure.functions as func
import pytest

from ext_sdk import extensions, propagate
from ext_timing import Timing, TimingExtension, phase
from ext_timing.phases import MOST
from tests.support.lifecycle import Context, invoke


def phases(context):
    """Return how often each phase ran."""
    return {name: count for name, (count, _) in context.app_ext_attributes["timing"].phases.items()}


def run(function):
    context = Context()
    invoke(function, context=context)
    return phases(context)


def test_a_phase_is_in_the_line(line):
    def function(context):
        with context.app_ext_attributes["timing"].phase("db"):
            pass

    invoke(function)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms: db N ms")


def test_a_phase_that_ran_again_is_told_once_with_how_often(line):
    def function():
        for _ in range(3):
            with phase("db"):
                pass

    invoke(function)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms: db N ms in 3 times")


def test_a_slow_line_has_the_phases_as_well(line):
    TimingExtension.configure(slow_ms=0)

    def function():
        with phase("db"), phase("connect"):
            pass

    invoke(function)
    assert line() == ("WARNING", "HttpTrigger took N ms, CPU N ms (slow: N ms or more): db N ms, db.connect N ms")


def test_a_phase_takes_what_its_block_takes(caplog):
    def function():
        with phase("waits"):
            threading.Event().wait(0.03)
        with phase("does nothing"):
            pass

    invoke(function)
    dimensions = caplog.records[0].custom_dimensions
    assert 30 <= dimensions["phase.waits_ms"] <= dimensions["duration_ms"]
    assert dimensions["phase.does nothing_ms"] < 30


def test_a_phase_that_raises_is_timed_and_the_error_goes_on(line):
    def function():
        with phase("db"):
            raise KeyError("no row")

    with pytest.raises(KeyError):
        invoke(function)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms and raised KeyError: db N ms")


def test_phases_nest_by_name():
    def function():
        with phase("a"):
            with phase("b"), phase("c"):
                pass
            with phase("b"):
                pass
        with phase("b"):
            pass

    assert run(function) == {"a": 1, "a.b": 2, "a.b.c": 1, "b": 1}


def test_a_function_can_be_a_phase():
    @phase("query")
    def query(number):
        return number

    def function():
        with phase("db"):
            return [query(number) for number in range(3)]

    context = Context()
    assert invoke(function, context=context) == [0, 1, 2]
    assert phases(context) == {"db": 1, "db.query": 3}


def test_a_phase_that_is_decorated_can_call_itself():
    @phase("walk")
    def walk(depth):
        return walk(depth - 1) if depth else None

    assert run(lambda: walk(2)) == {"walk": 1, "walk.walk": 1, "walk.walk.walk": 1}


def test_one_object_can_be_entered_again_within_itself():
    one = phase("one")

    def function(context):
        with one:
            with one:
                pass
            inside = phases(context)
        return inside, phases(context)

    assert invoke(function) == ({"one.one": 1}, {"one": 1, "one.one": 1})
    assert one._entered == []


def test_one_object_may_be_in_use_by_several_invocations_at_the_same_time():
    """Such as one that a module holds."""
    query = phase("query")
    first_is_in, second_is_in = threading.Event(), threading.Event()
    ends = threading.Event()

    def first():
        with query:
            first_is_in.set()
            assert second_is_in.wait(30)

    def second():
        assert first_is_in.wait(30)
        with query:
            second_is_in.set()
            assert ends.wait(30)

    with ThreadPoolExecutor(2) as pool:
        ended, goes_on = Context(), Context()
        one = pool.submit(invoke, first, context=ended)
        other = pool.submit(invoke, second, context=goes_on)
        one.result(30)
        found = phases(ended), phases(goes_on)
        ends.set()
        other.result(30)
    assert found == ({"query": 1}, {})
    assert phases(goes_on) == {"query": 1}


def test_one_object_may_be_in_use_where_nothing_is_timed_at_the_same_time():
    query = phase("query")

    def use():
        with query:
            pass

    def function(context):
        with query:
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
            during = phases(context)
        return during, phases(context)

    assert invoke(function) == ({}, {"query": 1})


def test_generators_that_take_turns_leave_no_phase_open():
    def rows(name):
        with phase(name):
            yield

    def function():
        first, second = rows("first"), rows("second")
        next(first)
        next(second)
        first.close()
        with phase("inner"):
            pass
        second.close()
        with phase("after"):
            pass

    assert run(function) == {"first": 1, "first.second": 1, "first.second.inner": 1, "after": 1}


def test_a_generator_may_go_on_in_another_thread():
    """As the body of a streaming response does: each of its steps runs in any thread, in a copy of the context."""

    def rows():
        with phase("rows"):
            yield 1
            yield 2

    def function():
        steps = rows()
        with ThreadPoolExecutor(1) as pool:
            found = [pool.submit(copy_context().run, next, steps, None).result(30) for _ in range(3)]
        with phase("after"):
            return found

    assert run(function) == {"rows": 1, "after": 1}


def test_a_generator_that_ends_in_a_copy_of_the_context_does_not_disturb_the_block_around_it():
    rows = phase("rows")

    def steps():
        with rows:
            yield

    def function():
        generator = steps()
        next(generator)
        with rows:
            copy_context().run(generator.close)
        return "ok"

    assert invoke(function) == "ok"
    assert extensions()[0].failures == {}


def test_phases_of_different_invocations_do_not_nest():
    one, other = Timing(), Timing()
    with one.phase("a"), other.phase("b"):
        pass
    assert (list(one.phases), list(other.phases)) == (["a"], ["b"])


def test_a_function_that_an_object_decorates_is_a_phase_of_it_in_any_thread():
    timing = Timing()

    @timing.phase("sync")
    def sync():
        pass

    @timing.phase("async")
    async def asynchronous():
        pass

    sync()
    asyncio.run(asynchronous())
    assert list(timing.phases) == ["async", "sync"]


def test_phases_nest_across_await():
    @phase("fetch")
    async def fetch():
        await asyncio.sleep(0)
        with phase("parse"):
            await asyncio.sleep(0)

    async def function():
        with phase("all"):
            await asyncio.gather(*(fetch() for _ in range(5)))
            await asyncio.create_task(fetch())

    assert run(function) == {"all": 1, "all.fetch": 6, "all.fetch.parse": 6}


def test_concurrent_invocations_keep_their_phases_apart():
    async def one(number):
        async def function():
            with phase(f"p{number}"):
                await barrier.wait()
                with phase("inner"):
                    await asyncio.sleep(0)

        context = Context()
        from tests.support.lifecycle import invoke_async

        await invoke_async(function, context=context)
        return phases(context)

    async def all_of_them():
        nonlocal barrier
        barrier = _Barrier(20)
        return await asyncio.gather(*(one(number) for number in range(20)))

    barrier = None
    found = asyncio.run(all_of_them())
    assert found == [{f"p{number}": 1, f"p{number}.inner": 1} for number in range(20)]


class _Barrier:
    """As asyncio.Barrier, which is new in 3.11."""

    def __init__(self, parties):
        self._missing, self._all = parties, asyncio.Event()

    async def wait(self):
        self._missing -= 1
        if not self._missing:
            self._all.set()
        await self._all.wait()


def test_a_thread_that_runs_for_the_invocation_nests_where_it_was_started():
    def function():
        with phase("all"), ThreadPoolExecutor(4) as pool:
            list(propagate(pool).map(work, range(20)))

    def work(_):
        with phase("work"):
            pass

    assert run(function) == {"all": 1, "all.work": 20}


def test_any_thread_may_use_the_invocations_object():
    def function(context):
        timing = context.app_ext_attributes["timing"]

        def work():
            with timing.phase("work"), timing.phase("inner"):
                pass

        with timing.phase("all"):
            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    assert run(function) == {"all": 1, "work": 8, "work.inner": 8}


def test_a_thread_that_knows_no_invocation_times_nothing():
    def function():
        thread = threading.Thread(target=phase("work")(lambda: None))
        thread.start()
        thread.join()

    assert run(function) == {}


def test_outside_of_an_invocation_a_phase_does_nothing():
    @phase("query")
    def query():
        return 1

    with phase("all"):
        assert query() == 1


def test_a_phase_that_ends_after_the_invocation_is_in_no_line(line):
    ends = threading.Event()

    def function(context):
        def work():
            with context.app_ext_attributes["timing"].phase("late"):
                ends.wait(10)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    thread = invoke(function)
    ends.set()
    thread.join()
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms")


def test_a_generator_function_is_no_phase():
    def rows():
        yield 1

    with pytest.raises(TypeError) as caught:
        phase("rows")(rows)
    assert str(caught.value) == (
        "phase('rows') cannot time the generator function test_a_generator_function_is_no_phase.<locals>.rows: "
        "put a `with` block inside it, or around the loop that uses it."
    )


@pytest.mark.parametrize("name", ["", "  ", None, 5, b"db"])
def test_a_phase_without_a_name_is_told_as_such(name, caplog):
    def function():
        with phase(name):
            return "ok"

    context = Context()
    assert invoke(function, context=context) == "ok"
    assert phases(context) == {"(unnamed)": 1}
    warning = next(one for one in caplog.records if one.name == "ext_timing")
    assert warning.getMessage() == (
        f'A phase has a name, as in phase("db"), not {name!r}: it is told as (unnamed).'
    )  # fmt: skip


def test_names_without_end_are_added_up():
    def function():
        for number in range(MOST + 50):
            with phase(f"row {number}"):
                pass

    found = run(function)
    assert len(found) == MOST + 1
    assert found["(others)"] == 50


def test_a_name_without_end_is_cut():
    def function():
        with phase("x" * 1000):
            pass

    assert run(function) == {"x" * 100: 1}


def test_the_name_of_a_phase_within_others_is_cut_too():
    def function():
        with phase("x" * 60), phase("y" * 60):
            pass

    assert run(function) == {"x" * 60: 1, "x" * 60 + "." + "y" * 39: 1}


def test_a_decorator_without_a_name_is_refused():
    with pytest.raises(TypeError) as refused:

        @phase
        def query():
            pass

    assert re.sub(" at 0x[0-9a-f]+", "", str(refused.value)) == (
        '@phase has no name: write @phase("db") above '
        '<function test_a_decorator_without_a_name_is_refused.<locals>.query>, with a name of yours for "db".'
    )


def test_the_header_has_the_phases_as_tokens():
    def function():
        with phase("load model"), phase('say "hi", ü'):
            pass
        return func.HttpResponse("ok")

    header = invoke(function).headers["Server-Timing"]
    assert re.sub(r"dur=[\d.]+", "dur=N", header) == "function;dur=N, load_model;dur=N, load_model.say_hi_;dur=N"


def test_the_header_has_the_longest_phases_if_there_are_many():
    def function():
        for number in range(30):
            with phase(f"p{number:02}"):
                threading.Event().wait(0.005 if number == 29 else 0)
        return func.HttpResponse("ok")

    names = re.findall(r"(\S+);", invoke(function).headers["Server-Timing"])
    assert len(names) == 21
    assert "p29" in names


def test_extensions_tells_of_phases():
    def function():
        with phase("db"):
            pass

    for _ in range(3):
        invoke(function)
    facts = extensions()[0].facts["functions"]["HttpTrigger"]
    assert facts["phases"]["db"]["count"] == 3
