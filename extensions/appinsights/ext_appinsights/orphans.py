"""The segments that nobody has: their processes are gone, or have let go of them."""

from __future__ import annotations

import errno
from time import time
from typing import TYPE_CHECKING

from ext_appinsights.segment import Segment

if TYPE_CHECKING:
    from ext_appinsights import records
    from ext_appinsights.counts import Counts
    from ext_appinsights.folder import Folder

LONGEST_LIFE = 48 * 60 * 60.0
"""Seconds; the service takes nothing that is older (Envelope.bond, time)."""


class FullError(OSError):
    """There is no room, and nothing that could be given up."""


class Orphans:
    """Takes over, gives up and deletes them."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._undeletable: set[str] = set()
        self.tried: set[str] = set()
        """Segments that were put back: those after them come first, or one item could hold up all others for good."""

    def claim(self, folder: Folder) -> tuple[Segment, records.Contents] | None:
        """Take over the oldest segment; what is too old is deleted on the way. None if there is none."""
        try:
            files = folder.files()
        except OSError:
            return None
        for changed, _, name in files:
            found = None if name in self.tried else self._claimed(folder, name)
            if found is None:
                continue
            contents = self._contents(found)
            if time() - changed > LONGEST_LIFE:
                self._give_up(found, contents, "expired")
            elif contents is None or contents.foreign:
                found.close()
            elif not contents.items:
                self._give_up(found, contents, "expired")
            else:
                found.corrupt = contents.corrupt
                found.unsettled = found.held = len(contents.items)
                return found, contents
        if not self.tried:
            return None
        self.tried.clear()
        return self.claim(folder)

    def make_room(self, folder: Folder, size: int, most: int) -> bool:
        """Give up the oldest until all files and `size` bytes more are at most `most`; return whether any was.

        Raises:
            FullError: there was nothing more to give up.

        """
        files = folder.files()
        excess = sum(length for _, length, _ in files) + size - most
        any_given_up = False
        for _, length, name in files:
            if excess <= 0:
                break
            found = self._claimed(folder, name)
            if found is not None and self._give_up(found, self._contents(found), "journal_full"):
                excess -= length
                any_given_up = True
        if excess > 0:
            raise FullError(errno.EDQUOT, "it is full, and other processes have all of it")
        return any_given_up

    def remove(self, settled: Segment) -> None:
        """Delete a segment of which nothing is left."""
        self._counts.drop("corrupt", settled.corrupt)
        if not settled.remove():
            self._undeletable.add(settled.name)
        settled.close()

    def _claimed(self, folder: Folder, name: str) -> Segment | None:
        if name in self._undeletable:
            return None
        try:
            return Segment.claim(folder, name)
        except OSError:
            return None

    @staticmethod
    def _contents(found: Segment) -> records.Contents | None:
        try:
            return found.read()
        except OSError:
            return None

    def _give_up(self, found: Segment, contents: records.Contents | None, reason: str) -> bool:
        """Delete a segment with what is in it; False if it cannot be deleted."""
        removed = contents is not None and found.remove()
        found.close()
        if contents is None or not removed:
            self._undeletable.add(found.name)
            return False
        self._counts.drop(reason, len(contents.items))
        self._counts.drop("corrupt", contents.corrupt)
        return True
