"""flush(): every extension, in time, never twice at once, whatever one of them does."""

from __future__ import annotations

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from ext_sdk import AppExtension, ExtensionError, extensions, flush

WAIT = 30.0


@pytest.fixture
def hangs():
    """An extension whose `shutdown` does not end by itself; `begun` and `release` are events."""

    class Hangs(AppExtension):
        begun = threading.Event()
        release = threading.Event()

        @classmethod
        def shutdown(cls, timeout):
            cls.begun.set()
            cls.release.wait(WAIT)

    yield Hangs
    Hangs.release.set()


def test_flush_gives_each_extension_the_seconds_that_are_left():
    seen = []

    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            seen.append(0 < timeout <= 20.0)

    assert flush(20.0) is True
    assert seen == [True]


def test_flush_says_when_an_extension_has_something_left():
    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            return False

    assert flush(20.0) is False


@pytest.mark.parametrize("error", [OSError("disk gone"), SystemExit()])
def test_flush_says_when_an_extension_failed_and_asks_the_others_all_the_same(caplog, error):
    seen = []

    class First(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            raise error

    class Second(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            seen.append("second")

    assert flush(20.0) is False
    assert seen == ["second"]
    assert "First.shutdown failed" in caplog.text


def test_flush_returns_at_its_deadline_when_an_extension_hangs(hangs):
    started = monotonic()
    assert flush(0.2) is False
    assert monotonic() - started < 10


@pytest.mark.parametrize("timeout", [0, 0.0, -1.0, float("-inf")])
def test_without_any_time_extensions_are_started_and_not_waited_for(timeout):
    release, given = threading.Event(), []

    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            release.wait(WAIT)
            given.append(timeout)
            done.set()

    done = threading.Event()
    assert flush(timeout) is False
    release.set()
    assert done.wait(WAIT)
    assert given == [0.0]


@pytest.mark.parametrize("timeout", [float("inf"), 10**400])
def test_all_the_time_there_is_stays_a_time_that_one_can_wait(timeout):
    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            ended = threading.Event()
            ended.set()
            return ended.wait(timeout)

    assert flush(timeout) is True


@pytest.mark.parametrize("timeout", [None, "5", float("nan")])
def test_a_timeout_that_is_no_number_is_an_error(timeout):
    with pytest.raises(ExtensionError) as raised:
        flush(timeout)
    assert str(raised.value) == (
        f"ext_sdk.flush(timeout={timeout!r}): give the seconds it may take as a number, e.g. 5.0."
    )


def test_a_flush_inside_a_shutdown_asks_the_others_only():
    seen = []

    class Outer(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            seen.append("outer")
            return flush(20.0)

    class Other(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            seen.append("other")

    assert flush(20.0) is True
    assert seen == ["outer", "other", "other"]


def test_two_extensions_whose_shutdowns_flush_do_not_go_round_in_circles():
    seen = []

    class One(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            seen.append("one")
            return flush(20.0)

    class Two(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            seen.append("two")
            return flush(20.0)

    assert flush(20.0) is True
    assert seen == ["one", "two", "two", "one"]


def test_a_shutdown_never_runs_twice_at_the_same_time():
    """Each of the flushes has it run once: what came after the first had begun has to be delivered too."""
    inside, most, calls = [], [], []
    together = threading.Barrier(4)

    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            inside.append(1)
            most.append(len(inside))
            calls.append(1)
            threading.Event().wait(0.02)
            inside.pop()

    def together_with_others(_):
        together.wait(WAIT)
        return flush(20.0)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(together_with_others, range(4))) == [True] * 4
    assert max(most) == 1
    assert len(calls) == 4


def test_an_extension_that_hangs_since_an_earlier_flush_does_not_cost_the_others_their_turn(hangs):
    given = []

    class Later(AppExtension):
        order = 1

        @classmethod
        def shutdown(cls, timeout):
            given.append(timeout)

    assert flush(0.0) is False
    assert hangs.begun.wait(WAIT)
    assert flush(1.0) is False
    assert given[0] > 0.0


def test_a_second_flush_waits_for_the_one_under_way(hangs):
    assert flush(0.0) is False
    assert hangs.begun.wait(WAIT)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(flush, 20.0)
        hangs.release.set()
        assert second.result(WAIT) is True


def test_async_code_leaves_flush_to_a_thread_and_its_loop_goes_on():
    from_the_loop = threading.Event()

    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            return from_the_loop.wait(timeout)

    async def main():
        asyncio.get_running_loop().call_later(0.05, from_the_loop.set)
        return await asyncio.to_thread(flush, 20.0)

    assert asyncio.run(main()) is True


@pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="Windows has no signal to try it with")
def test_a_signal_handler_may_flush_also_while_the_main_thread_flushes():
    answers = []

    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            if not answers:
                answers.append("sent")
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, lambda *_: answers.append(flush(20.0)))
    try:
        assert flush(20.0) is True
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert answers == ["sent", True]


def test_switched_off_no_extension_is_asked(monkeypatch):
    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            raise AssertionError

    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "0")
    assert flush() is True
    assert extensions()[0].failures == {}
