"""An extension's own failures: logged once, counted, and a pause when they do not stop."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from ext_sdk import AppExtension, extensions
from ext_sdk.health import Health
from tests.support.lifecycle import invoke


class Boom(Exception):
    pass


def test_a_second_failure_is_counted_and_not_logged(caplog):
    class Broken(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            raise Boom
            yield

    invoke(lambda: None)
    invoke(lambda: None)
    assert len(caplog.records) == 1
    (status,) = [one for one in extensions() if one.name == "Broken"]
    assert (status.calls, status.failures) == (2, {"around_invocation": 2})


def test_five_failures_in_a_row_suspend_the_extension_for_a_minute(caplog, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("ext_sdk.health.monotonic", lambda: now[0])
    seen = []

    class Broken(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            seen.append(now[0])
            raise Boom

    for _ in range(7):
        invoke(lambda: None)
    assert len(seen) == 5
    assert caplog.messages[-1] == "Broken failed 5 times in a row and is suspended for 60 s."
    assert next(one for one in extensions() if one.name == "Broken").suspended
    now[0] += 60.0
    invoke(lambda: None)
    assert seen[5:] == [1060.0]


def test_a_hook_that_fails_in_two_threads_at_once_is_logged_once(caplog):
    """The two read the count at the same time, if nothing keeps them apart."""
    meet = threading.Barrier(2)

    class Slow(dict):
        def get(self, *args):
            value = super().get(*args)
            try:
                meet.wait(0.5)
            except threading.BrokenBarrierError:
                pass
            return value

    health = Health("Mine")
    health.failures = Slow()
    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(health.note, "pre_invocation", "HttpTrigger", Boom()) for _ in range(2)]:
            one.result(30)
    assert health.failures == {"pre_invocation": 2}
    assert len(caplog.records) == 1


def test_thirty_two_invocations_that_fail_at_once_suspend_once(caplog):
    health, meet = Health("Mine"), threading.Barrier(32)

    def fail():
        meet.wait(30)
        health.note("pre_invocation", "HttpTrigger", Boom())
        health.count([("pre_invocation", 1)], clean=False)

    with ThreadPoolExecutor(32) as pool:
        for one in [pool.submit(fail) for _ in range(32)]:
            one.result(30)
    assert (health.calls, health.failures, health.spent_ns) == (32, {"pre_invocation": 32}, {"pre_invocation": 32})
    assert (health.suspensions, health.in_a_row) == (1, 0)
    assert len(caplog.records) == 2


def test_failures_with_a_clean_invocation_between_them_suspend_nothing():
    fails = iter([True] * 4 + [False] + [True] * 4)

    class Sometimes(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            if next(fails):
                raise Boom

    for _ in range(9):
        invoke(lambda: None)
    (status,) = [one for one in extensions() if one.name == "Sometimes"]
    assert (status.calls, status.failures, status.suspensions) == (9, {"pre_invocation_app_level": 8}, 0)


def test_an_extension_that_will_not_end_after_its_second_yield_is_told_so(caplog):
    class Endless(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            try:
                for _ in range(2):
                    yield
            finally:
                yield

    assert invoke(lambda: "result") == "result"
    assert "Endless.around_invocation failed" in caplog.text
    assert "generator ignored GeneratorExit" in caplog.text


def test_a_failure_can_be_noted_while_the_books_of_an_invocation_are_being_closed():
    """A signal may have stopped the thread that closes them, until what it failed to deliver is noted."""
    health = Health("Stopped")
    noting = threading.Thread(target=health.note, args=("shutdown", "", Boom()), daemon=True)

    def spent():
        noting.start()
        noting.join(10)
        noted.append(not noting.is_alive())
        yield "around_invocation", 1

    noted = []
    health.count(spent(), clean=True)

    assert noted == [True]
    assert health.failures == {"shutdown": 1}
