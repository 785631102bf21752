"""Commands as processes of their own: started, watched, ended, and checked for what they left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PATIENCE = 50.0
"""Seconds until a process that should have done something counts as stuck."""


class Command:
    """A running `azfunc-ext` command in a session of its own, so that a signal reaches it and nobody else."""

    def __init__(self, arguments: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.output: list[str] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ext_devkit", *arguments],
            cwd=folder, env=dict(environment), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """What it has printed so far, on both streams."""
        return "".join(self.output)

    def wait_for(self, words: str) -> str:
        """Return what it has printed, as soon as that has the words in it."""
        with self._changed:
            seen = self._changed.wait_for(lambda: words in self.text or not self._reader.is_alive(), PATIENCE)
        assert seen, f"{words!r} was not printed within {PATIENCE} s:\n{self.text}"
        assert words in self.text, f"It ended without printing {words!r}:\n{self.text}"
        return self.text

    def signal(self, number: int) -> None:
        """Send a signal to it alone."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Return its exit status when it has ended."""
        status = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def left_processes(self) -> bool:
        """Tell whether any process of its session still exists, after it has ended."""
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def close(self) -> None:
        """End it if a test has not."""
        if self._process.poll() is None:
            self._process.kill()
        self.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.output.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


@contextmanager
def command(*arguments: str, folder: Path, **environment: str) -> Iterator[Command]:
    """Run `azfunc-ext` with a HOME and a folder for temporary files of its own, both inside `folder`."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1", "COLUMNS": "160"}
    running = Command(list(arguments), folder, os.environ | own | environment)
    try:
        yield running
    finally:
        running.close()


def is_free(port: int) -> bool:
    """Tell whether a server could be started at a port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def busy_port() -> Iterator[int]:
    """Give the number of a port of loopback that another server has."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]
