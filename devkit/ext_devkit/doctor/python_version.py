"""Which Python the app is for: what was asked, what its files say, or else the one that runs the doctor."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY_RUNTIMES = (3, 13)
"""From this version on the worker calls a runtime that knows no extension hooks."""

_IN_FILES = (
    ("Dockerfile", re.compile(r"^FROM\s+\S*azure-functions/python:\S*?python(\d+)\.(\d+)", re.MULTILINE)),
    (".python-version", re.compile(r"^(?:cpython-)?(\d+)\.(\d+)", re.MULTILINE)),
    (".venv/pyvenv.cfg", re.compile(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", re.MULTILINE)),
)


@dataclass(frozen=True)
class AppPython:
    """A version of Python, and where it is from."""

    version: tuple[int, int]
    source: str

    @property
    def runs_hooks(self) -> bool:
        """Whether its worker calls the official hooks."""
        return self.version < LIBRARY_RUNTIMES

    def __str__(self) -> str:
        return f"Python {self.version[0]}.{self.version[1]}"


def find_python(app: Path, asked: tuple[int, int] | None) -> AppPython:
    """Return the version that was asked for, else the one that a file of the app names, else this one."""
    if asked is not None:
        return AppPython(asked, "--python")
    for name, pattern in _IN_FILES:
        path = app / name
        if path.is_file() and (found := pattern.search(path.read_text("utf-8", errors="replace"))):
            return AppPython((int(found[1]), int(found[2])), name)
    return AppPython(sys.version_info[:2], "the one that runs azfunc-ext")
