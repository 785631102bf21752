"""Waiting that a signal ends, whichever thread the kernel gives the signal to."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import signal, threading, time
from ext_devkit.waiting import wait_for

ended = threading.Event()
signal.signal(signal.SIGINT, lambda *_: ended.set())

def take_it():
    time.sleep(0.2)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    time.sleep(60)

threading.Thread(target=take_it, daemon=True).start()
wait_for(ended)
print("ended")
"""


def test_a_signal_that_another_thread_gets_ends_the_wait():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "ended\n"
