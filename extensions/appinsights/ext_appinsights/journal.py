"""What a channel keeps on disk: the items that are not settled yet, for whoever runs after this process.

Nothing here looks at the wall clock for what this process holds. Whoever calls holds the channel's lock, except for
`claim` and `make_room`, which the sending thread calls without it.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from ext_appinsights import records, segment
from ext_appinsights.folder import Folder, outer_of
from ext_appinsights.orphans import Orphans
from ext_appinsights.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ext_appinsights.connection_string import ConnectionString
    from ext_appinsights.counts import Counts
    from ext_appinsights.options import Options

SEGMENT_BYTES = 1024 * 1024
"""From which size on a process begins a new segment."""

PAUSE = 60.0
"""Seconds in memory only after the journal could not be written."""


class Line(NamedTuple):
    """An item as JSON, and where the journal has it, if it does."""

    text: bytes
    segment: Segment | None = None
    offset: int = 0


_line: Callable[[tuple[bytes, Segment | None, int]], Line] = partial(tuple.__new__, Line)
"""The same, for a third of the cost."""


def only_in_memory(text: bytes) -> Line:
    """Return a line that no journal has."""
    return _line((text, None, 0))


def journal_for(target: ConnectionString, options: Options, counts: Counts) -> Journal | None:
    """Return the journal that the options ask for; it opens nothing yet."""
    if options.journal is False:
        return None
    if not segment.POSSIBLE:
        logging.getLogger("ext_appinsights").debug("There are no file locks here: items are kept in memory only.")
        return None
    return Journal(target, options, counts)


class Journal:
    """The segments that this process has, and the way to those that nobody has."""

    def __init__(self, target: ConnectionString, options: Options, counts: Counts) -> None:
        self.troubles: deque[tuple[str, str]] = deque()
        """Kind and text of what the sending thread is to say."""
        self._target = target
        self._options = options
        self._segment_bytes = min(SEGMENT_BYTES, max(1, options.journal_max_bytes // 4))
        self._folder: Folder | None = None
        self._current: Segment | None = None
        self._held: list[Segment] = []
        self._orphans = Orphans(counts)
        self.crowded = False
        """Whether the sending thread should see to room for the next segment."""
        self._has_looked = self._has_room = False
        self._looking = Lock()
        """Held by whoever makes room: two would take the same files for somebody else's."""
        self.off_until = 0.0
        """When to try again what did not work, by the monotonic clock; 0 if it works."""

    @property
    def works(self) -> bool:
        """Whether writing is worth an attempt."""
        return not self.off_until or monotonic() >= self.off_until

    def write(self, lines: list[bytes]) -> list[Line]:
        """Write lines, and return them with their places; without, if they could not be written."""
        kept: list[Line] = []
        if self.works:
            try:
                self._write(lines, kept)
                self.off_until = 0.0
            except OSError as error:
                self._fail(error)
        if len(kept) < len(lines):
            kept += [Line(line) for line in lines[len(kept) :]]
        return kept

    def write_one(self, line: bytes) -> Line:
        """Write a single line, and return it with its place."""
        current = self._current
        size = len(line) + records.OVERHEAD
        if self.off_until or current is None or not current.usable or current.size + size > self._segment_bytes:
            return self.write([line])[0]
        try:
            offset = current.append(b"%08x %b\n" % (crc32(line), line))  # a record, without the call
        except OSError as error:
            self._fail(error)
            return Line(line)
        current.unsettled += 1
        current.held += 1
        if not self._has_looked and 2 * offset > self._segment_bytes:
            self.crowded = True
        return _line((line, current, offset))

    def _write(self, lines: list[bytes], kept: list[Line]) -> None:
        size = sum(map(len, lines)) + len(lines) * records.OVERHEAD
        if size <= self._segment_bytes or len(lines) == 1:
            self._append(lines, size, kept)
        else:
            middle = len(lines) // 2
            self._write(lines[:middle], kept)
            self._write(lines[middle:], kept)

    def _append(self, batch: list[bytes], size: int, kept: list[Line]) -> None:
        current = self._current
        if current is None or not current.usable or (current.unsettled and current.size + size > self._segment_bytes):
            current = self._next(size)
        offset = current.append(b"".join([records.record(line) for line in batch]))
        current.unsettled += len(batch)
        current.held += len(batch)
        if not self._has_looked and 2 * offset > self._segment_bytes:
            self.crowded = True
        for line in batch:
            kept.append(Line(line, current, offset))
            offset += len(line) + records.OVERHEAD

    def _next(self, size: int) -> Segment:
        """Begin a segment."""
        before, self._current = self._current, None
        if before is not None:
            self._tidy(before)
        folder = self._open()
        room = max(size + len(records.HEADER), self._segment_bytes)
        if room > self._segment_bytes:
            with self._looking:
                self._make_room(folder, room)
        elif not self._has_room and self._looking.acquire(blocking=False):  # else the thread is just about it
            try:
                self._make_room(folder, room)
            finally:
                self._looking.release()
        self._has_looked = self._has_room = False
        self._current = Segment.create(folder)
        self._held.append(self._current)
        return self._current

    def make_room(self) -> None:
        """See in time to room for the next segment, so that no caller has to look through a long folder."""
        folder, self.crowded, self._has_looked = self._folder, False, True
        if folder is None:
            return
        with self._looking:
            try:
                # What is written to the current one until then takes room as well, at most half of it.
                self._make_room(folder, self._segment_bytes + self._segment_bytes // 2)
                self._has_room = True
            except OSError:  # who needs it comes upon that, too
                pass

    def _make_room(self, folder: Folder, room: int) -> None:
        if self._orphans.make_room(folder, room, self._options.journal_max_bytes):
            self.troubles.append(("journal full", f"{self._name()} is full; the oldest items in it are dropped."))

    def _open(self) -> Folder:
        if self._folder is not None and not self._folder.exists:
            self._folder.close()
            self._folder = None
        if self._folder is None:
            self._folder = Folder(self._options.journal, self._target)
        return self._folder

    def _fail(self, error: OSError) -> None:
        self.off_until = monotonic() + PAUSE
        reason = error.strerror or str(error)
        what = f"{self._name()} cannot be written ({reason}); items are kept in memory only until it can."
        self.troubles.append(("journal", what))

    def _name(self) -> str:
        try:
            return f"the journal in {outer_of(self._options.journal)}"
        except OSError:  # there is no temporary folder, or no working directory for a path that is relative
            return "the journal"

    def settle(self, lines: Iterable[Line]) -> None:
        """Note that these need not be delivered any more."""
        marks: dict[Segment, list[tuple[int, int]]] = {}
        for line in lines:
            if line.segment is not None:
                marks.setdefault(line.segment, []).append((line.offset, len(line.text)))
        for held, places in marks.items():
            held.unsettled -= len(places)
            held.held -= len(places)
            if held.unsettled or not self._finish(held):
                held.settle(places)
            self._tidy(held)

    def let_go(self, lines: Iterable[Line]) -> None:
        """Leave these to the journal: this process has them no longer."""
        for line in lines:
            if line.segment is not None:
                line.segment.held -= 1
                if not line.segment.held:
                    self._tidy(line.segment)

    def give_back(self, lines: Iterable[Line]) -> None:
        """Leave what was taken over from others to whoever comes next; here, after everything else."""
        lines = list(lines)
        self._orphans.tried.update(line.segment.name for line in lines if line.segment is not None)
        self.let_go(lines)

    def release_current(self, held: Segment) -> None:
        """Write nothing more to this segment."""
        if held is self._current:
            self._current = None

    def _finish(self, held: Segment) -> bool:
        """Take all items off the disk at once; False if that did not work, and they must be marked."""
        return held.empty() if held is self._current else held.remove()

    def _tidy(self, held: Segment) -> None:
        """Let go of a segment that this process has no use for."""
        if held is self._current or held.held or held not in self._held:
            return
        self._held.remove(held)
        if not held.unsettled:
            self._orphans.remove(held)
        else:
            held.settle(())
        held.close()

    def claim(self) -> list[Line]:
        """Take over what a process that is gone has left, oldest first; return what is to be delivered of it."""
        found = None if self._folder is None else self._orphans.claim(self._folder)
        if found is None:
            return []
        taken, contents = found
        self._held.append(taken)
        return [Line(text, taken, offset) for offset, text in contents.items]

    def look(self) -> None:
        """Make sure that there is a folder, and that what is written goes to a file that others will find."""
        current = self._current
        if current is not None and not current.is_there():
            self._current = None
            self._tidy(current)
        try:
            self._open()
        except OSError as error:
            self._fail(error)

    def rest(self) -> None:
        """Delete the segment that is being written, if nothing is left in it; the next item begins another one."""
        current = self._current
        if current is not None and not current.unsettled:
            self._current = None
            self._tidy(current)
            self._has_room = True  # what that one had

    def close(self) -> None:
        """Let go of everything; what is not settled is there for the next process."""
        self._current = None
        for held in tuple(self._held):
            held.held = 0
            self._tidy(held)
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def abandon(self) -> None:
        """Close what a child inherited; the locks stay with the parent."""
        segment.close_all()
        if self._folder is not None:
            self._folder.close()
