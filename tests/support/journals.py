"""Journals as processes leave them behind: made by hand, or by a process that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ext_appinsights import ConnectionString, envelope
from ext_appinsights.folder import Folder
from ext_appinsights.packing import lines_of
from ext_appinsights.records import record
from ext_appinsights.segment import Segment

TIME_NS = 1_767_323_045_000_000_000


def line_of(name: str) -> bytes:
    """Return the line of an event."""
    (line,), failure = lines_of(envelope.event(time_ns=TIME_NS, name=name))
    assert failure is None
    return line


def names(items: list[dict]) -> list[str]:
    return [item["data"]["baseData"]["name"] for item in items]


def until(condition: Callable[[], object], patience: float = 20.0) -> None:
    """Wait for the sending thread to do what comes after an answer."""
    for _ in range(int(patience / 0.01)):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come about")


class Journals:
    """What lies in a journal's folder, for one server."""

    def __init__(self, path: Path, connection_string: str) -> None:
        self.path = path
        self.target = ConnectionString.parse(connection_string)

    @property
    def folder(self) -> Path:
        """The folder of this resource."""
        (inner,) = self.path.iterdir()
        return inner

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir()) if self.path.is_dir() and any(self.path.iterdir()) else []

    @property
    def size(self) -> int:
        """Bytes of all files, also while some are being deleted."""
        sizes = []
        for path in self.files:
            with suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
        return sum(sizes)

    @property
    def text(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.files)

    def orphan(self, *names: str, age: float = 0.0) -> Path:
        """Leave a segment with events of these names behind, last changed `age` seconds ago."""
        folder = Folder(str(self.path), self.target)
        segment = Segment.create(folder)
        segment.append(b"".join(record(line_of(name)) for name in names))
        path = self.path / next(self.path.iterdir()).name / segment.name
        segment.close()
        folder.close()
        self.date(path, age)
        return path

    @staticmethod
    def date(path: Path, age: float) -> None:
        changed = path.stat().st_mtime - age
        os.utime(path, (changed, changed))


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, until it ends or kills itself."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
