"""The folder of a journal: nobody but this user can have put anything there."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_appinsights.connection_string import ConnectionString

SUFFIX = ".journal"
_NEW = os.O_CREAT | os.O_EXCL
# Not every system has all of these, and one without `fcntl` never comes here.
_FILE = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class UnsafeFolderError(OSError):
    """Somebody else could read or change what is kept in the folder."""


class Folder:
    """An open folder. Everything in it is reached through its descriptor, so that nobody can move it aside."""

    def __init__(self, journal: bool | str | os.PathLike[str], target: ConnectionString) -> None:
        """Open it, and make it if there is none.

        Raises:
            OSError: it cannot be opened, or it is not safe.

        """
        self.descriptor = -1
        path = outer_of(journal)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        outer = _opened(path, None)
        try:
            self.descriptor = _opened(_inner(target), outer)
        finally:
            os.close(outer)

    def create(self) -> tuple[str, int]:
        """Make a new file; return its name and its descriptor."""
        name = f"{os.getpid()}-{os.urandom(8).hex()}{SUFFIX}"
        return name, os.open(name, _FILE | _NEW, 0o600, dir_fd=self.descriptor)

    def open(self, name: str) -> int:
        """Open a file that is there."""
        return os.open(name, _FILE | getattr(os, "O_NONBLOCK", 0), dir_fd=self.descriptor)

    def holds(self, name: str, descriptor: int) -> bool:
        """Whether the open file is still the one of that name: somebody may have deleted it."""
        try:
            there = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except OSError:
            return False
        return stat.S_ISREG(there.st_mode) and os.path.samestat(there, os.fstat(descriptor))

    def remove(self, name: str) -> None:
        """Delete a file."""
        os.unlink(name, dir_fd=self.descriptor)

    @property
    def exists(self) -> bool:
        """Whether nobody has deleted it."""
        return os.fstat(self.descriptor).st_nlink > 0

    def files(self) -> list[tuple[float, int, str]]:
        """Return (time of the last change, bytes, name) of each segment, oldest first."""
        return sorted(self._files())

    def _files(self) -> Iterator[tuple[float, int, str]]:
        for name in os.listdir(self.descriptor):
            if name.endswith(SUFFIX):
                try:
                    found = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(found.st_mode):
                    yield found.st_mtime, found.st_size, name

    def close(self) -> None:
        """Close the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def outer_of(journal: bool | str | os.PathLike[str]) -> str:
    """Return the path of the folder in which each resource has its own."""
    if not isinstance(journal, bool):
        return os.path.abspath(os.fspath(journal))
    from tempfile import gettempdir

    return os.path.join(gettempdir(), f"azfunc-ext-appinsights-{os.getuid()}")


def _inner(target: ConnectionString) -> str:
    from hashlib import sha256

    where = target.instrumentation_key.lower() + target.ingestion_endpoint
    return sha256(where.encode("utf-8", "replace")).hexdigest()[:16]


def _opened(path: str, within: int | None) -> int:
    """Open a folder for this user alone, and make it if there is none."""
    try:
        os.mkdir(path, 0o700, dir_fd=within)
    except FileExistsError:
        pass
    descriptor = os.open(path, os.O_RDONLY | _FOLDER, dir_fd=within)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.getuid():
            raise UnsafeFolderError(f"{os.path.basename(path)} belongs to another user")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UnsafeFolderError(f"{os.path.basename(path)} can be written to by others")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
