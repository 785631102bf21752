"""A forked child has our handlers and our pipe, but not our thread: what its parent holds is the parent's to deliver."""

from __future__ import annotations

import signal
import sys

import pytest

from tests.support.programs import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")

FORK = """
def in_child(work, number=None):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    if number is not None:
        assert os.read(told, 1) == b"."
        os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

told, tell = os.pipe()
def wait():
    os.write(tell, b".")
    for _ in range(600):  # one long sleep does not end for a signal that comes just before it
        time.sleep(0.1)
"""


def test_a_child_dies_of_sigterm_and_stops_nothing():
    assert run(FORK + "say(in_child(wait, signal.SIGTERM))") == (0, f"{-signal.SIGTERM}\nstopped with 4\n")


def test_a_child_is_interrupted_by_sigint_and_stops_nothing():
    source = """
def interrupted():
    try:
        wait()
    except KeyboardInterrupt:
        say("interrupted")
say(in_child(interrupted, signal.SIGINT))
"""
    assert run(FORK + source) == (0, "interrupted\n0\nstopped with 4\n")


def test_a_child_of_another_thread_is_no_different():
    source = """
thread = threading.Thread(target=lambda: say(in_child(wait, signal.SIGTERM)))
thread.start()
thread.join()
"""
    assert run(FORK + source) == (0, f"{-signal.SIGTERM}\nstopped with 4\n")


def test_a_child_that_multiprocessing_terminates_stops_nothing():
    source = """
import multiprocessing
context = multiprocessing.get_context("fork")
child = context.Process(target=wait)
child.start()
os.read(told, 1)
child.terminate()
child.join()
say(child.exitcode)
"""
    assert run(FORK + source) == (0, f"{-signal.SIGTERM}\nstopped with 4\n")


def test_the_exit_of_a_child_stops_nothing_of_its_parent():
    source = """
if os.fork() == 0:
    say("child")
    sys.exit(0)
os.wait()
"""
    assert run(FORK + source) == (0, "child\nstopped with 4\n")


def test_a_child_has_the_handlers_that_were_there_before():
    """A main thread that waits in C would run none of ours: nothing wakes it in a child."""
    look = "in_child(lambda: say(signal.getsignal(2).__name__, signal.getsignal(15).name))"
    assert run(FORK + look) == (0, "default_int_handler SIG_DFL\nstopped with 4\n")


def test_a_child_writes_nothing_into_its_parents_pipe():
    source = """
def look():
    say(signal.set_wakeup_fd(-1), signal.getsignal(signal.SIGURG).name)
in_child(look)
"""
    assert run(FORK + source) == (0, "-1 SIG_DFL\nstopped with 4\n")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio itself takes it from every child then")
def test_somebody_who_is_woken_by_signals_in_a_child_stays_so():
    source = """
import socket
ours, theirs = socket.socketpair()
theirs.setblocking(False)
signal.set_wakeup_fd(theirs.fileno())
in_child(lambda: say(signal.set_wakeup_fd(-1) == theirs.fileno()))
"""
    assert run(FORK + source) == (0, "True\nstopped with 4\n")


def test_a_handler_that_calls_ours_stops_nothing_in_a_child():
    source = """
def mine(number, frame):
    say("mine")
    ours(number, frame)
ours = signal.signal(signal.SIGTERM, mine)
say(in_child(wait, signal.SIGTERM))
"""
    assert run(FORK + source) == (0, f"mine\n{-signal.SIGTERM}\nstopped with 4\n")


@pytest.mark.parametrize("number", [0, signal.SIGTERM])
def test_an_extension_of_the_childs_own_is_stopped_in_the_child(number):
    source = f"""
def own():
    class Own(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            say("own stopped with", round(timeout))
    if {int(number)}:
        wait()

child = os.fork()
if child == 0:
    own()
    sys.exit(0)
if {int(number)}:
    os.read(told, 1)
    os.kill(child, {int(number)})
say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(FORK + source) == (0, f"own stopped with 4\n{-number}\nstopped with 4\n")


def test_an_extension_of_the_childs_own_is_stopped_once_also_when_a_handler_calls_the_parents():
    source = """
def mine(number, frame):
    say("mine")
    ours(number, frame)
ours = signal.signal(signal.SIGTERM, mine)

def own():
    class Own(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            say("own stopped with", round(timeout))
    wait()
say(in_child(own, signal.SIGTERM))
"""
    said = f"own stopped with 4\nmine\n{-signal.SIGTERM}\nstopped with 4\n"
    assert run(FORK + source) == (0, said)


def test_a_child_may_flush_also_when_it_was_forked_in_the_middle_of_a_flush():
    source = """
parent, begun, release = os.getpid(), threading.Event(), threading.Event()
class Busy(AppExtension):
    @classmethod
    def shutdown(cls, timeout):
        if os.getpid() == parent:
            begun.set()
            release.wait(60)
flush(0.0)
begun.wait(60)
in_child(lambda: say(flush(20.0)))
release.set()
"""
    assert run(FORK + source) == (0, "stopped with 0\nstopped with 20\nTrue\nstopped with 4\n")
