"""flush() and the end of the process: in time, every extension, whatever one of them does."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from time import monotonic

import pytest

from ext_sdk import AppExtension, flush

EXTENSION = """
import os, signal, sys, time
from ext_sdk import AppExtension

class Mine(AppExtension):
    @classmethod
    def shutdown(cls, timeout):
        print("stopped with", round(timeout), flush=True)
"""


def run(source="", *, first="", send=None):
    """Run a program of its own; with `send`, send it that signal once it says that it is ready."""
    program = subprocess.Popen(
        [sys.executable, "-c", first + textwrap.dedent(EXTENSION) + source], stdout=subprocess.PIPE, text=True
    )
    with program:
        if send is not None:
            assert program.stdout.readline() == "ready\n"
            program.send_signal(send)
        out, _ = program.communicate(timeout=30)
    return program.returncode, out


def test_flush_gives_each_extension_the_seconds_that_are_left():
    seen = []

    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            seen.append(0 < timeout <= 2.0)

    assert flush(2.0) is True
    assert seen == [True]


def test_flush_says_when_an_extension_has_something_left():
    class Mine(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            return False

    assert flush(2.0) is False


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

    assert flush(2.0) is False
    assert seen == ["second"]
    assert "First.shutdown failed" in caplog.text


def test_flush_returns_at_its_deadline_when_an_extension_hangs():
    release = threading.Event()

    class Hangs(AppExtension):
        @classmethod
        def shutdown(cls, timeout):
            release.wait(30)

    started = monotonic()
    try:
        assert flush(0.2) is False
        assert monotonic() - started < 5
    finally:
        release.set()


WAIT_FOR_SIGNAL = "print('ready', flush=True)\ntime.sleep(30)"


def test_extensions_are_stopped_at_interpreter_exit():
    assert run() == (0, "stopped with 4\n")


def test_extensions_are_stopped_on_sigterm_and_the_process_still_dies_of_it():
    assert run(WAIT_FOR_SIGNAL, send=signal.SIGTERM) == (-signal.SIGTERM, "stopped with 4\n")


@pytest.mark.parametrize(
    "waiting", ["threading.Event().wait(30)", "select.epoll().poll(30)", "asyncio.run(asyncio.sleep(30))"]
)
def test_a_sigterm_that_the_kernel_gives_to_another_thread_is_handled_at_once(waiting):
    """A main thread that waits is not woken by it, and Python runs handlers in the main thread only."""
    source = f"""
import asyncio, select, threading
def take_it():
    time.sleep(0.2)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(30)
threading.Thread(target=take_it, daemon=True).start()
{waiting}
"""
    started = monotonic()
    assert run(source) == (-signal.SIGTERM, "stopped with 4\n")
    assert monotonic() - started < 20


def test_a_process_whose_extensions_have_nothing_to_deliver_keeps_its_sigterm_as_it_is():
    source = """
import signal, threading
from ext_sdk import AppExtension
class Mine(AppExtension):
    pass
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, threading.active_count())
"""
    out = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=30, check=True).stdout
    assert out == "True 1\n"


def test_a_handler_that_was_put_in_place_of_ours_gets_the_signal_once():
    source = """
def mine(number, frame):
    print("mine", flush=True)
signal.signal(signal.SIGTERM, mine)
print("ready", flush=True)
signal.pause()
time.sleep(0.5)
"""
    assert run(source, send=signal.SIGTERM) == (0, "mine\nstopped with 4\n")


def test_a_handler_that_stood_in_for_ours_for_a_while_takes_its_signal_with_it():
    source = """
ours = signal.signal(signal.SIGTERM, lambda *_: print("mine", flush=True))
os.kill(os.getpid(), signal.SIGTERM)
signal.signal(signal.SIGTERM, ours)
time.sleep(0.5)
"""
    assert run(source) == (0, "mine\nstopped with 4\n")


def test_another_handler_is_woken_too_when_another_thread_gets_the_signal():
    source = """
import threading
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
def take_it():
    time.sleep(0.2)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(30)
threading.Thread(target=take_it, daemon=True).start()
print(ended.wait(20), flush=True)
"""
    assert run(source) == (0, "True\nstopped with 4\n")


def test_somebody_who_is_woken_by_signals_already_stays_so():
    before = """
import signal, socket
ours, theirs = socket.socketpair()
theirs.setblocking(False)
signal.set_wakeup_fd(theirs.fileno())
"""
    look = "print(signal.set_wakeup_fd(-1) == theirs.fileno())"
    assert run(look, first=before) == (0, "True\nstopped with 4\n")


def test_a_signal_handler_that_was_there_before_still_runs():
    handler = """
import os, signal
def mine(number, frame):
    print("handled", flush=True)
    os._exit(7)
signal.signal(signal.SIGTERM, mine)
"""
    assert run(WAIT_FOR_SIGNAL, first=handler, send=signal.SIGTERM) == (7, "stopped with 4\nhandled\n")


def test_an_ignored_sigterm_stays_ignored():
    ignore = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    look = "print('ignored' if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN else 'watched')"
    assert run(look, first=ignore) == (0, "ignored\nstopped with 4\n")


def test_an_extension_first_imported_in_a_thread_does_not_fail_there():
    source = "import threading\ndef work():\n" + textwrap.indent(EXTENSION, "    ")
    source += "\nt = threading.Thread(target=work); t.start(); t.join()"
    out = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=30, check=True).stdout
    assert out == "stopped with 4\n"


@pytest.mark.parametrize("timeout", [0.0, -1.0])
def test_no_time_at_all_is_no_error(timeout):
    assert flush(timeout) in (True, False)


def test_a_second_sigterm_while_extensions_are_stopped_stops_them_no_second_time():
    source = """
inherited = Mine.shutdown
def again(timeout):
    inherited(timeout)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
    time.sleep(0.5)
Mine.shutdown = again
"""
    assert run("import threading\n" + source + WAIT_FOR_SIGNAL, send=signal.SIGTERM) == (
        -signal.SIGTERM,
        "stopped with 4\n",
    )


def test_sigterm_is_watched_from_the_first_import_in_the_main_thread_on():
    source = "import threading\ndef work():\n" + textwrap.indent(EXTENSION, "    ")
    source += "\nt = threading.Thread(target=work); t.start(); t.join()"
    source += "\nimport time\nfrom ext_sdk import AppExtension\nclass Other(AppExtension):\n    pass\n"
    source += WAIT_FOR_SIGNAL
    program = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    with program:
        assert program.stdout.readline() == "ready\n"
        program.send_signal(signal.SIGTERM)
        out, _ = program.communicate(timeout=30)
    assert (program.returncode, out) == (-signal.SIGTERM, "stopped with 4\n")


def test_a_process_with_extensions_switched_off_keeps_its_sigterm_and_stops_nothing():
    off = "import os\nos.environ['PYTHON_ENABLE_WORKER_EXTENSIONS'] = 'false'\n"
    look = "print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    assert run(look, first=off) == (0, "True\n")
