"""The end of the interpreter: every extension is stopped, and all of it stays within its time."""

from __future__ import annotations

import signal
import sys
import textwrap
from time import monotonic

import pytest

from ext_sdk import shutdown
from tests.support.programs import BLOCKS, EXTENSION, WAIT_FOR_SIGNAL, Program, run


def test_extensions_are_stopped_at_interpreter_exit():
    assert run() == (0, "stopped with 4\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_whose_extensions_have_nothing_to_deliver_keeps_its_signals_as_they_are(number):
    source = f"""
import signal, threading
before = signal.getsignal({int(number)})
from ext_sdk import AppExtension
class Mine(AppExtension):
    pass
print(signal.getsignal({int(number)}) is before, threading.active_count())
"""
    with Program(source, extension="") as program:
        assert program.end() == (0, "True 1\n")


def test_a_process_with_extensions_switched_off_keeps_its_signals_and_stops_nothing():
    off = "import os\nos.environ['PYTHON_ENABLE_WORKER_EXTENSIONS'] = 'false'\n"
    look = "say([signal.getsignal(n).name for n in (2, 15) if n == 15], signal.getsignal(2).__name__)"
    assert run(look, first=off) == (0, "['SIG_DFL'] default_int_handler\n")


def test_an_extension_first_imported_in_a_thread_does_not_fail_there():
    source = "import threading\ndef work():\n" + textwrap.indent(EXTENSION, "    ")
    source += "\nt = threading.Thread(target=work); t.start(); t.join()"
    with Program(source, extension="") as program:
        assert program.end() == (0, "stopped with 4\n")


def test_a_shutdown_that_does_not_end_holds_up_the_exit_for_its_time_only():
    """Also on Python 3.12, which starts no thread any more then."""
    with Program(BLOCKS + "shutdown.GRACE = 0.5") as program:
        program.says("stopped with 0")
        program.says("asked")
        assert program.end() == (0, "")


def test_a_flush_that_the_app_asks_for_at_exit_is_in_time_as_well():
    source = BLOCKS + "import atexit\natexit.register(lambda: say(flush(0.3)))\nshutdown.GRACE = 0.5"
    with Program(source) as program:
        status, said = program.end()
    assert (status, said.splitlines()[:3]) == (0, ["stopped with 0", "asked", "False"])


def test_a_flush_inside_a_shutdown_at_exit_does_not_wait_for_itself():
    source = """
class Flushes(AppExtension):
    @classmethod
    def shutdown(cls, timeout):
        say("nested", flush(20.0))
"""
    assert run(source) == (0, "stopped with 4\nstopped with 20\nnested True\n")


def test_where_no_thread_is_parked_extensions_are_stopped_all_the_same():
    """Somebody who is woken by signals already stays so."""
    before = """
import signal, socket
ours, theirs = socket.socketpair()
theirs.setblocking(False)
signal.set_wakeup_fd(theirs.fileno())
"""
    look = "say(signal.set_wakeup_fd(-1) == theirs.fileno(), threading.active_count())"
    assert run(look, first=before) == (0, "True 1\nstopped with 4\n")


def test_the_exit_after_a_signal_does_not_wait_once_more_for_what_hangs():
    """The others get their turn in what is left, and half a second in any case."""
    source = (
        BLOCKS
        + """
class Later(AppExtension):
    order = 1
    @classmethod
    def shutdown(cls, timeout):
        say("later has some time:", 0 < timeout <= 0.5)
shutdown.GRACE = 1.0
"""
        + WAIT_FOR_SIGNAL
    )
    with Program(source) as program:
        program.says("ready")
        program.send(signal.SIGINT)
        program.says("stopped with 1")
        program.says("asked")
        assert program.end() == (-signal.SIGINT, "stopped with 0\nlater has some time: True\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_failure_that_cannot_be_logged_costs_no_other_extension_its_turn():
    """The signal came while the main thread was writing to the log."""
    source = """
import logging
class Fails(AppExtension):
    order = -1
    @classmethod
    def shutdown(cls, timeout):
        raise ValueError
shutdown.GRACE = 0.5
handler = logging.StreamHandler()
logging.getLogger("ext_sdk").addHandler(handler)
handler.acquire()
"""
    assert run(source + WAIT_FOR_SIGNAL, send=signal.SIGTERM) == (-signal.SIGTERM, "stopped with 0\n")


@pytest.mark.parametrize(("ago", "left"), [(0.0, 4.0), (3.0, 1.0), (4.5, 0.5), (7.5, 0.5), (100.0, 4.0)])
def test_an_exit_gets_what_the_signal_that_led_to_it_has_left(monkeypatch, ago, left):
    monkeypatch.setattr(shutdown, "_end", monotonic() - ago + shutdown.GRACE)
    assert shutdown._seconds_at_exit() == pytest.approx(left, abs=0.3)


def test_a_sigterm_during_the_exit_ends_the_process_after_the_last_delivery():
    with Program(BLOCKS + "shutdown.GRACE = 60.0") as program:
        program.says("stopped with 60")
        program.says("asked")
        program.send(signal.SIGTERM)
        program.tell()
        assert program.end() == (-signal.SIGTERM, "answered\n")


def test_ctrl_c_during_the_exit_ends_it_at_once():
    with Program(BLOCKS + "shutdown.GRACE = 60.0") as program:
        program.says("stopped with 60")
        program.says("asked")
        program.send(signal.SIGINT)
        assert program.end()[1] == ""
    assert "KeyboardInterrupt" in program.errors


def test_a_pytest_run_with_an_extension_stops_at_ctrl_c(tmp_path):
    test = tmp_path / "test_it.py"
    test.write_text(EXTENSION + "\ndef test_it():\n    say('ready')\n    time.sleep(60)\n", "utf-8")
    source = f"import pytest, sys\nsys.exit(pytest.main(['-qs', '-p', 'no:cacheprovider', {str(test)!r}]))"
    with Program(source, extension="") as program:
        program.says("ready")
        program.send(signal.SIGINT)
        status, said = program.end()
    assert status == 2
    assert "stopped with 4\n" in said
    assert "KeyboardInterrupt" in said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_signals_are_watched_from_the_first_import_in_the_main_thread_on():
    source = "import threading\ndef work():\n" + textwrap.indent(EXTENSION, "    ")
    source += "\nt = threading.Thread(target=work); t.start(); t.join()"
    source += "\nimport time\nfrom ext_sdk import AppExtension\nclass Other(AppExtension):\n    pass\n"
    source += "print('ready', flush=True)\ntime.sleep(60)"
    with Program(source, extension="") as program:
        program.says("ready")
        program.send(signal.SIGTERM)
        assert program.end() == (-signal.SIGTERM, "stopped with 4\n")
