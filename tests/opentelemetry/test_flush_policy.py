"""When the end of an invocation delivers: rare ones wait a little, frequent ones leave it to the timer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_appinsights.flushing import RARE, WATCH, FlushPolicy

BUDGET = 0.1
LATER = RARE + 5.0


class Play:
    """A policy with a clock that stands still, a delivery that we answer, and a background that we run."""

    def __init__(self, mode="auto", budget=BUDGET):
        self.now = 1000.0
        self.background = []
        self.policy = FlushPolicy(mode, budget, clock=lambda: self.now, start=self.background.append)
        self.works = True
        self.waits = []
        self.kicks = 0

    def flush(self, seconds):
        self.waits.append(seconds)
        self.now += 0.01 if self.works else seconds
        return self.works

    def kick(self):
        self.kicks += 1

    def begin(self):
        self.policy.began()

    def end(self, *, may_wait=True):
        self.policy.ended(self.flush, self.kick, may_wait=may_wait)

    def invocation(self, *, after=0.0, may_wait=True):
        """One that takes a second, `after` seconds; return the seconds for which it was ready to wait, or None."""
        self.now += after
        before = len(self.waits)
        self.begin()
        self.now += 1.0
        self.end(may_wait=may_wait)
        (waited,) = self.waits[before:] or [None]
        return waited


@pytest.fixture
def play():
    return Play()


def test_the_first_invocation_is_rare_and_waits_for_the_budget(play):
    assert play.invocation() == BUDGET
    assert play.kicks == 0


def test_one_that_follows_soon_leaves_delivery_to_the_timer(play):
    play.invocation()

    assert play.invocation(after=RARE - 0.5) is None
    assert play.kicks == 0


def test_after_ten_idle_seconds_it_is_rare_again(play):
    play.invocation()

    assert play.invocation(after=RARE) == BUDGET


def test_the_idle_time_begins_with_the_end_of_the_one_before(play):
    """A function that takes a minute does not make its successor rare."""
    play.begin()
    play.now += 60.0
    play.end()

    assert play.invocation(after=1.0) is None


def test_one_that_another_ran_beside_does_not_wait(play):
    """Neither the first nor the second: the service is busy."""
    play.begin()
    play.begin()
    play.end()
    play.end()

    assert (play.waits, play.kicks) == ([], 0)


def test_one_that_another_ran_beside_does_not_wait_even_if_that_has_ended(play):
    play.begin()
    play.begin()
    play.now += 100.0
    play.end()
    play.now += 100.0
    play.end()

    assert play.waits == []
    assert play.invocation(after=LATER) == BUDGET


def test_an_async_one_starts_delivery_and_does_not_hold_up_its_loop(play):
    assert play.invocation(may_wait=False) is None
    assert play.kicks == 1


def test_after_a_wait_in_vain_nobody_waits_until_a_delivery_succeeded(play):
    """The service being down costs one invocation its budget, not each."""
    play.works = False
    assert play.invocation() == BUDGET

    assert [play.invocation(after=LATER) for _ in range(3)] == [None] * 3
    assert play.kicks == 3
    (watch,) = play.background
    watch()
    assert play.waits == [BUDGET, WATCH]
    assert play.invocation(after=LATER) is None

    play.works = True
    play.background[-1]()
    assert play.invocation(after=LATER) == BUDGET


def test_one_delivery_in_the_background_is_watched_at_a_time(play):
    play.works = False
    for _ in range(5):
        play.invocation(after=LATER)
    assert len(play.background) == 1

    play.background.pop()()
    play.invocation(after=LATER)
    assert len(play.background) == 1


def test_invocation_waits_at_the_end_of_each():
    """Also of an async one, also beside others, also after waits in vain."""
    play = Play("invocation", 0.25)
    play.works = False

    play.begin()
    assert [play.invocation(may_wait=may_wait) for may_wait in (True, False)] == [0.25, 0.25]
    assert play.kicks == 0


def test_background_never_waits_and_never_starts_delivery():
    play = Play("background")

    assert [play.invocation(after=LATER) for _ in range(3)] == [None] * 3
    assert play.kicks == 0


@pytest.mark.parametrize("mode", ["auto", "invocation"])
def test_a_delivery_that_raises_is_one_that_failed(mode: str):
    play = Play(mode)

    def fail(*_seconds):
        raise OSError("no network")

    play.flush = play.kick = fail
    play.invocation()
    play.invocation(after=LATER)

    assert len(play.background) == (mode == "auto")


def test_without_new_threads_nothing_is_watched_and_nothing_raised():
    """While the interpreter ends."""
    play = Play()
    play.works = False

    def refuse(_work):
        raise RuntimeError("can't start new thread at interpreter shutdown")

    play.policy._start = refuse
    play.invocation()
    play.policy._start = play.background.append
    play.invocation(after=LATER)

    assert len(play.background) == 1


def test_trust_is_restored_by_a_thread_of_its_own():
    """As it is outside of tests."""
    policy = FlushPolicy(clock=lambda: 0.0)
    watched = threading.Event()
    here = threading.get_ident()

    def flush(_seconds):
        if threading.get_ident() != here:
            watched.set()
        return False

    policy.began()
    policy.ended(flush, lambda: None, may_wait=True)

    assert watched.wait(20.0)


STEPS = st.lists(
    st.one_of(
        st.just("begin"),
        st.tuples(st.just("end"), st.booleans()),
        st.tuples(st.just("pass"), st.floats(0.0, 30.0)),
        st.tuples(st.just("service"), st.booleans()),
        st.just("background"),
    ),
    max_size=60,
)


@given(STEPS, st.floats(0.0, 2.0))
def test_whatever_comes_nobody_waits_beside_others_or_longer_than_the_budget(steps, budget: float):
    """And only the end of an invocation that began in silence waits, and only while deliveries succeed."""
    play = Play(budget=budget)
    running, silent_since, alone, trusted = 0, None, False, True
    for step in steps:
        match step:
            case "begin":
                alone = running == 0 and (silent_since is None or play.now - silent_since >= RARE)
                running += 1
                play.begin()
            case ("end", may_wait) if running:
                running -= 1
                silent_since, before, kicks = play.now, len(play.waits), play.kicks
                play.end(may_wait=may_wait)
                rare, alone = alone and running == 0, False
                assert play.waits[before:] == ([budget] if rare and may_wait and trusted else [])
                assert play.kicks - kicks == (rare and not (may_wait and trusted))
                trusted = trusted and (play.works or not play.waits[before:])
            case ("pass", seconds):
                play.now += seconds
            case ("service", works):
                play.works = works
            case "background" if play.background:
                play.background.pop()()
                trusted = trusted or play.works
    # It recovers, however it came here: the next rare one has a delivery watched, and the one after that waits again.
    play.works = True
    for _ in range(running):
        play.end()
    play.invocation(after=LATER)
    while play.background:
        play.background.pop()()
    assert play.invocation(after=LATER) == budget


def test_many_threads_count_right():
    """What began has ended, and the next one in silence is rare."""
    play = Play()

    def some(_):
        for _ in range(500):
            play.policy.began()
            play.policy.ended(lambda _seconds: True, lambda: None, may_wait=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(8)))

    assert play.policy._running == 0
    assert play.invocation(after=LATER) == BUDGET
