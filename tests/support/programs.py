"""A Python program of its own, with an extension that says when it is stopped."""

from __future__ import annotations

import subprocess
import sys
import textwrap

EXTENSION = """
import os, signal, sys, threading, time
from ext_sdk import AppExtension, flush, shutdown

def say(*words):
    # Not print(): a signal may come while the main thread holds the lock of sys.stdout, for which others then wait.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

class Mine(AppExtension):
    @classmethod
    def shutdown(cls, timeout):
        say("stopped with", round(timeout))
"""

WAIT_FOR_SIGNAL = "say('ready')\ntime.sleep(60)\n"

BLOCKS = """
class Blocks(AppExtension):
    @classmethod
    def shutdown(cls, timeout):
        say("asked")
        os.read(0, 1)
        say("answered")
"""
"""An extension that takes its time: until the test says something, whatever its timeout is."""

WAIT = 30


class Program:
    """A running program; a context manager."""

    def __init__(self, source: str = "", *, first: str = "", extension: str = EXTENSION) -> None:
        code = textwrap.dedent(first) + extension + textwrap.dedent(source)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.errors = ""

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:
            pass

    def says(self, line: str) -> None:
        """Wait until the program says this."""
        said = self._process.stdout.readline()
        assert said == f"{line}\n", said or self._process.stderr.read()

    def tell(self) -> None:
        """Let an extension that takes its time go on."""
        self._process.stdin.write(".")
        self._process.stdin.flush()

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait for its end, within half a minute; return its exit status and what else it said."""
        # Not communicate(): that closes its input, for which an extension may wait, and loses what was read ahead.
        status = self._process.wait(WAIT)
        self.errors = self._process.stderr.read()
        print(self.errors, file=sys.stderr)  # pytest shows it where a test fails
        return status, self._process.stdout.read()


def run(source: str = "", *, first: str = "", send: int | None = None) -> tuple[int, str]:
    """Run a program to its end; with `send`, send it that signal once it says that it is ready."""
    with Program(source, first=first) as program:
        if send is not None:
            program.says("ready")
            program.send(send)
        return program.end()
