"""SIGINT and SIGTERM: extensions are stopped first, then happens what would have happened without us."""

from __future__ import annotations

import signal
import sys
from time import monotonic

import pytest

from tests.support.programs import BLOCKS, EXTENSION, WAIT_FOR_SIGNAL, Program, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])


def test_a_process_still_dies_of_sigterm():
    assert run(WAIT_FOR_SIGNAL, send=signal.SIGTERM) == (-signal.SIGTERM, "stopped with 4\n")


def test_sigint_still_interrupts_the_main_thread():
    """Extensions are asked once more at exit: the app may have had something to say when it was interrupted."""
    source = f"""
try:
    {WAIT_FOR_SIGNAL.replace(chr(10), "; ")}
except KeyboardInterrupt:
    say("interrupted")
    raise
"""
    with Program(source) as program:
        program.says("ready")
        program.send(signal.SIGINT)
        assert program.end() == (-signal.SIGINT, "stopped with 4\ninterrupted\nstopped with 4\n")
    assert program.errors.endswith("KeyboardInterrupt\n")


@BOTH
def test_a_handler_that_was_there_before_still_runs(number):
    handler = f"""
import os, signal
def mine(number, frame):
    print("handled", number, frame is not None, flush=True)
    os._exit(7)
signal.signal({int(number)}, mine)
"""
    said = f"stopped with 4\nhandled {int(number)} True\n"
    assert run(WAIT_FOR_SIGNAL, first=handler, send=number) == (7, said)


@BOTH
def test_a_process_that_the_signal_was_to_kill_is_killed_by_it(number):
    before = f"import signal\nsignal.signal({int(number)}, signal.SIG_DFL)\n"
    assert run(WAIT_FOR_SIGNAL, first=before, send=number) == (-number, "stopped with 4\n")


@BOTH
def test_an_ignored_signal_stays_ignored(number):
    ignore = f"import signal\nsignal.signal({int(number)}, signal.SIG_IGN)\n"
    look = f"say(signal.getsignal({int(number)}) is signal.SIG_IGN)"
    assert run(look, first=ignore) == (0, "True\nstopped with 4\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of such handlers")
def test_a_handler_outside_of_python_that_python_does_not_know_of_stays():
    register = "import faulthandler, signal\nfaulthandler.register(signal.SIGTERM)\n"
    raise_it = "os.kill(os.getpid(), signal.SIGTERM)\nsay('alive')"
    with Program(raise_it, first=register) as program:
        assert program.end() == (0, "alive\nstopped with 4\n")
    assert "most recent call first" in program.errors


def test_a_handler_outside_of_python_that_python_knows_of_stays():
    """`getsignal` returns None for it; Python code has no way to bring that about."""
    foreign = "import signal\nreal, signal.getsignal = signal.getsignal, lambda _: None\n"
    assert run("say(real(2).__name__, real(15).name)", first=foreign) == (
        0,
        "default_int_handler SIG_DFL\nstopped with 4\n",
    )


ASYNC_APP = """
import asyncio
async def main():
    other = asyncio.create_task(asyncio.sleep(0.05, "served"))
    asyncio.get_running_loop().call_later(0, say, "ready")  # once this task waits
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        say("cancelled")
        if sys.version_info >= (3, 11):
            say("the other task was", await other)
        raise
"""


@pytest.mark.parametrize("when", ["before", "inside"])
def test_asyncio_still_cancels_its_main_task_at_sigint_and_no_other(when):
    """Whether the extension was imported before `asyncio.run` or, as the workers do, inside of it."""
    inside = f"""
async def worker():
    exec({EXTENSION!r}, globals())
    await main()
asyncio.run(worker())
"""
    source, extension = ("asyncio.run(main())", EXTENSION) if when == "before" else (inside, "")
    served = "" if sys.version_info < (3, 11) else "the other task was served\n"
    with Program(ASYNC_APP + source, extension=extension) as program:
        program.says("ready")
        program.send(signal.SIGINT)
        status, said = program.end()
    assert (status, said) == (-signal.SIGINT, f"stopped with 4\ncancelled\n{served}stopped with 4\n")
    assert program.errors.endswith("KeyboardInterrupt\n")


def test_a_second_ctrl_c_stops_at_once():
    source = BLOCKS + "shutdown.GRACE = 60.0\n" + WAIT_FOR_SIGNAL
    with Program(source) as program:
        program.says("ready")
        program.send(signal.SIGINT)
        program.says("stopped with 60")
        program.says("asked")
        program.send(signal.SIGINT)
        status, said = program.end()
    assert (status, said) == (-signal.SIGINT, "stopped with 0\n")


def test_a_handler_that_counts_sees_every_signal():
    """Servers end in order at the first one, and at once at the second."""
    count = """
import os, signal
def count(number, frame):
    print("counted", flush=True)
signal.signal(signal.SIGTERM, count)
"""
    source = BLOCKS + "say('ready')\nsignal.pause()\nsay('went on')\nBlocks.shutdown = lambda timeout: None"
    with Program(source, first=count) as program:
        program.says("ready")
        program.send(signal.SIGTERM)
        program.says("stopped with 4")
        program.says("asked")
        program.send(signal.SIGTERM)
        program.says("counted")
        program.tell()
        program.says("answered")
        assert program.end() == (0, "counted\nwent on\nstopped with 4\n")


def test_a_second_sigterm_changes_nothing_where_nobody_handled_it():
    with Program(BLOCKS + "shutdown.GRACE = 60.0\n" + WAIT_FOR_SIGNAL) as program:
        program.says("ready")
        program.send(signal.SIGTERM)
        program.says("stopped with 60")
        program.says("asked")
        program.send(signal.SIGTERM)
        program.tell()
        assert program.end() == (-signal.SIGTERM, "answered\n")


def test_a_sigterm_after_ctrl_c_is_not_lost():
    """It ends the process once extensions are stopped, also one that lives through a KeyboardInterrupt."""
    source = BLOCKS + "shutdown.GRACE = 60.0\n"
    source += "say('ready')\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    time.sleep(60)"
    with Program(source) as program:
        program.says("ready")
        program.send(signal.SIGINT)
        program.says("stopped with 60")
        program.says("asked")
        program.send(signal.SIGTERM)
        program.tell()
        assert program.end() == (-signal.SIGTERM, "answered\n")


TAKE_IT = """
def take_it(number):
    time.sleep(0.2)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), number)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "waiting", ["threading.Event().wait(60)", "select.epoll().poll(60)", "asyncio.run(asyncio.sleep(60))"]
)
@BOTH
def test_a_signal_that_the_kernel_gives_to_another_thread_is_handled_at_once(waiting, number):
    """A main thread that waits is not woken by it, and Python runs handlers in the main thread only."""
    source = f"""
import asyncio, select
{TAKE_IT}
threading.Thread(target=take_it, args=({int(number)},), daemon=True).start()
{waiting}
"""
    started = monotonic()
    status, said = run(source)
    assert (status, said.splitlines()[0]) == (-number, "stopped with 4")
    assert monotonic() - started < 20


def test_another_handler_is_woken_too_when_another_thread_gets_the_signal():
    source = f"""
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
{TAKE_IT}
threading.Thread(target=take_it, args=(15,), daemon=True).start()
say(ended.wait(20))
"""
    assert run(source) == (0, "True\nstopped with 4\n")


def test_a_handler_that_was_put_in_place_of_ours_gets_the_signal_once():
    source = """
def mine(number, frame):
    say("mine")
signal.signal(signal.SIGTERM, mine)
say("ready")
signal.pause()
time.sleep(0.7)  # as long as the main thread is woken
"""
    assert run(source, send=signal.SIGTERM) == (0, "mine\nstopped with 4\n")


def test_a_handler_that_was_put_in_place_of_ours_may_call_ours():
    source = """
def mine(number, frame):
    say("mine")
    ours(number, frame)
ours = signal.signal(signal.SIGTERM, mine)
"""
    assert run(source + WAIT_FOR_SIGNAL, send=signal.SIGTERM) == (-signal.SIGTERM, "mine\nstopped with 4\n")


def test_a_handler_that_stood_in_for_ours_for_a_while_takes_its_signal_with_it():
    source = """
ours = signal.signal(signal.SIGTERM, lambda *_: say("mine"))
os.kill(os.getpid(), signal.SIGTERM)
signal.signal(signal.SIGTERM, ours)
time.sleep(0.7)  # as long as the main thread is woken
"""
    assert run(source) == (0, "mine\nstopped with 4\n")
