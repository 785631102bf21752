"""One file of a journal, locked for as long as this process has it: the kernel lets go of it when the process ends."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from ext_appinsights import records

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ext_appinsights.folder import Folder

POSSIBLE = fcntl is not None
"""Whether this system has the locks that journals need."""

_ATTEMPTS = 10

_open: set[Segment] = set()
"""All of this process, also those that a thread is just opening."""


class Segment:
    """A file that nobody else touches. Whoever calls its methods holds the channel's lock."""

    __slots__ = ("_folder", "_owed", "corrupt", "descriptor", "held", "name", "size", "unsettled", "usable")

    def __init__(self, folder: Folder, name: str, descriptor: int, size: int) -> None:
        self._folder = folder
        self.name = name
        self.descriptor = descriptor
        self.size = size
        self.unsettled = 0
        """Items in it that are not settled."""
        self.held = 0
        """Those of them that this process has in memory, and may be delivering."""
        self.corrupt = 0
        """Lines in it that cannot be used."""
        self._owed: list[tuple[int, int]] = []
        self.usable = True
        """Whether items can be added: the end of the file is where it should be."""
        _open.add(self)

    @classmethod
    def create(cls, folder: Folder) -> Segment:
        """Make a file and lock it.

        Raises:
            OSError: that did not work.

        """
        for _ in range(_ATTEMPTS):
            name, descriptor = folder.create()
            segment = cls(folder, name, descriptor, 0)
            try:
                # Somebody who looks for orphans may have locked it first, and then deletes it as empty.
                if segment._lock():
                    segment.append(records.HEADER)
                    return segment
            except OSError:
                segment.remove()
                segment.close()
                raise
            segment.close()
        raise OSError(errno.EAGAIN, "new files are taken away")

    @classmethod
    def claim(cls, folder: Folder, name: str) -> Segment | None:
        """Lock the file of a process that is gone, or of one that has let go of it; None if somebody has it.

        Raises:
            OSError: it cannot be opened for writing: then nothing could be noted about what is delivered either.

        """
        segment = cls(folder, name, folder.open(name), 0)
        try:
            if segment._lock():
                segment.size = os.fstat(segment.descriptor).st_size
                return segment
        except OSError:
            segment.close()
            raise
        segment.close()
        return None

    def _lock(self) -> bool:
        """Lock it; False if somebody else has it, or has deleted it. There are file systems without locks: OSError."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return self.is_there()

    def is_there(self) -> bool:
        """Whether nobody has deleted it."""
        return self._folder.holds(self.name, self.descriptor)

    def read(self) -> records.Contents:
        """Return what is in it."""
        with open(self.descriptor, "rb", closefd=False) as file:
            file.seek(0)
            return records.read(file.read())

    def append(self, data: bytes) -> int:
        """Write records; return where they begin. What did not get in whole is taken back.

        Raises:
            OSError: they could not be written.

        """
        begin = self.size
        try:
            written = os.write(self.descriptor, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            self._take_back()
            raise
        self.size = begin + written
        return begin

    def _take_back(self) -> None:
        try:
            os.ftruncate(self.descriptor, self.size)
        except OSError:
            # What comes next must not become part of the torn line.
            self.usable = False

    def settle(self, marks: Iterable[tuple[int, int]]) -> None:
        """Note that items need not be delivered any more; what cannot be written is written with the next ones."""
        self._owed += marks
        if not self._owed:
            return
        data = records.settled(self._owed)
        try:
            if not self.usable:
                os.write(self.descriptor, b"\n" + data)
            else:
                self.append(data)
        except OSError:
            return
        self._owed.clear()

    def empty(self) -> bool:
        """Cut it down to its header; False if that did not work, and only a note about its items can be made."""
        try:
            os.ftruncate(self.descriptor, len(records.HEADER))
        except OSError:
            return False
        self.size = len(records.HEADER)
        self._owed.clear()
        self.usable = True
        return True

    def remove(self) -> bool:
        """Delete it; False if that did not work. It is still to be closed."""
        try:
            self._folder.remove(self.name)
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of it: whoever comes first may take what is left in it."""
        _open.discard(self)
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def close_all() -> None:
    """Close what a forked child has inherited; the locks stay with the parent."""
    for segment in tuple(_open):
        segment.close()
