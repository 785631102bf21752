"""`GET /api/live`: what is stored, as it is stored, and each second's numbers (server-sent events, WHATWG HTML 9.2)."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from contextlib import suppress
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.analysis.window import stored
from ext_devkit.insights.api.resource import without_empty
from ext_devkit.insights.store.reader import decode
from ext_devkit.insights.store.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ext_devkit.insights.store.store import Store
    from ext_devkit.insights.store.writer import Rows

MEDIA_TYPE = "text/event-stream"
MOST_STREAMS = 16
MOST_A_SECOND = 200
"""Items that a stream gets in a second; it is told how many more there were."""

SECOND = 1.0
COUNTED = ("requests", "dependencies", "exceptions", "traces")
ITEM_TYPES = {table: "dependency" if table == "dependencies" else table.removesuffix("s") for table in COLUMNS}


class TooManyStreamsError(Exception):
    """There is no room for one more."""


class Stream:
    """One client: what waits for it, and what it is told of each second."""

    def __init__(self, tables: Sequence[str]) -> None:
        self._tables = frozenset(tables)
        self.waiting: deque[tuple[str, Sequence[Any]]] = deque(maxlen=MOST_A_SECOND)
        self.dropped = 0
        self.numbers: Counter[str] = Counter()
        self.spent = 0.0

    def add(self, committed: Sequence[Rows]) -> None:
        """Take what was committed; called in the event loop."""
        for rows in committed:
            for table, some in rows.items():
                self._count(table, some)
                if not self._tables or table in self._tables:
                    self.dropped += max(len(self.waiting) + len(some) - MOST_A_SECOND, 0)
                    self.waiting.extend((table, row) for row in islice(some, max(len(some) - MOST_A_SECOND, 0), None))

    def _count(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        if table in COUNTED:
            self.numbers[table] += len(rows)
        if table == "requests":
            success, duration = (COLUMNS[table].index(column) for column in ("success", "duration"))
            self.numbers["failed"] += sum(not row[success] for row in rows)
            self.spent += sum(row[duration] for row in rows)

    def take(self) -> list[str]:
        """Return the events of the second that is over."""
        events = []
        if self.waiting:
            items = [_item(table, row) for table, row in self.waiting]
            self.waiting.clear()
            events.append(event("items", {"items": items} | ({"dropped": self.dropped} if self.dropped else {})))
        requests = self.numbers["requests"]
        rate = {name: self.numbers[name] for name in (*COUNTED, "failed")}
        mean = {"mean_ms": self.spent / requests if requests else None}
        events.append(event("rate", {"t": stored(datetime.now(timezone.utc))} | rate | mean))
        self.dropped, self.spent = 0, 0.0
        self.numbers.clear()
        return events


class Live:
    """All streams of a server; it listens to the store as long as there is one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._streams: set[Stream] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    def close(self) -> None:
        """End all streams; called in the event loop."""
        self._ended.set()

    def open(self, tables: Sequence[str]) -> Stream:
        """Return a new stream; raise TooManyStreamsError if there are too many."""
        if len(self._streams) >= MOST_STREAMS:
            raise TooManyStreamsError
        stream = Stream(tables)
        self._loop = asyncio.get_running_loop()
        if not self._streams:
            self._store.subscribe(self._committed)
        self._streams.add(stream)
        return stream

    async def events(self, stream: Stream) -> AsyncIterator[str]:
        """Go through a stream's events until the server or the client ends it."""
        try:
            yield ": the local Application Insights, live\n\n"
            while not self._ended.is_set():
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), SECOND)
                for one in stream.take():
                    yield one
        finally:
            self._streams.discard(stream)
            if not self._streams:
                self._store.unsubscribe(self._committed)

    def _committed(self, committed: Sequence[Rows]) -> None:
        """Hand over to the event loop; called in the writer's thread, which must not wait."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._add, committed)

    def _add(self, committed: Sequence[Rows]) -> None:
        for stream in self._streams:
            stream.add(committed)


def event(name: str, data: Any) -> str:
    """Return one event; JSON in ASCII has no line ends that would end it early."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _item(table: str, row: Sequence[Any]) -> dict[str, Any]:
    found = dict(zip(COLUMNS[table], row, strict=True)) | {"itemType": ITEM_TYPES[table]}
    return without_empty(decode(found))
